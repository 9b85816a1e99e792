/** From the event that a producer sends over NATS to the decision at a subscriber, against a bare program in Beckon's place. */
import { join } from 'node:path';
import { NatsServer } from '../../src/demo/nats-server.ts';
import { ratioSpread, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import type { WatchLoad, WatchResult, WatchWindow } from './decision-watch.ts';
import type { ProducerLoad, ProducerResult } from './event-producer.ts';
import { Histogram } from './histogram.ts';
import { writeKernelWorkspace } from './kernel-workspace.ts';
import { LogStreams } from './log-streams.ts';
import { cpuSeconds, type NodeProcess, startBareProgram, startNode } from './node-process.ts';
import { nowUs } from './open-loop.ts';
import { Task } from './task.ts';

const PARTITIONS = 16;
const RULES = 100;
const LINGER_MS = 1;
/** Between preparing a producer and its first event. */
const LEAD_US = 50_000;
/** How long after the last event its decision is waited for. */
const WAIT_MS = 1000;

interface Sizes {
  readonly customers: number;
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

const FULL: Sizes = { customers: 100_000, rounds: 3, warmUpSeconds: 2, seconds: 8 };
const QUICK: Sizes = { customers: 1000, rounds: 1, warmUpSeconds: 0.1, seconds: 0.5 };

interface Traffic {
  readonly name: string;
  readonly perSecond: number;
  readonly lingerMs: number | null;
  readonly isBar: boolean;
}

const TRAFFICS: readonly Traffic[] = [
  { name: '20,000 events/s in batches', perSecond: 20_000, lingerMs: LINGER_MS, isBar: true },
  { name: '3,000 events/s, one per message', perSecond: 3000, lingerMs: null, isBar: false },
];

export const suite: Suite = {
  name: 'load-latency',
  about: 'event published over NATS → decision at the subscriber, against a bare program that republishes 1 %',
  ratios: ['latency_vs_nats_p99'],
  async run(bench) {
    const stops: (() => Promise<void>)[] = [];
    try {
      const sizes = bench.quick ? QUICK : FULL;
      const sides = await startSides(bench, sizes, stops);
      let skip = 0;
      for (const traffic of bench.quick ? TRAFFICS.slice(0, 1) : TRAFFICS) {
        skip = await new Comparison(bench, sizes, sides, traffic).run(skip);
      }
    } finally {
      for (const stop of stops.reverse()) await stop();
    }
  },
};

/** A server of its own with the same streams for each: what one side does not read costs the other nothing, and idle it costs next to nothing. */
interface SideProcess {
  readonly name: string;
  readonly program: NodeProcess;
  readonly server: NatsServer;
  readonly watchers: readonly WatchLoad[];
}

async function startSides(bench: Bench, sizes: Sizes, stops: (() => Promise<void>)[]): Promise<SideProcess[]> {
  const workspace = writeKernelWorkspace(bench.folder, RULES);
  const servers: NatsServer[] = [];
  const nodes: NodeProcess[] = [];
  for (const name of ['beckon', 'bare']) {
    bench.progress(`streams and ${sizes.customers} profiles, ${name}`);
    const server = await NatsServer.start();
    stops.push(() => server.stop());
    const data = join(bench.folder, name);
    const flags = ['--workspace', workspace, '--data', data, '--clock', 'event', '--partitions', String(PARTITIONS)];
    const node = await startNode(...flags, '--nats', server.url);
    stops.push(() => node.stop());
    const streams = await LogStreams.open(server.url, PARTITIONS);
    await streams.fill(sizes.customers, 0, 50, 'json');
    await streams.close();
    servers.push(server);
    nodes.push(node);
  }
  const [server, bareServer] = servers as [NatsServer, NatsServer];
  const [node, madeStreams] = nodes as [NodeProcess, NodeProcess];
  await madeStreams.kill();
  const bare = await startBareProgram('bare-republisher', bareServer.url, String(PARTITIONS));
  stops.push(() => bare.kill());
  return [
    {
      name: 'Beckon',
      program: node,
      server,
      watchers: [
        { kind: 'websocket', url: node.url },
        { kind: 'nats', url: server.url },
      ],
    },
    { name: 'bare', program: bare, server: bareServer, watchers: [{ kind: 'nats', url: bareServer.url }] },
  ];
}

interface Line {
  readonly name: string;
  readonly rounds: Histogram[];
}

class Comparison {
  readonly #bench: Bench;
  readonly #sizes: Sizes;
  readonly #sides: readonly SideProcess[];
  readonly #traffic: Traffic;
  readonly #lines = new Map<string, Line>();
  readonly #stored = Histogram.empty();
  readonly #lateness = Histogram.empty();
  readonly #cpu = new Map<string, number[]>();
  #decisions = 0;
  #events = 0;

  constructor(bench: Bench, sizes: Sizes, sides: readonly SideProcess[], traffic: Traffic) {
    this.#bench = bench;
    this.#sizes = sizes;
    this.#sides = sides;
    this.#traffic = traffic;
  }

  /** `skip`: events sent before. Returns how many there are afterwards. */
  async run(skip: number): Promise<number> {
    const { rounds, warmUpSeconds, seconds } = this.#sizes;
    const events = Math.round((warmUpSeconds + seconds) * this.#traffic.perSecond);
    let sent = skip;
    for (let round = 0; round < rounds; round++) {
      for (const side of this.#sides) {
        this.#bench.progress(`${this.#traffic.name}, ${side.name}, round ${round + 1} of ${rounds}`);
        await this.#round(side, sent, events);
        sent += events;
      }
    }
    this.#report();
    return sent;
  }

  async #round(side: SideProcess, skip: number, events: number): Promise<void> {
    const { perSecond, lingerMs } = this.#traffic;
    const load: ProducerLoad = {
      servers: side.server.url,
      customers: this.#sizes.customers,
      seed: 4,
      skip,
      events,
      perSecond,
      lingerMs,
    };
    const producer = await Task.start<{ readonly startUs: number }, ProducerResult>('event-producer', load);
    const watchers = await Promise.all(
      side.watchers.map((watcher) => Task.start<WatchWindow, WatchResult>('decision-watch', watcher)),
    );
    try {
      const startUs = nowUs() + LEAD_US;
      const first = skip + Math.round(this.#sizes.warmUpSeconds * perSecond);
      const window = { startUs, perSecond, skip, first, last: skip + events - 1, waitMs: WAIT_MS };
      const cpuBefore = [cpuSeconds(side.program.pid), cpuSeconds(side.server.pid)];
      const [produced, ...watched] = await Promise.all([
        producer.go({ startUs }),
        ...watchers.map((watcher) => watcher.go(window)),
      ]);
      this.#countCpu(side.name, cpuSeconds(side.program.pid) - (cpuBefore[0] as number), events);
      this.#countCpu(`nats-server of ${side.name}`, cpuSeconds(side.server.pid) - (cpuBefore[1] as number), events);
      this.#stored.add(Histogram.from(produced.stored));
      this.#lateness.add(Histogram.from(produced.lateness));
      for (const [i, { latency, decisions }] of watched.entries()) {
        if (decisions === 0) throw new Error(`${side.name}: no decision came`);
        this.#line(
          `${side.name}, subscriber over ${side.watchers[i]?.kind === 'nats' ? 'NATS' : 'WebSocket'}`,
        ).rounds.push(Histogram.from(latency));
        if (side.name !== 'Beckon' || i > 0) continue;
        this.#decisions += decisions;
        this.#events += skip + events - first;
      }
    } finally {
      await Promise.all([producer, ...watchers].map((task) => task.end()));
    }
  }

  #line(name: string): Line {
    const line = this.#lines.get(name) ?? { name, rounds: [] };
    this.#lines.set(name, line);
    return line;
  }

  #countCpu(name: string, seconds: number, events: number): void {
    this.#cpu.set(name, [...(this.#cpu.get(name) ?? []), (seconds * 1e6) / events]);
  }

  #report(): void {
    const { name, isBar, lingerMs } = this.#traffic;
    const { seconds, customers } = this.#sizes;
    const how = lingerMs === null ? '' : ` of the producer library with ${lingerMs} ms linger`;
    const detail =
      `${name}${how}, ${seconds} s a round, JSON, ${PARTITIONS} partitions, ${RULES} rules, ${customers} customers, ` +
      `${((100 * this.#decisions) / this.#events).toFixed(2)} % decided; from when an event was due until its decision was received`;
    for (const { name: line, rounds } of this.#lines.values()) {
      for (const [label, quantile] of [
        ['p50', 0.5],
        ['p99', 0.99],
        ['p99.9', 0.999],
      ] as const) {
        const spread = spreadOf(rounds.map((round) => round.quantileMs(quantile)));
        this.#bench.measurement({ name: `${name}: ${line}, ${label}`, unit: 'ms', detail, ...spread });
      }
    }
    const p99 = (line: string): number[] => this.#line(line).rounds.map((round) => round.quantileMs(0.99));
    this.#bench.ratio({
      key: isBar ? 'latency_vs_nats_p99' : null,
      name: `${name}: p99, Beckon at the WebSocket ÷ bare program at NATS`,
      detail: `${detail}. The bare program finds one event in a hundred by its bytes and republishes it; its subscriber has it from NATS at once, Beckon's behind a gateway that reads the stored decisions back and sends them over WebSocket`,
      ...ratioSpread(p99('Beckon, subscriber over WebSocket'), p99('bare, subscriber over NATS')),
    });
    this.#bench.note(
      `${name}: the producer was late by ${this.#lateness.quantileMs(0.99).toFixed(2)} ms (p99); its events were stored after ${this.#stored.quantileMs(0.5).toFixed(2)} ms (p50), ${this.#stored.quantileMs(0.99).toFixed(2)} ms (p99). ` +
        `CPU per event: ${[...this.#cpu].map(([who, values]) => `${who} ${spreadOf(values).median.toFixed(1)} µs`).join(', ')}`,
    );
  }
}
