/**
 * Budgets over the partitions of real nodes: units travel between them as messages, and whatever happens to the node meanwhile, exactly all are used. SIGKILL in the
 * middle, restarts with other numbers of workers, SIGTERM while messages are under way; embedded, and on NATS.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { partitionOf } from '../../src/stdx/hash.ts';
import { Prng } from '../../src/stdx/prng.ts';
import type { BeckonProcess } from '../support/beckon-process.ts';
import { expectExhausted, receipts, writeBudgetWorkspace } from '../support/budget-nodes.ts';
import { natsOutcome } from '../support/nats-outcome.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { type Outcome, outcomeOf, PARTITIONS, post, RetailNodes } from '../support/retail-nodes.ts';

const CUSTOMERS = 2000;
const SIZE = 50;
/** Small, so that kills also fall into snapshots and right behind them. */
const SNAPSHOTS = ['--snapshot-every', '5000'];
const seed = Number(process.env['BECKON_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const nodes = new RetailNodes();
let server: NatsServer | null = null;
afterEach(async () => {
  await nodes.close();
  await server?.stop();
  server = null;
});

interface Run {
  readonly data: string;
  readonly kills: number;
  readonly budget: number;
  readonly flags: readonly string[];
  readonly workers: () => number;
}

/** Sends everybody's receipt, with a node that is killed so many times on the way; leaves the last one running. */
async function sendAll({ data, kills, budget, flags, workers }: Run, random: Prng): Promise<BeckonProcess> {
  const workspace = writeBudgetWorkspace(nodes.newDataFolder(), budget);
  const start = (): Promise<BeckonProcess> =>
    nodes.start(data, '--workspace', workspace, '--workers', String(workers()), ...SNAPSHOTS, ...flags);
  let node = await start();
  let killed = 0;
  let killAt = SIZE * random.below(10);
  for (let first = 0; first < CUSTOMERS; first += SIZE) {
    if (first < killAt || killed === kills) {
      await post(node.url, receipts(first, SIZE));
      continue;
    }
    const answer = post(node.url, receipts(first, SIZE)).then(
      () => true,
      () => false,
    );
    const delayMs = random.float() * 6;
    const startMs = performance.now();
    while (performance.now() - startMs < delayMs) await new Promise((next) => setImmediate(next));
    // Every other time in order: what is under way then is not lost, and holds up no end.
    if (killed % 2 === 1) expect(await node.stop(), node.stderr()).toBe(0);
    else await node.kill();
    killed += 1;
    killAt = first + SIZE * (1 + random.below(4));
    // Not acknowledged: it is sent again, and ids make that harmless.
    if (!(await answer)) first -= SIZE;
    node = await start();
  }
  expect(killed, `seed ${seed}`).toBe(kills);
  return node;
}

/** The decisions that went out: one per unit, to different customers. */
function expectDistinct({ decisions }: Outcome, budget: number): void {
  const customers = decisions.flat().map((json) => (JSON.parse(json) as { customer: string }).customer);
  expect(customers).toHaveLength(budget);
  expect(new Set(customers).size).toBe(budget);
}

describe('a budget over the partitions of a node', () => {
  it('is used up to the last unit, and no further, whatever ends the node on the way', async () => {
    const random = new Prng(seed);
    const run = { data: nodes.newDataFolder(), kills: 8, budget: 1111, flags: [], workers: () => 1 + random.below(3) };
    const node = await sendAll(run, random);
    await expectExhausted(node.url, CUSTOMERS, run.budget, `seed ${seed}`);
    expect(await node.stop()).toBe(0);
    expectDistinct(await outcomeOf(run.data), run.budget);
  });

  it('likewise on NATS', async () => {
    const random = new Prng(seed + 1);
    server = await startNatsServer();
    const run = { data: nodes.newDataFolder(), kills: 4, budget: 777, flags: ['--nats', server.url], workers: () => 2 };
    const node = await sendAll(run, random);
    await expectExhausted(node.url, CUSTOMERS, run.budget, `seed ${seed}`);
    expect(await node.stop()).toBe(0);
    expectDistinct(await natsOutcome(server.url, run.data, PARTITIONS), run.budget);
  });

  it.each(['embedded', 'nats'])('is asked for before a till is answered: %s', async (log) => {
    if (log === 'nats') server = await startNatsServer();
    // No partition has a unit of its own: each is asked for.
    const workspace = writeBudgetWorkspace(nodes.newDataFolder(), PARTITIONS);
    const flags = server === null ? ['--workers', '3'] : ['--nats', server.url];
    const node = await nodes.start(nodes.newDataFolder(), '--workspace', workspace, ...flags);
    const seen = new Set<number>();
    for (let i = 0; i < 2 * PARTITIONS; i++) {
      const customer = `till-${i}`;
      const event = { id: `t${i}`, type: 'receipt', customer, data: { total: 1 } };
      const ask = async (): Promise<{ decisions: { customer: string; offer: string }[] }> => {
        const response = await fetch(`${node.url}/v1/decide`, { method: 'POST', body: JSON.stringify(event) });
        expect(response.status).toBe(200);
        return (await response.json()) as { decisions: { customer: string; offer: string }[] };
      };
      const answer = await ask();
      expect(answer, `customer ${i}`).not.toHaveProperty('waiting');
      expect(answer.decisions.map((made) => [made.customer, made.offer])).toEqual(
        i < PARTITIONS ? [[customer, 'coffee']] : [],
      );
      seen.add(partitionOf(customer, PARTITIONS));
    }
    expect(seen.size).toBeGreaterThan(3);
    await expectExhausted(node.url, 2 * PARTITIONS, PARTITIONS, log);
  });
});
