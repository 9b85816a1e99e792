/**
 * A shard on NATS, with a connection of its own: a reader per partition hands over what arrived, one batch of all partitions at a time goes through the shard,
 * decisions go to the partitions' decision streams. The write-ahead log is the local copy: it makes a restart fast, and history cheap to read.
 *
 * Backpressure: a partition whose effects are not stored yet, or a queue that is full, pauses the reader; JetStream keeps what is not read.
 * A partition that cannot go on (its stream lost records, another node decided otherwise) halts alone.
 */
import {
  SHARD_BATCH_BYTES_MAX,
  SHARD_PENDING_BYTES_MAX,
  TAILS_REFRESH_MS,
  TICK_INTERVAL_MS,
  WAL_SYNC_INTERVAL_MS,
} from '../constants.ts';
import { connectNats } from '../log/jetstream/connection.ts';
import type { JetStreamReader, LogMessage } from '../log/jetstream/reader.ts';
import { StoredDecisions } from '../log/jetstream/stored-decisions.ts';
import { StreamTails } from '../log/jetstream/stream-tails.ts';
import type { Effects } from '../machine/effects.ts';
import { type LogRecord, RecordKind } from '../protocol/record.ts';
import { replyToDecide } from './decide-replier.ts';
import type { HostedPartition } from './hosted-partition.ts';
import { JetStreamLinks } from './jetstream-links.ts';
import type { AppliedPosition, FromShard, NatsShardOptions } from './messages.ts';
import { type HostParts, recoverShard } from './recovery.ts';
import type { Shard } from './shard.ts';
import type { ShardHost } from './shard-host.ts';

interface Arrival {
  readonly partition: number;
  readonly record: LogRecord;
  /** Where the sender awaits the decisions; null if nobody does. */
  readonly replyTo: string | null;
}

interface Waiter {
  readonly positions: readonly AppliedPosition[];
  readonly then: () => void;
}

/** Connects, recovers the shard from its files, and makes it ready to read on from the streams. */
export async function openJetStreamHost(
  parts: HostParts,
  nats: NatsShardOptions,
  post: (message: FromShard) => void,
): Promise<JetStreamHost> {
  const connection = await connectNats({
    servers: nats.servers,
    name: `beckon shard ${parts.options.worker}`,
    ...(nats.credentialsFile === null ? {} : { credentialsFile: nats.credentialsFile }),
    onStatus: (status) =>
      parts.log('warn', { worker: parts.options.worker, status: status.kind }, 'connection to NATS'),
  });
  const links = new JetStreamLinks(
    connection,
    await StoredDecisions.open(connection),
    await StreamTails.open(connection),
    parts.log,
  );
  const shard = await recoverShard(parts, (partition, machine) => links.openEffects(partition, machine));
  return new JetStreamHost(parts, shard, links, post);
}

export class JetStreamHost implements ShardHost {
  readonly shard: Shard;
  onProgress: () => void = () => {};
  readonly #parts: HostParts;
  readonly #links: JetStreamLinks;
  readonly #post: (message: FromShard) => void;
  readonly #readers = new Map<number, JetStreamReader>();
  readonly #paused = new Set<number>();
  readonly #halted = new Set<number>();
  readonly #ticks: NodeJS.Timeout;
  readonly #tails: NodeJS.Timeout;
  readonly #syncs: NodeJS.Timeout;
  #draining = false;
  #waiters: Waiter[] = [];
  #arrivals: Arrival[] = [];
  #arrivedBytes = 0;
  #scheduled = false;

  constructor(parts: HostParts, shard: Shard, links: JetStreamLinks, post: (message: FromShard) => void) {
    this.shard = shard;
    this.#parts = parts;
    this.#links = links;
    this.#post = post;
    links.onStored = (partition) => {
      this.#resumeIfRoom(partition);
      this.onProgress();
    };
    links.onFailed = (partition, error) => this.#halt(partition, error.message);
    this.#ticks = setInterval(() => this.#tick(), TICK_INTERVAL_MS);
    this.#tails = setInterval(() => void links.tails.refresh(shard.partitions.keys()), TAILS_REFRESH_MS);
    this.#syncs = setInterval(() => shard.syncLogInBackground(), WAL_SYNC_INTERVAL_MS);
  }

  /** Every partition goes on behind what it has applied. */
  start(): void {
    for (const hosted of this.shard.partitions.values()) {
      const { partition } = hosted;
      const failed = this.#links.failures.get(partition);
      if (failed !== undefined) this.#halt(partition, failed.message);
      else void this.#open(hosted).catch((error: Error) => this.#halt(partition, error.message));
    }
  }

  /** Records come from the streams: nothing is submitted here. */
  submit(): void {}
  flush(): void {}
  get idle(): boolean {
    return true;
  }

  whenApplied(positions: readonly AppliedPosition[], then: () => void): void {
    if (this.#areApplied(positions)) then();
    else this.#waiters.push({ positions, then });
  }

  lag(partition: number): number {
    const received = this.#readers.get(partition)?.received ?? 0;
    const last = Math.max(received, this.#links.tails.last(partition));
    return Math.max(0, last - this.shard.host(partition).machine.position);
  }

  async drain(): Promise<void> {
    this.#draining = true;
    clearInterval(this.#ticks);
    clearInterval(this.#tails);
    clearInterval(this.#syncs);
    await Promise.all([...this.#readers.values()].map((reader) => reader.close()));
    while (this.#arrivals.length > 0) this.#run();
    await this.#links.settle();
  }

  async close(): Promise<void> {
    this.shard.close();
    await this.#links.close();
  }

  async #open(hosted: HostedPartition): Promise<void> {
    const { partition, machine, checksum } = hosted;
    const reader = await this.#links.openReader(
      partition,
      { seq: machine.position, ts: machine.recordTs, crc: checksum },
      {
        records: (batch) => this.#take(partition, batch),
        caughtUp: () => this.#caughtUp(partition),
        halted: (error) => this.#halt(partition, error.message),
        log: this.#parts.log,
      },
    );
    if (this.#draining || this.#halted.has(partition)) {
      await reader.close();
      return;
    }
    this.#readers.set(partition, reader);
    if (this.#paused.has(partition)) reader.pause();
  }

  /** Everything that was stored when the node started has been handed over; once it is applied, the partition takes tills' requests. */
  #caughtUp(partition: number): void {
    const seq = this.#readers.get(partition)?.received ?? 0;
    this.whenApplied([[partition, seq]], () => {
      if (this.#halted.has(partition) || this.#draining) return;
      this.#links.requests.listen(partition);
      this.#post({ type: 'caughtUp', partition });
    });
  }

  /** It applies nothing more, whatever arrives. */
  #halt(partition: number, reason: string): void {
    if (this.#halted.has(partition)) return;
    this.#halted.add(partition);
    void this.#readers.get(partition)?.close();
    this.#links.requests.stop(partition);
    this.shard.host(partition).halted = true;
    this.#arrivals = this.#arrivals.filter((arrival) => arrival.partition !== partition);
    this.#arrivedBytes = this.#arrivals.reduce((bytes, { record }) => bytes + record.payload.length, 0);
    this.#parts.log('error', { partition, reason }, 'a partition has halted; the others go on');
    this.#post({ type: 'halted', partition, reason });
    this.#wake();
  }

  #take(partition: number, batch: readonly LogMessage[]): void {
    if (this.#halted.has(partition) || this.#draining) return;
    for (const { record, replyTo } of batch) {
      this.#arrivals.push({ partition, record, replyTo });
      this.#arrivedBytes += record.payload.length;
    }
    if (this.#arrivedBytes > SHARD_PENDING_BYTES_MAX) this.#pause(partition);
    this.#schedule();
  }

  /** One batch for all partitions that had something in this turn of the event loop. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run();
      if (this.#arrivals.length > 0) this.#schedule();
    });
  }

  #run(): void {
    if (this.#arrivals.length === 0) return;
    const batch = this.#nextBatch();
    this.shard.run(batch, (arrival, effects) => this.#applied(arrival, effects));
    for (const partition of new Set(batch.map((arrival) => arrival.partition))) {
      if (!this.#links.hasRoom(partition)) this.#pause(partition);
    }
    for (const partition of [...this.#paused]) this.#resumeIfRoom(partition);
    this.#wake();
    this.onProgress();
  }

  /** From the front, up to SHARD_BATCH_BYTES_MAX, at least one. */
  #nextBatch(): Arrival[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#arrivals) {
      if (count > 0 && bytes + record.payload.length > SHARD_BATCH_BYTES_MAX) break;
      bytes += record.payload.length;
      count += 1;
    }
    const batch = this.#arrivals.slice(0, count);
    this.#arrivals = this.#arrivals.slice(count);
    this.#arrivedBytes -= bytes;
    return batch;
  }

  #applied({ partition, record, replyTo }: Arrival, effects: Effects): void {
    if (effects.workspaceError !== null) {
      this.#parts.log('warn', { partition, reason: effects.workspaceError }, 'a workspace record changed nothing');
    }
    if (replyTo !== null) void replyToDecide(this.#links, replyTo, partition, record, effects);
  }

  #pause(partition: number): void {
    if (this.#paused.has(partition)) return;
    this.#paused.add(partition);
    this.#readers.get(partition)?.pause();
  }

  #resumeIfRoom(partition: number): void {
    if (!this.#paused.has(partition) || !this.#links.hasRoom(partition)) return;
    if (this.#arrivedBytes > SHARD_PENDING_BYTES_MAX / 2) return;
    this.#paused.delete(partition);
    this.#readers.get(partition)?.resume();
  }

  #areApplied(positions: readonly AppliedPosition[]): boolean {
    return positions.every(([partition, seq]) => {
      const hosted = this.shard.partitions.get(partition);
      return hosted === undefined || hosted.machine.position >= seq || this.#halted.has(partition);
    });
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const woken = this.#waiters.filter(({ positions }) => this.#areApplied(positions));
    this.#waiters = this.#waiters.filter((waiter) => !woken.includes(waiter));
    for (const { then } of woken) then();
  }

  /**
   * Lets wall-clock time pass for partitions in which nothing happens, so that windows empty themselves for whoever reads them. Named by the position
   * behind which it comes: two nodes that tick the same partition store one.
   */
  #tick(): void {
    if (this.#parts.options.clock !== 'wall') return;
    const now = this.#parts.clock.nowMs();
    for (const { partition, machine, state } of this.shard.partitions.values()) {
      if (state.customers === 0 || now - machine.recordTs < TICK_INTERVAL_MS || this.#halted.has(partition)) continue;
      const messageId = `tick-${partition}-${machine.position}`;
      this.#links.writer
        .append(partition, RecordKind.tick, new Uint8Array(0), { messageId })
        .catch((error: Error) =>
          this.#parts.log('warn', { partition, reason: error.message }, 'a tick was not stored'),
        );
    }
  }
}
