/**
 * What an aggregate's memory can do, whichever function and window it has. One implementation per shape, chosen when
 * the layout is adopted.
 */
import type { ProfileFrame } from '../protocol/frame.ts';
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import type { ImageOutcome } from './aggregate-image.ts';
import type { BucketRing } from './bucket-ring.ts';
import type { StoredColumn } from './column.ts';
import type { RowDigest } from './row-digest.ts';
import type { SlotReader } from './slot-reader.ts';
import type { TextHash } from './text-hash.ts';

export interface AggregateStore extends SlotReader {
  /** In the order in which they were placed. */
  readonly columns: readonly StoredColumn[];
  /** Where its blocks are, see row-blocks.ts; -1: it has none. */
  readonly ordinal: number;
  /**
   * Folds one observation made at event time `time` (never later than logTime). Values: `number` for bool, int,
   * double and timestamp, `text` for string. false: the heap or the dictionary is full, and no read finds anything
   * changed.
   */
  observe(row: number, time: number, logTime: number, number: number, text: string): boolean;
  /** Back to no observations. Its blocks are released by the caller. */
  clear(row: number): void;
  /** Adds a field to each row of the group that has observations within reach at logTime. */
  digest(name: TextHash, logTime: number, digest: RowDigest): void;
  /** Writes the row's image (aggregate-image.ts). false: there are no observations within reach at logTime, and nothing was written. */
  writeImage(row: number, logTime: number, writer: ByteWriter): boolean;
  /** Takes over an image, into a row without observations. Unless it is stored, the row's content is of no use. */
  readImage(row: number, logTime: number, reader: ByteReader): ImageOutcome;
}

/** Of a window: callers that observe many of the same window and resolution find the bucket once. */
export interface WindowStore extends AggregateStore {
  readonly ring: BucketRing;
  /** As `observe`, into a bucket that is live: `bucket` and `oldest` are ring.bucketOf(time) and ring.oldestLive. */
  observeIn(row: number, bucket: number, oldest: number, time: number, number: number, text: string): boolean;
}

export function readNumber(into: ProfileFrame, slot: number, value: number): void {
  into.number[slot] = value;
  into.present[slot] = 1;
}

export function readNothing(into: ProfileFrame, slot: number): void {
  into.number[slot] = 0;
  into.text[slot] = '';
  into.code[slot] = -1;
  into.present[slot] = 0;
}

export function readText(into: ProfileFrame, slot: number, code: number, text: string): void {
  into.text[slot] = text;
  into.code[slot] = code;
  into.present[slot] = 1;
}
