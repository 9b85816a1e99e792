/** Segments of a workspace: named predicates over the profile, evaluated when read and remembered until the next `begin`. */
import type { ProfileFrame } from '../protocol/frame.ts';
import type { Schema } from '../protocol/schema.ts';
import { assert } from '../stdx/assert.ts';
import { type TestFunction, testFunction } from './generate-function.ts';
import { takeForError } from './guarded.ts';
import type { Program } from './program.ts';
import { liftConstants, vectorsOf } from './shapes.ts';

/** What generated code needs of a SegmentSet. */
export interface SegmentReader {
  evaluate(index: number): 0 | 1 | 2;
}

/** Reads as if there were no segments: for programs that name none. */
export const NO_SEGMENTS: SegmentReader = {
  evaluate: () => 2,
};

const RUNNING = 3;

export class SegmentSet implements SegmentReader {
  /** For each segment, all slots of the profile that evaluating it may read, those of the segments that it names included. */
  readonly profileSlots: readonly (readonly number[])[];
  readonly #tests: readonly TestFunction[];
  readonly #results: Uint8Array;
  /** By segment, the `begin` after which its result was found. */
  readonly #foundAt: Float64Array;
  #begun = 0;
  #profile: ProfileFrame | null = null;
  #nowMs = 0;

  /** Segments must not name each other in a circle (the workspace refuses that): it is a programmer's error here. */
  constructor(segments: readonly Program[], schema: Schema) {
    assert(segments.length === schema.segments.length, 'one program for each segment of the schema');
    this.#tests = segments.map((segment, i) => {
      const { shape, constants } = liftConstants(segment.ir, null);
      return testFunction(shape, vectorsOf(shape.kinds, [constants]), `segment ${i}`);
    });
    this.#results = new Uint8Array(segments.length);
    this.#foundAt = new Float64Array(segments.length).fill(-1);
    this.profileSlots = segments.map((_, i) => reach(segments, i));
  }

  /** Forgets what was evaluated. The frame must hold the slots that will be read and not change until the next call. */
  begin(profile: ProfileFrame, nowMs: number): void {
    this.#profile = profile;
    this.#nowMs = nowMs;
    this.#begun++;
  }

  /** 0 false, 1 true, 2 error. */
  evaluate(index: number): 0 | 1 | 2 {
    const known = this.#foundAt[index] === this.#begun ? (this.#results[index] as number) : null;
    if (known !== null && known < RUNNING) return known as 0 | 1 | 2;
    const test = this.#tests[index];
    assert(
      test !== undefined && this.#profile !== null && known !== RUNNING,
      'segment: begun, in range and not in a circle',
    );
    this.#foundAt[index] = this.#begun;
    this.#results[index] = RUNNING;
    let result: 0 | 1 | 2 = 2;
    try {
      result = test(this.#profile, this.#nowMs, this);
    } catch (thrown) {
      takeForError(thrown);
    }
    this.#results[index] = result;
    return result;
  }
}

function reach(segments: readonly Program[], from: number): number[] {
  const slots = new Set<number>();
  const seen = new Set<number>([from]);
  for (const index of seen) {
    const segment = segments[index];
    assert(segment !== undefined, 'segment of the schema');
    for (const slot of segment.profileSlots) slots.add(slot);
    for (const other of segment.segments) seen.add(other);
  }
  return [...slots].sort((a, b) => a - b);
}

/** All slots that programs may read, through segments too, ascending. */
export function reachedSlots(programs: readonly Program[], segments: SegmentSet | null): Int32Array {
  const slots = new Set<number>();
  for (const program of programs) {
    for (const slot of program.profileSlots) slots.add(slot);
    for (const segment of program.segments) {
      for (const slot of segments?.profileSlots[segment] ?? []) slots.add(slot);
    }
  }
  return Int32Array.from([...slots].sort((a, b) => a - b));
}
