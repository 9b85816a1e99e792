/**
 * The last `max` event ids: 128-bit hashes of customer, type and id, in a ring, oldest forgotten first, each with the
 * number of its first decision and how many there were. An open-addressing table leads from a hash to its place in
 * the ring; an entry that goes closes the gap behind it, so that there are no tombstones and no rebuilds.
 *
 * Two different ids are taken for the same with a probability of about max / 2^128.
 *
 * Entry n (counted from 0 over the partition's life) lives at place n mod max. In a snapshot: runs of f64 first n,
 * u32 how many, and for each 16 bytes of hash, f64 first decision, u32 count.
 */
import { assert } from '../stdx/assert.ts';
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import { type Arena, tableSlotsFor } from './arena.ts';
import { TextHash } from './text-hash.ts';

export const EVENT_ID_ENTRY_BYTES = 28;

export class EventIds {
  readonly max: number;
  /** Entries ever remembered. */
  total = 0;
  readonly #hashes: Uint32Array;
  readonly #firstDecisions: Float64Array;
  readonly #decisionCounts: Uint32Array;
  /** Place + 1; 0: empty. */
  readonly #table: Uint32Array;
  readonly #mask: number;
  readonly #one = new TextHash(0);
  readonly #two = new TextHash(0x3c6ef372);
  #hashedCustomer = '';
  #hashedType = '';
  #hashedId = '';

  constructor(arena: Arena, max: number) {
    this.max = max;
    this.#hashes = arena.words(max * 4);
    this.#firstDecisions = arena.doubles(max);
    this.#decisionCounts = arena.words(max);
    const slots = tableSlotsFor(max);
    this.#table = arena.words(slots);
    this.#mask = slots - 1;
    this.#hash('', '', '', true);
  }

  get oldest(): number {
    return Math.max(0, this.total - this.max);
  }
  get touchedBytes(): number {
    return Math.min(this.total, this.max) * EVENT_ID_ENTRY_BYTES + Math.min(this.#table.byteLength, this.total * 4096);
  }

  /** The place of an id in memory, or -1. */
  find(customer: string, type: string, id: string): number {
    this.#hash(customer, type, id, false);
    for (let slot = this.#one.low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const place = (this.#table[slot] as number) - 1;
      if (place < 0) return -1;
      if (this.#matches(place)) return place;
    }
  }

  firstDecision(place: number): number {
    return this.#firstDecisions[place] as number;
  }
  decisionCount(place: number): number {
    return this.#decisionCounts[place] as number;
  }

  /** Remembers an id that is not remembered yet; forgets the oldest if there are `max`. */
  add(customer: string, type: string, id: string, firstDecision: number, decisionCount: number): void {
    this.#hash(customer, type, id, false);
    const place = this.total % this.max;
    if (this.total >= this.max) this.#forget(place);
    const at = place * 4;
    this.#hashes[at] = this.#one.low;
    this.#hashes[at + 1] = this.#one.high;
    this.#hashes[at + 2] = this.#two.low;
    this.#hashes[at + 3] = this.#two.high;
    this.#firstDecisions[place] = firstDecision;
    this.#decisionCounts[place] = decisionCount;
    this.#insert(place);
    this.total++;
  }

  /** Writes entries first … end - 1, which must be remembered still. */
  writeRun(writer: ByteWriter, first: number, end: number): void {
    writer.f64(first);
    writer.u32(end - first);
    for (let n = first; n < end; n++) {
      const place = n % this.max;
      for (let i = 0; i < 4; i++) writer.u32(this.#hashes[place * 4 + i] as number);
      writer.f64(this.#firstDecisions[place] as number);
      writer.u32(this.#decisionCounts[place] as number);
    }
  }

  readRun(reader: ByteReader): void {
    const first = reader.f64();
    const count = reader.u32();
    for (let n = first; n < first + count; n++) {
      const place = n % this.max;
      for (let i = 0; i < 4; i++) this.#hashes[place * 4 + i] = reader.u32();
      this.#firstDecisions[place] = reader.f64();
      this.#decisionCounts[place] = reader.u32();
    }
  }

  /**
   * Builds the table after the last run was read and `total` set; `oldest` is the first entry that the snapshot held.
   */
  rebuild(oldest: number): void {
    assert(this.total - oldest <= this.max, 'snapshot remembers more event ids than the limits allow');
    for (let n = oldest; n < this.total; n++) this.#insert(n % this.max);
    this.#restoredFrom = oldest;
  }
  /** Entries before this one were not in the snapshot that this partition was restored from. */
  #restoredFrom = 0;

  get oldestHeld(): number {
    return Math.max(this.oldest, this.#restoredFrom);
  }

  /** Keeps the last strings, which `add` is mostly called with right after `find`. */
  #hash(customer: string, type: string, id: string, always: boolean): void {
    if (!always && id === this.#hashedId && customer === this.#hashedCustomer && type === this.#hashedType) return;
    for (const hash of [this.#one, this.#two]) {
      hash.begin();
      hash.add(customer);
      hash.add(type);
      hash.add(id);
      hash.end();
    }
    this.#hashedCustomer = customer;
    this.#hashedType = type;
    this.#hashedId = id;
  }

  #matches(place: number): boolean {
    const hashes = this.#hashes;
    const at = place * 4;
    return (
      hashes[at] === this.#one.low &&
      hashes[at + 1] === this.#one.high &&
      hashes[at + 2] === this.#two.low &&
      hashes[at + 3] === this.#two.high
    );
  }

  #insert(place: number): void {
    let slot = this.#homeOf(place);
    while (this.#table[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#table[slot] = place + 1;
  }

  #homeOf(place: number): number {
    return (this.#hashes[place * 4] as number) & this.#mask;
  }

  /** Removes a place from the table and moves up those behind it that had to step aside. */
  #forget(place: number): void {
    const table = this.#table;
    const mask = this.#mask;
    let gap = this.#homeOf(place);
    while (table[gap] !== place + 1) {
      if (table[gap] === 0) return;
      gap = (gap + 1) & mask;
    }
    for (let slot = (gap + 1) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#homeOf((table[slot] as number) - 1);
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      table[gap] = table[slot] as number;
      gap = slot;
    }
    table[gap] = 0;
  }
}
