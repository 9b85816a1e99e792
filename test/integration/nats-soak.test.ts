/**
 * Faults in the middle of a stream of events: the node and nats-server are killed, stopped and continued at random. Afterwards every event was applied once, the decision
 * streams are without gap or repeat, and the state is that of an uninterrupted run.
 *
 * `npm test` runs a short one; BECKON_SOAK=1 the whole: 200,000 events, twenty faults.
 */
import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { BeckonProducer } from '../../src/client/producer.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { DataPaths } from '../../src/storage/data-folder.ts';
import type { BeckonProcess } from '../support/beckon-process.ts';
import { natsOutcome } from '../support/nats-outcome.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { DEMO_WORKSPACE, type Outcome, PARTITIONS, RetailNodes } from '../support/retail-nodes.ts';

const SOAK = process.env['BECKON_SOAK'] === '1';
const EVENTS = SOAK ? 200_000 : 20_000;
const FAULTS = SOAK ? 20 : 5;
const CUSTOMERS = 1000;
const START_MS = Date.UTC(2010, 11, 1, 8);
/** Small, so that kills fall into snapshots, and right behind them. */
const FLAGS = ['--workspace', DEMO_WORKSPACE, '--snapshot-every', '200000'];

const nodes = new RetailNodes();
let server: NatsServer | null = null;
afterEach(async () => {
  await nodes.close();
  await server?.stop();
  server = null;
});

/** The same receipts for the same seed: about one second apart, so that caps, cooldowns and windows all take part. */
function receiptsOf(seed: number): { id: string; type: string; ts: string; customer: string; data: object }[] {
  const random = new Prng(seed);
  return Array.from({ length: EVENTS }, (_, i) => ({
    id: `r${i}`,
    type: 'receipt',
    ts: new Date(START_MS + i * 1000).toISOString(),
    customer: `c${random.below(CUSTOMERS)}`,
    data: {
      total: Math.round(random.float() * 80_000) / 100,
      store: 'web',
      items: [
        {
          sku: String(20_000 + random.below(500)),
          name: random.pick(['HEART', 'CANDLE', 'TEACUP', 'CAKE STAND', 'CHRISTMAS']),
          qty: 1 + random.below(9),
          price: 1.5,
        },
      ],
    },
  }));
}

/** Publishes everything, batch by batch, in the order of the file for every partition. */
async function publish(url: string, seed: number, sent: (count: number) => void): Promise<void> {
  const producer = await BeckonProducer.connect({ servers: url, batchEvents: 50, bufferBytes: 256 * 1024 });
  let count = 0;
  const failures: Error[] = [];
  for (const event of receiptsOf(seed)) {
    await producer.room();
    producer.send(event).catch((error: Error) => failures.push(error));
    sent(++count);
  }
  await producer.flush();
  await producer.close();
  expect(failures).toEqual([]);
}

async function uninterrupted(seed: number): Promise<Outcome> {
  server = await startNatsServer();
  const data = nodes.newDataFolder();
  const { url } = server;
  const start = (): Promise<BeckonProcess> => nodes.start(data, '--nats', url, ...FLAGS);
  const node = await start();
  await publish(url, seed, () => {});
  await settle(node, start);
  const outcome = await natsOutcome(server.url, data, PARTITIONS);
  await server.stop();
  server = null;
  return outcome;
}

/** A node listens once it has caught up with its streams: whatever was stored is applied then. Stops it, starts it again, and stops it for good. */
async function settle(node: BeckonProcess, start: () => Promise<BeckonProcess>): Promise<void> {
  expect(await node.stop()).toBe(0);
  const last = await start();
  const response = await fetch(`${last.url}/v1/audiences/count`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ where: 'profile.receipts > 0' }),
  });
  expect(await response.json()).toMatchObject({ count: CUSTOMERS });
  expect(await last.stop()).toBe(0);
}

describe('faults in the middle of a stream of events', () => {
  it(
    `ends as an uninterrupted run does, after ${FAULTS} faults in ${EVENTS} events`,
    async () => {
      const seed = Number(process.env['BECKON_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
      const random = new Prng(seed);
      const expected = await uninterrupted(seed);
      expect(expected.decisions.flat().length).toBeGreaterThan(EVENTS / 20);

      const nats = await startNatsServer();
      server = nats;
      const data = nodes.newDataFolder();
      const start = (): Promise<BeckonProcess> =>
        nodes.start(data, '--nats', nats.url, '--workers', String(1 + random.below(2)), ...FLAGS);
      let node = await start();
      let sent = 0;
      const publishing = publish(nats.url, seed, (count) => {
        sent = count;
      });
      let snapshotKills = 0;
      const faults: (() => Promise<void>)[] = [
        async () => {
          await node.kill();
          node = await start();
        },
        async () => {
          await nats.kill();
          await nats.restart();
        },
        async () => {
          process.kill(node.pid, 'SIGSTOP');
          await sleep(200 + random.below(800));
          process.kill(node.pid, 'SIGCONT');
        },
        async () => {
          await nats.freeze();
          await sleep(200 + random.below(800));
          nats.thaw();
        },
        // A kill between a snapshot and the acknowledgement of its last decisions: nothing is acknowledged any more, and a snapshot is under way.
        async () => {
          await nats.freeze();
          const deadline = performance.now() + 3000;
          while (!snapshotUnderWay(data) && performance.now() < deadline) await sleep(1);
          if (snapshotUnderWay(data)) snapshotKills += 1;
          await node.kill();
          nats.thaw();
          node = await start();
        },
      ];
      for (let i = 0; i < FAULTS; i++) {
        while (sent < ((i + 1) * EVENTS) / (FAULTS + 2)) await sleep(2);
        await (faults[i % faults.length] as () => Promise<void>)();
      }
      await publishing;
      await settle(node, start);
      const actual = await natsOutcome(nats.url, data, PARTITIONS);
      expect(actual.decisions, `seed ${seed}`).toEqual(expected.decisions);
      expect(actual.digests, `seed ${seed}`).toEqual(expected.digests);
      if (SOAK) expect(snapshotKills).toBeGreaterThan(0);
      process.stderr.write(
        `seed ${seed}: ${FAULTS} faults, ${snapshotKills} of them between a snapshot and its last decisions\n`,
      );
    },
    SOAK ? 900_000 : 300_000,
  );
});

function snapshotUnderWay(data: string): boolean {
  const paths = new DataPaths(data);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const folder = paths.partition(partition);
    if (existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.tmp'))) return true;
  }
  return false;
}
