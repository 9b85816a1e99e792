/** What falls due on real nodes under the wall clock, in partitions in which nothing else happens: it is decided, once, whether the node ran, was killed, or was down meanwhile. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { WaitingList } from '../../src/protocol/waiting.ts';
import { type BeckonProcess, startBeckon, temporaryFolder } from '../support/beckon-process.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { post } from '../support/retail-nodes.ts';

const FILES = {
  'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [push]\n',
  'events.yaml': 'view: {sku: string}\nreceipt: {sku: string}\n',
  'policy.yaml': 'consent: {push: none-needed}\n',
  'campaigns/soon.yaml': 'id: soon\non: view\nwait: {for: 1s, unless: [receipt]}\nchannels: [push]\n',
  'campaigns/late.yaml': 'id: late\non: view\nwait: {for: 1h}\nchannels: [push]\n',
};

interface Made {
  readonly ts: string;
  readonly campaign: string;
}

const running: BeckonProcess[] = [];
const folders: { remove(): void }[] = [];
let server: NatsServer | null = null;
afterEach(async () => {
  for (const node of running.splice(0)) await node.kill();
  await server?.stop();
  server = null;
  for (const folder of folders.splice(0)) folder.remove();
});

async function begin(log: string): Promise<() => Promise<BeckonProcess>> {
  const folder = temporaryFolder();
  folders.push(folder);
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder.path, 'workspace', name)), { recursive: true });
    writeFileSync(join(folder.path, 'workspace', name), text);
  }
  if (log === 'nats') server = await startNatsServer();
  const flags = server === null ? ['--workers', '2'] : ['--nats', server.url];
  return async () => {
    const shape = ['--partitions', '4', '--data', join(folder.path, 'data')];
    const node = await startBeckon(...shape, '--workspace', join(folder.path, 'workspace'), ...flags);
    running.push(node);
    return node;
  };
}

const view = (customer: string): string =>
  JSON.stringify({ id: `v-${customer}`, type: 'view', customer, data: { sku: 'a' } });

async function customer(
  node: BeckonProcess,
  id: string,
): Promise<{ decisions: Made[]; waiting: { campaign: string; until: string }[] }> {
  return (await (await fetch(`${node.url}/v1/customers/${id}`)).json()) as Awaited<ReturnType<typeof customer>>;
}

async function waitingFor(node: BeckonProcess, campaign: string, query = ''): Promise<WaitingList> {
  return (await (await fetch(`${node.url}/v1/campaigns/${campaign}/waiting${query}`)).json()) as WaitingList;
}

/** Nothing else is sent meanwhile: only the clock lets it happen. */
async function decided(node: BeckonProcess, id: string): Promise<Made[]> {
  await expect.poll(async () => (await customer(node, id)).decisions).toHaveLength(1);
  return (await customer(node, id)).decisions;
}

describe.each(['embedded', 'nats'])('what falls due, %s', (log) => {
  it('happens in idle partitions, at its time, unless something came first', async () => {
    const node = await (await begin(log))();
    const customers = ['ann', 'ben', 'cem', 'dan', 'eva', 'fay'];
    const receipt = JSON.stringify({ type: 'receipt', customer: 'fay', data: { sku: 'a' } });
    // In one body: sent behind it, the receipt may come when fay's second is over.
    await post(node.url, [...customers.map(view), receipt].join('\n'));
    const due = new Map<string, string>();
    for (const id of customers) {
      const soon = (await customer(node, id)).waiting.find(({ campaign }) => campaign === 'soon');
      if (soon !== undefined) due.set(id, soon.until);
    }
    for (const id of customers.slice(0, 5)) {
      const [made] = await decided(node, id);
      expect(made?.campaign).toBe('soon');
      if (due.has(id)) expect(made?.ts).toBe(due.get(id));
    }
    expect((await customer(node, 'fay')).decisions).toEqual([]);
    const { total, customers: listed } = await waitingFor(node, 'late');
    expect(total).toBe(6);
    expect(listed.map((each) => each.customer).sort()).toEqual(customers);
    const times = listed.map(({ until }) => Date.parse(until as string));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(listed[0]).toMatchObject({ for: 'wait', event: { type: 'view' } });
    expect((await waitingFor(node, 'late', '?limit=2')).customers).toEqual(listed.slice(0, 2));
    expect(await waitingFor(node, 'soon')).toEqual({ total: 0, customers: [] });
    expect((await fetch(`${node.url}/v1/campaigns/never/waiting`)).status).toBe(404);
    const metrics = await (await fetch(`${node.url}/metrics`)).text();
    expect(metrics).toMatch(/^beckon_timer_lag_seconds_count 5$/m);
    expect(metrics).toMatch(/^beckon_waiting\{campaign="late"\} 6$/m);
  });

  it.each(['in time', 'late'])('happens after a crash, when the node is there again %s', async (when) => {
    const start = await begin(log);
    let node = await start();
    await post(node.url, view('ann'));
    await node.kill();
    if (when === 'late') await sleep(1500);
    node = await start();
    const [made] = await decided(node, 'ann');
    expect(await node.stop()).toBe(0);
    node = await start();
    expect((await customer(node, 'ann')).decisions, 'once').toEqual([made]);
    expect((await customer(node, 'ann')).waiting.map(({ campaign }) => campaign)).toEqual(['late']);
  });
});
