/** A campaign test, read and held against its workspace: what is to happen on a machine, at which log times, and what must come of it. */
import type { SuppressReason } from '../protocol/rejection.ts';

/** Where something stands in the tests, 1-based. */
export interface TrialPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Something happens. Its record arrives at `atMs`. */
export interface TrialEvent {
  readonly place: TrialPlace;
  /** Log time at which it arrives, epoch ms. */
  readonly atMs: number;
  readonly type: string;
  /** null: anonymous. */
  readonly customer: string | null;
  readonly id: string | null;
  /** Its own time, epoch ms; null: when it arrives. */
  readonly ts: number | null;
  /** Of $feedback, `decision` is a campaign: its last decision for the customer is put in its place. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What is named of a decision; null: it has none. Times are epoch ms. */
export interface ExpectedDecision {
  readonly campaign: string;
  readonly customer?: string | null;
  readonly channel?: string;
  readonly variant?: string | null;
  readonly offer?: string | null;
  readonly slot?: string | null;
  readonly value?: number;
  readonly message?: Readonly<Record<string, string>> | null;
  readonly expires?: number | null;
  readonly at?: number;
}

/** One thing that must hold of a step. `customer` undefined: whoever it is; null: of anonymous events. */
export type TrialCheck = { readonly place: TrialPlace; readonly customer: string | null | undefined } & (
  | { readonly kind: 'decided'; readonly decisions: readonly ExpectedDecision[] }
  | { readonly kind: 'suppressed'; readonly campaign: string; readonly reasons: readonly SuppressReason[] }
  | { readonly kind: 'waiting' | 'unmatched'; readonly campaign: string }
  | { readonly kind: 'nothing' }
);

/** Everything since the step before it, up to `atMs` and with its event. */
export interface TrialStep {
  readonly place: TrialPlace;
  readonly atMs: number;
  readonly event: TrialEvent | null;
  readonly checks: readonly TrialCheck[];
}

export interface Trial {
  readonly name: string;
  readonly place: TrialPlace;
  /** Those that `decided` and `nothing` look at: the ones that the case names, or all but those in shadow, which change nothing. */
  readonly campaigns: ReadonlySet<string>;
  /** Ids of campaigns that are live here whatever their status. */
  readonly live: readonly string[];
  /** Log time at which the workspace is published, before anything happens. */
  readonly startMs: number;
  /** Attributes, consent and history, in the order of their times. */
  readonly before: readonly TrialEvent[];
  readonly steps: readonly TrialStep[];
}
