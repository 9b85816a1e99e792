/**
 * A task that subscribes to decisions, over WebSocket as a channel gateway does, or to the decision streams' subjects over NATS, and records how long after their
 * events were due they came. What came for events before `first` (warming up) is only counted.
 */
import { connect } from 'nats';
import { WebSocket } from 'ws';
import { Histogram } from './histogram.ts';
import { dueUs, nowUs } from './open-loop.ts';
import { runTask } from './task.ts';

export interface WatchLoad {
  readonly kind: 'websocket' | 'nats';
  readonly url: string;
}

/** The events whose decisions count: numbers from `first` to `last`, the one numbered `skip` being due at `startUs`. */
export interface WatchWindow {
  readonly startUs: number;
  readonly perSecond: number;
  readonly skip: number;
  readonly first: number;
  readonly last: number;
  /** How long after the last event was due decisions are waited for. */
  readonly waitMs: number;
}

export interface WatchResult {
  readonly latency: Float64Array;
  readonly decisions: number;
}

const PREFIX = Buffer.from('receipt-');
const DIGITS = 9;

type Listener = (bytes: Buffer, at: number) => void;

await runTask(async ({ kind, url }: WatchLoad) => {
  let listener: Listener = () => {};
  const received = (bytes: Buffer): void => listener(bytes, nowUs());
  const close = kind === 'websocket' ? await overWebSocket(url, received) : await overNats(url, received);
  return async (window: WatchWindow): Promise<WatchResult> => {
    const latency = Histogram.empty();
    let decisions = 0;
    listener = (bytes, at) => {
      const event = eventNumber(bytes);
      if (event < window.first || event > window.last) return;
      decisions += 1;
      latency.record(at - dueUs(window.startUs, window.perSecond, event - window.skip));
    };
    const endUs = dueUs(window.startUs, window.perSecond, window.last - window.skip) + window.waitMs * 1000;
    await new Promise((resolve) => setTimeout(resolve, (endUs - nowUs()) / 1000));
    await close();
    return { latency: latency.counts, decisions };
  };
});

/** Of the event that a decision speaks of; its id is `receipt-` and nine digits. */
function eventNumber(bytes: Buffer): number {
  const at = bytes.indexOf(PREFIX) + PREFIX.length;
  return Number(bytes.toString('latin1', at, at + DIGITS));
}

async function overWebSocket(url: string, received: (bytes: Buffer) => void): Promise<() => Promise<void>> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/decisions`);
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('message', (data: Buffer) => received(data));
  return async () => socket.terminate();
}

async function overNats(servers: string, received: (bytes: Buffer) => void): Promise<() => Promise<void>> {
  const connection = await connect({ servers, noAsyncTraces: true });
  connection.subscribe('beckon.decisions.>', {
    callback: (_, { data }) => received(Buffer.from(data.buffer, data.byteOffset, data.length)),
  });
  await connection.flush();
  return () => connection.close();
}
