/** Where a node's limits lie: HTTP batches at rising rates until the knee, and what an event costs over partitions, customers and rules. */
import { join } from 'node:path';
import { spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { measureCosts } from './cost-sweep.ts';
import { Histogram } from './histogram.ts';
import type { HttpLoadResult } from './http-generator.ts';
import { generate } from './http-load.ts';
import { loadProfiles, writeKernelWorkspace } from './kernel-workspace.ts';
import { cpuSeconds, type NodeProcess, startNode } from './node-process.ts';

const RULES = 100;
const EVENTS_PER_REQUEST = 100;
const CONNECTIONS = 32;
/** The knee: p99 beyond so many times that of the lowest rate, or the events took so much longer than planned. */
const P99_FACTOR = 10;
const SECONDS_FACTOR = 1.1;
/** For the last answers, whatever the length of the run. */
const ANSWER_SECONDS = 0.2;

interface Sizes {
  readonly customers: number;
  readonly ratesPerSecond: readonly number[];
  readonly seconds: number;
  readonly partitions: readonly number[];
  /** For partitions: as fast as they are taken. */
  readonly events: number;
}

const FULL: Sizes = {
  customers: 100_000,
  ratesPerSecond: [10_000, 20_000, 40_000, 60_000, 80_000, 120_000, 160_000, 240_000, 320_000],
  seconds: 3,
  partitions: [1, 4, 16, 64],
  events: 200_000,
};
const QUICK: Sizes = { customers: 1000, ratesPerSecond: [5000, 10_000], seconds: 0.3, partitions: [2], events: 5000 };

export const suite: Suite = {
  name: 'load-sweep',
  about: 'HTTP event batches at rising rates until the knee; cost per event over partitions, customers and rules',
  ratios: [],
  async run(bench) {
    const sizes = bench.quick ? QUICK : FULL;
    const workspace = writeKernelWorkspace(bench.folder, RULES);
    await findKnee(bench, sizes, workspace);
    await measurePartitions(bench, sizes, workspace);
    measureCosts(bench);
  },
};

interface Step {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly kept: boolean;
}

async function findKnee(bench: Bench, sizes: Sizes, workspace: string): Promise<void> {
  const data = join(bench.folder, 'knee');
  const node = await startNode('--workspace', workspace, '--data', data, '--clock', 'event');
  const steps: Step[] = [];
  try {
    await loadProfiles(node.port, sizes.customers);
    let skip = 0;
    const run = async (perSecond: number): Promise<Step> => {
      const requests = Math.round((perSecond * sizes.seconds) / EVENTS_PER_REQUEST);
      const result = await post(node, sizes, skip, requests, perSecond / EVENTS_PER_REQUEST);
      skip += requests * EVENTS_PER_REQUEST;
      return stepOf(perSecond, sizes.seconds, result);
    };
    await run(sizes.ratesPerSecond[0] as number);
    for (const perSecond of sizes.ratesPerSecond) {
      bench.progress(`HTTP batches at ${perSecond} events/s`);
      const step = await run(perSecond);
      steps.push(step);
      if (!step.kept || step.p99Ms > P99_FACTOR * (steps[0] as Step).p99Ms) break;
    }
  } finally {
    await node.kill();
  }
  reportKnee(bench, sizes, steps);
}

function stepOf(perSecond: number, seconds: number, { latency, seconds: taken, statuses }: HttpLoadResult): Step {
  const histogram = Histogram.from(latency);
  const isRefused = Object.keys(statuses).some((status) => status !== '202');
  return {
    perSecond,
    p50Ms: histogram.quantileMs(0.5),
    p99Ms: histogram.quantileMs(0.99),
    kept: !isRefused && taken <= seconds * SECONDS_FACTOR + ANSWER_SECONDS,
  };
}

function reportKnee(bench: Bench, sizes: Sizes, steps: readonly Step[]): void {
  const detail = `bodies of ${EVENTS_PER_REQUEST} events, JSON, ${CONNECTIONS} connections, ${RULES} rules, ${sizes.customers} customers, ${sizes.seconds} s at each rate, fsynced and applied before the answer`;
  for (const { perSecond, p99Ms, kept } of steps) {
    const name = `HTTP batches, p99 at ${perSecond.toLocaleString('en')} events/s${kept ? '' : ' (not kept)'}`;
    bench.measurement({ name, unit: 'ms', detail, ...spreadOf([p99Ms]) });
  }
  const first = steps[0] as Step;
  const below = steps.filter(({ kept, p99Ms }) => kept && p99Ms <= P99_FACTOR * first.p99Ms).at(-1);
  if (below !== undefined) {
    const isAtEnd = below === steps.at(-1);
    bench.measurement({
      name: `HTTP batches: the knee lies ${isAtEnd ? 'beyond' : 'behind'}`,
      unit: 'events/s',
      detail: `the last rate that was kept with a p99 of at most ${P99_FACTOR} times that at ${first.perSecond} events/s; ${detail}`,
      ...spreadOf([below.perSecond]),
    });
  }
  for (const [name, of] of [
    ['p50', (step: Step) => step.p50Ms],
    ['p99', (step: Step) => step.p99Ms],
  ] as const) {
    bench.series({
      chart: 'HTTP event batches: latency over the rate',
      name,
      xLabel: 'events/s',
      yLabel: 'ms',
      logX: true,
      logY: true,
      points: steps.map((step) => ({ x: step.perSecond, y: of(step) })),
    });
  }
}

async function measurePartitions(bench: Bench, sizes: Sizes, workspace: string): Promise<void> {
  const points: { x: number; y: number }[] = [];
  for (const partitions of sizes.partitions) {
    bench.progress(`${partitions} partitions`);
    const data = join(bench.folder, `partitions-${partitions}`);
    const shape = ['--partitions', String(partitions), '--customers', String(Math.max(1024, sizes.customers))];
    const node = await startNode('--workspace', workspace, '--data', data, '--clock', 'event', ...shape);
    try {
      await loadProfiles(node.port, sizes.customers);
      const before = cpuSeconds(node.pid);
      // All requests are due at once: what the connections bear is under way.
      await post(node, sizes, 0, sizes.events / EVENTS_PER_REQUEST, 1e6);
      // Counted by /proc in hundredths of a second.
      const cpuUs = Math.max(0.01, cpuSeconds(node.pid) - before) * 1e6;
      points.push({ x: partitions, y: cpuUs / sizes.events });
      bench.measurement({
        name: `node, ${partitions} partitions`,
        unit: 'µs/event',
        detail: `CPU time of all threads of the node for ${sizes.events} events in bodies of ${EVENTS_PER_REQUEST}, as fast as ${CONNECTIONS} connections take them`,
        ...spreadOf([cpuUs / sizes.events]),
      });
    } finally {
      await node.kill();
    }
  }
  bench.series({
    chart: 'CPU time per event over partitions',
    name: 'a node, HTTP batches',
    xLabel: 'partitions',
    yLabel: 'µs per event',
    logX: true,
    logY: false,
    points,
  });
}

function post(
  node: NodeProcess,
  { customers }: Sizes,
  skip: number,
  requests: number,
  perSecond: number,
): Promise<HttpLoadResult> {
  const load = { port: node.port, path: '/v1/events', seed: 4, connections: CONNECTIONS };
  return generate({ ...load, customers, skip, requests, eventsPerRequest: EVENTS_PER_REQUEST, perSecond });
}
