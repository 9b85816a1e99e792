/**
 * A shard: the partitions of one worker, and the loop that takes records through them.
 *
 *   submissions → stamp → write-ahead log, one write and one fdatasync → apply, one by one → decision logs → one message to the main thread
 *
 * Order law: *a record is durable before its effects leave the partition.* run() posts nothing before commit() has returned, and a commit that fails
 * throws: the thread ends with nothing acknowledged, and the process with it.
 */
import type { EmbeddedLog } from '../log/embedded-log.ts';
import { Effects } from '../machine/effects.ts';
import { type LogRecord, RecordKind } from '../protocol/record.ts';
import { assert } from '../stdx/assert.ts';
import type { Clock } from '../stdx/clock.ts';
import type { WriteAheadLog } from '../storage/write-ahead-log.ts';
import { DecisionPacker } from './decision-packer.ts';
import type { HostedPartition } from './hosted-partition.ts';
import {
  type CampaignTally,
  type DecisionBatch,
  type Submission,
  SubmissionKind,
  type SubmissionOutcome,
} from './messages.ts';
import type { ShardMetrics } from './shard-metrics.ts';
import { sumTallies } from './tallies.ts';

/** A submission with its bytes at hand. */
export interface Arrival {
  readonly submission: Submission;
  readonly payload: Uint8Array;
}

export interface Applied {
  readonly outcomes: readonly SubmissionOutcome[];
  readonly decisions: readonly DecisionBatch[];
}

export class Shard {
  readonly partitions: ReadonlyMap<number, HostedPartition>;
  readonly #log: EmbeddedLog;
  readonly #wal: WriteAheadLog;
  readonly #clock: Clock;
  readonly #metrics: ShardMetrics;
  readonly #effects = new Effects();

  constructor(
    partitions: ReadonlyMap<number, HostedPartition>,
    log: EmbeddedLog,
    wal: WriteAheadLog,
    clock: Clock,
    metrics: ShardMetrics,
  ) {
    this.partitions = partitions;
    this.#log = log;
    this.#wal = wal;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Takes a batch of submissions all the way. What it returns may be told to anyone. */
  run(arrivals: readonly Arrival[]): Applied {
    const records = this.#makeDurable(arrivals);
    const outcomes: SubmissionOutcome[] = [];
    const packers = new Map<number, DecisionPacker>();
    arrivals.forEach(({ submission }, index) => {
      const record = records[index] as LogRecord;
      const partition = this.host(submission.partition);
      this.#apply(partition, record);
      outcomes.push(this.#outcomeOf(submission));
      if (this.#effects.decisions.length === 0) return;
      let packer = packers.get(submission.partition);
      if (packer === undefined) {
        packer = new DecisionPacker(submission.partition);
        packers.set(submission.partition, packer);
      }
      packer.add(this.#effects.decisions);
      this.#metrics.decisionLatency.observe(Math.max(0, this.#clock.nowMs() - record.ts) / 1000);
    });
    for (const partition of new Set(arrivals.map((arrival) => arrival.submission.partition)))
      this.host(partition).flushEffects();
    this.#metrics.countEvents(this.#effects.eventCounts);
    return { outcomes, decisions: [...packers.values()].map((packer) => packer.batch()) };
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

  exposeMetrics(): void {
    this.#metrics.exposeCampaigns(sumTallies(this.tallies()));
    for (const { partition, state } of this.partitions.values())
      this.#metrics.exposePartition(partition, state.customers, state.memoryBytes);
  }

  close(): void {
    for (const partition of this.partitions.values()) partition.close();
    this.#wal.close();
  }

  #makeDurable(arrivals: readonly Arrival[]): LogRecord[] {
    const records = arrivals.map(({ submission, payload }) => {
      const kind = submission.kind === SubmissionKind.workspace ? RecordKind.workspace : RecordKind.events;
      const record = this.#log.stamp(submission.partition, kind, payload);
      this.#wal.append(submission.partition, record.seq, record.ts, record.kind, record.payload);
      return record;
    });
    const start = this.#clock.monotonicMs();
    this.#metrics.walBytes.add(this.#wal.commit());
    this.#metrics.walFsync.observe((this.#clock.monotonicMs() - start) / 1000);
    return records;
  }

  #apply(partition: HostedPartition, record: LogRecord): void {
    const start = this.#clock.monotonicMs();
    partition.apply(record, this.#effects);
    this.#metrics.apply.observe((this.#clock.monotonicMs() - start) / 1000);
  }

  #outcomeOf(submission: Submission): SubmissionOutcome {
    const { accepted, repeated, rejections, decisions, repeatedOf, workspaceError } = this.#effects;
    const original = submission.kind === SubmissionKind.decide ? repeatedOf[0] : undefined;
    return {
      ticket: submission.ticket,
      accepted: accepted + repeated,
      repeated,
      rejections: [...rejections],
      decisions: submission.kind === SubmissionKind.decide ? decisions.map((decision) => decision.json) : [],
      originalFirst: original?.first ?? 0,
      originalCount: original?.count ?? 0,
      workspaceError,
    };
  }
}
