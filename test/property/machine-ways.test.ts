/**
 * The fast way and the thorough one end in the same state and the same effects, record by record, whatever the messages: usual ones and odd ones, spelt as no
 * serializer would, cut off, with bytes changed.
 */
import { Packr, pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import type { Effects } from '../../src/machine/effects.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { MachineFixture, SMALL_LIMITS, workspaceOf } from '../support/machine-fixture.ts';
import { spellOddly } from '../support/odd-json.ts';

const files = {
  'events.yaml': `
receipt: {total: double, store: string, lines: int, member: bool, at: timestamp, basket: {size: int, note: string}, tags: [string],
  items: [{sku: string, name: string, qty: int, price: double}]}
view: {sku: string, seconds: double}
`,
  'profile.yaml': `
attributes: {tier: {type: string}, score: {type: double}}
aggregates:
  receipts: {fn: count, event: receipt}
  receipts_30d: {fn: count, event: receipt, window: 30d}
  spend_30d: {fn: sum, event: receipt, value: event.total, window: 30d}
  spend: {fn: sum, event: receipt, value: event.total * 2.0}
  best: {fn: max, event: receipt, value: event.total, window: 7d}
  least: {fn: min, event: receipt, value: event.total}
  mean: {fn: avg, event: receipt, value: event.total, window: 7d}
  stores: {fn: distinct, event: receipt, value: event.store, window: 7d}
  last_store: {fn: last, event: receipt, value: event.store}
  first_id: {fn: first, event: receipt, value: event.id, when: event.member}
  views_1h: {fn: count, event: view, window: 1h}
  last_sku: {fn: last, event: view, value: event.sku, window: 30d}
segments: {big: profile.spend_30d > 500.0}
`,
  'policy.yaml': 'consent: {push: none-needed, sms: opt-in}\ncaps: [{name: day, max: 1, per: 1d}]\n',
  'campaigns/a.yaml':
    'id: a\non: receipt\nchannels: [sms, push]\nwhen: event.total > 400.0 && profile.receipts_30d >= 2\n',
  'campaigns/b.yaml':
    'id: b\non: receipt\nchannels: [push]\npriority: 3\nvalue: event.total\nwhen: event.items.exists(i, i.sku == "sku-3" && i.qty > 1)\n',
  'campaigns/c.yaml':
    'id: c\non: view\nchannels: [push]\nwhen: event.sku == "sku-1" && event.id.endsWith("7") && segment.big\n',
  'campaigns/d.yaml':
    'id: d\non: receipt\nchannels: [push]\nwhen: event.tags.exists(t, t == "x") || event.basket.size > 8\n',
};

/** The same with all that takes time. */
const timed = {
  ...files,
  'policy.yaml': `
consent: {push: none-needed, sms: opt-in}
caps: [{name: day, max: 3, per: 1d}]
quietHours: {from: "21:00", to: "07:00", channels: [push], then: defer}
arbitration: {pick: 2}
`,
  'campaigns/e.yaml': `
id: e
on: view
channels: [push]
when: event.seconds > 20.0
wait:
  for: 40m
  unless: [{event: receipt, when: 'event.items.exists(i, i.sku == trigger.sku) || event.id > trigger.id'}]
  restart: event.sku == trigger.sku
  when: has(trigger.sku) && profile.views_1h < 9
value: event.seconds
`,
  'campaigns/f.yaml': `
id: f
on: receipt
channels: [push]
when: event.total > 50.0
wait: {for: 3h, unless: [{event: view, when: event.sku == "sku-2" && has(trigger.store)}, {event: receipt, when: 'trigger.tags.exists(t, t == "y")'}]}
value: event.total
`,
  'campaigns/g.yaml': `
id: g
on: receipt
channels: [push]
after: {events: [{event: view, when: 'event.seconds < 70.0 && has(event.sku)'}, {event: receipt, when: 'event.store == trigger.store || event.id.endsWith("3")'}], within: 12h}
`,
  'campaigns/h.yaml': `
id: h
on: {schedule: "*/30 * * * *"}
channels: [push]
when: profile.receipts_30d > 2 && segment.big
`,
};

/** Without type `view`. */
const later = withoutViews(files);
const timedLater = {
  ...withoutViews(timed),
  'campaigns/f.yaml': timed['campaigns/f.yaml'].replace(/, unless: .*}\]/, ''),
};

function withoutViews(all: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => !/campaigns\/[ceg]/.test(name))
      .map(([name, text]) => [
        name,
        text
          .split('\n')
          .filter((line) => !/view/.test(line))
          .join('\n'),
      ]),
  );
}

class Messages {
  readonly #random: Prng;
  #number = 0;

  constructor(random: Prng) {
    this.#random = random;
  }

  next(): Uint8Array {
    const random = this.#random;
    const events = Array.from({ length: 1 + random.below(random.below(8) === 0 ? 90 : 12) }, () => this.#event());
    const value = random.below(10) === 0 ? events[0] : events;
    const bytes = this.#encode(value);
    if (random.below(20) === 0) bytes[random.below(bytes.length)] = random.below(256);
    return random.below(25) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
  }

  #encode(value: unknown): Uint8Array {
    const form = this.#random.below(4);
    if (form === 0) return new TextEncoder().encode(spellOddly(value, this.#random));
    if (form === 1) return new TextEncoder().encode(JSON.stringify(value));
    return new Uint8Array(form === 2 ? pack(value) : new Packr({ useRecords: true }).pack(value));
  }

  #event(): object {
    const random = this.#random;
    const rare = <T>(usual: T, ...odd: unknown[]): unknown => (random.below(150) === 0 ? random.pick(odd) : usual);
    this.#number++;
    const ts = 1_700_000_000_000 + this.#number * 60_000 - random.below(4_000_000);
    const customer = rare(`customer-${random.below(60)}`, undefined, null, '', 'kunde-é', 7, 'x'.repeat(600));
    const id = rare(
      `id-${this.#number - (random.below(9) === 0 ? random.below(50) : 0)}`,
      undefined,
      null,
      '',
      'ü-1',
      12,
    );
    const when = rare(random.below(3) === 0 ? new Date(ts).toISOString() : ts, undefined, 'soon', -1, 1e20, 9e15);
    const kind = random.below(20);
    if (kind === 0)
      return { id, type: '$profile', ts: when, customer, data: { tier: rare('gold', null, 5), score: 0.5 } };
    if (kind === 1)
      return { id, type: '$consent', customer, data: { channel: 'sms', state: rare('granted', 'denied', 'maybe') } };
    if (kind < 8) {
      const data = { sku: rare(`sku-${random.below(6)}`, null, 5), seconds: rare(random.float() * 100, -0, 'x', null) };
      return { type: rare('view', 'click', undefined), id, customer, ts: when, data: rare(data, null, [], 'x') };
    }
    const items = Array.from({ length: random.below(5) }, () => ({
      sku: rare(`sku-${random.below(6)}`, null, undefined),
      name: rare('WHITE HEART', 'Crème brûlée', '"quoted"', '\u{1f984}'),
      qty: rare(1 + random.below(5), 1.5, 2 ** 53),
      price: random.float() * 20,
      extra: rare(undefined, { a: [1, { b: 2 }] }),
    }));
    return {
      data: {
        total: rare(Math.round(random.float() * 50_000) / 100, undefined, 1e300, 12, '12', null),
        store: rare(`store-${random.below(9)}`, null, 'Zürich', 'a'.repeat(20_000)),
        lines: rare(items.length, 1.5, undefined, -3),
        member: rare(random.below(2) === 1, 'yes', null),
        at: rare(ts, new Date(ts).toISOString(), '2026-01-01T00:00:00+01:00', 'never'),
        basket: rare({ size: random.below(10), note: 'n' }, null, 5, { size: 2, size2: {} }),
        tags: rare(random.below(3) === 0 ? ['x', 'y'] : [], null, ['x', 5], 'x'),
        items: rare(items, null, {}, [null]),
        undeclared: rare(undefined, { deep: { deeper: [[[1]]] } }, null),
      },
      ids: rare(undefined, { loyalty: '1' }),
      id,
      type: 'receipt',
      ts: when,
      customer,
    };
  }
}

function seen({ accepted, repeated, rejections, deadLetters, decisions, repeatedOf, fired }: Effects): unknown {
  const letters = deadLetters.map(({ number, reason, error, raw }) => ({ number, reason, error, raw: [...raw] }));
  return structuredClone({
    accepted,
    repeated,
    rejections,
    letters,
    repeatedOf,
    fired,
    decisions: decisions.map(({ number, decision, eventIndex }) => ({ number, decision, eventIndex })),
  });
}

function counts({ eventCounts }: Effects): unknown {
  const rows: [string, string, number][] = [];
  eventCounts.drain((type, outcome, count) => rows.push([type, outcome, count]));
  return rows.sort();
}

describe('the two ways of an event', () => {
  const seeds = Array.from({ length: 12 }, (_, i) => i * 7919 + 1);
  it.each(seeds.flatMap((seed) => [[seed, false] as const, [seed, true] as const]))(
    'are the same (seed %i, in time: %s)',
    (seed, inTime) => {
      const random = new Prng(seed);
      const options = {
        clock: random.below(2) === 0 ? ('event' as const) : ('wall' as const),
        partitions: random.below(2) === 0 ? 1 : 2,
        limits: random.below(4) === 0 ? { ...SMALL_LIMITS, customersMax: 20, eventIdsMax: 100 } : SMALL_LIMITS,
      };
      let ways = [true, false].map((fast) => MachineFixture.with(inTime ? timed : files, { ...options, fast }));
      const messages = new Messages(random);
      let accepted = 0;
      for (let n = 0; n < 150; n++) {
        const payload = messages.next();
        const ts = 1_700_000_000_000 + n * 900_000;
        const [fast, thorough] = ways.map((way) => seen(way.append(RecordKind.events, payload, ts)));
        expect(fast).toEqual(thorough);
        accepted += ways[0]?.effects.accepted ?? 0;
        if (n === 70) for (const way of ways) way.publish(workspaceOf(inTime ? timedLater : later, 2));
        if (n === 100) ways = ways.map((way) => way.clone());
      }
      if (inTime) for (const way of ways) expect(way.fired).toBeGreaterThan(20);
      const [fast, thorough] = ways as [MachineFixture, MachineFixture];
      expect(accepted).toBeGreaterThan(150);
      expect(counts(fast.effects)).toEqual(counts(thorough.effects));
      expect(fast.machine.digest()).toBe(thorough.machine.digest());
      expect(fast.machine.campaigns()).toEqual(thorough.machine.campaigns());
      expect(fast.machine.totals.repeated).toBe(thorough.machine.totals.repeated);
    },
  );
});
