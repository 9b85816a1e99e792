/** How many customers a predicate holds for, at log time. It goes through the rows in steps, so that the partition can apply records in between. */
import type { Program } from '../rules/program.ts';
import { ScalarProgram } from '../rules/scalar-program.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { ActiveWorkspace } from './active-workspace.ts';

/** What one step found. */
export interface AudienceStep {
  readonly count: number;
  /** Customers looked at. */
  readonly customers: number;
  /** Where to go on; -1 at the end. */
  readonly nextRow: number;
}

const ROW_FIRST = 1;

export class AudienceScan {
  readonly program: Program;
  readonly #active: ActiveWorkspace;
  readonly #predicate: ScalarProgram;

  /** `program` is a bool expression checked against the active version's schema, without `event`. */
  constructor(program: Program, active: ActiveWorkspace) {
    this.program = program;
    this.#active = active;
    this.#predicate = new ScalarProgram(program, active.workspace.schema, null, active.segments);
  }

  /** Looks at up to `rows` customers from `fromRow` on (0: from the beginning). An evaluation that ends in an error does not count. */
  step(state: PartitionState, now: number, fromRow: number, rows: number): AudienceStep {
    const { profile, segments } = this.#active;
    const predicate = this.#predicate;
    const start = Math.max(fromRow, ROW_FIRST);
    const end = Math.min(start + rows, ROW_FIRST + state.customers);
    let count = 0;
    for (let row = start; row < end; row++) {
      state.gather(row, predicate.profileSlots, now, profile);
      segments.begin(profile, now);
      if (predicate.evaluate(null, profile, now) && predicate.number === 1) count++;
    }
    return { count, customers: Math.max(0, end - start), nextRow: end >= ROW_FIRST + state.customers ? -1 : end };
  }
}
