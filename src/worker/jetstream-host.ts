/**
 * A shard on NATS, with a connection of its own: a reader per partition hands over what arrived, one batch of all partitions at a time goes through the shard,
 * decisions go to the partitions' decision streams. The write-ahead log is the local copy: it makes a restart fast, and history cheap to read.
 *
 * What partitions say to each other goes into the receivers' streams.
 *
 * Backpressure: a partition whose effects or messages are not stored yet, or a queue that is full, pauses the reader; JetStream keeps what is not read.
 * A partition that cannot go on (its stream lost records, another node decided otherwise) halts alone.
 */
import {
  SHARD_BATCH_BYTES_MAX,
  SHARD_PENDING_BYTES_MAX,
  TAILS_REFRESH_MS,
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
import { FILL_FAILED, type Shard } from './shard.ts';
import type { ShardHost } from './shard-host.ts';
import { StreamTicks } from './stream-ticks.ts';

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
  onGathered: () => void = () => {};
  readonly #parts: HostParts;
  readonly #links: JetStreamLinks;
  readonly #post: (message: FromShard) => void;
  readonly #readers = new Map<number, JetStreamReader>();
  readonly #paused = new Set<number>();
  readonly #halted = new Set<number>();
  /** null: under the event clock time passes with events alone. */
  readonly #ticks: StreamTicks | null;
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
    links.onStored = (partition) => this.#stored(partition);
    links.onFailed = (partition, error) => this.#halt(partition, error.message);
    this.#ticks = parts.options.clock === 'wall' ? this.#newTicks() : null;
    this.#tails = setInterval(() => void links.tails.refresh(shard.partitions.keys()), TAILS_REFRESH_MS);
    this.#syncs = setInterval(() => shard.syncLogInBackground(), WAL_SYNC_INTERVAL_MS);
  }

  /** Every partition goes on behind what it has applied. */
  start(): void {
    const { writer } = this.#links;
    for (const hosted of this.shard.partitions.values()) {
      const { partition, outbox } = hosted;
      const failed = this.#links.failures.get(partition);
      if (failed !== undefined) {
        this.#halt(partition, failed.message);
        continue;
      }
      outbox.start(
        async (to, payload, messageId) => void (await writer.append(to, RecordKind.message, payload, { messageId })),
        () => this.#stored(partition),
      );
      void this.#open(hosted).catch((error: Error) => this.#halt(partition, error.message));
    }
  }

  /** Records come from the streams: nothing is submitted here, and messages go there, too. */
  submit(): void {}
  flush(): void {}
  delivered(): void {}
  async settle(): Promise<void> {}
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
    this.#ticks?.stop();
    clearInterval(this.#tails);
    clearInterval(this.#syncs);
    await Promise.all([...this.#readers.values()].map((reader) => reader.close()));
    while (this.#arrivals.length > 0) this.#run();
    const outboxes = [...this.shard.partitions.values()].map(({ outbox }) => outbox);
    await this.#links.settle(() => outboxes.every(({ settled }) => settled));
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
      this.#ticks?.look();
      this.#post({ type: 'caughtUp', partition });
    });
  }

  /** It applies nothing more, whatever arrives. */
  #halt(partition: number, reason: string): void {
    if (this.#halted.has(partition)) return;
    this.#halted.add(partition);
    void this.#readers.get(partition)?.close();
    this.#links.requests.stop(partition);
    const hosted = this.shard.host(partition);
    hosted.halted = true;
    hosted.outbox.close();
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
      if (!this.#hasRoom(partition)) this.#pause(partition);
    }
    for (const partition of [...this.#paused]) this.#resumeIfRoom(partition);
    this.#wake();
    this.#ticks?.look();
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
    if (effects.fillError !== null) this.#parts.log('warn', { partition, reason: effects.fillError }, FILL_FAILED);
    this.#links.held.settle(partition, effects);
    if (replyTo !== null) void replyToDecide(this.#links, replyTo, partition, record, effects);
  }

  /** Effects or messages of the partition became durable. */
  #stored(partition: number): void {
    this.#resumeIfRoom(partition);
    this.onProgress();
  }

  #hasRoom(partition: number): boolean {
    return this.#links.hasRoom(partition) && this.shard.host(partition).outbox.hasRoom;
  }

  #pause(partition: number): void {
    if (this.#paused.has(partition)) return;
    this.#paused.add(partition);
    this.#readers.get(partition)?.pause();
  }

  #resumeIfRoom(partition: number): void {
    if (!this.#paused.has(partition) || !this.#hasRoom(partition)) return;
    if (this.#arrivedBytes > SHARD_PENDING_BYTES_MAX / 2) return;
    this.#paused.delete(partition);
    this.#readers.get(partition)?.resume();
  }

  #newTicks(): StreamTicks {
    const { clock, log } = this.#parts;
    const { writer } = this.#links;
    return new StreamTicks({
      clock,
      log,
      partitions: [...this.shard.partitions.values()],
      append: async (partition, kind, payload, messageId) =>
        (await writer.append(partition, kind, payload, { messageId })).seq,
      lag: (partition) => this.lag(partition),
    });
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
}
