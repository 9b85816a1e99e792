/** A whole node on a real nats-server: the same decisions as embedded, tills on NATS and HTTP, bad events, lost disks, lost streams, two owners. */
import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection, StringCodec } from 'nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSample } from '../../src/demo/replay.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { DataPaths } from '../../src/storage/data-folder.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { SnapshotStore } from '../../src/storage/snapshot-store.ts';
import type { BeckonProcess } from '../support/beckon-process.ts';
import { natsOutcome } from '../support/nats-outcome.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { playDemo } from '../support/play-demo.ts';
import { DEMO_WORKSPACE, outcomeOf, PARTITIONS, post, RetailNodes, sampleBatches } from '../support/retail-nodes.ts';

const codec = StringCodec();
const nodes = new RetailNodes();
let server: NatsServer;
let connection: NatsConnection;

beforeEach(async () => {
  server = await startNatsServer();
  connection = await connect({ servers: server.url });
});
afterEach(async () => {
  await nodes.close();
  await connection.close();
  await server.stop();
});

function start(data: string, ...flags: string[]): Promise<BeckonProcess> {
  return nodes.start(data, '--workspace', DEMO_WORKSPACE, '--nats', server.url, ...flags);
}

function snapshotsOf(data: string, partition: number): readonly number[] {
  return new SnapshotStore(nodeFileSystem, new DataPaths(data).partition(partition), partition).positions();
}

async function getJson<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

/** Batches are acknowledged before they are applied, and a node that stops leaves the rest to the streams; who asks for counts waits for that. */
async function settled(node: BeckonProcess): Promise<void> {
  expect((await fetch(`${node.url}/v1/campaigns`)).status).toBe(200);
}

const RECEIPT = { id: 'r1', type: 'receipt', ts: '2010-12-10T12:00:00Z', data: { total: 600 } };

describe('a node on NATS', () => {
  it('decides as an embedded one does, by id and content, with feedback every evening', async () => {
    const sample = await readSample();
    const embedded = nodes.newDataFolder();
    const one = await nodes.start(embedded, '--workspace', DEMO_WORKSPACE);
    await playDemo(one.url, sample);
    expect(await one.stop()).toBe(0);

    const data = nodes.newDataFolder();
    const two = await start(data);
    await playDemo(two.url, sample);
    expect(await two.stop()).toBe(0);

    expect(await natsOutcome(server.url, data, PARTITIONS)).toEqual(await outcomeOf(embedded));
  });

  it('answers tills over HTTP and over NATS, and repeats with the original decisions', async () => {
    const node = await start(nodes.newDataFolder());
    const partition = partitionOf('r1', PARTITIONS);
    const first = await connection.request(`beckon.decide.${partition}`, JSON.stringify(RECEIPT), { timeout: 60_000 });
    const answer = JSON.parse(codec.decode(first.data)) as { event: string; decisions: { id: string }[] };
    expect(answer.event).toBe('r1');
    expect(answer.decisions.map(({ id }) => id)).toEqual([`${partition}-1`, `${partition}-2`]);

    const again = await fetch(`${node.url}/v1/decide`, { method: 'POST', body: JSON.stringify(RECEIPT) });
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual({ ...answer, repeated: true });

    const bad = await connection.request(`beckon.decide.${partition}`, '{"type":"receipt","id":7}', {
      timeout: 60_000,
    });
    expect(JSON.parse(codec.decode(bad.data))).toEqual({
      error: expect.stringContaining('id: expected string'),
      reason: 'field_type',
    });
    const refused = await fetch(`${node.url}/v1/decide`, { method: 'POST', body: '{"type":"nope"}' });
    expect(refused.status).toBe(422);
  });

  it('keeps what is wrong as dead letters, and goes on', async () => {
    const node = await start(nodes.newDataFolder());
    const partition = partitionOf('ann', PARTITIONS);
    connection.publish(
      `beckon.events.${partition}`,
      '[{"type":"receipt","customer":"ann","data":{"total":"much"}},{"type":"receipt","customer":"ann","ts":"2010-12-10T12:00:00Z","data":{"total":1}}]',
    );
    connection.publish(`beckon.events.${partition}.ann.receipt`, '{"ts":"2010-12-10T12:01:00Z","data":{"total":2}}');
    await expect
      .poll(() => getJson<{ aggregates?: { spend: number } }>(`${node.url}/v1/customers/ann`))
      .toMatchObject({ aggregates: { spend: 3 } });
    const manager = await connection.jetstreamManager();
    const letter = await manager.streams.getMessage('BECKON_DEADLETTERS', {
      last_by_subj: `beckon.deadletter.${partition}`,
    });
    expect(JSON.parse(codec.decode(letter.data))).toMatchObject({
      reason: 'field_type',
      error: expect.stringContaining('data.total: expected double, got string "much"'),
      raw: expect.stringContaining('"much"'),
    });
  });

  it('keeps a message between partitions that is none as a dead letter, and replays over it', async () => {
    const data = nodes.newDataFolder();
    const node = await start(data);
    const partition = partitionOf('r1', PARTITIONS);
    connection.publish(`beckon.control.${partition}.message`, 'hello');
    await post(node.url, JSON.stringify(RECEIPT));
    const before = await getJson(`${node.url}/v1/campaigns`);
    await node.kill();
    const again = await start(data);
    expect(await getJson(`${again.url}/v1/campaigns`)).toEqual(before);
    const manager = await connection.jetstreamManager();
    const subject = `beckon.deadletter.${partition}`;
    const letter = () => manager.streams.getMessage('BECKON_DEADLETTERS', { last_by_subj: subject });
    await expect
      .poll(async () => JSON.parse(codec.decode((await letter()).data)) as object)
      .toMatchObject({ reason: 'syntax', raw: 'hello' });
  });

  it('rebuilds itself from the streams when its disk is gone', async () => {
    const data = nodes.newDataFolder();
    const node = await start(data);
    for (const batch of sampleBatches(1000, 200)) await post(node.url, batch);
    const before = await getJson(`${node.url}/v1/campaigns`);
    await node.kill();
    rmSync(data, { recursive: true });
    const rebuilt = await start(data);
    expect(await getJson(`${rebuilt.url}/v1/campaigns`)).toEqual(before);
  });

  it('reads from the streams again what a power cut took from its write-ahead log', async () => {
    const batches = sampleBatches(2400, 200);
    const embedded = nodes.newDataFolder();
    const whole = await nodes.start(embedded, '--workspace', DEMO_WORKSPACE);
    for (const batch of batches) await post(whole.url, batch);
    expect(await whole.stop()).toBe(0);

    const data = nodes.newDataFolder();
    const node = await start(data, '--workers', '1');
    for (const batch of batches.slice(0, 8)) await post(node.url, batch);
    const before = await getJson(`${node.url}/v1/campaigns`);
    await node.kill();
    const folder = join(data, 'wal/0');
    const last = join(folder, readdirSync(folder).toSorted().at(-1) as string);
    truncateSync(last, Math.floor(statSync(last).size / 3));
    // What follows from these records is stored already: decisions must be the same again, and none twice.
    const again = await start(data, '--workers', '2');
    expect(await getJson(`${again.url}/v1/campaigns`)).toEqual(before);
    for (const batch of batches.slice(8)) await post(again.url, batch);
    await settled(again);
    expect(await again.stop()).toBe(0);
    expect(await natsOutcome(server.url, data, PARTITIONS)).toEqual(await outcomeOf(embedded));
  });

  it('halts a partition whose stream is not the one that it applied, says so, and goes on with the others', async () => {
    const data = nodes.newDataFolder();
    const node = await start(data);
    for (const batch of sampleBatches(1000, 200)) await post(node.url, batch);
    await settled(node);
    expect(await node.stop()).toBe(0);
    const manager = await connection.jetstreamManager();
    const { config } = await manager.streams.info('BECKON_LOG_3');
    await manager.streams.delete('BECKON_LOG_3');
    await manager.streams.add({ ...config, name: 'BECKON_LOG_3' });

    const again = await start(data, '--snapshot-every', '20000');
    const ready = await fetch(`${again.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toMatch(
      /partitions 3 have halted: partition 3 halts, BECKON_LOG_3: it ends at record 0/,
    );
    expect((await fetch(`${again.url}/healthz`)).status).toBe(200);
    const customer = Array.from({ length: 100 }, (_, i) => `c${i}`).find(
      (id) => partitionOf(id, PARTITIONS) === 4,
    ) as string;
    const event = { type: 'receipt', customer, ts: '2010-12-20T12:00:00Z', data: { total: 5 } };
    await post(again.url, JSON.stringify(event));
    expect(await getJson(`${again.url}/v1/customers/${customer}`)).toMatchObject({ aggregates: { spend: 5 } });
    // The halted partition holds up neither the others' snapshots nor a clean end.
    const before = snapshotsOf(data, 4);
    for (const batch of sampleBatches(2000, 200)) await post(again.url, batch);
    await expect.poll(() => snapshotsOf(data, 4).at(-1)).not.toBe(before.at(-1));
    expect(await again.stop()).toBe(0);
  });

  it('refuses the data of another log', async () => {
    const data = nodes.newDataFolder();
    expect(await (await start(data)).stop()).toBe(0);
    await expect(nodes.start(data)).rejects.toThrow(
      /the data belongs to another log \(nats .*\), not to this one \(embedded\)/,
    );
  });

  it('ends in time, with what is stored, when nats-server is gone', async () => {
    const data = nodes.newDataFolder();
    const node = await start(data);
    for (const batch of sampleBatches(1000, 200)) await post(node.url, batch);
    await server.kill();
    expect(await node.stop()).toBe(0);
    await server.restart();
    const again = await start(data);
    expect((await fetch(`${again.url}/readyz`)).status).toBe(200);
  });

  it('stores each decision once, in order, when two nodes own the same partitions by mistake', async () => {
    const [left, right] = [nodes.newDataFolder(), nodes.newDataFolder()];
    const flags = ['--duplicate-window', '2s'];
    const [a, b] = [await start(left, ...flags), await start(right, ...flags)];
    const batches = sampleBatches(3000, 150);
    for (const [i, batch] of batches.entries()) {
      await post((i % 2 === 0 ? a : b).url, batch);
      // Longer than the duplicate window all in all: message ids alone would not do.
      await new Promise((next) => setTimeout(next, 200));
    }
    // Whoever asks a node waits for what that one was sent: once more, which changes no count, but comes behind what the other was sent.
    for (const { url } of [a, b]) await post(url, batches.at(-1) as string);
    type Row = { decided: Record<string, number>; followUps: { decided: Record<string, number> } };
    const counts = await getJson<Row[]>(`${a.url}/v1/campaigns`);
    expect(await getJson(`${b.url}/v1/campaigns`)).toEqual(counts);
    expect(await a.stop()).toBe(0);
    expect(await b.stop()).toBe(0);
    const outcome = await natsOutcome(server.url, left, PARTITIONS);
    const made = counts
      .flatMap(({ decided, followUps }) => [...Object.values(decided), ...Object.values(followUps.decided)])
      .reduce((sum, count) => sum + count, 0);
    expect(outcome.decisions.flat()).toHaveLength(made);
    for (const [partition, decisions] of outcome.decisions.entries()) {
      expect(decisions.map((json) => (JSON.parse(json) as { id: string }).id)).toEqual(
        decisions.map((_, i) => `${partition}-${i + 1}`),
      );
    }
    expect((await natsOutcome(server.url, right, PARTITIONS)).digests).toEqual(outcome.digests);
  });

  it('shares versions between nodes', async () => {
    const [a, b] = [await start(nodes.newDataFolder()), await start(nodes.newDataFolder())];
    const active = await getJson<{ version: number; files: Record<string, string> }>(`${a.url}/v1/workspace`);
    const files = { ...active.files, 'workspace.yaml': `${active.files['workspace.yaml']}\n# changed\n` };
    const put = await fetch(`${a.url}/v1/workspace`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ files }),
    });
    expect(put.status).toBe(200);
    await expect.poll(async () => (await getJson<{ version: number }>(`${b.url}/v1/workspace`)).version).toBe(2);
  });
});
