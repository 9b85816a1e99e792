/** Gateway and machine together: whatever stands between good events in a request, the machine reads every one of them. */
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { expect, test } from 'vitest';
import { EVENT_DEPTH_MAX, EVENT_LIST_LENGTH_MAX } from '../../../src/constants.ts';
import type { BodyFormat } from '../../../src/gateway/body-format.ts';
import { EventRouter } from '../../../src/gateway/route-events.ts';
import { Payload } from '../../../src/machine/decode/payload.ts';
import { Fault } from '../../../src/machine/fault.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { MachineFixture } from '../../support/machine-fixture.ts';

const router = new EventRouter(3, { eventsMax: 10_000, malformedMax: 10_000, expandedBytesMax: 1 << 24 });
const packr = new Packr({ useRecords: false });

/** Per index of the request: whether the machine could read the event there, and what it read. */
function readByMachine(body: Buffer, format: BodyFormat): Map<number, unknown> {
  const routed = router.route(body, format);
  if ('fault' in routed) throw new Error(routed.fault);
  const read = new Map<number, unknown>();
  const payload = new Payload(new Fault());
  routed.batches.forEach((batch, b) => {
    payload.open(batch.payload);
    const indices = routed.indices[b] as Uint32Array;
    while (payload.next()) {
      if (payload.ok && indices.length > payload.index) read.set(indices[payload.index] as number, payload.value);
    }
  });
  return read;
}

const customer = fc.constantFrom('Ann', 'Bob', 'Zoë', '17850');

function deepList(levels: number): Buffer {
  return Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.of(0xc0)]);
}

/** `{"customer": "Ann", "x": <value>}` */
function eventWith(value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0x82), packr.pack('customer'), packr.pack('Ann'), packr.pack('x'), value]);
}

const oddEvents: readonly Buffer[] = [
  eventWith(Buffer.of(0xc4, 2, 0xff, 0xff)),
  eventWith(Buffer.of(0xd4, 0x20, 0)),
  eventWith(Buffer.of(0xc7, 3, 0x21, 1, 2, 3)),
  eventWith(Buffer.of(0xc8, 0, 3, 0xff, 1, 2, 3)),
  eventWith(Buffer.of(0xd5, 0xff, 1, 2)),
  eventWith(Buffer.of(0xa3, 0xff, 0xfe, 0xfd)),
  eventWith(Buffer.of(0x81, 0x01, 0x01)),
  eventWith(Buffer.of(0x81, 0xc0, 0x91, 0x01)),
  eventWith(Buffer.of(0x81, 0x92, 1, 2, 3)),
  eventWith(Buffer.of(0x81, 0xa1, 0xff, 3)),
  eventWith(Buffer.of(0x81, 0xdb, 0, 0, 0, 1, 0x61, 3)),
  eventWith(Buffer.concat([Buffer.of(0x81), packr.pack('__proto__'), Buffer.of(3)])),
  eventWith(deepList(EVENT_DEPTH_MAX - 1)),
  eventWith(deepList(EVENT_DEPTH_MAX)),
  eventWith(deepList(EVENT_DEPTH_MAX + 1)),
  eventWith(deepList(1000)),
  eventWith(Buffer.of(0x91, 0x80)),
  eventWith(packr.pack(new Array(EVENT_LIST_LENGTH_MAX + 1).fill(1))),
  Buffer.of(0x81, 0x01, 0x01),
  Buffer.of(0x93, 1, 2, 3),
  Buffer.of(0xc0),
  packr.pack('text'),
  packr.pack(new Date()),
];

test('in MessagePack', () => {
  const good = fc.record({
    customer,
    n: fc.integer(),
    list: fc.array(fc.string({ maxLength: 5 })),
    nested: fc.dictionary(fc.constantFrom('a', 'é'), fc.integer()),
  });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(good, fc.constantFrom(...oddEvents)), { minLength: 1, maxLength: 15 }),
      fc.boolean(),
      (events, asList) => {
        const parts = events.map((event) => (Buffer.isBuffer(event) ? event : Buffer.from(packr.pack(event))));
        // A sequence must not begin like a list of events, nor like JSON.
        fc.pre(asList || (parts[0]?.[0] as number) >= 0xa0 || (parts[0]?.[0] as number) < 0x90);
        const head = asList ? Buffer.of(0x90 | parts.length) : Buffer.alloc(0);
        const read = readByMachine(Buffer.concat([head, ...parts]), 'message-pack');
        events.forEach((event, index) => {
          if (!Buffer.isBuffer(event)) expect(read.get(index)).toEqual(JSON.parse(JSON.stringify(event)));
        });
      },
    ),
    { numRuns: 1000 },
  );
});

test('in JSON', () => {
  const good = fc.record({ customer, n: fc.integer(), data: fc.jsonValue({ maxDepth: 3 }) });
  const odd = fc.constantFrom(
    '{"customer":"Ann",}',
    '{"customer":"Ann","x":NaN}',
    '{"customer":"Ann","x":1e}',
    `{"customer":"Ann","x":${'['.repeat(1000)}${']'.repeat(1000)}}`,
    `{"customer":"Ann","x":${'['.repeat(40)}${']'.repeat(40)}}`,
    '[{"customer":"Ann"}]',
    '"Ann"',
    'Ann',
    '{"customer":"Ann"} trailing',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(good, odd), { minLength: 1, maxLength: 15 }), fc.boolean(), (events, asList) => {
      const parts = events.map((event) => (typeof event === 'string' ? event : JSON.stringify(event)));
      const body = asList ? `[${parts.join(',')}]` : parts.join('\n');
      const read = readByMachine(Buffer.from(body), asList ? 'json' : 'lines');
      events.forEach((event, index) => {
        if (typeof event !== 'string') expect(read.get(index)).toEqual(JSON.parse(JSON.stringify(event)));
      });
    }),
    { numRuns: 1000 },
  );
});

/** What the partition that the gateway chose says about an event: '' where it takes it. Metric and dead letter agree. */
function outcomeOf(body: Buffer, format: BodyFormat): string {
  const routed = router.route(body, format);
  if ('fault' in routed) throw new Error(routed.fault);
  const [batch] = routed.batches;
  if (batch === undefined) throw new Error('nothing was routed');
  const fixture = MachineFixture.with({}, { partitions: 3, partition: batch.partition });
  const { rejections, deadLetters, eventCounts } = fixture.append(RecordKind.events, batch.payload);
  const reason = rejections[0]?.reason ?? '';
  expect(deadLetters.map((letter) => letter.reason)).toEqual(reason === '' ? [] : [reason]);
  const outcomes: string[] = [];
  eventCounts.drain((_, outcome) => outcomes.push(outcome));
  expect(outcomes).toEqual([reason === '' ? 'accepted' : reason]);
  return reason;
}

/** Levels include the event's own. */
test.each(['extra', 'data', 'ts'])(
  'an event that is too deep in `%s` is refused for that, however deep it is',
  (key) => {
    for (const name of ['Ann', 'Bob', 'Zoë', '17850']) {
      for (const levels of [EVENT_DEPTH_MAX, EVENT_DEPTH_MAX + 1, 64, 65, 66, 200, 20_000]) {
        const inner = key === 'data' ? levels - 2 : levels - 1;
        const list = `${'['.repeat(inner)}${']'.repeat(inner)}`;
        const value = key === 'data' ? `{"x":${list}}` : list;
        const text = `{"type":"receipt","customer":"${name}","${key}":${value}}`;
        const expected = levels > EVENT_DEPTH_MAX ? /^too_deep$/ : key === 'ts' ? /^timestamp$/ : /^$/;
        expect(outcomeOf(Buffer.from(text), 'json'), `JSON, ${levels} levels`).toMatch(expected);
        if (levels > 200) continue;
        const packed = packr.pack(JSON.parse(text));
        expect(outcomeOf(packed, 'message-pack'), `MessagePack, ${levels} levels`).toMatch(expected);
      }
    }
  },
);
