/**
 * Strings ↔ dense numbers 0, 1, 2 …: the customers' keys and the dictionary are both this. Append-only: an entry
 * never moves and never goes, so a snapshot needs no more than the number of entries at its beginning.
 *
 * Bytes of an entry: its length in UTF-16 units × 2, plus 1 if any unit exceeds 0xff, as a base-128 varint (low bits
 * first); then one byte per unit, or two (little-endian). That keeps every JavaScript string exactly, lone surrogates
 * too, and costs 13 bytes for a 12-character id.
 *
 * The table is open addressing with linear probing. A slot is one word, 0 when empty: entry + 1 in as many bits as the
 * entries need, and in the others, nine at least (CUSTOMERS_PER_PARTITION_MAX), a tag of the hash's high half; the low
 * half chose the slot. So a string is compared in vain once in hundreds of searches, and a million customers' table is
 * 8 MB. It has its full size from the start, so that no insert ever pauses to move entries.
 *
 * A search meets two cold places one after the other: the table's slot, and the entry's bytes. A batch (`findBatch`)
 * visits the slots of all its strings before any bytes, and these before it compares any, so that the visits overlap.
 */
import { assert } from '../stdx/assert.ts';
import type { Arena } from './arena.ts';
import { tableSlotsFor } from './arena.ts';
import { EntryOffsets, entryLength, readVarint, varintLength } from './entry-offsets.ts';
import { TextHash } from './text-hash.ts';

/** Strings of one round of a batch: enough to keep every miss a processor can have under way busy. */
const BATCH_MAX = 64;

/** Longer strings are decoded at every reading, so that the cache cannot hold a gigabyte. */
const CACHED_LENGTH_MAX = 256;

export class TextIndex {
  count = 0;
  /** Bytes of the store in use. */
  byteLength = 0;
  readonly #entriesMax: number;
  readonly #offsets: EntryOffsets;
  readonly #bytes: Uint8Array;
  readonly #table: Int32Array;
  readonly #mask: number;
  /** Parts of a slot: entry + 1, and the bits of the hash's high half that are its tag. */
  readonly #entryMask: number;
  readonly #tagMask: number;
  readonly #hash = new TextHash();
  /** The hash of each entry, two words; empty if they are not kept. */
  readonly hashes: Int32Array;
  /**
   * Strings kept on the JavaScript heap so that reading an entry twice does not decode it twice; direct-mapped, so
   * bounded.
   */
  readonly #cacheEntry: Int32Array;
  readonly #cacheText: string[];
  /** Of the batch under way: the hashes, and where the bytes of the entries found by them begin. */
  readonly #batchLow = new Int32Array(BATCH_MAX);
  readonly #batchHigh = new Int32Array(BATCH_MAX);
  readonly #batchOffsets = new Uint32Array(BATCH_MAX);
  /** What was loaded only to be near. A load whose result goes nowhere would be left out. */
  touched = 0;

  /**
   * `cached`: how many decoded strings are kept, a power of two. `hashed`: whether each entry's hash is kept (8
   * bytes), for entries that many rows refer to.
   */
  constructor(arena: Arena, entriesMax: number, bytesMax: number, cached: number, hashed: boolean) {
    assert((cached & (cached - 1)) === 0, 'the cache must have a power of two of places');
    this.#cacheEntry = new Int32Array(cached).fill(-1);
    this.#cacheText = new Array<string>(cached).fill('');
    this.#entriesMax = entriesMax;
    this.#bytes = arena.bytes(bytesMax);
    this.#offsets = new EntryOffsets(arena, entriesMax, this.#bytes);
    this.hashes = arena.ints(hashed ? entriesMax * 2 : 0);
    const slots = tableSlotsFor(entriesMax);
    this.#table = arena.ints(slots);
    this.#mask = slots - 1;
    const entryBits = 32 - Math.clz32(entriesMax);
    assert(entryBits < 32, 'more strings than a slot can name');
    this.#entryMask = 2 ** entryBits - 1;
    this.#tagMask = ~this.#entryMask;
  }

  /** The entry that equals `text`, or -1. */
  find(text: string): number {
    this.#hash.of(text);
    return this.#probe(text);
  }

  /** The entry that equals the ASCII string in bytes start … end - 1, or -1. */
  findBytes(bytes: Uint8Array, start: number, end: number): number {
    this.#hash.ofBytes(bytes, start, end);
    return this.#probeBytes(bytes, start, end);
  }

  /**
   * `findBytes` of string i from starts[i] to ends[i], for i < count, as entries[i] = found + `shift`; -1 if there is
   * none. An empty string is not looked for and gives 0.
   */
  findBatch(
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    count: number,
    entries: Int32Array,
    shift: number,
  ): void {
    for (let from = 0; from < count; from += BATCH_MAX) {
      const to = Math.min(count, from + BATCH_MAX);
      this.#touchSlots(bytes, starts, ends, from, to);
      this.#touchEntries(from, to, entries);
      for (let i = from; i < to; i++) {
        const start = starts[i] as number;
        const end = ends[i] as number;
        if (start === end) {
          entries[i] = 0;
          continue;
        }
        let entry = entries[i] as number;
        const at = this.#batchOffsets[i - from] as number;
        if (entry >= 0 && !this.#equalsAt(at, bytes, start, end)) entry = this.findBytes(bytes, start, end);
        entries[i] = entry < 0 ? -1 : entry + shift;
      }
    }
  }

  /** As `intern`, of the ASCII string in bytes start … end - 1. */
  internBytes(bytes: Uint8Array, start: number, end: number): number {
    this.#hash.ofBytes(bytes, start, end);
    const found = this.#probeBytes(bytes, start, end);
    if (found >= 0) return found;
    const header = (end - start) * 2;
    const size = varintLength(header) + end - start;
    if (!this.#hasRoom(size)) return -1;
    const entry = this.count++;
    this.#offsets.add(entry, this.byteLength, size);
    let at = this.#writeHeader(header);
    for (let i = start; i < end; i++) this.#bytes[at++] = bytes[i] as number;
    this.byteLength = at;
    this.#insert(entry);
    return entry;
  }

  /** The entry that equals `text`, appended if new; -1 when entries or bytes are used up (nothing changed then). */
  intern(text: string): number {
    this.#hash.of(text);
    const found = this.#probe(text);
    if (found >= 0) return found;
    const wide = isWide(text);
    const header = text.length * 2 + (wide ? 1 : 0);
    const size = varintLength(header) + (wide ? text.length * 2 : text.length);
    if (!this.#hasRoom(size)) return -1;
    const entry = this.count++;
    this.#offsets.add(entry, this.byteLength, size);
    this.#write(text, header, wide);
    this.#insert(entry);
    return entry;
  }

  /** Whether `intern` would find the text, or a place for it. */
  hasRoomFor(text: string): boolean {
    this.#hash.of(text);
    if (this.#probe(text) >= 0) return true;
    const length = isWide(text) ? text.length * 2 : text.length;
    return this.#hasRoom(varintLength(text.length * 2 + 1) + length);
  }

  /** Whether `intern` would find the text, or a place for it in the first three quarters: what is not for customers' sake stops there. */
  hasSpareFor(text: string): boolean {
    const isNearlyFull = this.count * 4 > this.#entriesMax * 3 || this.byteLength * 4 > this.#bytes.length * 3;
    return !isNearlyFull || this.find(text) >= 0;
  }

  textOf(entry: number): string {
    const slot = entry & (this.#cacheEntry.length - 1);
    if (this.#cacheEntry[slot] === entry) return this.#cacheText[slot] as string;
    const text = this.#decode(entry);
    if (text.length <= CACHED_LENGTH_MAX) {
      this.#cacheEntry[slot] = entry;
      this.#cacheText[slot] = text;
    }
    return text;
  }

  /** The 64-bit hash of an entry's content, into `hash`. */
  hashOf(entry: number, hash: TextHash): void {
    if (this.hashes.length === 0) {
      this.#hashStored(entry, hash);
    } else {
      hash.low = this.hashes[entry * 2] as number;
      hash.high = this.hashes[entry * 2 + 1] as number;
    }
  }

  #hashStored(entry: number, hash: TextHash): void {
    const offset = this.#offsets.of(entry);
    const header = readVarint(this.#bytes, offset);
    const start = offset + varintLength(header);
    hash.begin();
    const length = header >>> 1;
    if ((header & 1) === 0) hash.addBytes(this.#bytes, start, start + length);
    else hash.addWideBytes(this.#bytes, start, length);
    hash.end();
  }

  /** Entries from … to − 1 as they are stored, a view; `from` and `to` as in `slice`. */
  stored(from: number, to: number): Uint8Array {
    assert(from <= to && to <= this.count, 'TextIndex.stored: out of range');
    return this.#bytes.subarray(this.#offsetOf(from), this.#offsetOf(to));
  }

  /** Appends `count` entries as `stored` gave them, without indexing: call `rebuild` after the last. */
  restore(bytes: Uint8Array, count: number): void {
    assert(this.count + count <= this.#entriesMax, 'snapshot has more strings than the limits allow');
    assert(this.byteLength + bytes.length <= this.#bytes.length, 'snapshot has longer strings than the limits allow');
    const start = this.byteLength;
    this.#bytes.set(bytes, start);
    let at = start;
    for (let i = 0; i < count; i++) {
      const size = entryLength(this.#bytes, at);
      this.#offsets.add(this.count++, at, size);
      at += size;
    }
    assert(at === start + bytes.length, 'string section does not hold what it says');
    this.byteLength = at;
  }

  rebuild(): void {
    const hash = this.#hash;
    for (let from = 0; from < this.count; from += BATCH_MAX) {
      const end = Math.min(this.count, from + BATCH_MAX);
      let touched = 0;
      for (let entry = from; entry < end; entry++) {
        this.#hashStored(entry, hash);
        this.#batchLow[entry - from] = hash.low;
        this.#batchHigh[entry - from] = hash.high;
      }
      for (let i = 0; i < end - from; i++) touched ^= this.#table[(this.#batchLow[i] as number) & this.#mask] as number;
      this.touched = touched;
      for (let entry = from; entry < end; entry++) {
        hash.low = this.#batchLow[entry - from] as number;
        hash.high = this.#batchHigh[entry - from] as number;
        this.#insert(entry);
      }
    }
  }

  /**
   * Bytes touched so far, for the metric: the table's pages are touched at random, so they count once an entry per
   * page is likely.
   */
  get touchedBytes(): number {
    return (
      this.count * (this.hashes.length > 0 ? 8.5 : 0.5) +
      this.byteLength +
      Math.min(this.#table.byteLength, this.count * 4096)
    );
  }

  /** Looks for `text`, whose hash is in #hash. */
  #probe(text: string): number {
    const table = this.#table;
    const entryMask = this.#entryMask;
    const tagMask = this.#tagMask;
    const { low, high } = this.#hash;
    for (let slot = low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const stored = table[slot] as number;
      if (stored === 0) return -1;
      if (((stored ^ high) & tagMask) !== 0) continue;
      const entry = (stored & entryMask) - 1;
      if (this.#equals(entry, text)) return entry;
    }
  }

  #probeBytes(bytes: Uint8Array, start: number, end: number): number {
    const table = this.#table;
    const entryMask = this.#entryMask;
    const tagMask = this.#tagMask;
    const { low, high } = this.#hash;
    for (let slot = low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const stored = table[slot] as number;
      if (stored === 0) return -1;
      if (((stored ^ high) & tagMask) !== 0) continue;
      const entry = (stored & entryMask) - 1;
      if (this.#equalsBytes(entry, bytes, start, end)) return entry;
    }
  }

  /** Hashes a round of strings, and loads the first slot of each. */
  #touchSlots(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const lows = this.#batchLow;
    const highs = this.#batchHigh;
    const table = this.#table;
    const mask = this.#mask;
    const hash = this.#hash;
    let touched = 0;
    for (let i = from; i < to; i++) {
      hash.ofBytes(bytes, starts[i] as number, ends[i] as number);
      lows[i - from] = hash.low;
      highs[i - from] = hash.high;
    }
    for (let i = 0; i < to - from; i++) touched ^= table[(lows[i] as number) & mask] as number;
    this.touched = touched;
  }

  /** Finds the entries whose tags agree, -1 for none, and loads their beginnings: offsets first, then bytes. */
  #touchEntries(from: number, to: number, entries: Int32Array): void {
    const table = this.#table;
    const mask = this.#mask;
    const entryMask = this.#entryMask;
    const tagMask = this.#tagMask;
    const at = this.#batchOffsets;
    for (let i = from; i < to; i++) {
      const high = this.#batchHigh[i - from] as number;
      let slot = (this.#batchLow[i - from] as number) & mask;
      let stored = table[slot] as number;
      while (stored !== 0 && ((stored ^ high) & tagMask) !== 0) {
        slot = (slot + 1) & mask;
        stored = table[slot] as number;
      }
      entries[i] = (stored & entryMask) - 1;
    }
    for (let i = from; i < to; i++) at[i - from] = this.#offsets.of(Math.max(0, entries[i] as number));
    let touched = 0;
    for (let i = 0; i < to - from; i++) touched ^= this.#bytes[at[i] as number] as number;
    this.touched = touched;
  }

  /** Puts an entry, whose hash is in #hash, into the first empty slot of its chain. */
  #insert(entry: number): void {
    const table = this.#table;
    const { low, high } = this.#hash;
    if (this.hashes.length > 0) {
      this.hashes[entry * 2] = low;
      this.hashes[entry * 2 + 1] = high;
    }
    let slot = low & this.#mask;
    while (table[slot] !== 0) slot = (slot + 1) & this.#mask;
    table[slot] = (high & this.#tagMask) | (entry + 1);
  }

  #equals(entry: number, text: string): boolean {
    const bytes = this.#bytes;
    let at = this.#offsets.of(entry);
    let header = bytes[at++] as number;
    if (header >= 0x80) {
      header = readVarint(bytes, at - 1);
      at += varintLength(header) - 1;
    }
    const length = header >>> 1;
    if (length !== text.length) return false;
    if ((header & 1) === 0) {
      for (let i = 0; i < length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
      return true;
    }
    for (let i = 0; i < length; i++) {
      const unit = (bytes[at + i * 2] as number) | ((bytes[at + i * 2 + 1] as number) << 8);
      if (unit !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  #equalsBytes(entry: number, given: Uint8Array, start: number, end: number): boolean {
    return this.#equalsAt(this.#offsets.of(entry), given, start, end);
  }

  /** Whether the entry at this offset equals the ASCII string in given[start] … given[end - 1]. */
  #equalsAt(offset: number, given: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#bytes;
    const header = readVarint(bytes, offset);
    if (header !== (end - start) * 2) return false;
    let at = offset + (header < 0x80 ? 1 : varintLength(header));
    // They hardly ever differ: one question for four bytes.
    let differ = 0;
    let i = start;
    for (; i + 4 <= end; i += 4, at += 4) {
      differ |=
        ((bytes[at] as number) ^ (given[i] as number)) |
        ((bytes[at + 1] as number) ^ (given[i + 1] as number)) |
        ((bytes[at + 2] as number) ^ (given[i + 2] as number)) |
        ((bytes[at + 3] as number) ^ (given[i + 3] as number));
    }
    for (; i < end; i++) differ |= (bytes[at++] as number) ^ (given[i] as number);
    return differ === 0;
  }

  #hasRoom(size: number): boolean {
    return this.count < this.#entriesMax && this.byteLength + size <= this.#bytes.length;
  }

  /** Writes an entry's header; where its units go. */
  #writeHeader(header: number): number {
    const bytes = this.#bytes;
    let at = this.byteLength;
    let rest = header;
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    return at;
  }

  #write(text: string, header: number, wide: boolean): void {
    const bytes = this.#bytes;
    let at = this.#writeHeader(header);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      bytes[at++] = unit;
      if (wide) bytes[at++] = unit >>> 8;
    }
    this.byteLength = at;
  }

  #decode(entry: number): string {
    const bytes = this.#bytes;
    let at = this.#offsets.of(entry);
    const header = readVarint(bytes, at);
    at += varintLength(header);
    const wide = (header & 1) === 1;
    let text = '';
    for (let i = header >>> 1; i > 0; i--) {
      let unit = bytes[at++] as number;
      if (wide) unit |= (bytes[at++] as number) << 8;
      text += String.fromCharCode(unit);
    }
    return text;
  }

  #offsetOf(entry: number): number {
    return entry === this.count ? this.byteLength : this.#offsets.of(entry);
  }
}

function isWide(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return true;
  return false;
}
