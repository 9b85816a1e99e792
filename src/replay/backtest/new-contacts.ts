/**
 * Contacts that only the world after has: whose fault it is when a cap, a gap or an exclusion takes a decision away that was made before. Which contacts a rule counted is not asked: the
 * latest that it may have counted is named.
 */
import { BACKTEST_CONTACTED_MAX, BACKTEST_CONTACTS_MAX } from '../../constants.ts';
import type { LostReason } from '../../protocol/backtest.ts';
import type { Decision } from '../../protocol/decision.ts';
import type { Policy } from '../../workspace/workspace.ts';

interface NewContact {
  readonly id: string;
  readonly campaign: string;
  readonly at: number;
}

export class NewContacts {
  /** By customer, in the order of time. */
  readonly #contacts = new Map<string, NewContact[]>();
  /** The longest time that such a rule looks back. */
  readonly #lookBackMs: Readonly<Partial<Record<LostReason, number>>>;

  constructor({ caps, exclusions }: Policy) {
    const longest = (rules: readonly { readonly perMs: number }[]): number =>
      rules.reduce((longestMs, { perMs }) => Math.max(longestMs, perMs), 0);
    this.#lookBackMs = {
      cap: longest(caps.filter(({ isGap }) => !isGap)),
      gap: longest(caps.filter(({ isGap }) => isGap)),
      excluded: longest(exclusions),
    };
  }

  add({ id, customer, campaign, ts }: Decision): void {
    if (customer === null) return;
    const contacts = this.#contacts.get(customer) ?? [];
    this.#contacts.delete(customer);
    this.#contacts.set(customer, contacts);
    contacts.push({ id, campaign, at: Date.parse(ts) });
    if (contacts.length > BACKTEST_CONTACTS_MAX) contacts.shift();
    if (this.#contacts.size <= BACKTEST_CONTACTED_MAX) return;
    for (const oldest of this.#contacts.keys()) {
      this.#contacts.delete(oldest);
      break;
    }
  }

  /** The world before has made it, too. */
  remove({ id, customer }: Decision): void {
    const contacts = customer === null ? undefined : this.#contacts.get(customer);
    if (customer === null || contacts === undefined) return;
    const place = contacts.findIndex((contact) => contact.id === id);
    if (place >= 0) contacts.splice(place, 1);
    if (contacts.length === 0) this.#contacts.delete(customer);
  }

  /** Whose contact it was, where the customer's decision was lost for this reason at that time; null: nobody's. */
  behind({ customer }: Decision, reason: LostReason, at: number): string | null {
    const lookBackMs = this.#lookBackMs[reason];
    if (lookBackMs === undefined || customer === null) return null;
    const contacts = this.#contacts.get(customer) ?? [];
    return contacts.findLast((contact) => contact.at <= at && contact.at > at - lookBackMs)?.campaign ?? null;
  }
}
