/**
 * Aggregates without a window: columns of one or two values per row, and a bitmap that says whether there was any
 * observation.
 */
import type { ProfileFrame } from '../protocol/frame.ts';
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import { ImageOutcome } from './aggregate-image.ts';
import { type AggregateStore, readNothing, readNumber, readText } from './aggregate-store.ts';
import {
  Bitmap,
  CodeColumn,
  type ColumnPlacer,
  DoubleColumn,
  IntColumn,
  type StoredColumn,
  type TouchedValues,
} from './column.ts';
import { digestCodes, digestDoubles, digestInts } from './column-digest.ts';
import type { DistinctSets } from './distinct-set.ts';
import type { RowBlocks } from './row-blocks.ts';
import { highBits, lowBits, type RowDigest, storable } from './row-digest.ts';
import { TextHash } from './text-hash.ts';
import type { TextIndex } from './text-index.ts';

export class AllTimeCount implements AggregateStore {
  readonly columns: readonly StoredColumn[];
  readonly touchedValues: TouchedValues;
  readonly ordinal = -1;
  readonly presence: Bitmap;
  readonly values: IntColumn;

  constructor(placer: ColumnPlacer) {
    this.presence = new Bitmap(placer, true);
    this.values = new IntColumn(placer);
    this.columns = [this.presence, this.values];
    this.touchedValues = this.values.narrow;
  }

  observe(row: number): boolean {
    if (this.presence.get(row) === 1) {
      this.values.set(row, this.values.get(row) + 1);
    } else {
      // The value before its presence, here and below, for scans from other threads (column-view.ts).
      this.values.set(row, 1);
      this.presence.set(row);
    }
    return true;
  }
  read(row: number, slot: number, _logTime: number, into: ProfileFrame): void {
    readNumber(into, slot, this.presence.get(row) === 1 ? this.values.get(row) : 0);
  }
  clear(row: number): void {
    this.presence.clear(row);
  }
  digest(name: TextHash, _logTime: number, digest: RowDigest): void {
    digestInts(digest, name, 0, this.presence, this.values);
  }
  writeImage(row: number, _logTime: number, writer: ByteWriter): boolean {
    if (this.presence.get(row) === 0) return false;
    writer.f64(this.values.get(row));
    return true;
  }
  readImage(row: number, _logTime: number, reader: ByteReader): ImageOutcome {
    const count = reader.f64();
    if (this.presence.get(row) === 1 || !isCount(count)) return ImageOutcome.malformed;
    this.values.set(row, count);
    this.presence.set(row);
    return ImageOutcome.stored;
  }
}

/** One step of sum, min or max: monomorphic and without a closure over state. */
export type Fold = (accumulated: number, value: number) => number;
export const FOLDS = {
  sum: (accumulated: number, value: number) => accumulated + value,
  min: (accumulated: number, value: number) => Math.min(accumulated, value),
  max: (accumulated: number, value: number) => Math.max(accumulated, value),
} as const;

export class AllTimeFold implements AggregateStore {
  readonly columns: readonly StoredColumn[];
  readonly touchedValues: TouchedValues;
  readonly ordinal = -1;
  readonly presence: Bitmap;
  readonly values: DoubleColumn;
  readonly #fold: Fold;
  readonly #zeroWhenEmpty: boolean;

  constructor(placer: ColumnPlacer, fn: 'sum' | 'min' | 'max') {
    this.presence = new Bitmap(placer, true);
    this.values = new DoubleColumn(placer);
    this.columns = [this.presence, this.values];
    this.touchedValues = this.values.values;
    this.#fold = FOLDS[fn];
    this.#zeroWhenEmpty = fn === 'sum';
  }

  observe(row: number, _time: number, _logTime: number, number: number): boolean {
    const { values } = this.values;
    if (this.presence.get(row) === 1) {
      values[row] = storable(this.#fold(values[row] as number, number));
    } else {
      values[row] = storable(number);
      this.presence.set(row);
    }
    return true;
  }
  read(row: number, slot: number, _logTime: number, into: ProfileFrame): void {
    if (this.presence.get(row) === 1) readNumber(into, slot, this.values.values[row] as number);
    else if (this.#zeroWhenEmpty) readNumber(into, slot, 0);
    else readNothing(into, slot);
  }
  clear(row: number): void {
    this.presence.clear(row);
  }
  digest(name: TextHash, _logTime: number, digest: RowDigest): void {
    digestDoubles(digest, name, 0, this.presence, this.values);
  }
  writeImage(row: number, _logTime: number, writer: ByteWriter): boolean {
    if (this.presence.get(row) === 0) return false;
    writer.f64(this.values.values[row] as number);
    return true;
  }
  readImage(row: number, _logTime: number, reader: ByteReader): ImageOutcome {
    if (this.presence.get(row) === 1) return ImageOutcome.malformed;
    this.values.values[row] = storable(reader.f64());
    this.presence.set(row);
    return ImageOutcome.stored;
  }
}

export class AllTimeAverage implements AggregateStore {
  readonly columns: readonly StoredColumn[];
  readonly touchedValues: TouchedValues;
  readonly ordinal = -1;
  readonly presence: Bitmap;
  readonly sums: DoubleColumn;
  readonly counts: IntColumn;

  constructor(placer: ColumnPlacer) {
    this.presence = new Bitmap(placer, true);
    this.sums = new DoubleColumn(placer);
    this.counts = new IntColumn(placer);
    this.columns = [this.presence, this.sums, this.counts];
    this.touchedValues = this.sums.values;
  }

  observe(row: number, _time: number, _logTime: number, number: number): boolean {
    if (this.presence.get(row) === 1) {
      this.sums.values[row] = storable((this.sums.values[row] as number) + number);
      this.counts.set(row, this.counts.get(row) + 1);
    } else {
      this.presence.set(row);
      this.sums.values[row] = storable(number);
      this.counts.set(row, 1);
    }
    return true;
  }
  read(row: number, slot: number, _logTime: number, into: ProfileFrame): void {
    if (this.presence.get(row) === 0) readNothing(into, slot);
    else readNumber(into, slot, (this.sums.values[row] as number) / this.counts.get(row));
  }
  clear(row: number): void {
    this.presence.clear(row);
  }
  digest(name: TextHash, _logTime: number, digest: RowDigest): void {
    digestDoubles(digest, name, 0, this.presence, this.sums);
    digestInts(digest, name, 1, this.presence, this.counts);
  }
  writeImage(row: number, _logTime: number, writer: ByteWriter): boolean {
    if (this.presence.get(row) === 0) return false;
    writer.f64(this.sums.values[row] as number);
    writer.f64(this.counts.get(row));
    return true;
  }
  readImage(row: number, _logTime: number, reader: ByteReader): ImageOutcome {
    const sum = reader.f64();
    const count = reader.f64();
    if (this.presence.get(row) === 1 || !isCount(count)) return ImageOutcome.malformed;
    this.sums.values[row] = storable(sum);
    this.counts.set(row, count);
    this.presence.set(row);
    return ImageOutcome.stored;
  }
}

/** What observations can be counted to. */
function isCount(count: number): boolean {
  return Number.isSafeInteger(count) && count > 0;
}

/**
 * Whether an observation at `time` takes the place of one at `held`: of equal times, first keeps the earlier arrival,
 * last takes the later.
 */
export function replaces(last: boolean, time: number, held: number): boolean {
  return last ? time >= held : time < held;
}

/** first and last, by event time. */
export class AllTimeEdge implements AggregateStore {
  readonly columns: readonly StoredColumn[];
  readonly touchedValues: TouchedValues;
  readonly ordinal = -1;
  readonly presence: Bitmap;
  readonly times: DoubleColumn;
  readonly values: DoubleColumn | CodeColumn;
  readonly #last: boolean;
  /** null: the values are numbers. */
  readonly #dictionary: TextIndex | null;

  constructor(placer: ColumnPlacer, fn: 'first' | 'last', dictionary: TextIndex | null) {
    this.presence = new Bitmap(placer, true);
    this.times = new DoubleColumn(placer);
    this.values = dictionary === null ? new DoubleColumn(placer) : new CodeColumn(placer);
    this.columns = [this.presence, this.times, this.values];
    this.touchedValues = this.values.values;
    this.#last = fn === 'last';
    this.#dictionary = dictionary;
  }

  observe(row: number, time: number, _logTime: number, number: number, text: string): boolean {
    if (this.presence.get(row) === 1 && !replaces(this.#last, time, this.times.values[row] as number)) return true;
    let value = storable(number);
    if (this.#dictionary !== null) {
      value = this.#dictionary.intern(text);
      if (value < 0) return false;
    }
    this.times.values[row] = time;
    this.values.values[row] = value;
    this.presence.set(row);
    return true;
  }
  read(row: number, slot: number, _logTime: number, into: ProfileFrame): void {
    if (this.presence.get(row) === 0) {
      readNothing(into, slot);
      return;
    }
    const value = this.values.values[row] as number;
    if (this.#dictionary === null) readNumber(into, slot, value);
    else readText(into, slot, value, this.#dictionary.textOf(value));
  }
  clear(row: number): void {
    this.presence.clear(row);
  }
  digest(name: TextHash, _logTime: number, digest: RowDigest): void {
    digestDoubles(digest, name, 0, this.presence, this.times);
    if (this.values instanceof DoubleColumn) digestDoubles(digest, name, 1, this.presence, this.values);
    else digestCodes(digest, name, 1, this.presence, this.values, this.#dictionary as TextIndex);
  }
  writeImage(row: number, _logTime: number, writer: ByteWriter): boolean {
    if (this.presence.get(row) === 0) return false;
    const value = this.values.values[row] as number;
    writer.f64(this.times.values[row] as number);
    if (this.#dictionary === null) writer.f64(value);
    else writer.text(this.#dictionary.textOf(value));
    return true;
  }
  readImage(row: number, _logTime: number, reader: ByteReader): ImageOutcome {
    if (this.presence.get(row) === 1) return ImageOutcome.malformed;
    const time = reader.f64();
    let value: number;
    if (this.#dictionary === null) value = storable(reader.f64());
    else {
      const text = reader.text();
      value = this.#dictionary.hasSpareFor(text) ? this.#dictionary.intern(text) : -1;
      if (value < 0) return ImageOutcome.full;
    }
    this.times.values[row] = storable(time);
    this.values.values[row] = value;
    this.presence.set(row);
    return ImageOutcome.stored;
  }
}

export function digestEdge(digest: RowDigest, value: number, dictionary: TextIndex | null, hash: TextHash): void {
  if (dictionary === null) {
    digest.double(value);
    return;
  }
  dictionary.hashOf(value, hash);
  digest.text(hash);
}

/** The 64 bits by which `distinct` tells values apart. */
export class DistinctKey {
  low = 0;
  high = 0;
  readonly #ofText: boolean;
  readonly #hash = new TextHash();

  constructor(ofText: boolean) {
    this.#ofText = ofText;
  }

  of(number: number, text: string): void {
    if (this.#ofText) {
      this.#hash.of(text);
      this.low = this.#hash.low >>> 0;
      this.high = this.#hash.high >>> 0;
    } else {
      const value = storable(number);
      this.low = lowBits(value);
      this.high = highBits(value);
    }
  }
}

export class AllTimeDistinct implements AggregateStore {
  readonly columns: readonly StoredColumn[] = [];
  readonly touchedValues = null;
  readonly ordinal: number;
  readonly #blocks: RowBlocks;
  readonly #sets: DistinctSets;
  readonly #key: DistinctKey;

  constructor(blocks: RowBlocks, ordinal: number, sets: DistinctSets, ofText: boolean) {
    this.ordinal = ordinal;
    this.#blocks = blocks;
    this.#sets = sets;
    this.#key = new DistinctKey(ofText);
  }

  observe(row: number, _time: number, _logTime: number, number: number, text: string): boolean {
    this.#key.of(number, text);
    const held = this.#blocks.get(row, this.ordinal);
    if (held === 0) return this.#begin(row);
    const set = this.#sets.add(held, this.#key.low, this.#key.high);
    if (set === 0) return false;
    if (set !== held) this.#blocks.replace(row, this.ordinal, set);
    return true;
  }
  read(row: number, slot: number, _logTime: number, into: ProfileFrame): void {
    const set = this.#blocks.get(row, this.ordinal);
    readNumber(into, slot, set === 0 ? 0 : this.#sets.size(set));
  }
  clear(): void {}
  digest(name: TextHash, _logTime: number, digest: RowDigest): void {
    digest.eachWithBlocks((row) => {
      const set = this.#blocks.get(row, this.ordinal);
      if (set === 0) return;
      digest.beginField(name);
      this.#sets.digest(set, digest);
      digest.endField();
    });
  }
  writeImage(row: number, _logTime: number, writer: ByteWriter): boolean {
    const set = this.#blocks.get(row, this.ordinal);
    if (set === 0) return false;
    this.#sets.write(set, writer);
    return true;
  }
  readImage(row: number, _logTime: number, reader: ByteReader): ImageOutcome {
    if (this.#blocks.get(row, this.ordinal) !== 0) return ImageOutcome.malformed;
    const set = this.#sets.read(reader);
    if (typeof set === 'string') return ImageOutcome[set];
    if (set === 0) return ImageOutcome.malformed;
    if (this.#blocks.add(row, this.ordinal, set)) return ImageOutcome.stored;
    this.#blocks.heap.free(set);
    return ImageOutcome.full;
  }

  /** The first value: a new set has room for one. */
  #begin(row: number): boolean {
    const set = this.#sets.create();
    if (set === 0) return false;
    this.#sets.add(set, this.#key.low, this.#key.high);
    if (this.#blocks.add(row, this.ordinal, set)) return true;
    this.#blocks.heap.free(set);
    return false;
  }
}
