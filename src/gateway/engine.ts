/** What the gateway is handed: the engine behind the routes. Implemented by src/worker/node-engine.ts; the gateway knows nothing of threads or logs. */
import type { Audience, AudienceCount, AudienceRequest } from '../protocol/audience.ts';
import type { BacktestRequest, BacktestStatus } from '../protocol/backtest.ts';
import type { DecisionGroups } from '../protocol/decision-group.ts';
import type { DecisionSource } from '../protocol/decision-source.ts';
import type { BatchOutcome, DecideOutcome, EventBatch } from '../protocol/ingest.ts';
import type { WaitingList } from '../protocol/waiting.ts';
import type { WhyFormat, WhyOutcome, WhyQuestion } from '../protocol/why.ts';

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
  /** What was decided about a customer, and what was not, in everything that was acknowledged before. null: as many as the engine takes are under way; answer 429. With `signal` it is given up. */
  why(question: WhyQuestion, format: WhyFormat, signal: AbortSignal): Promise<WhyOutcome> | null;
  campaigns(): Promise<readonly CampaignCounts[]>;
  /** Customers whom a campaign waits for, the earliest due first, at most `limit` of them; null if there is no such campaign and never was. */
  waiting(campaign: string, limit: number): Promise<WaitingList | null>;
  /** null from these two: as many of them as the engine takes are under way; answer 429. */
  countAudience(where: string): Promise<AudienceCount | { readonly issues: readonly EngineIssue[] }> | null;
  openAudience(request: AudienceRequest): Promise<Audience | { readonly issues: readonly EngineIssue[] }> | null;
  workspace(): WorkspaceSources | null;
  /**
   * `basedOn`: the version that the files were edited from, null for whichever is active. conflict: another one, which this is, is active; nothing was
   * published. The comparison and the publication are one step. `history`: whether new aggregates are filled from history, which takes a while, or begin empty. `key`: the same where a request is sent again, null: it does not say. null: as many as may be wait for their turn; answer 429.
   */
  publish(
    files: Readonly<Record<string, string>>,
    basedOn: number | null,
    history: 'fill' | 'skip',
    key: string | null,
  ): Promise<PublishOutcome> | null;
  /** What publishing these files would say. null: as many as may be wait for their turn; answer 429. */
  preview(files: Readonly<Record<string, string>>): Promise<PublishPreview> | null;
  readonly backtests: EngineBacktests;
  /** Prometheus text exposition. */
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** ready: owns its partitions and has caught up; otherwise `detail` says what is missing. */
  readiness(): { readonly ready: boolean; readonly detail: string };
  readonly decisions: DecisionSource;
  /** Durable groups; absent where the decision streams cannot hold them. */
  readonly groups?: DecisionGroups;
}

export type BacktestStart =
  | { readonly id: string }
  | { readonly issues: readonly EngineIssue[] }
  | { readonly refused: string }
  | { readonly cancelled: true };

/** What another workspace would have decided; see protocol/backtest.ts. */
export interface EngineBacktests {
  /** null: one is running; answer 429. It is known by its id from now on, unless `started` says that it was refused (what is wrong with the request) or cancelled. */
  start(request: BacktestRequest): { readonly id: string; readonly started: Promise<BacktestStart> } | null;
  /** The newest first, without their reports. */
  list(): readonly BacktestStatus[];
  /** null: unknown, or forgotten. */
  find(id: string): BacktestStatus | null;
  /** Ends it if it is running, and forgets it if it is not. False: unknown. */
  remove(id: string): boolean;
}

export type PublishOutcome =
  /** `changed`: this request published it; otherwise the files were active already. */
  | { readonly version: number; readonly changed: boolean; readonly filled: readonly FilledAggregate[] }
  | { readonly issues: readonly EngineIssue[] }
  /** New aggregates cannot be filled, and why: nothing was published. */
  | { readonly unfilled: string }
  | { readonly conflict: number };

export type PublishPreview =
  | { readonly issues: readonly EngineIssue[]; readonly warnings: readonly EngineIssue[] }
  | {
      /** The version that is active; 0: none. */
      readonly active: number;
      readonly filled: readonly FilledAggregate[];
      readonly warnings: readonly EngineIssue[];
    };

/** What a new aggregate holds when its version becomes active. */
export interface FilledAggregate {
  readonly aggregate: string;
  /** The version before has another one by that name. */
  readonly changed: boolean;
  /** How far back what it counts goes, RFC 3339; null: it begins empty. */
  readonly since: string | null;
  /** It holds what it would, had it been there all along. */
  readonly complete: boolean;
  /** What it lacks; absent where it is complete. */
  readonly why?: string;
}

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

export interface WorkspaceSources {
  readonly version: number;
  readonly files: Readonly<Record<string, string>>;
}
