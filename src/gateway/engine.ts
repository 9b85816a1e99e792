/** What the gateway is handed: the engine behind the routes. Implemented in src/node.ts and src/worker; the gateway knows nothing of threads or logs. */
import type { EncodedDecision } from '../protocol/decision.ts';
import type { DecisionGroups } from '../protocol/decision-group.ts';
import type { Rejection } from '../protocol/rejection.ts';

/** One record for one partition, cut out of a request body. */
export interface EventBatch {
  readonly partition: number;
  /**
   * JSON or MessagePack, one event or an array: what a record of kind `events` carries. At most RECORD_BYTES_MAX. It is the whole of an
   * ArrayBuffer of its own, and the engine's to keep or to transfer.
   */
  readonly payload: Uint8Array;
  /** How many events the payload holds, as the body was cut up. */
  readonly events: number;
}

/** What became of one EventBatch, once durable and applied. */
export interface BatchOutcome {
  readonly accepted: number;
  /** Remembered ids: counted and ignored. They are among `accepted` for the producer. */
  readonly repeated: number;
  readonly rejections: readonly Rejection[];
}

export interface DecideOutcome {
  readonly rejection: Rejection | null;
  readonly repeated: boolean;
  /** JSON bytes of each Decision. */
  readonly decisions: readonly Uint8Array[];
}

/**
 * null from submit and decide: the engine cannot keep up; answer 429. Both reject with IngestError where nothing is wrong with the events but they could not be taken, or
 * it is not known whether they were.
 */
export interface Engine {
  readonly partitions: number;
  /** Outcomes in the order of the batches. Order law: batches of one partition are applied in the order in which they are given. */
  submit(batches: readonly EventBatch[]): Promise<readonly BatchOutcome[]> | null;
  decide(batch: EventBatch): Promise<DecideOutcome> | null;
  /** The golden record as INTERFACE describes it, ready to be sent as JSON; null if unknown. */
  customer(id: string): Promise<object | null>;
  campaigns(): Promise<readonly CampaignCounts[]>;
  countAudience(where: string): Promise<AudienceCount | { readonly issues: readonly EngineIssue[] }>;
  workspace(): WorkspaceSources | null;
  /**
   * `basedOn`: the version that the files were edited from, null for whichever is active. conflict: another one, which this is, is active; nothing was
   * published. The comparison and the publication are one step.
   */
  publish(files: Readonly<Record<string, string>>, basedOn: number | null): Promise<PublishOutcome>;
  /** Prometheus text exposition. */
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** ready: owns its partitions and has caught up; otherwise `detail` says what is missing. */
  readiness(): { readonly ready: boolean; readonly detail: string };
  readonly decisions: DecisionSource;
  /** Durable groups; absent where the decision streams cannot hold them. */
  readonly groups?: DecisionGroups;
}

export type PublishOutcome =
  | { readonly version: number }
  | { readonly issues: readonly EngineIssue[] }
  | { readonly conflict: number };

export interface EngineIssue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface CampaignCounts {
  readonly id: string;
  readonly status: string;
  readonly matched: number;
  readonly decided: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly waiting: number;
  /** Evaluations of the predicate that ended in an error (an absent field, an overflow): false, and counted. */
  readonly errors: number;
  /** Evaluations of `value` that ended in an error or in no finite number: ranked as 0. */
  readonly valueErrors: number;
  /** Decisions whose message could not be rendered: it is null. */
  readonly messageErrors: number;
}

export interface AudienceCount {
  readonly count: number;
  readonly customers: number;
  readonly ms: number;
}

export interface WorkspaceSources {
  readonly version: number;
  readonly files: Readonly<Record<string, string>>;
}

/**
 * The decision streams of all partitions. Order law: a decision is announced only after the record that made it is durable, and each
 * partition's decisions are announced in the order of their numbers, each once. A number is left out only if its decision was removed before it could
 * be announced (streams from a server that was away): `first` is beyond it by then.
 */
export interface DecisionSource {
  /** Identity of the streams; a cursor made for another identity is refused. */
  readonly identity: string;
  /** Per partition: number of the oldest decision still kept, and the number that the next one will have. */
  positions(): { readonly first: readonly number[]; readonly next: readonly number[] };
  /** Live tail. The listener runs on the gateway's thread. Returns the way to stop. */
  subscribe(listener: (partition: number, decisions: readonly EncodedDecision[]) => void): () => void;
  /** Stored decisions of one partition from number `from` on (empty at the end), at most about `bytesMax`. */
  read(partition: number, from: number, bytesMax: number): Promise<readonly EncodedDecision[]>;
  /**
   * Where streams are shared by several nodes, a cursor may be ahead of what this one has announced. Whether the streams themselves go up to `next`;
   * waits until that is known.
   */
  reaches?(next: readonly number[]): Promise<boolean>;
}
