/** Whatever the payload, the machine's own reader sees what a reader of the payload alone would see, with customer and type filled in where they are left out. */
import fc from 'fast-check';
import { Encoder, Packr, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { completeEvent } from '../../../src/log/jetstream/subject-event.ts';
import { MessagePackReader, unreadable } from '../../../src/machine/decode/message-pack.ts';
import { Fault } from '../../../src/machine/fault.ts';

const encoder = new TextEncoder();
const PREFIX = 'beckon.events.12.';

function complete(tokens: string, payload: Uint8Array): Uint8Array {
  return completeEvent(encoder.encode(PREFIX + tokens), PREFIX.length, payload);
}
const json = (tokens: string, text: string): string => Buffer.from(complete(tokens, encoder.encode(text))).toString();

const token = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .map((text) => text.replace(/[\s.*>]/gu, '_'));
const event = fc.record(
  {
    id: fc.string(),
    type: fc.constantFrom('own', 'receipt', null),
    customer: fc.string(),
    ts: fc.integer(),
    data: fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.oneof(fc.integer(), fc.string(), fc.boolean()),
      {
        maxKeys: 30,
      },
    ),
  },
  { requiredKeys: [] },
);
/** Keys that look up prototypes would differ between readers; objects made here have none of them. */
const filledIn = (customer: string, type: string, value: object): object => ({ customer, type, ...value });

describe('an event published to the subject of its customer and type', () => {
  it('is completed in JSON, and what it says itself counts', () => {
    fc.assert(
      fc.property(token, token, event, fc.constantFrom('', ' ', '\n\t '), (customer, type, value, space) => {
        const text = `${space}${JSON.stringify(value).replace('{', `{${space}`)}${space}`;
        expect(JSON.parse(json(`${customer}.${type}`, text))).toEqual(
          filledIn(customer, type, JSON.parse(JSON.stringify(value))),
        );
      }),
    );
  });

  it('is completed in MessagePack, as maps', () => {
    const maps = new Encoder({ useRecords: false, variableMapSize: true });
    fc.assert(
      fc.property(token, token, event, (customer, type, value) => {
        const whole = complete(`${customer}.${type}`, maps.encode(value));
        expect(unpack(whole)).toEqual(filledIn(customer, type, value));
      }),
    );
  });

  it('is completed in MessagePack, as msgpackr records', () => {
    fc.assert(
      fc.property(token, token, event, (customer, type, value) => {
        fc.pre(Object.keys(value).length > 0);
        const records = new Packr({ useRecords: true });
        const payload = records.pack(value);
        expect(payload[0]).toBe(0xd4);
        const whole = new Packr({ useRecords: true }).unpack(complete(`${customer}.${type}`, payload));
        expect({ ...whole }).toEqual(filledIn(customer, type, value));
      }),
    );
  });

  it('may have more than sixteen keys', () => {
    const many = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`k${i}`, i]));
    const maps = new Encoder({ useRecords: false, variableMapSize: true });
    expect(unpack(complete('c.t', maps.encode(many)))).toEqual({ customer: 'c', type: 't', ...many });
  });

  it('may be marked as UTF-8', () => {
    expect(json('c.t', '\ufeff{"id":"1"}')).toBe('{"customer":"c","type":"t","id":"1"}');
  });

  it('escapes what stands in the subject', () => {
    expect(JSON.parse(json('a"b\\c.{t}', '{}'))).toEqual({ customer: 'a"b\\c', type: '{t}' });
  });

  it.each([
    ['c.t', ''],
    ['c.t', '[{"id":"1"}]'],
    ['c.t', 'null'],
    ['c.t', '  '],
    ['c', '{"id":"1"}'],
    ['c.t.more', '{"id":"1"}'],
    ['', '{"id":"1"}'],
    ['c.', '{"id":"1"}'],
    ['.t', '{"id":"1"}'],
  ])('leaves alone what is no single event with both: %j %j', (tokens, text) => {
    expect(json(tokens, text)).toBe(text);
  });

  it('makes nothing readable that was not, and nothing unreadable', () => {
    const readable = (bytes: Uint8Array): boolean => {
      const reader = new MessagePackReader(new Fault());
      reader.open(bytes);
      return reader.value() !== unreadable && reader.at === bytes.length;
    };
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom([0xd4, 0x72, 0x40, 0x92], [0xde, 0x00], [0xdf, 0, 0], [0x80], [0x81, 0xa1], [0x92]),
        (tail, head) => {
          const payload = new Uint8Array([...head, ...tail]);
          expect(readable(complete('c.t', payload))).toBe(readable(payload));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
