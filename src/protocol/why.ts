/** A request for the reasons: what was decided about one customer, and what was not. Answered with an Explanation, as JSON or in words. */

export interface WhyQuestion {
  readonly customer: string;
  /** Only this one's verdicts; null: of every campaign that was asked. */
  readonly campaign: string | null;
  /** Id of an event of this customer. null, and `at` too: the customer's last event. */
  readonly event: string | null;
  /** Sequence of a record of the customer's partition, an RFC 3339 time, or a day, as it was written; not with `event`. */
  readonly at: string | null;
}

export type WhyFormat = 'json' | 'text';

/**
 * Why there is no answer. at: it is no sequence, no time and no day. customer, campaign, moment: there is no such thing, or not in the history that is kept; length: there is more history to
 * replay than one answer may take, or more to tell than one may hold.
 */
export type WhyRefusal = 'at' | 'customer' | 'campaign' | 'moment' | 'length';

export type WhyOutcome =
  | { readonly body: string }
  /** `detail` is for people: what was looked for, how far back history reaches, what to do. */
  | { readonly refusal: WhyRefusal; readonly detail: string };
