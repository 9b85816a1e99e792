/**
 * The image of an aggregate of one row: what its observations amount to, so that another partition's memory goes on from there with the same bits, whatever its codes, rows and
 * blocks are. Only what is within reach at the log time given is in it; what has expired is dead for good.
 *
 * Bytes, little-endian: count f64; sum, min, max f64; avg f64 sum, f64 count; first and last f64 time, then the value: f64, or a text; distinct a set. A set: u16 values and 8 bytes for each, or
 * u16 0xffff and the registers of its sketch. A window: u16 buckets, and for each, ascending, i32 its number and the same as above.
 *
 * Images are read from a log, so they are data: whatever is wrong with one is told, and leaves the row with nothing that its column could not be cleared of. Reading past the end throws RangeError,
 * a text that is no UTF-8 TypeError: the caller takes them for `malformed`.
 */
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import type { BucketRing } from './bucket-ring.ts';
import type { DistinctSets } from './distinct-set.ts';
import { storable } from './row-digest.ts';
import type { TextIndex } from './text-index.ts';

export const ImageOutcome = {
  stored: 0,
  /** No room to spare in the heap or the dictionary. */
  full: 1,
  /** It is none of this aggregate, or the row has observations already. */
  malformed: 2,
} as const;
export type ImageOutcome = (typeof ImageOutcome)[keyof typeof ImageOutcome];

/** Where observations of a window are kept. */
interface HeapViews {
  readonly doubles: Float64Array;
  readonly ints: Int32Array;
}

/** The values of one bucket, at index `at` of the doubles. */
export interface BucketValues {
  write(at: number, writer: ByteWriter): void;
  read(at: number, reader: ByteReader): ImageOutcome;
  /** Passes over one that has expired. */
  skip(reader: ByteReader): void;
}

/** Plain doubles, as many as the ring has lanes. */
export class NumberValues implements BucketValues {
  readonly #heap: HeapViews;
  readonly #lanes: number;

  constructor(heap: HeapViews, lanes: number) {
    this.#heap = heap;
    this.#lanes = lanes;
  }

  write(at: number, writer: ByteWriter): void {
    for (let lane = 0; lane < this.#lanes; lane++) writer.f64(this.#heap.doubles[at + lane] as number);
  }
  read(at: number, reader: ByteReader): ImageOutcome {
    for (let lane = 0; lane < this.#lanes; lane++) this.#heap.doubles[at + lane] = storable(reader.f64());
    return ImageOutcome.stored;
  }
  skip(reader: ByteReader): void {
    reader.raw(this.#lanes * 8);
  }
}

/** A time, and a text by its code. */
export class TextValues implements BucketValues {
  readonly #heap: HeapViews;
  readonly #dictionary: TextIndex;

  constructor(heap: HeapViews, dictionary: TextIndex) {
    this.#heap = heap;
    this.#dictionary = dictionary;
  }

  write(at: number, writer: ByteWriter): void {
    writer.f64(this.#heap.doubles[at] as number);
    writer.text(this.#dictionary.textOf(this.#heap.doubles[at + 1] as number));
  }
  read(at: number, reader: ByteReader): ImageOutcome {
    const time = reader.f64();
    const text = reader.text();
    const code = this.#dictionary.hasSpareFor(text) ? this.#dictionary.intern(text) : -1;
    if (code < 0) return ImageOutcome.full;
    this.#heap.doubles[at] = storable(time);
    this.#heap.doubles[at + 1] = code;
    return ImageOutcome.stored;
  }
  skip(reader: ByteReader): void {
    reader.f64();
    reader.text();
  }
}

/** A reference to a set; 0 is an empty one. */
export class SetValues implements BucketValues {
  readonly #heap: HeapViews;
  readonly #sets: DistinctSets;

  constructor(heap: HeapViews, sets: DistinctSets) {
    this.#heap = heap;
    this.#sets = sets;
  }

  write(at: number, writer: ByteWriter): void {
    this.#sets.write(this.#heap.doubles[at] as number, writer);
  }
  read(at: number, reader: ByteReader): ImageOutcome {
    const set = this.#sets.read(reader);
    if (typeof set === 'string') return ImageOutcome[set];
    this.#heap.doubles[at] = set;
    return ImageOutcome.stored;
  }
  skip(reader: ByteReader): void {
    this.#sets.skip(reader);
  }
}

/** False: no bucket is live, and nothing was written. */
export function writeBuckets(
  ring: BucketRing,
  ints: Int32Array,
  values: BucketValues,
  row: number,
  logTime: number,
  writer: ByteWriter,
): boolean {
  const live = ring.seek(row, ring.oldestLive(logTime));
  if (live === 0) return false;
  const { numbers, values: first, lanes } = ring;
  writer.u16(live);
  for (let i = 0; i < live; i++) {
    writer.u32(ints[numbers + i] as number);
    values.write(first + i * lanes, writer);
  }
  return true;
}

/** Buckets that have expired by `logTime` are left out. */
export function readBuckets(
  ring: BucketRing,
  values: BucketValues,
  row: number,
  logTime: number,
  reader: ByteReader,
): ImageOutcome {
  if (ring.blocks.get(row, ring.ordinal) !== 0) return ImageOutcome.malformed;
  const oldest = ring.oldestLive(logTime);
  const newest = oldest + ring.buckets - 1;
  const count = reader.u16();
  if (count === 0 || count > ring.buckets) return ImageOutcome.malformed;
  let before = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const bucket = reader.u32() | 0;
    if (bucket <= before || bucket > newest) return ImageOutcome.malformed;
    before = bucket;
    if (bucket < oldest) {
      values.skip(reader);
      continue;
    }
    const at = ring.open(row, bucket, oldest);
    if (at < 0) return ImageOutcome.full;
    const outcome = values.read(at, reader);
    if (outcome !== ImageOutcome.stored) return outcome;
  }
  return ImageOutcome.stored;
}
