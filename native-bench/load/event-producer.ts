/** A task: kernel events over NATS at a fixed rate, through the producer library (batches) or one per message. */
import { connect } from 'nats';
import { BeckonProducer } from '../../src/client/producer.ts';
import { eventsSubject } from '../../src/log/jetstream/names.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { type KernelEvent, KernelEvents } from '../workload/kernel.ts';
import { Histogram } from './histogram.ts';
import { dueUs, nowUs, openLoop } from './open-loop.ts';
import { runTask } from './task.ts';

export interface ProducerLoad {
  readonly servers: string;
  readonly customers: number;
  readonly seed: number;
  readonly skip: number;
  readonly events: number;
  readonly perSecond: number;
  /** How long a batch waits for company; null: one event per message. */
  readonly lingerMs: number | null;
}

export interface ProducerResult {
  readonly lateness: Float64Array;
  /** From when an event was due until JetStream said that it was stored; of one event in STORED_EVERY. */
  readonly stored: Float64Array;
}

const STORED_EVERY = 20;

interface Sender {
  /** Resolves once it is stored. */
  send(event: KernelEvent): Promise<unknown>;
  close(): Promise<void>;
}

await runTask(async (load: ProducerLoad) => {
  const { customers, seed, skip, events, perSecond } = load;
  const source = new KernelEvents(customers, seed);
  for (let i = 0; i < skip; i++) source.next();
  const list = Array.from({ length: events }, () => source.next());
  const sender = load.lingerMs === null ? await oneByOne(load.servers) : await inBatches(load.servers, load.lingerMs);
  return async ({ startUs }: { readonly startUs: number }): Promise<ProducerResult> => {
    const lateness = Histogram.empty();
    const stored = Histogram.empty();
    let failed: unknown = null;
    const last: Promise<unknown>[] = [];
    await openLoop({ startUs, perSecond, count: events, lateness }, (i) => {
      const sent = sender.send(list[i] as KernelEvent);
      if (i % STORED_EVERY !== 0) {
        // Events of a batch share one outcome: that of the others tells.
        sent.catch(() => {});
        return;
      }
      const done = sent.then(
        () => stored.record(nowUs() - dueUs(startUs, perSecond, i)),
        (error: unknown) => {
          failed ??= error;
        },
      );
      if (i > events - 100 * STORED_EVERY) last.push(done);
    });
    await Promise.all(last);
    await sender.close();
    if (failed !== null) throw failed;
    return { lateness: lateness.counts, stored: stored.counts };
  };
});

async function inBatches(servers: string, lingerMs: number): Promise<Sender> {
  const producer = await BeckonProducer.connect({ servers, lingerMs });
  return { send: (event) => producer.send(event), close: () => producer.close() };
}

async function oneByOne(servers: string): Promise<Sender> {
  // Only to learn the number of partitions.
  const producer = await BeckonProducer.connect({ servers });
  const { partitions } = producer;
  await producer.close();
  const connection = await connect({ servers, noAsyncTraces: true });
  const stream = connection.jetstream();
  const encoder = new TextEncoder();
  return {
    send: (event) =>
      stream.publish(eventsSubject(partitionOf(event.customer, partitions)), encoder.encode(JSON.stringify(event))),
    close: () => connection.close(),
  };
}
