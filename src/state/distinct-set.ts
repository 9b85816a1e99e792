/**
 * Sets of 64-bit values in heap blocks, for `distinct`: the bits of a double for numbers, a 64-bit hash for strings
 * (which are not interned: they appear in events only; two different strings are taken for one with a probability of
 * about 10^-15 per full set).
 *
 * Exact up to DISTINCT_EXACT_MAX values, unordered, 8 bytes each behind the header word and a spare one; its count is
 * the number of values. With one more the block, which then is large enough, becomes a HyperLogLog in place: count
 * REGISTERS, and the registers behind those two words.
 */
import { DISTINCT_EXACT_MAX, DISTINCT_REGISTERS } from '../constants.ts';
import type { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import type { BlockHeap } from './block-heap.ts';
import { addToRegisters, estimateCardinality, mergeRegisters, RUN_MAX } from './hyperloglog.ts';
import type { RowDigest } from './row-digest.ts';

const REGISTERS = 0xffffff;
const UNION_SLOTS = 1024;
/** In an image (aggregate-image.ts): registers follow, not so many values. */
const IMAGE_OF_REGISTERS = 0xffff;

export class DistinctSets {
  readonly #heap: BlockHeap;
  readonly #exact = new Uint32Array(DISTINCT_EXACT_MAX * 2);
  /** The union being read: registers, and a table of values that is cleared by starting a new round. */
  readonly #registers = new Uint8Array(DISTINCT_REGISTERS);
  readonly #slots = new Uint32Array(UNION_SLOTS * 2);
  readonly #slotRound = new Uint32Array(UNION_SLOTS);
  #round = 0;
  #size = 0;

  constructor(heap: BlockHeap) {
    this.#heap = heap;
  }

  /** An empty set; 0 when the heap is full. */
  create(): number {
    return this.#heap.allocate(2);
  }

  /**
   * Adds a value. Returns the set's block, which may be another one (the old one is freed then); 0 when the heap is
   * full, and then nothing changed.
   */
  add(set: number, low: number, high: number): number {
    const heap = this.#heap;
    const { words } = heap;
    const count = heap.count(set);
    if (count === REGISTERS) {
      addToRegisters(heap.bytes, set * 8 + 8, low, high);
      return set;
    }
    const start = set * 2 + 2;
    for (let i = start; i < start + count * 2; i += 2) if (words[i] === low && words[i + 1] === high) return set;
    if (count === DISTINCT_EXACT_MAX) {
      this.#convert(set);
      addToRegisters(heap.bytes, set * 8 + 8, low, high);
      return set;
    }
    const target = count + 2 <= heap.units(set) ? set : this.#grow(set, count);
    if (target === 0) return 0;
    const at = target * 2 + 2 + count * 2;
    words[at] = low;
    words[at + 1] = high;
    heap.setCount(target, count + 1);
    return target;
  }

  /** How many values one set holds. */
  size(set: number): number {
    const count = this.#heap.count(set);
    return count === REGISTERS ? estimateCardinality(this.#heap.bytes, set * 8 + 8) : count;
  }

  /**
   * How many values the sets referred to by doubles[from] … doubles[from + count - 1] hold together; a reference of 0
   * is an empty set.
   */
  unionSize(from: number, count: number): number {
    const { doubles } = this.#heap;
    if (count === 1) return doubles[from] === 0 ? 0 : this.size(doubles[from] as number);
    this.#beginUnion();
    for (let i = from; i < from + count; i++) {
      const set = doubles[i] as number;
      if (set !== 0 && !this.#collect(set)) return this.#estimateUnion(from, count);
    }
    return this.#size;
  }

  digest(set: number, digest: RowDigest): void {
    const count = this.#heap.count(set);
    if (count === REGISTERS) digest.bytes(this.#heap.bytes, set * 8 + 8, DISTINCT_REGISTERS);
    else digest.unordered(this.#heap.words, set * 2 + 2, count);
  }

  /** A set's image (aggregate-image.ts); 0 is an empty one. */
  write(set: number, writer: ByteWriter): void {
    const { words, bytes } = this.#heap;
    const count = set === 0 ? 0 : this.#heap.count(set);
    if (count === REGISTERS) {
      writer.u16(IMAGE_OF_REGISTERS);
      writer.raw(bytes.subarray(set * 8 + 8, set * 8 + 8 + DISTINCT_REGISTERS));
      return;
    }
    writer.u16(count);
    for (let i = set * 2 + 2; i < set * 2 + 2 + count * 2; i++) writer.u32(words[i] as number);
  }

  /** A set made from an image; 0 for an empty one. A text says why there is none, and then nothing changed. */
  read(reader: ByteReader): number | 'full' | 'malformed' {
    const count = reader.u16();
    const isSketch = count === IMAGE_OF_REGISTERS;
    if (count === 0) return 0;
    if (count > DISTINCT_EXACT_MAX && !isSketch) return 'malformed';
    const bytes = reader.raw(isSketch ? DISTINCT_REGISTERS : count * 8);
    if (isSketch && bytes.some((register) => register > RUN_MAX)) return 'malformed';
    const set = this.#heap.allocate((isSketch ? DISTINCT_EXACT_MAX : count) + 1);
    if (set === 0) return 'full';
    this.#heap.bytes.set(bytes, set * 8 + 8);
    this.#heap.setCount(set, isSketch ? REGISTERS : count);
    return set;
  }

  /** Passes over an image. */
  skip(reader: ByteReader): void {
    const count = reader.u16();
    reader.raw(count === IMAGE_OF_REGISTERS ? DISTINCT_REGISTERS : count * 8);
  }

  #beginUnion(): void {
    this.#size = 0;
    this.#round++;
    if (this.#round < 2 ** 32) return;
    this.#slotRound.fill(0);
    this.#round = 1;
  }

  /** Adds a set to the union's table. false: the union is beyond exactness. */
  #collect(set: number): boolean {
    const { words } = this.#heap;
    const count = this.#heap.count(set);
    if (count === REGISTERS) return false;
    const start = set * 2 + 2;
    for (let i = start; i < start + count * 2; i += 2) {
      if (!this.#collectValue(words[i] as number, words[i + 1] as number)) return false;
    }
    return true;
  }

  #collectValue(low: number, high: number): boolean {
    const slots = this.#slots;
    let slot = (Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) >>> 16) & (UNION_SLOTS - 1);
    while (this.#slotRound[slot] === this.#round) {
      if (slots[slot * 2] === low && slots[slot * 2 + 1] === high) return true;
      slot = (slot + 1) & (UNION_SLOTS - 1);
    }
    if (this.#size === DISTINCT_EXACT_MAX) return false;
    this.#size++;
    this.#slotRound[slot] = this.#round;
    slots[slot * 2] = low;
    slots[slot * 2 + 1] = high;
    return true;
  }

  #estimateUnion(from: number, count: number): number {
    const { bytes, doubles, words } = this.#heap;
    this.#registers.fill(0);
    for (let i = from; i < from + count; i++) {
      const set = doubles[i] as number;
      if (set === 0) continue;
      const values = this.#heap.count(set);
      if (values === REGISTERS) {
        mergeRegisters(this.#registers, bytes, set * 8 + 8);
        continue;
      }
      const start = set * 2 + 2;
      for (let k = start; k < start + values * 2; k += 2) {
        addToRegisters(this.#registers, 0, words[k] as number, words[k + 1] as number);
      }
    }
    return estimateCardinality(this.#registers, 0);
  }

  #grow(set: number, count: number): number {
    const heap = this.#heap;
    // A block that holds a full exact set holds the registers too, so that the conversion needs no allocation, and
    // cannot fail.
    const target = heap.allocate(Math.min(DISTINCT_EXACT_MAX + 1, count + 2 + (count >>> 1)));
    if (target === 0) return 0;
    heap.words.copyWithin(target * 2 + 2, set * 2 + 2, set * 2 + 2 + count * 2);
    heap.setCount(target, count);
    heap.free(set);
    return target;
  }

  #convert(set: number): void {
    const { words, bytes } = this.#heap;
    const start = set * 2 + 2;
    this.#exact.set(words.subarray(start, start + DISTINCT_EXACT_MAX * 2));
    bytes.fill(0, set * 8 + 8, set * 8 + 8 + DISTINCT_REGISTERS);
    for (let i = 0; i < this.#exact.length; i += 2) {
      addToRegisters(bytes, set * 8 + 8, this.#exact[i] as number, this.#exact[i + 1] as number);
    }
    this.#heap.setCount(set, REGISTERS);
  }
}
