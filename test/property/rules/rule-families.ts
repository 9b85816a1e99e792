/** Families of rules: many rules of one form that differ in constants, as campaigns made from a template do. The forms are what sets of rules treat specially. */
import type { Prng } from '../../../src/stdx/prng.ts';
import { quoted } from './expressions.ts';
import { INTS, TEXTS } from './worlds.ts';

type Part = (random: Prng) => string;

const text = (random: Prng): string => quoted(random.pick(TEXTS));
const texts = (random: Prng, most: number): string =>
  Array.from({ length: 1 + random.below(most) }, () => text(random)).join(', ');
const double = (random: Prng): string =>
  random.pick(['-0.0', '0.0', '1e999', '-1e999', '2.5', '10.0', `${random.below(12)}.25`, `-${random.below(4)}.5`]);
const int = (random: Prng): string => String(random.below(3) === 0 ? random.pick(INTS) : random.below(12));
const order = ['<', '<=', '>', '>='] as const;

/** Ordered by a number. */
const THRESHOLDS: readonly Part[] = [
  ...order.flatMap((operator): Part[] => [
    (random) => `event.total ${operator} ${double(random)}`,
    (random) => `${int(random)} ${operator} event.qty`,
    (random) => `profile.spend ${operator} ${double(random)}`,
    (random) => `profile.age ${operator} ${int(random)}`,
  ]),
  (random) => `event.total > ${int(random)}`,
  (random) => `event.qty < ${double(random)}`,
  (random) => `event.big > ${random.pick(['9223372036854775807', '-9223372036854775808', int(random)])}`,
  (random) => `event.total + profile.spend > ${double(random)}`,
  (random) => `event.qty + event.big > ${int(random)}`,
  (random) => `size(event.items) > ${random.below(5)}`,
  (random) => `event.at < timestamp('20${10 + random.below(3)}-12-01T09:40:00.123Z')`,
  (random) => `now - event.at > duration('${random.below(100)}h')`,
  (random) => `now - profile.last_seen < duration('${random.below(100)}s')`,
  (random) => `event.ts >= timestamp('20${10 + random.below(3)}-12-01T08:00:00Z')`,
];

const TEXT_PARTS: readonly Part[] = [
  (random) => `event.store != ${text(random)}`,
  (random) => `event.store == ${text(random)}`,
  (random) => `event.store in [${texts(random, 4)}]`,
  (random) => `event.store in [${texts(random, 30)}]`,
  (random) => `!(event.address.city in [${texts(random, 3)}])`,
  (random) => `profile.tier in [${texts(random, 4)}]`,
  (random) => `!(profile.country in [${texts(random, 4)}])`,
  (random) => `profile.country == ${text(random)}`,
  (random) => `profile.country != ${text(random)}`,
  (random) => `event.store > ${text(random)}`,
];

const LIST_PARTS: readonly Part[] = [
  (random) => `event.items.exists(i, i.sku == ${text(random)})`,
  (random) => `!event.items.exists(i, i.sku == ${text(random)})`,
  (random) => `event.items.exists(i, i.sku in [${texts(random, 3)}])`,
  (random) => `event.items.exists(i, i.sku == ${text(random)} && i.qty > ${int(random)})`,
  (random) => `event.items.all(i, i.sku != ${text(random)})`,
  (random) => `event.items.all(i, i.qty < ${int(random)})`,
  (random) => `event.items[0].sku == ${text(random)}`,
  (random) => `event.tags.exists(t, t in [${texts(random, 3)}])`,
  (random) => `!(${text(random)} in event.tags)`,
  (random) => `event.tags[${random.below(3)}] != ${text(random)}`,
  (random) => `size(event.items.filter(i, i.sku != ${text(random)})) > 1`,
  (random) => `event.scores.exists(s, s > ${int(random)})`,
];

/** The same for all rules of a family. */
const COMMON: readonly Part[] = [
  () => 'event.gift',
  () => '!profile.vip',
  () => 'segment.rich',
  () => 'segment.fresh',
  () => 'has(event.total)',
  () => 'event.qty + event.big > 0',
  () => `event.store.matches('^w')`,
  () => `profile.tier in ['a', 'GB']`,
  () => `profile.country == 'GB'`,
  () => `event.store != 'web'`,
  () => `event.items.exists(i, i.sku == 'a')`,
  () => `event.tags.all(t, t != 'b')`,
  () => 'event.total > 1.0',
];

export class RuleFamilies {
  readonly #random: Prng;
  readonly #forms: readonly (readonly Part[])[];
  readonly #joins: readonly ('&&' | '||')[];

  constructor(random: Prng, count: number) {
    this.#random = random;
    const all = [THRESHOLDS, THRESHOLDS, TEXT_PARTS, LIST_PARTS, COMMON];
    this.#forms = Array.from({ length: count }, () =>
      Array.from({ length: 1 + random.below(4) }, () => this.#part(random.pick(random.pick(all)))),
    );
    this.#joins = this.#forms.map(() => (random.below(8) === 0 ? '||' : '&&'));
  }

  rule(): string {
    const family = this.#random.below(this.#forms.length);
    const parts = (this.#forms[family] as readonly Part[]).map((part) => part(this.#random));
    return parts.join(` ${this.#joins[family]} `);
  }

  /** Now and then one of two parts is enough. */
  #part(part: Part): Part {
    if (this.#random.below(8) > 0) return part;
    const other = this.#random.pick([...TEXT_PARTS, ...THRESHOLDS]);
    return (random) => `(${part(random)} || ${other(random)})`;
  }
}
