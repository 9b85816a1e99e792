/**
 * The machine against its dumb twin, over random workspaces and histories: same decisions, same reasons, same counts,
 * same customers; however they are batched.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MachineFixture, workspaceOf } from '../support/machine-fixture.ts';
import { filesOf, type HistoryEntry, histories, wireOf, workspaces } from './machine-arbitraries.ts';
import { Oracle, type OracleDecision } from './machine-oracle.ts';
import { AGGREGATES } from './machine-oracle-aggregates.ts';

function decisionsOf(fixture: MachineFixture): OracleDecision[] {
  return fixture.decisions.map(({ decision }, i) => {
    expect(decision.id).toBe(`0-${i + 1}`);
    const { ts, customer, campaign, variant, offer, channel, value, event, workspace } = decision;
    return { ts: Date.parse(ts), customer, campaign, variant, offer, channel, value, eventId: event.id, workspace };
  });
}

function countsOf(fixture: MachineFixture): Map<string, number> {
  const counts = fixture.machine
    .campaigns()
    .flatMap(({ id, matched, errors, valueErrors, suppressed, decided }) =>
      Object.entries({ matched, errors, valueErrors, ...suppressed, ...decided }).map(
        ([what, n]) => [`${id} ${what}`, n] as const,
      ),
    );
  return new Map(counts.filter(([, n]) => n > 0));
}

function aggregatesOf(oracle: Oracle, id: string): object {
  const profile = oracle.profileOf(id);
  return Object.fromEntries(
    Object.keys(AGGREGATES).map((name) => {
      try {
        return [name, profile.aggregate(name)];
      } catch {
        return [name, null];
      }
    }),
  );
}

const publishAt = fc.integer({ min: 0, max: 60 });
const clocks = fc.constantFrom('event' as const, 'wall' as const);

test('machine and oracle agree on every event', () => {
  fc.assert(
    fc.property(clocks, workspaces, workspaces, publishAt, histories, (clock, first, second, at, history) => {
      const fixture = new MachineFixture({ clock });
      const oracle = new Oracle(clock);
      fixture.publish(workspaceOf(filesOf(first), 1));
      oracle.publish(first);
      const rejected: string[] = [];
      const indexed = new Set<string>();
      for (const [i, { event, arrives }] of history.entries()) {
        if (i === at) {
          fixture.publish(workspaceOf(filesOf(second), 2), arrives);
          oracle.publish(second);
        }
        oracle.time(arrives);
        oracle.apply(event, arrives);
        rejected.push(...fixture.send(wireOf(event), arrives).rejections.map(({ reason }) => reason));
        expect(fixture.decisions, `decisions after event ${i}`).toHaveLength(oracle.decisions.length);
      }
      expect(decisionsOf(fixture)).toEqual(oracle.decisions);
      // A rule that the index on event.store left out is not evaluated, and counts no error.
      for (const { id, when } of [...first.campaigns, ...second.campaigns])
        if (when.cel.includes('event.store')) indexed.add(`${id} errors`);
      const counted = ([what]: readonly [string, number]): boolean => !indexed.has(what);
      expect(new Map([...countsOf(fixture)].filter(counted))).toEqual(new Map([...oracle.counts].filter(counted)));
      expect(rejected).toEqual(oracle.rejected);
      expect(fixture.machine.totals.repeated).toBe(oracle.repeated);
      expect(fixture.state.customers).toBe(oracle.customers.size);
      expect(fixture.machine.logTime).toBe(oracle.logTime);
      for (const id of oracle.customers.keys())
        expect(fixture.machine.customer(id)?.aggregates).toEqual(aggregatesOf(oracle, id));
    }),
    { numRuns: 250 },
  );
});

/** All records carry the same time: whether an event is from the future must not depend on its batch. */
function latestOf(history: readonly HistoryEntry[]): number {
  return Math.max(...history.map(({ arrives }) => arrives));
}

/** The history once, each event a record. */
function straight(files: ReturnType<typeof workspaceOf>, history: readonly HistoryEntry[]): MachineFixture {
  const fixture = new MachineFixture();
  fixture.publish(files);
  for (const { event } of history) fixture.send(wireOf(event), latestOf(history));
  return fixture;
}

test('under the event clock, batches, repeats, ticks and bad events change nothing', () => {
  const cuts = fc.array(
    fc.record({ size: fc.integer({ min: 1, max: 9 }), tick: fc.boolean(), repeat: fc.boolean(), bad: fc.boolean() }),
    { minLength: 60, maxLength: 60 },
  );
  fc.assert(
    fc.property(workspaces, histories, cuts, (workspace, history, pieces) => {
      const compiled = workspaceOf(filesOf(workspace));
      const one = straight(compiled, history);
      const other = new MachineFixture();
      other.publish(compiled);
      const events = history.map(({ event }) => wireOf(event));
      const latest = latestOf(history);
      for (let from = 0, i = 0; from < events.length; i++) {
        const { size, tick, repeat, bad } = pieces[i] as (typeof pieces)[number];
        const batch = events.slice(from, from + size);
        from += size;
        if (tick) other.tick(latest);
        other.send(
          [...batch, ...(bad ? ['not an event', { type: 'receipt', ts: latest, data: { total: [] } }] : [])],
          latest,
        );
        if (repeat)
          other.send(
            batch.filter((event) => 'id' in event),
            latest,
          );
      }
      expect(decisionsOf(other)).toEqual(decisionsOf(one));
      expect(countsOf(other)).toEqual(countsOf(one));
      expect(other.machine.digest()).toBe(one.machine.digest());
    }),
    { numRuns: 150 },
  );
});

test('a snapshot in the middle continues exactly', () => {
  fc.assert(
    fc.property(
      clocks,
      workspaces,
      workspaces,
      fc.integer({ min: 0, max: 60 }),
      publishAt,
      histories,
      (clock, first, second, cut, at, history) => {
        const one = new MachineFixture({ clock });
        let other = new MachineFixture({ clock });
        const both = (act: (fixture: MachineFixture) => void): void => {
          act(one);
          act(other);
        };
        both((fixture) => fixture.publish(workspaceOf(filesOf(first), 1)));
        for (const [i, { event, arrives }] of history.entries()) {
          if (i === cut) other = other.clone();
          if (i === at) both((fixture) => fixture.publish(workspaceOf(filesOf(second), 2), arrives));
          both((fixture) => fixture.send(wireOf(event), arrives));
        }
        expect(other.decisions).toEqual(one.decisions);
        expect(other.machine.digest()).toBe(one.machine.digest());
        expect(other.machine.exportGlobals()).toEqual(one.machine.exportGlobals());
      },
    ),
    { numRuns: 40 },
  );
});
