/**
 * One predicate over one partition's columns: binds the kernel to where they lie, runs it chunk by chunk, and looks after each chunk whether they still
 * lie there.
 */
import { SCAN_CHUNK_ROWS } from '../constants.ts';
import type { ScanProgram, ScanSource } from '../machine/scan-source.ts';
import type { ScanColumn } from '../state/column-view.ts';
import { assert } from '../stdx/assert.ts';
import type { KernelParameter } from './kernel-scope.ts';
import { compileKernel, type ScanKernel, UNDECIDED_COUNT_OFFSET, UNDECIDED_OFFSET } from './scan-kernel.ts';
import { predicateBits } from './scan-predicate.ts';

/** Bitmaps: bit row & 7 of byte row >>> 3, over rows 0 … customers; row 0 is in none. */
export interface PartitionScan {
  /** Customers for whom the predicate surely holds, and those of whom columns alone cannot tell. */
  readonly matched: number;
  readonly undecided: number;
  /** null: was not asked for. */
  readonly matchedRows: SharedArrayBuffer | null;
  /** null: there are none. */
  readonly undecidedRows: SharedArrayBuffer | null;
}

/** Rows of a word. */
const WORD = 64;
/** Kernels kept: those of predicates that are asked again and again. */
const KERNELS_MAX = 64;

interface Compiled {
  readonly kernel: ScanKernel;
  readonly module: WebAssembly.Module;
}

export class PartitionScanner {
  /** By predicate and kinds of columns, and by the kernels' bytes, which predicates that differ in constants share. */
  readonly #compiled = new Map<string, Compiled>();
  readonly #modules = new Map<string, WebAssembly.Module>();

  /** null: the columns moved meanwhile. `keepRows`: the rows are wanted, not only their number. */
  scan(program: ScanProgram, source: ScanSource, keepRows: boolean): PartitionScan | null {
    const { columns } = source;
    const { kernel, module } = this.#compile(program, columns);
    const { memory, scratch } = source.memory;
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const run = instance.exports['scan'];
    assert(run !== undefined, 'a kernel exports its function');
    const values = kernel.parameters.map((parameter) => parameterValue(parameter, columns, source));

    const words = Math.ceil((source.customers + 1) / WORD);
    const matchedRows = keepRows ? new SharedArrayBuffer(words * 8) : null;
    const undecidedRows = kernel.leavesUndecided ? new SharedArrayBuffer(words * 8) : null;
    const sure = new Uint8Array(memory.buffer, scratch, SCAN_CHUNK_ROWS / 8);
    const open = new Uint8Array(memory.buffer, scratch + UNDECIDED_OFFSET, SCAN_CHUNK_ROWS / 8);
    const openCount = new Int32Array(memory.buffer, scratch + UNDECIDED_COUNT_OFFSET, 1);
    let matched = 0;
    let undecided = 0;
    for (let first = 0; first < words; first += SCAN_CHUNK_ROWS / WORD) {
      const count = Math.min(SCAN_CHUNK_ROWS / WORD, words - first);
      matched += run(scratch, first, count, ...values);
      if (kernel.leavesUndecided) undecided += openCount[0] as number;
      // Rows that are nobody's were scanned with the others.
      matched -= clearStrangers(sure, first, count, source.customers);
      if (kernel.leavesUndecided) undecided -= clearStrangers(open, first, count, source.customers);
      keep(matchedRows, sure, first, count);
      keep(undecidedRows, open, first, count);
      if (!isCurrent(source)) return null;
    }
    return { matched, undecided, matchedRows, undecidedRows: undecided === 0 ? null : undecidedRows };
  }

  #compile(program: ScanProgram, columns: ReadonlyMap<number, ScanColumn>): Compiled {
    return remembered(this.#compiled, `${kindsOf(columns)} ${JSON.stringify(program)}`, () => {
      const isInt = (slot: number): boolean => columns.get(slot)?.kind === 'int';
      const kernel = compileKernel(predicateBits(program.predicate, columns, program.segments), isInt);
      const bytes = Buffer.from(kernel.module).toString('latin1');
      return { kernel, module: remembered(this.#modules, bytes, () => new WebAssembly.Module(kernel.module)) };
    });
  }
}

/** What the map has under the key, or what is made for it; the one that was not asked for longest makes way. */
function remembered<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= KERNELS_MAX) break;
    map.delete(oldest);
  }
  return value;
}

/** What a kernel depends on, besides places. */
function kindsOf(columns: ReadonlyMap<number, ScanColumn>): string {
  return JSON.stringify(
    Array.from(columns, ([slot, column]) => [slot, column.kind, 'empty' in column ? column.empty : null]),
  );
}

/** The workspace has not changed since the source was described. */
export function isCurrent({ layout, layoutVersion }: ScanSource): boolean {
  return Atomics.load(new Int32Array(layout), 0) === layoutVersion;
}

function parameterValue(
  parameter: KernelParameter,
  columns: ReadonlyMap<number, ScanColumn>,
  source: ScanSource,
): number {
  switch (parameter.from) {
    case 'directories':
      return source.memory.directories;
    case 'now':
      return source.now;
    case 'text':
      // A text that the partition's dictionary does not hold is no row's.
      return source.codes.get(parameter.text) ?? -1;
    case 'int':
    case 'double':
      return parameter.value;
    default: {
      const column = columns.get(parameter.slot);
      assert(column !== undefined && parameter.from in column, 'a kernel asks for columns that there are');
      return (column as unknown as Record<typeof parameter.from, number>)[parameter.from];
    }
  }
}

/** Clears the bits of row 0 and of rows beyond the last customer in a chunk's words. Returns how many were set. */
function clearStrangers(bitmap: Uint8Array, firstWord: number, words: number, customers: number): number {
  let cleared = 0;
  const clear = (bit: number): void => {
    const at = bit >>> 3;
    const mask = 1 << (bit & 7);
    if (((bitmap[at] as number) & mask) === 0) return;
    bitmap[at] = (bitmap[at] as number) & ~mask;
    cleared++;
  };
  if (firstWord === 0) clear(0);
  for (let row = customers + 1; row < (firstWord + words) * WORD; row++) clear(row - firstWord * WORD);
  return cleared;
}

function keep(rows: SharedArrayBuffer | null, chunk: Uint8Array, firstWord: number, words: number): void {
  if (rows !== null) new Uint8Array(rows).set(chunk.subarray(0, words * 8), firstWord * 8);
}
