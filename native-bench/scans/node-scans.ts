/**
 * `POST /v1/audiences/count` of a whole node: what a marketer waits for, by what the predicate reads; and what tills feel of it, `decide` with counts going on and
 * without, open loop, in turns.
 */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';

import { Histogram } from '../load/histogram.ts';
import { generate } from '../load/http-load.ts';
import { loadProfiles, writeKernelWorkspace } from '../load/kernel-workspace.ts';
import { type NodeProcess, startNode } from '../load/node-process.ts';
import { ratioSpread, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';

const PREDICATES = {
  columns: 'profile.tier in ["gold", "vip"] && profile.score > 0.5',
  window: 'profile.spend_30d > 100.0',
  text: 'profile.country.startsWith("country-1")',
} as const;
const PER_SECOND = 1000;

interface Sizes {
  readonly customers: number;
  readonly counts: number;
  readonly seconds: number;
  readonly rounds: number;
}
const FULL: Sizes = { customers: 200_000, counts: 25, seconds: 4, rounds: 3 };
const QUICK: Sizes = { customers: 1000, counts: 2, seconds: 0.3, rounds: 1 };

export const suite: Suite = {
  name: 'scans-node',
  about: 'audience counts of a whole node, and what they do to decide beside them',
  ratios: [],
  async run(bench) {
    const sizes = bench.quick ? QUICK : FULL;
    const workspace = writeKernelWorkspace(bench.folder, 100);
    const node = await startNode('--workspace', workspace, '--data', join(bench.folder, 'data'), '--clock', 'event');
    try {
      bench.progress(`${sizes.customers.toLocaleString('en')} profiles`);
      await loadProfiles(node.port, sizes.customers);
      await beside(bench, sizes, node);
      await alone(bench, sizes, node);
    } finally {
      await node.stop();
    }
  },
};

async function alone(bench: Bench, { counts, customers }: Sizes, node: NodeProcess): Promise<void> {
  for (const [name, where] of Object.entries(PREDICATES)) {
    bench.progress(`counting, ${name}`);
    const ms: number[] = [];
    for (let i = -2; i < counts; i++) {
      const begin = performance.now();
      await count(node, where);
      if (i >= 0) ms.push(performance.now() - begin);
    }
    bench.measurement({
      name: `POST /v1/audiences/count, ${name}`,
      unit: 'ms',
      ...spreadOf(ms),
      detail: `${where}; ${customers.toLocaleString('en')} customers, some with a window, in 16 partitions; HTTP included`,
    });
  }
}

/** `decide` by itself, and with one client that counts windows again and again. */
async function beside(bench: Bench, sizes: Sizes, node: NodeProcess): Promise<void> {
  let skip = 0;
  const decide = async (seconds: number): Promise<number> => {
    const requests = Math.round(PER_SECOND * seconds);
    const load = {
      port: node.port,
      path: '/v1/decide',
      connections: 32,
      customers: sizes.customers,
      seed: 7,
      skip,
      requests,
      eventsPerRequest: 1,
      perSecond: PER_SECOND,
    };
    skip += requests;
    const { latency, statuses } = await generate(load);
    assert.deepEqual(Object.keys(statuses), ['200']);
    return Histogram.from(latency).quantileMs(0.99);
  };
  const counting = async (seconds: number): Promise<number> => {
    let going = true;
    const counts = (async () => {
      while (going) for (const where of Object.values(PREDICATES)) await count(node, where);
    })();
    try {
      return await decide(seconds);
    } finally {
      going = false;
      await counts;
    }
  };
  bench.progress('warming up');
  await decide(sizes.seconds / 2);
  await counting(sizes.seconds / 2);
  const [without, during]: [number[], number[]] = [[], []];
  for (let round = 0; round < sizes.rounds; round++) {
    bench.progress(`decide with and without counts, round ${round + 1} of ${sizes.rounds}`);
    without.push(await decide(sizes.seconds));
    during.push(await counting(sizes.seconds));
  }
  const detail = `p99 of POST /v1/decide at ${PER_SECOND}/s, open loop`;
  bench.measurement({ name: 'decide without counts', unit: 'ms', ...spreadOf(without), detail });
  bench.measurement({ name: 'decide while counts go on, one after another', unit: 'ms', ...spreadOf(during), detail });
  bench.ratio({
    key: null,
    name: 'decide with counts against without',
    ...ratioSpread(during, without),
    detail: 'p99 ÷ p99; the generator and the thread that scans share the cores with the shards',
  });
}

async function count(node: NodeProcess, where: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${node.url}/v1/audiences/count`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ where }),
  });
  assert.equal(answer.status, 200, await answer.text());
}
