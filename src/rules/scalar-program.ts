/** One program that gives a value: what an aggregate adds up, what a campaign ranks by, whether an event counts. */
import type { EventFrame, ProfileFrame } from '../protocol/frame.ts';
import { type ScalarFunction, scalarFunction } from './generate-function.ts';
import { takeForError } from './guarded.ts';
import { type Ir, repOf } from './ir.ts';
import type { Program } from './program.ts';
import { NO_SEGMENTS, reachedSlots, type SegmentSet } from './segment-set.ts';
import { liftConstants, vectorsOf } from './shapes.ts';

export class ScalarProgram {
  /** Result of the last evaluation: bool (0/1), int, double, timestamp (epoch ms, rounded down). */
  number = 0;
  /** Result of the last evaluation of a string. */
  text = '';
  /** Slots of the profile that must be gathered first. */
  readonly profileSlots: Int32Array;
  readonly #run: ScalarFunction;
  readonly #segments: SegmentSet | null;
  readonly #isText: boolean;

  constructor(program: Program, segments: SegmentSet | null) {
    const { shape, constants } = liftConstants(scalarIr(program), null);
    this.#isText = program.result === 'string';
    this.#run = scalarFunction(shape, vectorsOf(shape.kinds, [constants]), this.#isText ? 'text' : 'number');
    this.#segments = segments;
    this.profileSlots = reachedSlots([program], segments);
  }

  /** False: it ended in an error, or in an int beyond ±(2^53 − 1); number and text mean nothing then. */
  evaluate(event: EventFrame | null, profile: ProfileFrame, nowMs: number): boolean {
    try {
      if (!this.#run(event, profile, nowMs, this.#segments ?? NO_SEGMENTS, this)) return false;
    } catch (thrown) {
      takeForError(thrown);
      return false;
    }
    if (this.#isText) return typeof this.text === 'string';
    const number: unknown = this.number;
    if (typeof number === 'boolean') this.number = number ? 1 : 0;
    return typeof this.number === 'number';
  }
}

/** Timestamps in nanoseconds are rounded down to milliseconds. */
function scalarIr(program: Program): Ir {
  if (repOf(program.ir) !== 'ns') return program.ir;
  return { op: 'call', name: 'nsToMs', args: [program.ir], rep: 'ms' };
}
