/**
 * Audience counts on a shard: each walks the customers of its partitions a bounded number of rows at a time, between batches, so that no scan holds up
 * an event however many customers there are. A count is therefore of customers as each was when the scan came by.
 */
import { AUDIENCE_ROWS_PER_STEP } from '../constants.ts';
import type { AudienceScan } from '../machine/audience-scan.ts';
import type { Program } from '../rules/program.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { AudienceTally } from './messages.ts';

interface RunningScan {
  readonly where: Program;
  readonly answer: (tally: AudienceTally) => void;
  /** Partitions still to be walked; the last one is being walked. */
  readonly partitions: HostedPartition[];
  scan: AudienceScan | null;
  count: number;
  customers: number;
}

export class AudienceScans {
  readonly #running: RunningScan[] = [];

  get busy(): boolean {
    return this.#running.length > 0;
  }

  start(where: Program, partitions: Iterable<HostedPartition>, answer: (tally: AudienceTally) => void): void {
    this.#running.push({ where, answer, partitions: [...partitions], scan: null, count: 0, customers: 0 });
  }

  /** Moves the oldest scan on by AUDIENCE_ROWS_PER_STEP rows. */
  step(): void {
    const running = this.#running[0];
    if (running === undefined) return;
    const partition = running.partitions.at(-1);
    if (partition === undefined) {
      this.#running.shift();
      running.answer({ count: running.count, customers: running.customers });
      return;
    }
    running.scan ??= partition.machine.scanAudience(running.where);
    if (running.scan.step(AUDIENCE_ROWS_PER_STEP)) return;
    running.count += running.scan.matched;
    running.customers += running.scan.customers;
    running.scan = null;
    running.partitions.pop();
  }
}
