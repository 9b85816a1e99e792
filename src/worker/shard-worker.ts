/**
 * The thread of one shard: recovers its partitions, then takes messages as they come. Between batches it moves snapshots and scans on, a bounded
 * step at a time. Any error that reaches the top ends the thread, and with it the process: nothing that was not answered is acknowledged.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { METRICS_REFRESH_MS } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { systemClock } from '../stdx/clock.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { AudienceScans } from './audience-scans.ts';
import { EmbeddedDriver, openLocalEffects } from './embedded-driver.ts';
import type { LocalEffects } from './local-effects.ts';
import type { FromShard, ShardOptions, ShardQuery, ToShard } from './messages.ts';
import { answerQuery } from './queries.ts';
import { type OpenEffects, recoverShard } from './recovery.ts';
import { ShardMetrics } from './shard-metrics.ts';
import { Snapshotter } from './snapshotter.ts';

const port = parentPort;
assert(port, 'shard-worker runs as a worker thread');
const options = workerData as ShardOptions;

function post(message: FromShard, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

const log = (
  level: 'info' | 'warn' | 'error',
  fields: Readonly<Record<string, string | number>>,
  message: string,
): void => post({ type: 'log', level, fields, message });

const metrics = new ShardMetrics(options.metrics, (registration) => post({ type: 'series', registration }));
const sinks = new Map<number, LocalEffects>();
const openEffects: OpenEffects = (partition, machine) => {
  const sink = openLocalEffects(nodeFileSystem, options, partition, machine);
  sinks.set(partition, sink);
  return sink;
};
const shard = recoverShard(nodeFileSystem, options, openEffects, systemClock, metrics, log);
const driver = new EmbeddedDriver(shard, sinks, systemClock, post);
const snapshotter = new Snapshotter(options, shard, systemClock, metrics, log, (partition, position) =>
  post({ type: 'retained', partition, position }),
);
const scans = new AudienceScans();
let background: NodeJS.Immediate | null = null;

function take(message: ToShard): void {
  switch (message.type) {
    case 'submit':
      driver.take(message);
      return;
    case 'query':
      driver.run();
      answer(message.ticket, message.query);
      return;
    case 'stop':
      driver.run();
      stop();
      return;
  }
}

function answer(ticket: number, query: ShardQuery): void {
  const send = (value: unknown): void => post({ type: 'answer', ticket, value });
  if (query.kind === 'audience') scans.start(query.where, query.workspaceVersion, shard.partitions.values(), send);
  else send(answerQuery(shard, query));
}

function stepBackground(): void {
  snapshotter.consider();
  snapshotter.step();
  scans.step();
}

/** Goes on while there is a snapshot or a scan to move on and nothing arrives. */
function continueInBackground(): void {
  if (background !== null || !(snapshotter.busy || scans.busy)) return;
  background = setImmediate(() => {
    background = null;
    stepBackground();
    continueInBackground();
  });
}

function stop(): void {
  clearInterval(refresh);
  snapshotter.finishAll();
  shard.close();
  post({ type: 'stopped' });
  port?.close();
}

port.on('message', (first: ToShard) => {
  // Everything that has arrived goes into one batch, up to its bound; what is left comes with the next event.
  let message: ToShard | undefined = first;
  while (message !== undefined) {
    take(message);
    message = driver.idle ? undefined : (receiveMessageOnPort(port)?.message as ToShard | undefined);
  }
  driver.run();
  stepBackground();
  continueInBackground();
});

const refresh = setInterval(() => {
  shard.exposeMetrics();
  snapshotter.consider();
  continueInBackground();
}, METRICS_REFRESH_MS);

shard.exposeMetrics();
post({ type: 'ready', partitions: [...shard.partitions.values()].map((partition) => partition.status()) });
