/** Comparisons that can be made on 32-bit values as they are stored: four rows to a vector. */
import { type KernelParameter, WIDE } from './kernel-scope.ts';
import { type Bits, type Comparison, MIRRORED } from './scan-bits.ts';
import { Simd } from './wasm-code.ts';

/** Any of the tests holds for the slot's value; or it equals the other slot's. Slot -1: the directories. */
export interface IntLanes {
  readonly slot: number;
  readonly tests: readonly IntTest[];
  readonly other: number | null;
}

type IntTest = readonly [op: number, operand: KernelParameter];

const INT_MAX = 2 ** 31 - 1;

/** null: it takes doubles. For int columns: of rows without a wide value. */
export function intLanesOf(bits: Bits, isInt: (slot: number) => boolean): IntLanes | null {
  switch (bits.op) {
    case 'noBlocks':
      return { slot: -1, tests: [[Simd.i32x4Eq, { from: 'int', value: 0 }]], other: null };
    case 'textAmong': {
      const tests = bits.texts.map((text): IntTest => [Simd.i32x4Eq, { from: 'text', text }]);
      return { slot: bits.slot, tests, other: null };
    }
    case 'sameText':
      return { slot: bits.slot, tests: [], other: bits.other };
    case 'numberAmong':
      if (bits.item.op !== 'slot' || !isInt(bits.item.slot)) return null;
      return { slot: bits.item.slot, tests: bits.values.map((value) => intTest('same', value)), other: null };
    case 'compare': {
      const { left, right, name } = bits;
      const [slot, number, comparison] =
        left.op === 'number' ? [right, left, MIRRORED[name]] : ([left, right, name] as const);
      if (slot.op !== 'slot' || number.op !== 'number' || !isInt(slot.slot) || Number.isNaN(number.value)) return null;
      return { slot: slot.slot, tests: [intTest(comparison, number.value)], other: null };
    }
    default:
      return null;
  }
}

/** For 32-bit values none of which is WIDE, and a number that may be any but NaN. */
function intTest(comparison: Comparison, number: number): IntTest {
  const clamped = (value: number): KernelParameter => ({
    from: 'int',
    value: Math.max(WIDE, Math.min(INT_MAX, value)) + 0,
  });
  switch (comparison) {
    case 'greater':
      return [Simd.i32x4GtS, clamped(Math.floor(number))];
    case 'greaterEqual':
      return [Simd.i32x4GtS, clamped(Math.ceil(number) - 1)];
    case 'less':
      return [Simd.i32x4LeS, clamped(Math.ceil(number) - 1)];
    case 'lessEqual':
      return [Simd.i32x4LeS, clamped(Math.floor(number))];
    default: {
      // What is no narrow integer equals none, and neither does WIDE.
      const operand = (number | 0) === number ? number + 0 : WIDE;
      return [comparison === 'same' ? Simd.i32x4Eq : Simd.i32x4Ne, { from: 'int', value: operand }];
    }
  }
}
