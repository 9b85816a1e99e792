/** Backtests of real nodes over the demo's month, in the node and beside it, embedded and on NATS. Needs dist/. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BacktestReport, BacktestStatus } from '../../src/protocol/backtest.ts';
import type { Decision } from '../../src/protocol/decision.ts';
import { type BeckonProcess, temporaryFolder } from '../support/beckon-process.ts';
import { childrenOf, isRunning } from '../support/child-processes.ts';
import { runCommand } from '../support/demo-node.ts';
import { natsOutcome } from '../support/nats-outcome.ts';
import { startNatsServer } from '../support/nats-server.ts';
import {
  DEMO_WORKSPACE,
  type Outcome,
  outcomeOf,
  PARTITIONS,
  post,
  RetailNodes,
  sampleBatches,
} from '../support/retail-nodes.ts';

const folder = temporaryFolder();
const nodes = new RetailNodes();
const data = nodes.newDataFolder();
/** Fewer messages a day. */
const lower = join(folder.path, 'lower');
let node: BeckonProcess;
let decided = 0;

async function get<Body>(path: string): Promise<Body> {
  return (await (await fetch(`${node.url}${path}`)).json()) as Body;
}

async function decisionsOfNode(): Promise<number> {
  const campaigns =
    await get<{ decided: Record<string, number>; followUps: { decided: Record<string, number> } }[]>('/v1/campaigns');
  const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0);
  return campaigns.reduce((total, row) => total + sum(row.decided) + sum(row.followUps.decided), 0);
}

async function replay(...flags: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return runCommand('main.js', ['replay', ...flags]);
}

/** The sample, one body after another: partitions take the same records in the same order on every run. */
async function startPlayed(dataFolder: string, ...flags: string[]): Promise<BeckonProcess> {
  const started = await nodes.start(dataFolder, ...flags);
  for (const batch of sampleBatches(Number.MAX_SAFE_INTEGER, 2000)) if (batch !== '') await post(started.url, batch);
  // On NATS they are acknowledged before they are applied; who asks for counts waits for that.
  expect((await fetch(`${started.url}/v1/campaigns`)).status).toBe(200);
  return started;
}

const NOTHING = { before: 0, after: 0, kept: 0, changed: 0, gained: 0, lost: 0 };
type Compared = typeof NOTHING;

/** By campaign, from the decisions of two nodes: which are the same but for ids and version, which are others of the same event, and which have no counterpart. */
function compared(before: Outcome, after: Outcome): Map<string, Compared> {
  const counts = new Map<string, Compared>();
  const of = (campaign: string): Compared => {
    const count = counts.get(campaign) ?? { ...NOTHING };
    counts.set(campaign, count);
    return count;
  };
  const unpaired = new Map<string, Decision[]>();
  const keyOf = ({ customer, campaign, event, follows }: Decision): string =>
    JSON.stringify([customer, campaign, event.type, event.id, follows !== null]);
  for (const json of before.decisions.flat()) {
    const decision = JSON.parse(json) as Decision;
    of(decision.campaign).before++;
    of(decision.campaign).lost++;
    unpaired.set(keyOf(decision), [...(unpaired.get(keyOf(decision)) ?? []), decision]);
  }
  const contentOf = (decision: Decision): string =>
    JSON.stringify({ ...decision, id: '', workspace: 0, follows: decision.follows !== null });
  for (const json of after.decisions.flat()) {
    const decision = JSON.parse(json) as Decision;
    const count = of(decision.campaign);
    count.after++;
    const other = unpaired.get(keyOf(decision))?.shift();
    if (other === undefined) count.gained++;
    else {
      count.lost--;
      if (contentOf(other) === contentOf(decision)) count.kept++;
      else count.changed++;
    }
  }
  return counts;
}

beforeAll(async () => {
  cpSync(DEMO_WORKSPACE, lower, { recursive: true });
  const policy = join(lower, 'policy.yaml');
  writeFileSync(policy, readFileSync(policy, 'utf8').replace('max: 2, per: 1d', 'max: 1, per: 1d'));
  node = await startPlayed(data, '--workspace', DEMO_WORKSPACE);
  decided = await decisionsOfNode();
  expect(decided).toBeGreaterThan(1000);
});

afterAll(async () => {
  await nodes.close();
  folder.remove();
});

test('the live workspace against itself differs in nothing, in the node and beside it', async () => {
  const [there, here] = await Promise.all([
    replay('--workspace', DEMO_WORKSPACE, '--node', node.url, '--json', '-'),
    replay('--workspace', DEMO_WORKSPACE, '--data', data, '--json', '-'),
  ]);
  for (const { code, stdout, stderr } of [there, here]) {
    expect([code, stderr]).toEqual([0, '']);
    const report = JSON.parse(stdout) as BacktestReport;
    expect(report.decisions).toEqual({ ...NOTHING, before: decided, after: decided, kept: decided });
    expect(report.notes).toEqual([]);
  }
  expect(await decisionsOfNode()).toBe(decided);
});

test('a lower cap loses and gains what a twin says that had it from the beginning, embedded and on NATS', async () => {
  const server = await startNatsServer();
  try {
    const twinData = nodes.newDataFolder();
    const natsData = nodes.newDataFolder();
    const [twin, onNats] = await Promise.all([
      startPlayed(twinData, '--workspace', lower),
      startPlayed(natsData, '--workspace', DEMO_WORKSPACE, '--nats', server.url),
    ]);
    expect(await twin.stop()).toBe(0);
    const [embedded, streams, self] = await Promise.all(
      [
        [lower, '--node', node.url],
        [lower, '--node', onNats.url],
        [DEMO_WORKSPACE, '--data', natsData],
      ].map(async (flags) => {
        const { code, stdout, stderr } = await replay('--workspace', ...flags, '--json', '-');
        const end = `${natsData} follows the streams of a node on NATS: what was acknowledged last may not be in it yet; --node URL asks its node, which waits for it\n`;
        expect([code, stderr]).toEqual([0, flags.includes(natsData) ? end : '']);
        return JSON.parse(stdout) as BacktestReport;
      }),
    );
    expect(self?.decisions).toEqual({ ...NOTHING, before: decided, after: decided, kept: decided });

    const copy = join(folder.path, 'copy');
    cpSync(data, copy, { recursive: true });
    const after = await outcomeOf(twinData);
    for (const [report, before] of [
      [embedded, await outcomeOf(copy)],
      [streams, await natsOutcome(server.url, natsData, PARTITIONS)],
    ] as const) {
      const expected = compared(before, after);
      const sum = (of: keyof Compared): number => [...expected.values()].reduce((total, each) => total + each[of], 0);
      expect(sum('lost')).toBeGreaterThan(20);
      expect(sum('gained')).toBeGreaterThan(0);
      for (const what of Object.keys(NOTHING) as (keyof Compared)[])
        expect([what, report?.decisions[what]]).toEqual([what, sum(what)]);
      const told = report?.campaigns.map(({ campaign, decisions, kept, changed, gained, lost }) => [
        campaign,
        { ...decisions, kept, changed, gained, lost },
      ]) as [string, Compared][];
      // Those that matched and never decided are told of, too.
      expect(new Map(told.filter(([, { before, after }]) => before + after > 0))).toEqual(expected);
    }
  } finally {
    await server.stop();
  }
});

test('the table tells what another workspace loses', async () => {
  const { code, stdout } = await replay('--workspace', lower, '--node', node.url);
  expect(code).toBe(0);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toMatch(/^campaign +matched +decisions +kept +(?:changed +)?gained +lost$/m);
  expect(stdout).toMatch(/^why decisions were lost$/m);
  expect(stdout).toMatch(/ cap \d+/);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
});

test('one that is running can be asked about and ended', async () => {
  const files = { files: (await get<{ files: object }>('/v1/workspace')).files };
  const post = (): Promise<Response> =>
    fetch(`${node.url}/v1/backtests`, { method: 'POST', body: JSON.stringify(files) });
  const started = await post();
  expect(started.status).toBe(202);
  const { id } = (await started.json()) as { id: string };
  expect((await post()).status).toBe(429);
  expect((await fetch(`${node.url}/v1/backtests/${id}`, { method: 'DELETE' })).status).toBe(200);
  let status = await get<BacktestStatus>(`/v1/backtests/${id}`);
  while (status.status === 'running') status = await get<BacktestStatus>(`/v1/backtests/${id}`);
  expect(status).toMatchObject({ status: 'cancelled', report: null });
});

test.each([
  [['--from', '2011-06-01'], /history ends at 2010-12-2.*nothing happened from 2011-06-01T00:00:00.000Z on/],
  [['--live', 'welcom'], /no campaign "welcom" to take as live; did you mean "welcome"\?/],
  [['--nats', 'nats://127.0.0.1:1'], /--nats: a backtest sends nothing/],
])('says what is wrong with %j', async (flags, message) => {
  const { code, stdout, stderr } = await replay('--workspace', DEMO_WORKSPACE, '--data', data, ...flags);
  expect(code).toBeGreaterThan(0);
  expect(stdout).toBe('');
  expect(stderr).toMatch(message);
});

test('names the flag that is wrong, and the file that is no folder', async () => {
  const nowhere = await replay('--workspace', DEMO_WORKSPACE, '--node', 'here');
  expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('--node: expected a URL')]);
  const file = await replay('--workspace', DEMO_WORKSPACE, '--data', join(data, 'beckon.json'));
  expect([file.code, file.stderr]).toEqual([1, expect.stringContaining('it is no data folder')]);
  // Known before anything is replayed, which may take hours.
  const wrong = ['--workspace', DEMO_WORKSPACE, '--data', join(data, 'beckon.json'), '--json'];
  const unwritable = await replay(...wrong, join(data, 'nowhere', 'report.json'));
  expect([unwritable.code, unwritable.stderr]).toEqual([1, expect.stringContaining('there is no folder')]);
  const unnamed = await replay(...wrong, '');
  expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining('--json: expected a file')]);
});

test('says where a workspace has errors', async () => {
  const broken = join(folder.path, 'broken');
  cpSync(DEMO_WORKSPACE, broken, { recursive: true });
  writeFileSync(join(broken, 'campaigns/extra.yaml'), 'id: extra\non: recept\nchannels: [push]\n');
  const { code, stderr } = await replay('--workspace', broken, '--data', data);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^campaigns\/extra\.yaml:2:5 .*recept/m);
  expect(stderr).toMatch(/nothing was replayed: 1 problem/);
});

// The last: the node does not outlive it.
test.runIf(platform() === 'linux')('is not left behind by a node that was killed', async () => {
  const body = JSON.stringify({ files: (await get<{ files: object }>('/v1/workspace')).files });
  expect((await fetch(`${node.url}/v1/backtests`, { method: 'POST', body })).status).toBe(202);
  const [child] = childrenOf(node.pid, 'backtest-program');
  expect(child).toBeDefined();
  await node.kill();
  while (isRunning(child?.pid as number)) await sleep(5);
});
