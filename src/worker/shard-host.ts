/** What feeds a shard with records: the embedded log, or JetStream. shard-worker.ts knows one of them by this. */
import type { AppliedPosition, ToShard } from './messages.ts';
import type { Shard } from './shard.ts';

export interface ShardHost {
  readonly shard: Shard;
  /** Submissions of the main thread (embedded log), gathered. */
  submit(message: Extract<ToShard, { type: 'submit' }>): void;
  /** Takes one batch of what was gathered through the shard. */
  flush(): void;
  /** Nothing is gathered. */
  readonly idle: boolean;
  /** Calls `then` when these records are applied, at once if they are; also when a partition cannot go on. */
  whenApplied(positions: readonly AppliedPosition[], then: () => void): void;
  /** Records that are in the partition's log, as far as known, and not applied. */
  lag(partition: number): number;
  /** Called when records were applied or effects stored: snapshots and scans move on. Set by the owner before start(). */
  onProgress: () => void;
  /** Something was gathered that nobody submitted. Set by the owner before start(). */
  onGathered: () => void;
  /** Begins to take records by itself: from a log that is read, from a clock, from other partitions here. All workers have recovered. */
  start(): void;
  /** What this host had another worker's partition told is durable there. */
  delivered(ticket: number): void;
  /** No time passes any more. Resolves when everything that was gathered is applied and what partitions say to each other is delivered, within SETTLE_MS_MAX. */
  settle(): Promise<void>;
  /** Takes no more records; resolves when what was taken is applied and its effects are stored. */
  drain(): Promise<void>;
  /** After the last snapshot: lets go of everything that keeps the thread alive. */
  close(): Promise<void>;
}
