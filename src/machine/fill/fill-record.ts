/**
 * Records of kind `fill`: what new aggregates would hold had they been there all along, found out from history and written into the log, so that replay needs nothing but the log.
 *
 * Bytes, little-endian: u8 step, text id of the filling, then
 *
 *   begin    text: JSON {version, aggregates}: the version that must be active, and the aggregates compiled over it; their slots mean nothing
 *   images   u32 number of this record, 0, 1, 2 …; to its end customers: text id, and the images of their aggregates (state/aggregate-images.ts; indices into `aggregates`)
 *   end      u32 how many records of images there were; again until the filling is filled
 *   cancel   nothing: what was filled is dropped
 */
import { AGGREGATES_MAX } from '../../constants.ts';
import { ByteReader, ByteWriter } from '../../stdx/bytes.ts';
import type { Aggregate } from '../../workspace/workspace.ts';

export const FillStep = { begin: 1, images: 2, end: 3, cancel: 4 } as const;
export type FillStep = (typeof FillStep)[keyof typeof FillStep];

export interface FillBegin {
  readonly version: number;
  readonly aggregates: readonly Aggregate[];
}

export function encodeBegin(id: string, begin: FillBegin): Uint8Array {
  const writer = head(FillStep.begin, id);
  writer.text(JSON.stringify(begin));
  return writer.copy();
}

/** The rest of a begin record. Throws RangeError, TypeError or SyntaxError on what is none; what is wrong with programs and windows is found where they are compiled. */
export function readBegin(rest: ByteReader): FillBegin {
  const { version, aggregates } = JSON.parse(rest.text()) as FillBegin;
  const names = new Set(aggregates.map(({ name }) => name));
  const named = aggregates.every(({ name, signature }) => typeof name === 'string' && typeof signature === 'string');
  // An image names them by a byte, and each column has one name.
  if (!named || names.size < aggregates.length || aggregates.length > AGGREGATES_MAX)
    throw new TypeError('aggregates have names of their own');
  return { version, aggregates };
}

export function encodeEnd(id: string, imageRecords: number): Uint8Array {
  const writer = head(FillStep.end, id);
  writer.u32(imageRecords);
  return writer.copy();
}

export function encodeCancel(id: string): Uint8Array {
  return head(FillStep.cancel, id).copy();
}

/** Puts customers into records of images, each of at most `bytesMax` unless a single customer takes more. */
export class ImageRecords {
  readonly records: Uint8Array[] = [];
  /** Of all that are complete, and of the longest. */
  bytes = 0;
  longest = 0;
  readonly #id: string;
  readonly #bytesMax: number;
  #writer: ByteWriter;
  #emptyLength: number;

  constructor(id: string, bytesMax: number) {
    this.#id = id;
    this.#bytesMax = bytesMax;
    this.#writer = this.#begin();
    this.#emptyLength = this.#writer.length;
  }

  /** `writeImages` says whether there is anything. */
  add(customer: string, writeImages: (writer: ByteWriter) => boolean): void {
    const start = this.#writer.length;
    this.#writer.text(customer);
    if (!writeImages(this.#writer)) {
      this.#writer.length = start;
      return;
    }
    if (this.#writer.length <= this.#bytesMax || start === this.#emptyLength) return;
    const own = this.#writer.bytes().slice(start);
    this.#writer.length = start;
    this.finish();
    this.#writer.raw(own);
  }

  /** The record that is being written is complete, unless it is empty. */
  finish(): void {
    if (this.#writer.length === this.#emptyLength) return;
    const record = this.#writer.copy();
    this.records.push(record);
    this.bytes += record.length;
    this.longest = Math.max(this.longest, record.length);
    this.#writer = this.#begin();
    this.#emptyLength = this.#writer.length;
  }

  #begin(): ByteWriter {
    const writer = head(FillStep.images, this.#id);
    writer.u32(this.records.length);
    return writer;
  }
}

/** Throws RangeError or TypeError on bytes that are none; what follows is the reader's rest. */
export function readFillRecord(payload: Uint8Array): {
  readonly step: number;
  readonly id: string;
  readonly rest: ByteReader;
} {
  const rest = new ByteReader(payload);
  const step = rest.u8();
  return { step, id: rest.text(), rest };
}

function head(step: FillStep, id: string): ByteWriter {
  const writer = new ByteWriter(1024);
  writer.u8(step);
  writer.text(id);
  return writer;
}
