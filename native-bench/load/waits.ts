/**
 * How punctual waits are: on an idle node with 16 partitions and the wall clock, from when a wait was due until its decision is at a WebSocket subscriber. A
 * decision's `ts` is its due time. Beside it, in the process of the subscriber, a bare timer of the same length for each wait.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ratioSpread, spreadOf } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { Histogram } from './histogram.ts';
import { HttpConnections, postRequest } from './http-connections.ts';
import { writeWorkspace } from './kernel-workspace.ts';
import { type NodeProcess, startNode } from './node-process.ts';

const PARTITIONS = 16;
const WAIT_SECONDS = 1;
/** Between two waits: the node does nothing in between. */
const APART_MS = 23;
const LATE_MS_MAX = 30_000;

interface Sizes {
  readonly waits: number;
  readonly warmUps: number;
  readonly rounds: number;
}

const FULL: Sizes = { waits: 200, warmUps: 40, rounds: 5 };
const QUICK: Sizes = { waits: 20, warmUps: 2, rounds: 1 };

const WORKSPACE = {
  'workspace.yaml': 'name: waits\ntimezone: UTC\nchannels: [push]\n',
  'events.yaml': 'basket: {total: double}\nreceipt: {total: double}\n',
  'policy.yaml': 'consent: {push: none-needed}\n',
  'campaigns/basket.yaml': `id: basket\non: basket\nchannels: [push]\nwait: {for: ${WAIT_SECONDS}s, unless: [receipt]}\n`,
};

export const suite: Suite = {
  name: 'load-waits',
  about: 'a wait that is due on an idle node → its decision at the subscriber, against a bare timer',
  ratios: ['wait_p99_ms'],
  async run(bench) {
    const sizes = bench.quick ? QUICK : FULL;
    const workspace = writeWorkspace(join(bench.folder, 'workspace'), WORKSPACE);
    const data = join(bench.folder, 'data');
    const node = await startNode('--workspace', workspace, '--data', data, '--partitions', String(PARTITIONS));
    try {
      const waits = await Waits.open(node);
      await waits.round(sizes.warmUps);
      const rounds: Round[] = [];
      for (let round = 0; round < sizes.rounds; round++) {
        bench.progress(`round ${round + 1} of ${sizes.rounds}`);
        rounds.push(await waits.round(sizes.waits));
      }
      waits.close();
      report(bench, sizes, rounds);
    } finally {
      await node.stop();
    }
  },
};

interface Round {
  readonly decided: Histogram;
  readonly timers: Histogram;
}

class Waits {
  readonly #connections: HttpConnections;
  readonly #socket: WebSocket;
  #customers = 0;
  #decided: (ts: string) => void = () => {};

  private constructor(connections: HttpConnections, socket: WebSocket) {
    this.#connections = connections;
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#decided(/"ts":"([^"]+)"/.exec(data.toString('latin1'))?.[1] ?? '');
    });
  }

  static async open({ port, url }: NodeProcess): Promise<Waits> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/decisions`);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return new Waits(await HttpConnections.open(port, 1), socket);
  }

  async round(count: number): Promise<Round> {
    const decided = Histogram.empty();
    const timers = Histogram.empty();
    const nowMs = wallClock();
    let left = count;
    const all = new Promise<void>((resolve) => {
      this.#decided = (ts) => {
        decided.record((nowMs() - Date.parse(ts)) * 1000);
        left -= 1;
        if (left === 0) resolve();
      };
    });
    for (let i = 0; i < count; i++) {
      const dueMs = nowMs() + WAIT_SECONDS * 1000;
      setTimeout(() => timers.record((nowMs() - dueMs) * 1000), WAIT_SECONDS * 1000);
      await this.#begin();
      await sleep(APART_MS);
    }
    await Promise.race([all, sleep(LATE_MS_MAX, null, { ref: false })]);
    if (left > 0) throw new Error(`${left} of ${count} waits were not decided within ${LATE_MS_MAX} ms`);
    return { decided, timers };
  }

  /** Resolves when the event is durable. */
  async #begin(): Promise<void> {
    const event = { type: 'basket', customer: `c${this.#customers++}`, data: { total: 1 } };
    const body = Buffer.from(JSON.stringify(event));
    const status = await new Promise<number>((done) => {
      this.#connections.post(postRequest('/v1/events', 'application/json', body), done);
    });
    if (status !== 202) throw new Error(`an event was answered with ${status}`);
  }

  close(): void {
    this.#socket.terminate();
    this.#connections.close();
  }
}

/** The wall clock, finer than the milliseconds of Date.now(), for a few seconds. */
function wallClock(): () => number {
  const before = Date.now();
  let edge = before;
  while (edge === before) edge = Date.now();
  const offset = edge - performance.now();
  return () => offset + performance.now();
}

function report(bench: Bench, { waits }: Sizes, rounds: readonly Round[]): void {
  const detail = `${waits} waits of ${WAIT_SECONDS} s a round, one every ${APART_MS} ms or so, ${PARTITIONS} partitions, embedded log, nothing else to do`;
  const at = (side: keyof Round, quantile: number): number[] => rounds.map((round) => round[side].quantileMs(quantile));
  for (const [side, name] of [
    ['decided', 'due to decision at the subscriber'],
    ['timers', 'bare setTimeout of the same length'],
  ] as const) {
    for (const [label, quantile] of [
      ['p50', 0.5],
      ['p99', 0.99],
      ['max', 1],
    ] as const)
      bench.measurement({ name: `${name}, ${label}`, unit: 'ms', detail, ...spreadOf(at(side, quantile)) });
  }
  bench.ratio({
    key: 'wait_p99_ms',
    name: 'due to decision, p99, ms',
    detail: `not a ratio: milliseconds; ${detail}. The tick that lets a wait fire and the decision are durable before the subscriber hears of it`,
    ...spreadOf(at('decided', 0.99)),
  });
  bench.ratio({
    key: null,
    name: 'due to decision ÷ bare setTimeout, p99',
    detail,
    ...ratioSpread(at('decided', 0.99), at('timers', 0.99)),
  });
}
