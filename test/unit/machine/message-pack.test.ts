import fc from 'fast-check';
import { Packr, pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { MessagePackReader, unreadable } from '../../../src/machine/decode/message-pack.ts';
import { Fault } from '../../../src/machine/fault.ts';

const reader = new MessagePackReader(new Fault());

function read(bytes: Uint8Array): unknown {
  reader.open(bytes);
  const value = reader.value();
  if (value !== unreadable) expect(reader.at).toBe(bytes.length);
  return value;
}

/** Shared by all arbitraries: what JSON can hold, with keys that msgpackr does not rewrite. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    // msgpackr writes −0 as 0.
    fc.double({ noNaN: true }).map((number) => number + 0),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      fc.string({ minLength: 1, maxLength: 12 }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 20, noNullPrototype: true },
    ),
  ),
})).value;

describe('MessagePackReader reads what msgpackr writes', () => {
  test('plain maps', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(read(pack(value))).toEqual(value);
      }),
    );
  });

  test('records, one and many per message', () => {
    const records = new Packr({ useRecords: true });
    fc.assert(
      fc.property(json, fc.integer({ min: 1, max: 40 }), (value, count) => {
        const messages = Array.from({ length: count }, (_, i) => ({
          id: `e${i}`,
          n: i + 60,
          data: { a: value, list: [{ x: i }, { x: 70, y: 'z' }] },
        }));
        expect(read(records.pack(messages))).toEqual(messages);
      }),
    );
    expect(reader.usesRecords).toBe(true);
  });

  test('64-bit integers come out as the nearest double', () => {
    for (const n of [0n, 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 1n, -(2n ** 63n)])
      expect(read(pack(n))).toBe(Number(n));
  });

  test('timestamps come out as epoch milliseconds', () => {
    for (const ms of [0, 1_291_191_960_000, 1_291_191_960_123, -5_000, 253_402_300_799_999])
      expect(read(pack(new Date(ms)))).toBe(ms);
  });
});

test('records of one message are not known in the next', () => {
  const records = new Packr({ useRecords: true });
  read(records.pack({ a: 1 }));
  // 0x40 names the first record of a message that defined one; here it is the integer 64.
  expect(read(Uint8Array.of(0x40))).toBe(64);
});

describe('refused', () => {
  const nested = (levels: number): Uint8Array => Uint8Array.from([...new Array<number>(levels).fill(0x91), 0xc0]);
  test.each([
    ['truncated string', [0xa5, 0x61]],
    ['truncated map', [0x82, 0xa1, 0x61, 0x01]],
    ['list longer than the message', [0xdd, 0x00, 0x00, 0x0f, 0xff]],
    ['map longer than the message', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['never used byte', [0xc1]],
    ['binary string', [0xc4, 0x01, 0x00]],
    ['unknown extension', [0xd4, 0x55, 0x00]],
    ['two-byte record id', [0xd5, 0x72, 0x60, 0x01]],
    ['integer as key', [0x81, 0x01, 0x01]],
    ['__proto__ as key', [0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 0x80]],
    ['__proto__ in a record', [0xd4, 0x72, 0x40, 0x91, 0xa9, ...new TextEncoder().encode('__proto__'), 0x01]],
    ['string that is not UTF-8', [0xa2, 0xff, 0xfe]],
    ['long string that is not UTF-8', [0xb0, ...new Array<number>(16).fill(0xff)]],
    ['nothing', []],
  ])('%s', (_, bytes) => {
    expect(read(Uint8Array.from(bytes))).toBe(unreadable);
    expect(reader.fault.reason).toBe('syntax');
  });

  test('too deep, and not a level sooner', () => {
    expect(read(nested(33))).toBe(unreadable);
    expect(reader.fault.reason).toBe('too_deep');
    expect(read(nested(32))).not.toBe(unreadable);
  });

  test('a list of more elements than allowed', () => {
    const bytes = new Uint8Array(5 + 4097).fill(0xc0);
    bytes.set([0xdd, 0x00, 0x00, 0x10, 0x01]);
    expect(read(bytes)).toBe(unreadable);
    expect(reader.fault.error).toContain('4097');
  });
});

test('any bytes end in a value or a fault', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      reader.open(bytes);
      reader.value();
      expect(reader.at).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 3000 },
  );
});
