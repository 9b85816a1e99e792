/**
 * The rules that libraries of rules are measured with: `event.amount > c && profile.tier in [..] && event.items.exists(i, i.sku == s)`, as data, as CEL, and
 * as a plain predicate that says what must match; and events to try them on. All from one seed.
 *
 * Half of the events pass the amount, three in eight the tier, one in 67 the items: two or three of 1,000 rules match an event.
 */
import { Prng } from '../../src/stdx/prng.ts';
import { TIERS } from './kernel.ts';

const SKUS = 200;
const ITEMS_MAX = 5;
const TIERS_PER_RULE = 3;
const AMOUNT_MAX = 500;

export interface BasketRule {
  readonly amountAbove: number;
  readonly tiers: readonly string[];
  readonly sku: string;
}

export interface BasketContext {
  readonly event: {
    readonly amount: number;
    readonly items: readonly { readonly sku: string; readonly quantity: number }[];
  };
  readonly profile: { readonly tier: string };
}

/** What rules matched what events; `checksum` is the sum of (rule + 1) × (event modulo 1009 + 1) over the matches. */
export interface MatchTotals {
  readonly matches: number;
  readonly checksum: number;
}

export function basketRules(count: number, seed: number): BasketRule[] {
  const random = new Prng(seed);
  return Array.from({ length: count }, () => {
    const first = random.below(TIERS.length);
    return {
      // With a fraction always: a double's literal in CEL has a point.
      amountAbove: Math.floor(random.float() * AMOUNT_MAX * 100) / 100 + 0.001,
      tiers: Array.from({ length: TIERS_PER_RULE }, (_, i) => TIERS[(first + i * 3) % TIERS.length] as string),
      sku: `sku-${random.below(SKUS)}`,
    };
  });
}

export function basketContexts(count: number, seed: number): BasketContext[] {
  const random = new Prng(seed);
  return Array.from({ length: count }, () => ({
    event: {
      amount: Math.floor(random.float() * AMOUNT_MAX * 100) / 100,
      items: Array.from({ length: 1 + random.below(ITEMS_MAX) }, () => ({
        sku: `sku-${random.below(SKUS)}`,
        quantity: 1 + random.below(3),
      })),
    },
    profile: { tier: random.pick(TIERS) },
  }));
}

export function celOf({ amountAbove, tiers, sku }: BasketRule): string {
  const list = tiers.map((tier) => `"${tier}"`).join(', ');
  return `event.amount > ${amountAbove.toFixed(3)} && profile.tier in [${list}] && event.items.exists(i, i.sku == "${sku}")`;
}

function holds({ amountAbove, tiers, sku }: BasketRule, { event, profile }: BasketContext): boolean {
  return event.amount > amountAbove && tiers.includes(profile.tier) && event.items.some((item) => item.sku === sku);
}

/** What must match among `count` contexts from `first` on, around the end. */
export function expectedMatches(
  rules: readonly BasketRule[],
  contexts: readonly BasketContext[],
  first: number,
  count: number,
): MatchTotals {
  const counter = new MatchCounter();
  for (let i = first; i < first + count; i++) {
    const index = i % contexts.length;
    rules.forEach((rule, number) => {
      if (holds(rule, contexts[index] as BasketContext)) counter.add(index, number);
    });
  }
  return counter.totals();
}

export class MatchCounter {
  #matches = 0;
  #checksum = 0;

  add(context: number, rule: number): void {
    this.#matches++;
    this.#checksum += (rule + 1) * ((context % 1009) + 1);
  }

  totals(): MatchTotals {
    return { matches: this.#matches, checksum: this.#checksum };
  }
}
