/**
 * Names of what is lent in units: `offer/<id>`, `total/<campaign>` and `day/<campaign>/<day>`. A version's limits and shares go by the name without the day.
 */

import { LEASE_DAYS_KEPT } from '../../constants.ts';

export const offerKey = (offer: string): string => 'offer/' + offer;
export const totalKey = (campaign: string): string => 'total/' + campaign;
export const dayBase = (campaign: string): string => 'day/' + campaign;
export const dayKey = (campaign: string, day: number): string => 'day/' + campaign + '/' + day;

/** The key without its day. */
export function baseOf(key: string): string {
  return key.startsWith('day/') ? key.slice(0, key.lastIndexOf('/')) : key;
}

/** Days since 1970-01-01; null for keys without a day. */
export function dayOf(key: string): number | null {
  return key.startsWith('day/') ? Number(key.slice(key.lastIndexOf('/') + 1)) : null;
}

/** Text from outside: is it a key? */
export function isLeaseKey(text: string): boolean {
  return /^(?:offer\/.|total\/.|day\/.+\/-?\d{1,7}$)/su.test(text);
}

/** What a workspace version says of keys without their days. Every partition that knows a share of a key knows the same one. */
export interface LeaseTerms {
  readonly version: number;
  readonly limits: ReadonlyMap<string, number>;
  readonly shares: Readonly<Record<string, number>>;
}

/** Before the first version. */
export const NO_TERMS: LeaseTerms = { version: 0, limits: new Map(), shares: {} };

export function shareOf(terms: LeaseTerms, base: string): number {
  return Object.hasOwn(terms.shares, base) ? (terms.shares[base] as number) : 0;
}

/** Some version up to this one has lent units of it. Shares are never dropped, limits are. */
export function isKnown(terms: LeaseTerms, base: string): boolean {
  return terms.limits.has(base) || Object.hasOwn(terms.shares, base);
}

/**
 * The newest day of each campaign, which says what days are over for good. Whoever has forgotten a day treats it as used up (a keeper denies it, a holder does not
 * take it), so that forgetting never makes a unit: it can only leave some of that day unused.
 */
export class LeaseDays {
  readonly #newest = new Map<string, number>();

  /** Takes notice of a key; true: its campaign has a newer newest day than before, and older ones may be over. */
  note(key: string): boolean {
    const day = dayOf(key);
    if (day === null) return false;
    const base = baseOf(key);
    if (day <= (this.#newest.get(base) ?? Number.NEGATIVE_INFINITY)) return false;
    this.#newest.set(base, day);
    return true;
  }

  isOver(key: string): boolean {
    const day = dayOf(key);
    return day !== null && day < (this.#newest.get(baseOf(key)) ?? Number.NEGATIVE_INFINITY) - LEASE_DAYS_KEPT;
  }

  export(): [string, number][] {
    return [...this.#newest];
  }

  import(days: readonly [string, number][]): void {
    for (const [base, day] of days) this.#newest.set(base, day);
  }
}
