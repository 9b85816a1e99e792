/**
 * History, replayed, against the same events when they were live: a node takes them over HTTP, durable and decided before the answer, as fast as it can; then its data
 * folder is replayed, partition by partition, on one thread. Every decision is compared: a round in which one differs fails.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { History } from '../../src/replay/history.ts';
import { PartitionReplay } from '../../src/replay/partition-replay.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { collectGarbage, ratioSpread, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { customerId } from '../workload/kernel.ts';
import { generate } from './http-load.ts';
import { loadProfiles, writeKernelWorkspace } from './kernel-workspace.ts';
import { repositoryRoot, startNode } from './node-process.ts';

const PARTITIONS = 16;
const RULES = 100;
const EVENTS_PER_REQUEST = 1000;
const CONNECTIONS = 8;
/** Requests are due at once: what the connections bear is under way. */
const PER_SECOND = 1e6;

interface Sizes {
  readonly customers: number;
  readonly events: number;
  readonly rounds: number;
}

const FULL: Sizes = { customers: 100_000, events: 500_000, rounds: 5 };
const QUICK: Sizes = { customers: 1000, events: 5000, rounds: 1 };

export const suite: Suite = {
  name: 'load-replay',
  about: "a data folder's history replayed, against the same events when they were live",
  ratios: ['replay_vs_live'],
  async run(bench) {
    const sizes = bench.quick ? QUICK : FULL;
    const workspace = writeKernelWorkspace(bench.folder, RULES);
    const rounds: Round[] = [];
    for (let round = 0; round < sizes.rounds; round++) {
      bench.progress(`round ${round + 1} of ${sizes.rounds}`);
      rounds.push(await measure(join(bench.folder, `data-${round}`), workspace, sizes));
    }
    report(bench, sizes, rounds);
  },
};

/** Events per second. */
interface Round {
  readonly live: number;
  readonly replayed: number;
  /** `beckon replay` as a whole: its start, the customers' profiles, and the comparison of all decisions. */
  readonly command: number;
}

async function measure(data: string, workspace: string, sizes: Sizes): Promise<Round> {
  const { customers, events } = sizes;
  const flags = ['--workspace', workspace, '--data', data, '--clock', 'event', '--partitions', String(PARTITIONS)];
  const node = await startNode(...flags);
  let live: number;
  try {
    await loadProfiles(node.port, customers);
    const { seconds, statuses } = await generate({
      port: node.port,
      path: '/v1/events',
      connections: CONNECTIONS,
      customers,
      seed: 4,
      skip: 0,
      requests: events / EVENTS_PER_REQUEST,
      eventsPerRequest: EVENTS_PER_REQUEST,
      perSecond: PER_SECOND,
    });
    if (Object.keys(statuses).join() !== '202')
      throw new Error(`events were answered with ${JSON.stringify(statuses)}`);
    live = events / seconds;
  } finally {
    await node.stop();
  }
  collectGarbage();
  const replayed = events / replaySeconds(data, sizes);
  const startMs = performance.now();
  await promisify(execFile)(process.execPath, [join(repositoryRoot(), 'dist/main.js'), 'replay', '--data', data]);
  return { live, replayed, command: ((customers + events) * 1000) / (performance.now() - startMs) };
}

/** Without the profiles, which come first in every partition and are not measured live either. */
function replaySeconds(data: string, { customers, events }: Sizes): number {
  const profiles = new Array<number>(PARTITIONS).fill(0);
  for (let i = 0; i < customers; i++) {
    const partition = partitionOf(customerId(i), PARTITIONS);
    profiles[partition] = (profiles[partition] as number) + 1;
  }
  const history = History.open(nodeFileSystem, data);
  let ms = 0;
  let accepted = 0;
  for (const [partition, known] of profiles.entries()) {
    const replay = PartitionReplay.open(history, partition, null);
    while (replay.machine.totals.accepted < known && replay.step());
    const startMs = performance.now();
    replay.run();
    ms += performance.now() - startMs;
    accepted += replay.machine.totals.accepted;
    replay.close();
  }
  if (accepted !== customers + events) throw new Error(`${accepted} events were replayed`);
  return ms / 1000;
}

function report(bench: Bench, { customers, events }: Sizes, rounds: readonly Round[]): void {
  const sizes = `${events} events, ${customers} customers, ${RULES} rules, ${PARTITIONS} partitions, event clock`;
  const of = (side: keyof Round): number[] => rounds.map((round) => round[side]);
  bench.measurement({
    name: 'live',
    unit: 'events/s',
    detail: `${sizes}; bodies of ${EVENTS_PER_REQUEST}, JSON, ${CONNECTIONS} connections, fsynced and decided before the answer, one worker beside the main thread and the generator`,
    ...spreadOf(of('live')),
  });
  bench.measurement({
    name: 'replay',
    unit: 'events/s',
    detail: `${sizes}; one thread, from the log's files in the page cache`,
    ...spreadOf(of('replayed')),
  });
  bench.measurement({
    name: 'beckon replay, from its start to its end',
    unit: 'events/s',
    detail: `${sizes}; profiles included, every decision compared with the decision log`,
    ...spreadOf(of('command')),
  });
  bench.ratio({
    key: 'replay_vs_live',
    name: 'replay ÷ live',
    detail: `${sizes}. The replay has neither network nor fsync, and no other thread to cut bodies apart`,
    ...ratioSpread(of('replayed'), of('live')),
  });
}
