/**
 * What a replay may listen to. A machine that is live has none; with one, it does the same, decision by decision and bit by bit: a trace only reads.
 */
import type { ExplainedMoment } from '../../protocol/explanation.ts';
import type { SuppressReason } from '../../protocol/rejection.ts';

/** What became of one match, each once: decided, suppressed, or waiting (and later one of the others). In the order in which the books count them. */
export interface Outcome {
  /** '': an anonymous event's. */
  readonly customer: string;
  readonly campaign: string;
  /** Log time, epoch ms. */
  readonly now: number;
  /** What it is about: of a wait, the event that it began with. id '': it has none. */
  readonly eventId: string;
  readonly eventType: string;
  readonly result: 'decided' | 'waiting' | SuppressReason;
  /** outranked: who won instead, null: nobody (no slot allows it). */
  readonly winner: string | null;
  /** Number of the decision; 0: none. */
  readonly decision: number;
}

export interface Trace {
  /** null: nobody listens. */
  readonly outcome: ((outcome: Outcome) => void) | null;
  /** Whether the moments of this customer ('': of anonymous events) are to be explained: costs far more than an outcome. */
  explains(customer: string): boolean;
  explained(moment: ExplainedMoment): void;
}
