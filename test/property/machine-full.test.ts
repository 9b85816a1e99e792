/**
 * Which events are refused when memory is full follows from the events alone: not from how they were put into messages, which of the two ways took them, nor from
 * repeats, ticks or a snapshot between them.
 */
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { RecordKind } from '../../src/protocol/record.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { FAR_FUTURE, type FixtureOptions, MachineFixture, SMALL_LIMITS } from '../support/machine-fixture.ts';

const files = {
  'events.yaml': 'receipt: {total: double, store: string}\nview: {sku: string}\n',
  'profile.yaml': `
attributes: {tier: {type: string}, tags: {type: list<string>}}
aggregates:
  spend_2h: {fn: sum, event: receipt, value: event.total, window: 2h}
  mean_1h: {fn: avg, event: receipt, value: event.total, window: 1h}
  stores_1h: {fn: distinct, event: receipt, value: event.store, window: 1h}
  last_store: {fn: last, event: receipt, value: event.store}
  views_1h: {fn: count, event: view, window: 1h}
  last_sku: {fn: last, event: view, value: event.sku, window: 1h}
`,
  'campaigns/a.yaml': 'id: a\non: receipt\nchannels: [push]\nwhen: profile.spend_2h > 900.0\n',
};

/** What waits and what sequences look back at take room, too. */
const timed = {
  ...files,
  'policy.yaml':
    'consent: {push: none-needed}\nquietHours: {from: "21:00", to: "23:00", channels: [push], then: defer}\n',
  'campaigns/b.yaml': `
id: b
on: receipt
channels: [push]
when: event.total > 100.0
wait: {for: 1h, unless: [{event: view, when: event.sku < trigger.store}]}
`,
  'campaigns/c.yaml': `
id: c
on: view
channels: [push]
after: {events: [{event: view, when: event.sku == trigger.sku}, {event: receipt, when: event.total > 20.0}], within: 2h}
`,
  'campaigns/d.yaml': 'id: d\non: {schedule: "*/20 * * * *"}\nchannels: [push]\nwhen: profile.spend_2h > 300.0\n',
};

const LIMITS = { ...SMALL_LIMITS, customersMax: 320, dictionaryEntriesMax: 330, blockBytesMax: 110_000 };

function eventsOf(random: Prng, count: number): object[] {
  let ts = 1_700_000_000_000;
  return Array.from({ length: count }, (_, n) => {
    ts += random.below(40) === 0 ? 3_000_000 : random.below(20_000);
    // Not ASCII: the thorough way takes it, and what is behind it in its message.
    const customer = random.below(30) === 0 ? `kunde-é${random.below(9)}` : `customer-${random.below(400)}`;
    const envelope = { id: `id-${n}`, customer, ts: ts - random.below(4_000) };
    const kind = random.below(12);
    if (kind === 0) return { ...envelope, type: '$profile', data: { tags: [`tag-${random.below(9)}`, 'x'] } };
    if (kind < 4) return { ...envelope, type: 'view', data: { sku: `sku-${random.below(300)}` } };
    const data = { total: random.below(40_000) / 100, store: `store-${random.below(60)}` };
    if (kind === 4) return { id: envelope.id, type: 'receipt', ts, data };
    return { ...envelope, type: 'receipt', data };
  });
}

interface Outcome {
  /** By index of the event: why it was refused. */
  readonly refused: readonly (readonly [number, string])[];
  readonly decisions: readonly string[];
  readonly digest: string;
}

/**
 * `lengthOf`: how many events the next message has. `cloneAfter`: events after which the machine is restored from a snapshot. `resend`: sends what was accepted
 * a second time, with a tick behind it.
 */
function run(
  events: readonly object[],
  options: FixtureOptions,
  lengthOf: () => number,
  cloneAfter: number,
  resend = false,
  inTime = false,
): Outcome {
  let fixture = MachineFixture.with(inTime ? timed : files, {
    limits: inTime ? { ...LIMITS, blockBytesMax: 230_000 } : LIMITS,
    clock: 'event',
    ...options,
  });
  const refused: (readonly [number, string])[] = [];
  for (let from = 0, cloned = false; from < events.length; ) {
    const part = events.slice(from, from + lengthOf());
    const { rejections } = fixture.append(RecordKind.events, new Uint8Array(pack(part)));
    for (const { index, reason } of rejections) refused.push([from + index, reason]);
    if (resend) {
      const bad = new Set(rejections.map(({ index }) => index));
      const accepted = part.filter((_, index) => !bad.has(index));
      expect(fixture.append(RecordKind.events, new Uint8Array(pack(accepted))).repeated).toBe(accepted.length);
      fixture.tick(FAR_FUTURE);
    }
    from += part.length;
    if (cloned || from < cloneAfter) continue;
    fixture = fixture.clone();
    cloned = true;
  }
  if (inTime) expect(fixture.fired).toBeGreaterThan(100);
  const decisions = fixture.decisions.map(({ decision }) => JSON.stringify(decision));
  return { refused, decisions, digest: fixture.machine.digest() };
}

describe('a full partition', () => {
  it.each([3, 1009, 70_001, 555_557])('refuses the same events however they are batched (seed %i)', (seed) => {
    const random = new Prng(seed);
    const events = eventsOf(random, 4000);
    const alone = run(events, { fast: false }, () => 1, events.length);
    const reasons = new Set(alone.refused.map(([, reason]) => reason));
    expect([...reasons].sort()).toEqual(['customers_full', 'dictionary_full', 'memory_full']);
    expect(alone.refused.length).toBeLessThan(events.length - 500);
    expect(run(events, {}, () => 1, events.length)).toEqual(alone);
    expect(run(events, {}, () => 500, events.length)).toEqual(alone);
    expect(run(events, { fast: false }, () => 64, 2000)).toEqual(alone);
    expect(run(events, {}, () => 64, 2000, true)).toEqual(alone);
    expect(run(events, {}, () => 1 + random.below(90), 1000 + random.below(2000))).toEqual(alone);
  });

  it.each([3, 1009, 70_001])('and however much waits (seed %i)', (seed) => {
    const random = new Prng(seed);
    const events = eventsOf(random, 3000);
    const alone = run(events, { fast: false }, () => 1, events.length, false, true);
    const reasons = new Set(alone.refused.map(([, reason]) => reason));
    expect([...reasons].sort()).toEqual(['customers_full', 'dictionary_full', 'memory_full']);
    expect(run(events, {}, () => 1, events.length, false, true)).toEqual(alone);
    expect(run(events, {}, () => 500, events.length, false, true)).toEqual(alone);
    expect(run(events, { fast: false }, () => 64, 1500, false, true)).toEqual(alone);
    expect(run(events, {}, () => 64, 1500, true, true)).toEqual(alone);
    expect(run(events, {}, () => 1 + random.below(90), 1000 + random.below(1000), false, true)).toEqual(alone);
  });
});
