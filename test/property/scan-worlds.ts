/** Random profiles of every kind of column, customers that have some of them, and random predicates over them. */
import type { Schema } from '../../src/protocol/schema.ts';
import type { PartitionState } from '../../src/state/partition-state.ts';
import type { Prng } from '../../src/stdx/prng.ts';

const TEXTS = ['', 'GB', 'FR', 'é', '😀', 'constructor', '__proto__', 'a "b"\\'];
const INTS = [0, 1, -1, 7, 2 ** 31 - 1, -(2 ** 31) + 1, -(2 ** 31), 2 ** 31, 2 ** 40, -(2 ** 53 - 1), 2 ** 53 - 1];
const DOUBLES = [0, 1, -1, 0.1, 7, 2.5, -3.25, 1e308, 5e-324, 2 ** 53, -(2 ** 31)];
export const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const TIMES = [0, NOW, NOW - 1, NOW - DAY, NOW - 40 * DAY, -62135596800000, 253402300799999];

const SCALARS = ['string', 'int', 'double', 'bool', 'timestamp'] as const;
const DEFAULTS: Readonly<Record<string, string>> = {
  string: '"FR"',
  int: '7',
  double: '2.5',
  bool: 'true',
  timestamp: '"2027-01-15T08:00:00Z"',
};
const EVENT = 'receipt: {total: double, qty: int, store: string, gift: bool, at: timestamp}\n';
const FIELDS = { double: 'total', int: 'qty', string: 'store', bool: 'gift', timestamp: 'at' } as const;

/** Files of a workspace with attributes and aggregates of random kinds. */
export function drawWorkspace(random: Prng): Record<string, string> {
  const lines = ['attributes:', '  always: {type: int, default: 1}'];
  for (let i = 0; i < 6; i++) {
    const type = random.pick(SCALARS);
    const rest = random.below(3) === 0 ? `, default: ${DEFAULTS[type]}` : '';
    lines.push(`  a${i}: {type: ${type}${rest}}`);
  }
  lines.push('  likes: {type: list<string>}', 'aggregates:');
  for (let i = 0; i < 6; i++) {
    const fn = random.pick(['count', 'sum', 'min', 'max', 'avg', 'first', 'last', 'distinct'] as const);
    const numeric = fn === 'sum' || fn === 'min' || fn === 'max' || fn === 'avg';
    const type = numeric ? random.pick(['double', 'int'] as const) : random.pick(SCALARS);
    const value = fn === 'count' ? '' : `, value: event.${FIELDS[type]}`;
    const window = random.below(3) === 0 ? ', window: 7d' : '';
    lines.push(`  g${i}: {fn: ${fn}, event: receipt${value}${window}}`);
  }
  return { 'events.yaml': EVENT, 'profile.yaml': `${lines.join('\n')}\n` };
}

function drawNumber(random: Prng, type: string): number {
  if (type === 'int') return random.pick(INTS);
  if (type === 'bool') return random.below(2);
  return type === 'timestamp' ? random.pick(TIMES) : random.pick(DOUBLES);
}

/** What an aggregate's observations are: numbers as the schema says, which for sums of ints is the sum's type. */
export function drawCustomers(random: Prng, state: PartitionState, schema: Schema, customers: number): void {
  const share = new Map(schema.profile.map(({ slot }) => [slot, random.pick([0, 1, 2, 4, 4])]));
  for (let i = 0; i < customers; i++) {
    const row = state.ensure(`customer-${i}`);
    for (const { kind, type, slot } of schema.profile) {
      if (random.below(4) >= (share.get(slot) as number)) continue;
      if (kind === 'aggregate') {
        const times = 1 + random.below(2);
        for (let k = 0; k < times; k++)
          state.observe(slot, row, NOW - random.below(12) * DAY, NOW, drawNumber(random, type), random.pick(TEXTS));
      } else if (type === 'string') state.setText(slot, row, random.pick(TEXTS));
      else if (type === 'list<string>') state.setList(slot, row, [random.pick(TEXTS)]);
      else state.setNumber(slot, row, drawNumber(random, type));
      if (kind === 'attribute' && random.below(6) === 0) state.unset(slot, row);
    }
  }
}

/** CEL over a profile; not all of it is well typed. */
export class Predicates {
  readonly #random: Prng;
  readonly #schema: Schema;
  readonly #segments: number;

  constructor(random: Prng, schema: Schema, segments: number) {
    this.#random = random;
    this.#schema = schema;
    this.#segments = segments;
  }

  bool(depth: number): string {
    const random = this.#random;
    if (depth > 0 && random.below(4) !== 0) {
      switch (random.below(8)) {
        case 0:
          return `!(${this.bool(depth - 1)})`;
        case 1:
          return `(${this.bool(depth - 1)} ? ${this.bool(depth - 1)} : ${this.bool(depth - 1)})`;
        case 2:
          return `(${this.bool(depth - 1)}) ${random.pick(['==', '!='])} (${this.bool(depth - 1)})`;
        case 3:
        case 4:
        case 5:
          return `(${this.bool(depth - 1)}) && (${this.bool(depth - 1)})`;
        default:
          return `(${this.bool(depth - 1)}) || (${this.bool(depth - 1)})`;
      }
    }
    return this.#leaf();
  }

  #leaf(): string {
    const random = this.#random;
    switch (random.below(14)) {
      case 0:
        return `has(profile.${random.pick(this.#schema.profile).name})`;
      case 1:
        return this.#segments > 0 ? `segment.s${random.below(this.#segments)}` : 'true';
      case 2:
        return this.#slot('bool') ?? 'false';
      case 3:
        return `${this.#text()} in [${[1, 2, 3].map(() => JSON.stringify(random.pick(TEXTS))).join(', ')}]`;
      case 4:
        return `${this.#text()} ${random.pick(['==', '!=', '<'])} ${this.#text()}`;
      case 5:
        return `${this.#number('int', 1)} in [${[1, 2, 3].map(() => random.pick(INTS)).join(', ')}]`;
      case 6:
        return `${this.#number('double', 1)} in [${[1, 2].map(() => literal(random.pick(DOUBLES))).join(', ')}]`;
      case 7:
        return `"GB" in profile.likes`;
      case 8:
      case 9:
        return `${this.#time()} ${this.#comparison()} ${this.#time()}`;
      case 10:
        return `now - ${this.#time()} ${this.#comparison()} duration("${random.pick(['24h', '-1h', '960h', '0s'])}")`;
      default: {
        const [left, right] = [random.pick(['int', 'double'] as const), random.pick(['int', 'double'] as const)];
        return `${this.#number(left, 2)} ${this.#comparison()} ${this.#number(right, 1)}`;
      }
    }
  }

  #comparison(): string {
    return this.#random.pick(['<', '<=', '>', '>=', '==', '!=']);
  }

  #slot(type: string): string | null {
    const fields = this.#schema.profile.filter((field) => field.type === type);
    return fields.length === 0 ? null : `profile.${this.#random.pick(fields).name}`;
  }

  #number(type: 'int' | 'double', depth: number): string {
    const random = this.#random;
    const slot = this.#slot(type);
    if (depth > 0 && random.below(4) === 0) {
      const [a, b] = [this.#number(type, depth - 1), this.#number(type, depth - 1)];
      switch (random.below(4)) {
        case 0:
          return `(${this.bool(0)} ? ${a} : ${b})`;
        case 1:
          return `-(${a})`;
        default:
          return `(${a} ${random.pick(type === 'double' ? ['+', '-', '*', '/'] : ['+', '-', '*'])} ${b})`;
      }
    }
    if (slot !== null && random.below(3) !== 0) return slot;
    return type === 'int' ? String(random.pick(INTS)) : literal(random.pick(DOUBLES));
  }

  #text(): string {
    const random = this.#random;
    return (random.below(3) === 0 ? null : this.#slot('string')) ?? JSON.stringify(random.pick(TEXTS));
  }

  #time(): string {
    const random = this.#random;
    if (random.below(4) === 0) return 'now';
    return (random.below(5) === 0 ? null : this.#slot('timestamp')) ?? 'timestamp("2027-01-15T08:00:00Z")';
  }
}

function literal(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
