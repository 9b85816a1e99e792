/** The byte scanners against JSON.parse and msgpackr, over random events, spellings and damage. */
import fc from 'fast-check';
import { Packr, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { EVENT_DEPTH_MAX, RECORD_BYTES_MAX } from '../../../src/constants.ts';
import type { BodyFormat } from '../../../src/gateway/body-format.ts';
import { JsonScanner } from '../../../src/gateway/json-scanner.ts';
import { EventRouter, type RoutedEvents } from '../../../src/gateway/route-events.ts';
import { fnv1a32, partitionOf } from '../../../src/stdx/hash.ts';
import { Prng } from '../../../src/stdx/prng.ts';
import { damage, spellOddly } from '../../support/odd-json.ts';

const PARTITIONS = 7;
const limits = { eventsMax: 10_000, malformedMax: 1000, expandedBytesMax: 1 << 24 };
/** One for all: nothing may leak from one body into the next. */
const router = new EventRouter(PARTITIONS, limits);
const runs = { numRuns: 400 };

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('customer', 'id', '__proto__'),
);
const anyEvent = fc.record(
  {
    customer: fc.oneof(
      { weight: 5, arbitrary: text },
      { weight: 1, arbitrary: fc.constantFrom(null, 17, '', '\ud800') },
    ),
    id: fc.oneof({ weight: 3, arbitrary: text }, { weight: 1, arbitrary: fc.constantFrom(null, 3) }),
    type: fc.constantFrom('receipt', '$profile'),
    data: fc.jsonValue({ maxDepth: 4 }),
    'cust\u00f6mer': fc.jsonValue({ maxDepth: 1 }),
  },
  { requiredKeys: [] },
);
const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });

interface AnyEvent {
  readonly customer?: unknown;
  readonly id?: unknown;
}

function route(body: string | Uint8Array, format: BodyFormat): RoutedEvents {
  const result = router.route(Buffer.from(body as string), format);
  if ('fault' in result) throw new Error(result.fault);
  return result;
}

/** Where an event must go; null: by its bytes, anywhere. */
function expectedPartition(event: AnyEvent): number | null {
  const { customer, id } = event;
  if (typeof customer === 'string' && customer !== '') return partitionOf(customer, PARTITIONS);
  return typeof id === 'string' && id !== '' ? fnv1a32(id) % PARTITIONS : null;
}

/** Every event sent arrives once, unchanged, with its index, where it belongs, and in order within its partition. */
function expectDelivered(
  routed: RoutedEvents,
  events: readonly AnyEvent[],
  decode: (payload: Uint8Array) => unknown,
): void {
  const seen = new Set<number>();
  routed.batches.forEach(({ partition, payload }, b) => {
    const value = decode(payload);
    const batch = Array.isArray(value) ? value : [value];
    const indices = routed.indices[b] as Uint32Array;
    expect(batch.length).toBe(indices.length);
    batch.forEach((event, i) => {
      const index = indices[i] as number;
      expect(event).toEqual(events[index]);
      expect(seen.has(index)).toBe(false);
      expect(partition).toBe(expectedPartition(events[index] as AnyEvent) ?? partition);
      seen.add(index);
    });
  });
  expect(seen.size).toBe(events.length);
  for (let p = 0; p < PARTITIONS; p++) {
    const order = routed.batches.flatMap((batch, b) =>
      batch.partition === p ? [...(routed.indices[b] as Uint32Array)] : [],
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
  }
}

const parseJson = (payload: Uint8Array): unknown => JSON.parse(Buffer.from(payload).toString('utf8'));

describe('JSON', () => {
  test('the scanner accepts exactly the objects that JSON.parse accepts, and finds the same customer and id', () => {
    fc.assert(
      fc.property(anyEvent, seed, fc.boolean(), (event, seed, isDamaged) => {
        const prng = new Prng(seed);
        const spelt = spellOddly(event, prng);
        const source = isDamaged ? damage(spelt, prng) : spelt;
        fc.pre(source.startsWith('{'));
        const bytes = Buffer.from(source);
        const scanner = new JsonScanner();
        scanner.open(bytes);
        const end = scanner.object(0, bytes.length);
        const isWhole = end > 0 && scanner.skipSpace(end, bytes.length) === bytes.length;
        let parsed: AnyEvent | null = null;
        try {
          parsed = JSON.parse(bytes.toString('utf8')) as AnyEvent;
        } catch {
          // Not JSON: the scanner must say so too.
        }
        expect(isWhole).toBe(parsed !== null);
        if (parsed === null) return;
        const found = (start: number, end: number): unknown =>
          start < 0 ? null : JSON.parse(`"${bytes.toString('utf8', start, end)}"`);
        const textOf = (value: unknown): unknown => (typeof value === 'string' ? value : null);
        expect(found(scanner.customerStart, scanner.customerEnd)).toBe(textOf(parsed.customer));
        expect(found(scanner.idStart, scanner.idEnd)).toBe(textOf(parsed.id));
      }),
      { numRuns: 3000 },
    );
  });

  test('an array reaches the partitions event by event', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), seed, (events, seed) => {
        const prng = new Prng(seed);
        expectDelivered(route(spellOddly(events, prng), 'json'), parsed(events), parseJson);
      }),
      runs,
    );
  });

  test('so do lines, with blank ones between them and either line end, and objects one after the other', () => {
    fc.assert(
      fc.property(
        fc.array(anyEvent, { minLength: 1, maxLength: 30 }),
        seed,
        fc.constantFrom('lines', 'json'),
        (events, seed, format) => {
          const prng = new Prng(seed);
          const body = events
            .map((event) => spellOddly(event, prng, format === 'lines') + prng.pick(['\n', '\r\n', '\n\n', '\n \r\n']))
            .join('');
          expectDelivered(route(body, format as BodyFormat), parsed(events), parseJson);
        },
      ),
      runs,
    );
  });

  test('a damaged line costs that line alone', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 20 }), seed, (events, seed) => {
        const prng = new Prng(seed);
        const lines = events.map((event) => spellOddly(event, prng, true));
        const bad = prng.below(lines.length);
        lines[bad] = damage(lines[bad] as string, prng)
          .replaceAll('\n', ' ')
          .trim();
        fc.pre(lines[bad] !== '');
        const routed = route(lines.join('\n'), 'lines');
        expect(routed.events).toBe(lines.length);
        expectNeighbours(routed, parsed(events), bad, lines[bad] as string);
      }),
      runs,
    );
  });

  test('in an array, an element that is not JSON but keeps its brackets and quotes costs itself alone', () => {
    const broken = fc.constantFrom(
      '{"a":}',
      '{a:1}',
      "{'a':1}",
      '{"a":1,}',
      '{"a" 1}',
      '{"a":01}',
      '{"a":tru}',
      '{"a":"\\x"}',
      'hello',
      '{"a":NaN}',
      '17',
      '[{"a":1}]',
      '{"a":1}{"b":2}',
      '"text, with ] and }"',
    );
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 20 }), broken, seed, (events, bad, seed) => {
        const prng = new Prng(seed);
        const at = prng.below(events.length + 1);
        const elements = events.map((event) => spellOddly(event, prng));
        elements.splice(at, 0, bad);
        const withBad = parsed(events);
        withBad.splice(at, 0, {});
        const routed = route(`[${elements.join(' , ')}]`, 'json');
        expect(routed.events).toBe(elements.length);
        expectNeighbours(routed, withBad, at, bad);
      }),
      runs,
    );
  });

  test('whatever comes, every byte of it that is no space ends up in one event or another, or is refused by index', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 8 }), seed, fc.boolean(), (events, seed, asList) => {
        const prng = new Prng(seed);
        const spelt = asList ? spellOddly(events, prng) : events.map((event) => spellOddly(event, prng)).join('\n');
        const body = Buffer.from(damage(spelt, prng));
        fc.pre(body.toString().trim() !== '');
        const routed = route(body, 'json');
        const indices = routed.indices.flatMap((rows) => [...rows]).concat([...routed.refused.keys()]);
        expect(indices.sort((a, b) => a - b)).toEqual(Array.from({ length: routed.events }, (_, i) => i));
        const passedOn = routed.batches.reduce((sum, batch) => sum + batch.payload.length, 0);
        const frames = body.toString('latin1').replace(/[\s[\],]/g, '').length;
        const brackets = routed.batches.reduce(
          (sum, batch) =>
            sum +
            (Buffer.from(batch.payload)
              .toString('latin1')
              .match(/[\s[\],]/g)?.length ?? 0),
          0,
        );
        expect(passedOn - brackets).toBe(frames);
      }),
      runs,
    );
  });
});

describe('MessagePack', () => {
  const plain = new Packr({ useRecords: false, variableMapSize: true });

  test('arrays and sequences of maps reach the partitions event by event', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 40 }), fc.boolean(), (events, asList) => {
        const sent = encodable(events);
        const body = asList ? plain.pack(sent) : Buffer.concat(sent.map((event) => Buffer.from(plain.pack(event))));
        expectDelivered(route(Buffer.from(body), 'message-pack'), sent, (payload) => unpack(Buffer.from(payload)));
      }),
      runs,
    );
  });

  test('records are written out as plain maps', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 40 }), (events) => {
        const sent = encodable(events);
        const body = Buffer.from(new Packr({ useRecords: true }).pack(sent));
        expectDelivered(route(body, 'message-pack'), sent, (payload) => unpack(Buffer.from(payload)));
      }),
      runs,
    );
  });

  test('cut anywhere, the events before the cut arrive and what is left is one malformed event or refused', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 10 }), fc.nat(), (events, cut) => {
        const sent = encodable(events);
        const body = Buffer.from(plain.pack(sent));
        const at = 1 + (cut % (body.length - 1));
        const routed = route(body.subarray(0, at), 'message-pack');
        const whole: number[] = [];
        routed.batches.forEach((batch, b) => {
          const value = unpackOrNull(batch.payload);
          const batchEvents = Array.isArray(value) ? value : [value];
          (routed.indices[b] as Uint32Array).forEach((index, i) => {
            if (value === null) return;
            expect(batchEvents[i]).toEqual(sent[index]);
            whole.push(index);
          });
        });
        const malformed = routed.events - whole.length;
        expect(malformed).toBe(at < body.length ? 1 : 0);
        expect(whole.sort((a, b) => a - b)).toEqual(whole.map((_, i) => i));
      }),
      runs,
    );
  });

  test('arbitrary bytes never throw, and every index is accounted for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const routed = route(Buffer.from([0x80 | ((bytes[0] as number) & 0x1f), ...bytes]), 'message-pack');
        const indices = routed.indices.flatMap((rows) => [...rows]).concat([...routed.refused.keys()]);
        expect(indices.sort((a, b) => a - b)).toEqual(Array.from({ length: routed.events }, (_, i) => i));
      }),
      { numRuns: 3000 },
    );
  });
});

test('batches are cut at the size of a record, in order', () => {
  const events = Array.from({ length: 60 }, (_, i) => ({
    type: 'a',
    customer: 'one',
    n: i,
    pad: 'x'.repeat(20_000 + i * 1000),
  }));
  const routed = route(JSON.stringify(events), 'json');
  expect(routed.batches.length).toBeGreaterThan(2);
  for (const batch of routed.batches) expect(batch.payload.length).toBeLessThanOrEqual(RECORD_BYTES_MAX);
  expectDelivered(routed, events, parseJson);
});

test('an event nested deeper than allowed travels alone to where its customer lives', () => {
  const deep = `{"customer":"Ann","data":${'['.repeat(EVENT_DEPTH_MAX)}${']'.repeat(EVENT_DEPTH_MAX)}}`;
  const routed = route(`[{"customer":"Ann"},${deep},{"customer":"Ann"}]`, 'json');
  expect(routed.batches.map((batch) => Buffer.from(batch.payload).toString())).toEqual([
    '{"customer":"Ann"}',
    deep,
    '{"customer":"Ann"}',
  ]);
  for (const batch of routed.batches) expect(batch.partition).toBe(partitionOf('Ann', PARTITIONS));
});

/** What JSON makes of an event: −0 becomes 0, keys keep their order. */
function parsed(events: readonly AnyEvent[]): AnyEvent[] {
  return JSON.parse(JSON.stringify(events)) as AnyEvent[];
}

/** What MessagePack can carry and give back: no lone surrogates, no `__proto__`. */
function encodable(events: readonly AnyEvent[]): AnyEvent[] {
  const source = JSON.stringify(events)
    .replaceAll('__proto__', 'proto')
    .replace(/\\ud[89a-f][0-9a-f]{2}/gi, '?');
  return JSON.parse(source, (_, value: unknown) => (Object.is(value, -0) ? 0 : value)) as AnyEvent[];
}

function unpackOrNull(payload: Uint8Array): unknown {
  try {
    return unpack(Buffer.from(payload));
  } catch {
    return null;
  }
}

/** All but element `bad` are delivered; that one, if it is not JSON, travels alone, byte by byte as it came. */
function expectNeighbours(routed: RoutedEvents, events: readonly AnyEvent[], bad: number, source: string): void {
  const others = events.map((_, i) => i).filter((i) => i !== bad);
  const seen: number[] = [];
  routed.batches.forEach(({ payload }, b) => {
    const indices = [...(routed.indices[b] as Uint32Array)];
    if (indices.includes(bad)) {
      if (indices.length === 1) {
        const sent = Buffer.from(payload).toString();
        expect([source, `[${source}]`]).toContain(sent);
        return;
      }
    }
    const value = parseJson(payload);
    const batch = Array.isArray(value) ? value : [value];
    indices.forEach((index, i) => {
      if (index === bad) return;
      expect(batch[i]).toEqual(events[index]);
      seen.push(index);
    });
  });
  expect(seen.sort((a, b) => a - b)).toEqual(others);
}
