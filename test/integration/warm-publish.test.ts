/**
 * New aggregates are filled from history while events flow: afterwards a node holds what one holds that had them from its first record, embedded and on NATS, also where it was killed in the midst; and says what
 * it did.
 */
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { readWorkspaceFolder } from '../../src/workspace/folder.ts';
import { type BeckonProcess, runBeckon } from '../support/beckon-process.ts';
import { digestOf, natsOutcome } from '../support/nats-outcome.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import {
  DEMO_WORKSPACE,
  type Outcome,
  outcomeOf,
  PARTITIONS,
  post,
  RetailNodes,
  sampleBatches,
} from '../support/retail-nodes.ts';

type Files = Readonly<Record<string, string>>;

interface Filled {
  readonly version: number;
  readonly filled: readonly { aggregate: string; since: string | null; complete: boolean; why?: string }[];
}

const FILES = readWorkspaceFolder(DEMO_WORKSPACE);
/** Of every function, over windows and all time; texts, sketches, and fields that nothing else reads. */
const ADDED = `
  added_n: {fn: count, event: receipt}
  added_spend: {fn: sum, event: receipt, value: event.total * 0.1}
  added_spend_7d: {fn: sum, event: receipt, value: event.total * 0.1, window: 7d}
  added_mean: {fn: avg, event: receipt, value: event.total * 0.3}
  added_max_3d: {fn: max, event: receipt, value: event.total, window: 3d, resolution: 6h}
  added_first: {fn: first, event: receipt, value: event.id}
  added_last_5d: {fn: last, event: receipt, value: event.id, window: 5d}
  added_ids: {fn: distinct, event: receipt, value: event.id}
  added_ids_9d: {fn: distinct, event: receipt, value: event.id, window: 9d}
  added_opened: {fn: count, event: $feedback, when: event.outcome == 'opened'}
`;
const NAMES = [...ADDED.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
const WITH: Files = {
  ...FILES,
  'profile.yaml': (FILES['profile.yaml'] as string).replace(/^aggregates:.*\n/m, (line) => `${line}${ADDED.slice(1)}`),
};
/** Another version that differs in nothing. */
function edition(files: Files, n: number): Files {
  return { ...files, 'workspace.yaml': `${files['workspace.yaml']}\n# edition ${n}\n` };
}

const batches = sampleBatches(3000, 100);
const nodes = new RetailNodes();
let server: NatsServer | null = null;
afterEach(async () => {
  await nodes.close();
  await server?.stop();
  server = null;
});

async function put(url: string, files: Files, more: object = {}): Promise<Filled> {
  const response = await fetch(`${url}/v1/workspace`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ files, ...more }),
  });
  const text = await response.text();
  expect([response.status, text]).toEqual([200, expect.any(String)]);
  const { version, filled } = JSON.parse(text) as Filled;
  return { version, filled };
}

async function send(node: BeckonProcess, from: number, to: number): Promise<void> {
  for (const batch of batches.slice(from, to)) await post(node.url, batch);
}

/** On NATS, batches are acknowledged before they are applied; who asks for counts waits for that. */
async function settled(node: BeckonProcess): Promise<BeckonProcess> {
  expect((await fetch(`${node.url}/v1/campaigns`)).status).toBe(200);
  return node;
}

const DIGEST = /^[0-9a-f]{16,}$/;
/** What customers hold: the state's half of the digests, and the decisions but for the versions that made them. */
function contentOf({ digests, decisions }: Outcome): object {
  for (const digest of digests) expect(digest).toMatch(DIGEST);
  return {
    states: digests.map((digest) => digest.slice(0, 16)),
    decisions: decisions.map((each) => each.map((json) => ({ ...(JSON.parse(json) as object), workspace: 0 }))),
  };
}

/** Had them from the first record on. */
async function makeTwin(): Promise<object> {
  const data = nodes.newDataFolder();
  const node = await nodes.start(data);
  await put(node.url, WITH);
  await send(node, 0, batches.length);
  expect(await node.stop()).toBe(0);
  return contentOf(await outcomeOf(data));
}

let twin: Promise<object> | null = null;
function twinContent(): Promise<object> {
  twin ??= makeTwin();
  return twin;
}

function expectFilled({ filled }: Filled): void {
  expect(filled.map(({ aggregate }) => aggregate)).toEqual(NAMES);
  for (const each of filled)
    expect(each).toMatchObject({ since: expect.stringMatching(/^2010-12-01T08:/), complete: true });
}

async function versionOf(node: BeckonProcess): Promise<number> {
  return ((await (await fetch(`${node.url}/v1/workspace`)).json()) as Filled).version;
}

/** What a node logs once for each partition. */
const FILLED = 'filled new aggregates from history';

/** Resolves once the node has told that so many partitions are filled, or has answered who published. */
async function filledPartitions(node: BeckonProcess, count: number, publishing: Promise<unknown>): Promise<void> {
  let answered = false;
  void publishing.finally(() => {
    answered = true;
  });
  while (!answered && node.stderr().split(FILLED).length <= count) await sleep(1);
}

/**
 * A node that was killed when its first partition was filled and the version was not kept, started again and rid of what was begun; it has taken 17 batches. Another one from the beginning where it
 * was done before it was killed.
 */
async function killedInTheMidst(flagsOf: () => Promise<string[]>): Promise<{ data: string; node: BeckonProcess }> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const flags = await flagsOf();
    const data = nodes.newDataFolder();
    const killed = await nodes.start(data, ...flags);
    await put(killed.url, FILES);
    await send(killed, 0, 15);
    const publishing = put(killed.url, WITH).catch(() => null);
    await Promise.all([send(killed, 15, 16), filledPartitions(killed, 1, publishing)]);
    await killed.kill();
    const answer = await publishing;
    const node = await nodes.start(data, ...flags);
    if ((await versionOf(node)) === 1) {
      expect(answer).toBeNull();
      expect(killed.stderr()).toContain(FILLED);
      // What was begun leaves with the next record; while it has not, there is no snapshot of the partition.
      await send(node, 16, 17);
      expect(await (await settled(node)).stop()).toBe(0);
      for (let partition = 0; partition < PARTITIONS; partition++) expect(digestOf(data, partition)).toMatch(DIGEST);
      return { data, node: await nodes.start(data, ...flags) };
    }
    await node.kill();
  }
  throw new Error('every node had published before it was killed');
}

describe('publishing new aggregates', () => {
  it('fills them from history while events flow, as a twin that had them from the beginning', async () => {
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workers', '2');
    expect((await put(node.url, FILES)).filled).toEqual([]);
    await send(node, 0, 15);
    const publishing = put(node.url, WITH);
    // Another one waits for its turn.
    const next = put(node.url, edition(WITH, 1));
    await send(node, 15, batches.length);
    const first = await publishing;
    expectFilled(first);
    expect([first.version, await next]).toEqual([2, { version: 3, filled: [] }]);
    expect(await node.stop()).toBe(0);
    expect(contentOf(await outcomeOf(data))).toEqual(await twinContent());
    expect((await runBeckon('replay', '--data', data)).code).toBe(0);
  });

  it('survives being killed in the midst: what was begun is given up, and done again', async () => {
    const { data, node: survivor } = await killedInTheMidst(async () => []);
    // Where the last partition is filled, the version is kept, or not yet.
    const publishing = put(survivor.url, WITH).catch(() => null);
    await send(survivor, 17, 19);
    await filledPartitions(survivor, PARTITIONS, publishing);
    await survivor.kill();
    await publishing;
    const node = await nodes.start(data);
    const isKept = (await versionOf(node)) === 2;
    const again = await put(node.url, WITH);
    if (isKept) expect(again).toEqual({ version: 2, filled: [] });
    else expectFilled(again);
    await send(node, 19, batches.length);
    expect(await node.stop()).toBe(0);
    expect(contentOf(await outcomeOf(data))).toEqual(await twinContent());
  });

  it('does the same on NATS', async () => {
    let url = '';
    const { data, node } = await killedInTheMidst(async () => {
      await server?.stop();
      server = await startNatsServer();
      url = server.url;
      return ['--nats', url];
    });
    const publishing = put(node.url, WITH);
    await send(node, 17, batches.length);
    expectFilled(await publishing);
    expect(await (await settled(node)).stop()).toBe(0);
    expect(contentOf(await natsOutcome(url, data, PARTITIONS))).toEqual(await twinContent());
  });

  it('begins with a folder that was edited while the node was down', async () => {
    const folder = nodes.newDataFolder();
    cpSync(DEMO_WORKSPACE, folder, { recursive: true });
    const data = nodes.newDataFolder();
    const node = await nodes.start(data, '--workspace', folder);
    await send(node, 0, 15);
    expect(await node.stop()).toBe(0);
    writeFileSync(join(folder, 'profile.yaml'), WITH['profile.yaml'] as string);
    const again = await nodes.start(data, '--workspace', folder);
    await expect
      .poll(async () => ((await (await fetch(`${again.url}/v1/workspace`)).json()) as Filled).version)
      .toBe(2);
    await send(again, 15, batches.length);
    expect(await again.stop()).toBe(0);
    expect(contentOf(await outcomeOf(data))).toEqual(await twinContent());
  });

  it('says what it would do, what it does, and what it cannot', async () => {
    const data = nodes.newDataFolder();
    const node = await nodes.start(data);
    await put(node.url, FILES);
    await send(node, 0, 10);
    const folder = nodes.newDataFolder();
    cpSync(DEMO_WORKSPACE, folder, { recursive: true });
    const more = `  added_visits: {fn: count, event: visit}\n  added_store: {fn: last, event: receipt, value: event.extra}\n`;
    const events = (FILES['events.yaml'] as string).replace(/^receipt:.*\n/m, (line) => `${line}  extra: string\n`);
    writeFileSync(join(folder, 'events.yaml'), `${events}\nvisit: {page: string}\n`);
    writeFileSync(
      join(folder, 'profile.yaml'),
      (FILES['profile.yaml'] as string)
        .replace(/^aggregates:.*\n/m, (line) => `${line}  added_n: {fn: count, event: receipt}\n${more}`)
        .replace(/^segments:.*\n/m, (line) => `${line}  often: profile.added_n > 10\n`)
        .replace('smallest: { fn: min, ', 'smallest: { fn: min, window: 60d, '),
    );
    const check = await runBeckon('check', folder, '--to', node.url);
    expect([check.code, check.stdout]).toEqual([
      0,
      expect.stringContaining(`${node.url} has version 1; this could follow it\n`),
    ]);
    const told = [
      '  profile.smallest (changed): filled from history, as if it had always been so\n',
      '  profile.added_n (new): filled from history, as if it had always been there\n',
      '  profile.added_visits (new): there is nothing yet to fill it with\n',
      '  profile.added_store (new): begins empty: in version 1, event "receipt" has no field "extra"',
      '  segment often reads them: segments are evaluated when they are read, and need no filling\n',
    ];
    for (const line of told) expect(check.stdout).toContain(line);
    const published = await runBeckon('publish', folder, '--to', node.url);
    expect([published.code, published.stdout]).toEqual([0, expect.stringContaining('as version 2\n')]);
    for (const line of told) expect(published.stdout).toContain(line);

    writeFileSync(
      join(folder, 'profile.yaml'),
      (FILES['profile.yaml'] as string).replace(
        /^aggregates:.*\n/m,
        (line) => `${line}  cold: {fn: count, event: receipt}\n`,
      ),
    );
    const cold = await runBeckon('publish', folder, '--to', node.url, '--cold');
    expect(cold.stdout).toContain('  profile.cold (new): begins empty: it was not to be filled from history\n');
    expect(await node.stop()).toBe(0);
    const wal = join(data, 'wal/0');
    const inspected = await runBeckon('inspect', join(wal, readdirSync(wal)[0] as string));
    expect(inspected.stdout).toMatch(/\bfill\b/);
  });
});
