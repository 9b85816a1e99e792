/** A task: kernel events over HTTP at a fixed rate, one event or a batch per request. */
import { encodeEvents, KernelEvents } from '../workload/kernel.ts';
import { Histogram } from './histogram.ts';
import { HttpConnections, postRequest } from './http-connections.ts';
import { dueUs, nowUs, openLoop } from './open-loop.ts';
import { runTask } from './task.ts';

export interface HttpLoad {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly customers: number;
  readonly seed: number;
  /** Events before these were sent by others: ids must not repeat. */
  readonly skip: number;
  readonly requests: number;
  readonly eventsPerRequest: number;
  readonly perSecond: number;
}

export interface HttpLoadResult {
  /** From when a request was due until its answer was read. */
  readonly latency: Float64Array;
  readonly lateness: Float64Array;
  /** Requests by status; 0: the connection broke. */
  readonly statuses: Readonly<Record<number, number>>;
  /** From the first request's due time to the last answer. */
  readonly seconds: number;
}

await runTask(async (load: HttpLoad) => {
  const requests = buildRequests(load);
  const connections = await HttpConnections.open(load.port, load.connections);
  return async ({ startUs }: { readonly startUs: number }): Promise<HttpLoadResult> => {
    const { perSecond } = load;
    const latency = Histogram.empty();
    const lateness = Histogram.empty();
    const statuses: Record<number, number> = {};
    let open = requests.length;
    await new Promise<void>((done) => {
      void openLoop({ startUs, perSecond, count: requests.length, lateness }, (i) => {
        connections.post(requests[i] as Buffer, (status) => {
          latency.record(nowUs() - dueUs(startUs, perSecond, i));
          statuses[status] = (statuses[status] ?? 0) + 1;
          open -= 1;
          if (open === 0) done();
        });
      });
    });
    connections.close();
    return { latency: latency.counts, lateness: lateness.counts, statuses, seconds: (nowUs() - startUs) / 1e6 };
  };
});

function buildRequests({ path, customers, seed, skip, requests, eventsPerRequest }: HttpLoad): Buffer[] {
  const events = new KernelEvents(customers, seed);
  for (let i = 0; i < skip; i++) events.next();
  const body = (): Uint8Array =>
    eventsPerRequest === 1
      ? encodeEvents([events.next()], 'json').slice(1, -1)
      : events.batch('json', eventsPerRequest);
  return Array.from({ length: requests }, () => postRequest(path, 'application/json', body()));
}
