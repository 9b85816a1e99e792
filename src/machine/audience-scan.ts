/**
 * For which of some customers a predicate holds, at log time: those of whom columns alone could not tell. It goes through them in steps on the partition's own
 * thread, so that the partition applies records in between; a customer is seen as they are when the scan comes by.
 */
import { createProfileFrame, type ProfileFrame } from '../protocol/frame.ts';
import type { Program } from '../rules/program.ts';
import { ScalarProgram } from '../rules/scalar-program.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { ActiveWorkspace } from './active-workspace.ts';

/** Where the scan's partition stands: its log time, and the version that is active now. */
export interface ScannedPartition {
  readonly logTime: number;
  readonly activeWorkspace: ActiveWorkspace | null;
}

/** Bitmaps over rows: bit row & 7 of byte row >>> 3. */
export interface AudienceRows {
  readonly undecided: Uint8Array;
  /** Gets the rows for whom it holds; null: only their number is wanted. */
  readonly matched: Uint8Array | null;
}

/** Bytes of a bitmap without a customer that cost as much to pass over as one customer to look at. */
const EMPTY_BYTES_PER_ROW = 256;

export class AudienceScan {
  /** Customers so far for whom the predicate held. One that ended in an error did not hold. */
  matched = 0;
  /**
   * A version was activated since the scan began: its program was not checked against that one. The scan has ended;
   * start it again with the program checked anew.
   */
  stale = false;
  readonly #partition: ScannedPartition;
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #predicate: ScalarProgram;
  readonly #frame: ProfileFrame;
  readonly #rows: AudienceRows;
  #byte = 0;

  /** `program` is a bool expression checked against `active`'s schema, without `event`. */
  constructor(
    program: Program,
    active: ActiveWorkspace,
    partition: ScannedPartition,
    state: PartitionState,
    rows: AudienceRows,
  ) {
    const { schema } = active.workspace;
    this.#partition = partition;
    this.#state = state;
    this.#active = active;
    this.#predicate = new ScalarProgram(program, active.segments);
    this.#frame = createProfileFrame(schema);
    this.#rows = rows;
  }

  /** Looks at about `rows` more customers; false when all have been seen. */
  step(rows: number): boolean {
    this.stale = this.#partition.activeWorkspace !== this.#active;
    if (this.stale) return false;
    const { undecided } = this.#rows;
    let budget = rows * EMPTY_BYTES_PER_ROW;
    for (; this.#byte < undecided.length && budget > 0; this.#byte++) {
      budget--;
      for (let bits = undecided[this.#byte] as number; bits !== 0; bits &= bits - 1) {
        this.#look(this.#byte, bits & -bits);
        budget -= EMPTY_BYTES_PER_ROW;
      }
    }
    return this.#byte < undecided.length;
  }

  #look(byte: number, bit: number): void {
    const { profileSlots } = this.#predicate;
    const { segments } = this.#active;
    const now = this.#partition.logTime;
    const row = byte * 8 + 31 - Math.clz32(bit);
    this.#state.gather(row, profileSlots, now, this.#frame);
    segments.begin(this.#frame, now);
    if (!this.#predicate.evaluate(null, this.#frame, now) || this.#predicate.number !== 1) return;
    this.matched++;
    const { matched } = this.#rows;
    if (matched !== null) matched[byte] = (matched[byte] as number) | bit;
  }
}
