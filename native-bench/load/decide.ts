/** `decide` over HTTP, open loop: what a till waits for. */
import { join } from 'node:path';
import { ratioSpread, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { Histogram } from './histogram.ts';
import type { HttpLoadResult } from './http-generator.ts';
import { generate } from './http-load.ts';
import { loadProfiles, writeKernelWorkspace } from './kernel-workspace.ts';
import { type NodeProcess, startBareProgram, startNode } from './node-process.ts';

const PER_SECOND = 2000;
const RULES = 100;
const CONNECTIONS = 64;

interface Sizes {
  readonly customers: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly rounds: number;
}

const FULL: Sizes = { customers: 100_000, warmUpSeconds: 4, seconds: 8, rounds: 3 };
const QUICK: Sizes = { customers: 1000, warmUpSeconds: 0.2, seconds: 0.5, rounds: 1 };

export const suite: Suite = {
  name: 'load-decide',
  about: `decide over HTTP at ${PER_SECOND}/s, open loop, against a program that only makes the request durable`,
  ratios: ['decide_p99_ms'],
  async run(bench) {
    const sizes = bench.quick ? QUICK : FULL;
    const workspace = writeKernelWorkspace(bench.folder, RULES);
    const data = join(bench.folder, 'data');
    const node = await startNode('--workspace', workspace, '--data', data, '--clock', 'event');
    const bare = await startBareProgram('bare-decide', join(bench.folder, 'bare.log'));
    try {
      bench.progress(`${sizes.customers} profiles`);
      await loadProfiles(node.port, sizes.customers);
      await measure(bench, sizes, node, bare);
    } finally {
      await node.stop();
      await bare.kill();
    }
  },
};

interface Side {
  readonly name: string;
  readonly program: NodeProcess;
  readonly rounds: Histogram[];
}

async function measure(bench: Bench, sizes: Sizes, node: NodeProcess, bare: NodeProcess): Promise<void> {
  const sides: Side[] = [
    { name: 'Beckon', program: node, rounds: [] },
    { name: 'bare: append, fdatasync, answer', program: bare, rounds: [] },
  ];
  const lateness = Histogram.empty();
  let skip = 0;
  const run = async (program: NodeProcess, seconds: number): Promise<HttpLoadResult> => {
    const requests = Math.round(PER_SECOND * seconds);
    const load = { port: program.port, customers: sizes.customers, skip, requests };
    skip += requests;
    return generate({
      ...load,
      path: '/v1/decide',
      seed: 4,
      connections: CONNECTIONS,
      eventsPerRequest: 1,
      perSecond: PER_SECOND,
    });
  };
  for (const { program } of sides) await run(program, sizes.warmUpSeconds);
  for (let round = 0; round < sizes.rounds; round++) {
    for (const { name, program, rounds } of sides) {
      bench.progress(`decide, ${name}, round ${round + 1} of ${sizes.rounds}`);
      const result = await run(program, sizes.seconds);
      expectOk(result);
      rounds.push(Histogram.from(result.latency));
      lateness.add(Histogram.from(result.lateness));
    }
  }
  report(bench, sizes, sides, lateness);
}

function report(bench: Bench, sizes: Sizes, sides: readonly Side[], lateness: Histogram): void {
  const detail =
    `${PER_SECOND}/s for ${sizes.seconds} s a round, one receipt of 200 bytes of JSON a request, ${RULES} rules, ${sizes.customers} customers, ` +
    `${CONNECTIONS} connections; from when a request was due until its answer was read`;
  for (const { name, rounds } of sides) {
    for (const [label, quantile] of [
      ['p50', 0.5],
      ['p99', 0.99],
      ['p99.9', 0.999],
    ] as const) {
      const values = rounds.map((round) => round.quantileMs(quantile));
      bench.measurement({ name: `decide ${label}, ${name}`, unit: 'ms', detail, ...spreadOf(values) });
    }
  }
  bench.measurement({
    name: 'the generator itself was late, p99',
    unit: 'ms',
    detail: 'how long after its time a request was written; part of every latency above',
    ...spreadOf([lateness.quantileMs(0.99)]),
  });
  const [beckon, bare] = sides as [Side, Side];
  bench.ratio({
    key: 'decide_p99_ms',
    name: 'decide p99, ms',
    detail: `not a ratio: milliseconds; ${detail}. Durable (one fdatasync per batch) before the answer`,
    ...spreadOf(beckon.rounds.map((round) => round.quantileMs(0.99))),
  });
  bench.ratio({
    key: null,
    name: 'decide p99, Beckon ÷ bare program',
    detail,
    ...ratioSpread(
      beckon.rounds.map((round) => round.quantileMs(0.99)),
      bare.rounds.map((round) => round.quantileMs(0.99)),
    ),
  });
  bench.note(
    'The bare program takes the same requests over the same HTTP library and answers after one fdatasync per turn of its event loop; it parses and decides nothing. ' +
      'What it takes is what this disk, this kernel and this generator cost.',
  );
}

function expectOk({ statuses }: HttpLoadResult): void {
  const other = Object.keys(statuses).find((status) => status !== '200');
  if (other !== undefined) throw new Error(`${statuses[Number(other)]} requests were answered with ${other}`);
}
