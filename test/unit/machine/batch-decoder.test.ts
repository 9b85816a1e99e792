/** What the batch decoder takes and what it leaves; that it reads the same as the thorough decoder is a property test. */
import fc from 'fast-check';
import { Packr, pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { BATCH_EVENTS, BATCH_LIST_LENGTH_MAX, EVENT_BYTES_MAX, RECORD_BYTES_MAX } from '../../../src/constants.ts';
import { BatchDecoder } from '../../../src/machine/decode/batch-decoder.ts';
import { EventBatch } from '../../../src/machine/decode/event-batch.ts';
import { parseRfc3339, parseRfc3339Bytes } from '../../../src/machine/decode/rfc3339.ts';
import type { EventFrame } from '../../../src/protocol/frame.ts';
import { workspaceOf } from '../../support/machine-fixture.ts';

const { schema } = workspaceOf({
  'events.yaml':
    'receipt: {total: double, store: string, lines: int, paid: bool, at: timestamp, address: {city: string}, tags: [string], items: [{sku: string, price: double}]}\nvisit: {page: string}\n',
});
const encoder = new TextEncoder();
const json = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));
const records = (value: unknown): Uint8Array => new Uint8Array(new Packr({ useRecords: true }).pack(value));
const forms = [
  ['JSON', json],
  ['MessagePack', (value: unknown) => new Uint8Array(pack(value))],
  ['records', records],
] as const;

const decoder = new BatchDecoder(schema, null);
const batch = new EventBatch();
const ascii = (start: number | undefined, end: number | undefined): string =>
  String.fromCharCode(...batch.bytes.subarray(start, end));

/** Events taken, and whether something is left. */
function taken(bytes: Uint8Array): [count: number, blocked: boolean] {
  decoder.open(bytes);
  while (decoder.next(batch) > 0);
  return [decoder.decoded, decoder.blocked];
}
function frameOf(bytes: Uint8Array): EventFrame {
  decoder.open(bytes);
  expect(decoder.next(batch)).toBe(1);
  return batch.frame(0);
}

const receipt = {
  id: 'r-1',
  type: 'receipt',
  ts: '2026-01-01T00:00:00.250Z',
  customer: 'c00000000001',
  data: {
    total: 12.5,
    store: 'Köln',
    lines: 3,
    paid: true,
    at: 1_767_225_600_000,
    address: { city: 'Bonn' },
    tags: ['a', 'b'],
    items: [{ sku: 'x', price: 1 }, { price: 0.1 }],
  },
};
const plain = { type: 'receipt', customer: 'c', data: { total: 1 } };

describe.each(forms)('%s', (_, write) => {
  test('an event, and all that it says', () => {
    const frame = frameOf(write(receipt));
    expect(frame.typeName).toBe('receipt');
    expect(ascii(batch.idStart[0], batch.idEnd[0])).toBe('r-1');
    expect(ascii(batch.customerStart[0], batch.customerEnd[0])).toBe('c00000000001');
    expect(batch.givenTs[0]).toBe(Date.UTC(2026, 0, 1) + 250);
    const event = schema.events[0];
    const slot = (path: string): number => event?.fields.find((field) => field.path === path)?.slot ?? -1;
    expect([...frame.present]).toEqual(new Array(event?.fields.length).fill(1));
    expect(frame.number[slot('total')]).toBe(12.5);
    expect(frame.text[slot('store')]).toBe('Köln');
    expect(frame.number[slot('paid')]).toBe(1);
    expect(frame.text[slot('address.city')]).toBe('Bonn');
    expect(frame.lists.map(({ length }) => length)).toEqual([2, 2]);
    expect([...(frame.lists[1]?.columns[0]?.present.subarray(0, 2) ?? [])]).toEqual([1, 0]);
  });

  test('batches of 32, numbered through', () => {
    decoder.open(write(Array.from({ length: 70 }, () => plain)));
    const counts = [decoder.next(batch), decoder.next(batch), decoder.next(batch)];
    expect(counts).toEqual([BATCH_EVENTS, BATCH_EVENTS, 6]);
    expect(batch.index[5]).toBe(69);
    expect(decoder.next(batch)).toBe(0);
    expect(decoder.blocked).toBe(false);
  });

  test('frames hold nothing of the event before', () => {
    taken(write(receipt));
    const frame = frameOf(write(plain));
    expect(frame.present.reduce((sum, present) => sum + present, 0)).toBe(1);
    expect(frame.lists.map(({ length }) => length)).toEqual([0, 0]);
    expect(batch.idStart[0]).toBe(batch.idEnd[0]);
    expect(batch.givenTs[0]).toBeNaN();
  });

  test('keys in any order, data before its type too', () => {
    const { data, type, ...rest } = receipt;
    expect(taken(write([receipt, { data, ...rest, type }, { data, type: 'visit' }, plain]))).toEqual([4, false]);
  });

  test.each([
    ['null in place of a field, an id, data', { ...receipt, id: null, ts: null, data: { total: null, items: null } }],
    ['undeclared keys, whatever is below them', { ...plain, data: { other: { deep: [1, { x: null }] } }, more: 'é' }],
    ['no data', { type: 'visit', customer: 'c' }],
    ['an anonymous event', { type: 'visit' }],
    ['numbers of any form', { ...plain, data: { total: 1e300, lines: 4_294_967_296, at: -1 } }],
  ])('takes %s', (__, event) => {
    expect(taken(write([plain, event, plain]))).toEqual([3, false]);
  });

  test.each([
    ['an engine type', { type: '$profile', customer: 'c', data: {} }],
    ['an unknown type', { type: 'receipts' }],
    ['no type', { customer: 'c' }],
    ['ids', { ...plain, ids: {} }],
    ['an id that is not ASCII', { ...plain, customer: 'Jürgen' }],
    ['an empty id', { ...plain, id: '' }],
    ['a long id', { ...plain, id: 'x'.repeat(257) }],
    ['a wrong field type', { ...plain, data: { total: 'much' } }],
    ['an int beyond 2^53', { ...plain, data: { lines: 2 ** 53 } }],
    ['a fraction for an int', { ...plain, data: { lines: 1.5 } }],
    ['a bad date', { ...plain, ts: '2026-02-30T00:00:00Z' }],
    ['a date before 1970', { ...plain, ts: -1 }],
    ['null in a list of scalars', { ...plain, data: { tags: [null] } }],
    ['a long list', { ...plain, data: { tags: new Array(4097).fill('a') } }],
    ['a long string', { ...plain, data: { store: 'x'.repeat(64 * 1024 + 1) } }],
    ['what is too deep', { ...plain, data: { other: JSON.parse('['.repeat(31) + ']'.repeat(31)) as unknown } }],
    ['a large event', { ...plain, data: { other: ['x', 'y', 'z', 'w', 'v'].map((x) => x.repeat(60_000)) } }],
    ['what is no event', 5],
  ])('leaves %s, and all behind it', (__, event) => {
    expect(taken(write([plain, event, plain]))).toEqual([1, true]);
    expect(taken(write(event))).toEqual([0, true]);
  });

  test('an event as deep as allowed', () => {
    const other: unknown = JSON.parse('['.repeat(30) + ']'.repeat(30));
    expect(taken(write({ ...plain, data: { other } }))).toEqual([1, false]);
  });

  test('a long list begins a batch of its own, and changes nothing else', () => {
    const long = { ...plain, data: { items: new Array(BATCH_LIST_LENGTH_MAX + 1).fill({ sku: 'x', price: 2 }) } };
    decoder.open(write([plain, { ...long, more: { new: 1 } }, receipt]));
    expect(decoder.next(batch)).toBe(1);
    expect(decoder.next(batch)).toBe(2);
    expect(batch.frame(0).lists[1]?.length).toBe(BATCH_LIST_LENGTH_MAX + 1);
    expect(taken(write([plain, { ...long, more: { new: 1 } }, receipt]))).toEqual([3, false]);
  });

  test('strings that nobody reads are checked and not made', () => {
    const unread = new BatchDecoder(schema, { field: () => false, column: () => false });
    unread.open(write([receipt, { ...plain, data: { store: 5 } }]));
    const fresh = new EventBatch();
    expect(unread.next(fresh)).toBe(1);
    expect(unread.blocked).toBe(true);
    const frame = fresh.frame(0);
    const store = schema.events[0]?.fields.find(({ path }) => path === 'store')?.slot ?? -1;
    expect([frame.present[store], frame.text[store]]).toEqual([1, '']);
  });

  test('equal strings are one string, also beyond what is kept', () => {
    const names = Array.from({ length: 20_000 }, (__, i) => `name ${i % 10_000}`);
    for (let i = 0; i < names.length; i += 1000) {
      const events = names.slice(i, i + 1000).map((page) => ({ type: 'visit', data: { page } }));
      decoder.open(write(events));
      for (let at = i; decoder.next(batch) > 0; at += batch.count)
        for (let place = 0; place < batch.count; place++) expect(batch.frame(place).text[0]).toBe(names[at + place]);
    }
  });

  test('too large a message is left', () => {
    const event = { ...plain, data: { other: 'x'.repeat(EVENT_BYTES_MAX / 2) } };
    const many = write(new Array(Math.ceil(RECORD_BYTES_MAX / (EVENT_BYTES_MAX / 2))).fill(event));
    expect(many.length).toBeGreaterThan(RECORD_BYTES_MAX);
    expect(taken(many)).toEqual([0, true]);
    expect(taken(write([event, event]))).toEqual([2, false]);
  });
});

describe('JSON', () => {
  test.each([
    ['[]', 0, false],
    [' [ ] ', 0, false],
    ['', 0, true],
    ['\ufeff[]', 0, true],
    ['[{"type":"visit"}', 1, true],
    ['[{"type":"visit"},]', 1, true],
    ['[{"type":"visit"}] x', 1, true],
    ['[{"type":"visit"}] {"type":"visit"}', 1, true],
    ['[{"type":"visit"} {"type":"visit"}]', 0, true],
    ['{"type":"visit"} x', 0, true],
    ['{"type":"visit"},{"type":"visit"}', 0, true],
    ['\n{ "type" : "visit" , "data" : { } }\r\n', 1, false],
    ['{"type":"visit","type":"visit"}', 1, false],
    ['{"type":"visit","type":"receipt"}', 0, true],
    ['{"type":"visit","id":"1","id":"1"}', 0, true],
    ['{"type":"visit","t\\u0079pe":"visit"}', 0, true],
    ['{"type":"visit","data":{"page":"a","page":null}}', 0, true],
    ['{"type":"visit","data":{"page":"a\\u00e9\\n\\ud83d\\ude00"}}', 1, false],
    ['{"type":"visit","data":{"page":"\\ud83d"}}', 0, true],
    ['{"type":"visit","data":{"other":"\\ud83d"}}', 1, false],
    ['{"type":"visit","data":{"page":"a\nb"}}', 0, true],
    ['{"type":"visit","data":{"other":{"__proto__":1}}}', 0, true],
    ['{"type":"receipt","data":{"total":01}}', 0, true],
    ['{"type":"receipt","data":{"total":1.}}', 0, true],
    ['{"type":"receipt","data":{"total":.5}}', 0, true],
    ['{"type":"receipt","data":{"total":1e}}', 0, true],
    ['{"type":"receipt","data":{"total":-}}', 0, true],
    ['{"type":"receipt","data":{"total":1e400}}', 0, true],
    ['{"type":"receipt","data":{"total":tru}}', 0, true],
    ['{"type":"receipt","data":{"paid":truer}}', 0, true],
  ])('%s', (text, count, blocked) => {
    expect(taken(encoder.encode(text))).toEqual([count, blocked]);
  });

  const total = (text: string): number | undefined => {
    const frame = frameOf(encoder.encode(`{"type":"receipt","data":{"total":${text}}}`));
    return frame.number[schema.events[0]?.fields.find(({ path }) => path === 'total')?.slot ?? -1];
  };
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 25 });
  const spelled = fc
    .tuple(fc.boolean(), digits, fc.option(digits), fc.option(fc.integer({ min: -40, max: 40 })))
    .map(([minus, whole, fraction, exponent]) => {
      const integer = whole.replace(/^0+(?=.)/, '');
      return `${minus ? '-' : ''}${integer}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`;
    });

  test('numbers to the bit', () => {
    for (const text of [
      '-0',
      '0',
      '-0.0',
      '0e99',
      '123456789',
      '1234567890',
      '9007199254740993',
      '1e22',
      '1e23',
      '5e-324',
    ])
      expect(total(text)).toBe(JSON.parse(text));
    fc.assert(
      fc.property(spelled, (text) => Object.is(total(text), JSON.parse(text))),
      { numRuns: 3000 },
    );
    const doubles = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(doubles, (value) => Object.is(total(JSON.stringify(value)), JSON.parse(JSON.stringify(value)))),
    );
  });
});

test('timestamps from bytes are those from text', () => {
  const text = fc.oneof(
    fc
      .date({ noInvalidDate: true, min: new Date('0000-01-01'), max: new Date('9999-12-31') })
      .map((at) => at.toISOString()),
    fc.string({ unit: fc.constantFrom(...'0129-:.TZtz+é'), maxLength: 30 }),
  );
  const mutated = fc
    .tuple(text, fc.nat(30), fc.constantFrom(...'0129-:.TZ+ é'))
    .map(([t, at, c]) => t.slice(0, at) + c + t.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(text, mutated), (t) => {
      const bytes = encoder.encode(`"${t}Z12:00`);
      const end = 1 + encoder.encode(t).length;
      expect(parseRfc3339Bytes(bytes, 1, end)).toBe(parseRfc3339(t));
    }),
    { numRuns: 3000 },
  );
});
