import { describe, expect, it } from 'vitest';
import { extendWorkspace, newAggregates } from '../../../src/replay/fill/extended-workspace.ts';
import { MachineFixture, workspaceOf } from '../../support/machine-fixture.ts';

const EVENTS = 'receipt: {total: double, store: string}\nvisit: {page: string}\n';
const CAMPAIGN = { 'campaigns/a.yaml': 'id: a\non: receipt\nwhen: profile.n >= 2\nchannels: [push]\n' };
const POLICY = { 'policy.yaml': 'consent: {push: none-needed}\n' };

function versionOf(aggregates: string, version = 1, events = EVENTS) {
  return workspaceOf(
    { ...CAMPAIGN, ...POLICY, 'events.yaml': events, 'profile.yaml': `aggregates:\n${aggregates}` },
    version,
  );
}

const N = '  n: {fn: count, event: receipt}\n';
const SPEND = "  spend: {fn: sum, event: receipt, value: event.total, when: event.store == 'A', window: 7d}\n";
const PAGES = '  pages: {fn: distinct, event: visit, value: event.page}\n';

describe('new aggregates', () => {
  it('are those that a version has and the other one has not, by name and definition', () => {
    const before = versionOf(`${N}  spend: {fn: sum, event: receipt, value: event.total}\n`);
    const next = versionOf(`${SPEND}${N}${PAGES}`, 2);
    expect(newAggregates(before, next).map(({ name }) => name)).toEqual(['spend', 'pages']);
    expect(newAggregates(next, next)).toEqual([]);
  });
});

describe('a recorded version with more aggregates', () => {
  it('is what the compiler makes of them, behind its own', () => {
    const recorded = versionOf(N, 3);
    const next = versionOf(`${N}${SPEND}${PAGES}`, 4);
    const { workspace, missing } = extendWorkspace(recorded, newAggregates(recorded, next));
    expect(missing).toEqual([]);
    expect(workspace.aggregates).toEqual(next.aggregates);
    expect(workspace.schema).toEqual(next.schema);
    expect({ ...workspace, aggregates: [], schema: null }).toEqual({ ...recorded, aggregates: [], schema: null });
  });

  it('keeps every slot and index that it had', () => {
    const recorded = versionOf(`${N}  spend: {fn: sum, event: receipt, value: event.total}\n`);
    const next = versionOf(`${PAGES}${SPEND}${N}`, 2, `visit: {page: string}\n${EVENTS.split('\n')[0]}\n`);
    const { workspace } = extendWorkspace(recorded, newAggregates(recorded, next));
    expect(workspace.aggregates.slice(0, 2)).toEqual(recorded.aggregates);
    expect(workspace.schema.profile.slice(0, 2)).toEqual(recorded.schema.profile);
    expect(workspace.aggregates.map(({ name, slot }) => [name, slot])).toEqual([
      ['n', 0],
      ['spend', 1],
      ['pages', 2],
      ['spend', 3],
    ]);
    expect(workspace.aggregates[2]?.event).toBe(1);
  });

  it('is itself where it has them all', () => {
    const recorded = versionOf(`${N}${SPEND}`);
    expect(extendWorkspace(recorded, newAggregates(versionOf(N), recorded)).workspace).toBe(recorded);
  });

  it('says what it cannot have, and has the rest', () => {
    const recorded = versionOf(N, 5, 'receipt: {total: int}\n');
    const next = versionOf(
      `${N}${SPEND}${PAGES}  big: {fn: count, event: receipt, when: event.total > 5}\n`,
      6,
      EVENTS,
    );
    const { workspace, missing } = extendWorkspace(recorded, newAggregates(recorded, next));
    expect(workspace.aggregates.map(({ name }) => name)).toEqual(['n', 'big']);
    expect(missing).toEqual([
      expect.objectContaining({ name: 'spend', typeKnown: true, why: expect.stringContaining('in version 5, ') }),
      expect.objectContaining({ name: 'pages', typeKnown: false, why: 'version 5 has no event type visit' }),
    ]);
  });

  it('decides as it did, and hands its aggregates on to the version that defines them', () => {
    const recorded = versionOf(N);
    const next = versionOf(`${SPEND}${N}${PAGES}`, 2);
    const { workspace } = extendWorkspace(recorded, newAggregates(recorded, next));
    const events = Array.from({ length: 40 }, (_, i) => ({
      type: i % 3 === 0 ? 'visit' : 'receipt',
      customer: `c${i % 4}`,
      ts: 1_000_000 + i * 3_600_000,
      data: i % 3 === 0 ? { page: `p${i % 5}` } : { total: i / 8, store: i % 2 === 0 ? 'A' : 'B' },
    }));
    const [plain, extended] = [recorded, workspace].map((first) => {
      const fixture = new MachineFixture();
      fixture.publish(first);
      fixture.send(events.slice(0, 30));
      return fixture;
    }) as [MachineFixture, MachineFixture];
    expect(extended.decisions).toEqual(plain.decisions);
    expect(plain.decisions.length).toBeGreaterThan(0);
    extended.publish(next);
    extended.send(events.slice(30));
    const twin = new MachineFixture();
    twin.publish({ ...next, version: 1 });
    twin.send(events.slice(0, 30));
    twin.publish(next);
    twin.send(events.slice(30));
    expect(extended.state.digest(extended.machine.logTime)).toBe(twin.state.digest(twin.machine.logTime));
  });
});
