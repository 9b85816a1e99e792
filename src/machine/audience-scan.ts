/**
 * How many customers a predicate holds for, at log time. It goes through the rows in steps, so that the partition
 * applies records in between; a customer is seen as they are when the scan comes by.
 */
import type { Program } from '../rules/program.ts';
import { ScalarProgram } from '../rules/scalar-program.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { ActiveWorkspace } from './active-workspace.ts';

/** Where the scan's partition stands: its log time, and the version that is active now. */
export interface ScannedPartition {
  readonly logTime: number;
  readonly activeWorkspace: ActiveWorkspace | null;
}

/** Row 0 belongs to nobody. */
const ROW_FIRST = 1;

export class AudienceScan {
  /**
   * Customers seen so far, and those among them for whom the predicate held. One that ended in an error did not hold.
   */
  customers = 0;
  matched = 0;
  /**
   * A version was activated since the scan began: its program was not checked against that one. The scan has ended;
   * start it again with the program checked anew.
   */
  stale = false;
  readonly #partition: ScannedPartition;
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace | null;
  readonly #predicate: ScalarProgram | null;
  #row = ROW_FIRST;

  /**
   * `program` is a bool expression checked against the active version's schema, without `event`. Without a workspace
   * nobody is seen.
   */
  constructor(program: Program, partition: ScannedPartition, state: PartitionState) {
    const active = partition.activeWorkspace;
    this.#partition = partition;
    this.#state = state;
    this.#active = active;
    this.#predicate =
      active === null ? null : new ScalarProgram(program, active.workspace.schema, null, active.segments);
  }

  /** Looks at up to `rows` more customers; false when all have been seen. */
  step(rows: number): boolean {
    const predicate = this.#predicate;
    const active = this.#active;
    this.stale = this.#partition.activeWorkspace !== active;
    if (predicate === null || active === null || this.stale) return false;
    const { profile, segments } = active;
    const now = this.#partition.logTime;
    const customers = ROW_FIRST + this.#state.customers;
    const end = Math.min(this.#row + rows, customers);
    for (let row = this.#row; row < end; row++) {
      this.#state.gather(row, predicate.profileSlots, now, profile);
      segments.begin(profile, now);
      if (predicate.evaluate(null, profile, now) && predicate.number === 1) this.matched++;
    }
    this.customers += end - this.#row;
    this.#row = end;
    return end < customers;
  }
}
