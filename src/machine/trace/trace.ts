/**
 * What a replay may listen to. A machine that is live has none; with one, it does the same, decision by decision and bit by bit: a trace only reads.
 */
import type { ExplainedMoment } from '../../protocol/explanation.ts';
import type { SuppressReason } from '../../protocol/rejection.ts';

/**
 * What became of one match, as the books count it and in their order: decided or suppressed once, and waiting before that each time that it begins to wait. Follow-ups of a
 * cascade are no matches.
 */
export interface Outcome {
  /** '': an anonymous event's. */
  readonly customer: string;
  readonly campaign: string;
  /** Log time, epoch ms. */
  readonly now: number;
  /** What it is about: of a wait, the event that it began with. id '': it has none. */
  readonly eventId: string;
  readonly eventType: string;
  /** Time at which it counts, epoch ms. */
  readonly eventTs: number;
  readonly result: 'decided' | 'waiting' | SuppressReason;
  /** It has a place in its round: decided, or it waits for units. */
  readonly won: boolean;
  /** outranked: who won instead, ids, the last one last; none: no slot allows it. */
  readonly winners: readonly string[];
  /** Number of the decision; 0: none. */
  readonly decision: number;
}

/** One of each key (leases/lease-key.ts), of a decision that failed or expired unused. */
export interface ReturnedUnits {
  readonly keys: readonly string[];
  /** Log time, epoch ms. */
  readonly now: number;
}

export interface Trace {
  /** null: nobody listens. */
  readonly outcome: ((outcome: Outcome) => void) | null;
  /** Units of budgets and limits came back. null: nobody listens. */
  readonly returned: ((units: ReturnedUnits) => void) | null;
  /** Whether the moments of this customer ('': of anonymous events) are to be explained: costs far more than an outcome. */
  explains(customer: string): boolean;
  /**
   * In the order in which they happen: each event that campaigns may listen for, whoever listens (feedback that tells nothing new is none), and whatever else campaigns were
   * asked at. Of one customer; '': anonymous.
   */
  explained(moment: ExplainedMoment, customer: string): void;
}
