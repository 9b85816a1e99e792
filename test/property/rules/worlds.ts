/** A schema that has every kind of field, random frames of it, and the same values as the library's evaluator wants them bound. */
import { create } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import {
  createEventFrame,
  createProfileFrame,
  type EventFrame,
  growListColumn,
  type ProfileFrame,
} from '../../../src/protocol/frame.ts';
import type { EventSchema, ScalarType, Schema } from '../../../src/protocol/schema.ts';
import type { Prng } from '../../../src/stdx/prng.ts';

export const EVENT: EventSchema = {
  type: 'receipt',
  index: 0,
  fields: [
    { path: 'total', type: 'double', slot: 0 },
    { path: 'qty', type: 'int', slot: 1 },
    { path: 'big', type: 'int', slot: 2 },
    { path: 'store', type: 'string', slot: 3 },
    { path: 'gift', type: 'bool', slot: 4 },
    { path: 'at', type: 'timestamp', slot: 5 },
    { path: 'address.city', type: 'string', slot: 6 },
  ],
  lists: [
    {
      path: 'items',
      list: 0,
      ofObjects: true,
      columns: [
        { name: 'sku', type: 'string', column: 0 },
        { name: 'qty', type: 'int', column: 1 },
        { name: 'price', type: 'double', column: 2 },
        { name: 'gift', type: 'bool', column: 3 },
      ],
    },
    { path: 'tags', list: 1, ofObjects: false, columns: [{ name: '', type: 'string', column: 0 }] },
    { path: 'scores', list: 2, ofObjects: false, columns: [{ name: '', type: 'int', column: 0 }] },
  ],
};

export const SCHEMA: Schema = {
  events: [EVENT],
  profile: [
    { name: 'country', kind: 'attribute', type: 'string', slot: 0, optional: true },
    { name: 'tier', kind: 'attribute', type: 'string', slot: 1, optional: false },
    { name: 'age', kind: 'attribute', type: 'int', slot: 2, optional: true },
    { name: 'vip', kind: 'attribute', type: 'bool', slot: 3, optional: true },
    { name: 'likes', kind: 'attribute', type: 'list<string>', slot: 4, optional: true },
    { name: 'spend', kind: 'aggregate', type: 'double', slot: 5, optional: false },
    { name: 'last_seen', kind: 'aggregate', type: 'timestamp', slot: 6, optional: true },
  ],
  segments: ['rich', 'local', 'fresh'],
};

export const SEGMENT_SOURCES: readonly string[] = [
  'profile.spend > 10.0',
  'profile.country == "GB"',
  'segment.rich && now - profile.last_seen < duration("1h")',
];

/** Few of them, so that they meet; none above U+E000 in the basic plane beside astral ones, which the library sorts by UTF-16 unit. */
export const TEXTS: readonly string[] = [
  '',
  'a',
  'b',
  'ab',
  'GB',
  'FR',
  'é',
  '😀',
  'a😀b',
  '𝒳',
  'web',
  'constructor',
  '__proto__',
  'it\'s "q"\\',
  'ß\n',
];
export const INTS: readonly number[] = [
  0,
  1,
  2,
  3,
  -1,
  -7,
  10,
  2 ** 31,
  2 ** 53 - 1,
  -(2 ** 53 - 1),
  2 ** 52 + 1,
  94906267,
];
const DOUBLES: readonly number[] = [0, -0, 1, 2, 2.5, -3.25, 10, 1e308, 5e-324, 2 ** 53, 0.1];
/** From the year 1000 on: the library's calendar takes the years before 100 for 1900 and later. */
const TIMES: readonly number[] = [
  0, 1, -1, 1_291_190_400_123, 1_291_190_401_000, 253402300799999, -30_610_224_000_000, 951_782_400_000,
];

/** Codes as the partition's dictionary would give them. */
export class Dictionary {
  readonly #codes = new Map<string, number>();
  readonly code = (text: string): number => {
    const known = this.#codes.get(text) ?? this.#codes.size;
    this.#codes.set(text, known);
    return known;
  };
}

export interface World {
  readonly event: EventFrame;
  readonly profile: ProfileFrame;
  readonly nowMs: number;
  /** For the library: absent fields are left out. */
  readonly bindings: Record<string, unknown>;
}

type Bound = Record<string, unknown>;

function timestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 });
}

/** A value for a slot, and the same for the library. */
function draw(
  random: Prng,
  type: ScalarType,
): { readonly number: number; readonly text: string; readonly bound: unknown } {
  switch (type) {
    case 'string': {
      const text = random.pick(TEXTS);
      return { number: 0, text, bound: text };
    }
    case 'bool': {
      const number = random.below(2);
      return { number, text: '', bound: number === 1 };
    }
    case 'int': {
      const number = random.pick(INTS);
      return { number, text: '', bound: BigInt(number) };
    }
    case 'timestamp': {
      const number = random.pick(TIMES);
      return { number, text: '', bound: timestamp(number) };
    }
    default: {
      const number = random.pick(DOUBLES);
      return { number, text: '', bound: number };
    }
  }
}

function bind(into: Bound, path: string, value: unknown): void {
  const [head, tail] = path.split('.') as [string, string | undefined];
  if (tail === undefined) into[head] = value;
  else into[head] = { ...(into[head] as Bound | undefined), [tail]: value };
}

export function drawWorld(random: Prng, dictionary: Dictionary): World {
  const nowMs = random.pick(TIMES);
  const event = createEventFrame(EVENT);
  const profile = createProfileFrame(SCHEMA);
  const bindings: Bound = {
    now: timestamp(nowMs),
    event: drawEvent(random, event),
    profile: drawProfile(random, profile, dictionary),
  };
  return { event, profile, nowMs, bindings };
}

function drawEvent(random: Prng, event: EventFrame): Bound {
  event.id = random.pick(['', 'e1']);
  event.ts = random.pick(TIMES);
  const bound: Bound = { type: 'receipt', ts: timestamp(event.ts), address: {} };
  if (event.id !== '') bound['id'] = event.id;
  for (const { path, type, slot } of EVENT.fields) {
    const { number, text, bound: value } = draw(random, type);
    // What is absent leaves its neighbours' old values in the frame.
    event.number[slot] = number;
    event.text[slot] = text;
    event.present[slot] = random.below(5) === 0 ? 0 : 1;
    if (event.present[slot] === 1) bind(bound, path, value);
  }
  for (const list of EVENT.lists) {
    const items = drawList(random, event, list);
    if (items !== null) bound[list.path] = items;
  }
  return bound;
}

function drawList(random: Prng, event: EventFrame, schema: EventSchema['lists'][number]): unknown[] | null {
  const list = event.lists[schema.list] as EventFrame['lists'][number];
  if (random.below(6) === 0) return null;
  event.listPresent[schema.list] = 1;
  list.length = random.below(5);
  const items: unknown[] = [];
  for (let i = 0; i < list.length; i++) {
    const item: Bound = {};
    for (const { name, type, column: index } of schema.columns) {
      const column = list.columns[index] as (typeof list.columns)[number];
      growListColumn(column, i);
      const { number, text, bound } = draw(random, type);
      column.number[i] = number;
      column.text[i] = text;
      column.present[i] = schema.ofObjects && random.below(6) === 0 ? 0 : 1;
      if (!schema.ofObjects) items.push(bound);
      else if (column.present[i] === 1) item[name] = bound;
    }
    if (schema.ofObjects) items.push(item);
  }
  return items;
}

function drawProfile(random: Prng, profile: ProfileFrame, dictionary: Dictionary): Bound {
  const bound: Bound = {};
  for (const { name, type, slot, optional } of SCHEMA.profile) {
    const present = !optional || random.below(4) !== 0;
    profile.present[slot] = present ? 1 : 0;
    if (!present) {
      profile.code[slot] = -1;
      continue;
    }
    if (type === 'list<string>') {
      profile.list[slot] = Array.from({ length: random.below(4) }, () => random.pick(TEXTS));
      bound[name] = profile.list[slot];
      continue;
    }
    const { number, text, bound: value } = draw(random, type);
    profile.number[slot] = number;
    profile.text[slot] = text;
    if (type === 'string') profile.code[slot] = dictionary.code(text);
    bound[name] = value;
  }
  return bound;
}
