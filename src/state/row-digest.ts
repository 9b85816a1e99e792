/**
 * Hashes the logical content of a group of rows, so that it can be done column by column (column-digest.ts). Fields are added up, so that neither their order nor their slots matter; within a field order
 * does. Strings count by content, names by name. Two lanes of 32 bits.
 */
import { SNAPSHOT_GROUP_ROWS } from '../constants.ts';
import { fmix32 } from '../stdx/hash.ts';
import type { TextHash } from './text-hash.ts';

const scratchDouble = new Float64Array(1);
const scratchWords = new Uint32Array(scratchDouble.buffer);

/**
 * Low and high word of a double's bits. All NaNs (an infinite sum minus an infinite value) are one, and -0 is never
 * stored, see `storable`.
 */
export function lowBits(value: number): number {
  if (Number.isNaN(value)) return 1;
  scratchDouble[0] = value;
  return scratchWords[0] as number;
}
export function highBits(value: number): number {
  if (Number.isNaN(value)) return 0x7ff80000;
  scratchDouble[0] = value;
  return scratchWords[1] as number;
}

/** What may be stored of a number: -0 becomes 0, which CEL cannot tell apart, so that equal values have equal bits. */
export function storable(value: number): number {
  return value + 0;
}

export class RowDigest {
  static readonly rowsMax = SNAPSHOT_GROUP_ROWS;
  /** Sums over the fields so far, by place. */
  readonly low = new Int32Array(RowDigest.rowsMax);
  readonly high = new Int32Array(RowDigest.rowsMax);
  /** The group: its first row, and how many. */
  first = 0;
  rows = 0;
  /** Places of the rows that have blocks. */
  readonly #withBlocks = new Int32Array(RowDigest.rowsMax);
  #withBlocksCount = 0;
  /** Place of the row that fields are added to. */
  place = 0;
  #a = 0;
  #b = 0;

  begin(first = 0, rows = 1, directories: Uint32Array | null = null): void {
    this.low.fill(0);
    this.high.fill(0);
    this.first = first;
    this.rows = rows;
    this.#withBlocksCount = 0;
    if (directories === null) return;
    for (let place = 0; place < rows; place++) {
      if (directories[first + place] !== 0) this.#withBlocks[this.#withBlocksCount++] = place;
    }
  }

  /** Calls `add` for each row of the group that has blocks, with `place` set for the fields that it adds. */
  eachWithBlocks(add: (row: number) => void): void {
    for (let i = 0; i < this.#withBlocksCount; i++) {
      this.place = this.#withBlocks[i] as number;
      add(this.first + this.place);
    }
  }

  beginField(name: TextHash): void {
    this.#a = name.low | 0;
    this.#b = name.high | 0;
  }
  endField(): void {
    const a = fmix32(this.#a ^ (this.#b >>> 16));
    const b = fmix32(this.#b + a);
    this.low[this.place] = (this.low[this.place] as number) + a;
    this.high[this.place] = (this.high[this.place] as number) + b;
  }

  word(value: number): void {
    const a = this.#a;
    this.#a = Math.imul(((a << 5) | (a >>> 27)) ^ value, 0x27d4eb2f);
    const b = Math.imul(this.#b ^ value, 0x165667b1);
    this.#b = b ^ (b >>> 15);
  }
  double(value: number): void {
    if (Number.isNaN(value)) {
      this.word(1);
      this.word(0x7ff80000);
      return;
    }
    scratchDouble[0] = value;
    this.word(scratchWords[0] as number);
    this.word(scratchWords[1] as number);
  }
  text(hash: TextHash): void {
    this.word(hash.low);
    this.word(hash.high);
  }
  bytes(bytes: Uint8Array, offset: number, length: number): void {
    this.word(length);
    for (let i = offset; i < offset + length; i++) this.word(bytes[i] as number);
  }
  /** `count` pairs of words, in any order. */
  unordered(words: Uint32Array, offset: number, count: number): void {
    let low = 0;
    let high = 0;
    for (let i = offset; i < offset + count * 2; i += 2) {
      const a = fmix32((words[i] as number) ^ fmix32((words[i + 1] as number) + 0x9e3779b9));
      const b = fmix32((words[i + 1] as number) + a);
      low = (low + a) >>> 0;
      high = (high + b) >>> 0;
    }
    this.word(count);
    this.word(low);
    this.word(high);
  }
}
