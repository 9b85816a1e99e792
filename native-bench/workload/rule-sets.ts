/**
 * Sets of rules over the kernel's receipts (kernel.ts), with a basket of items, for measuring what a rule costs: as CEL texts, and frames as a decoder and a
 * profile table would fill them. All drawn from a seed.
 */
import { createEventFrame, createProfileFrame, type EventFrame, type ProfileFrame } from '../../src/protocol/frame.ts';
import type { EventSchema, Schema } from '../../src/protocol/schema.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { CHANNELS, FIRST_TS, kernelPredicate, kernelRules, STORES, TIERS } from './kernel.ts';

const SKUS = 2000;
const ITEMS_MAX = 6;

export const RECEIPT: EventSchema = {
  type: 'receipt',
  index: 0,
  fields: [
    { path: 'total', type: 'double', slot: 0 },
    { path: 'store', type: 'string', slot: 1 },
    { path: 'channel', type: 'string', slot: 2 },
    { path: 'lines', type: 'int', slot: 3 },
    { path: 'discount', type: 'double', slot: 4 },
    { path: 'member', type: 'bool', slot: 5 },
  ],
  lists: [
    {
      path: 'items',
      list: 0,
      ofObjects: true,
      columns: [
        { name: 'sku', type: 'string', column: 0 },
        { name: 'qty', type: 'int', column: 1 },
      ],
    },
  ],
};

export const SCHEMA: Schema = {
  events: [RECEIPT],
  profile: [
    { name: 'tier', kind: 'attribute', type: 'string', slot: 0, optional: true },
    { name: 'receipts_30d', kind: 'aggregate', type: 'int', slot: 1, optional: false },
    { name: 'spend_30d', kind: 'aggregate', type: 'double', slot: 2, optional: false },
  ],
  segments: [],
};

/** A kind of set: the text of rule `n` of `count`. */
export interface RuleKind {
  readonly name: string;
  readonly about: string;
  readonly sources: (count: number) => readonly string[];
}

function drawn(seed: number, make: (random: Prng, n: number, count: number) => string): (count: number) => string[] {
  return (count) => {
    const random = new Prng(seed);
    return Array.from({ length: count }, (_, n) => make(random, n, count));
  };
}

const store = (random: Prng): string => `store-${random.below(STORES)}`;
const limit = (random: Prng): string => (1 + random.float() * 498).toFixed(3);
const tiers = (random: Prng): string =>
  [random.pick(TIERS), random.pick(TIERS), random.pick(TIERS)].map((tier) => `"${tier}"`).join(', ');

/** Parts of a hundred shapes: every pair of one from each list. */
const LEFT: readonly ((random: Prng) => string)[] = [
  (random) => `event.total > ${limit(random)}`,
  (random) => `event.total <= ${limit(random)}`,
  (random) => `event.discount > ${(random.float() / 2).toFixed(4)}`,
  (random) => `event.lines >= ${1 + random.below(20)}`,
  (random) => `event.lines != ${1 + random.below(20)}`,
  (random) => `profile.spend_30d > ${(random.float() * 2000).toFixed(2)}`,
  (random) => `profile.receipts_30d < ${random.below(20)}`,
  (random) => `event.total + profile.spend_30d > ${(random.float() * 2000).toFixed(2)}`,
  (random) => `event.store != "${store(random)}"`,
  (random) => `(event.total > ${limit(random)} || event.lines > ${random.below(20)})`,
];
const RIGHT: readonly ((random: Prng) => string)[] = [
  (random) => `profile.tier in [${tiers(random)}]`,
  (random) => `profile.tier != "${random.pick(TIERS)}"`,
  () => 'event.member',
  () => '!event.member',
  (random) => `event.store in ["${store(random)}", "${store(random)}"]`,
  (random) => `event.channel != "${random.pick(CHANNELS)}"`,
  (random) => `event.items.exists(i, i.sku == "sku-${random.below(SKUS)}")`,
  (random) => `event.items.all(i, i.qty < ${1 + random.below(5)})`,
  (random) => `event.items.exists(i, i.sku == "sku-${random.below(SKUS)}" && i.qty > 1)`,
  (random) => `size(event.items) > ${random.below(5)}`,
];

/** The form of the notes: a threshold, a list of tiers, an item of the basket. */
export const BASKET_RULES: RuleKind = {
  name: 'one shape',
  about: 'event.total > c && profile.tier in [..] && event.items.exists(i, i.sku == s)',
  sources: drawn(
    11,
    (random) =>
      `event.total > ${limit(random)} && profile.tier in [${tiers(random)}] && event.items.exists(i, i.sku == "sku-${random.below(SKUS)}")`,
  ),
};

export const RULE_KINDS: readonly RuleKind[] = [
  BASKET_RULES,
  {
    name: 'five shapes',
    about: 'the shapes of the kernel: one event in a hundred matches',
    sources: (count) => kernelRules(count).map(kernelPredicate),
  },
  {
    name: 'hundred shapes',
    about: 'every pair of ten parts with ten others',
    sources: drawn(
      12,
      (random, n) =>
        `${(LEFT[n % 10] as (typeof LEFT)[number])(random)} && ${(RIGHT[Math.floor(n / 10) % 10] as (typeof RIGHT)[number])(random)}`,
    ),
  },
  {
    name: 'equality',
    about: 'event.store == s, a store for every rule, && event.total > c',
    sources: drawn(13, (random, n) => `event.store == "store-${n}" && event.total > ${limit(random)}`),
  },
  {
    name: 'range',
    about: 'event.total > c, c such that a rule in a thousand is reached, && profile.tier in [..]',
    sources: drawn(
      14,
      (random) => `event.total > ${(500 - random.float() / 2).toFixed(6)} && profile.tier in [${tiers(random)}]`,
    ),
  },
  {
    name: 'scan',
    about: 'profile.tier in [..] && event.store != s: nothing to be found by',
    sources: drawn(15, (random) => `profile.tier in [${tiers(random)}] && event.store != "${store(random)}"`),
  },
];

export interface RuleInput {
  readonly event: EventFrame;
  readonly profile: ProfileFrame;
}

/** Codes as the partition's dictionary would give them. */
export class Codes {
  readonly #codes = new Map<string, number>();
  readonly code = (text: string): number => {
    const known = this.#codes.get(text) ?? this.#codes.size;
    this.#codes.set(text, known);
    return known;
  };
}

/** A string as a decoder makes it: of its own, not the constant that a rule holds. */
function fresh(text: string): string {
  return Buffer.from(text).toString();
}

export function ruleInputs(count: number, seed: number, codes: Codes): RuleInput[] {
  const random = new Prng(seed);
  return Array.from({ length: count }, (_, n) => ({
    event: drawEvent(random, n),
    profile: drawProfile(random, codes),
  }));
}

function drawEvent(random: Prng, n: number): EventFrame {
  const frame = createEventFrame(RECEIPT);
  frame.id = `receipt-${n}`;
  frame.ts = FIRST_TS + n;
  frame.number[0] = Math.round(random.float() * 500e6) / 1e6;
  frame.text[1] = fresh(store(random));
  frame.text[2] = fresh(random.pick(CHANNELS));
  frame.number[3] = 1 + random.below(20);
  frame.number[4] = Math.round(random.float() * 0.5e9) / 1e9;
  frame.number[5] = random.below(2);
  frame.present.fill(1);
  const list = frame.lists[0] as EventFrame['lists'][number];
  const [sku, qty] = list.columns as [(typeof list.columns)[number], (typeof list.columns)[number]];
  frame.listPresent[0] = 1;
  list.length = 1 + random.below(ITEMS_MAX);
  for (let i = 0; i < list.length; i++) {
    sku.text[i] = fresh(`sku-${random.below(SKUS)}`);
    qty.number[i] = 1 + random.below(4);
    sku.present[i] = qty.present[i] = 1;
  }
  return frame;
}

function drawProfile(random: Prng, codes: Codes): ProfileFrame {
  const frame = createProfileFrame(SCHEMA);
  const tier = random.pick(TIERS);
  frame.text[0] = tier;
  frame.code[0] = codes.code(tier);
  frame.number[1] = 1 + random.below(20);
  frame.number[2] = Math.round(random.float() * 2000e2) / 100;
  frame.present.fill(1);
  return frame;
}
