/** Beckon's side for memory: the partitions of one node in threads of this process, and where the process's resident bytes are. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { collectGarbage } from '../measure.ts';
import type { MixOrder, MixReport, MixThread } from './mix-worker.ts';

/** What `beckon serve` divides customers into unless told otherwise. */
export const MIX_PARTITIONS = 16;
const THREADS_MAX = 4;
/** The partitions' memories are the only mappings that reserve as much. */
const MEMORY_RESERVED_BYTES_MIN = 256 * 1024 * 1024;

export interface Resident {
  /** In the partitions' memories; null where Linux' /proc does not tell them apart. */
  readonly memories: number | null;
  readonly total: number;
}

export class BeckonMix {
  readonly threads: number;
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
    this.threads = workers.length;
  }

  static start(customers: number): BeckonMix {
    const threads = Math.min(THREADS_MAX, availableParallelism());
    const module = new URL(`./mix-worker${import.meta.url.slice(-3)}`, import.meta.url);
    const all = Array.from({ length: MIX_PARTITIONS }, (_, partition) => partition);
    const workers = Array.from({ length: threads }, (_, thread) => {
      const partitions = all.filter((partition) => partition % threads === thread);
      const data: MixThread = { customers, partitionsTotal: MIX_PARTITIONS, partitions };
      return new Worker(module, { workerData: data, name: 'mix' });
    });
    return new BeckonMix(workers);
  }

  /** All threads follow the order; what they report together. */
  async follow(order: MixOrder): Promise<MixReport> {
    const reports = await Promise.all(
      this.#workers.map(async (worker): Promise<MixReport> => {
        const answer = once(worker, 'message');
        worker.postMessage(order);
        const [report] = await answer;
        return report;
      }),
    );
    return {
      customers: reports.reduce((sum, report) => sum + report.customers, 0),
      events: reports.reduce((sum, report) => sum + report.events, 0),
      touchedBytes: reports.reduce((sum, report) => sum + report.touchedBytes, 0),
      customer: reports.find((report) => report.customer !== null)?.customer ?? null,
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** Of this process, its threads' garbage collected by themselves. */
export function residentNow(): Resident {
  collectGarbage();
  return { memories: residentInMemories(), total: process.memoryUsage.rss() };
}

function residentInMemories(): number | null {
  let smaps: string;
  try {
    smaps = readFileSync('/proc/self/smaps', 'latin1');
  } catch {
    return null;
  }
  let bytes = 0;
  for (const [, size, resident] of smaps.matchAll(/^Size: +(\d+) kB\n(?:.*\n)*?Rss: +(\d+) kB$/gm))
    if (Number(size) * 1024 >= MEMORY_RESERVED_BYTES_MIN) bytes += Number(resident) * 1024;
  assert(Number.isFinite(bytes), 'smaps has sizes');
  return bytes;
}
