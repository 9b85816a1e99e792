/** One decision to a thousand subscribers over WebSocket, against a bare `ws` server that sends frames of the same length. */
import { join } from 'node:path';
import { ratioSpread, spreadOf } from '../measure.ts';
import { WsFanOut } from '../peers/ws-fan-out.ts';
import type { Bench, Suite } from '../suite.ts';
import { Histogram } from './histogram.ts';
import { HttpConnections, postRequest } from './http-connections.ts';
import { writeWorkspace } from './kernel-workspace.ts';
import { type NodeProcess, startNode } from './node-process.ts';
import { nowUs, openLoop } from './open-loop.ts';
import type { SubscribersLoad, SubscribersResult, SubscribersWindow } from './stream-subscribers.ts';
import { Task } from './task.ts';

const GENERATORS = 2;
const LEAD_US = 50_000;
/** Faster than anything can send: everything is due at once. */
const AT_ONCE_PER_SECOND = 1e9;
/** Events in one request, texts in one call, of a burst. */
const BURST_BATCH = 100;

interface Sizes {
  readonly subscribers: number;
  readonly rounds: number;
  readonly burst: number;
  readonly perSecond: number;
  readonly seconds: number;
}

const FULL: Sizes = { subscribers: 1000, rounds: 3, burst: 1000, perSecond: 50, seconds: 5 };
const QUICK: Sizes = { subscribers: 50, rounds: 1, burst: 100, perSecond: 50, seconds: 0.4 };

/** Every event decides, for everybody. */
const WORKSPACE = {
  'workspace.yaml': 'name: fan-out\ntimezone: UTC\nchannels: [push]\n',
  'events.yaml': 'receipt: {total: double}\n',
  'policy.yaml': 'consent: {push: none-needed}\n',
  'campaigns/everybody.yaml': 'id: everybody\non: receipt\nchannels: [push]\n',
};

export const suite: Suite = {
  name: 'load-fan-out',
  about: 'decisions to 1,000 WebSocket subscribers, against a bare `ws` server sending frames of the same length',
  ratios: [],
  async run(bench) {
    const sizes = bench.quick ? QUICK : FULL;
    const workspace = writeWorkspace(join(bench.folder, 'workspace'), WORKSPACE);
    const node = await startNode('--workspace', workspace, '--data', join(bench.folder, 'data'));
    const ws = await WsFanOut.start();
    try {
      await new FanOut(bench, sizes, node, ws).run();
    } finally {
      await node.stop();
      await ws.stop();
    }
  },
};

interface Round {
  readonly latency: Histogram;
  readonly deliveriesPerSecond: number;
  readonly bytesPerFrame: number;
}

class FanOut {
  readonly #bench: Bench;
  readonly #sizes: Sizes;
  readonly #node: NodeProcess;
  readonly #ws: WsFanOut;
  #sent = 0;
  /** Of Beckon's frames, as the subscribers count it. */
  #frameBytes = 0;

  constructor(bench: Bench, sizes: Sizes, node: NodeProcess, ws: WsFanOut) {
    this.#bench = bench;
    this.#sizes = sizes;
    this.#node = node;
    this.#ws = ws;
  }

  async run(): Promise<void> {
    const { rounds, burst, perSecond, seconds } = this.#sizes;
    const bursts: Record<'beckon' | 'ws', Round[]> = { beckon: [], ws: [] };
    const steady: Record<'beckon' | 'ws', Round[]> = { beckon: [], ws: [] };
    // The first teaches the compilers, and tells how long a frame is.
    await this.#beckon(BURST_BATCH, AT_ONCE_PER_SECOND);
    await this.#overWs(BURST_BATCH, AT_ONCE_PER_SECOND);
    for (let round = 0; round < rounds; round++) {
      this.#bench.progress(`fan-out, round ${round + 1} of ${rounds}`);
      bursts.beckon.push(await this.#beckon(burst, AT_ONCE_PER_SECOND));
      bursts.ws.push(await this.#overWs(burst, AT_ONCE_PER_SECOND));
      steady.beckon.push(await this.#beckon(Math.round(perSecond * seconds), perSecond));
      steady.ws.push(await this.#overWs(Math.round(perSecond * seconds), perSecond));
    }
    this.#report(bursts, steady);
  }

  /** Events over HTTP, decisions over WebSocket. */
  #beckon(count: number, perSecond: number): Promise<Round> {
    const load = { port: this.#node.port, path: '/v1/decisions' };
    return this.#round(load, count, perSecond, async (window) => {
      const connections = await HttpConnections.open(this.#node.port, 8);
      const answers: Promise<number>[] = [];
      const post = (first: number, events: number): void => {
        const body = Buffer.from(`[${range(first, events).map(eventOf).join(',')}]`);
        answers.push(
          new Promise((done) => connections.post(postRequest('/v1/events', 'application/json', body), done)),
        );
      };
      await send(window, perSecond, post);
      const refused = (await Promise.all(answers)).find((status) => status !== 202);
      connections.close();
      if (refused !== undefined) throw new Error(`events were answered with ${refused}`);
    });
  }

  #overWs(count: number, perSecond: number): Promise<Round> {
    const load = { port: Number(new URL(this.#ws.url).port), path: '/' };
    return this.#round(load, count, perSecond, async (window) => {
      await this.#ws.subscribed(this.#sizes.subscribers);
      await send(window, perSecond, (first, events) =>
        this.#ws.publish(range(first, events).map((event) => idOf(event).padEnd(this.#frameBytes, ' '))),
      );
    });
  }

  async #round(
    load: Omit<SubscribersLoad, 'count'>,
    count: number,
    perSecond: number,
    publish: (window: SubscribersWindow) => Promise<void>,
  ): Promise<Round> {
    const subscribers = this.#sizes.subscribers / GENERATORS;
    const tasks = await Promise.all(
      range(0, GENERATORS).map(() =>
        Task.start<SubscribersWindow, SubscribersResult>('stream-subscribers', { ...load, count: subscribers }),
      ),
    );
    try {
      const window = { startUs: nowUs() + LEAD_US, perSecond, skip: this.#sent, frames: count };
      this.#sent += count;
      const [, ...results] = await Promise.all([publish(window), ...tasks.map((task) => task.go(window))]);
      const latency = Histogram.empty();
      for (const result of results) latency.add(Histogram.from(result.latency));
      const frames = results.reduce((sum, result) => sum + result.frames, 0);
      const bytes = results.reduce((sum, result) => sum + result.bytes, 0);
      const finishedUs = Math.max(...results.map((result) => result.finishedUs));
      this.#frameBytes ||= Math.round(bytes / frames);
      return {
        latency,
        deliveriesPerSecond: (frames * 1e6) / (finishedUs - window.startUs),
        bytesPerFrame: bytes / frames,
      };
    } finally {
      await Promise.all(tasks.map((task) => task.end()));
    }
  }

  #report(bursts: Record<'beckon' | 'ws', Round[]>, steady: Record<'beckon' | 'ws', Round[]>): void {
    const { subscribers, burst, perSecond, seconds } = this.#sizes;
    const names = { beckon: 'Beckon', ws: 'bare ws server' } as const;
    const frame = `frames of ${Math.round((bursts.beckon[0] as Round).bytesPerFrame)} bytes, ${subscribers} subscribers in ${GENERATORS} threads`;
    for (const side of ['beckon', 'ws'] as const) {
      this.#bench.measurement({
        name: `fan-out, ${names[side]}: deliveries`,
        unit: 'frames/s',
        detail: `${burst} decisions at once, ${frame}; from the first event until the last subscriber has the last frame`,
        ...spreadOf(bursts[side].map((round) => round.deliveriesPerSecond)),
      });
      for (const [label, quantile] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ] as const) {
        this.#bench.measurement({
          name: `fan-out, ${names[side]}: ${label} at ${perSecond} decisions/s`,
          unit: 'ms',
          detail: `${seconds} s a round, ${frame}; from when an event was due until a subscriber had its frame`,
          ...spreadOf(steady[side].map((round) => round.latency.quantileMs(quantile))),
        });
      }
    }
    this.#bench.ratio({
      key: null,
      name: 'fan-out: deliveries/s, Beckon ÷ bare ws server',
      detail: `${frame}. Beckon takes events over HTTP, writes and syncs them, decides, and gives every subscriber frames with cursors of its own; the ws server is handed texts and makes one frame for all`,
      ...ratioSpread(
        bursts.beckon.map((round) => round.deliveriesPerSecond),
        bursts.ws.map((round) => round.deliveriesPerSecond),
      ),
    });
  }
}

/** Calls `publish` for `frames` events: a batch at a time if all are due at once, one by one at their times otherwise. */
async function send(
  { startUs, skip, frames }: SubscribersWindow,
  perSecond: number,
  publish: (first: number, events: number) => void,
): Promise<void> {
  const batch = perSecond === AT_ONCE_PER_SECOND ? BURST_BATCH : 1;
  const count = Math.ceil(frames / batch);
  await openLoop({ startUs, perSecond: perSecond / batch, count, lateness: Histogram.empty() }, (i) =>
    publish(skip + i * batch, Math.min(batch, frames - i * batch)),
  );
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

function idOf(event: number): string {
  return `receipt-${String(event).padStart(9, '0')}`;
}

function eventOf(event: number): string {
  return `{"id":"${idOf(event)}","type":"receipt","customer":"c${event % 5000}","data":{"total":1.5}}`;
}
