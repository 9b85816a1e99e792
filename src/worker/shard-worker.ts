/**
 * The thread of one shard: recovers its partitions, then takes messages as they come. Between batches it moves snapshots and scans on, a bounded
 * step at a time. Any error that reaches the top ends the thread, and with it the process: nothing that was not answered is acknowledged.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { READ_WAIT_MS_MAX, SNAPSHOT_CONSIDER_MS } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { systemClock } from '../stdx/clock.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { SampleScan } from './audience-sample.ts';
import { AudienceScans, OpenRowsScan } from './audience-scans.ts';
import { openEmbeddedHost } from './embedded-host.ts';
import { openJetStreamHost } from './jetstream-host.ts';
import type { AppliedPosition, FromShard, ShardOptions, ShardQuery, ToShard } from './messages.ts';
import { answerQuery } from './queries.ts';
import type { HostParts } from './recovery.ts';
import { ShardMetrics } from './shard-metrics.ts';
import { Snapshotter } from './snapshotter.ts';

const port = parentPort;
assert(port, 'shard-worker runs as a worker thread');
const options = workerData as ShardOptions;

function post(message: FromShard, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

const parts: HostParts = {
  fs: nodeFileSystem,
  options,
  clock: systemClock,
  metrics: new ShardMetrics(options.metrics, (registration) => post({ type: 'series', registration })),
  log: (level, fields, message) => post({ type: 'log', level, fields, message }),
};
const host = await (options.nats === null
  ? openEmbeddedHost(parts, post)
  : openJetStreamHost(parts, options.nats, post));
const { shard } = host;
const snapshotter = new Snapshotter(parts, shard, (partition, position) =>
  post({ type: 'retained', partition, position }),
);
const scans = new AudienceScans();
let background: NodeJS.Immediate | null = null;
let resting: NodeJS.Timeout | null = null;
let pumping = false;

function take(message: ToShard): void {
  switch (message.type) {
    case 'submit':
      host.submit(message);
      return;
    case 'query':
      answerInTime(message.ticket, message.query, message.after);
      return;
    case 'start':
      host.start();
      return;
    case 'delivered':
      host.delivered(message.ticket);
      return;
    case 'settle':
      void host.settle().then(() => post({ type: 'settled' }));
      return;
    case 'stop':
      void stop();
      return;
  }
}

/** A read waits for what was acknowledged before it, but not for ever: JetStream may be out of reach. */
function answerInTime(ticket: number, query: ShardQuery, after: readonly AppliedPosition[]): void {
  let timer: NodeJS.Timeout | null = setTimeout(() => {
    timer = null;
    post({ type: 'late', ticket });
  }, READ_WAIT_MS_MAX);
  host.whenApplied(after, () => {
    if (timer === null) return;
    clearTimeout(timer);
    answer(ticket, query);
  });
}

function answer(ticket: number, query: ShardQuery): void {
  const send = (value: unknown): void => post({ type: 'answer', ticket, value });
  if (query.kind === 'audienceRest') {
    scans.start(new OpenRowsScan(shard, query, send));
  } else if (query.kind === 'audienceSample') {
    scans.start(new SampleScan(shard, query, send));
  } else if (query.kind === 'metrics') {
    exposeMetrics();
    send(null);
  } else {
    send(answerQuery(shard, query));
  }
  continueInBackground();
}

function stepBackground(): void {
  snapshotter.consider();
  snapshotter.step();
  scans.step();
}

/** Goes on while there is a scan to move on, or a snapshot that does not rest, and nothing arrives. */
function continueInBackground(): void {
  const restMs = scans.busy ? 0 : snapshotter.restMs;
  if (restMs === 0) background ??= setImmediate(goOn);
  else if (Number.isFinite(restMs)) resting ??= setTimeout(goOn, restMs);
}

function goOn(): void {
  if (background !== null) clearImmediate(background);
  if (resting !== null) clearTimeout(resting);
  background = null;
  resting = null;
  stepBackground();
  continueInBackground();
}

async function stop(): Promise<void> {
  clearInterval(refresh);
  await host.drain();
  snapshotter.finishAll();
  await host.close();
  post({ type: 'stopped' });
  port?.close();
}

host.onProgress = () => {
  snapshotter.noteWork();
  stepBackground();
  continueInBackground();
};

host.onGathered = () => {
  if (!pumping) pump();
};

/** Batch after batch; between them messages are taken, so that what is urgent among them does not wait for all that came before. */
function pump(): void {
  host.flush();
  host.onProgress();
  if (host.idle || pumping) return;
  pumping = true;
  setImmediate(() => {
    pumping = false;
    pump();
  });
}

port.on('message', (first: ToShard) => {
  let message: ToShard | undefined = first;
  while (message !== undefined) {
    take(message);
    message = receiveMessageOnPort(port)?.message as ToShard | undefined;
  }
  if (!pumping) pump();
});

function exposeMetrics(): void {
  shard.exposeMetrics((partition) => host.lag(partition));
}

// Metrics are brought up to date when they are asked for: summing the books of a thousand campaigns takes milliseconds, which nobody should wait for every second.
const refresh = setInterval(goOn, SNAPSHOT_CONSIDER_MS);

exposeMetrics();
post({ type: 'ready', partitions: [...shard.partitions.values()].map((partition) => partition.status()) });
