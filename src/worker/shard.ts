/**
 * A shard: the partitions of one worker, and the way of a record through them, whatever log it comes from.
 *
 *   write-ahead log, one write and one fdatasync for the batch → apply, one by one → effects
 *
 * Order law: *a record is durable before its effects leave the partition.* Nothing is flushed or told before commit() has returned, and a commit that
 * fails throws: the thread ends with nothing acknowledged, and the process with it. Records that come from JetStream are durable there: the write-ahead log is
 * their copy, written with the batch and synced behind it.
 */
import { WAL_UNSYNCED_BYTES } from '../constants.ts';
import { Effects } from '../machine/effects.ts';
import type { LogRecord } from '../protocol/record.ts';
import { assert } from '../stdx/assert.ts';
import type { Clock } from '../stdx/clock.ts';
import type { WriteAheadLog } from '../storage/write-ahead-log.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { CampaignTally } from './messages.ts';
import type { ShardMetrics } from './shard-metrics.ts';
import { sumTallies } from './tallies.ts';

/** How effects.fillError is told. */
export const FILL_FAILED = 'new aggregates are not being filled from history any more';

export interface PartitionRecord {
  readonly partition: number;
  readonly record: LogRecord;
}

export class Shard {
  readonly partitions: ReadonlyMap<number, HostedPartition>;
  readonly #wal: WriteAheadLog;
  /** Records are durable before they come here. */
  readonly #durableElsewhere: boolean;
  readonly #wallClock: boolean;
  readonly #clock: Clock;
  readonly #metrics: ShardMetrics;
  readonly #effects = new Effects();

  constructor(
    partitions: ReadonlyMap<number, HostedPartition>,
    wal: WriteAheadLog,
    durableElsewhere: boolean,
    wallClock: boolean,
    clock: Clock,
    metrics: ShardMetrics,
  ) {
    this.partitions = partitions;
    this.#wal = wal;
    this.#durableElsewhere = durableElsewhere;
    this.#wallClock = wallClock;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /**
   * Takes a batch all the way. `onApplied` is called after each record, in order, with its effects, which the next record overwrites; what it gathers may be told
   * to others once this returns.
   */
  run<Item extends PartitionRecord>(batch: readonly Item[], onApplied: (item: Item, effects: Effects) => void): void {
    this.#keep(batch);
    let startMs = this.#clock.monotonicMs();
    const last = new Map<number, LogRecord>();
    for (const item of batch) {
      this.#apply(item);
      const endMs = this.#clock.monotonicMs();
      this.#metrics.apply.observe((endMs - startMs) / 1000);
      startMs = endMs;
      onApplied(item, this.#effects);
      last.set(item.partition, item.record);
    }
    for (const [partition, record] of last) {
      const hosted = this.host(partition);
      hosted.passed(record);
      hosted.effects.flush();
      hosted.outbox.flush();
    }
    this.#metrics.countEvents(this.#effects.eventCounts);
  }

  host(partition: number): HostedPartition {
    const hosted = this.partitions.get(partition);
    assert(hosted, `partition ${partition} is hosted here`);
    return hosted;
  }

  /** The books of every partition here, not yet summed. */
  tallies(): CampaignTally[] {
    return [...this.partitions.values()].flatMap(({ machine }) => machine.campaigns());
  }

  /** How much of the log is written; once `loggedUpTo` has come so far, all of it is durable. */
  get logged(): number {
    return this.#wal.writtenBytes;
  }

  get loggedUpTo(): number {
    return this.#wal.durableBytes;
  }

  /** Makes the log durable as far as it is written. */
  syncLog(): void {
    this.#wal.sync();
  }

  /** The same without waiting; a failure ends the thread. */
  syncLogInBackground(): void {
    const start = this.#clock.monotonicMs();
    this.#wal.syncInBackground(() => this.#metrics.walFsync.observe((this.#clock.monotonicMs() - start) / 1000));
  }

  exposeMetrics(lag: (partition: number) => number): void {
    this.#metrics.exposeCampaigns(sumTallies(this.tallies()));
    this.#metrics.exposeTotals([...this.partitions.values()].map(({ machine }) => machine.totals));
    for (const { partition, state } of this.partitions.values())
      this.#metrics.exposePartition(partition, state.customers, state.memoryBytes, lag(partition));
  }

  close(): void {
    for (const { effects, outbox } of this.partitions.values()) {
      effects.close();
      outbox.close();
    }
    this.#wal.close();
  }

  #keep(batch: readonly PartitionRecord[]): void {
    for (const { partition, record } of batch) {
      this.#wal.append(partition, record.seq, record.ts, record.kind, record.payload);
    }
    if (this.#durableElsewhere) {
      this.#metrics.walBytes.add(this.#wal.write());
      if (this.logged - this.loggedUpTo >= WAL_UNSYNCED_BYTES) this.syncLogInBackground();
      return;
    }
    const start = this.#clock.monotonicMs();
    this.#metrics.walBytes.add(this.#wal.commit());
    this.#metrics.walFsync.observe((this.#clock.monotonicMs() - start) / 1000);
  }

  #apply({ partition, record }: PartitionRecord): void {
    this.host(partition).apply(record, this.#effects);
    const { decisions, messages, messagesTaken, fired } = this.#effects;
    if (messages.length > 0) this.#metrics.messagesSent.add(messages.length);
    if (messagesTaken > 0) this.#metrics.messagesTaken.add(messagesTaken);
    // Due times of the event clock are no times of this one.
    if (this.#wallClock) this.#metrics.countFired(fired, this.#clock.nowMs());
    if (decisions.length > 0) {
      this.#metrics.decisionLatency.observe(Math.max(0, this.#clock.nowMs() - record.ts) / 1000);
    }
  }
}
