/**
 * What crosses between the main thread and a shard worker: batches, never single events. Byte payloads travel in one transferred buffer per message.
 */
import type { Program } from '../rules/program.ts';
import type { Rejection } from '../protocol/rejection.ts';
import type { Clock } from '../protocol/data-shape.ts';

/** Handed to a worker when its thread starts. */
export interface ShardOptions {
  readonly worker: number;
  readonly partitions: readonly number[];
  /** Partitions of the whole data folder. */
  readonly partitionsTotal: number;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly customersPerPartition: number;
  readonly historyMs: number;
  /** Shared memory of the worker's metrics. */
  readonly metrics: SharedArrayBuffer;
}

/** One record to be appended: `bytes[start, end)` of the message's buffer. */
export interface Submission {
  readonly ticket: number;
  readonly partition: number;
  readonly kind: 'events' | 'decide' | 'workspace';
  readonly start: number;
  readonly end: number;
}

export type ToShard =
  | { readonly type: 'submit'; readonly submissions: readonly Submission[]; readonly bytes: ArrayBuffer }
  | { readonly type: 'customer'; readonly ticket: number; readonly partition: number; readonly id: string }
  | { readonly type: 'campaigns'; readonly ticket: number }
  | { readonly type: 'audience'; readonly ticket: number; readonly where: Program }
  | { readonly type: 'digest'; readonly ticket: number }
  /** Take a snapshot of every partition, then close the logs and answer `stopped`. */
  | { readonly type: 'stop' };

/** What became of one Submission. */
export interface SubmissionOutcome {
  readonly ticket: number;
  readonly accepted: number;
  readonly repeated: number;
  readonly rejections: readonly Rejection[];
  /** Numbers of the decisions of a `decide`: its own, or of the original where the event is a repeat. */
  readonly firstDecision: number;
  readonly decisionCount: number;
  /** A workspace record that the state refused: nothing changed. */
  readonly workspaceError: string | null;
}

/** Decisions of one partition, in order: entries of the decision log packed as (u32 length, bytes). */
export interface DecisionBatch {
  readonly partition: number;
  readonly first: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Where a partition stands. */
export interface PartitionStatus {
  readonly partition: number;
  readonly position: number;
  readonly logTimeMs: number;
  readonly workspaceVersion: number;
  readonly firstDecision: number;
  readonly nextDecision: number;
  readonly customers: number;
}

export interface CampaignCount {
  readonly id: string;
  readonly matched: number;
  readonly decided: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly waiting: number;
  readonly errors: number;
}

export type FromShard =
  | { readonly type: 'recovering'; readonly partition: number; readonly records: number }
  | { readonly type: 'ready'; readonly partitions: readonly PartitionStatus[] }
  /** Sent after the records behind it are durable and their effects are in the decision log. */
  | { readonly type: 'applied'; readonly outcomes: readonly SubmissionOutcome[]; readonly decisions: readonly DecisionBatch[]; readonly firstKept: readonly (readonly [number, number])[] }
  | { readonly type: 'answer'; readonly ticket: number; readonly value: unknown }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly fields: Readonly<Record<string, string | number>>; readonly message: string }
  | { readonly type: 'series'; readonly registration: unknown }
  | { readonly type: 'stopped' };
