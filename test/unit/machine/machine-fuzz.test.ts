/**
 * Whatever the bytes of a payload, apply ends in counted outcomes: nothing is thrown, every event is accepted, repeated
 * or rejected, and neighbours are unharmed.
 */
import fc from 'fast-check';
import { Packr, pack } from 'msgpackr';
import { expect, test } from 'vitest';
import { RecordKind } from '../../../src/protocol/record.ts';
import { MachineFixture } from '../../support/machine-fixture.ts';

const encoder = new TextEncoder();
const AT = Date.UTC(2010, 11, 1, 10);

const FILES = {
  'events.yaml':
    'receipt: {total: double, count: int, paid: bool, at: timestamp, store: string, address: {city: string}, tags: [string], items: [{sku: string, price: double}]}',
  'profile.yaml':
    'attributes: {city: {type: string}, tags: {type: list<string>}, age: {type: int}}\naggregates: {n: {fn: count, event: receipt}, spend: {fn: sum, event: receipt, value: event.total, window: 7d}, stores: {fn: distinct, event: receipt, value: event.store}, store: {fn: last, event: receipt, value: event.store}}',
  'policy.yaml': '{consent: {pos: none-needed}, caps: [{name: day, max: 3, per: 1d}]}',
  'templates/t.yaml':
    'pos: {text: "{{ event.store }} {% for item in event.items %}{{ item.sku }}{% endfor %} {{ profile.city }}"}',
  'campaigns/a.yaml':
    "{id: a, on: receipt, channels: [pos], when: 'event.total > 10.0 || event.items.exists(i, i.price > 1.0)', value: event.total, template: t}",
};

const good = (i: number): object => ({
  type: 'receipt',
  id: `good ${i}`,
  customer: 'good',
  ts: AT,
  data: { total: 1, store: 's' },
});

/** Everything that might stand where something else should. */
const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -0,
    1.5,
    2 ** 53,
    2 ** 63,
    -1,
    1e308,
    '',
    'x',
    '2010-12-01T10:00:00Z',
    '\ud800',
    '\u0000',
    [],
    {},
    [[]],
    [null],
    'x'.repeat(70_000),
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.jsonValue({ maxDepth: 3 }),
  fc.integer({ min: 1, max: 40 }).map((depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown),
);
const keys = fc.constantFrom(
  'total',
  'count',
  'paid',
  'at',
  'store',
  'address',
  'tags',
  'items',
  'city',
  'age',
  'channel',
  'state',
  'x',
  'constructor',
  'toString',
);
const event = fc.record(
  {
    type: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('receipt', '$profile', '$consent') },
      { weight: 1, arbitrary: odd },
    ),
    id: fc.oneof({ weight: 3, arbitrary: fc.constantFrom('1', '2') }, { weight: 1, arbitrary: odd }),
    customer: fc.oneof({ weight: 5, arbitrary: fc.constantFrom('ann', 'bob') }, { weight: 1, arbitrary: odd }),
    ts: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(AT, AT + 1, '2010-12-01T10:00:00Z') },
      { weight: 1, arbitrary: odd },
    ),
    data: fc.oneof({ weight: 8, arbitrary: fc.dictionary(keys, odd, { maxKeys: 5 }) }, { weight: 1, arbitrary: odd }),
  },
  { requiredKeys: [] },
);

/** Sends one payload between two good events, and checks that all is accounted for. */
function feed(fixture: MachineFixture, payload: Uint8Array, round: number): number {
  fixture.send(good(round * 2));
  expect(fixture.effects.accepted).toBe(1);
  const { accepted, repeated, rejections, deadLetters, decisions } = fixture.append(RecordKind.events, payload);
  expect(deadLetters).toHaveLength(rejections.length);
  for (const { decision, json } of decisions) expect(JSON.parse(new TextDecoder().decode(json))).toEqual(decision);
  const outcomes = accepted + repeated + rejections.length;
  fixture.send(good(round * 2 + 1));
  expect(fixture.effects.accepted).toBe(1);
  fixture.machine.campaigns();
  return outcomes;
}

/** One machine for all runs of a property: what one payload did must not break the next. */
function fuzz<T>(
  arbitrary: fc.Arbitrary<T>,
  numRuns: number,
  check: (fixture: MachineFixture, value: T, round: number) => void,
): void {
  const fixture = MachineFixture.with(FILES);
  let round = 0;
  fc.assert(
    fc.property(arbitrary, (value) => {
      check(fixture, value, round++);
    }),
    { numRuns },
  );
  expect(fixture.clone().machine.digest()).toBe(fixture.machine.digest());
}

test('random bytes', () => {
  fuzz(fc.uint8Array({ maxLength: 300 }), 2000, feed);
});

test('odd events, as JSON: one outcome each', () => {
  fuzz(fc.array(event, { minLength: 1, maxLength: 5 }), 1500, (fixture, events, round) => {
    expect(feed(fixture, encoder.encode(JSON.stringify(events)), round)).toBe(events.length);
  });
});

test('odd events, as MessagePack, with and without records', () => {
  const packr = new Packr({ useRecords: true });
  fuzz(
    fc.tuple(fc.array(event, { minLength: 1, maxLength: 5 }), fc.boolean()),
    1500,
    (fixture, [events, records], round) => {
      // msgpackr writes __proto__ keys and lone surrogates in ways of its own: what cannot be read ends the message.
      const outcomes = feed(fixture, records ? packr.pack(events) : pack(events), round);
      expect(outcomes).toBeGreaterThanOrEqual(1);
      expect(outcomes).toBeLessThanOrEqual(events.length);
    },
  );
});

test('mutated messages: bytes changed, cut, doubled', () => {
  const change = fc.record({
    at: fc.nat(),
    what: fc.constantFrom('set', 'cut', 'insert', 'truncate'),
    byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0x22, 0x5b, 0x5d, 0x7b, 0x7d, 0x2c, 0x5c, 0x91, 0xdf, 0xd4)),
  });
  const sample = [
    good(-1),
    { type: '$profile', customer: 'ann', data: { city: 'Paris', tags: ['a'] } },
    { type: 'receipt', data: { items: [{ sku: 'A', price: 2 }], address: { city: 'x' } } },
  ];
  const forms = [
    encoder.encode(JSON.stringify(sample)),
    new Uint8Array(pack(sample)),
    new Uint8Array(new Packr({ useRecords: true }).pack(sample)),
  ];
  fuzz(
    fc.tuple(fc.constantFrom(...forms), fc.array(change, { minLength: 1, maxLength: 4 })),
    3000,
    (fixture, [form, changes], round) => {
      let bytes = [...form];
      for (const { at, what, byte } of changes) {
        const place = bytes.length === 0 ? 0 : at % bytes.length;
        if (what === 'set') bytes[place] = byte;
        else if (what === 'cut') bytes.splice(place, 1);
        else if (what === 'insert') bytes.splice(place, 0, byte);
        else bytes = bytes.slice(0, place);
      }
      feed(fixture, Uint8Array.from(bytes), round);
    },
  );
});

test('poison by name', () => {
  const fixture = MachineFixture.with(FILES);
  const deep = (n: number): string => '{"a":'.repeat(n) + '1' + '}'.repeat(n);
  const poison: readonly (readonly [string, string])[] = [
    ['{"type":"receipt","data":{"__proto__":{"total":5}}}', 'the key "__proto__" is not allowed'],
    ['{"type":"receipt","__proto__":{"type":"x"}}', 'the key "__proto__" is not allowed'],
    [`{"type":"receipt","data":${deep(10_000)}}`, 'nested deeper than 32 levels'],
    [`{"type":"$profile","customer":"a","data":${deep(40)}}`, 'nested deeper than 32 levels'],
    [`{"type":"$consent","customer":"a","data":${deep(40)}}`, 'nested deeper than 32 levels'],
    [`{"type":"receipt","extra":${deep(32)}}`, 'nested deeper than 32 levels'],
    [`{"type":"receipt","data":{"store":${'['.repeat(200_000)}`, 'nested deeper than 32 levels'],
    ['{"type":"receipt","data":{"count":9223372036854775808}}', 'expected int within ±(2^53 − 1)'],
    ['{"type":"receipt","data":{"total":1e999}}', 'data.total: expected double, got double Infinity'],
    ['{"type":"receipt","data":{"store":"\\ud800"}}', 'data.store: the string has half a surrogate pair'],
    ['{"type":"receipt","customer":"\\udc00x"}', 'customer: the string has half a surrogate pair'],
    [
      `{"type":"receipt","data":{"store":"${'x'.repeat(65_537)}"}}`,
      'data.store: the string has 65537 characters, 65536 are allowed',
    ],
    [`{"type":"receipt","customer":"${'é'.repeat(129)}"}`, 'customer: longer than 256 bytes'],
    [
      `{"type":"receipt","data":{"tags":[${'"x",'.repeat(4096)}"x"]}}`,
      'data.tags: the list has 4097 elements, 4096 are allowed',
    ],
    ['{"type":"receipt","customer":17850}', 'customer: expected string, got int 17850'],
    ['{"type":"receipt","ids":{"loyalty":"1"}}', 'ids: identities are not supported yet'],
    ['{"customer":"ann"}', 'type: missing'],
  ];
  for (const [i, [text, error]] of poison.entries()) {
    expect(feed(fixture, encoder.encode(text), i), text.slice(0, 60)).toBe(1);
    fixture.append(RecordKind.events, encoder.encode(text));
    expect(fixture.effects.rejections[0]?.error).toContain(error);
    expect(fixture.effects.deadLetters[0]?.raw).toEqual(encoder.encode(text));
  }
  expect(({} as { total?: number }).total).toBeUndefined();
});

test('32 levels are taken', () => {
  const fixture = MachineFixture.with(FILES);
  for (const place of ['"extra":', '"data":{"x":']) {
    const levels = place === '"extra":' ? 31 : 30;
    const text = `{"type":"receipt","ts":${AT},${place}${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}${place.startsWith('"data') ? '}' : ''}}`;
    expect(fixture.append(RecordKind.events, encoder.encode(text)).accepted, place).toBe(1);
    expect(fixture.append(RecordKind.events, pack(JSON.parse(text))).accepted, place).toBe(1);
  }
});

test('lists of 4,096 elements and events of 256 KiB are taken', () => {
  const fixture = MachineFixture.with(FILES);
  const tags = new Array<string>(4096).fill('x'.repeat(50));
  const event = { type: 'receipt', customer: 'ann', ts: AT, data: { tags, store: 'y'.repeat(30_000) } };
  const text = JSON.stringify(event);
  expect(text.length).toBeGreaterThan(240_000);
  expect(fixture.append(RecordKind.events, encoder.encode(text.padEnd(256 * 1024))).accepted).toBe(1);
});
