/** A backlog in JetStream through a whole node, against consumers that read the same streams and do nothing. */
import { join } from 'node:path';
import { NatsServer } from '../../src/demo/nats-server.ts';
import { ratioSpread, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import type { EmptyConsumerLoad, EmptyConsumerResult } from './empty-consumer.ts';
import { writeKernelWorkspace } from './kernel-workspace.ts';
import { LogStreams } from './log-streams.ts';
import { cpuSeconds, startNode } from './node-process.ts';
import { nowUs } from './open-loop.ts';
import { Task } from './task.ts';

const PARTITIONS = 16;
const RULES = 100;
/** Consumers, and Beckon's workers: one per core. */
const THREADS = 2;

interface Backlog {
  readonly name: string;
  readonly customers: number;
  readonly events: number;
  readonly perMessage: number;
  readonly isBar: boolean;
}

const FULL: readonly Backlog[] = [
  { name: 'batches of 50', customers: 100_000, events: 1_900_000, perMessage: 50, isBar: true },
  { name: 'one per message', customers: 20_000, events: 280_000, perMessage: 1, isBar: false },
];
const QUICK: readonly Backlog[] = [
  { name: 'batches of 50', customers: 1000, events: 9000, perMessage: 50, isBar: true },
];

export const suite: Suite = {
  name: 'load-drain',
  about: 'a pre-published JetStream backlog through a whole node, against an empty consumer of the same streams',
  ratios: ['drain_vs_empty'],
  async run(bench) {
    const workspace = writeKernelWorkspace(bench.folder, RULES);
    for (const backlog of bench.quick ? QUICK : FULL) {
      const server = await NatsServer.start();
      try {
        await new Drain(bench, server, workspace, backlog).run(bench.quick ? 1 : 3);
      } finally {
        await server.stop();
      }
    }
  },
};

interface NodeRound {
  readonly caughtUpSeconds: number;
  /** Until the decisions were stored, too. */
  readonly storedSeconds: number;
  readonly decisions: number;
  readonly cpuSeconds: number;
  readonly serverCpuSeconds: number;
}

class Drain {
  readonly #bench: Bench;
  readonly #server: NatsServer;
  readonly #workspace: string;
  readonly #backlog: Backlog;
  #nodes = 0;

  constructor(bench: Bench, server: NatsServer, workspace: string, backlog: Backlog) {
    this.#bench = bench;
    this.#server = server;
    this.#workspace = workspace;
    this.#backlog = backlog;
  }

  async run(rounds: number): Promise<void> {
    const { name, customers, events, perMessage } = this.#backlog;
    const idleSeconds = await this.#idleSeconds(rounds);
    this.#bench.progress(`${name}: publishing ${customers + events} events`);
    const streams = await LogStreams.open(this.#server.url, PARTITIONS);
    try {
      const bytes = await streams.fill(customers, events, perMessage, 'messagepack');
      const empty: number[] = [];
      const node: NodeRound[] = [];
      for (let round = 0; round < rounds; round++) {
        this.#bench.progress(`${name}: draining, round ${round + 1} of ${rounds}`);
        empty.push(await this.#drainEmpty());
        node.push(await this.#drainNode(streams, idleSeconds));
        await streams.forgetDecisions();
      }
      this.#report(bytes, idleSeconds, empty, node);
    } finally {
      await streams.close();
    }
  }

  /** How long a start takes with nothing to read; the first, which makes the streams and publishes the workspace, does not count. In a quick run: 0. */
  async #idleSeconds(rounds: number): Promise<number> {
    const starts: number[] = [];
    const count = this.#bench.quick ? 1 : rounds + 1;
    for (let start = 0; start < count; start++) starts.push(await this.#start(async ({ startMs }) => startMs / 1000));
    return this.#bench.quick ? 0 : spreadOf(starts.slice(1)).median;
  }

  /** Events per second of consumers that do nothing. */
  async #drainEmpty(): Promise<number> {
    const tasks = await Promise.all(
      Array.from({ length: THREADS }, (_, thread) => {
        const partitions = Array.from({ length: PARTITIONS }, (_, p) => p).filter((p) => p % THREADS === thread);
        const load: EmptyConsumerLoad = { servers: this.#server.url, partitions };
        return Task.start<object, EmptyConsumerResult>('empty-consumer', load);
      }),
    );
    const startUs = nowUs();
    const results = await Promise.all(tasks.map((task) => task.go({})));
    await Promise.all(tasks.map((task) => task.end()));
    const finishedUs = Math.max(...results.map((result) => result.finishedUs));
    return (this.#events * 1e6) / (finishedUs - startUs);
  }

  #drainNode(streams: LogStreams, idleSeconds: number): Promise<NodeRound> {
    const serverBefore = cpuSeconds(this.#server.pid);
    const startedUs = nowUs();
    return this.#start(async (node) => {
      const cpu = cpuSeconds(node.pid);
      const serverCpu = cpuSeconds(this.#server.pid) - serverBefore;
      const decisions = await decisionsMade(node.url);
      await streams.until(async () => (await streams.decisions()) >= decisions, 'every decision is stored');
      const caughtUpSeconds = node.startMs / 1000 - idleSeconds;
      const storedSeconds = (nowUs() - startedUs) / 1e6 - idleSeconds;
      await node.kill();
      return {
        caughtUpSeconds,
        storedSeconds: Math.max(storedSeconds, caughtUpSeconds),
        decisions,
        cpuSeconds: cpu,
        serverCpuSeconds: serverCpu,
      };
    });
  }

  async #start<T>(use: (node: Awaited<ReturnType<typeof startNode>>) => Promise<T>): Promise<T> {
    this.#nodes += 1;
    const data = join(this.#bench.folder, `${this.#backlog.perMessage}-${this.#nodes}`);
    const flags = ['--workspace', this.#workspace, '--data', data, '--clock', 'event', '--nats', this.#server.url];
    const node = await startNode(...flags, '--partitions', String(PARTITIONS), '--workers', String(THREADS));
    try {
      return await use(node);
    } finally {
      await node.kill();
    }
  }

  get #events(): number {
    return this.#backlog.customers + this.#backlog.events;
  }

  #report(bytes: number, idleSeconds: number, empty: readonly number[], rounds: readonly NodeRound[]): void {
    const { name, isBar, customers } = this.#backlog;
    const events = this.#events;
    const rates = rounds.map((round) => events / round.caughtUpSeconds);
    const last = rounds.at(-1) as NodeRound;
    const sizes = `${events} events (${customers} of them profiles) of ${Math.round(bytes / events)} bytes of MessagePack, ${name}, ${PARTITIONS} partitions`;
    this.#bench.measurement({
      name: `drain, ${name}: empty consumer`,
      unit: 'events/s',
      detail: `${sizes}; push consumers, no acknowledgements, flow control, ${THREADS} threads, a connection per stream`,
      ...spreadOf(empty),
    });
    this.#bench.measurement({
      name: `drain, ${name}: Beckon`,
      unit: 'events/s',
      detail: `${sizes}; ${RULES} rules, ${THREADS} workers, from spawn until caught up, less an empty start (${idleSeconds.toFixed(2)} s)`,
      ...spreadOf(rates),
    });
    this.#bench.measurement({
      name: `drain, ${name}: Beckon until its decisions are stored`,
      unit: 'events/s',
      detail: `${last.decisions} decisions, each a JetStream message with an acknowledgement`,
      ...spreadOf(rounds.map((round) => events / round.storedSeconds)),
    });
    this.#bench.ratio({
      key: isBar ? 'drain_vs_empty' : null,
      name: `drain, ${name}: Beckon ÷ empty consumer`,
      detail: `${sizes}. Beckon also writes and syncs its own log, decides by ${RULES} rules and publishes decisions; the consumer looks at nothing`,
      ...ratioSpread(rates, empty),
    });
    this.#bench.note(
      `${name}: CPU per event, the node ${perEvent(last.cpuSeconds)} (its start included), nats-server meanwhile ${perEvent(last.serverCpuSeconds)}`,
    );
    function perEvent(seconds: number): string {
      return `${((seconds * 1e6) / events).toFixed(2)} µs`;
    }
  }
}

async function decisionsMade(url: string): Promise<number> {
  const response = await fetch(`${url}/v1/campaigns`);
  const campaigns = (await response.json()) as { readonly decided: Readonly<Record<string, number>> }[];
  return campaigns.reduce((sum, { decided }) => sum + Object.values(decided).reduce((a, b) => a + b, 0), 0);
}
