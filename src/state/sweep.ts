/**
 * Reclaims what has expired, row after row, round and round: blocks of customers who do not come back would stay for
 * ever otherwise. A step comes every so many calls that change the state, and takes several rows together, because
 * each alone would wait for memory that is in no cache: at a million customers a row takes 60 ns this way, and a µs
 * alone.
 *
 * Memory stays bounded because what is left behind is at most what was made in the course of one round, which takes
 * eight calls for each row that has blocks; two as soon as half of the heap is in use.
 */
import { SWEEP_CALLS, SWEEP_CALLS_TIGHT, SWEEP_ROWS, SWEEP_ROWS_LOOKED_AT } from '../constants.ts';
import type { RowBlocks } from './row-blocks.ts';

/**
 * How far the reclaiming got: part of the state, because it decides when a full heap has room again.
 */
export interface SweepState {
  row: number;
  /** The latest log time that is known of. */
  logTime: number;
  /** Calls since the last step. */
  calls: number;
}

export class Sweep implements SweepState {
  row = 0;
  logTime = Number.MIN_SAFE_INTEGER;
  calls = 0;
  readonly #blocks: RowBlocks;
  readonly #rows = new Int32Array(SWEEP_ROWS);

  constructor(blocks: RowBlocks) {
    this.#blocks = blocks;
  }

  /** Counts a call: one for each event that feeds aggregates. True when a step is due. */
  count(): boolean {
    this.calls++;
    return this.calls >= SWEEP_CALLS_TIGHT && (this.calls >= SWEEP_CALLS || this.#blocks.heap.halfFull);
  }

  /** `rows`: in use, row 0 included. `beginChange` is called before a row is changed. */
  step(rows: number, beginChange: (row: number) => void): void {
    this.calls = 0;
    const blocks = this.#blocks;
    const found = this.#rows;
    const end = Math.min(rows, this.row + SWEEP_ROWS_LOOKED_AT);
    let count = 0;
    while (this.row < end && count < SWEEP_ROWS) {
      if (blocks.directories[this.row] !== 0) found[count++] = this.row;
      this.row++;
    }
    blocks.touch(found, count);
    for (let i = 0; i < count; i++) {
      beginChange(found[i] as number);
      blocks.sweep(found[i] as number, this.logTime);
    }
    if (this.row < rows) return;
    this.row = 0;
    blocks.endPass();
  }
}
