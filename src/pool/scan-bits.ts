/**
 * Which rows of a partition: sets of rows as trees over its columns. Every set is exact; equal sets that are built alike are one object, so
 * that the constructors can leave out what is there twice or cancels itself.
 */

/** A number of each row; where a slot has no value it is any number. */
export type Num = { readonly id: number } & (
  | { readonly op: 'number'; readonly value: number }
  /** Log time of the scan, epoch ms. */
  | { readonly op: 'now' }
  | { readonly op: 'slot'; readonly slot: number }
  | {
      readonly op: 'add' | 'subtract' | 'multiply' | 'divide';
      readonly left: Num;
      readonly right: Num;
    }
  | { readonly op: 'negate' | 'abs'; readonly of: Num }
);

export type Comparison = 'less' | 'lessEqual' | 'greater' | 'greaterEqual' | 'same' | 'differ';

export type Bits = { readonly id: number } & (
  | { readonly op: 'none' | 'all' }
  /** Rows in which something was stored. */
  | { readonly op: 'presence'; readonly slot: number }
  /** Rows of a bool column that are true; without a value either. */
  | { readonly op: 'trueIn'; readonly slot: number }
  /** Rows without windows, sets and contacts. */
  | { readonly op: 'noBlocks' }
  /** Rows whose dictionary code is one of the texts'; without a value either. */
  | { readonly op: 'textAmong'; readonly slot: number; readonly texts: readonly string[] }
  | { readonly op: 'sameText'; readonly slot: number; readonly other: number }
  | { readonly op: 'compare'; readonly name: Comparison; readonly left: Num; readonly right: Num }
  | { readonly op: 'numberAmong'; readonly item: Num; readonly values: readonly number[] }
  | { readonly op: 'not'; readonly of: Bits }
  | { readonly op: 'and' | 'or'; readonly items: readonly Bits[] }
);

type NumNode = Num extends infer Node ? (Node extends Num ? Omit<Node, 'id'> : never) : never;
type BitsNode = Bits extends infer Node ? (Node extends Bits ? Omit<Node, 'id'> : never) : never;

const COMPARE: Readonly<Record<Comparison, (left: number, right: number) => boolean>> = {
  less: (left, right) => left < right,
  lessEqual: (left, right) => left <= right,
  greater: (left, right) => left > right,
  greaterEqual: (left, right) => left >= right,
  same: (left, right) => left === right,
  differ: (left, right) => left !== right,
};

const FOLD = {
  add: (left: number, right: number) => left + right,
  subtract: (left: number, right: number) => left - right,
  multiply: (left: number, right: number) => left * right,
  divide: (left: number, right: number) => left / right,
} as const;

/** With the sides exchanged. */
export const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  less: 'greater',
  lessEqual: 'greaterEqual',
  greater: 'less',
  greaterEqual: 'lessEqual',
  same: 'same',
  differ: 'differ',
};

export class BitTree {
  readonly none: Bits;
  readonly all: Bits;
  /** Comparisons made so far, members of lists counted each. */
  comparisons = 0;
  readonly #nodes = new Map<string, unknown>();

  constructor() {
    this.none = this.#bits('none', { op: 'none' });
    this.all = this.#bits('all', { op: 'all' });
  }

  // --- Numbers -----------------------------------------------------------------------------------------------------------------

  number(value: number): Num {
    return this.#num(`number ${Object.is(value, -0) ? '-0' : value}`, { op: 'number', value });
  }
  get now(): Num {
    return this.#num('now', { op: 'now' });
  }
  slot(slot: number): Num {
    return this.#num(`slot ${slot}`, { op: 'slot', slot });
  }
  calculate(op: keyof typeof FOLD, left: Num, right: Num): Num {
    if (left.op === 'number' && right.op === 'number') return this.number(FOLD[op](left.value, right.value));
    return this.#num(`${op} ${left.id} ${right.id}`, { op, left, right });
  }
  unary(op: 'negate' | 'abs', of: Num): Num {
    if (of.op === 'number') return this.number(op === 'abs' ? Math.abs(of.value) : -of.value);
    return this.#num(`${op} ${of.id}`, { op, of });
  }

  // --- Rows --------------------------------------------------------------------------------------------------------------------

  constant(value: boolean): Bits {
    return value ? this.all : this.none;
  }
  presence(slot: number): Bits {
    return this.#bits(`presence ${slot}`, { op: 'presence', slot });
  }
  trueIn(slot: number): Bits {
    return this.#bits(`true ${slot}`, { op: 'trueIn', slot });
  }
  get noBlocks(): Bits {
    return this.#bits('noBlocks', { op: 'noBlocks' });
  }
  textAmong(slot: number, texts: readonly string[]): Bits {
    this.comparisons += texts.length;
    return this.#bits(`text ${slot} ${JSON.stringify(texts)}`, { op: 'textAmong', slot, texts });
  }
  sameText(slot: number, other: number): Bits {
    this.comparisons++;
    return this.#bits(`sameText ${slot} ${other}`, { op: 'sameText', slot, other });
  }
  compare(name: Comparison, left: Num, right: Num): Bits {
    if (left.op === 'number' && right.op === 'number') return this.constant(COMPARE[name](left.value, right.value));
    if (left.op === 'number') return this.compare(MIRRORED[name], right, left);
    this.comparisons++;
    return this.#bits(`${name} ${left.id} ${right.id}`, { op: 'compare', name, left, right });
  }
  numberAmong(item: Num, values: readonly number[]): Bits {
    if (item.op === 'number') return this.constant(values.includes(item.value));
    this.comparisons += values.length;
    return this.#bits(`among ${item.id} ${values.join(' ')}`, { op: 'numberAmong', item, values });
  }

  not(of: Bits): Bits {
    if (of === this.all) return this.none;
    if (of === this.none) return this.all;
    return of.op === 'not' ? of.of : this.#bits(`not ${of.id}`, { op: 'not', of });
  }
  and(...items: readonly Bits[]): Bits {
    return this.#logic('and', items, this.none, this.all);
  }
  or(...items: readonly Bits[]): Bits {
    return this.#logic('or', items, this.all, this.none);
  }
  /** `yes` in the rows of `condition`, `no` in the others. */
  choose(condition: Bits, yes: Bits, no: Bits): Bits {
    if (yes === no) return yes;
    if (yes === this.all) return this.or(condition, no);
    if (no === this.all) return this.or(this.not(condition), yes);
    return this.or(this.and(condition, yes), this.and(this.not(condition), no));
  }

  #logic(op: 'and' | 'or', given: readonly Bits[], deciding: Bits, neutral: Bits): Bits {
    const items = new Set<Bits>();
    for (const item of given) for (const part of item.op === op ? item.items : [item]) items.add(part);
    items.delete(neutral);
    if (items.has(deciding)) return deciding;
    for (const item of items) if (items.has(this.not(item))) return deciding;
    const [first, ...rest] = items;
    if (first === undefined) return neutral;
    if (rest.length === 0) return first;
    return this.#bits(`${op} ${[...items].map((item) => item.id).join(' ')}`, { op, items: [...items] });
  }

  #num(key: string, node: NumNode): Num {
    return this.#node(key, node) as Num;
  }
  #bits(key: string, node: BitsNode): Bits {
    return this.#node(key, node) as Bits;
  }
  #node(key: string, node: object): unknown {
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const made = { id: this.#nodes.size, ...node };
    this.#nodes.set(key, made);
    return made;
  }
}
