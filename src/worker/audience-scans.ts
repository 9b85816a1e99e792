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
  /** The predicate was checked against this version's schema. */
  readonly workspaceVersion: number;
  /** null: the workspace changed while the scan ran. */
  readonly answer: (tally: AudienceTally | null) => void;
  /** Still to be walked; the last one is being walked by `current`. */
  readonly partitions: HostedPartition[];
  current: AudienceScan | null;
  count: number;
  customers: number;
}

export class AudienceScans {
  readonly #running: RunningScan[] = [];

  get busy(): boolean {
    return this.#running.length > 0;
  }

  start(
    where: Program,
    workspaceVersion: number,
    partitions: Iterable<HostedPartition>,
    answer: RunningScan['answer'],
  ): void {
    this.#running.push({
      where,
      workspaceVersion,
      answer,
      partitions: [...partitions],
      current: null,
      count: 0,
      customers: 0,
    });
  }

  /** Moves the oldest scan on by AUDIENCE_ROWS_PER_STEP rows. */
  step(): void {
    const scan = this.#running[0];
    if (scan === undefined) return;
    const partition = scan.partitions.at(-1);
    if (partition === undefined) {
      this.#running.shift();
      scan.answer({ count: scan.count, customers: scan.customers });
      return;
    }
    scan.current ??= partition.machine.scanAudience(scan.where);
    if (scan.current.step(AUDIENCE_ROWS_PER_STEP)) return;
    if (scan.current.stale || partition.machine.workspaceVersion !== scan.workspaceVersion) {
      this.#running.shift();
      scan.answer(null);
      return;
    }
    scan.count += scan.current.matched;
    scan.customers += scan.current.customers;
    scan.current = null;
    scan.partitions.pop();
  }
}
