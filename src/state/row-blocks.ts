/**
 * Which blocks of the heap belong to a row. One 32-bit reference per row leads to the row's *directory*, itself a
 * block: its count is the number of references in it that are not 0, then follows one reference per *ordinal*
 * (contacts, what is pending, recent events, each list attribute, each windowed aggregate, each distinct set). A
 * customer without any of these costs four bytes; the directory goes when its last reference does. It is as long as there were ordinals when it was made;
 * what lies beyond its end is 0.
 *
 * When a column is dropped its ordinal is *dying*: the sweep frees its blocks row by row, and only then can the
 * ordinal be given out again.
 *
 * In a snapshot, a row with a directory: u16 row within the group, u16 ordinals in use, u8 class of the directory;
 * for each: u16 ordinal, the block. A block is u8 class and its content; one that refers to further blocks (a ring
 * whose values are references to sets, a list of LIST_ENTRY_UNITS per entry that begins with one) is followed by these,
 * in its own order.
 */
import { assert } from '../stdx/assert.ts';
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import { type BlockHeap, unitsOf } from './block-heap.ts';

/** Something that keeps blocks whose content expires. */
export interface Expiring {
  /** Frees what has expired at `logTime`. Must not change what any read at `logTime` or later finds. */
  expire(row: number, logTime: number): void;
}

/** How an ordinal's blocks refer to further blocks: by doubles, 0 where there is none. */
export type Nesting = 'none' | 'ring' | 'list';

/** Units of an entry of a block that is a list; the first one is the reference. Entries follow the block's first unit. */
export const LIST_ENTRY_UNITS = 4;

export interface Ordinal {
  state: 'free' | 'live' | 'dying';
  nesting: Nesting;
  /** While dying: how often the sweep has started over since. */
  passes: number;
  expiring: Expiring | null;
}

/** Blocks of a row that `touch` loads: more of them than a processor can wait for at once gain nothing. */
const REFERENCES_TOUCHED_MAX = 8;
/** The first ordinals that it leaves out: what is pending and what sequences look back at, which few events read. */
const ORDINALS_UNTOUCHED = 2;

/** Buckets that a ring with one value per bucket has room for; see bucket-ring.ts. */
export function ringCapacity(units: number, lanes: number): number {
  const capacity = Math.floor((units * 2 - 1) / (lanes * 2 + 1));
  return (capacity & 1) === 1 ? capacity : capacity - 1;
}

export class RowBlocks {
  readonly heap: BlockHeap;
  readonly ordinals: Ordinal[] = [];
  /** By row: its directory, or 0. */
  readonly directories: Uint32Array;
  /** What was loaded only to be near. */
  touched = 0;

  constructor(heap: BlockHeap, directories: Uint32Array) {
    this.heap = heap;
    this.directories = directories;
  }

  addOrdinal(nesting: Nesting): number {
    const free = this.ordinals.findIndex((ordinal) => ordinal.state === 'free');
    const ordinal: Ordinal = { state: 'live', nesting, passes: 0, expiring: null };
    if (free < 0) return this.ordinals.push(ordinal) - 1;
    this.ordinals[free] = ordinal;
    return free;
  }

  /** Takes back ordinals that were just added and never used; there were `countBefore` of them, which decides how long directories are. */
  retractOrdinals(added: readonly number[], countBefore: number): void {
    for (const index of added) {
      (this.ordinals[index] as Ordinal).state = 'free';
      (this.ordinals[index] as Ordinal).expiring = null;
    }
    this.ordinals.length = countBefore;
  }

  dropOrdinal(index: number): void {
    const ordinal = this.ordinals[index] as Ordinal;
    assert(ordinal.state === 'live', 'RowBlocks.dropOrdinal: not in use');
    ordinal.state = 'dying';
    ordinal.passes = 0;
    ordinal.expiring = null;
  }

  /** The row's block of this ordinal, or 0. */
  get(row: number, ordinal: number): number {
    const directory = this.directories[row] as number;
    if (directory === 0 || ordinal >= this.heap.units(directory) * 2 - 1) return 0;
    return this.heap.words[directory * 2 + 1 + ordinal] as number;
  }

  /** Loads the directories of these rows and what they refer to, level by level, so that the loads overlap. */
  touch(rows: Int32Array, count: number): void {
    const { directories } = this;
    const { words } = this.heap;
    let touched = 0;
    for (let i = 0; i < count; i++) touched ^= directories[Math.max(0, rows[i] as number)] as number;
    for (let i = 0; i < count; i++)
      touched ^= words[(directories[Math.max(0, rows[i] as number)] as number) * 2] as number;
    for (let i = 0; i < count; i++) {
      // No directory is unit 0, which is never given out: zeros.
      const directory = directories[Math.max(0, rows[i] as number)] as number;
      const first = directory * 2 + 1;
      const end = first + Math.min(ORDINALS_UNTOUCHED + REFERENCES_TOUCHED_MAX, this.heap.units(directory) * 2 - 1);
      for (let at = first + ORDINALS_UNTOUCHED; at < end; at++) touched ^= words[(words[at] as number) * 2] as number;
    }
    this.touched = touched;
  }

  /** Gives the row a block for an ordinal that has none yet. false: no room for the directory, nothing changed. */
  add(row: number, ordinal: number, ref: number): boolean {
    const directory = this.#reach(row, ordinal);
    if (directory === 0) return false;
    assert(this.heap.words[directory * 2 + 1 + ordinal] === 0, 'RowBlocks.add: there is a block already');
    this.heap.words[directory * 2 + 1 + ordinal] = ref;
    this.heap.setCount(directory, this.heap.count(directory) + 1);
    return true;
  }

  /** Puts another block in the place of the row's present one, which the caller frees. */
  replace(row: number, ordinal: number, ref: number): void {
    this.heap.words[(this.directories[row] as number) * 2 + 1 + ordinal] = ref;
  }

  /** Forgets the row's block, which the caller frees. */
  remove(row: number, ordinal: number): void {
    const directory = this.directories[row] as number;
    this.heap.words[directory * 2 + 1 + ordinal] = 0;
    const count = this.heap.count(directory) - 1;
    this.heap.setCount(directory, count);
    if (count > 0) return;
    this.heap.free(directory);
    this.directories[row] = 0;
  }

  /** Units of a directory that reaches all ordinals. */
  get directoryUnits(): number {
    return (this.ordinals.length + 2) >>> 1;
  }

  /** Units that `add` would have to allocate: 0 where the directory reaches far enough. */
  unitsToAdd(row: number, ordinal: number): number {
    const directory = this.directories[row] as number;
    if (directory !== 0 && ordinal < this.heap.units(directory) * 2 - 1) return 0;
    return this.directoryUnits;
  }

  /** Frees the row's block of this ordinal, with what it refers to. */
  release(row: number, ordinal: number): void {
    const ref = this.get(row, ordinal);
    if (ref === 0) return;
    this.#releaseNested(ref, (this.ordinals[ordinal] as Ordinal).nesting);
    this.heap.free(ref);
    this.remove(row, ordinal);
  }

  /** Frees everything of the row but the blocks of ordinal `kept`. */
  releaseAllBut(row: number, kept: number): void {
    for (let ordinal = 0; ordinal < this.ordinals.length; ordinal++) {
      if (ordinal !== kept) this.release(row, ordinal);
    }
  }

  /** Frees what has expired or belongs to dropped columns. */
  sweep(row: number, logTime: number): void {
    for (let index = 0; index < this.ordinals.length && this.directories[row] !== 0; index++) {
      const ordinal = this.ordinals[index] as Ordinal;
      if (ordinal.expiring !== null) ordinal.expiring.expire(row, logTime);
      else if (ordinal.state === 'dying') this.release(row, index);
    }
  }

  /** The sweep has started over: what has been dying for a whole pass has no block left. */
  endPass(): void {
    for (const ordinal of this.ordinals) {
      if (ordinal.state !== 'dying') continue;
      ordinal.passes++;
      if (ordinal.passes === 2) ordinal.state = 'free';
    }
  }

  writeRow(writer: ByteWriter, row: number, rowInGroup: number): void {
    const directory = this.directories[row] as number;
    writer.u16(rowInGroup);
    writer.u16(this.heap.count(directory));
    writer.u8(this.heap.blockClass(directory));
    for (let ordinal = 0; ordinal < this.ordinals.length; ordinal++) {
      const ref = this.get(row, ordinal);
      if (ref === 0) continue;
      writer.u16(ordinal);
      this.#writeBlock(writer, ref);
      const { nesting } = this.ordinals[ordinal] as Ordinal;
      if (nesting === 'none') continue;
      const first = this.#firstNested(ref, nesting);
      const end = first + this.heap.count(ref) * strideOf(nesting);
      for (let at = first; at < end; at += strideOf(nesting)) {
        const nested = this.heap.doubles[at] as number;
        if (nested !== 0) this.#writeBlock(writer, nested);
      }
    }
  }

  /** Reads what writeRow wrote, after its row number. */
  readRow(reader: ByteReader, row: number): void {
    const count = reader.u16();
    const directory = this.#allocate(unitsOf(reader.u8()));
    this.heap.words.fill(0, directory * 2 + 1, (directory + this.heap.units(directory)) * 2);
    this.directories[row] = directory;
    this.heap.setCount(directory, count);
    for (let i = 0; i < count; i++) {
      const ordinal = reader.u16();
      const ref = this.#readBlock(reader);
      this.heap.words[directory * 2 + 1 + ordinal] = ref;
      const { nesting } = this.ordinals[ordinal] as Ordinal;
      if (nesting === 'none') continue;
      const first = this.#firstNested(ref, nesting);
      const end = first + this.heap.count(ref) * strideOf(nesting);
      for (let at = first; at < end; at += strideOf(nesting)) {
        if (this.heap.doubles[at] !== 0) this.heap.doubles[at] = this.#readBlock(reader);
      }
    }
  }

  /** The row's directory, made or lengthened to hold `ordinal`; 0 when there is no room. */
  #reach(row: number, ordinal: number): number {
    const heap = this.heap;
    const directory = this.directories[row] as number;
    if (directory !== 0 && ordinal < heap.units(directory) * 2 - 1) return directory;
    const longer = heap.allocate(this.directoryUnits);
    if (longer === 0) return 0;
    heap.words.fill(0, longer * 2 + 1, (longer + heap.units(longer)) * 2);
    if (directory !== 0) {
      heap.words.copyWithin(longer * 2 + 1, directory * 2 + 1, (directory + heap.units(directory)) * 2);
      heap.setCount(longer, heap.count(directory));
      heap.free(directory);
    }
    this.directories[row] = longer;
    return longer;
  }

  /** Index into doubles of the first reference in a block that has some; the next one is a stride behind it. */
  #firstNested(ref: number, nesting: Nesting): number {
    return ref + (nesting === 'list' ? 1 : (1 + ringCapacity(this.heap.units(ref), 1)) >>> 1);
  }

  #releaseNested(ref: number, nesting: Nesting): void {
    if (nesting === 'none') return;
    const first = this.#firstNested(ref, nesting);
    const end = first + this.heap.count(ref) * strideOf(nesting);
    for (let at = first; at < end; at += strideOf(nesting)) {
      const nested = this.heap.doubles[at] as number;
      if (nested !== 0) this.heap.free(nested);
    }
  }

  #writeBlock(writer: ByteWriter, ref: number): void {
    writer.u8(this.heap.blockClass(ref));
    writer.raw(this.heap.bytes.subarray(ref * 8, (ref + this.heap.units(ref)) * 8));
  }

  #readBlock(reader: ByteReader): number {
    const units = unitsOf(reader.u8());
    const ref = this.#allocate(units);
    this.heap.bytes.set(reader.raw(units * 8), ref * 8);
    return ref;
  }

  #allocate(units: number): number {
    const ref = this.heap.allocate(units);
    assert(ref !== 0, 'snapshot has more blocks than the limits allow');
    return ref;
  }
}

function strideOf(nesting: Nesting): number {
  return nesting === 'list' ? LIST_ENTRY_UNITS : 1;
}
