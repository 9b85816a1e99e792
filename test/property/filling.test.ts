/**
 * Filling new aggregates from history while events go on: afterwards the partition holds the same, to the bit, as a twin that had them from the beginning, and it has decided the same; whatever the
 * events, the windows, the moments at which the filling begins, its records come and the version is published. And where a filling ends in something else, it is as if it had never begun.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeBegin, encodeCancel, encodeEnd, ImageRecords } from '../../src/machine/fill/fill-record.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { compileAggregate, extendWorkspace, newAggregates } from '../../src/replay/fill/extended-workspace.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';
import { FAR_FUTURE, MachineFixture, workspaceOf } from '../support/machine-fixture.ts';
import { filesOf, type HistoryEntry, histories, wireOf, workspaces } from './machine-arbitraries.ts';

/** Sums of tenths depend on their order. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  count: [''],
  sum: ['event.total * 0.1'],
  min: ['event.total', 'event.ts'],
  max: ['event.total * -0.1'],
  avg: ['event.total * 0.1'],
  first: ['event.store', 'event.total', 'event.ts'],
  last: ['event.store', 'event.total > 20.0'],
  distinct: ['event.store', 'event.id', 'event.total'],
};
const ADDED = Object.entries(VALUES).flatMap(([fn, values]) =>
  values.flatMap((value, i) =>
    [{}, { window: '6h' }, { window: '7d' }].map((window, w) => {
      const definition = { fn, event: i === 1 ? 'refund' : 'receipt', ...(value === '' ? {} : { value }), ...window };
      return [`added_${fn}_${i}_${w}`, w === 1 ? { ...definition, when: "event.store != 'B'" } : definition] as const;
    }),
  ),
);

const added = fc.uniqueArray(fc.nat({ max: ADDED.length - 1 }), { minLength: 1, maxLength: 12 });
const clocks = fc.constantFrom('event' as const, 'wall' as const);
/** How many events each record has, in turn. */
const batches = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 });
const moments = fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 8 }), fc.nat({ max: 8 }), fc.nat({ max: 8 }));

interface Batch {
  readonly events: readonly unknown[];
  readonly ts: number;
}

function batchesOf(history: readonly HistoryEntry[], sizes: readonly number[]): Batch[] {
  const made: Batch[] = [];
  for (let at = 0; at < history.length; ) {
    const entries = history.slice(at, at + (sizes[made.length % sizes.length] as number));
    made.push({ events: entries.map(({ event }) => wireOf(event)), ts: entries.at(-1)?.arrives as number });
    at += entries.length;
  }
  return made;
}

/**
 * Record timestamps: those of a filling lie within the hour that it may take. Under the event clock they say nothing of log time.
 */
class Arrivals {
  readonly #clock: 'event' | 'wall';
  #beganTs = Number.POSITIVE_INFINITY;

  constructor(clock: 'event' | 'wall') {
    this.#clock = clock;
  }

  begin(ts: number): void {
    this.#beganTs = ts;
  }
  end(): void {
    this.#beganTs = Number.POSITIVE_INFINITY;
  }
  tsOf(arrives: number): number {
    if (this.#clock === 'event') return FAR_FUTURE;
    return arrives <= this.#beganTs ? arrives : this.#beganTs + Math.floor((arrives - this.#beganTs) / 5000);
  }
}

function withAdded(files: Readonly<Record<string, string>>, picks: readonly number[]): Record<string, string> {
  const profile = JSON.parse(files['profile.yaml'] as string) as { aggregates: object };
  const more = Object.fromEntries(picks.map((pick) => ADDED[pick] as (typeof ADDED)[number]));
  return { ...files, 'profile.yaml': JSON.stringify({ ...profile, aggregates: { ...more, ...profile.aggregates } }) };
}

/** What the history before the begin record gives, as records of images with few customers each. */
function imagesOf(
  id: string,
  extended: Workspace,
  slots: readonly number[],
  past: readonly Batch[],
  clock: 'event' | 'wall',
): Uint8Array[] {
  const replay = new MachineFixture({ clock });
  replay.publish(extended);
  for (const { events, ts } of past) replay.send(events, ts);
  const images = replay.state.aggregateImages(slots);
  const records = new ImageRecords(id, 60);
  for (let row = 1; row <= replay.state.customers; row++)
    records.add(replay.state.customerOf(row), (writer) => images.write(row, replay.machine.logTime, writer));
  records.finish();
  return records.records;
}

function fill(fixture: MachineFixture, payload: Uint8Array, ts: number): void {
  expect(fixture.append(RecordKind.fill, payload, ts).fillError).toBeNull();
}

function expectSame(live: MachineFixture, twin: MachineFixture): void {
  expect(live.decisions).toEqual(twin.decisions);
  expect(live.machine.campaigns()).toEqual(twin.machine.campaigns());
  expect(live.machine.logTime).toBe(twin.machine.logTime);
  expect(live.state.digest(live.machine.logTime)).toBe(twin.state.digest(twin.machine.logTime));
}

test('what was filled is what a twin holds that had it from the beginning', () => {
  fc.assert(
    fc.property(
      clocks,
      fc.boolean(),
      workspaces,
      workspaces,
      added,
      histories,
      batches,
      moments,
      (clock, fast, one, two, picks, history, sizes, [begin, gap, endGap, publishGap]) => {
        const first = workspaceOf(filesOf(one), 1);
        const second = workspaceOf(withAdded(filesOf(two), picks), 2);
        const definitions = newAggregates(first, second);
        const { workspace: extended, missing } = extendWorkspace(first, definitions);
        expect(missing).toEqual([]);
        const slots = extended.aggregates.slice(first.aggregates.length).map(({ slot }) => slot);
        const records = batchesOf(history, sizes);
        const live = new MachineFixture({ clock, fast });
        const twin = new MachineFixture({ clock });
        live.publish(first);
        twin.publish(extended);
        const arrivals = new Arrivals(clock);
        const sent: Batch[] = [];
        let at = 0;
        const advance = (to: number): number => {
          for (; at < Math.min(to, records.length); at++) {
            const { events, ts: arrives } = records[at] as Batch;
            const ts = arrivals.tsOf(arrives);
            sent.push({ events, ts });
            live.send(events, ts);
            twin.send(events, ts);
          }
          return arrivals.tsOf((records[Math.max(at - 1, 0)] as Batch).ts);
        };
        let ts = advance(begin);
        arrivals.begin(ts);
        const aggregates = definitions.map((definition, i) => compileAggregate(first, definition, i));
        fill(live, encodeBegin('f', { version: 1, aggregates: aggregates as Workspace['aggregates'] }), ts);
        const images = imagesOf('f', extended, slots, sent, clock);
        for (const record of images) {
          ts = advance(at + gap);
          fill(live, record, ts);
          // Delivered twice.
          fill(live, record, ts);
        }
        ts = advance(at + endGap);
        expect(live.machine.filling.status?.phase).toBe('history');
        fill(live, encodeEnd('f', images.length), ts);
        expect(live.machine.filling).toMatchObject({ busy: true, status: { id: 'f', phase: 'filled', why: null } });
        ts = advance(at + publishGap);
        arrivals.end();
        live.publish(second, ts);
        twin.publish(second, ts);
        expect(live.machine.filling).toMatchObject({ busy: false, status: { phase: 'done', why: null } });
        expectSame(live, twin);
        advance(records.length);
        expectSame(live, twin);
        // A restart finds it.
        expect(live.clone().machine.digest()).toBe(live.machine.digest());
      },
    ),
    { numRuns: 120 },
  );
});

test('a filling that comes to nothing leaves nothing behind', () => {
  const ends = fc.constantFrom(
    'cancelled' as const,
    'version' as const,
    'gap' as const,
    'late' as const,
    'noise' as const,
  );
  fc.assert(
    fc.property(
      clocks,
      ends,
      workspaces,
      workspaces,
      added,
      histories,
      batches,
      moments,
      (clock, ending, one, two, picks, history, sizes, [begin, gap, endGap, _]) => {
        const first = workspaceOf(filesOf(one), 1);
        const second = workspaceOf(withAdded(filesOf(two), picks), 2);
        const definitions = newAggregates(first, second);
        const { workspace: extended } = extendWorkspace(first, definitions);
        const slots = extended.aggregates.slice(first.aggregates.length).map(({ slot }) => slot);
        const records = batchesOf(history, sizes);
        const live = new MachineFixture({ clock });
        const plain = new MachineFixture({ clock });
        live.publish(first);
        plain.publish(first);
        const arrivals = new Arrivals(clock);
        const sent: Batch[] = [];
        let at = 0;
        const advance = (to: number): number => {
          for (; at < Math.min(to, records.length); at++) {
            const { events, ts: arrives } = records[at] as Batch;
            const ts = arrivals.tsOf(arrives);
            sent.push({ events, ts });
            live.send(events, ts);
            plain.send(events, ts);
          }
          return arrivals.tsOf((records[Math.max(at - 1, 0)] as Batch).ts);
        };
        let ts = advance(begin);
        arrivals.begin(ts);
        const aggregates = definitions.map((definition, i) => compileAggregate(first, definition, i));
        fill(live, encodeBegin('f', { version: 1, aggregates: aggregates as Workspace['aggregates'] }), ts);
        const images = imagesOf('f', extended, slots, sent, clock);
        ts = advance(at + gap);
        for (const record of images.slice(0, endGap)) fill(live, record, ts);
        ts = advance(at + endGap);
        if (ending === 'cancelled') live.append(RecordKind.fill, encodeCancel('f'), ts);
        else if (ending === 'gap') live.append(RecordKind.fill, encodeEnd('f', images.length + 1), ts);
        else if (ending === 'noise') live.append(RecordKind.fill, encodeEnd('f', 1).subarray(0, 8), ts);
        else if (ending === 'late') ts += 2 * 3_600_000;
        if (ending === 'noise') plain.append(RecordKind.fill, new Uint8Array([9]), ts);
        live.tick(ts);
        plain.tick(ts);
        arrivals.end();
        live.publish(second, ts);
        plain.publish(second, ts);
        expect(live.machine.filling).toMatchObject({ busy: false, status: { phase: 'failed' } });
        expectSame(live, plain);
        if (ending !== 'late') {
          advance(records.length);
          expectSame(live, plain);
        }
      },
    ),
    { numRuns: 60 },
  );
});
