/**
 * Campaigns in shadow do nothing: over random workspaces and histories, a machine that has some in shadow decides, says and keeps byte by byte what one does in
 * whose workspace they are paused, or not at all; whichever way events take, and across a snapshot at any place.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Effects } from '../../src/machine/effects.ts';
import { MachineFixture, workspaceOf } from '../support/machine-fixture.ts';
import { TraceBook } from '../support/trace-book.ts';
import { filesOf, patientVersions, sensible, versions } from './policy-arbitraries.ts';
import { crowdedHistories, histories, type Step, wireOf } from './policy-histories.ts';
import type { OracleEvent, OracleWorkspace } from './policy-oracle-model.ts';

const soak = process.env['BECKON_SOAK'] === '1' ? 20 : 1;
const given = process.env['BECKON_SEED'];
const seed = given !== undefined ? { seed: Number(given) } : soak > 1 ? {} : { seed: 20_101_201 };

/** By campaign: in which of the two versions it is put into shadow, beside those that were drawn so. */
type Fate = 'neither' | 'first' | 'second' | 'both';
type Fates = Readonly<Record<string, Fate>>;
const fatesOf = (...all: readonly Fate[]): fc.Arbitrary<Fates> => {
  const fate = fc.constantFrom(...all);
  return fc.record({ a: fate, b: fate, c: fate, d: fate, e: fate, f: fate });
};

function withFates(workspace: OracleWorkspace, fates: Fates, version: 'first' | 'second'): OracleWorkspace {
  const campaigns = workspace.campaigns.map((each) =>
    fates[each.id] === version || fates[each.id] === 'both' ? { ...each, status: 'shadow' as const } : each,
  );
  return { ...workspace, campaigns };
}

/** `instead` of being in shadow. What the compiler would refuse without those campaigns is not meant in either world. */
function worldOf(workspace: OracleWorkspace, instead: 'shadow' | 'paused' | 'gone'): OracleWorkspace {
  const shadows = workspace.campaigns.filter(({ status }) => status === 'shadow');
  const rest = sensible({ ...workspace, campaigns: workspace.campaigns.filter((each) => !shadows.includes(each)) });
  if (instead === 'gone') return rest;
  const campaigns = [...rest.campaigns, ...shadows.map((each) => ({ ...each, status: instead }))];
  return { ...rest, campaigns };
}

const effectsOf = ({ decisions, messages, rejections, repeatedOf, deadLetters, settled }: Effects): object => ({
  decisions: decisions.map(({ json, eventIndex, number }) => ({
    json: new TextDecoder().decode(json),
    eventIndex,
    number,
  })),
  ...{ messages: [...messages], rejections: [...rejections], repeatedOf: [...repeatedOf] },
  ...{ deadLetters: [...deadLetters], settled: settled.map(({ number }) => number) },
});

/** All but what is counted for campaigns that were in shadow. */
function keptBy({ machine }: MachineFixture, shadows: ReadonlySet<string>): object {
  return {
    totals: Object.fromEntries(Object.entries(machine.totals).filter(([, value]) => typeof value === 'number')),
    logTime: machine.logTime,
    campaigns: machine.campaigns().filter(({ id }) => !shadows.has(id)),
    customers: ['ann', 'bob', 'cat'].map((id) => machine.customer(id)),
  };
}

/** What occurred over all runs, and how often. */
const seen = new Map<string, number>();
function noteShadows({ machine }: MachineFixture): void {
  const note = (what: string, times = 0): void => {
    if (times > 0) seen.set(what, (seen.get(what) ?? 0) + times);
  };
  for (const { shadow, suppressed, waiting, status } of machine.campaigns()) {
    for (const times of Object.values(shadow.displaced)) note('displaced', times);
    if (Object.keys(shadow.decided).length === 0 && status !== 'shadow') continue;
    for (const [reason, times] of Object.entries(suppressed)) note(reason, times);
    note('waiting', waiting);
  }
}

function eventOf({ event, answers }: Step, { decisions }: MachineFixture): OracleEvent | null {
  if (event === null || answers === null) return event;
  const decision = decisions.at(-1 - answers)?.decision;
  const id = decision?.id ?? `0-${decisions.length + 1000}`;
  const customer = answers === 5 ? event.customer : (decision?.customer ?? event.customer);
  return { ...event, customer, data: { ...event.data, decision: id } };
}

/** The second version is published before step `at`; before step `cut` a machine with shadow campaigns is restored from a snapshot. */
function compare(
  clock: 'event' | 'wall',
  drawn: readonly [OracleWorkspace, OracleWorkspace],
  fates: Fates,
  at: number,
  cut: number,
  history: readonly Step[],
): void {
  const start = (history[0] as Step).arrives;
  const first = withFates(drawn[0], fates, 'first');
  const second = withFates(drawn[1], fates, 'second');
  const shadows = new Set([...idsOf(first, true), ...idsOf(second, true)]);
  const without = new MachineFixture({ clock });
  const trace = new TraceBook((customer) => customer !== 'bob');
  const traced = new MachineFixture({ clock, trace });
  let machines = [new MachineFixture({ clock }), new MachineFixture({ clock, fast: false }), traced];
  const [one] = machines as [MachineFixture];
  // A campaign that is live in one of the versions cannot be gone in the other: what it left goes on while it is paused.
  const gone = ![...idsOf(first, false), ...idsOf(second, false)].some((id) => shadows.has(id));
  const publish = (workspace: OracleWorkspace, number: number, ts: number): void => {
    without.publish(workspaceOf(filesOf(worldOf(workspace, gone ? 'gone' : 'paused')), number), ts);
    const shadowed = workspaceOf(filesOf(worldOf(workspace, 'shadow')), number);
    for (const fixture of machines) fixture.publish(shadowed, ts);
  };
  publish(first, 1, start);
  for (const [i, step] of history.entries()) {
    const { arrives } = step;
    if (i === cut) machines = [...machines, one.clone()];
    if (i === at) publish(second, 2, arrives);
    const event = eventOf(step, without);
    for (const fixture of [without, ...machines])
      if (event === null) fixture.tick(arrives);
      else fixture.send(wireOf(event), arrives);
    const where = `step ${i}, ${JSON.stringify(event)}`;
    for (const fixture of machines) {
      expect(effectsOf(fixture.effects), where).toEqual(effectsOf(without.effects));
      expect(keptBy(fixture, shadows), where).toEqual(keptBy(without, shadows));
    }
  }
  for (const other of machines) expect(other.machine.digest()).toBe(one.machine.digest());
  trace.expectBooksOf(traced);
  trace.expectVerdicts();
  noteShadows(one);
}

function idsOf({ campaigns }: OracleWorkspace, inShadow: boolean): string[] {
  return campaigns.filter(({ status }) => (status === 'shadow') === inShadow).map(({ id }) => id);
}

const clocks = fc.constantFrom('event' as const, 'wall' as const);
const places = fc.integer({ min: 0, max: 70 });

test('production is the same with campaigns in shadow and without', () => {
  fc.assert(
    fc.property(
      clocks,
      versions,
      fatesOf('neither', 'neither', 'first', 'second', 'both'),
      places,
      places,
      histories,
      compare,
    ),
    {
      numRuns: 200 * soak,
      ...seed,
    },
  );
}, 6_000_000);

test('also where there is no room for more', () => {
  fc.assert(
    fc.property(
      clocks,
      patientVersions,
      fatesOf('neither', 'both', 'both', 'both'),
      places,
      places,
      crowdedHistories,
      compare,
    ),
    {
      numRuns: 40 * soak,
      ...seed,
    },
  );
}, 6_000_000);

test('campaigns in shadow lost for every reason, and displaced others', () => {
  if (process.env['BECKON_SHOW'] === '1')
    console.log(
      [...seen]
        .sort()
        .map((each) => each.join(' '))
        .join('\n'),
    );
  const reasons = ['late', 'full', 'cancelled', 'superseded', 'withdrawn', 'lapsed', 'expired', 'holdout', 'offer'];
  const others = ['limit', 'budget', 'cooldown', 'excluded', 'consent', 'quiet_hours', 'gap', 'cap', 'outranked'];
  const expected = [...reasons, ...others, 'shadow', 'displaced', 'waiting'];
  expect(expected.filter((what) => !seen.has(what))).toEqual([]);
});
