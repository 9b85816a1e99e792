/** How fillings end that come to nothing, and what each says. What they fill is in test/property/filling.test.ts. */
import { describe, expect, it } from 'vitest';
import { FILL_JOURNAL_DRAINED_MAX, FILL_MS_MAX } from '../../../src/constants.ts';
import { encodeBegin, encodeCancel, encodeEnd, ImageRecords } from '../../../src/machine/fill/fill-record.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { compileAggregate, newAggregates } from '../../../src/replay/fill/extended-workspace.ts';
import type { Aggregate, Workspace } from '../../../src/workspace/workspace.ts';
import { FAR_FUTURE, MachineFixture, SMALL_LIMITS, workspaceOf } from '../../support/machine-fixture.ts';

const EVENTS = { 'events.yaml': 'receipt: {total: double, store: string}\n' };
const FIRST = workspaceOf({ ...EVENTS, 'profile.yaml': 'aggregates:\n  n: {fn: count, event: receipt}\n' }, 1);
const SECOND = workspaceOf(
  {
    ...EVENTS,
    'profile.yaml':
      'aggregates:\n  stores: {fn: distinct, event: receipt, value: event.store, window: 7d}\n  last: {fn: last, event: receipt, value: event.store}\n  n: {fn: count, event: receipt}\n',
  },
  2,
);
const ADDED = newAggregates(FIRST, SECOND).map((each, i) => compileAggregate(FIRST, each, i) as Aggregate);
const T = Date.UTC(2026, 0, 1);

function receipt(i: number, store = `s${i}`, customer = `c${i % 3}`): object {
  return { id: `e${i}`, type: 'receipt', customer, ts: T + i * 1000, data: { total: 1, store } };
}

function begun(limits = SMALL_LIMITS): MachineFixture {
  const fixture = new MachineFixture({ limits });
  fixture.publish(FIRST);
  fixture.send([receipt(0), receipt(1), receipt(2)]);
  fill(fixture, encodeBegin('f', { version: 1, aggregates: ADDED }));
  expect(fixture.machine.filling).toMatchObject({ busy: true, status: { phase: 'history', seq: 3 } });
  return fixture;
}

function fill(fixture: MachineFixture, payload: Uint8Array, ts = FAR_FUTURE): string | null {
  return fixture.append(RecordKind.fill, payload, ts).fillError;
}

/** Images of other customers' making. */
function imagesOf(
  fixture: MachineFixture,
  id = 'f',
  customer = (row: number) => fixture.state.customerOf(row),
): Uint8Array[] {
  const full = new MachineFixture();
  full.publish({ ...SECOND, version: 1 } as Workspace);
  full.send([receipt(0), receipt(1), receipt(2)]);
  const images = full.state.aggregateImages([0, 1]);
  const records = new ImageRecords(id, 10);
  for (let row = 1; row <= full.state.customers; row++)
    records.add(customer(row), (writer) => images.write(row, full.machine.logTime, writer));
  records.finish();
  return records.records;
}

/** It has left, and said why; the partition is as if it had never been. */
function expectFailed(fixture: MachineFixture, why: RegExp): void {
  fixture.tick(FAR_FUTURE);
  expect(fixture.machine.filling).toMatchObject({ busy: false, status: { phase: 'failed' } });
  expect(fixture.machine.filling.status?.why).toMatch(why);
  const plain = new MachineFixture(fixture.options);
  plain.publish(FIRST);
  plain.send([receipt(0), receipt(1), receipt(2)]);
  expect(fixture.state.digest(T)).toBe(plain.state.digest(T));
  // The next one may succeed.
  fill(fixture, encodeBegin('g', { version: 1, aggregates: ADDED }));
  expect(fixture.machine.filling).toMatchObject({ busy: true, status: { id: 'g', phase: 'history', why: null } });
}

describe('a filling', () => {
  it('takes a record of images once, and none that does not follow', () => {
    const fixture = begun();
    const images = imagesOf(fixture);
    expect(images).toHaveLength(3);
    expect(fill(fixture, images[0] as Uint8Array)).toBeNull();
    expect(fill(fixture, images[0] as Uint8Array)).toBeNull();
    expect(fill(fixture, images[2] as Uint8Array)).toBe('images 2 do not follow 0');
    expectFailed(fixture, /do not follow/);
  });

  it('is not complete before all of them came', () => {
    const fixture = begun();
    expect(fill(fixture, encodeEnd('f', 3))).toBe('0 of 3 records of images came');
    expectFailed(fixture, /0 of 3/);
  });

  it('does not hear what is meant for another', () => {
    const fixture = begun();
    for (const payload of [...imagesOf(fixture, 'g'), encodeEnd('g', 3), encodeCancel('g')])
      expect(fill(fixture, payload)).toBeNull();
    expect(fixture.machine.filling.status).toMatchObject({ id: 'f', phase: 'history' });
  });

  it('gives way to the next one', () => {
    const fixture = begun();
    fill(fixture, imagesOf(fixture)[0] as Uint8Array);
    fill(fixture, encodeBegin('g', { version: 1, aggregates: ADDED }));
    for (const record of imagesOf(fixture, 'g')) expect(fill(fixture, record)).toBeNull();
    fill(fixture, encodeEnd('g', 3));
    expect(fixture.machine.filling.status).toMatchObject({ id: 'g', phase: 'filled' });
  });

  it('refuses a customer whom nobody knows, bytes that are no image, and what is there already', () => {
    const stranger = begun();
    expect(fill(stranger, imagesOf(stranger, 'f', (row) => `x${row}`)[0] as Uint8Array)).toMatch(/not known here/);
    expectFailed(stranger, /not known here/);
    const cut = begun();
    expect(fill(cut, (imagesOf(cut)[0] as Uint8Array).subarray(0, -3))).toBe('a record of it cannot be read');
    expect(cut.effects.deadLetters).toHaveLength(1);
    expectFailed(cut, /cannot be read/);
    const twice = begun();
    fill(twice, imagesOf(twice)[0] as Uint8Array);
    expect(fill(twice, imagesOf(twice, 'f', () => 'c0')[1] as Uint8Array)).toBe('an image of it cannot be read');
    expectFailed(twice, /cannot be read/);
  });

  it('begins over the active version only, and with what it has not', () => {
    for (const [begin, why] of [
      [{ version: 2, aggregates: ADDED }, 'version 2 is not the one that is active'],
      [{ version: 1, aggregates: FIRST.aggregates }, 'version 1 has n already'],
    ] as const) {
      const fixture = new MachineFixture();
      fixture.publish(FIRST);
      expect(fill(fixture, encodeBegin('f', begin))).toBe(why);
      expect(fixture.machine.filling).toMatchObject({ busy: false, status: { phase: 'failed', why } });
    }
    const early = new MachineFixture();
    expect(fill(early, encodeBegin('f', { version: 1, aggregates: ADDED }))).toMatch(/not the one that is active/);
  });

  it('ends after an hour, by the time of the log', () => {
    const fixture = begun();
    fixture.tick(FAR_FUTURE + FILL_MS_MAX);
    expect(fixture.machine.filling.busy).toBe(true);
    expect(fixture.tick(FAR_FUTURE + FILL_MS_MAX + 1).fillError).toMatch(/within 60 minutes/);
    expectFailed(fixture, /within 60 minutes/);
  });

  it('fails where memory is full, and no event does', () => {
    for (const limits of [
      { ...SMALL_LIMITS, dictionaryEntriesMax: 12 },
      { ...SMALL_LIMITS, blockBytesMax: 4096 },
    ]) {
      const fixture = begun(limits);
      for (const record of imagesOf(fixture)) fill(fixture, record);
      for (let i = 3; i < 3000; i++) expect(fixture.send([receipt(i)]).rejections).toEqual([]);
      for (let i = 0; i < 3; i++) fill(fixture, encodeEnd('f', 3));
      fixture.tick(FAR_FUTURE);
      expect(fixture.machine.filling.status).toMatchObject({
        phase: 'failed',
        why: expect.stringMatching(/no memory left/),
      });
      expect(fixture.machine.filling.busy).toBe(false);
    }
  });

  it('leaves room for what customers are told to have', () => {
    const files = {
      ...EVENTS,
      'profile.yaml': 'attributes: {tier: {type: string}}\naggregates:\n  n: {fn: count, event: receipt}\n',
    };
    const fixture = new MachineFixture({ limits: { ...SMALL_LIMITS, dictionaryEntriesMax: 40 } });
    fixture.publish(workspaceOf(files));
    fixture.send([receipt(0)]);
    fill(fixture, encodeBegin('f', { version: 1, aggregates: ADDED }));
    fill(fixture, encodeEnd('f', 0));
    expect(fixture.machine.filling.status?.phase).toBe('filled');
    for (let i = 1; i < 60; i++) fixture.send([receipt(i)]);
    expect(fixture.machine.filling.status?.why).toMatch(/no memory left/);
    const tier = { type: '$profile', customer: 'c0', ts: T + 60_000, data: { tier: 'gold' } };
    expect(fixture.send([tier])).toMatchObject({ accepted: 1, rejections: [] });
  });

  it('fails where more is seen meanwhile than is kept, and no event does', () => {
    const fixture = begun();
    const text = 'x'.repeat(60_000);
    for (let i = 3; i < 160 && fixture.machine.filling.busy; i++)
      expect(fixture.send([receipt(i, `${i}${text}`)]).rejections).toEqual([]);
    expect(fixture.machine.filling).toMatchObject({ busy: false, status: { phase: 'failed' } });
    expect(fixture.machine.filling.status?.why).toMatch(/too many events came/);
  });

  it('adds what was seen meanwhile a part with each end', () => {
    const fixture = begun();
    const events = Math.ceil((FILL_JOURNAL_DRAINED_MAX * 2.5) / ADDED.length);
    for (let i = 0; i < events; i += 500)
      fixture.send(Array.from({ length: Math.min(500, events - i) }, (_, k) => receipt(3 + i + k, `s${k % 9}`)));
    for (const record of imagesOf(fixture)) expect(fill(fixture, record)).toBeNull();
    const phases = [1, 2, 3].map(() => {
      fill(fixture, encodeEnd('f', 3));
      return fixture.machine.filling.status?.phase;
    });
    expect(phases).toEqual(['history', 'history', 'filled']);
    fixture.publish(SECOND, FAR_FUTURE);
    const twin = new MachineFixture();
    twin.publish({ ...SECOND, version: 1 });
    twin.send([receipt(0), receipt(1), receipt(2)]);
    for (let i = 0; i < events; i += 500)
      twin.send(Array.from({ length: Math.min(500, events - i) }, (_, k) => receipt(3 + i + k, `s${k % 9}`)));
    expect(fixture.state.digest(fixture.machine.logTime)).toBe(twin.state.digest(twin.machine.logTime));
  });

  it('is lost on a version that does not have what was filled', () => {
    const fixture = begun();
    for (const record of imagesOf(fixture)) fill(fixture, record);
    fill(fixture, encodeEnd('f', 3));
    fixture.publish({ ...FIRST, version: 2 }, FAR_FUTURE);
    expect(fixture.machine.filling.status?.why).toBe('version 2 does not have what was filled');
  });

  it('goes on where an older version comes once more', () => {
    const fixture = begun();
    fixture.publish({ ...FIRST, version: 2 }, FAR_FUTURE);
    fill(fixture, encodeBegin('g', { version: 2, aggregates: ADDED }));
    const old = new TextEncoder().encode(JSON.stringify(FIRST));
    expect(fixture.append(RecordKind.workspace, old).workspaceError).toMatch(/older/);
    expect(fixture.machine.filling).toMatchObject({ busy: true, status: { id: 'g', phase: 'history' } });
  });

  it('does not hear what nobody can read, whoever put it there', () => {
    const fixture = begun();
    const garbage = [
      new Uint8Array(0),
      Uint8Array.of(1),
      Uint8Array.of(2, 255, 255),
      Uint8Array.of(9, 1, 0, 0, 0, 102),
    ];
    for (const payload of [...garbage, (imagesOf(fixture, 'g')[0] as Uint8Array).subarray(0, 8)]) {
      expect(fill(fixture, payload)).toBeNull();
      expect(fixture.effects.deadLetters.length + Number(payload.length === 8)).toBe(1);
    }
    expect(fixture.machine.filling.status).toMatchObject({ id: 'f', phase: 'history' });
    fixture.publish({ ...FIRST, version: 2 }, FAR_FUTURE);
    const { status } = fixture.machine.filling;
    expect(fill(fixture, Uint8Array.of(1))).toBeNull();
    expect(fixture.machine.filling.status).toEqual(status);
  });

  it('goes on where its beginning comes once more', () => {
    const fixture = begun();
    const images = imagesOf(fixture);
    fixture.send([receipt(3)]);
    fill(fixture, encodeBegin('f', { version: 1, aggregates: ADDED }));
    for (const record of images) expect(fill(fixture, record)).toBeNull();
    fill(fixture, encodeEnd('f', 3));
    fixture.publish(SECOND, FAR_FUTURE);
    const twin = new MachineFixture();
    twin.publish({ ...SECOND, version: 1 });
    twin.send([receipt(0), receipt(1), receipt(2), receipt(3)]);
    expect(fixture.state.digest(fixture.machine.logTime)).toBe(twin.state.digest(twin.machine.logTime));
  });

  it('leaves no memory behind that is laid out in another way than the version says', () => {
    const lies: readonly ((added: Aggregate) => Partial<Aggregate>)[] = [
      () => ({ windowMs: null }),
      () => ({ fn: 'distinct' }),
      ({ value }) => (value === null ? {} : { valueType: 'int', value: { ...value, result: 'int' } }),
    ];
    for (const lie of lies) {
      const fixture = begun();
      fill(fixture, encodeBegin('g', { version: 1, aggregates: ADDED.map((each) => ({ ...each, ...lie(each) })) }));
      fixture.send([receipt(3)]);
      fill(fixture, encodeEnd('g', 0));
      expect(fixture.machine.filling.status).toMatchObject({ id: 'g', phase: 'filled' });
      fixture.publish(SECOND, FAR_FUTURE);
      fixture.send([receipt(4), receipt(5)]);
      expect(fixture.clone().machine.digest()).toBe(fixture.machine.digest());
    }
  });

  const [windowed, last] = ADDED as [Aggregate, Aggregate];
  const ir = last.value?.ir;
  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 7],
    ['no aggregates', { version: 1 }],
    ['aggregates that are none', { version: 1, aggregates: [null, 3, 'x'] }],
    ['a function nobody knows', { version: 1, aggregates: [{ ...windowed, fn: 'median' }] }],
    ['one that everything has', { version: 1, aggregates: [{ ...last, fn: 'toString' }] }],
    ['no name', { version: 1, aggregates: [{ ...last, name: undefined }] }],
    ['a name that is none', { version: 1, aggregates: [{ ...windowed, name: { a: 1 } }] }],
    ['the same twice', { version: 1, aggregates: [last, last] }],
    [
      'more than there may be',
      { version: 1, aggregates: Array.from({ length: 300 }, (_, i) => ({ ...last, name: `n${i}` })) },
    ],
    ['windows that are none', { version: 1, aggregates: [{ ...windowed, windowMs: '7d' }] }],
    ['windows of text', { version: 1, aggregates: [{ ...windowed, windowMs: '120000', resolutionMs: '60000' }] }],
    ['no end of buckets', { version: 1, aggregates: [{ ...windowed, windowMs: 1e15, resolutionMs: 1000 }] }],
    [
      'a field that the event has not',
      { version: 1, aggregates: [{ ...last, value: { ...last.value, ir: { ...ir, slot: 99 } } }] },
    ],
    ['a program that is none', { version: 1, aggregates: [{ ...last, value: { ir: { op: 'and' } } }] }],
    [
      'a list that the event has not',
      {
        version: 1,
        aggregates: [
          {
            ...last,
            when: {
              ir: {
                op: 'call',
                name: 'size',
                args: [{ op: 'slot', from: 'profile', slot: 77, rep: 'string' }],
                rep: 'int',
              },
            },
          },
        ],
      },
    ],
  ])('ends well where its beginning holds %s', (_, begin) => {
    const [fixture, plain] = [new MachineFixture(), new MachineFixture()];
    for (const each of [fixture, plain]) each.publish(FIRST);
    fill(fixture, encodeBegin('f', begin as never));
    for (const each of [fixture, plain]) expect(each.send([receipt(0), receipt(1)]).accepted).toBe(2);
    fixture.tick(FAR_FUTURE);
    if (!fixture.machine.filling.busy) expect(fixture.state.digest(T)).toBe(plain.state.digest(T));
    fill(fixture, encodeEnd('f', 0));
    fill(fixture, encodeCancel('f'));
    fixture.tick(FAR_FUTURE);
    expect(fixture.machine.filling.busy).toBe(false);
    expect(fixture.state.digest(T)).toBe(plain.state.digest(T));
    // Nothing of it is left that the next version would have to make do with.
    for (const each of [fixture, plain]) each.publish(SECOND, FAR_FUTURE);
    for (const each of [fixture, plain]) each.send([receipt(2), receipt(3)]);
    expect(fixture.state.digest(T + 10_000)).toBe(plain.state.digest(T + 10_000));
  });
});
