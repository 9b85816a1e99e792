/**
 * For the remembered event ids (event-ids.ts) that had decisions: the number of the first, and how many there were. Of a
 * hundred ids one has any, so they are kept apart: a ring of those entries only, ascending by entry, oldest dropped with
 * its id. It has room for all ids; it begins with a few places and doubles when it is full, so that only as much is ever
 * resident as was once needed. Doubling moves half of the ring at most: 10 MB, some ms, at the last of nine times.
 *
 * Found by bisection: it is asked for when an event is repeated, which few are.
 */
import { assert } from '../stdx/assert.ts';
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import type { Arena } from './arena.ts';

const CAPACITY_MIN = 2048;

/** Address space for `max` ids. */
export function rememberedDecisionsBytes(max: number): number {
  return capacityFor(max) * 20;
}

/** A power of two. */
function capacityFor(max: number): number {
  let capacity = CAPACITY_MIN;
  while (capacity < max) capacity *= 2;
  return capacity;
}

export class RememberedDecisions {
  readonly #entries: Float64Array;
  readonly #firsts: Float64Array;
  readonly #counts: Uint32Array;
  /** Ever added, and dropped: what is held lies between, number d at d mod #capacity, a power of two. */
  #added = 0;
  #dropped = 0;
  #capacity = CAPACITY_MIN;

  constructor(arena: Arena, max: number) {
    const capacity = capacityFor(max);
    this.#entries = arena.doubles(capacity);
    this.#firsts = arena.doubles(capacity);
    this.#counts = arena.words(capacity);
  }

  get touchedBytes(): number {
    return Math.min(this.#added, this.#capacity) * 20;
  }

  /** Of an entry later than all before; there are never more than `max` held. */
  add(entry: number, first: number, count: number): void {
    if (this.#added - this.#dropped === this.#capacity) this.#grow();
    const at = this.#at(this.#added);
    this.#entries[at] = entry;
    this.#firsts[at] = first;
    this.#counts[at] = count;
    this.#added++;
  }

  /** Drops those of entries before `oldest`. */
  dropBefore(oldest: number): void {
    while (this.#dropped < this.#added && (this.#entries[this.#at(this.#dropped)] as number) < oldest) this.#dropped++;
  }

  /** 0 where an entry had no decisions. */
  firstOf(entry: number): number {
    const found = this.#lowerBound(entry);
    return this.#holds(found, entry) ? (this.#firsts[this.#at(found)] as number) : 0;
  }
  countOf(entry: number): number {
    const found = this.#lowerBound(entry);
    return this.#holds(found, entry) ? (this.#counts[this.#at(found)] as number) : 0;
  }

  /** u32 how many of entries first … end - 1 had decisions; of each u32 entry - first, f64 first decision, u32 count. */
  writeRun(writer: ByteWriter, first: number, end: number): void {
    const from = this.#lowerBound(first);
    const to = this.#lowerBound(end);
    writer.u32(to - from);
    for (let number = from; number < to; number++) {
      const at = this.#at(number);
      writer.u32((this.#entries[at] as number) - first);
      writer.f64(this.#firsts[at] as number);
      writer.u32(this.#counts[at] as number);
    }
  }

  /** Runs come in the order of their entries. */
  readRun(reader: ByteReader, first: number): void {
    for (let left = reader.u32(); left > 0; left--) {
      const entry = first + reader.u32();
      const last = this.#added === 0 ? -1 : (this.#entries[this.#at(this.#added - 1)] as number);
      assert(entry > last, 'runs of event ids are out of order');
      this.add(entry, reader.f64(), reader.u32());
    }
  }

  #at(number: number): number {
    return number & (this.#capacity - 1);
  }

  #holds(number: number, entry: number): boolean {
    return number < this.#added && this.#entries[this.#at(number)] === entry;
  }

  /** The first number held whose entry is not less than `entry`. */
  #lowerBound(entry: number): number {
    let low = this.#dropped;
    let high = this.#added;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      if ((this.#entries[this.#at(middle)] as number) < entry) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The ring is full. Of its two pieces, the one up to its end and the one from its start, one moves up by its length. */
  #grow(): void {
    const capacity = this.#capacity;
    assert(capacity < this.#entries.length, 'more decisions than event ids');
    const seam = this.#dropped & (capacity - 1);
    const firstStays = (this.#dropped & capacity) === 0;
    const [start, end] = firstStays ? [0, seam] : [seam, capacity];
    for (const array of [this.#entries, this.#firsts, this.#counts]) array.copyWithin(capacity + start, start, end);
    this.#capacity = capacity * 2;
  }
}
