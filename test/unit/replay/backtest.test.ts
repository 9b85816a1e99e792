/** What a backtest counts, against counts made otherwise. */
import { describe, expect, test } from 'vitest';
import type { BacktestReport, CampaignComparison, UnitsCourse } from '../../../src/protocol/backtest.ts';
import type { Decision } from '../../../src/protocol/decision.ts';
import { withLive } from '../../../src/replay/backtest/candidate.ts';
import { History } from '../../../src/replay/history.ts';
import { verifyPartition } from '../../../src/replay/verify/verify.ts';
import { fnv1a32, partitionOf } from '../../../src/stdx/hash.ts';
import { Prng } from '../../../src/stdx/prng.ts';
import { type WorkspaceFiles, workspaceOf } from '../../support/machine-fixture.ts';
import { RecordedCluster } from '../../support/recorded-cluster.ts';
import { backtest } from '../../support/run-backtest.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const CAMPAIGNS: WorkspaceFiles = {
  'campaigns/scones.yaml': 'id: scones\non: receipt\nwhen: event.total > 10.0\nchannels: [push]\npriority: 20\n',
  'campaigns/tea.yaml': 'id: tea\non: receipt\nchannels: [push]\npriority: 10\n',
};

function policy(max: number, pick = 2): WorkspaceFiles {
  return {
    'policy.yaml': `consent: {push: opt-out}\ncaps: [{name: day, max: ${max}, per: 1d}]\narbitration: {pick: ${pick}}\n`,
  };
}

/** A week of receipts, some hours apart, of 12 customers. */
function week(cluster: RecordedCluster, seed: number): void {
  const random = new Prng(seed);
  for (let i = 0; i < 200; i++) {
    cluster.pass(random.below(2 * HOUR_MS));
    const customer = `c-${random.below(12)}`;
    cluster.event(customer, { type: 'receipt', id: `r-${i}`, data: { total: random.below(20) } });
  }
}

function recorded(
  files: WorkspaceFiles,
  partitions: number,
  play: (cluster: RecordedCluster) => void,
): RecordedCluster {
  const cluster = new RecordedCluster(partitions);
  cluster.publish(workspaceOf(files));
  play(cluster);
  return cluster.close();
}

function campaign(report: BacktestReport, id: string): CampaignComparison {
  const found = report.campaigns.find((row) => row.campaign === id);
  expect(found).toBeDefined();
  return found as CampaignComparison;
}

/** Those that a rolling cap of `max` a day takes from decisions that no cap held back. */
function overCap(decisions: readonly Decision[], max: number): Decision[] {
  const allowed: { customer: string | null; ms: number }[] = [];
  return decisions.filter(({ customer, ts }) => {
    const ms = Date.parse(ts);
    const inDay = allowed.filter((contact) => contact.customer === customer && contact.ms > ms - DAY_MS);
    if (inDay.length >= max) return true;
    allowed.push({ customer, ms });
    return false;
  });
}

describe.each([1, 3])('over %i partitions', (partitions) => {
  test.each([1, 2, 3])('a cap of %i a day loses what a count of contacts says', (max) => {
    const cluster = recorded({ ...CAMPAIGNS, ...policy(50) }, partitions, (c) => week(c, max));
    const report = backtest(cluster, workspaceOf({ ...CAMPAIGNS, ...policy(max) }));
    const lost = overCap(cluster.decisions, max);
    expect(lost.length).toBeGreaterThan(0);
    expect(report.decisions).toMatchObject({
      before: cluster.decisions.length,
      gained: 0,
      changed: 0,
      lost: lost.length,
    });
    for (const id of ['scones', 'tea']) {
      const own = lost.filter((decision) => decision.campaign === id).length;
      expect(campaign(report, id)).toMatchObject({ lost: own, lostBy: own === 0 ? {} : { cap: own }, displacedBy: {} });
    }
  });

  test('one winner in the place of two leaves the lesser one out, and is no newcomer', () => {
    const cluster = recorded({ ...CAMPAIGNS, ...policy(50) }, partitions, (c) => week(c, 9));
    const report = backtest(cluster, workspaceOf({ ...CAMPAIGNS, ...policy(50, 1) }));
    const scones = cluster.decisions.filter((decision) => decision.campaign === 'scones').length;
    expect(campaign(report, 'tea')).toMatchObject({
      lost: scones,
      lostBy: { outranked: scones },
      displacedBy: {},
    });
    expect(campaign(report, 'scones')).toMatchObject({ kept: scones, lost: 0 });
  });

  test('a draft made live gains what it matches, displaces others under a cap, and leaves the folder as it was', () => {
    const files = { ...CAMPAIGNS, ...policy(1, 1) };
    const tea = { 'campaigns/tea.yaml': files['campaigns/tea.yaml'] as string };
    const cluster = recorded({ ...policy(1, 1), ...tea }, partitions, (c) => week(c, 4));
    const { steps } = cluster.fs;
    const draft = { ...files, 'campaigns/scones.yaml': `${files['campaigns/scones.yaml']}status: draft\n` };
    const candidate = workspaceOf(draft);
    const asIs = backtest(cluster, candidate);
    expect(asIs.decisions).toMatchObject({ gained: 0, lost: 0, changed: 0 });
    expect(asIs.notes).toContain('scones is a draft, and decides nothing: `--live scones` takes it as live.');
    const report = backtest(cluster, withLive(candidate, ['scones']));
    expect(report.notes.join()).not.toMatch(/draft/);
    // The twin had it live all along.
    const twin = recorded(files, partitions, (c) => week(c, 4));
    const made = twin.decisions.filter((decision) => decision.campaign === 'scones').length;
    expect(campaign(report, 'scones')).toMatchObject({
      status: { before: null, after: 'live' },
      decisions: { before: 0, after: made },
      gained: made,
    });
    const { lost, lostBy, displacedBy } = campaign(report, 'tea');
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBe((lostBy.outranked ?? 0) + (lostBy.cap ?? 0));
    expect(displacedBy['scones']).toBeGreaterThanOrEqual(lostBy.outranked ?? 0);
    const shadow = {
      ...files,
      'campaigns/scones.yaml': `${files['campaigns/scones.yaml']}status: shadow
`,
    };
    const beside = backtest(cluster, workspaceOf(shadow));
    const would = campaign(beside, 'scones').suppressed.after['shadow'];
    expect(would).toBeGreaterThan(0);
    expect(beside.notes).toContain(`scones is in shadow: it would have sent ${would}, and sends nothing.`);
    expect(cluster.fs.steps).toBe(steps);
    // It says so whatever was active before.
    const published = recorded(shadow, partitions, (c) => week(c, 4));
    const again = backtest(published, workspaceOf(shadow));
    expect(again.notes).toContain(`scones is in shadow: it would have sent ${would}, and sends nothing.`);
  });
});

test('feedback is told of the same decision, whatever its number', () => {
  const files: WorkspaceFiles = {
    'policy.yaml': 'consent: {push: opt-out, email: opt-out}\narbitration: {pick: 2}\n',
    'campaigns/steps.yaml':
      'id: steps\non: receipt\nchannels: [push, email]\ncascade: {after: 2h, unless: opened}\npriority: 1\n',
    'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [push, email]\n',
    'campaigns/tea.yaml': 'id: tea\non: receipt\nchannels: [push]\npriority: 9\n',
  };
  const cluster = recorded(files, 1, (cluster) => {
    for (let i = 0; i < 20; i++) {
      const made = cluster.event(`c-${i}`, { type: 'receipt', id: `r-${i}`, data: { total: 1 } });
      const steps = made.find(({ campaign }) => campaign === 'steps');
      cluster.pass(HOUR_MS);
      const feedback = { type: '$feedback', data: { decision: steps?.decision.id, outcome: 'opened' } };
      if (i % 2 === 0)
        cluster.batch(0, [
          { ...feedback, customer: `c-${i}` },
          { type: 'receipt', data: { total: 1 }, customer: `d-${i}` },
        ]);
      cluster.pass(3 * HOUR_MS);
    }
  });
  const followUps = cluster.decisions.filter(({ follows }) => follows !== null).length;
  expect(followUps).toBeGreaterThan(0);
  // Without tea, the other decisions have other numbers.
  const without = Object.fromEntries(Object.entries(files).filter(([path]) => path !== 'campaigns/tea.yaml'));
  const report = backtest(cluster, workspaceOf(without));
  const steps = cluster.decisions.filter((decision) => decision.campaign === 'steps').length;
  expect(campaign(report, 'steps')).toMatchObject({ kept: steps, changed: 0, gained: 0, lost: 0 });
  expect(campaign(report, 'tea')).toMatchObject({ kept: 0, lostBy: { unmatched: cluster.decisions.length - steps } });
});

describe.each([1, 3])('units over %i partitions', (partitions) => {
  const files = (budget: number): WorkspaceFiles => ({
    'policy.yaml': 'consent: {push: opt-out}\narbitration: {pick: 2}\n',
    'offers.yaml': `cake: {title: Cake, budget: ${budget}, expires: 5h, unused: return}\n`,
    'campaigns/scones.yaml':
      'id: scones\non: receipt\nwhen: event.total > 10.0\nchannels: [push]\noffer: cake\nlimits: {perDay: 6}\n',
    'campaigns/tea.yaml': 'id: tea\non: receipt\nchannels: [push]\noffer: cake\n',
  });
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  /** By decision, at most one each. */
  type Answers = ReadonlyMap<string, { readonly outcome: string; readonly ms: number }>;

  function weekWithAnswers(cluster: RecordedCluster, random: Prng): Answers {
    const answers = new Map<string, { outcome: string; ms: number }>();
    for (let i = 0; i < 150; i++) {
      cluster.pass(random.below(2 * HOUR_MS));
      const customer = `c-${random.below(12)}`;
      cluster.event(customer, { type: 'receipt', id: `r-${i}`, data: { total: random.below(20) } });
      cluster.deliver();
      const open = cluster.decisions.slice(-6).filter(({ id }) => !answers.has(id));
      if (open.length === 0) continue;
      const { id, customer: whose } = random.pick(open);
      const outcome = random.pick(['failed', 'failed', 'converted', 'delivered']);
      answers.set(id, { outcome, ms: cluster.nowMs });
      cluster.event(whose, { type: '$feedback', data: { decision: id, outcome } });
    }
    cluster.pass(5 * HOUR_MS);
    return answers;
  }

  /** By day: taken and given back. `inDay`: given back on its own day, or not at all. */
  function count(decisions: readonly Decision[], answers: Answers, inDay: boolean): object[] {
    const days = new Map<string, { used: number; returned: number }>();
    const at = (ms: number): { used: number; returned: number } => {
      const found = days.get(day(ms)) ?? { used: 0, returned: 0 };
      days.set(day(ms), found);
      return found;
    };
    for (const { id, ts, expires } of decisions) {
      const [madeMs, expiresMs] = [Date.parse(ts), Date.parse(expires as string)];
      at(madeMs).used++;
      const { outcome = '', ms = 0 } = answers.get(id) ?? {};
      const inTime = ms < expiresMs;
      if (outcome === 'converted' && inTime) continue;
      const backMs = outcome === 'failed' && inTime ? ms : expiresMs;
      if (!inDay || day(backMs) === day(madeMs)) at(backMs).returned++;
    }
    return [...days]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .filter(([, { used, returned }]) => used + returned > 0)
      .map(([each, counts]) => ({ day: each, ...counts }));
  }

  function course(report: BacktestReport, id: string, world: 'before' | 'after'): object[] {
    const { days, used, returned } = report.units.find((units) => units.id === id) as UnitsCourse;
    const told = days.map((each) => ({ day: each.day, used: each.used[world], returned: each.returned[world] }));
    const sum = (pick: 'used' | 'returned'): number => told.reduce((total, each) => total + each[pick], 0);
    expect({ used: sum('used'), returned: sum('returned') }).toEqual({ used: used[world], returned: returned[world] });
    return told.filter((each) => each.used + each.returned > 0);
  }

  test.each([1000, 25])('of a budget of %i that were taken, and that came back by failure and expiry', (budget) => {
    let answers: Answers = new Map();
    const cluster = recorded(files(budget), partitions, (c) => {
      answers = weekWithAnswers(c, new Prng(7));
    });
    const scones = cluster.decisions.filter((decision) => decision.campaign === 'scones');
    expect(scones.length).toBeGreaterThan(10);
    const same = backtest(cluster, workspaceOf(files(budget)));
    for (const world of ['before', 'after'] as const) {
      expect(course(same, 'cake', world)).toEqual(count(cluster.decisions, answers, false));
      expect(course(same, 'scones', world)).toEqual(count(scones, answers, true));
    }
    if (budget < 1000) {
      expect(same.units.find(({ id }) => id === 'cake')?.refused.after).toBeGreaterThan(0);
      return;
    }
    const without = Object.fromEntries(Object.entries(files(budget)).filter(([path]) => !path.endsWith('tea.yaml')));
    const report = backtest(cluster, workspaceOf(without));
    expect(course(report, 'cake', 'before')).toEqual(count(cluster.decisions, answers, false));
    expect(course(report, 'cake', 'after')).toEqual(count(scones, answers, false));
  });
});

test('counts every event that came, as a replay of the same history does', async () => {
  const cluster = recorded(policy(50), 1, (cluster) => {
    const receipt = { type: 'receipt', id: 'r-1', data: { total: 1 } };
    for (const event of [receipt, receipt, { type: 'unheard', data: {} }, { type: 'receipt', data: { total: 'much' } }])
      cluster.event('c-1', event);
  });
  const report = backtest(cluster, workspaceOf(policy(50)));
  expect(report).toMatchObject({ events: 4, accepted: { before: 1, after: 1 } });
  const history = History.open(cluster.fs, cluster.directory);
  const { events } = await verifyPartition(history, 0, null, { fromMs: null, toMs: null });
  history.close();
  expect(events).toBe(report.events);
});

test('an aggregate that only the candidate has is filled by what came before', () => {
  const cluster = recorded(policy(50), 1, (cluster) => {
    for (let i = 0; i < 10; i++) {
      cluster.event('c-1', { type: 'receipt', data: { total: 1 } });
      cluster.pass(HOUR_MS);
    }
  });
  const candidate = workspaceOf({
    ...policy(50),
    'profile.yaml': 'aggregates:\n  receipts: {fn: count, event: receipt}\n',
    'campaigns/regular.yaml': 'id: regular\non: receipt\nwhen: profile.receipts >= 8\nchannels: [push]\n',
  });
  // The last five of ten receipts; three of them are the eighth and later.
  const report = backtest(cluster, candidate, cluster.nowMs - 5 * HOUR_MS);
  expect(report.events).toBe(5);
  expect(campaign(report, 'regular')).toMatchObject({ decisions: { before: 0, after: 3 }, gained: 3 });
});

describe.each(['wall', 'event'] as const)('in the midst of what partitions say, %s clock', (clock) => {
  // Partition 0 asks partition 1 for each unit, and is ahead of it: its node's clock, or the dates of its events.
  const kept = (name: string): string => {
    for (let i = 0; ; i++) if (fnv1a32(`offer/${name}-${i}`) % 2 === 1) return `${name}-${i}`;
  };
  const filesWith = (offer: string): WorkspaceFiles => ({
    'events.yaml': 'receipt: {total: double}\nvisit: {}\n',
    'policy.yaml': 'consent: {pos: none-needed}\n',
    'offers.yaml': `${offer}: {title: Something, budget: 3}\n`,
    'campaigns/units.yaml': `id: units\non: receipt\nchannels: [pos]\noffer: ${offer}\n`,
  });
  const customers = (partition: number): string[] =>
    Array.from({ length: 50 }, (_, i) => `c-${i}`).filter((customer) => partitionOf(customer, 2) === partition);
  const workspace = workspaceOf(filesWith(kept('tea')));
  const cluster = new RecordedCluster(2, clock);
  const beginMs = cluster.nowMs;
  const [ahead, behind] = [customers(0), customers(1)];
  const visit = (customer: string | undefined, ts: number): void =>
    void cluster.event(customer as string, { type: 'visit', ts, data: {} });
  const receipt = (customer: string | undefined, ts: number): void => {
    expect(cluster.event(customer as string, { type: 'receipt', ts, data: { total: 1 } })).toHaveLength(0);
    cluster.deliver();
  };
  cluster.publish(workspace);
  cluster.aheadMs[0] = HOUR_MS;
  visit(behind[0], beginMs);
  receipt(ahead[0], beginMs + HOUR_MS);
  cluster.pass(2 * HOUR_MS);
  visit(behind[0], beginMs + 2 * HOUR_MS);
  receipt(ahead[1], beginMs + 3 * HOUR_MS);
  cluster.close();
  const fromMs = beginMs + HOUR_MS / 2;

  test('the sender of what was heard goes on until it has sent it, and the same workspace differs in nothing', () => {
    expect(cluster.decisions).toHaveLength(2);
    // Both receipts are of the time that was asked for, and the first was heard before it.
    const report = backtest(cluster, workspace, fromMs);
    expect(report.decisions).toEqual({ before: 2, after: 2, kept: 2, changed: 0, gained: 0, lost: 0 });
    expect(campaign(report, 'units')).toMatchObject({
      matched: { before: 1, after: 1 },
      waiting: { before: 0, after: 0 },
    });
    for (const { used } of report.units) expect(used).toEqual({ before: 2, after: 2 });
  });

  test('what another workspace says is heard as well', () => {
    const report = backtest(cluster, workspaceOf(filesWith(kept('milk'))), fromMs);
    expect(campaign(report, 'units')).toMatchObject({
      matched: { before: 1, after: 1 },
      waiting: { before: 0, after: 0 },
    });
    const milk = report.units.find(({ id }) => id === kept('milk'));
    // What waited where the candidate began is decided by it.
    expect(milk?.used.after).toBe(2);
    // Without the times of records, which under the event clock are those of another year.
    expect(report.notes).toContain('Budgets and limits are dealt out to the partitions otherwise than they were.');
  });
});

describe('what cannot be made says why', () => {
  test('nothing was recorded', () => {
    const cluster = new RecordedCluster(2).close();
    expect(() => backtest(cluster, workspaceOf({}))).toThrow(/the node has no history yet/);
  });

  test('the range lies behind the end, or has none', () => {
    const cluster = recorded({ ...CAMPAIGNS, ...policy(50) }, 1, (cluster) => week(cluster, 1));
    const candidate = workspaceOf({ ...CAMPAIGNS, ...policy(50) });
    expect(() => backtest(cluster, candidate, Date.UTC(2030, 0, 1))).toThrow(
      /^history ends at 2026-.*nothing happened/,
    );
    expect(() => backtest(cluster, candidate, 2000, 1000)).toThrow(/--to must be later than --from/);
  });

  test.each(['wall', 'event'] as const)(
    'a range behind the end is refused before anything is replayed, %s clock',
    (clock) => {
      const cluster = new RecordedCluster(3, clock);
      cluster.publish(workspaceOf(CAMPAIGNS));
      for (let i = 0; i < 40; i++) {
        cluster.pass(HOUR_MS);
        cluster.event(`c-${i % 9}`, { type: 'receipt', ts: cluster.nowMs, data: { total: i } });
        if (i === 25) cluster.snapshot(1);
      }
      const endMs = cluster.nowMs;
      cluster.close();
      let shares = 0;
      const from = (ms: number): BacktestReport => backtest(cluster, workspaceOf(CAMPAIGNS), ms, null, () => shares++);
      const [last, behind] = [new Date(endMs).toISOString(), new Date(endMs + 1).toISOString()];
      expect(() => from(endMs + 1)).toThrow(`history ends at ${last}: nothing happened from ${behind} on`);
      expect(shares).toBe(0);
      expect(from(endMs).events).toBe(1);
    },
  );

  test('an attribute would change its type', () => {
    const profile = (type: string): WorkspaceFiles => ({ 'profile.yaml': `attributes:\n  country: {type: ${type}}\n` });
    const cluster = recorded(profile('string'), 1, (cluster) => {
      cluster.pass(1000);
      week(cluster, 1);
    });
    expect(() => backtest(cluster, workspaceOf(profile('int')), Date.UTC(2026, 2, 2, 10))).toThrow(
      /the workspace could not follow the one that was active/,
    );
  });
});
