/** Campaigns in shadow where there are many customers: runs in chunks, and more due than a record takes. What they mean is in test/golden/shadow*.yaml. */
import { describe, expect, test } from 'vitest';
import { SCHEDULE_CHUNK_ROWS, TIMERS_PER_RECORD_MAX } from '../../../src/constants.ts';
import { MachineFixture, SMALL_LIMITS, type WorkspaceFiles, workspaceOf } from '../../support/machine-fixture.ts';

const START = Date.UTC(2026, 0, 5, 9);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const PRODUCTION: WorkspaceFiles = {
  'policy.yaml': 'consent: {pos: none-needed}\n',
  'campaigns/mornings.yaml': 'id: mornings\non: {schedule: "0 10 * * *"}\nchannels: [pos]\ncooldown: 30m\n',
  'campaigns/patient.yaml': 'id: patient\non: receipt\nchannels: [pos]\nwait: {for: 3h}\n',
};
const SHADOWS: WorkspaceFiles = {
  ...PRODUCTION,
  // Due with mornings, and in the night by itself.
  'campaigns/beside.yaml':
    'id: beside\non: {schedule: "0 10,23 * * *"}\nchannels: [pos]\npriority: 5\nstatus: shadow\n',
  'campaigns/eager.yaml': 'id: eager\non: receipt\nchannels: [pos]\npriority: 5\nwait: {for: 3h}\nstatus: shadow\n',
  'campaigns/hasty.yaml': 'id: hasty\non: receipt\nchannels: [pos]\nwait: {for: 2h}\nstatus: shadow\n',
};

describe.each(['event', 'wall'] as const)('under the %s clock', (clock) => {
  /** `customers` each buy at nine; then an event of somebody else's every hour, with enough ticks between for all that is due. */
  function play(files: WorkspaceFiles, customers: number): MachineFixture {
    const fixture = new MachineFixture({ clock });
    fixture.publish(workspaceOf(files), START - HOUR);
    const events = Array.from({ length: customers }, (_, i) => ({
      ...{ type: 'receipt', customer: `c-${i}`, id: `e-${i}`, ts: START, data: { total: 1 } },
    }));
    fixture.send(events, START);
    for (let now = START + HOUR; now < START + DAY; now += HOUR) {
      for (let i = 0; i <= customers / TIMERS_PER_RECORD_MAX; i++) fixture.tick(now + i);
      fixture.send({ type: 'receipt', ts: now + 60_000, data: { total: 1 } }, now + 60_000);
    }
    return fixture;
  }

  const customers = 2 * SCHEDULE_CHUNK_ROWS + 100;
  const [without, beside] = [play(PRODUCTION, customers), play(SHADOWS, customers)];
  const rowOf = (id: string): object | undefined => beside.machine.campaigns().find((row) => row.id === id);

  test('production is the same', () => {
    expect(beside.decisions).toEqual(without.decisions);
    expect(beside.fired).toBe(without.fired);
    expect(beside.decisions).toHaveLength(2 * customers);
  });

  test('a run that begins with one of live campaigns goes along with it, and another by itself', () => {
    expect(rowOf('beside')).toMatchObject({
      matched: 2 * customers,
      suppressed: { shadow: 2 * customers },
      shadow: { decided: { pos: 2 * customers }, displaced: { mornings: customers } },
    });
  });

  test('waits that end together compete, all that are due end, and in their order', () => {
    expect(rowOf('eager')).toMatchObject({
      matched: customers,
      waiting: 0,
      suppressed: { shadow: customers },
      shadow: { displaced: { patient: customers } },
    });
    expect(rowOf('hasty')).toMatchObject({ suppressed: { shadow: customers }, shadow: { displaced: {} } });
  });

  test('it goes on where a snapshot was taken', () => {
    const copy = beside.clone();
    for (const each of [beside, copy]) each.tick(START + 3 * DAY);
    expect(copy.machine.digest()).toBe(beside.machine.digest());
  });
});

test('a record takes so much of what is due in shadow at most, and the next one goes on', () => {
  const fixture = new MachineFixture({ clock: 'wall' });
  const waits = 'id: eager\non: receipt\nchannels: [pos]\nwait: {for: 1h}\nstatus: shadow\n';
  fixture.publish(workspaceOf({ 'campaigns/eager.yaml': waits }), START);
  const customers = TIMERS_PER_RECORD_MAX + 10;
  for (let i = 0; i < customers; i++) fixture.send({ type: 'receipt', customer: `c-${i}`, data: { total: 1 } }, START);
  expect(fixture.machine.nextDue).toBe(START + HOUR);
  expect(fixture.machine.waitingFor('eager', 3)).toMatchObject({
    total: customers,
    customers: [{ customer: 'c-0' }, {}, {}],
  });
  const waiting = (): number | undefined => fixture.machine.campaigns()[0]?.waiting;
  fixture.tick(START + 2 * HOUR);
  expect(waiting()).toBe(10);
  expect(fixture.machine.nextDue).toBe(START + HOUR);
  fixture.tick(START + 2 * HOUR + 1);
  expect(waiting()).toBe(0);
  expect(fixture.machine.nextDue).toBe(Number.POSITIVE_INFINITY);
});

test.each([true, false])(
  'what a record left over of a customer comes before an event of his, as it does without them (fast: %s)',
  (fast) => {
    const patient = (status: string): string =>
      `id: ${status}\non: receipt\nchannels: [pos]\npriority: ${status === 'live' ? 1 : 2}\nwait: {for: 1h, unless: [{event: receipt}]}\nstatus: ${status}\n`;
    const files = { 'policy.yaml': 'consent: {pos: none-needed}\n', 'campaigns/live.yaml': patient('live') };
    const [without, beside] = [files, { ...files, 'campaigns/shadow.yaml': patient('shadow') }].map((each) => {
      const fixture = new MachineFixture({ clock: 'wall', fast });
      fixture.publish(workspaceOf(each), START);
      const customers = TIMERS_PER_RECORD_MAX + 10;
      for (let i = 0; i < customers; i++)
        fixture.send({ type: 'receipt', customer: `c-${i}`, data: { total: 1 } }, START);
      fixture.send({ type: 'receipt', customer: `c-${customers - 1}`, data: { total: 1 } }, START + 2 * HOUR);
      return fixture;
    }) as [MachineFixture, MachineFixture];
    expect(without.decisions).toHaveLength(TIMERS_PER_RECORD_MAX + 1);
    expect(beside.decisions).toEqual(without.decisions);
    expect(beside.machine.campaigns()[1]).toMatchObject({ suppressed: { shadow: TIMERS_PER_RECORD_MAX + 1 } });
  },
);

test('what there is room for does not depend on whether the partition was restored', () => {
  const aggregates = Array.from({ length: 19 }, (_, i) => `  n${i}: {fn: count, event: receipt, window: 1h}\n`).join(
    '',
  );
  const fixture = new MachineFixture({ limits: SMALL_LIMITS });
  fixture.publish(
    workspaceOf({
      'profile.yaml': `aggregates:\n${aggregates.replaceAll('window: 1h', 'window: 1h, resolution: 1h')}`,
      'campaigns/eager.yaml': 'id: eager\non: receipt\nchannels: [pos]\nstatus: shadow\n',
    }),
  );
  const roomOf = ({ state }: MachineFixture): number => {
    let stores = 0;
    while (state.hasRoom(stores + 1)) stores++;
    return stores;
  };
  expect(roomOf(fixture)).toBe(roomOf(fixture.clone()));
});
