/**
 * Sets of rows (scan-bits.ts) → a WebAssembly function that goes through a chunk of rows, 64 at a time: one bit per row in an i64, so that logic is one
 * instruction per 64 rows. Parts of && and || that cost something are skipped for 64 rows that the parts before have decided.
 *
 * The function: (scratch, first word, words, parameters …) → how many rows are surely in. A word is 64 rows. It writes to scratch: the words of rows
 * that are surely in; the words of those that are possibly in but not surely (where the two sets differ); their number, an i32. What differs between
 * partitions, or from one predicate to the next of the same form, is a parameter, so that one module serves them all.
 */
import { SCAN_CHUNK_ROWS, SCAN_SCRATCH_BYTES } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { emitComparison } from './kernel-comparison.ts';
import { type KernelParameter, KernelScope } from './kernel-scope.ts';
import type { Bits, Num } from './scan-bits.ts';
import type { PredicateBits } from './scan-predicate.ts';
import { Access, Op, ValueType } from './wasm-code.ts';

export interface ScanKernel {
  readonly module: Uint8Array;
  readonly parameters: readonly KernelParameter[];
  /** Whether it writes words of rows that are not decided. */
  readonly leavesUndecided: boolean;
}

/** Offsets in the scratch memory. */
export const UNDECIDED_OFFSET = SCAN_CHUNK_ROWS / 8;
export const UNDECIDED_COUNT_OFFSET = (2 * SCAN_CHUNK_ROWS) / 8;
const SINK_OFFSET = UNDECIDED_COUNT_OFFSET + 8;
assert(SINK_OFFSET + 8 <= SCAN_SCRATCH_BYTES, 'the scratch memory holds what a kernel writes');

/** Parameters of the function itself. */
const SCRATCH = 0;
const FIRST = 1;
const WORDS = 2;
/** What costs less is not worth a look whether it may be skipped. */
const SKIPPABLE_COST = 4;

/** `isInt`: whether a slot of numbers is an int column. */
export function compileKernel(predicate: PredicateBits, isInt: (slot: number) => boolean): ScanKernel {
  // Parameters come before local variables, so they must be known before the code is written.
  const parameters = [...writeKernel(predicate, new KernelScope([], isInt)).used.values()];
  const { code } = writeKernel(predicate, new KernelScope(parameters, isInt));
  return { module: code.module('scan'), parameters, leavesUndecided: predicate.surely !== predicate.possibly };
}

function writeKernel({ surely, possibly }: PredicateBits, scope: KernelScope): KernelScope {
  const { code, word } = scope;
  const [done, count, undecidedCount, out] = [
    code.local(ValueType.i32),
    code.local(ValueType.i32),
    code.local(ValueType.i32),
    code.local(ValueType.i32),
  ];
  const [sure, undecided] = [code.local(ValueType.i64), code.local(ValueType.i64)];
  code.block();
  code.get(WORDS);
  code.op(Op.i32Eqz);
  code.branchIf(0);
  code.loop();
  code.get(FIRST);
  code.get(done);
  code.op(Op.i32Add);
  code.set(word);
  code.get(SCRATCH);
  code.get(done);
  code.i32(8);
  code.op(Op.i32Mul, Op.i32Add);
  code.set(out);
  rows(scope, surely);
  code.set(sure);
  store(scope, out, sure, 0, count);
  if (possibly !== surely) {
    rows(scope, possibly);
    code.get(sure);
    code.i64(-1);
    code.op(Op.i64Xor, Op.i64And);
    code.set(undecided);
    store(scope, out, undecided, UNDECIDED_OFFSET, undecidedCount);
  }
  code.get(done);
  code.i32(1);
  code.op(Op.i32Add);
  code.tee(done);
  code.get(WORDS);
  code.op(Op.i32LtU);
  code.branchIf(0);
  code.op(Op.end, Op.end);
  code.get(SCRATCH);
  code.get(undecidedCount);
  code.access(Access.i32Store, UNDECIDED_COUNT_OFFSET);
  code.get(SCRATCH);
  code.get(scope.sink);
  code.access(Access.i64Store, SINK_OFFSET);
  code.get(count);
  return scope;
}

/** Stores a word and counts its bits. */
function store({ code }: KernelScope, out: number, word: number, offset: number, count: number): void {
  code.get(out);
  code.get(word);
  code.access(Access.i64Store, offset);
  code.get(count);
  code.get(word);
  code.op(Op.i64Popcnt, Op.i32WrapI64, Op.i32Add);
  code.set(count);
}

/** Leaves the word of 64 rows. */
function rows(scope: KernelScope, bits: Bits): void {
  const { code } = scope;
  switch (bits.op) {
    case 'none':
      code.i64(0);
      return;
    case 'all':
      code.i64(-1);
      return;
    case 'presence':
      bitmap(scope, { from: 'presence', slot: bits.slot });
      return;
    case 'trueIn':
      bitmap(scope, { from: 'values', slot: bits.slot });
      return;
    case 'not':
      rows(scope, bits.of);
      code.i64(-1);
      code.op(Op.i64Xor);
      return;
    case 'and':
    case 'or':
      logic(scope, bits.op, bits.items);
      return;
    default:
      emitComparison(scope, bits);
  }
}

function bitmap(scope: KernelScope, column: KernelParameter): void {
  const { code } = scope;
  scope.parameter(column);
  code.get(scope.word);
  code.i32(8);
  code.op(Op.i32Mul, Op.i32Add);
  code.access(Access.i64Load, 0);
}

/** The cheap parts first. */
function logic(scope: KernelScope, op: 'and' | 'or', items: readonly Bits[]): void {
  const { code } = scope;
  const ordered = items.map((item) => ({ item, cost: costOf(item) })).sort((a, b) => a.cost - b.cost);
  const so = scope.take(ValueType.i64);
  code.block();
  ordered.forEach(({ item, cost }, i) => {
    if (i > 0 && cost >= SKIPPABLE_COST) {
      code.get(so);
      if (op === 'and') code.op(Op.i64Eqz);
      else {
        code.i64(-1);
        code.op(Op.i64Eq);
      }
      code.branchIf(0);
    }
    rows(scope, item);
    if (i > 0) {
      code.get(so);
      code.op(op === 'and' ? Op.i64And : Op.i64Or);
    }
    code.set(so);
  });
  code.op(Op.end);
  code.get(so);
  scope.give(ValueType.i64, so);
}

/** In vector instructions per 16 rows, roughly. */
function costOf(bits: Bits): number {
  switch (bits.op) {
    case 'not':
      return costOf(bits.of);
    case 'and':
    case 'or':
      return bits.items.reduce((sum, item) => sum + costOf(item), 0);
    case 'noBlocks':
    case 'sameText':
      return 12;
    case 'textAmong':
      return 4 + 8 * bits.texts.length;
    case 'numberAmong':
      return (8 + numberCost(bits.item)) * bits.values.length;
    case 'compare':
      return 16 + numberCost(bits.left) + numberCost(bits.right);
    default:
      return 1;
  }
}

function numberCost(number: Num): number {
  if ('of' in number) return 8 + numberCost(number.of);
  if ('left' in number) return 8 + numberCost(number.left) + numberCost(number.right);
  return number.op === 'slot' ? 8 : 0;
}
