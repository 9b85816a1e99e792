/**
 * Typed columns over strips of the arena: one value per row. Each class picks its view once, in its constructor.
 * Values have no zero to start from: whoever owns a column keeps a bitmap of presence beside it, so that only bitmaps
 * ever need clearing when a strip is used again.
 *
 * In a snapshot a column's share of a group is its raw values, little-endian, except IntColumn, which says so itself.
 */
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';

/** Places columns: gives the first of `count` adjacent strips, for a bitmap zeroed if `zeroed`. */
export interface ColumnPlacer {
  readonly buffer: ArrayBufferLike;
  readonly rows: number;
  place(strips: number, zeroed: boolean): number;
  /** Byte offset of a strip. */
  offsetOf(strip: number): number;
}

/** What a snapshot needs of a column. Groups start at multiples of 64 rows. */
export interface StoredColumn {
  readonly strip: number;
  readonly strips: number;
  /** Touched for a row in use, mostly. */
  readonly bytesPerRow: number;
  write(writer: ByteWriter, row: number, rows: number): void;
  read(reader: ByteReader, row: number, rows: number): void;
}

/** Values by row that are worth loading ahead. */
export type TouchedValues = Float64Array | Int32Array;

export class Bitmap implements StoredColumn {
  readonly strip: number;
  readonly strips = 1;
  readonly bytesPerRow = 1 / 8;
  readonly bytes: Uint8Array;

  constructor(placer: ColumnPlacer, zeroed: boolean) {
    this.strip = placer.place(1, zeroed);
    this.bytes = new Uint8Array(placer.buffer, placer.offsetOf(this.strip), placer.rows / 8);
  }

  /** 0 or 1. */
  get(row: number): number {
    return ((this.bytes[row >>> 3] as number) >>> (row & 7)) & 1;
  }
  set(row: number): void {
    const at = row >>> 3;
    this.bytes[at] = (this.bytes[at] as number) | (1 << (row & 7));
  }
  clear(row: number): void {
    const at = row >>> 3;
    this.bytes[at] = (this.bytes[at] as number) & ~(1 << (row & 7));
  }

  write(writer: ByteWriter, row: number, rows: number): void {
    writer.raw(this.bytes.subarray(row >>> 3, (row + rows + 7) >>> 3));
  }
  read(reader: ByteReader, row: number, rows: number): void {
    this.bytes.set(reader.raw((rows + 7) >>> 3), row >>> 3);
  }
}

export class DoubleColumn implements StoredColumn {
  readonly strip: number;
  readonly strips = 64;
  readonly bytesPerRow = 8;
  readonly values: Float64Array;
  /** Low and high word of each. */
  readonly words: Int32Array;

  constructor(placer: ColumnPlacer) {
    this.strip = placer.place(this.strips, false);
    this.values = new Float64Array(placer.buffer, placer.offsetOf(this.strip), placer.rows);
    this.words = new Int32Array(placer.buffer, placer.offsetOf(this.strip), placer.rows * 2);
  }

  write(writer: ByteWriter, row: number, rows: number): void {
    writer.raw(bytesOf(this.values.subarray(row, row + rows)));
  }
  read(reader: ByteReader, row: number, rows: number): void {
    bytesOf(this.values.subarray(row, row + rows)).set(reader.raw(rows * 8));
  }
}

/** Dictionary codes. */
export class CodeColumn implements StoredColumn {
  readonly strip: number;
  readonly strips = 32;
  readonly bytesPerRow = 4;
  readonly values: Int32Array;

  constructor(placer: ColumnPlacer) {
    this.strip = placer.place(this.strips, false);
    this.values = new Int32Array(placer.buffer, placer.offsetOf(this.strip), placer.rows);
  }

  write(writer: ByteWriter, row: number, rows: number): void {
    writer.raw(bytesOf(this.values.subarray(row, row + rows)));
  }
  read(reader: ByteReader, row: number, rows: number): void {
    bytesOf(this.values.subarray(row, row + rows)).set(reader.raw(rows * 4));
  }
}

/** In `narrow`: the value is in `wide`. */
export const WIDE = -(2 ** 31);

/**
 * Integers within ± 2^53. Most fit 32 bits and take 4 bytes; the others leave WIDE there and take 8 more in a second
 * column, whose pages stay untouched until one does. In a snapshot: the narrow values, then u16 how many are wide,
 * and for each its u16 row within the group and the value as a double.
 */
export class IntColumn implements StoredColumn {
  readonly strip: number;
  readonly strips = 96;
  readonly bytesPerRow = 4;
  readonly narrow: Int32Array;
  readonly wide: Float64Array;
  readonly wideWords: Int32Array;

  constructor(placer: ColumnPlacer) {
    this.strip = placer.place(this.strips, false);
    this.wide = new Float64Array(placer.buffer, placer.offsetOf(this.strip), placer.rows);
    this.wideWords = new Int32Array(placer.buffer, placer.offsetOf(this.strip), placer.rows * 2);
    this.narrow = new Int32Array(placer.buffer, placer.offsetOf(this.strip + 64), placer.rows);
  }

  get(row: number): number {
    const value = this.narrow[row] as number;
    return value === WIDE ? (this.wide[row] as number) : value;
  }
  set(row: number, value: number): void {
    const narrow = value | 0;
    if (narrow === value && narrow !== WIDE) {
      this.narrow[row] = narrow;
    } else {
      // In this order for scans from other threads (column-view.ts).
      this.wide[row] = value;
      this.narrow[row] = WIDE;
    }
  }

  write(writer: ByteWriter, row: number, rows: number): void {
    writer.raw(bytesOf(this.narrow.subarray(row, row + rows)));
    let count = 0;
    for (let i = row; i < row + rows; i++) if (this.narrow[i] === WIDE) count++;
    writer.u16(count);
    for (let i = row; count > 0 && i < row + rows; i++) {
      if (this.narrow[i] !== WIDE) continue;
      writer.u16(i - row);
      writer.f64(this.wide[i] as number);
    }
  }
  read(reader: ByteReader, row: number, rows: number): void {
    bytesOf(this.narrow.subarray(row, row + rows)).set(reader.raw(rows * 4));
    for (let count = reader.u16(); count > 0; count--) {
      const at = row + reader.u16();
      this.wide[at] = reader.f64();
    }
  }
}

function bytesOf(values: Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
