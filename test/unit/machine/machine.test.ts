import { Packr, pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { AudienceScan } from '../../../src/machine/audience-scan.ts';
import { EventCounts } from '../../../src/machine/effects.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { checkExpression } from '../../../src/rules/check-expression.ts';
import { partitionOf } from '../../../src/stdx/hash.ts';
import { Prng } from '../../../src/stdx/prng.ts';
import { MachineFixture, SMALL_LIMITS, workspaceOf } from '../../support/machine-fixture.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const AT = Date.UTC(2010, 11, 1, 10);
const DAY = 86_400_000;

const FILES = {
  'policy.yaml': 'consent: {pos: none-needed}',
  'campaigns/thanks.yaml': '{id: thanks, on: receipt, channels: [pos]}',
};
const receipt = (customer: string | undefined, at: number, more: object = {}): object => ({
  type: 'receipt',
  customer,
  ts: at,
  data: { total: 1 },
  ...more,
});

describe('before a workspace', () => {
  test('events are rejected and say why; ticks and time go on', () => {
    const fixture = new MachineFixture({ clock: 'wall' });
    const { rejections, accepted } = fixture.send([receipt('ann', AT), { type: '$profile', customer: 'ann' }], AT);
    expect(accepted).toBe(0);
    expect(rejections).toEqual([
      { index: 0, reason: 'unknown_type', error: 'type: "receipt" is not known: no workspace has been published yet' },
      { index: 1, reason: 'unknown_type', error: 'type: "$profile" is not known: no workspace has been published yet' },
    ]);
    expect(fixture.machine.logTime).toBe(AT);
    expect(fixture.machine.workspaceVersion).toBe(0);
    expect(fixture.machine.customer('ann')).toBeNull();
    expect(fixture.machine.campaigns()).toEqual([]);
  });

  test.each([
    ['no JSON', encoder.encode('{"format":'), 'cannot be activated'],
    ['no UTF-8', Uint8Array.of(0xff), 'cannot be activated'],
    ['null', encoder.encode('null'), 'format 3'],
    ['another format', encoder.encode('{"format":1,"version":1}'), 'format 3'],
    ['no version', encoder.encode('{"format":3}'), 'version: '],
    ['nothing in it', encoder.encode('{"format":3,"version":1}'), 'cannot be activated'],
  ])('a workspace record with %s has no effect', (_, payload, error) => {
    const fixture = MachineFixture.with(FILES);
    const before = fixture.machine.digest();
    expect(fixture.append(RecordKind.workspace, payload).workspaceError).toContain(error);
    expect(fixture.machine.workspaceVersion).toBe(1);
    expect(fixture.machine.digest()).toBe(before);
    expect(fixture.send(receipt('ann', AT)).decisions).toHaveLength(1);
  });

  test('a version that the state refuses has no effect', () => {
    const fixture = MachineFixture.with({ ...FILES, 'profile.yaml': 'attributes: {age: {type: int}}' });
    const refused = workspaceOf(
      {
        ...FILES,
        'profile.yaml': 'attributes: {age: {type: string}}',
        'campaigns/new.yaml': '{id: new, on: receipt, channels: [pos]}',
      },
      2,
    );
    expect(fixture.append(RecordKind.workspace, encoder.encode(JSON.stringify(refused))).workspaceError).toContain(
      'age',
    );
    expect(fixture.machine.campaigns().map(({ id }) => id)).toEqual(['thanks']);
    expect(fixture.machine.workspaceVersion).toBe(1);
  });
});

describe('partitions', () => {
  test('a customer of another partition is rejected with the right one; anonymous events may be anywhere', () => {
    const fixture = MachineFixture.with(FILES, { partition: 3, partitions: 16 });
    const customers = Array.from({ length: 40 }, (_, i) => `c${i}`);
    const { rejections, accepted, decisions } = fixture.send([
      ...customers.map((customer) => receipt(customer, AT)),
      receipt(undefined, AT),
    ]);
    const elsewhere = customers.flatMap((customer, index) =>
      partitionOf(customer, 16) === 3 ? [] : [{ index, right: partitionOf(customer, 16) }],
    );
    expect(rejections).toEqual(
      elsewhere.map(({ index, right }) => ({
        index,
        reason: 'wrong_partition',
        error: `customer: belongs to partition ${right} of 16, this is 3`,
      })),
    );
    expect(accepted).toBe(41 - elsewhere.length);
    expect(accepted).toBeGreaterThan(1);
    expect(decisions.map(({ decision }) => decision.id)).toEqual(decisions.map((_, i) => `3-${i + 1}`));
  });
});

describe('effects', () => {
  test('decisions carry their event, dead letters their own bytes; both are numbered without gaps', () => {
    const fixture = MachineFixture.with(FILES);
    const first = fixture.append(
      RecordKind.events,
      encoder.encode('[{"type":"receipt","customer":"ann","ts":0},{"type":"nope"} , {"type": 5}]'),
    );
    expect(
      first.decisions.map(({ number, eventIndex, channel, campaign }) => ({ number, eventIndex, channel, campaign })),
    ).toEqual([{ number: 1, eventIndex: 0, channel: 'pos', campaign: 'thanks' }]);
    expect(first.deadLetters.map(({ number, reason, raw }) => [number, reason, decoder.decode(raw)])).toEqual([
      [1, 'unknown_type', '{"type":"nope"}'],
      [2, 'field_type', '{"type": 5}'],
    ]);
    const second = fixture.append(RecordKind.events, encoder.encode('no JSON'));
    expect(second.deadLetters.map(({ number, error, raw }) => [number, error, decoder.decode(raw)])).toEqual([
      [3, 'not JSON: unexpected "o" at byte 1', 'no JSON'],
    ]);
    expect(second.decisions).toEqual([]);
    expect(fixture.machine.deadLetterCount).toBe(3);
    const third = fixture.append(
      RecordKind.events,
      encoder.encode('[{"type":"receipt","customer":"ann","ts":0},{"type":"receipt","ts":0}]'),
    );
    expect(third.decisions.map(({ number, eventIndex }) => [number, eventIndex])).toEqual([
      [2, 0],
      [3, 1],
    ]);
  });

  test('a decision is encoded once, its keys in the order of the protocol', () => {
    const fixture = MachineFixture.with({
      ...FILES,
      'offers.yaml': 'gift: {title: Gift}',
      'campaigns/thanks.yaml':
        '{id: thanks, on: receipt, channels: [pos], offer: gift, value: event.total * 2.0, variants: {x: {weight: 1}}}',
    });
    const { decisions } = fixture.send(receipt('ann', AT, { id: '7' }));
    expect(decisions.map(({ json }) => decoder.decode(json))).toEqual([
      '{"id":"0-1","ts":"2010-12-01T10:00:00.000Z","customer":"ann","campaign":"thanks","variant":"x","offer":"gift","channel":"pos","message":null,"value":2,"expires":null,"event":{"id":"7","type":"receipt"},"slot":null,"follows":null,"workspace":1}',
    ]);
  });

  test('messages may call the event `trigger`', () => {
    const fixture = MachineFixture.with({
      ...FILES,
      'campaigns/thanks.yaml':
        '{id: thanks, on: receipt, channels: [pos], when: trigger.total == event.total, value: trigger.total, template: t}',
      'templates/t.yaml': 'pos: {text: "{{ trigger.total }} {{ event.total }} {{ trigger.type }}"}',
    });
    const { decisions } = fixture.send(receipt('ann', AT));
    expect(JSON.parse(decoder.decode(decisions[0]?.json))).toMatchObject({
      message: { text: '1 1 receipt' },
      value: 1,
    });
  });

  test('a repeat names the decisions of the original, also across records', () => {
    const fixture = MachineFixture.with({
      ...FILES,
      'policy.yaml': '{consent: {pos: none-needed}, arbitration: {pick: 2}}',
      'campaigns/b.yaml': '{id: b, on: receipt, channels: [pos]}',
    });
    fixture.send(receipt('bob', AT, { id: '1' }));
    fixture.send(receipt('ann', AT, { id: '1' }));
    fixture.send({ type: '$profile', customer: 'ann', id: '1', data: {} });
    const { repeatedOf, repeated, accepted } = fixture.send([
      receipt('ann', AT, { id: '1' }),
      { type: '$profile', customer: 'ann', id: '1' },
      receipt('bob', AT, { id: '1' }),
    ]);
    expect(repeatedOf).toEqual([
      { index: 0, first: 3, count: 2 },
      { index: 1, first: 0, count: 0 },
      { index: 2, first: 1, count: 2 },
    ]);
    expect([repeated, accepted]).toEqual([3, 0]);
  });

  test('events are counted by type and outcome, unknown types together', () => {
    const fixture = MachineFixture.with(FILES);
    fixture.send([
      receipt('ann', AT, { id: '1' }),
      receipt('ann', AT, { id: '1' }),
      { type: 'x' },
      { type: 'y' },
      receipt('ann', AT, { data: { total: [] } }),
      { type: '$erase', customer: 'a' },
      { type: '$profile' },
      5,
    ]);
    const counted: unknown[] = [];
    fixture.effects.eventCounts.drain((...count) => counted.push(count));
    expect(counted).toEqual([
      ['receipt', 'accepted', 1],
      ['receipt', 'repeated', 1],
      ['receipt', 'field_type', 1],
      ['unknown', 'syntax', 1],
      ['unknown', 'unknown_type', 2],
      ['unknown', 'unsupported', 1],
      ['$profile', 'missing_field', 1],
    ]);
    fixture.effects.eventCounts.drain(() => expect.unreachable('drained'));
    expect(new EventCounts()).toBeInstanceOf(EventCounts);
  });
});

describe('MessagePack', () => {
  const events = [
    receipt('ann', AT, { id: 'é1' }),
    receipt('bob', AT, { data: { total: 7 } }),
    { type: 'receipt', ts: AT, data: { total: Number.NaN } },
    receipt('ann', AT, { id: 'é1' }),
  ];
  test.each([
    ['plain maps', pack(events)],
    ['records', new Packr({ useRecords: true }).pack(events)],
  ])('%s mean the same as JSON', (_, payload) => {
    const fixture = MachineFixture.with(FILES);
    const effects = fixture.append(RecordKind.events, payload);
    const json = MachineFixture.with(FILES);
    json.send(events.filter((__, i) => i !== 2));
    expect(effects.decisions).toEqual(json.effects.decisions.map((decision) => ({ ...decision })));
    expect(effects.rejections).toEqual([
      { index: 2, reason: 'field_type', error: 'data.total: expected double, got double NaN' },
    ]);
    expect(effects.repeated).toBe(1);
    expect(fixture.machine.digest()).toBe(json.machine.digest());
  });
});

describe('a full partition', () => {
  const files = {
    ...FILES,
    'profile.yaml':
      'attributes: {city: {type: string}, tags: {type: list<string>}}\naggregates: {n: {fn: count, event: receipt}, day: {fn: count, event: receipt, window: 24h}}',
  };

  test('customers: new ones are rejected, known and anonymous ones go on', () => {
    const fixture = MachineFixture.with(files, { limits: { ...SMALL_LIMITS, customersMax: 2 } });
    const { rejections } = fixture.send(['a', 'b', 'c', 'a', undefined].map((customer) => receipt(customer, AT)));
    expect(rejections).toEqual([
      { index: 2, reason: 'customers_full', error: 'the partition has no room for more customers' },
    ]);
    expect(fixture.machine.customer('a')?.aggregates).toMatchObject({ n: 2 });
  });

  test('dictionary: an event that needs another string is rejected whole, known strings are taken', () => {
    const fixture = MachineFixture.with(files, { limits: { ...SMALL_LIMITS, dictionaryEntriesMax: 16 } });
    const cities = Array.from({ length: 16 }, (_, i) => ({
      type: '$profile',
      customer: 'ann',
      data: { tags: ['t'], city: `city ${i}` },
    }));
    const { rejections, accepted } = fixture.send(cities);
    expect(new Set(rejections.map(({ reason }) => reason))).toEqual(new Set(['dictionary_full']));
    expect(accepted).toBeGreaterThan(0);
    const last = cities[accepted - 1]?.data.city;
    expect(fixture.machine.customer('ann')?.attributes).toEqual({ city: last, tags: ['t'] });
    expect(fixture.send({ type: '$profile', customer: 'bob', data: { city: 'city 0' } }).accepted).toBe(1);
    expect(fixture.send({ type: '$profile', customer: 'eve', data: { city: 'new', tags: ['t'] } }).accepted).toBe(0);
    expect(fixture.machine.customer('eve')).toBeNull();
  });

  test('memory: an event that could not be applied whole leaves no trace', () => {
    const fixture = MachineFixture.with(files, { limits: { ...SMALL_LIMITS, blockBytesMax: 1 << 17 } });
    const reasons = new Set<string>();
    let accepted = 0;
    for (let i = 0; i < 6000; i++) {
      const before = i % 500 === 0 ? fixture.machine.digest() : '';
      const effects = fixture.send(receipt(`c${i}`, AT, { id: `${i}` }));
      for (const { reason } of effects.rejections) reasons.add(reason);
      if (effects.accepted === 0) {
        expect(fixture.machine.customer(`c${i}`)).toBeNull();
        if (before !== '') expect(fixture.machine.digest()).toBe(before);
      }
      accepted += effects.accepted;
    }
    expect([...reasons]).toEqual(['memory_full']);
    expect(accepted).toBeGreaterThan(100);
    expect(fixture.state.customers).toBe(accepted);
  });

  test('caps hold and nothing breaks while memory is full, contacts are forgotten and windows expire', () => {
    const fixture = MachineFixture.with(
      {
        ...files,
        'policy.yaml': '{consent: {pos: none-needed}, caps: [{name: week, max: 3, per: 7d}]}',
        'offers.yaml': '{once: {title: Once, perCustomer: {max: 1}}}',
        'campaigns/once.yaml':
          '{id: once, on: receipt, channels: [pos], offer: once, priority: 1, when: event.total == 1.0}',
      },
      { limits: { ...SMALL_LIMITS, blockBytesMax: 1 << 19 } },
    );
    const random = new Prng(7);
    let at = AT;
    for (let i = 0; i < 20_000; i++) {
      at += random.below(i % 4000 < 3000 ? 60_000 : 12 * 3_600_000);
      fixture.send(receipt(`c${random.below(900)}`, at, { data: { total: random.below(40) } }));
    }
    expect(fixture.machine.totals.rejected).toBeGreaterThan(100);
    const byCustomer = new Map<string | null, number[]>();
    for (const { decision } of fixture.decisions) {
      const times = byCustomer.get(decision.customer) ?? [];
      byCustomer.set(decision.customer, times);
      times.push(Date.parse(decision.ts));
      const fourthLast = times.at(-4);
      if (fourthLast !== undefined) expect((times.at(-1) as number) - fourthLast).toBeGreaterThanOrEqual(7 * DAY);
    }
    const once = fixture.decisions
      .filter(({ campaign }) => campaign === 'once')
      .map(({ decision }) => decision.customer);
    expect(new Set(once).size).toBe(once.length);
    expect(fixture.machine.campaigns()[1]?.suppressed).toHaveProperty('cap');
  });

  test('a workspace whose names do not fit the dictionary is refused', () => {
    const fixture = new MachineFixture({ limits: { ...SMALL_LIMITS, dictionaryEntriesMax: 3 } });
    const { workspaceError } = fixture.append(RecordKind.workspace, encoder.encode(JSON.stringify(workspaceOf(FILES))));
    expect(workspaceError).toContain('no room in the dictionary');
    expect(fixture.machine.workspaceVersion).toBe(0);
  });
});

describe('versions that cross', () => {
  test('an older one changes nothing, the active one once more is harmless', () => {
    const fixture = new MachineFixture();
    fixture.publish(workspaceOf(FILES, 2));
    const digest = fixture.machine.digest();
    const older = fixture.append(RecordKind.workspace, encoder.encode(JSON.stringify(workspaceOf(FILES, 1))));
    expect(older.workspaceError).toBe('version 1 is older than the active 2');
    fixture.publish(workspaceOf(FILES, 2));
    expect(fixture.machine.workspaceVersion).toBe(2);
    expect(fixture.machine.digest()).toBe(digest);
  });
});

describe('contacts', () => {
  const often = (limits: string): Record<string, string> => ({
    'policy.yaml': `{consent: {pos: none-needed}, ${limits}}`,
    'offers.yaml': '{once: {title: Once, perCustomer: {max: 1}}}',
    'campaigns/a.yaml': '{id: a, on: receipt, channels: [pos]}',
    'campaigns/once.yaml':
      '{id: once, on: receipt, channels: [pos], offer: once, priority: 1, when: event.total == 5.0}',
  });

  test('what no rule reaches is kept for 90 days, for a cap published later, and then forgotten', () => {
    const files = { ...FILES };
    const fixture = MachineFixture.with(files);
    fixture.send([0, 1, 89, 90].map((day) => receipt('ann', AT + day * DAY)));
    expect(fixture.machine.customer('ann')?.decisions.map(({ ts }) => Date.parse(ts))).toEqual(
      [90, 89, 1].map((day) => AT + day * DAY),
    );
    fixture.publish(
      workspaceOf(
        { ...files, 'policy.yaml': '{consent: {pos: none-needed}, caps: [{name: quarter, max: 3, per: 90d}]}' },
        2,
      ),
    );
    fixture.send([receipt('ann', AT + 91 * DAY - 1), receipt('ann', AT + 91 * DAY)]);
    expect(fixture.machine.campaigns()).toMatchObject([{ decided: { pos: 5 }, suppressed: { cap: 1 } }]);
  });

  test('a full list makes room by forgetting what no rule reaches', () => {
    const fixture = MachineFixture.with({ ...FILES });
    fixture.send(Array.from({ length: 1030 }, (_, i) => receipt('ann', AT + i)));
    expect(fixture.decisions).toHaveLength(1030);
  });

  test('a full list of contacts that rules reach is a cap', () => {
    const fixture = MachineFixture.with(
      often('caps: [{name: many, max: 1000, per: 1d}, {name: screen, max: 1, per: 30d, channels: [email]}]'),
    );
    fixture.send(Array.from({ length: 1002 }, (_, i) => receipt('ann', AT + i)));
    fixture.send(Array.from({ length: 30 }, (_, i) => receipt('ann', AT + DAY + i)));
    expect(fixture.decisions).toHaveLength(1024);
    expect(fixture.machine.campaigns()[0]).toMatchObject({
      matched: 1032,
      decided: { pos: 1024 },
      suppressed: { cap: 8 },
    });
    fixture.send(receipt('ann', AT + 31 * DAY));
    expect(fixture.decisions).toHaveLength(1025);
  });

  test('beside an offer for ever, the other contacts still go after 90 days, once the list has doubled', () => {
    const fixture = MachineFixture.with(often('caps: [{name: day, max: 2, per: 1d}]'));
    fixture.send(receipt('ann', AT, { data: { total: 5 } }));
    fixture.send(Array.from({ length: 1000 }, (_, day) => receipt('ann', AT + (day + 1) * DAY)));
    const { decisions } = fixture.machine.customer('ann') ?? { decisions: [] };
    expect(decisions.length).toBeLessThan(256);
    expect(decisions.length).toBeGreaterThan(90);
    expect(decisions.at(-1)).toMatchObject({ campaign: 'once', id: '0-1' });
    expect(decisions.slice(0, 90).map(({ id }) => id)).toEqual(Array.from({ length: 90 }, (_, i) => `0-${1001 - i}`));
  });

  test('an offer for ever is remembered though the list was full and made room', () => {
    const fixture = MachineFixture.with(often(''));
    fixture.send(receipt('ann', AT, { data: { total: 5 } }));
    fixture.send(Array.from({ length: 3000 }, (_, i) => receipt('ann', AT + DAY + i)));
    expect(fixture.decisions).toHaveLength(3001);
    fixture.send(receipt('ann', AT + 365 * DAY, { data: { total: 5 } }));
    expect(fixture.machine.campaigns().find(({ id }) => id === 'once')).toMatchObject({
      decided: { pos: 1 },
      suppressed: { offer: 1 },
    });
  });
});

describe('reading', () => {
  const files = {
    ...FILES,
    'profile.yaml':
      'attributes: {country: {type: string}, vip: {type: bool, default: false}}\naggregates: {n: {fn: count, event: receipt}, highest: {fn: max, event: receipt, value: event.total}}\nsegments: {often: profile.n >= 2}',
  };

  test('the golden record', () => {
    const fixture = MachineFixture.with(files);
    fixture.send([
      receipt('ann', AT),
      receipt('ann', AT + 1),
      { type: '$consent', customer: 'ann', data: { channel: 'sms', state: 'granted' } },
      { type: '$profile', customer: 'bob', data: { country: 'FR' } },
    ]);
    expect(fixture.machine.customer('ann')).toEqual({
      id: 'ann',
      asOf: '2010-12-01T10:00:00.001Z',
      attributes: { country: null, vip: false },
      aggregates: { n: 2, highest: 1 },
      segments: { often: true },
      consent: { sms: 'granted' },
      decisions: [
        { id: '0-2', ts: '2010-12-01T10:00:00.001Z', campaign: 'thanks', channel: 'pos', offer: null },
        { id: '0-1', ts: '2010-12-01T10:00:00.000Z', campaign: 'thanks', channel: 'pos', offer: null },
      ],
      waiting: [],
    });
    expect(fixture.machine.customer('bob')).toMatchObject({
      attributes: { country: 'FR' },
      aggregates: { n: 0, highest: null },
      segments: { often: false },
      decisions: [],
    });
    expect(fixture.machine.customer('eve')).toBeNull();
  });

  test('an audience, in steps, with records in between; it ends when the workspace changes', () => {
    const fixture = MachineFixture.with(files);
    const workspace = workspaceOf(files);
    fixture.send(Array.from({ length: 50 }, (_, i) => receipt(`c${i}`, AT)));
    fixture.send(Array.from({ length: 20 }, (_, i) => receipt(`c${i}`, AT)));
    fixture.send(
      Array.from({ length: 5 }, (_, i) => ({ type: '$profile', customer: `c${i}`, data: { country: 'FR' } })),
    );
    const begin = (where: string, undecided: Uint8Array, matched: Uint8Array | null): AudienceScan => {
      const checked = checkExpression(where, { schema: workspace.schema, event: null }, ['bool']);
      const { machine, state } = fixture;
      if ('issues' in checked || machine.activeWorkspace === null) throw new Error('no');
      return new AudienceScan(checked.program, machine.activeWorkspace, machine, state, { undecided, matched });
    };
    // Rows 1 to 50 without 11 to 15.
    const everyone = Uint8Array.of(0b11111110, 0b00000111, 255, 255, 255, 255, 0b00000111);
    const rows = (bitmap: Uint8Array): number =>
      bitmap.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
    const matched = new Uint8Array(7);
    const scan = begin('segment.often', everyone, matched);
    while (scan.step(8));
    expect([scan.matched, rows(matched)]).toEqual([20 - 5, 15]);
    const french = begin('segment.often && profile.country == "FR"', everyone, null);
    let steps = 1;
    while (french.step(8)) steps++;
    expect([french.matched, steps]).toEqual([5, 6]);
    const stale = begin('true', everyone, null);
    expect(stale.step(8)).toBe(true);
    fixture.send(receipt('new', AT));
    expect(stale.step(8)).toBe(true);
    fixture.publish(workspaceOf(files, 2));
    expect([stale.step(8), stale.stale]).toEqual([false, true]);
  });
});

describe('records that are not what their kind says', () => {
  test.each([
    ['a message between partitions', RecordKind.message, 'field_type', 'from: expected another of 1 partitions'],
    ['a kind that this version does not know', 77 as RecordKind, 'unsupported', 'records of kind 77 are not supported'],
  ])('%s is a dead letter, and the log goes on', (_, kind, reason, error) => {
    const fixture = MachineFixture.with(FILES);
    const before = fixture.machine.digest();
    const payload = encoder.encode('[{"hello":1},{}]');
    const { rejections, deadLetters, accepted, eventCounts } = fixture.append(kind, payload);
    expect(accepted).toBe(0);
    expect(rejections).toEqual([{ index: 0, reason, error: expect.stringContaining(error) }]);
    expect(deadLetters).toEqual([{ number: 1, ...rejections[0], index: undefined, raw: payload }]);
    expect(deadLetters[0]?.raw.buffer).not.toBe(payload.buffer);
    const counted: unknown[] = [];
    eventCounts.drain((...count) => counted.push(count));
    expect(counted).toEqual([['unknown', reason, 1]]);
    expect([fixture.machine.totals.rejected, fixture.machine.deadLetterCount]).toEqual([1, 1]);
    expect(fixture.machine.digest()).toBe(before);
    expect(fixture.send(receipt('ann', AT)).decisions).toHaveLength(1);
  });
});

describe('programmer errors end the process', () => {
  test.each([
    ['a gap in the log', { seq: 3, ts: 0, kind: RecordKind.tick, payload: new Uint8Array(0) }],
    ['a record twice', { seq: 1, ts: 0, kind: RecordKind.tick, payload: new Uint8Array(0) }],
  ])('%s', (_, record) => {
    const fixture = MachineFixture.with(FILES);
    expect(() => fixture.machine.apply(record, fixture.effects)).toThrow();
  });

  test('globals of another partition, clock or format', () => {
    const globals = MachineFixture.with(FILES).machine.exportGlobals();
    for (const options of [{ clock: 'wall' as const }, { partition: 1, partitions: 2 }])
      expect(() => new MachineFixture(options).machine.importGlobals(globals)).toThrow();
    const other = encoder.encode(decoder.decode(globals).replace('"format":3', '"format":9'));
    expect(() => new MachineFixture().machine.importGlobals(other)).toThrow('format 9');
  });
});
