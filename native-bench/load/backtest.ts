/** `decide` while the node makes a backtest: what a till notices of it. Quiet rounds before and after each one tell what differs anyway. */
import { join } from 'node:path';
import { BACKTEST_POLL_MS } from '../../src/constants.ts';
import { readWorkspaceFolder } from '../../src/workspace/folder.ts';
import { ratioSpread, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { FIRST_TS, kernelRules, kernelWorkspace } from '../workload/kernel.ts';
import { Histogram } from './histogram.ts';
import type { HttpLoad } from './http-generator.ts';
import { generate } from './http-load.ts';
import { loadProfiles, writeWorkspace } from './kernel-workspace.ts';
import { type NodeProcess, startNode } from './node-process.ts';

const PER_SECOND = 2000;
const RULES = 100;
const CONNECTIONS = 64;
const HISTORY_PER_SECOND = 5000;
const HISTORY_EVENTS = 10;
/** Partitions are replayed one after the other until one asks another for units; from a time on at which the live version has limits, all are side by side. */
const TOGETHER_FROM = new Date(FIRST_TS + 10_000).toISOString();
/** As `beckon replay --node` does. */
const LOOK_MS = BACKTEST_POLL_MS;

interface Sizes {
  readonly customers: number;
  /** Requests before, of some events each: what there is to replay. A backtest begins once, and goes on for as long as history is. */
  readonly history: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly rounds: number;
}

const FULL: Sizes = { customers: 100_000, history: 50_000, warmUpSeconds: 8, seconds: 8, rounds: 5 };
const QUICK: Sizes = { customers: 1000, history: 200, warmUpSeconds: 0.2, seconds: 0.5, rounds: 1 };

interface Report {
  readonly events: number;
  readonly seconds: number;
  readonly decisions: { readonly before: number; readonly after: number; readonly kept: number };
}

export const suite: Suite = {
  name: 'load-backtest',
  about: `decide over HTTP at ${PER_SECOND}/s while the node replays its history by a workspace, against quiet rounds`,
  ratios: [],
  async run(bench) {
    const sizes = bench.quick ? QUICK : FULL;
    const workspace = writeWorkspace(join(bench.folder, 'limited'), limitedWorkspace());
    const node = await startNode('--workspace', workspace, '--data', join(bench.folder, 'data'), '--clock', 'event');
    try {
      bench.progress(`${sizes.customers} profiles`);
      await loadProfiles(node.port, sizes.customers);
      await measure(bench, sizes, node, readWorkspaceFolder(workspace));
    } finally {
      await node.stop();
    }
  },
};

async function measure(
  bench: Bench,
  sizes: Sizes,
  node: NodeProcess,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const quiet: Histogram[] = [];
  const quietAgain: Histogram[] = [];
  const beside: Histogram[] = [];
  const besideTogether: Histogram[] = [];
  const reports: Report[] = [];
  let skip = 0;
  const send = async (load: Pick<HttpLoad, 'path' | 'requests' | 'eventsPerRequest' | 'perSecond'>, ok: string) => {
    const { port } = node;
    const { customers } = sizes;
    const result = await generate({ port, customers, skip, seed: 4, connections: CONNECTIONS, ...load });
    skip += load.requests * load.eventsPerRequest;
    const statuses = Object.keys(result.statuses).join();
    if (statuses !== ok) throw new Error(`${load.path} was answered with ${JSON.stringify(result.statuses)}`);
    return Histogram.from(result.latency);
  };
  const decide = (seconds: number): Promise<Histogram> => {
    const requests = Math.round(PER_SECOND * seconds);
    return send({ path: '/v1/decide', requests, eventsPerRequest: 1, perSecond: PER_SECOND }, '200');
  };
  await send(
    {
      path: '/v1/events',
      requests: sizes.history,
      eventsPerRequest: HISTORY_EVENTS,
      perSecond: HISTORY_PER_SECOND,
    },
    '202',
  );
  await decide(sizes.warmUpSeconds);
  for (let round = 0; round < sizes.rounds; round++) {
    bench.progress(`round ${round + 1} of ${sizes.rounds}`);
    quiet.push(await decide(sizes.seconds));
    for (const [from, its] of [
      [null, beside],
      [TOGETHER_FROM, besideTogether],
    ] as const) {
      const backtests = new Backtests(node.port, { files, from });
      its.push(await decide(sizes.seconds));
      reports.push(...(await backtests.stop()));
    }
    quietAgain.push(await decide(sizes.seconds));
  }
  report(bench, sizes, { quiet, quietAgain, beside, besideTogether }, reports);
}

interface BacktestBody {
  readonly files: Readonly<Record<string, string>>;
  /** null: from the beginning. */
  readonly from: string | null;
}

/** Nobody ever comes near the limit. */
function limitedWorkspace(): Record<string, string> {
  const rules = kernelRules(RULES);
  const files = kernelWorkspace(rules);
  const name = `campaigns/${rules[0]?.id}.yaml`;
  return { ...files, [name]: `${files[name]}limits: {total: 1000000000}\n` };
}

/** One backtest after another, until it is stopped. */
class Backtests {
  readonly #url: string;
  readonly #running: Promise<Report[]>;
  #stopped = false;

  constructor(port: number, { files, from }: BacktestBody) {
    this.#url = `http://127.0.0.1:${port}/v1/backtests`;
    this.#running = this.#run(JSON.stringify({ files, from }));
  }

  /** The one that is running goes on to its end: its numbers count. */
  stop(): Promise<Report[]> {
    this.#stopped = true;
    return this.#running;
  }

  async #run(body: string): Promise<Report[]> {
    const reports: Report[] = [];
    while (!this.#stopped) {
      const started = await fetch(this.#url, { method: 'POST', body });
      if (started.status !== 202) throw new Error(`a backtest was answered with ${started.status}`);
      const { id } = (await started.json()) as { id: string };
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        const answer = await fetch(`${this.#url}/${id}`);
        const { status, report, error } = (await answer.json()) as { status: string; report: Report; error: string };
        if (status === 'running') continue;
        if (status !== 'done') throw new Error(`a backtest ended as ${status}: ${error}`);
        const { before, after, kept } = report.decisions;
        if (kept !== before || kept !== after)
          throw new Error(`the live workspace differs from itself: ${JSON.stringify(report.decisions)}`);
        reports.push(report);
        break;
      }
    }
    return reports;
  }
}

interface Sides {
  readonly quiet: readonly Histogram[];
  readonly quietAgain: readonly Histogram[];
  readonly beside: readonly Histogram[];
  readonly besideTogether: readonly Histogram[];
}

function report(bench: Bench, sizes: Sizes, sides: Sides, reports: readonly Report[]): void {
  const { quiet, quietAgain, beside, besideTogether } = sides;
  const detail =
    `${PER_SECOND}/s for ${sizes.seconds} s a round, one receipt a request, ${RULES} rules, ${sizes.customers} customers, ${CONNECTIONS} connections; ` +
    'from when a request was due until its answer was read';
  const p99 = (rounds: readonly Histogram[]): number[] => rounds.map((round) => round.quantileMs(0.99));
  for (const [name, rounds] of [
    ['quiet', quiet],
    ['beside a backtest', beside],
    ['beside one of all partitions at once', besideTogether],
    ['quiet again', quietAgain],
  ] as const) {
    for (const [label, quantile] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const) {
      const values = rounds.map((round) => round.quantileMs(quantile));
      bench.measurement({ name: `decide ${label}, ${name}`, unit: 'ms', detail, ...spreadOf(values) });
    }
  }
  bench.measurement({
    name: 'backtest, beside the load',
    unit: 'events/s',
    detail:
      'of the history before and beside it, in two worlds, at the lowest priority, on what the node and the generator leave',
    ...spreadOf(reports.map(({ events, seconds }) => events / seconds)),
  });
  bench.ratio({
    key: null,
    name: 'decide p99, beside a backtest ÷ quiet',
    detail,
    ...ratioSpread(p99(beside), p99(quiet)),
  });
  bench.ratio({
    key: null,
    name: 'decide p99, beside a backtest of all partitions at once ÷ quiet',
    detail,
    ...ratioSpread(p99(besideTogether), p99(quiet)),
  });
  bench.ratio({
    key: null,
    name: 'decide p99, quiet again ÷ quiet: the noise',
    detail,
    ...ratioSpread(p99(quietAgain), p99(quiet)),
  });
  bench.note(`${reports.length} backtests of the live workspace against itself: nothing differed.`);
}
