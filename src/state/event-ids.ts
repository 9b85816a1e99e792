/**
 * The last `max` event ids of a partition, by customer (the row: rows never move), type and id, in a ring, oldest
 * forgotten first. What was decided for them is kept apart (remembered-decisions.ts). Of type and id 96 bits of hash are
 * kept: two different ids of one customer are taken for the same with a probability of about those remembered of
 * that customer / 2^96.
 *
 * An open-addressing table leads from a hash to its place in the ring. Its slots are one word, 0 when empty: the place
 * + 1 in as many bits as `max` needs; then how far the slot is from the hash's own (six bits where they are left, all
 * ones: at least so far); and a tag of hash bits in what remains. So neither a search for a new id nor the closing of
 * the gap behind a forgotten one (there are no tombstones and no rebuilds) has to look into the ring, whose entries
 * are in no cache.
 *
 * Entry n (counted from 0 over the partition's life) lives at place n mod max. In a snapshot: runs of f64 first n,
 * u32 how many, then of each u32 row and 12 bytes of hash, then their decisions.
 */
import { assert } from '../stdx/assert.ts';
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import { type Arena, tableSlotsFor } from './arena.ts';
import { IdHash, type IdSeed } from './id-hash.ts';
import { RememberedDecisions } from './remembered-decisions.ts';

const KEY_BYTES = 16;

const DISTANCE_BITS_MAX = 6;

/** Entries whose slots are loaded together when the table is built. */
const REBUILD_BATCH = 64;

export class EventIds {
  readonly max: number;
  /** Entries ever remembered. */
  total = 0;
  /** By place: row, and the three words of the hash. */
  readonly #keys: Int32Array;
  readonly #keyBytes: Uint8Array;
  readonly #decisions: RememberedDecisions;
  readonly #table: Int32Array;
  readonly #mask: number;
  /** Parts of a slot. */
  readonly #placeMask: number;
  readonly #distanceShift: number;
  /** Stands for this distance and all greater ones. */
  readonly #distanceMax: number;
  readonly #tagMask: number;
  readonly #hash = new IdHash();
  /** Hashes of the ids that `prepare` was given, three words each. */
  #prepared = new Int32Array(0);
  /** Entries before this one were not in the snapshot that this partition was restored from. */
  #restoredFrom = 0;
  /** What was loaded only to be near. */
  touched = 0;

  constructor(arena: Arena, max: number) {
    this.max = max;
    this.#keys = arena.ints(max * 4);
    this.#keyBytes = new Uint8Array(this.#keys.buffer, this.#keys.byteOffset, this.#keys.byteLength);
    this.#decisions = new RememberedDecisions(arena, max);
    const slots = tableSlotsFor(max);
    this.#table = arena.ints(slots);
    this.#mask = slots - 1;
    assert(max < 2 ** 31, 'more event ids than a slot can name');
    const placeBits = 32 - Math.clz32(max);
    const distanceBits = Math.min(DISTANCE_BITS_MAX, 32 - placeBits);
    this.#placeMask = (2 ** placeBits - 1) | 0;
    this.#distanceShift = placeBits;
    this.#distanceMax = (1 << distanceBits) - 1;
    const tagShift = placeBits + distanceBits;
    this.#tagMask = tagShift === 32 ? 0 : -1 << tagShift;
  }

  get oldest(): number {
    return Math.max(0, this.total - this.max);
  }
  get touchedBytes(): number {
    const keys = Math.min(this.total, this.max) * KEY_BYTES;
    return keys + Math.min(this.#table.byteLength, this.total * 4096) + this.#decisions.touchedBytes;
  }

  /** The place of an id in memory, or -1. */
  find(row: number, seed: IdSeed, id: string): number {
    const hash = this.#hash;
    hash.of(seed, id);
    return this.#find(row, hash.first, hash.second, hash.third);
  }

  /** 0 where there were none. */
  firstDecision(place: number): number {
    return this.#decisions.firstOf(this.#entryAt(place));
  }
  decisionCount(place: number): number {
    return this.#decisions.countOf(this.#entryAt(place));
  }

  /** Remembers an id that is not remembered yet; forgets the oldest if there are `max`. */
  add(row: number, seed: IdSeed, id: string, firstDecision: number, decisionCount: number): void {
    const hash = this.#hash;
    hash.of(seed, id);
    this.#add(row, hash.first, hash.second, hash.third, firstDecision, decisionCount);
  }

  /**
   * Hashes the ASCII ids of a batch, starts[i] to ends[i] with seeds[i], for `findPrepared` and `addPrepared`, and
   * loads what these will need, all at once: the slots of the ids, and of those that will be forgotten. rows[i] -1: not
   * known yet.
   */
  prepare(
    rows: Int32Array,
    seeds: readonly IdSeed[],
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    count: number,
  ): void {
    if (this.#prepared.length < count * 3) this.#prepared = new Int32Array(count * 3);
    const prepared = this.#prepared;
    const hash = this.#hash;
    for (let i = 0; i < count; i++) {
      hash.ofBytes(seeds[i] as IdSeed, bytes, starts[i] as number, ends[i] as number);
      prepared[i * 3] = hash.first;
      prepared[i * 3 + 1] = hash.second;
      prepared[i * 3 + 2] = hash.third;
    }
    let touched = 0;
    for (let i = 0; i < count; i++)
      touched ^= this.#table[this.#home(rows[i] as number, prepared[i * 3] as number)] as number;
    if (this.total + count > this.max) {
      let place = this.total % this.max;
      for (let i = 0; i < count; i++) {
        touched ^= this.#table[this.#homeOf(place)] as number;
        place = place + 1 === this.max ? 0 : place + 1;
      }
    }
    this.touched = touched;
  }

  /** `find` of id `index` of the last `prepare`. */
  findPrepared(index: number, row: number): number {
    const at = index * 3;
    const prepared = this.#prepared;
    return this.#find(row, prepared[at] as number, prepared[at + 1] as number, prepared[at + 2] as number);
  }

  addPrepared(index: number, row: number, firstDecision: number, decisionCount: number): void {
    const at = index * 3;
    const prepared = this.#prepared;
    const second = prepared[at + 1] as number;
    const third = prepared[at + 2] as number;
    this.#add(row, prepared[at] as number, second, third, firstDecision, decisionCount);
  }

  /** Writes entries first … end - 1, which must be remembered still. */
  writeRun(writer: ByteWriter, first: number, end: number): void {
    writer.f64(first);
    writer.u32(end - first);
    this.#eachPiece(first, end, (offset, length) => writer.raw(this.#keyBytes.subarray(offset, offset + length)));
    this.#decisions.writeRun(writer, first, end);
  }

  readRun(reader: ByteReader): void {
    const first = reader.f64();
    const count = reader.u32();
    this.#eachPiece(first, first + count, (offset, length) => this.#keyBytes.set(reader.raw(length), offset));
    this.#decisions.readRun(reader, first);
  }

  /** The keys of entries first … end - 1 are one piece of the ring, or two around its end. */
  #eachPiece(first: number, end: number, take: (offset: number, length: number) => void): void {
    for (let n = first; n < end; ) {
      const place = n % this.max;
      const count = Math.min(end - n, this.max - place);
      take(place * KEY_BYTES, count * KEY_BYTES);
      n += count;
    }
  }

  /**
   * Builds the table after the last run was read and `total` set; `oldest` is the first entry that the snapshot held.
   */
  rebuild(oldest: number): void {
    assert(this.total - oldest <= this.max, 'snapshot remembers more event ids than the limits allow');
    let touched = 0;
    for (let from = oldest; from < this.total; from += REBUILD_BATCH) {
      const end = Math.min(this.total, from + REBUILD_BATCH);
      for (let n = from; n < end; n++) touched ^= this.#table[this.#homeOf(n % this.max)] as number;
      for (let n = from; n < end; n++) this.#insert(n % this.max);
    }
    this.touched = touched;
    this.#restoredFrom = oldest;
  }

  get oldestHeld(): number {
    return Math.max(this.oldest, this.#restoredFrom);
  }

  #find(row: number, first: number, second: number, third: number): number {
    const table = this.#table;
    const mask = this.#mask;
    const placeMask = this.#placeMask;
    const distanceMax = this.#distanceMax;
    const step = 1 << this.#distanceShift;
    // What a slot of this id holds beside the place, at each distance from its own.
    let marks = second & this.#tagMask;
    let slot = this.#home(row, first);
    for (let distance = 0; ; distance++) {
      const stored = table[slot] as number;
      if (stored === 0) return -1;
      if (((stored ^ marks) & ~placeMask) === 0) {
        const place = (stored & placeMask) - 1;
        if (this.#matches(place, row, first, second, third)) return place;
      }
      if (distance < distanceMax) marks += step;
      slot = (slot + 1) & mask;
    }
  }

  #matches(place: number, row: number, first: number, second: number, third: number): boolean {
    const keys = this.#keys;
    const at = place * 4;
    return keys[at] === row && keys[at + 1] === first && keys[at + 2] === second && keys[at + 3] === third;
  }

  #add(row: number, first: number, second: number, third: number, firstDecision: number, decisionCount: number): void {
    assert(row >= 0, 'only customers with a row, and nobody, are remembered');
    const place = this.total % this.max;
    if (this.total >= this.max) this.#forget(place);
    const keys = this.#keys;
    const at = place * 4;
    keys[at] = row;
    keys[at + 1] = first;
    keys[at + 2] = second;
    keys[at + 3] = third;
    this.#insert(place);
    this.#decisions.dropBefore(this.total + 1 - this.max);
    if (firstDecision !== 0 || decisionCount !== 0) this.#decisions.add(this.total, firstDecision, decisionCount);
    this.total++;
  }

  #insert(place: number): void {
    const at = place * 4;
    const keys = this.#keys;
    const table = this.#table;
    const mask = this.#mask;
    const home = this.#home(keys[at] as number, keys[at + 1] as number);
    let slot = home;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    const distance = Math.min((slot - home) & mask, this.#distanceMax);
    table[slot] = ((keys[at + 2] as number) & this.#tagMask) | (distance << this.#distanceShift) | (place + 1);
  }

  /** The latest entry at this place. */
  #entryAt(place: number): number {
    const last = this.total - 1;
    return last - ((((last - place) % this.max) + this.max) % this.max);
  }

  /** The slot where the search for an id begins. */
  #home(row: number, first: number): number {
    // Rows in a row spread over all slots, and the hash is spread already.
    return (first ^ Math.imul(row, 0x9e3779b1)) & this.#mask;
  }
  #homeOf(place: number): number {
    return this.#home(this.#keys[place * 4] as number, this.#keys[place * 4 + 1] as number);
  }

  /** Removes a place from the table and moves up those behind it that had to step aside. */
  #forget(place: number): void {
    const table = this.#table;
    const mask = this.#mask;
    const placeMask = this.#placeMask;
    let gap = this.#homeOf(place);
    while (((table[gap] as number) & placeMask) !== place + 1) {
      if (table[gap] === 0) return;
      gap = (gap + 1) & mask;
    }
    for (let slot = (gap + 1) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const stored = table[slot] as number;
      const distance = this.#distanceOf(stored, slot);
      const back = (slot - gap) & mask;
      if (distance < back) continue;
      const nearer = Math.min(distance - back, this.#distanceMax) << this.#distanceShift;
      table[gap] = (stored & (this.#tagMask | placeMask)) | nearer;
      gap = slot;
    }
    table[gap] = 0;
  }

  /** How far the entry in this slot is from its own. */
  #distanceOf(stored: number, slot: number): number {
    const distance = (stored >>> this.#distanceShift) & this.#distanceMax;
    if (distance < this.#distanceMax) return distance;
    return (slot - this.#homeOf((stored & this.#placeMask) - 1)) & this.#mask;
  }
}
