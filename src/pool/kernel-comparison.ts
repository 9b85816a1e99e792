/**
 * Comparisons of a kernel: 64 rows to an i64, 16 at a time. Eight vectors of doubles or four of 32-bit values are compared, the lane masks narrowed to bytes, and
 * their sign bits taken.
 *
 * An int column holds WIDE where the value is in a second column (column.ts). 16 rows with no such value, nearly all, are compared as 32-bit integers or
 * converted without a look at that column, whose pages may never have been touched.
 */
import { SCAN_AHEAD_BYTES } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { type IntLanes, intLanesOf } from './int-lanes.ts';
import type { KernelParameter, KernelScope } from './kernel-scope.ts';
import type { Bits, Comparison, Num } from './scan-bits.ts';
import { Access, Op, Simd, ValueType, type WasmFunction } from './wasm-code.ts';

export type ComparingBits = Extract<Bits, { op: 'noBlocks' | 'textAmong' | 'sameText' | 'compare' | 'numberAmong' }>;

const COMPARE_DOUBLES: Readonly<Record<Comparison, number>> = {
  less: Simd.f64x2Lt,
  lessEqual: Simd.f64x2Le,
  greater: Simd.f64x2Gt,
  greaterEqual: Simd.f64x2Ge,
  same: Simd.f64x2Eq,
  differ: Simd.f64x2Ne,
};
const CALCULATE = {
  add: Simd.f64x2Add,
  subtract: Simd.f64x2Sub,
  multiply: Simd.f64x2Mul,
  divide: Simd.f64x2Div,
} as const;

/** Leaves an i64. */
export function emitComparison(scope: KernelScope, bits: ComparingBits): void {
  new ComparisonEmitter(scope, bits).emit();
}

class ComparisonEmitter {
  readonly #scope: KernelScope;
  readonly #code: WasmFunction;
  readonly #bits: ComparingBits;
  readonly #lanes: IntLanes | null;
  /** Slots of int columns that are read. */
  readonly #ints: readonly number[];
  /** Local variables with the addresses of the present word's values, by slot; -1: of the directories. */
  readonly #values = new Map<number, number>();
  readonly #wides = new Map<number, number>();
  /** Local variable for the vector that several constants are compared with. */
  readonly #held: number;

  constructor(scope: KernelScope, bits: ComparingBits) {
    this.#scope = scope;
    this.#code = scope.code;
    this.#bits = bits;
    this.#lanes = intLanesOf(bits, scope.isInt);
    this.#held = scope.take(ValueType.v128);
    const numbers = numberSlots(bits);
    this.#ints = numbers.filter(scope.isInt);
  }

  emit(): void {
    const code = this.#code;
    this.#setBases();
    for (let quarter = 0; quarter < 4; quarter++) {
      if (this.#ints.length === 0) this.#mask(quarter * 16, false);
      else {
        this.#anyWide(quarter * 16);
        code.if(ValueType.i32);
        this.#mask(quarter * 16, true);
        code.op(Op.else);
        this.#mask(quarter * 16, false);
        code.op(Op.end);
      }
      code.op(Op.i64ExtendI32U);
      if (quarter === 0) continue;
      code.i64(quarter * 16);
      code.op(Op.i64Shl, Op.i64Or);
    }
    for (const local of [...this.#values.values(), ...this.#wides.values()]) this.#scope.give(ValueType.i32, local);
    this.#scope.give(ValueType.v128, this.#held);
  }

  #setBases(): void {
    const { isInt } = this.#scope;
    const bits = this.#bits;
    if (bits.op === 'noBlocks') this.#values.set(-1, this.#base({ from: 'directories' }, 4));
    if (bits.op === 'textAmong') this.#values.set(bits.slot, this.#base({ from: 'values', slot: bits.slot }, 4));
    if (bits.op === 'sameText')
      for (const slot of [bits.slot, bits.other]) this.#values.set(slot, this.#base({ from: 'values', slot }, 4));
    for (const slot of numberSlots(bits)) {
      this.#values.set(slot, this.#base({ from: 'values', slot }, isInt(slot) ? 4 : 8));
      if (isInt(slot)) this.#wides.set(slot, this.#base({ from: 'wide', slot }, 8, false));
    }
  }

  #base(column: KernelParameter, rowBytes: number, reachesAhead = true): number {
    const local = this.#scope.take(ValueType.i32);
    this.#scope.parameter(column);
    this.#code.get(this.#scope.word);
    this.#code.i32(64 * rowBytes);
    this.#code.op(Op.i32Mul, Op.i32Add);
    this.#code.set(local);
    if (reachesAhead) this.#touchAhead(local, rowBytes);
    return local;
  }

  /**
   * Once per page reads a value of the next one, for nothing but to have the processor look up that page in time: its own read-ahead ends where a page does, and pages of a
   * WebAssembly memory are small ones. Counting 10 million rows took 15 to 30 % less.
   */
  #touchAhead(base: number, rowBytes: number): void {
    const code = this.#code;
    code.block();
    code.get(this.#scope.word);
    code.i32(SCAN_AHEAD_BYTES / (64 * rowBytes) - 1);
    code.op(Op.i32And);
    code.branchIf(0);
    code.get(base);
    code.access(Access.i64Load, SCAN_AHEAD_BYTES);
    code.get(this.#scope.sink);
    code.op(Op.i64Xor);
    code.set(this.#scope.sink);
    code.op(Op.end);
  }

  /** Leaves whether any of 16 rows has a wide int. */
  #anyWide(row: number): void {
    const code = this.#code;
    this.#ints.forEach((slot, i) => {
      for (let vector = 0; vector < 4; vector++) {
        this.#load(slot, (row + vector * 4) * 4);
        code.get(this.#scope.wide);
        code.simd(Simd.i32x4Eq);
        if (i > 0 || vector > 0) code.simd(Simd.or);
      }
    });
    code.simd(Simd.anyTrue);
  }

  /** Leaves an i32 with a bit for each of 16 rows. `wide`: some of their ints are wide. */
  #mask(row: number, wide: boolean): void {
    const code = this.#code;
    const lanes = wide ? null : this.#lanes;
    for (let half = 0; half < 2; half++) {
      const first = row + half * 8;
      if (lanes !== null) {
        this.#quad(lanes, first);
        this.#quad(lanes, first + 4);
      } else {
        for (const four of [first, first + 4]) {
          this.#pair(four, wide);
          this.#pair(four + 2, wide);
          // A lane of 64 bits, all of them 0 or 1, is a pair of such lanes of 32 bits.
          code.simd(Simd.i16x8NarrowI32x4S);
        }
      }
      code.simd(Simd.i16x8NarrowI32x4S);
    }
    code.simd(Simd.i8x16NarrowI16x8S);
    code.simd(Simd.i8x16Bitmask);
  }

  /** Leaves the mask of four rows, as lanes of 32 bits. */
  #quad({ slot, tests, other }: IntLanes, row: number): void {
    const code = this.#code;
    if (other !== null) {
      this.#load(slot, row * 4);
      this.#load(other, row * 4);
      code.simd(Simd.i32x4Eq);
    }
    if (tests.length === 0) return;
    this.#load(slot, row * 4);
    if (tests.length > 1) code.tee(this.#held);
    tests.forEach(([op, operand], i) => {
      if (i > 0) code.get(this.#held);
      code.get(this.#scope.splat(operand));
      code.simd(op);
      if (i > 0) code.simd(Simd.or);
    });
  }

  /** Leaves the mask of two rows, as lanes of 64 bits. */
  #pair(row: number, wide: boolean): void {
    const code = this.#code;
    const bits = this.#bits;
    if (bits.op === 'compare') {
      this.#number(bits.left, row, wide);
      this.#number(bits.right, row, wide);
      code.simd(COMPARE_DOUBLES[bits.name]);
      return;
    }
    assert(bits.op === 'numberAmong', 'only numbers are compared as doubles');
    this.#number(bits.item, row, wide);
    code.tee(this.#held);
    bits.values.forEach((value, i) => {
      if (i > 0) code.get(this.#held);
      code.get(this.#scope.splat({ from: 'double', value }));
      code.simd(Simd.f64x2Eq);
      if (i > 0) code.simd(Simd.or);
    });
  }

  /** Leaves the numbers of two rows. */
  #number(number: Num, row: number, wide: boolean): void {
    const code = this.#code;
    switch (number.op) {
      case 'number':
        code.get(this.#scope.splat({ from: 'double', value: number.value }));
        return;
      case 'now':
        code.get(this.#scope.splat({ from: 'now' }));
        return;
      case 'slot':
        if (this.#scope.isInt(number.slot)) this.#int(number.slot, row, wide);
        else this.#load(number.slot, row * 8);
        return;
      case 'negate':
      case 'abs':
        this.#number(number.of, row, wide);
        code.simd(number.op === 'abs' ? Simd.f64x2Abs : Simd.f64x2Neg);
        return;
      default:
        this.#number(number.left, row, wide);
        this.#number(number.right, row, wide);
        code.simd(CALCULATE[number.op]);
    }
  }

  #int(slot: number, row: number, wide: boolean): void {
    const code = this.#code;
    if (wide) {
      code.get(this.#wides.get(slot) as number);
      code.access(Access.v128Load, row * 8);
    }
    this.#loadTwoInts(slot, row);
    code.simd(Simd.f64x2ConvertLowI32x4S);
    if (!wide) return;
    this.#loadTwoInts(slot, row);
    code.get(this.#scope.wide);
    code.simd(Simd.i32x4Eq);
    code.simd(Simd.i64x2ExtendLowI32x4S);
    code.simd(Simd.bitselect);
  }

  #load(slot: number, offset: number): void {
    this.#code.get(this.#values.get(slot) as number);
    this.#code.access(Access.v128Load, offset);
  }
  #loadTwoInts(slot: number, row: number): void {
    this.#code.get(this.#values.get(slot) as number);
    this.#code.access(Access.v128Load64Zero, row * 4);
  }
}

/** Slots of numbers that a comparison reads. */
function numberSlots(bits: ComparingBits): number[] {
  const slots = new Set<number>();
  const visit = (number: Num): void => {
    if (number.op === 'slot') slots.add(number.slot);
    else if ('of' in number) visit(number.of);
    else if ('left' in number) {
      visit(number.left);
      visit(number.right);
    }
  };
  if (bits.op === 'numberAmong') visit(bits.item);
  if (bits.op === 'compare') {
    visit(bits.left);
    visit(bits.right);
  }
  return [...slots];
}
