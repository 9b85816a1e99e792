/**
 * Which strips of the arena belong to columns (see arena.ts). First fit, lowest first: the same history of layouts
 * gives the same places everywhere. A strip given back keeps its old content; whoever needs zeros asks whether a
 * strip was used before.
 */
import { assert } from '../stdx/assert.ts';

/** A strip's states; 0: never used. */
const USED = 1;
/** Free, but not zero. */
const STALE = 2;

export class Strips {
  readonly #states: Uint8Array;

  constructor(states: number | Uint8Array) {
    this.#states = typeof states === 'number' ? new Uint8Array(states) : states.slice();
  }

  /** The first of `count` adjacent free strips, now used; -1 when there are none. */
  take(count: number): number {
    const states = this.#states;
    let run = 0;
    for (let strip = 0; strip < states.length; strip++) {
      run = states[strip] === USED ? 0 : run + 1;
      if (run === count) {
        const first = strip - count + 1;
        states.fill(USED, first, strip + 1);
        return first;
      }
    }
    return -1;
  }

  /** Takes the strips that a snapshot names. */
  takeAt(first: number, count: number): void {
    assert(first >= 0 && first + count <= this.#states.length, 'snapshot has more columns than the limits allow');
    for (let strip = first; strip < first + count; strip++) {
      assert(this.#states[strip] !== USED, 'two columns in one place');
      this.#states[strip] = USED;
    }
  }

  give(first: number, count: number): void {
    for (let strip = first; strip < first + count; strip++) {
      assert(this.#states[strip] === USED, 'Strips.give: not in use');
      this.#states[strip] = STALE;
    }
  }

  /** Whether the strip's content may be other than zero. */
  isStale(strip: number): boolean {
    return this.#states[strip] === STALE;
  }

  /** An independent copy, to try a layout on. */
  copy(): Strips {
    return new Strips(this.#states);
  }
}
