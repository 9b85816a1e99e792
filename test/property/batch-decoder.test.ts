/**
 * The batch decoder against the thorough one, which is the definition of what an event says: what the first accepts,
 * the second accepts and reads the same, event by event; and the first never passes an event over.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BatchDecoder } from '../../src/machine/decode/batch-decoder.ts';
import { EventDecoder, EventKind } from '../../src/machine/decode/decode.ts';
import { EventBatch } from '../../src/machine/decode/event-batch.ts';
import { Payload } from '../../src/machine/decode/payload.ts';
import { Fault } from '../../src/machine/fault.ts';
import type { EventFrame } from '../../src/protocol/frame.ts';
import type { ScalarType, Schema } from '../../src/protocol/schema.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { damageBytes, drawMessage, drawSchema } from './batch-decoder-arbitraries.ts';

const RUNS = Number(process.env['BATCH_DECODER_RUNS'] ?? 40);
const MESSAGES = 20;
const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.slice(start, end));

function cell(
  type: ScalarType,
  present: number | undefined,
  number: number | undefined,
  text: string | undefined,
): unknown {
  if (present !== 1) return null;
  return type === 'string' ? text : number;
}

/** All that a frame says, and nothing of what was there before. */
function read(schema: Schema, frame: EventFrame): unknown {
  const event = schema.events[frame.type];
  if (event === undefined) throw new Error(`no event type ${frame.type}`);
  return {
    type: frame.typeName,
    fields: event.fields.map(({ type, slot }) => cell(type, frame.present[slot], frame.number[slot], frame.text[slot])),
    lists: event.lists.map(({ list, columns }) => {
      const into = frame.lists[list];
      if (frame.listPresent[list] !== 1 || into === undefined) return null;
      return Array.from({ length: into.length }, (_, i) =>
        columns.map(({ type, column }) => {
          const { present, number, text } = into.columns[column] ?? { present: [], number: [], text: [] };
          return cell(type, present[i], number[i], text[i]);
        }),
      );
    }),
  };
}

/** Per event what it says, or the fault. */
function thorough(schema: Schema, bytes: Uint8Array): unknown[] {
  const fault = new Fault();
  const payload = new Payload(fault);
  const decoder = new EventDecoder(schema, fault);
  const events: unknown[] = [];
  payload.open(bytes);
  while (payload.next()) {
    const envelope = payload.ok && decoder.envelope(payload.value) && decoder.resolveType() && decoder.time();
    const frame = envelope && decoder.kind === EventKind.declared ? decoder.frame(0) : null;
    const { id, customer, givenTs } = decoder;
    events.push(frame === null ? fault.error : { id, customer, givenTs, frame: read(schema, frame) });
  }
  return events;
}

interface Fast {
  readonly events: unknown[];
  readonly blocked: boolean;
}

function fast(schema: Schema, decoder: BatchDecoder, batch: EventBatch, bytes: Uint8Array): Fast {
  const events: unknown[] = [];
  decoder.open(bytes);
  while (decoder.next(batch) > 0) {
    for (let place = 0; place < batch.count; place++) {
      expect(batch.index[place]).toBe(events.length);
      events.push({
        id: latin1(batch.bytes, batch.idStart[place] ?? 0, batch.idEnd[place] ?? 0),
        customer: latin1(batch.bytes, batch.customerStart[place] ?? 0, batch.customerEnd[place] ?? 0),
        givenTs: batch.givenTs[place],
        frame: read(schema, batch.frame(place)),
      });
    }
  }
  expect(decoder.decoded).toBe(events.length);
  expect(batch.count).toBe(0);
  return { events, blocked: decoder.blocked };
}

describe('what is accepted is what the thorough decoder reads', () => {
  const check = (seed: number): void => {
    const prng = new Prng(seed);
    const schema = drawSchema(prng);
    const decoder = new BatchDecoder(schema, null);
    const batch = new EventBatch();
    for (let i = 0; i < MESSAGES; i++) {
      const bytes = drawMessage(schema, prng);
      const { events, blocked } = fast(schema, decoder, batch, bytes);
      const expected = thorough(schema, bytes);
      expect(events).toEqual(expected.slice(0, events.length));
      if (!blocked) expect(events.length).toBe(expected.length);
      else expect(events.length).toBeLessThan(expected.length);
    }
  };

  test('over schemas and messages', () => {
    fc.assert(fc.property(fc.integer(), check), { numRuns: RUNS });
  });

  test('over every truncation and many mutations of one message', () => {
    const prng = new Prng(4);
    const schema = drawSchema(prng);
    const decoder = new BatchDecoder(schema, null);
    const batch = new EventBatch();
    for (let round = 0; round < 20; round++) {
      const bytes = drawMessage(schema, prng).subarray(0, 3000);
      const compare = (mutated: Uint8Array): void => {
        const { events, blocked } = fast(schema, decoder, batch, mutated);
        const expected = thorough(schema, mutated);
        expect(events).toEqual(expected.slice(0, events.length));
        expect(events.length < expected.length).toBe(blocked);
      };
      for (let end = 0; end < Math.min(bytes.length, 400); end++) compare(bytes.slice(0, end));
      for (let i = 0; i < 100; i++) compare(damageBytes(bytes, prng));
    }
  });
});
