/**
 * Windowed aggregates: one value, or two, per non-empty bucket (bucket-ring.ts). A read combines the live buckets in
 * ascending order and nothing is ever subtracted, so that replay gives the same bits.
 */
import type { ProfileFrame } from '../protocol/frame.ts';
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import { DistinctKey, digestEdge, FOLDS, type Fold, replaces } from './aggregate-all-time.ts';
import {
  type BucketValues,
  type ImageOutcome,
  NumberValues,
  readBuckets,
  SetValues,
  TextValues,
  writeBuckets,
} from './aggregate-image.ts';
import { readNothing, readNumber, readText, type WindowStore } from './aggregate-store.ts';
import type { BucketRing } from './bucket-ring.ts';
import type { DistinctSets } from './distinct-set.ts';
import { type RowDigest, storable } from './row-digest.ts';
import { TextHash } from './text-hash.ts';
import type { TextIndex } from './text-index.ts';

/** Folds a bucket's values into the digest, each behind its bucket's number. */
function digestBuckets(
  ring: BucketRing,
  doubles: Float64Array,
  ints: Int32Array,
  name: TextHash,
  digest: RowDigest,
): void {
  if (ring.live === 0) return;
  digest.beginField(name);
  for (let i = 0; i < ring.live; i++) {
    digest.word(ints[ring.numbers + i] as number);
    for (let lane = 0; lane < ring.lanes; lane++) digest.double(doubles[ring.values + i * ring.lanes + lane] as number);
  }
  digest.endField();
}

export interface HeapViews {
  readonly doubles: Float64Array;
  readonly ints: Int32Array;
}

export const FoldKind = { sum: 0, min: 1, max: 2 } as const;
export type FoldKind = (typeof FoldKind)[keyof typeof FoldKind];

/** count, and sum, min and max of numbers: one lane. */
export class WindowFold implements WindowStore {
  readonly columns = [];
  readonly touchedValues = null;
  readonly ordinal: number;
  readonly ring: BucketRing;
  readonly #heap: HeapViews;
  readonly #images: BucketValues;
  readonly #fold: Fold;
  readonly kind: FoldKind;
  /** Every observation is a one. */
  readonly counts: boolean;
  readonly #zeroWhenEmpty: boolean;

  constructor(ring: BucketRing, heap: HeapViews, fn: 'count' | 'sum' | 'min' | 'max') {
    this.ordinal = ring.ordinal;
    this.ring = ring;
    this.#heap = heap;
    this.#images = new NumberValues(heap, ring.lanes);
    this.counts = fn === 'count';
    this.kind = FoldKind[fn === 'count' ? 'sum' : fn];
    this.#fold = FOLDS[fn === 'count' ? 'sum' : fn];
    this.#zeroWhenEmpty = fn === 'count' || fn === 'sum';
  }

  observe(row: number, time: number, logTime: number, number: number): boolean {
    const oldest = this.ring.oldestLive(logTime);
    const bucket = this.ring.bucketOf(time);
    return bucket < oldest || this.observeIn(row, bucket, oldest, time, number);
  }
  observeIn(row: number, bucket: number, oldest: number, _time: number, number: number): boolean {
    const ring = this.ring;
    const at = ring.open(row, bucket, oldest);
    if (at < 0) return false;
    const { doubles } = this.#heap;
    const value = this.counts ? 1 : number;
    doubles[at] = storable(ring.created ? value : this.#fold(doubles[at] as number, value));
    return true;
  }
  read(row: number, slot: number, logTime: number, into: ProfileFrame): void {
    const ring = this.ring;
    const live = ring.seek(row, ring.oldestLive(logTime));
    if (live === 0) {
      if (this.#zeroWhenEmpty) readNumber(into, slot, 0);
      else readNothing(into, slot);
      return;
    }
    const { doubles } = this.#heap;
    let value = doubles[ring.values] as number;
    for (let i = 1; i < live; i++) value = this.#fold(value, doubles[ring.values + i] as number);
    readNumber(into, slot, value);
  }
  clear(): void {}
  digest(name: TextHash, logTime: number, digest: RowDigest): void {
    digest.eachWithBlocks((row) => this.#digestRow(row, name, logTime, digest));
  }
  writeImage(row: number, logTime: number, writer: ByteWriter): boolean {
    return writeBuckets(this.ring, this.#heap.ints, this.#images, row, logTime, writer);
  }
  readImage(row: number, logTime: number, reader: ByteReader): ImageOutcome {
    return readBuckets(this.ring, this.#images, row, logTime, reader);
  }
  #digestRow(row: number, name: TextHash, logTime: number, digest: RowDigest): void {
    this.ring.seek(row, this.ring.oldestLive(logTime));
    digestBuckets(this.ring, this.#heap.doubles, this.#heap.ints, name, digest);
  }
}

/** Lanes: sum, count. */
export class WindowAverage implements WindowStore {
  readonly columns = [];
  readonly touchedValues = null;
  readonly ordinal: number;
  readonly ring: BucketRing;
  readonly #heap: HeapViews;
  readonly #images: BucketValues;

  constructor(ring: BucketRing, heap: HeapViews) {
    this.ordinal = ring.ordinal;
    this.ring = ring;
    this.#heap = heap;
    this.#images = new NumberValues(heap, ring.lanes);
  }

  observe(row: number, time: number, logTime: number, number: number): boolean {
    const oldest = this.ring.oldestLive(logTime);
    const bucket = this.ring.bucketOf(time);
    return bucket < oldest || this.observeIn(row, bucket, oldest, time, number);
  }
  observeIn(row: number, bucket: number, oldest: number, _time: number, number: number): boolean {
    const ring = this.ring;
    const at = ring.open(row, bucket, oldest);
    if (at < 0) return false;
    const { doubles } = this.#heap;
    doubles[at] = storable((doubles[at] as number) + number);
    doubles[at + 1] = (doubles[at + 1] as number) + 1;
    return true;
  }
  read(row: number, slot: number, logTime: number, into: ProfileFrame): void {
    const ring = this.ring;
    const live = ring.seek(row, ring.oldestLive(logTime));
    if (live === 0) {
      readNothing(into, slot);
      return;
    }
    const { doubles } = this.#heap;
    let sum = 0;
    let count = 0;
    for (let at = ring.values; at < ring.values + live * 2; at += 2) {
      sum += doubles[at] as number;
      count += doubles[at + 1] as number;
    }
    readNumber(into, slot, sum / count);
  }
  clear(): void {}
  digest(name: TextHash, logTime: number, digest: RowDigest): void {
    digest.eachWithBlocks((row) => this.#digestRow(row, name, logTime, digest));
  }
  writeImage(row: number, logTime: number, writer: ByteWriter): boolean {
    return writeBuckets(this.ring, this.#heap.ints, this.#images, row, logTime, writer);
  }
  readImage(row: number, logTime: number, reader: ByteReader): ImageOutcome {
    return readBuckets(this.ring, this.#images, row, logTime, reader);
  }
  #digestRow(row: number, name: TextHash, logTime: number, digest: RowDigest): void {
    this.ring.seek(row, this.ring.oldestLive(logTime));
    digestBuckets(this.ring, this.#heap.doubles, this.#heap.ints, name, digest);
  }
}

/**
 * first and last. Lanes: event time, value (a dictionary code for strings). Of a bucket only its own first or last
 * can be the window's.
 */
export class WindowEdge implements WindowStore {
  readonly columns = [];
  readonly touchedValues = null;
  readonly ordinal: number;
  readonly ring: BucketRing;
  readonly #heap: HeapViews;
  readonly #images: BucketValues;
  readonly #last: boolean;
  readonly #dictionary: TextIndex | null;
  readonly #hash = new TextHash();

  constructor(ring: BucketRing, heap: HeapViews, fn: 'first' | 'last', dictionary: TextIndex | null) {
    this.ordinal = ring.ordinal;
    this.ring = ring;
    this.#heap = heap;
    this.#images = dictionary === null ? new NumberValues(heap, ring.lanes) : new TextValues(heap, dictionary);
    this.#last = fn === 'last';
    this.#dictionary = dictionary;
  }

  observe(row: number, time: number, logTime: number, number: number, text: string): boolean {
    const oldest = this.ring.oldestLive(logTime);
    const bucket = this.ring.bucketOf(time);
    return bucket < oldest || this.observeIn(row, bucket, oldest, time, number, text);
  }
  observeIn(row: number, bucket: number, oldest: number, time: number, number: number, text: string): boolean {
    const ring = this.ring;
    if (!this.#wanted(row, bucket, oldest, time)) return true;
    let value = storable(number);
    if (this.#dictionary !== null) {
      value = this.#dictionary.intern(text);
      if (value < 0) return false;
    }
    const at = ring.open(row, bucket, oldest);
    if (at < 0) return false;
    this.#heap.doubles[at] = time;
    this.#heap.doubles[at + 1] = value;
    return true;
  }
  read(row: number, slot: number, logTime: number, into: ProfileFrame): void {
    const ring = this.ring;
    const live = ring.seek(row, ring.oldestLive(logTime));
    if (live === 0) {
      readNothing(into, slot);
      return;
    }
    const at = ring.values + (this.#last ? (live - 1) * 2 : 0);
    const value = this.#heap.doubles[at + 1] as number;
    if (this.#dictionary === null) readNumber(into, slot, value);
    else readText(into, slot, value, this.#dictionary.textOf(value));
  }
  clear(): void {}
  digest(name: TextHash, logTime: number, digest: RowDigest): void {
    digest.eachWithBlocks((row) => this.#digestRow(row, name, logTime, digest));
  }
  writeImage(row: number, logTime: number, writer: ByteWriter): boolean {
    return writeBuckets(this.ring, this.#heap.ints, this.#images, row, logTime, writer);
  }
  readImage(row: number, logTime: number, reader: ByteReader): ImageOutcome {
    return readBuckets(this.ring, this.#images, row, logTime, reader);
  }
  #digestRow(row: number, name: TextHash, logTime: number, digest: RowDigest): void {
    const ring = this.ring;
    if (ring.seek(row, ring.oldestLive(logTime)) === 0) return;
    const { doubles } = this.#heap;
    digest.beginField(name);
    for (let at = ring.values; at < ring.values + ring.live * 2; at += 2) {
      digest.double(doubles[at] as number);
      digestEdge(digest, doubles[at + 1] as number, this.#dictionary, this.#hash);
    }
    digest.endField();
  }

  /** Whether the observation is its bucket's first or last: strings that are neither must not be interned. */
  #wanted(row: number, bucket: number, oldest: number, time: number): boolean {
    const ring = this.ring;
    const live = ring.seek(row, oldest);
    for (let i = live - 1; i >= 0; i--) {
      const number = this.#heap.ints[ring.numbers + i] as number;
      if (number < bucket) return true;
      if (number === bucket) return replaces(this.#last, time, this.#heap.doubles[ring.values + i * 2] as number);
    }
    return true;
  }
}

/** The lane refers to a set per bucket; a read takes their union. */
export class WindowDistinct implements WindowStore {
  readonly columns = [];
  readonly touchedValues = null;
  readonly ordinal: number;
  readonly ring: BucketRing;
  readonly #heap: HeapViews;
  readonly #images: BucketValues;
  readonly #sets: DistinctSets;
  readonly #key: DistinctKey;

  constructor(ring: BucketRing, heap: HeapViews, sets: DistinctSets, ofText: boolean) {
    this.ordinal = ring.ordinal;
    this.ring = ring;
    this.#heap = heap;
    this.#images = new SetValues(heap, sets);
    this.#sets = sets;
    this.#key = new DistinctKey(ofText);
  }

  observe(row: number, time: number, logTime: number, number: number, text: string): boolean {
    const oldest = this.ring.oldestLive(logTime);
    const bucket = this.ring.bucketOf(time);
    return bucket < oldest || this.observeIn(row, bucket, oldest, time, number, text);
  }
  observeIn(row: number, bucket: number, oldest: number, _time: number, number: number, text: string): boolean {
    const ring = this.ring;
    this.#key.of(number, text);
    const at = ring.open(row, bucket, oldest);
    if (at < 0) return false;
    const { doubles } = this.#heap;
    let held = doubles[at] as number;
    if (held === 0) {
      // A bucket left without a set, because the heap was full, is an empty one to every reader.
      held = this.#sets.create();
      if (held === 0) return false;
      doubles[at] = held;
    }
    const set = this.#sets.add(held, this.#key.low, this.#key.high);
    if (set === 0) return false;
    doubles[at] = set;
    return true;
  }
  read(row: number, slot: number, logTime: number, into: ProfileFrame): void {
    const ring = this.ring;
    const live = ring.seek(row, ring.oldestLive(logTime));
    readNumber(into, slot, live === 0 ? 0 : this.#sets.unionSize(ring.values, live));
  }
  clear(): void {}
  digest(name: TextHash, logTime: number, digest: RowDigest): void {
    digest.eachWithBlocks((row) => this.#digestRow(row, name, logTime, digest));
  }
  writeImage(row: number, logTime: number, writer: ByteWriter): boolean {
    return writeBuckets(this.ring, this.#heap.ints, this.#images, row, logTime, writer);
  }
  readImage(row: number, logTime: number, reader: ByteReader): ImageOutcome {
    return readBuckets(this.ring, this.#images, row, logTime, reader);
  }
  #digestRow(row: number, name: TextHash, logTime: number, digest: RowDigest): void {
    const ring = this.ring;
    const live = ring.seek(row, ring.oldestLive(logTime));
    let begun = false;
    for (let i = 0; i < live; i++) {
      const set = this.#heap.doubles[ring.values + i] as number;
      if (set === 0) continue;
      if (!begun) digest.beginField(name);
      begun = true;
      digest.word(this.#heap.ints[ring.numbers + i] as number);
      this.#sets.digest(set, digest);
    }
    if (begun) digest.endField();
  }
}
