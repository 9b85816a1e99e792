/** Schemas and events for the batch decoder: most of what is drawn is right, so that its neighbours are read at all. */
import { Packr, pack } from 'msgpackr';
import type { EventList, EventSchema, ScalarType, Schema } from '../../src/protocol/schema.ts';
import type { Prng } from '../../src/stdx/prng.ts';
import { damage, spellOddly } from '../support/odd-json.ts';

const TYPES: readonly ScalarType[] = ['string', 'int', 'double', 'bool', 'timestamp'];
const NAMES = [
  'a',
  'ab',
  'abc',
  'abcd',
  'abcde',
  'total',
  'totals',
  'fotal',
  'storeNumber',
  'größe',
  'id',
  'type',
  'x',
];
const LONG = 'aNameThatIsLongerThanThirtyOneBytesAndSoNeedsTwo';
const EVENT_TYPES = ['receipt', 'receipts', 'r', 'kassenzettel_mit_einem_sehr_langen_namen', 'visit'];
const encoder = new TextEncoder();

/** False while a message is drawn that is to be right: faults hide whatever is behind them. */
let odd = true;
const rarely = (prng: Prng, outOf: number): boolean => odd && prng.below(outOf) === 0;

export function drawSchema(prng: Prng): Schema {
  const types = EVENT_TYPES.slice(0, 1 + prng.below(EVENT_TYPES.length));
  return { events: types.map((type, index) => drawEvent(type, index, prng)), profile: [], segments: [] };
}

function someNames(prng: Prng): string[] {
  return [...NAMES, LONG].filter(() => prng.below(3) === 0);
}

function drawEvent(type: string, index: number, prng: Prng): EventSchema {
  const fields: { path: string; type: ScalarType; slot: number }[] = [];
  const lists: EventList[] = [];
  const addObject = (prefix: string, depth: number): void => {
    for (const name of someNames(prng)) {
      const path = prefix + name;
      const kind = prng.below(8);
      if (kind === 0 && depth < 3) addObject(path + '.', depth + 1);
      else if (kind === 1) {
        const columns = someNames(prng).map((column, i) => ({ name: column, type: prng.pick(TYPES), column: i }));
        if (columns.length > 0) lists.push({ path, list: lists.length, ofObjects: true, columns });
      } else if (kind === 2) {
        lists.push({
          path,
          list: lists.length,
          ofObjects: false,
          columns: [{ name: '', type: prng.pick(TYPES), column: 0 }],
        });
      } else fields.push({ path, type: prng.pick(TYPES), slot: fields.length });
    }
  };
  addObject('', 0);
  return { type, index, fields, lists };
}

const STRINGS = [
  '',
  'x',
  'store-12',
  'Köln',
  '日本',
  '😀 grin',
  'with "quotes" and \\',
  'line\nbreak',
  'é'.repeat(30),
  'A'.repeat(70),
];
const RARE_STRINGS = [
  '\ud800',
  'x\udc00y',
  '\u0000',
  '__proto__',
  'x'.repeat(65_536),
  'x'.repeat(65_537),
  'é'.repeat(40_000),
];
const TIMES = [
  '2010-12-01T08:26:00Z',
  '2010-12-01t08:26:00.25z',
  '2024-02-29T23:59:59.123456+01:00',
  '1970-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  1_767_225_600_000,
  0,
];
const ODD_TIMES = [
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999-23:59',
  '2010-12-01T08:26:60Z',
  '2023-02-29T00:00:00Z',
  '2010-12-01T08:26:00',
  '2010-12-01T08:26:00.Z',
  '2010-12-01T08:26:00+1:00',
  '1969-12-31T23:59:59Z',
  'yesterday',
  '',
  -1,
  1.5,
  -0,
  8.64e15,
  253_402_300_799_999,
  253_402_300_800_000,
];
const INTS = [
  0,
  1,
  5,
  63,
  64,
  100,
  127,
  128,
  255,
  256,
  65_535,
  65_536,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  -1,
  -32,
  -33,
  -128,
  -129,
  -32_769,
  -(2 ** 31) - 1,
  -(2 ** 53) + 1,
  -0,
];
const DOUBLES = [
  0.1,
  -0,
  1e21,
  1e-7,
  123.456,
  0.1 + 0.2,
  1.7976931348623157e308,
  5e-324,
  2.2250738585072014e-308,
  2 ** 53 + 2,
  2 ** 63,
  1e22,
  1e23,
  2 ** 70 + 2 ** 30,
];
const ODD_NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 64, 1.5, -(2 ** 53)];

function drawValue(type: ScalarType, prng: Prng): unknown {
  const luck = odd ? prng.below(60) : 4 + prng.below(56);
  if (luck === 0) return prng.pick([null, true, 'text', 1, 1.5, [], {}, [1], { a: 1 }, -0]);
  if (luck === 1) return prng.pick(RARE_STRINGS);
  if (luck === 2) return prng.pick(ODD_NUMBERS);
  if (luck === 3) return prng.pick(ODD_TIMES);
  if (luck <= 5) return null;
  switch (type) {
    case 'string':
      return prng.below(3) === 0 ? `v${prng.below(1000)}` : prng.pick(STRINGS);
    case 'int':
      return prng.below(2) === 0 ? prng.pick(INTS) : prng.below(2 ** 31) - 2 ** 30;
    case 'double':
      return prng.below(2) === 0 ? prng.pick([...DOUBLES, ...INTS]) : (prng.float() - 0.5) * 10 ** prng.below(20);
    case 'bool':
      return prng.below(2) === 1;
    case 'timestamp':
      return prng.pick(TIMES);
  }
}

export function anything(prng: Prng, depth = 0): unknown {
  const kind = prng.below(depth > 4 ? 5 : 8);
  if (kind === 0) return null;
  if (kind === 1) return prng.pick([...STRINGS, ...(prng.below(20) === 0 ? RARE_STRINGS : [])]);
  if (kind === 2) return prng.pick([...INTS, ...DOUBLES]);
  if (kind === 3) return prng.below(2) === 0;
  if (kind === 4) return prng.pick(['2010-12-01T08:26:00Z', '', 'é']);
  if (kind === 5) return Array.from({ length: prng.below(5) }, () => anything(prng, depth + 1));
  if (kind === 6) return Object.fromEntries(someNames(prng).map((name) => [name, anything(prng, depth + 1)]));
  const deep = 20 + prng.below(16);
  const [open, close] = prng.below(2) === 0 ? ['[', ']'] : ['{"a":', '}'];
  return prng.below(10) === 0 ? JSON.parse(open.repeat(deep) + '1' + close.repeat(deep)) : 7;
}

function put(into: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  let object = into;
  for (const name of names.slice(0, -1)) {
    object[name] ??= {};
    object = object[name] as Record<string, unknown>;
  }
  object[names[names.length - 1] as string] = value;
}

function shuffled<T>(items: readonly T[], prng: Prng): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const other = prng.below(i + 1);
    [result[i], result[other]] = [result[other] as T, result[i] as T];
  }
  return result;
}

export function drawData(event: EventSchema, prng: Prng): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const field of event.fields) if (prng.below(5) > 0) entries.push([field.path, drawValue(field.type, prng)]);
  for (const list of event.lists) {
    const length = prng.below(60) === 0 && odd ? prng.pick([255, 256, 257, 300, 4096, 4097]) : prng.below(5);
    const [first] = list.columns;
    const element = (): unknown =>
      list.ofObjects
        ? Object.fromEntries(
            (prng.below(4) === 0 ? shuffled(list.columns, prng) : list.columns)
              .filter(() => prng.below(6) > 0)
              .map(({ name, type }) => [name, drawValue(type, prng)])
              .concat(rarely(prng, 20) ? [[prng.pick(NAMES), anything(prng)]] : []),
          )
        : drawValue((first as { type: ScalarType }).type, prng);
    if (prng.below(5) === 0) continue;
    const elements = Array.from({ length: length > 10 ? 1 : length }, element);
    // A long list repeats one element, which must be short.
    const long = length > 10 && JSON.stringify(elements).length < 100;
    entries.push([list.path, long ? new Array(length).fill(elements[0]) : elements]);
  }
  if (prng.below(3) === 0) entries.push([prng.pick(odd ? [...NAMES, 'other'] : ['other', 'größer']), anything(prng)]);
  const data: Record<string, unknown> = {};
  for (const [path, value] of prng.below(4) === 0 ? shuffled(entries, prng) : entries) {
    try {
      put(data, path, value);
    } catch {
      // The undeclared value took the place of an object on the way.
    }
  }
  return data;
}

export function drawEventValue(schema: Schema, prng: Prng): unknown {
  if (rarely(prng, 80)) return anything(prng);
  const event = prng.pick(schema.events);
  const entries: [string, unknown][] = [
    [
      'id',
      rarely(prng, 40) ? prng.pick(['é', '', 5, null, 'x'.repeat(257), 'x'.repeat(256)]) : `id-${prng.below(1e6)}`,
    ],
    ['type', rarely(prng, 60) ? prng.pick(['$profile', 'unknown', '', null, 3, '$erase']) : event.type],
    ['ts', rarely(prng, 30) ? prng.pick([...ODD_TIMES, {}, null, [[]]]) : prng.pick(TIMES)],
    ['customer', rarely(prng, 40) ? prng.pick(['Jürgen', '', null, 5, {}]) : `c${prng.below(100)}`],
    ['data', rarely(prng, 60) ? prng.pick([null, 3, [], 'x', {}]) : drawData(event, prng)],
  ];
  const kept = entries.filter(([key]) => !rarely(prng, key === 'type' ? 80 : 15));
  if (prng.below(8) === 0) kept.push([prng.pick(['more', 'größe', odd ? 'ids' : 'id2', 'Type', LONG]), anything(prng)]);
  return Object.fromEntries(prng.below(4) === 0 ? shuffled(kept, prng) : kept);
}

/** A message as a producer might write it, or might not. */
export function drawMessage(schema: Schema, prng: Prng): Uint8Array {
  odd = prng.below(2) === 0;
  const events = Array.from({ length: prng.below(20) === 0 ? 70 : prng.below(6) }, () => drawEventValue(schema, prng));
  const value = events.length === 1 && prng.below(2) === 0 ? events[0] : events;
  const bytes = spell(value, prng);
  return prng.below(odd ? 3 : 8) === 0 ? damageBytes(bytes, prng) : bytes;
}

function spell(value: unknown, prng: Prng): Uint8Array {
  switch (prng.below(7)) {
    case 0:
      return encoder.encode(JSON.stringify(value));
    case 1:
      return encoder.encode(JSON.stringify(value, null, 1));
    case 2:
      return encoder.encode(spellOddly(value, prng));
    case 3:
      return encoder.encode(damage(spellOddly(value, prng), prng));
    case 4:
      return new Uint8Array(pack(value));
    case 5:
      return new Uint8Array(new Packr({ useRecords: true }).pack(value));
    default:
      return new Uint8Array(new Packr({ useRecords: false, useFloat32: 3, int64AsType: 'number' }).pack(value));
  }
}

const ODD_BYTES = [
  0x00, 0x22, 0x2c, 0x40, 0x41, 0x5c, 0x72, 0x7d, 0x80, 0x90, 0xa0, 0xc0, 0xc1, 0xc3, 0xcb, 0xd4, 0xd6, 0xd9, 0xdc,
  0xdd, 0xdf, 0xff,
];

export function damageBytes(bytes: Uint8Array, prng: Prng): Uint8Array {
  const damaged = [...bytes];
  for (let i = prng.below(3); i >= 0; i--) {
    const at = prng.below(damaged.length + 1);
    const byte = prng.below(2) === 0 ? prng.pick(ODD_BYTES) : prng.below(256);
    const kind = prng.below(6);
    if (kind === 0) damaged.length = at;
    else if (kind === 1) damaged.splice(at, 1);
    else if (kind === 2) damaged.splice(at, 0, byte);
    else if (kind === 3) damaged.push(byte);
    else if (kind === 4) damaged.splice(at, 0, ...damaged.slice(at, at + 1 + prng.below(40)));
    else damaged[at] = byte;
  }
  return new Uint8Array(damaged);
}
