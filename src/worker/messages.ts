/**
 * What crosses between the main thread and a shard worker: batches, never single events. Byte payloads travel in one transferred buffer per message.
 */
import type { CampaignRow } from '../machine/accounting.ts';
import type { FillStatus } from '../machine/fill/filling.ts';
import type { ScanSource } from '../machine/scan-source.ts';
import type { AudienceFormat } from '../protocol/audience.ts';
import type { Rejection } from '../protocol/rejection.ts';
import type { ValueType } from '../protocol/schema.ts';
import type { Program } from '../rules/program.ts';
import type { SeriesRegistration } from '../telemetry/shared-series.ts';

/** Handed to a worker when its thread starts. */
export interface ShardOptions {
  readonly worker: number;
  readonly partitions: readonly number[];
  /** Partitions of the whole data folder. */
  readonly partitionsTotal: number;
  readonly dataDirectory: string;
  readonly clock: 'wall' | 'event';
  readonly customersPerPartition: number;
  readonly historyMs: number;
  /** A partition takes a snapshot when this many bytes of its log came after the last one. */
  readonly snapshotLogBytes: number;
  /** Of this opening of the data folder; logs of earlier ones are replayed. */
  readonly walEpoch: number;
  /** Binds files to this data folder: saltOf(id). */
  readonly salt: number;
  /** The log is JetStream's; null: it is embedded. */
  readonly nats: NatsShardOptions | null;
  /** Shared memory of the worker's metrics. */
  readonly metrics: SharedArrayBuffer;
}

/** How a shard reaches NATS. */
export interface NatsShardOptions {
  readonly servers: string;
  readonly credentialsFile: string | null;
}

/** message: what a partition of another worker says. fill: what fills new aggregates. */
export const SubmissionKind = { events: 0, decide: 1, workspace: 2, message: 3, fill: 4 } as const;
export type SubmissionKind = (typeof SubmissionKind)[keyof typeof SubmissionKind];

/** One record to be appended: bytes start … end − 1 of the message's buffer. */
export interface Submission {
  readonly ticket: number;
  readonly partition: number;
  readonly kind: SubmissionKind;
  readonly start: number;
  readonly end: number;
}

/** Partition and sequence: a record that a reader wants to see applied. */
export type AppliedPosition = readonly [partition: number, seq: number];

export type ToShard =
  | { readonly type: 'submit'; readonly submissions: readonly Submission[]; readonly bytes: ArrayBuffer }
  | {
      readonly type: 'query';
      readonly ticket: number;
      readonly query: ShardQuery;
      readonly after: readonly AppliedPosition[];
    }
  /** All workers have recovered: begin to take records by yourself. */
  | { readonly type: 'start' }
  /** Messages that a partition here sent are durable with their receiver. */
  | { readonly type: 'delivered'; readonly ticket: number }
  /** Nothing comes in any more but messages: answer `settled` once nothing is under way here. */
  | { readonly type: 'settle' }
  /** Take a snapshot of every partition, close the logs, answer `stopped`. */
  | { readonly type: 'stop' };

/** A query sees every submission that was answered before it was asked; one that still waits it may see or not. */
export type ShardQuery =
  | { readonly kind: 'customer'; readonly partition: number; readonly id: string }
  /** How its partition stands, for whoever asks why: WhyStanding. */
  | {
      readonly kind: 'standing';
      readonly partition: number;
      readonly customer: string;
      readonly campaign: string | null;
    }
  | { readonly kind: 'campaigns' }
  /** Whom a campaign waits for: WaitingList[], one per partition. */
  | { readonly kind: 'waiting'; readonly campaign: string; readonly limit: number }
  /** What a scan needs of each partition: PartitionSource[]; null: another version is active. */
  | { readonly kind: 'audience'; readonly where: Program; readonly workspaceVersion: number }
  /** Looks at the customers that a scan left open: how many the predicate holds for; null: the workspace changed. */
  | {
      readonly kind: 'audienceRest';
      readonly where: Program;
      readonly workspaceVersion: number;
      readonly parts: readonly OpenRows[];
    }
  /** Leaves of some rows those whose customers' hashes are `atMost`, and gives these hashes: Uint32Array. */
  | {
      readonly kind: 'audienceSample';
      readonly parts: readonly PartitionRows[];
      readonly salt: string;
      readonly atMost: number;
    }
  /** Some rows as text: RowsChunk; null: a field is not there any more. */
  | {
      readonly kind: 'audienceRows';
      readonly partition: number;
      readonly rows: SharedArrayBuffer;
      readonly from: number;
      readonly limit: number;
      readonly fields: readonly AudienceField[];
      readonly format: AudienceFormat;
    }
  | { readonly kind: 'statuses' }
  /** Bring the shared memory of the metrics up to date; answered with null. */
  | { readonly kind: 'metrics' };

/** What became of one Submission. */
export interface SubmissionOutcome {
  readonly ticket: number;
  readonly accepted: number;
  readonly repeated: number;
  readonly rejections: readonly Rejection[];
  /** For a `decide`: the JSON of its decisions; empty where the event is a repeat. */
  readonly decisions: readonly Uint8Array[];
  /** Of these, campaigns whose winners still wait for units. */
  readonly waiting: readonly string[];
  /** For a repeated `decide`: numbers of the original's decisions, to be read back from the decision log. */
  readonly originalFirst: number;
  readonly originalCount: number;
  /** A workspace record that the state refused: nothing changed. */
  readonly workspaceError: string | null;
}

/** Decisions of one partition in order, as the decision log's entries, packed: (u32 length, entry) repeated. */
export interface DecisionBatch {
  readonly partition: number;
  /** Number of the first one. */
  readonly first: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Where a partition stands. */
export interface PartitionStatus {
  readonly partition: number;
  readonly position: number;
  readonly workspaceVersion: number;
  readonly nextDecision: number;
  readonly customers: number;
  /** It applies nothing more. */
  readonly halted: boolean;
  /** The last filling of new aggregates that began here since the node started, or recovered into; busy: it is under way, or has not left yet. */
  readonly fill: (FillStatus & { readonly busy: boolean }) | null;
}

/** One campaign's counts in some partitions; summed on the main thread. */
export type CampaignTally = Omit<CampaignRow, 'status'>;

export interface PartitionSource {
  readonly partition: number;
  readonly source: ScanSource;
}

/** A bitmap over a partition's rows: bit row & 7 of byte row >>> 3. */
export interface PartitionRows {
  readonly partition: number;
  readonly rows: SharedArrayBuffer;
}

/** `undecided` are to be looked at; who is in is noted in `matched`, unless only their number is wanted. */
export interface OpenRows {
  readonly partition: number;
  readonly undecided: SharedArrayBuffer;
  readonly matched: SharedArrayBuffer | null;
}

/** A field of the profile by its name and type, or a segment. */
export interface AudienceField {
  readonly name: string;
  readonly type: ValueType | 'segment';
}

export interface RowsChunk {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Where to go on; -1: there are no more. */
  readonly next: number;
}

export type FromShard =
  | { readonly type: 'ready'; readonly partitions: readonly PartitionStatus[] }
  /** Posted once the records behind it are durable and their decisions are in the decision log. */
  | {
      readonly type: 'applied';
      readonly outcomes: readonly SubmissionOutcome[];
      readonly decisions: readonly DecisionBatch[];
    }
  /** A record of messages for a partition of another worker; answered with `delivered`. */
  | { readonly type: 'message'; readonly ticket: number; readonly to: number; readonly payload: Uint8Array }
  | { readonly type: 'settled' }
  /** A query was given up: what it had to wait for was not applied in time. */
  | { readonly type: 'late'; readonly ticket: number }
  | { readonly type: 'answer'; readonly ticket: number; readonly value: unknown }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: Readonly<Record<string, string | number>>;
      readonly message: string;
    }
  /** A metric series that the worker began to count: what the exposition needs to name it. */
  | { readonly type: 'series'; readonly registration: SeriesRegistration }
  /** Records of the partition at or below `position` are needed by no kept snapshot. */
  | { readonly type: 'retained'; readonly partition: number; readonly position: number }
  /** Everything that was in the partition's stream when the node started has been applied. */
  | { readonly type: 'caughtUp'; readonly partition: number }
  /** The partition has stopped for good; the others go on. */
  | { readonly type: 'halted'; readonly partition: number; readonly reason: string }
  | { readonly type: 'stopped' };
