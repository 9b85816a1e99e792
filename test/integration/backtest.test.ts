/** Backtests of a real node over the demo's month, in the node and beside it. Needs dist/. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BacktestReport, BacktestStatus } from '../../src/protocol/backtest.ts';
import { type BeckonProcess, startBeckon, temporaryFolder } from '../support/beckon-process.ts';
import { childrenOf, isRunning } from '../support/child-processes.ts';
import { DEMO_SAMPLE, DEMO_WORKSPACE, runCommand } from '../support/demo-node.ts';

const folder = temporaryFolder();
const data = join(folder.path, 'data');
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

beforeAll(async () => {
  node = await startBeckon('--workspace', DEMO_WORKSPACE, '--data', data, '--clock', 'event', '--partitions', '4');
  const imported = await runCommand('main.js', ['import', DEMO_SAMPLE, '--to', node.url]);
  expect(imported.code).toBe(0);
  decided = await decisionsOfNode();
  expect(decided).toBeGreaterThan(1000);
});

afterAll(async () => {
  await node.stop();
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
    expect(report.decisions).toEqual({
      before: decided,
      after: decided,
      kept: decided,
      changed: 0,
      gained: 0,
      lost: 0,
    });
    expect(report.notes).toEqual([]);
  }
  expect(await decisionsOfNode()).toBe(decided);
});

test('the table tells what another workspace loses', async () => {
  const other = join(folder.path, 'other');
  cpSync(DEMO_WORKSPACE, other, { recursive: true });
  const policy = join(other, 'policy.yaml');
  const lower = readFileSync(policy, 'utf8').replace('max: 2, per: 1d', 'max: 1, per: 1d');
  writeFileSync(policy, lower);
  const { code, stdout } = await replay('--workspace', other, '--node', node.url);
  expect(code).toBe(0);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).toMatch(/^campaign +matched +decisions +kept +changed +gained +lost$/m);
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
