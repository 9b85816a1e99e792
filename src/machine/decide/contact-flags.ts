/**
 * What became of a contact since it was decided: the bits of its flags. The first five are feedback's outcomes, each
 * set once; a failed one counts for no cap, gap, cooldown, limit or exclusion any more. The others say which units its
 * decision holds that come back if it fails.
 */
import type { FeedbackOutcome } from '../../workspace/workspace.ts';

export const ContactFlag = {
  delivered: 1,
  opened: 2,
  clicked: 4,
  converted: 8,
  failed: 16,
  /** Of the campaign's limit in all. */
  holdsTotal: 32,
  /** Of its limit for the day of the decision. */
  holdsDay: 64,
  /** Of the offer's budget. */
  holdsOffer: 128,
  /** Any of them. */
  holdsUnits: 32 | 64 | 128,
} as const;
export type ContactFlag = (typeof ContactFlag)[keyof typeof ContactFlag];

/** Outcomes as strong as this one, or stronger: who clicked has opened, whether or not anybody told so. `failed` is no such thing. */
export function atLeast(outcome: Exclude<FeedbackOutcome, 'failed'>): number {
  const all = ContactFlag.delivered | ContactFlag.opened | ContactFlag.clicked | ContactFlag.converted;
  return all & ~(ContactFlag[outcome] - 1);
}
