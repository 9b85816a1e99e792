/**
 * One partition's memory: a shared WebAssembly.Memory of fixed size, reserved at once and resident only where it was
 * touched. Capacity is reserved, never grown, so that every view over it stays fixed (length-tracking views are many
 * times slower) and no operation ever pauses to move what is there.
 *
 *   | keys of customers | dictionary | references to blocks | consents | event ids | block heap | scans | columns … |
 *
 * Everything before the columns has a size that follows from StateLimits. The rest is divided into *strips* of one
 * bit per row: a bitmap takes one, a column of 32-bit values 32, one of doubles 64. A column's place is a strip
 * number, which does not depend on the number of rows: a snapshot records it, so that a restored partition runs out
 * of room at the same record as the one that went on.
 */
import {
  BLOCK_SPARE_BYTES_MAX,
  COLUMN_STRIPS_MAX,
  CONSENT_CHANNELS_MAX,
  CUSTOMER_ID_BYTES_RESERVED,
  ID_BYTES_MAX,
  PARTITION_MEMORY_BYTES_MAX,
  SCAN_AHEAD_BYTES,
  SCAN_SCRATCH_BYTES,
} from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { entryOffsetsBytes } from './entry-offsets.ts';
import { rememberedDecisionsBytes } from './remembered-decisions.ts';

/** Capacities of a partition, fixed when its data is created and recorded with it. */
export interface StateLimits {
  readonly customersMax: number;
  readonly dictionaryEntriesMax: number;
  /** Bytes of all dictionary strings together (one or two per UTF-16 unit, and a length). */
  readonly dictionaryBytesMax: number;
  /** Bytes for windows, contacts, lists and distinct sets in use. */
  readonly blockBytesMax: number;
  readonly eventIdsMax: number;
}

const PAGE_BYTES = 65_536;

/** Columns and regions begin at cache lines: a vector that lies across two of them costs two accesses. */
const LINE_BYTES = 64;

/** Rows of every column: the customers and the anonymous row, so many that a strip is whole cache lines. */
export function rowsFor(limits: StateLimits): number {
  return aligned(limits.customersMax + 1, LINE_BYTES * 8);
}

function aligned(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** Slots of an open-addressing table for this many entries: a power of two, at most 70 % full. */
export function tableSlotsFor(entries: number): number {
  let slots = 16;
  while (slots * 0.7 < entries) slots *= 2;
  return slots;
}

function fixedBytes(limits: StateLimits): number {
  const rows = rowsFor(limits);
  const keys = textIndexBytes(limits.customersMax, keyBytesFor(limits));
  const { dictionaryEntriesMax, dictionaryBytesMax } = limits;
  const dictionary = textIndexBytes(dictionaryEntriesMax, dictionaryBytesMax) + dictionaryEntriesMax * 8;
  const consents = (rows / 4) * CONSENT_CHANNELS_MAX;
  const { eventIdsMax } = limits;
  const eventIds = eventIdsMax * 16 + tableSlotsFor(eventIdsMax) * 4 + rememberedDecisionsBytes(eventIdsMax);
  const blocks = blockRegionBytes(limits.blockBytesMax);
  const regions = 22;
  return keys + dictionary + rows * 4 + consents + eventIds + blocks + SCAN_SCRATCH_BYTES + regions * LINE_BYTES;
}

/** Address space for blocks of which `bytesMax` may be in use. */
export function blockRegionBytes(bytesMax: number): number {
  return bytesMax + Math.min(bytesMax * 3, BLOCK_SPARE_BYTES_MAX);
}

/** Bytes for customer ids; for a few customers as many as the longest ids take. */
export function keyBytesFor(limits: StateLimits): number {
  return Math.max(
    limits.customersMax * CUSTOMER_ID_BYTES_RESERVED,
    Math.min(limits.customersMax, 1024) * 2 * ID_BYTES_MAX,
  );
}

function textIndexBytes(entries: number, bytes: number): number {
  return entryOffsetsBytes(entries) + bytes + tableSlotsFor(entries) * 4 + 24;
}

/** Strips that fit beside the fixed parts: bits that columns may take for each customer. */
export function columnStrips(limits: StateLimits): number {
  const stripBytes = rowsFor(limits) / 8;
  const left = PARTITION_MEMORY_BYTES_MAX - fixedBytes(limits) - PAGE_BYTES;
  return Math.min(COLUMN_STRIPS_MAX, Math.floor(left / stripBytes));
}

/**
 * Reserves a partition's memory: all of it at once, none of it resident. Limits that do not fit 4 GiB are a
 * programmer's error: check them with `limitsError` first.
 */
export function reserveMemory(limits: StateLimits): WebAssembly.Memory {
  const error = limitsError(limits);
  assert(error === null, error ?? '');
  const bytes = fixedBytes(limits) + columnStrips(limits) * (rowsFor(limits) / 8);
  // Scans read ahead of the last column, too.
  const pages = Math.ceil((bytes + 2 * SCAN_AHEAD_BYTES) / PAGE_BYTES);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** Why these limits cannot be served, or null. */
export function limitsError(limits: StateLimits): string | null {
  for (const [name, value] of Object.entries(limits) as [string, number][]) {
    if (!Number.isSafeInteger(value) || value < 1) return `${name} must be a positive integer, got ${value}`;
  }
  const strips = columnStrips(limits);
  if (strips < 64) {
    return `a partition of ${limits.customersMax} customers does not fit 4 GiB with these limits: lower them or use more partitions`;
  }
  return null;
}

/** Hands out fixed regions one after another, then the strips. */
export class Arena {
  readonly buffer: ArrayBufferLike;
  readonly rows: number;
  /** Strips in the column region, and the bytes of each. */
  readonly strips: number;
  readonly stripBytes: number;
  #next = 0;

  constructor(memory: WebAssembly.Memory, limits: StateLimits) {
    this.buffer = memory.buffer;
    this.rows = rowsFor(limits);
    this.strips = columnStrips(limits);
    this.stripBytes = this.rows / 8;
    const need = fixedBytes(limits) + this.strips * this.stripBytes;
    assert(
      this.buffer.byteLength >= need,
      `memory of ${this.buffer.byteLength} bytes was not reserved for these limits (${need})`,
    );
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(this.buffer, this.#take(count), count);
  }
  words(count: number): Uint32Array {
    return new Uint32Array(this.buffer, this.#take(count * 4), count);
  }
  ints(count: number): Int32Array {
    return new Int32Array(this.buffer, this.#take(count * 4), count);
  }
  doubles(count: number): Float64Array {
    return new Float64Array(this.buffer, this.#take(count * 8), count);
  }
  /** The offset of a region of `count` bytes, for several views over it. */
  region(count: number): number {
    return this.#take(count);
  }
  /** The columns, after which nothing can be taken. Returns the offset of strip 0. */
  columns(): number {
    return this.#take(this.strips * this.stripBytes);
  }

  #take(count: number): number {
    const at = this.#next;
    this.#next = aligned(at + count, LINE_BYTES);
    assert(this.#next <= this.buffer.byteLength, 'regions exceed the reserved memory');
    return at;
  }
}
