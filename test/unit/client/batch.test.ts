/** What the producer library encodes is what the machine reads. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batch, encodeEvent } from '../../../src/client/batch.ts';
import { type Plain, toPlain } from '../../../src/client/plain.ts';
import { Payload } from '../../../src/machine/decode/payload.ts';
import { Fault } from '../../../src/machine/fault.ts';

/** Whatever a caller may hand in that has a meaning; -0 is 0 in JSON. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, undefined),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.string({ unit: 'grapheme' }),
    fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true }),
    fc.array(
      tie('any').filter((element) => element !== undefined),
      { maxLength: 5 },
    ),
    fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((key) => key !== '__proto__'),
      tie('any'),
      { maxKeys: 5 },
    ),
  ),
})).any;
const event = fc.record({ type: fc.constant('receipt'), customer: fc.string({ unit: 'grapheme' }), data: value });

function read(payload: Uint8Array): unknown[] {
  const reader = new Payload(new Fault());
  reader.open(payload);
  const events: unknown[] = [];
  while (reader.next()) {
    expect(reader.ok).toBe(true);
    events.push(reader.value);
  }
  return events;
}

describe('a batch', () => {
  it.each(['json', 'msgpack'] as const)('of %s holds its events as JSON would have them', (format) => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 20 }), (events) => {
        const batch = new Batch(0, 'id', format, 0);
        for (const one of events) batch.add(encodeEvent(toPlain(one, ''), format));
        const payload = batch.payload();
        expect(JSON.parse(JSON.stringify(read(payload)))).toEqual(JSON.parse(JSON.stringify(events)));
        // Every attempt sends the same bytes.
        expect(batch.payload()).toEqual(payload);
        expect(batch.events).toBe(events.length);
        expect(payload.length).toBeGreaterThan(batch.eventBytes);
      }),
    );
  });

  it('takes nothing once it was sent', () => {
    const batch = new Batch(0, 'id', 'json', 0);
    batch.add(encodeEvent({}, 'json'));
    batch.payload();
    expect(() => batch.add(encodeEvent({}, 'json'))).toThrow(/takes no more events/);
  });
});

describe('plain values', () => {
  it('are passed on untouched', () => {
    const given = { a: [1, 'x', { b: null }], c: { d: true } };
    expect(toPlain(given, '')).toBe(given);
  });

  it('never change what the caller holds', () => {
    const given = { a: [{ b: undefined, c: new Date(0) }, 2], d: undefined };
    expect(toPlain(given, '')).toEqual({ a: [{ c: '1970-01-01T00:00:00.000Z' }, 2] });
    expect(given).toEqual({ a: [{ b: undefined, c: new Date(0) }, 2], d: undefined });
    expect(Object.keys(given)).toEqual(['a', 'd']);
  });

  it.each([
    [Number.NaN, /data: NaN/],
    [Number.POSITIVE_INFINITY, /data: Infinity/],
    [{ a: [undefined] }, /data\.a\[0\]: a undefined/],
    [{ a: () => 1 }, /data\.a: a function/],
    [{ a: Symbol('x') }, /data\.a: a symbol/],
    [{ a: 1n }, /data\.a: a bigint/],
    [new Date(Number.NaN), /data: an invalid date/],
    [{ a: new Set([1]) }, /data\.a: a Set/],
    [new Uint8Array(2), /data: a Uint8Array/],
    [Object.create({ inherited: 1 }), /data: a Object/],
  ])('exclude %s', (wrong, message) => {
    expect(() => toPlain(wrong as Plain, 'data')).toThrow(message);
  });
});
