/** Time in the machine, where golden scenarios would be long: bounds, chunks, restarts in the middle, what people are shown. */
import { describe, expect, it } from 'vitest';
import {
  SCHEDULE_BEHIND_MAX,
  SCHEDULE_CHUNK_ROWS,
  TIMERS_PER_RECORD_MAX,
  WAITS_PER_CUSTOMER_MAX,
} from '../../../src/constants.ts';
import { formatRfc3339 } from '../../../src/machine/decode/rfc3339.ts';
import { Prng } from '../../../src/stdx/prng.ts';
import { MachineFixture, SMALL_LIMITS } from '../../support/machine-fixture.ts';

const START = Date.UTC(2010, 11, 1, 8);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const FILES = {
  'events.yaml': `
visit: {page: string, n: int, vip: bool, at: timestamp, where: {city: string, zip: int}, tags: [string], items: [{sku: string, qty: int, price: double}]}
done: {page: string}
`,
  'profile.yaml': 'attributes: {city: {type: string}}\n',
  'policy.yaml': 'consent: {push: none-needed}\n',
};

const wait = (rest: string): string => `id: w\non: visit\nchannels: [push]\n${rest}`;

function visit(customer: string, minute: number, data: object = {}): object {
  return { type: 'visit', customer, ts: START + minute * MINUTE, data };
}

const countsOf = (fixture: MachineFixture, id = 'w') => fixture.machine.campaigns().find((row) => row.id === id);
const decided = (fixture: MachineFixture): string[] =>
  fixture.decisions.map(({ json }) => new TextDecoder().decode(json));

describe('room for waits', () => {
  it('is so much for one customer, and there again when they fall due', () => {
    const fixture = MachineFixture.with({ ...FILES, 'campaigns/w.yaml': wait('wait: {for: 1h}\n') });
    const more = 3;
    for (let i = 0; i < WAITS_PER_CUSTOMER_MAX + more; i++) fixture.send(visit('ann', i / 100));
    fixture.send(visit('bob', 1));
    expect(countsOf(fixture)).toMatchObject({ waiting: WAITS_PER_CUSTOMER_MAX + 1, suppressed: { full: more } });
    fixture.send(visit('ann', 61));
    expect(countsOf(fixture)).toMatchObject({ waiting: 1, decided: { push: WAITS_PER_CUSTOMER_MAX + 1 } });
  });

  it('is made by what a new wait supersedes', () => {
    const fixture = MachineFixture.with({
      ...FILES,
      'campaigns/w.yaml': wait('wait: {for: 1h, restart: event.n > 0}\n'),
    });
    for (let i = 0; i < WAITS_PER_CUSTOMER_MAX; i++) fixture.send(visit('ann', 0, { n: 0 }));
    fixture.send(visit('ann', 1, { n: 1 }));
    expect(countsOf(fixture)).toMatchObject({ waiting: 1, suppressed: { superseded: WAITS_PER_CUSTOMER_MAX } });
  });

  it('leaves, where it is the last, none for the contact of another campaign of the same event', () => {
    for (let blockBytesMax = 6000; blockBytesMax < 6160; blockBytesMax += 8) {
      const fixture = MachineFixture.with(
        {
          ...FILES,
          'policy.yaml': `
consent: {push: none-needed, pos: none-needed}
quietHours: {from: "00:00", to: "23:00", channels: [push], then: defer}
`,
          'campaigns/a.yaml': 'id: a\non: visit\nchannels: [pos]\n',
          'campaigns/w.yaml': wait(''),
        },
        { limits: { ...SMALL_LIMITS, blockBytesMax } },
      );
      for (let i = 0; i < 100; i++) fixture.send(visit(`c${i}`, i / 100, { n: i }));
      expect(countsOf(fixture)?.suppressed).toHaveProperty('full');
      expect(countsOf(fixture, 'a')?.suppressed).toHaveProperty('cap');
    }
  });

  it('is not asked for by feedback on what is not there, whatever came before it', () => {
    const fixture = MachineFixture.with(
      {
        ...FILES,
        'profile.yaml': 'aggregates: {pages: {fn: distinct, event: visit, value: event.page, window: 30d}}\n',
        'campaigns/w.yaml': 'id: w\non: {schedule: "* * * * *"}\nchannels: [push]\nwhen: profile.pages > 1000\n',
      },
      { limits: { ...SMALL_LIMITS, blockBytesMax: 20_000 }, fast: false },
    );
    let minute = 0;
    while (fixture.send(visit(`c${minute}`, minute, { page: 'a' })).rejections.length === 0) minute++;
    const again = fixture.clone();
    // Something falls due before it.
    const ts = START + (minute + 2) * MINUTE;
    const feedback = { type: '$feedback', customer: 'c1', ts, data: { decision: '0-999', outcome: 'opened' } };
    for (const each of [fixture, again]) {
      const { fired } = each;
      expect(each.send(feedback).rejections).toEqual([]);
      expect(each.fired).toBeGreaterThan(fired);
    }
    expect(fixture.machine.digest()).toBe(again.machine.digest());
  });

  it('is not there for an event that is too large, of what is kept of it', () => {
    const fixture = MachineFixture.with({
      ...FILES,
      'campaigns/w.yaml': wait("when: event.page != ''\nwait: {for: 1h}\n"),
    });
    fixture.send(visit('ann', 0, { page: 'x'.repeat(40_000) }));
    fixture.send(visit('bob', 0, { page: 'x', tags: ['x'.repeat(40_000)] }));
    expect(countsOf(fixture)).toMatchObject({ waiting: 1, suppressed: { full: 1 } });
  });
});

describe('what an event keeps', () => {
  it('is all that rules and templates read when the wait ends', () => {
    const when = [
      "event.page == 'p' && event.n == -3 && event.vip && event.where.zip == 7 && !has(event.where.city)",
      "event.at == timestamp('2010-01-01T00:00:00Z') && event.tags == ['a', 'b'] && size(event.items) == 2",
      "event.items.exists(i, i.sku == 'x' && !has(i.qty)) && trigger.id == 'v1' && event.type == 'visit' && trigger.ts < now",
    ].join(' && ');
    const fixture = MachineFixture.with({
      ...FILES,
      'templates/t.yaml':
        'push: {title: "{{ trigger.page }} {{ event.items[1].price }}", body: "{% for t in event.tags %}{{ t }}{% endfor %}"}\n',
      'campaigns/w.yaml': wait(`wait: {for: 1h, when: "${when}"}\ntemplate: t\nvalue: event.n\n`),
    });
    const data = {
      ...{ page: 'p', n: -3, vip: true, at: '2010-01-01T01:00:00+01:00', where: { zip: 7, country: 'UK' } },
      ...{
        tags: ['a', 'b'],
        items: [
          { sku: 'x', price: 1 },
          { qty: 2, price: 2.5 },
        ],
        other: 1,
      },
    };
    fixture.send({ ...visit('ann', 0, data), id: 'v1' });
    fixture.send(visit('bob', 61));
    expect(fixture.decisions.map(({ decision }) => decision)).toMatchObject([
      { customer: 'ann', message: { title: 'p 2.5', body: 'ab' }, value: -3, event: { id: 'v1', type: 'visit' } },
    ]);
  });

  it('is remembered for sequences up to its bound, beyond which it is left out and counted', () => {
    const fixture = MachineFixture.with({
      ...FILES,
      'campaigns/w.yaml': wait('after: {events: [{event: done, when: event.page != trigger.page}], within: 1h}\n'),
    });
    const done = (page: string): object => ({ type: 'done', customer: 'ann', ts: START, data: { page } });
    fixture.send(done('x'.repeat(2000)));
    fixture.send(visit('ann', 1, { page: 'q' }));
    expect(fixture.machine.totals.observationErrors).toBe(1);
    expect(fixture.decisions).toHaveLength(0);
    fixture.send(done('x'));
    fixture.send(visit('ann', 1, { page: 'q' }));
    expect(fixture.decisions).toHaveLength(1);
  });
});

describe('what is due in great number', () => {
  const files = { ...FILES, 'campaigns/w.yaml': wait('wait: {until: "0 9 * * *"}\n') };
  const due = START + HOUR;
  const customers = 2 * TIMERS_PER_RECORD_MAX + 100;

  function filled(clock: 'wall' | 'event'): MachineFixture {
    const fixture = MachineFixture.with(files, { clock });
    for (let i = 0; i < customers; i++) fixture.send(visit(`customer-${i}`, 0), START + i);
    return fixture;
  }

  it('is left to the records behind under the wall clock, so that no record takes too long', () => {
    const fixture = filled('wall');
    fixture.tick(due + 5);
    expect(fixture.decisions).toHaveLength(TIMERS_PER_RECORD_MAX);
    expect(fixture.machine).toMatchObject({ nextDue: due, logTime: due + 5 });
    const restarted = fixture.clone();
    for (const each of [fixture, restarted]) {
      // An event is not held up by them.
      each.send([visit('ann', 61), visit('ben', 61)], due + 6);
      expect(each.decisions).toHaveLength(2 * TIMERS_PER_RECORD_MAX);
      expect(countsOf(each)).toMatchObject({ matched: customers + 2, waiting: 102 });
      each.tick(due + 7);
      expect(each.decisions).toHaveLength(customers);
      expect(each.machine.nextDue).toBe(due + 24 * HOUR);
      expect(each.decisions.map(({ decision: { customer } }) => customer)).toEqual(
        Array.from({ length: customers }, (_, i) => `customer-${i}`),
      );
      expect(new Set(each.decisions.map(({ decision: { ts } }) => Date.parse(ts) - due))).toEqual(new Set([0, 5, 6]));
    }
    expect(restarted.machine.digest()).toBe(fixture.machine.digest());
  });

  it.each([true, false])('comes before an event of the same customer all the same (fast: %s)', (fast) => {
    const unless = wait('wait: {until: "0 9 * * *", unless: [done]}\n');
    const fixture = MachineFixture.with({ ...FILES, 'campaigns/w.yaml': unless }, { clock: 'wall', fast });
    for (let i = 0; i < customers; i++) fixture.send(visit(`customer-${i}`, 0), START + i);
    const last = `customer-${customers - 1}`;
    // Too late to cancel what was due before, whoever had to wait for others.
    fixture.send([{ type: 'done', customer: last }, visit('ann', 61)], due + 5);
    expect(fixture.decisions).toHaveLength(TIMERS_PER_RECORD_MAX + 1);
    expect(fixture.decisions.at(-1)?.decision).toMatchObject({ customer: last });
    expect(countsOf(fixture)?.suppressed).toEqual({});
    fixture.tick(due + 6);
    fixture.tick(due + 7);
    expect(countsOf(fixture)).toMatchObject({ decided: { push: customers }, waiting: 1 });
  });

  it('happens before the next event under the event clock, which has no ticks', () => {
    const fixture = filled('event');
    fixture.send(visit('ann', 61));
    expect(fixture.decisions).toHaveLength(customers);
  });
});

describe('a schedule', () => {
  const files = { ...FILES, 'campaigns/s.yaml': 'id: s\non: {schedule: "0 9 * * *"}\nchannels: [push]\n' };
  const customers = 2 * SCHEDULE_CHUNK_ROWS + 100;

  function filled(): MachineFixture {
    const fixture = MachineFixture.with(files, { clock: 'wall' });
    for (let i = 0; i < customers; i++) fixture.send(visit(`customer-${i}`, 0), START + i);
    return fixture;
  }

  it('looks at customers in chunks, and events come in between', () => {
    const fixture = filled();
    const due = START + HOUR;
    expect(fixture.machine.nextDue).toBe(due);
    fixture.tick(due);
    expect(fixture.decisions).toHaveLength(SCHEDULE_CHUNK_ROWS);
    expect(fixture.machine.nextDue).toBe(due + 10);
    // Too late to be among them.
    fixture.send(visit('somebody', 0), due + 9);
    expect(fixture.decisions).toHaveLength(SCHEDULE_CHUNK_ROWS);
    fixture.tick(due + 10);
    expect(fixture.decisions).toHaveLength(2 * SCHEDULE_CHUNK_ROWS);
    expect(fixture.effects.fired).toEqual([due + 10]);
    fixture.tick(due + 1000);
    expect(fixture.decisions).toHaveLength(customers);
    expect(fixture.decisions.at(-1)?.decision).toMatchObject({
      customer: `customer-${customers - 1}`,
      ts: '2010-12-01T09:00:00.020Z',
      event: { id: '2010-12-01T09:00:00.000Z', type: '$schedule' },
    });
    expect(fixture.machine.nextDue).toBe(due + 24 * HOUR);
  });

  it('goes on after a restart in the middle, once for everybody', () => {
    const whole = filled();
    const due = START + HOUR;
    for (let ms = 0; ms < 40; ms += 5) whole.tick(due + ms);
    for (const at of [0, 5, 10, 15, 20]) {
      let fixture = filled();
      for (let ms = 0; ms < 40; ms += 5) {
        if (ms === at) fixture = fixture.clone();
        fixture.tick(due + ms);
        if (ms === at) fixture = fixture.clone();
      }
      expect(decided(fixture)).toEqual(decided(whole));
      expect(fixture.machine.digest()).toBe(whole.machine.digest());
    }
  });

  it('has no due times before anything happened', () => {
    const fixture = MachineFixture.with(files);
    expect(fixture.machine.nextDue).toBe(Number.POSITIVE_INFINITY);
    const copy = fixture.clone();
    copy.send(visit('ann', 59));
    copy.send(visit('ann', 60));
    expect(copy.decisions).toHaveLength(1);
  });

  it('has none before there is any date either, though events without one are taken', () => {
    const fixture = MachineFixture.with(files);
    fixture.send({ ...visit('ann', 0), ts: undefined });
    fixture.send({ ...visit('ann', 0), ts: undefined });
    expect(fixture.machine.nextDue).toBe(Number.POSITIVE_INFINITY);
    fixture.send(visit('ann', 59));
    expect(fixture.decisions).toHaveLength(0);
    fixture.send(visit('ann', 60));
    expect(fixture.decisions).toHaveLength(1);
  });
});

describe('what people are shown', () => {
  it('is who waits, the earliest due first', () => {
    const fixture = MachineFixture.with({ ...FILES, 'campaigns/w.yaml': wait('wait: {for: 1h}\n') });
    for (const [customer, minute] of [
      ['ann', 3],
      ['bob', 5],
      ['cid', 4],
      ['dan', 5],
    ] as const)
      fixture.send({ ...visit(customer, minute), id: customer });
    expect(fixture.machine.waitingFor('nobody', 5)).toEqual({ total: 0, customers: [] });
    const { total, customers } = fixture.machine.waitingFor('w', 3);
    expect(total).toBe(4);
    expect(customers.map(({ customer }) => customer)).toEqual(['ann', 'bob', 'cid']);
    expect(customers[0]).toEqual({
      ...{ customer: 'ann', for: 'wait', since: '2010-12-01T08:03:00.000Z', until: '2010-12-01T09:03:00.000Z' },
      event: { id: 'ann', type: 'visit' },
    });
  });
});

describe('a restart in the middle', () => {
  const files = {
    ...FILES,
    'policy.yaml':
      'consent: {push: none-needed}\nquietHours: {from: "11:00", to: "12:30", channels: [push], then: defer}\ncaps: [{name: c, max: 2, per: 1h}]\n',
    'campaigns/w.yaml': wait(
      'wait: {for: 20m, unless: [{event: done, when: event.page == trigger.page}], restart: event.n > trigger.n}\nwhen: event.n > 1\n',
    ),
    'campaigns/x.yaml':
      'id: x\non: done\nchannels: [push]\nafter: {events: [{event: visit, when: event.page == trigger.page}, done], within: 1h}\n',
    'campaigns/y.yaml': 'id: y\non: {schedule: "*/15 * * * *"}\nchannels: [push]\nwhen: profile.city == "A"\n',
  };

  function recordsOf(random: Prng): object[] {
    let at = START;
    return Array.from({ length: 400 }, () => {
      at += random.below(4 * MINUTE);
      const customer = `c${random.below(8)}`;
      const ts = at - random.below(MINUTE);
      const kind = random.below(10);
      if (kind === 0) return { type: '$profile', customer, ts, data: { city: random.below(2) === 0 ? 'A' : 'B' } };
      const page = `p${random.below(3)}`;
      if (kind < 4) return { type: 'done', customer, ts, data: { page } };
      return { type: 'visit', customer, ts, data: { page, n: random.below(6) } };
    });
  }

  it.each([1, 2, 3, 4])('leads to the same future (seed %i)', (seed) => {
    const records = recordsOf(new Prng(seed * 7919));
    const whole = MachineFixture.with(files);
    let cut = MachineFixture.with(files);
    for (const [i, record] of records.entries()) {
      whole.send(record);
      cut.send(record);
      if (i % 20 === seed) cut = cut.clone();
      expect(cut.machine.nextDue).toBe(whole.machine.nextDue);
    }
    expect(whole.fired).toBeGreaterThan(150);
    expect(decided(cut)).toEqual(decided(whole));
    expect(cut.machine.digest()).toBe(whole.machine.digest());
    const rows = whole.machine.campaigns();
    for (const reason of ['cancelled', 'superseded', 'cap'])
      expect(
        rows.some(({ suppressed }) => (suppressed[reason] ?? 0) > 0),
        reason,
      ).toBe(true);
    expect(rows.every(({ decided: channels }) => Object.keys(channels).length > 0)).toBe(true);
  });

  it.each([1, 2, 3])('may be from a snapshot that was taken while time went on (seed %i)', (seed) => {
    const records = recordsOf(new Prng(seed * 104_729));
    const fixture = MachineFixture.with(files);
    for (const record of records.slice(0, 150)) fixture.send(record);
    const { machine, state } = fixture;
    const before = machine.digest();
    const globals = machine.exportGlobals();
    const snapshot = state.beginSnapshot(machine.logTime);
    const sections: Uint8Array[] = [];
    for (const record of records.slice(150)) fixture.send(record);
    for (let taken = snapshot.step(); taken !== null; taken = snapshot.step())
      sections.push(...taken.map((section) => new Uint8Array(section)));
    const copy = new MachineFixture();
    for (const section of sections) copy.state.restore(section);
    copy.state.finishRestore();
    copy.machine.importGlobals(globals);
    expect(copy.machine.digest()).toBe(before);
    for (const record of records.slice(150)) copy.send(record);
    expect(copy.machine.digest()).toBe(machine.digest());
  });
});

describe('decades of due times', () => {
  const files = { ...FILES, 'campaigns/w.yaml': 'id: w\non: {schedule: "* * * * *"}\nchannels: [push]\n' };
  const years = START + 40 * 366 * 24 * HOUR;

  it.each(['wall', 'event'] as const)('that passed at once leave the last one to run (%s clock)', (clock) => {
    const fixture = MachineFixture.with(files, { clock });
    const first = { ...visit('ann', 0), ts: clock === 'wall' ? undefined : 1000 };
    fixture.send(first, 1000);
    fixture.send({ ...visit('bob', 0), ts: years + 1 }, years + 1);
    expect(fixture.decisions.map(({ decision }) => decision.event.id)).toEqual([formatRfc3339(years)]);
    expect(countsOf(fixture)).toMatchObject({ matched: 1, skippedRuns: SCHEDULE_BEHIND_MAX });
    fixture.send({ ...visit('bob', 0), ts: years + MINUTE }, years + MINUTE);
    expect(countsOf(fixture)).toMatchObject({ matched: 3, skippedRuns: SCHEDULE_BEHIND_MAX });
  });
});
