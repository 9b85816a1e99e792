/** A backtest of the workspace that was live differs in nothing, whatever happened: several partitions that lend each other units, waits, feedback, versions. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BacktestReport } from '../../../src/protocol/backtest.ts';
import { partitionOf } from '../../../src/stdx/hash.ts';
import { Prng } from '../../../src/stdx/prng.ts';
import type { Workspace } from '../../../src/workspace/workspace.ts';
import { type WorkspaceFiles, workspaceOf } from '../../support/machine-fixture.ts';
import { RecordedCluster } from '../../support/recorded-cluster.ts';
import { backtest } from '../../support/run-backtest.ts';

const HOUR_MS = 3_600_000;

interface Limits {
  readonly budget: number;
  readonly total: number;
  readonly perDay: number;
}

function filesOf(limits: Limits | null, cap: number): WorkspaceFiles {
  const budget = limits === null ? '' : `, budget: ${limits.budget}`;
  const both = limits === null ? '' : `limits: {total: ${limits.total}, perDay: ${limits.perDay}}\n`;
  return {
    'workspace.yaml': 'name: cluster\ntimezone: Europe/Berlin\nchannels: [pos, push, sms, email]\n',
    'events.yaml': 'receipt: {total: double}\n',
    'profile.yaml': 'aggregates:\n  receipts: {fn: count, event: receipt, window: 7d}\n',
    'offers.yaml': `tea: {title: Tea, expires: 2d, returns: unused${budget}}\n`.replace(', returns: unused', ''),
    'policy.yaml': `consent: {pos: none-needed, push: opt-out, sms: opt-out, email: opt-out}\narbitration: {pick: 2}
caps:\n  - {name: day, max: ${cap}, per: 1d}\nquietHours: {from: "21:00", to: "08:00", channels: [sms], then: defer}\n`,
    'campaigns/both.yaml': `id: both\non: receipt\nchannels: [pos]\noffer: tea\n${both}`,
    'campaigns/coupon.yaml': 'id: coupon\non: receipt\nwhen: event.total > 10.0\nchannels: [push]\noffer: tea\n',
    'campaigns/later.yaml':
      'id: later\non: receipt\nwhen: profile.receipts >= 2\nwait: {for: 3h, unless: [receipt]}\nchannels: [push, sms]\n',
    'campaigns/night.yaml': 'id: night\non: receipt\nwhen: event.total > 20.0\nchannels: [sms]\npriority: 5\n',
    'campaigns/steps.yaml':
      'id: steps\non: receipt\nwhen: event.total < 5.0\nchannels: [push, sms, email]\ncascade: {after: 2h, unless: opened}\n',
  };
}

function play(cluster: RecordedCluster, random: Prng, steps: number, snapshots = false): void {
  for (let step = 0; step < steps; step++) {
    const customer = random.below(8) === 0 ? null : `c-${random.below(20)}`;
    const known = cluster.decisions.filter((decision) => decision.customer !== null);
    const way = random.below(10);
    if (way < 6) {
      const id = random.below(4) === 0 ? {} : { id: `e-${step}` };
      cluster.event(customer, { type: 'receipt', ...id, ts: cluster.nowMs, data: { total: random.below(30) } });
    } else if (way < 8 && known.length > 0) {
      const decision = random.pick(known);
      const outcome = random.pick(['delivered', 'opened', 'failed', 'converted']);
      cluster.event(decision.customer, {
        type: '$feedback',
        ts: cluster.nowMs,
        data: { decision: decision.id, outcome },
      });
    } else if (way < 9) cluster.pass(random.below(5) * HOUR_MS);
    else if (snapshots) cluster.snapshot(random.below(cluster.partitions));
    if (random.below(3) > 0) cluster.deliver();
    cluster.pass(random.below(5000));
  }
}

function expectSame(report: BacktestReport, decisions: number): void {
  const { decisions: sum, campaigns, units } = report;
  expect(sum).toEqual({ before: decisions, after: decisions, kept: decisions, changed: 0, gained: 0, lost: 0 });
  for (const { matched, suppressed, waiting, lostBy, displacedBy } of campaigns) {
    expect(matched.after).toBe(matched.before);
    expect(suppressed.after).toEqual(suppressed.before);
    expect(waiting.after).toBe(waiting.before);
    expect([lostBy, displacedBy]).toEqual([{}, {}]);
  }
  for (const { used, returned, refused, firstRefused } of units)
    for (const { before, after } of [used, returned, refused, firstRefused]) expect(after).toEqual(before);
}

const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const limits = fc.option(fc.record({ budget: upTo(25), total: upTo(15), perDay: upTo(12) }), { freq: 4 });

test('the live workspace against itself, over what is left of its history', () => {
  let pruned = 0;
  let compared = 0;
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 2, 4),
      fc.integer({ min: 20, max: 60 }),
      limits,
      fc.option(fc.integer({ min: 0, max: 99 })),
      fc.constantFrom<'wall' | 'event'>('wall', 'event'),
      (seed, partitions, steps, units, point, clock) => {
        const random = new Prng(seed);
        const cluster = new RecordedCluster(partitions, clock);
        const workspace = workspaceOf(filesOf(units, 3));
        cluster.publish(workspace);
        cluster.pass(HOUR_MS);
        play(cluster, random, steps, true);
        for (const p of range(partitions)) cluster.snapshot(p);
        const snapshotMs = cluster.nowMs;
        cluster.pass(1000);
        play(cluster, random, steps, true);
        for (const p of range(partitions))
          cluster.event(customerOf(p, partitions), { type: 'receipt', ts: cluster.nowMs, data: { total: 1 } });
        if (cluster.prune() > 0) pruned++;
        const endMs = cluster.nowMs;
        const fromMs = point === null ? null : snapshotMs + Math.floor(((endMs - snapshotMs) * point) / 100);
        cluster.close();
        let report: BacktestReport;
        try {
          report = backtest(cluster, workspace, fromMs);
        } catch (error) {
          // Later snapshots may have taken more of the history away.
          expect(String(error)).toMatch(/history reaches back to/);
          return;
        }
        const { decisions } = report;
        compared += decisions.before;
        expectSame(report, decisions.before);
        const startMs = Date.parse(report.from as string);
        if (fromMs !== null) expect(startMs).toBe(fromMs);
        const after = cluster.decisions.filter(({ ts }) => Date.parse(ts) >= startMs).length;
        // Of several partitions one may begin later: where it has heard what another has yet to say.
        if (clock === 'wall' && partitions === 1) expect(decisions.before).toBe(after);
        else if (clock === 'wall') expect(decisions.before).toBeLessThanOrEqual(after);
      },
    ),
    { numRuns: 25 },
  );
  expect(pruned).toBeGreaterThan(5);
  // About 150; what matters is that there are some to compare.
  expect(compared).toBeGreaterThan(25);
});

/** One of them. */
function customerOf(partition: number, partitions: number): string {
  for (let i = 0; ; i++) if (partitionOf(`c-${i}`, partitions) === partition) return `c-${i}`;
}

test('the live workspace against itself', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 2, 4),
      upTo(120),
      limits,
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      (seed, partitions, steps, units, cap, late) => {
        const random = new Prng(seed);
        const cluster = new RecordedCluster(partitions);
        const workspace = workspaceOf(filesOf(units, cap));
        cluster.publish(workspace);
        cluster.pass(HOUR_MS);
        play(cluster, random, steps);
        const fromMs = late ? cluster.nowMs + 1 : null;
        const decided = late ? cluster.decisions.length : 0;
        if (late) {
          cluster.pass(1000);
          cluster.event('c-1', { type: 'receipt', ts: cluster.nowMs, data: { total: 1 } });
          play(cluster, random, steps);
        }
        let behind = 0;
        const report = backtest(cluster.close(), workspace, fromMs, null, (share) => {
          expect(share).toBeGreaterThanOrEqual(behind);
          behind = share;
        });
        expect(behind).toBeLessThanOrEqual(1);
        expectSame(report, cluster.decisions.length - decided);
        expect(report.notes.filter((note) => !note.startsWith('Nothing before'))).toEqual([]);
      },
    ),
    { numRuns: 25 },
  );
});

type Action = (cluster: RecordedCluster) => void;

/** The same happens to whoever it is played to: nothing of it answers what was decided. */
function script(random: Prng, steps: number): Action[] {
  return Array.from({ length: steps }, (_, step): Action => {
    const customer = random.below(8) === 0 ? null : `c-${random.below(20)}`;
    const id = random.below(4) === 0 ? {} : { id: `e-${step}` };
    const event = { type: 'receipt', ...id, data: { total: random.below(30) } };
    const waits = [random.below(4) === 0 ? random.below(5) * HOUR_MS : 0, random.below(5000)];
    return (cluster) => {
      cluster.event(customer, event);
      cluster.deliver();
      for (const ms of waits) cluster.pass(ms);
    };
  });
}

function played(partitions: number, workspace: Workspace, actions: readonly Action[]): RecordedCluster {
  const cluster = new RecordedCluster(partitions);
  cluster.publish(workspace);
  for (const act of actions) act(cluster);
  // A backtest ends with what was recorded: in both worlds at the same time.
  for (const p of range(partitions)) cluster.event(customerOf(p, partitions), { type: 'receipt', data: { total: 1 } });
  cluster.deliver();
  return cluster;
}

/** One line per decision, but for what differs from world to world. */
function told(cluster: RecordedCluster): string[] {
  return cluster.decisions
    .map((decision) => JSON.stringify({ ...decision, id: '', workspace: 0, follows: decision.follows !== null }))
    .sort();
}

test('another workspace decides as a node with that workspace would have', () => {
  const worlds = fc.record({ cap: fc.integer({ min: 1, max: 4 }), without: fc.constantFrom('', 'both', 'night') });
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 3),
      upTo(150),
      worlds,
      worlds,
      limits,
      (seed, partitions, steps, was, is, units) => {
        const filesOfWorld = ({ cap, without }: typeof was): WorkspaceFiles =>
          Object.fromEntries(
            Object.entries(filesOf(null, cap)).filter(([path]) => path !== `campaigns/${without}.yaml`),
          );
        const actions = script(new Prng(seed), steps);
        // Under budgets the world before has messages, which the world after does without.
        const before = played(partitions, workspaceOf({ ...filesOfWorld(was), ...filesOf(units, was.cap) }), actions);
        const candidate = workspaceOf(filesOfWorld(is));
        const twin = played(partitions, candidate, actions);
        twin.close();
        const report = backtest(before.close(), candidate);
        expect(report.decisions.before).toBe(before.decisions.length);
        expect(report.decisions.after).toBe(twin.decisions.length);
        // Those of one match are paired in their order: where only one world has a first follow-up, its second is told as changed.
        const { kept, changed } = report.decisions;
        expect(kept + changed).toBeGreaterThanOrEqual(overlap(told(before), told(twin)));
        for (const { campaign, matched, decisions, suppressed, channels } of report.campaigns) {
          const rows = range(partitions).flatMap((p) =>
            twin
              .machine(p)
              .campaigns()
              .filter(({ id }) => id === campaign),
          );
          const made = twin.decisions.filter((decision) => decision.campaign === campaign);
          expect(matched.after).toBe(rows.reduce((sum, row) => sum + row.matched, 0));
          expect(decisions.after).toBe(made.length);
          const lost: Record<string, number> = {};
          for (const row of rows)
            for (const [reason, count] of Object.entries(row.suppressed)) lost[reason] = (lost[reason] ?? 0) + count;
          expect(suppressed.after).toEqual(lost);
          for (const [channel, { after }] of Object.entries(channels))
            expect(after).toBe(made.filter((decision) => decision.channel === channel).length);
        }
      },
    ),
    {
      numRuns: 25,
      // What the candidate alone has due falls behind the last record of the world before.
      examples: [[0, 1, 18, { cap: 1, without: '' }, { cap: 3, without: '' }, null]],
    },
  );
});

test('budgets of another workspace are used up to the last unit, and never beyond', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 2, 4),
      fc.integer({ min: 50, max: 200 }),
      limits,
      fc.record({ budget: upTo(25), total: upTo(15), perDay: upTo(12) }),
      (seed, partitions, steps, was, is) => {
        const before = played(partitions, workspaceOf(filesOf(was, 9)), script(new Prng(seed), steps));
        const { units, campaigns } = backtest(before.close(), workspaceOf(filesOf(is, 9)));
        const [both, tea] = ['both', 'tea'].map((wanted) => units.find(({ id }) => id === wanted));
        // Nobody is left waiting for an answer of another partition.
        for (const { campaign, waiting } of campaigns)
          if (campaign === 'both' || campaign === 'coupon') expect(waiting.after).toBe(0);
        expect(tea?.total.after).toBe(is.budget);
        expect(tea?.used.after).toBeLessThanOrEqual(is.budget);
        expect(both?.used.after).toBeLessThanOrEqual(is.total);
        for (const { used } of both?.days ?? []) expect(used.after).toBeLessThanOrEqual(is.perDay);
        if ((tea?.refused.after ?? 0) > 0) expect(tea?.used.after).toBe(is.budget);
      },
    ),
    { numRuns: 25 },
  );
});

test('a range begins and ends between two events, wherever they stand in their records', () => {
  const files = {
    'policy.yaml': 'consent: {pos: none-needed}\n',
    'campaigns/tea.yaml': 'id: tea\non: receipt\nwhen: event.total > 10.0\nchannels: [pos]\n',
  };
  const workspace = workspaceOf(files);
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom<'wall' | 'event'>('wall', 'event'),
      fc.constantFrom(1, 3),
      fc.tuple(upTo(40), upTo(40)),
      (seed, clock, partitions, [from, length]) => {
        const random = new Prng(seed);
        const cluster = new RecordedCluster(partitions, clock);
        cluster.publish(workspace);
        const beginMs = cluster.nowMs;
        // Events of one hour each; under the event clock some arrive together, and dated.
        for (let hour = 1; hour < 80; ) {
          const partition = random.below(partitions);
          const customers = range(40).map((c) => `c-${c}`);
          const own = customers.filter((customer) => partitionOf(customer, partitions) === partition);
          const count = clock === 'wall' ? 1 : 1 + random.below(9);
          const events = range(count).map((i) => ({
            type: 'receipt',
            ...(clock === 'wall' ? {} : { ts: beginMs + (hour + i) * HOUR_MS }),
            customer: random.pick(own),
            data: { total: random.below(30) },
          }));
          hour += count;
          if (clock === 'wall') cluster.nowMs = beginMs + hour * HOUR_MS;
          else cluster.nowMs = beginMs + 100 * HOUR_MS;
          cluster.batch(partition, events);
        }
        const fromMs = beginMs + from * HOUR_MS;
        const toMs = fromMs + (length + 1) * HOUR_MS;
        const made = cluster.decisions.filter(({ ts }) => Date.parse(ts) >= fromMs && Date.parse(ts) < toMs);
        cluster.close();
        let report: BacktestReport;
        try {
          report = backtest(cluster, workspace, fromMs, toMs);
        } catch (error) {
          expect(made).toEqual([]);
          expect(String(error)).toMatch(/nothing happened from \S+ before \S+$/);
          return;
        }
        expectSame(report, made.length);
      },
    ),
    { numRuns: 40 },
  );
});

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** How many lines of one are in the other, each once; both are sorted. */
function overlap(one: readonly string[], other: readonly string[]): number {
  let [i, j, count] = [0, 0, 0];
  while (i < one.length && j < other.length) {
    const [a, b] = [one[i] as string, other[j] as string];
    if (a === b) count++;
    if (a <= b) i++;
    if (b <= a) j++;
  }
  return count;
}
