/**
 * Strings ↔ dense numbers 0, 1, 2 …: the customers' keys and the dictionary are both this. Append-only: an entry
 * never moves and never goes, so a snapshot needs no more than the number of entries at its beginning.
 *
 * Bytes of an entry: its length in UTF-16 units × 2, plus 1 if any unit exceeds 0xff, as a base-128 varint (low bits
 * first); then one byte per unit, or two (little-endian). That keeps every JavaScript string exactly, lone surrogates
 * too, and costs 13 bytes for a 12-character id.
 *
 * The table is open addressing with linear probing over pairs of words: entry + 1 (0: empty) and the high half of the
 * 64-bit hash, whose low half chose the slot. It has its full size from the start, so that no insert ever pauses to
 * move entries. The strings themselves are compared only when all 64 bits agree in effect.
 */
import { assert } from '../stdx/assert.ts';
import type { Arena } from './arena.ts';
import { tableSlotsFor } from './arena.ts';
import { TextHash } from './text-hash.ts';

/** Longer strings are decoded at every reading, so that the cache cannot hold a gigabyte. */
const CACHED_LENGTH_MAX = 256;

export class TextIndex {
  count = 0;
  /** Bytes of the store in use. */
  byteLength = 0;
  readonly #offsets: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #table: Uint32Array;
  readonly #mask: number;
  readonly #hash = new TextHash();
  /** The hash of each entry, two words; empty if they are not kept. */
  readonly #hashes: Uint32Array;
  /**
   * Strings kept on the JavaScript heap so that reading an entry twice does not decode it twice; direct-mapped, so
   * bounded.
   */
  readonly #cacheEntry: Int32Array;
  readonly #cacheText: string[];

  /**
   * `cached`: how many decoded strings are kept, a power of two. `hashed`: whether each entry's hash is kept (8
   * bytes), for entries that many rows refer to.
   */
  constructor(arena: Arena, entriesMax: number, bytesMax: number, cached: number, hashed: boolean) {
    assert((cached & (cached - 1)) === 0, 'the cache must have a power of two of places');
    this.#cacheEntry = new Int32Array(cached).fill(-1);
    this.#cacheText = new Array<string>(cached).fill('');
    this.#offsets = arena.words(entriesMax);
    this.#bytes = arena.bytes(bytesMax);
    this.#hashes = arena.words(hashed ? entriesMax * 2 : 0);
    const slots = tableSlotsFor(entriesMax);
    this.#table = arena.words(slots * 2);
    this.#mask = slots - 1;
  }

  /** The entry that equals `text`, or -1. */
  find(text: string): number {
    this.#hash.of(text);
    return this.#probe(text);
  }

  /** The entry that equals `text`, appended if new; -1 when entries or bytes are used up (nothing changed then). */
  intern(text: string): number {
    this.#hash.of(text);
    const found = this.#probe(text);
    if (found >= 0) return found;
    const wide = isWide(text);
    const header = text.length * 2 + (wide ? 1 : 0);
    const size = varintLength(header) + (wide ? text.length * 2 : text.length);
    if (this.count === this.#offsets.length || this.byteLength + size > this.#bytes.length) return -1;
    const entry = this.count++;
    this.#offsets[entry] = this.byteLength;
    this.#write(text, header, wide);
    this.#insert(entry);
    return entry;
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
    if (this.#hashes.length === 0) {
      this.#hashStored(entry, hash);
    } else {
      hash.low = this.#hashes[entry * 2] as number;
      hash.high = this.#hashes[entry * 2 + 1] as number;
    }
  }

  #hashStored(entry: number, hash: TextHash): void {
    const header = readVarint(this.#bytes, this.#offsets[entry] as number);
    const start = (this.#offsets[entry] as number) + varintLength(header);
    hash.begin();
    hash.addStored(this.#bytes, start, header >>> 1, (header & 1) === 1);
    hash.end();
  }

  /** Entries from … to − 1 as they are stored, a view; `from` and `to` as in `slice`. */
  stored(from: number, to: number): Uint8Array {
    assert(from <= to && to <= this.count, 'TextIndex.stored: out of range');
    return this.#bytes.subarray(this.#offsetOf(from), this.#offsetOf(to));
  }

  /** Appends `count` entries as `stored` gave them, without indexing: call `rebuild` after the last. */
  restore(bytes: Uint8Array, count: number): void {
    assert(this.count + count <= this.#offsets.length, 'snapshot has more strings than the limits allow');
    assert(this.byteLength + bytes.length <= this.#bytes.length, 'snapshot has longer strings than the limits allow');
    const start = this.byteLength;
    this.#bytes.set(bytes, start);
    let at = start;
    for (let i = 0; i < count; i++) {
      this.#offsets[this.count++] = at;
      at = this.#skip(at);
    }
    assert(at === start + bytes.length, 'string section does not hold what it says');
    this.byteLength = at;
  }

  rebuild(): void {
    for (let entry = 0; entry < this.count; entry++) {
      this.#hashStored(entry, this.#hash);
      this.#insert(entry);
    }
  }

  /**
   * Bytes touched so far, for the metric: the table's pages are touched at random, so they count once an entry per
   * page is likely.
   */
  get touchedBytes(): number {
    return (
      this.count * (this.#hashes.length > 0 ? 12 : 4) +
      this.byteLength +
      Math.min(this.#table.byteLength, this.count * 4096)
    );
  }

  /** Looks for `text`, whose hash is in #hash. */
  #probe(text: string): number {
    const table = this.#table;
    const { low, high } = this.#hash;
    for (let slot = low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const stored = table[slot * 2] as number;
      if (stored === 0) return -1;
      if (table[slot * 2 + 1] === high && this.#equals(stored - 1, text)) return stored - 1;
    }
  }

  /** Puts an entry, whose hash is in #hash, into the first empty slot of its chain. */
  #insert(entry: number): void {
    const table = this.#table;
    const { low, high } = this.#hash;
    if (this.#hashes.length > 0) {
      this.#hashes[entry * 2] = low;
      this.#hashes[entry * 2 + 1] = high;
    }
    let slot = low & this.#mask;
    while (table[slot * 2] !== 0) slot = (slot + 1) & this.#mask;
    table[slot * 2] = entry + 1;
    table[slot * 2 + 1] = high;
  }

  #equals(entry: number, text: string): boolean {
    const bytes = this.#bytes;
    let at = this.#offsets[entry] as number;
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

  #write(text: string, header: number, wide: boolean): void {
    const bytes = this.#bytes;
    let at = this.byteLength;
    let rest = header;
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      bytes[at++] = unit;
      if (wide) bytes[at++] = unit >>> 8;
    }
    this.byteLength = at;
  }

  #decode(entry: number): string {
    const bytes = this.#bytes;
    let at = this.#offsets[entry] as number;
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

  #skip(at: number): number {
    const header = readVarint(this.#bytes, at);
    const length = header >>> 1;
    return at + varintLength(header) + ((header & 1) === 1 ? length * 2 : length);
  }

  #offsetOf(entry: number): number {
    return entry === this.count ? this.byteLength : (this.#offsets[entry] as number);
  }
}

function isWide(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return true;
  return false;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) length++;
  return length;
}

function readVarint(bytes: Uint8Array, start: number): number {
  let value = 0;
  let shift = 0;
  for (let at = start; ; at++) {
    const byte = bytes[at] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
    shift += 7;
  }
}
