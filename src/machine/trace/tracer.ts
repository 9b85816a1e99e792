/** Listens to the books on behalf of a trace. */
import type { BookedResult, BooksListener, CampaignAccount, MatchOrigin } from '../accounting.ts';
import type { Trace } from './trace.ts';

export class Tracer implements BooksListener {
  readonly #trace: Trace;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  booked(
    { id: campaign }: CampaignAccount,
    result: BookedResult,
    origin: MatchOrigin,
    now: number,
    winner: string | null,
    decision: number,
  ): void {
    if (this.#trace.outcome === null) return;
    const { customer, id: eventId, typeName: eventType, ts: eventTs } = origin.frame();
    this.#trace.outcome({ customer, campaign, now, eventId, eventType, eventTs, result, winner, decision });
  }
}
