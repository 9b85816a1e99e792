/**
 * Blocks for what only some customers have: window buckets, contacts, lists, distinct sets. Sizes come in classes
 * (multiples of 8 bytes up to 64, then four per doubling up to 128 KiB), each with a list of its freed blocks. A
 * reference is the block's place in units of 8 bytes; 0 is none.
 *
 * A block's first word is its header: class in the low 8 bits, above it a count that belongs to the owner. A freed
 * block keeps the next free one in its second word.
 *
 * Law: *whether an allocation succeeds depends on the history of allocations only*, not on addresses. It is decided
 * by counts: the blocks alive may take blockBytesMax; and because freed blocks of one class never become blocks of
 * another, the most that were ever alive together, class by class, may take what is reserved (blockRegionBytes: up to
 * four times that). A restored partition gets its blocks in another order, but the same counts, and so runs out of room at
 * the same record.
 */
import { assert } from '../stdx/assert.ts';
import { type Arena, blockRegionBytes } from './arena.ts';

export const BLOCK_UNITS_MAX = 16_384;
const SMALL_UNITS_MAX = 8;
export const BLOCK_CLASSES = classOf(BLOCK_UNITS_MAX) + 1;

/** The class whose blocks hold `units` at least. */
export function classOf(units: number): number {
  if (units <= SMALL_UNITS_MAX) return units - 1;
  const rest = units - 1;
  const exponent = 31 - Math.clz32(rest);
  return SMALL_UNITS_MAX + (exponent - 3) * 4 + ((rest - (1 << exponent)) >>> (exponent - 2));
}

/** Units of a block of this class. */
export function unitsOf(blockClass: number): number {
  if (blockClass < SMALL_UNITS_MAX) return blockClass + 1;
  const exponent = 3 + ((blockClass - SMALL_UNITS_MAX) >>> 2);
  const quarter = (blockClass - SMALL_UNITS_MAX) & 3;
  return (1 << exponent) + (quarter + 1) * (1 << (exponent - 2));
}

export const UNITS_BY_CLASS = Uint32Array.from({ length: BLOCK_CLASSES }, (_, blockClass) => unitsOf(blockClass));

function sizeOf(blockClass: number): number {
  return blockClass < 0 ? 0 : (UNITS_BY_CLASS[blockClass] as number);
}

export class BlockHeap {
  /**
   * The heap under several types: block `ref` starts at words[ref * 2], ints[ref * 2], doubles[ref] and bytes[ref *
   * 8].
   */
  readonly words: Uint32Array;
  readonly ints: Int32Array;
  readonly bytes: Uint8Array;
  readonly doubles: Float64Array;
  /** Per class: blocks in use, and the most that ever were. */
  readonly live = new Uint32Array(BLOCK_CLASSES);
  readonly carved = new Uint32Array(BLOCK_CLASSES);
  /** For the blocks alive, and for those ever carved. */
  readonly #liveUnitsMax: number;
  readonly #unitsMax: number;
  #liveUnits = 1;
  readonly #free = new Uint32Array(BLOCK_CLASSES);
  #carvedUnits = 1;
  #top = 1;

  constructor(arena: Arena, bytesMax: number) {
    this.#liveUnitsMax = Math.floor(bytesMax / 8);
    this.#unitsMax = Math.floor(blockRegionBytes(bytesMax) / 8);
    const offset = arena.region(this.#unitsMax * 8);
    this.words = new Uint32Array(arena.buffer, offset, this.#unitsMax * 2);
    this.ints = new Int32Array(arena.buffer, offset, this.#unitsMax * 2);
    this.bytes = new Uint8Array(arena.buffer, offset, this.#unitsMax * 8);
    this.doubles = new Float64Array(arena.buffer, offset, this.#unitsMax);
  }

  get touchedBytes(): number {
    return this.#top * 8;
  }

  /** Whether the blocks alive take half of what they may. */
  get halfFull(): boolean {
    return this.#liveUnits * 2 > this.#liveUnitsMax;
  }

  /** Whether they take three quarters of it: what is not for customers' sake stops here. */
  get nearlyFull(): boolean {
    return this.#liveUnits * 4 > this.#liveUnitsMax * 3;
  }

  units(ref: number): number {
    return UNITS_BY_CLASS[(this.words[ref * 2] as number) & 0xff] as number;
  }
  blockClass(ref: number): number {
    return (this.words[ref * 2] as number) & 0xff;
  }
  count(ref: number): number {
    return (this.words[ref * 2] as number) >>> 8;
  }
  setCount(ref: number, count: number): void {
    const header = ref * 2;
    this.words[header] = ((this.words[header] as number) & 0xff) | (count << 8);
  }

  /** A block of at least `units` with count 0 and otherwise unspecified content; 0 when the heap is full. */
  allocate(units: number): number {
    assert(units >= 1 && units <= BLOCK_UNITS_MAX, 'BlockHeap.allocate: no such block size');
    const blockClass = classOf(units);
    const size = UNITS_BY_CLASS[blockClass] as number;
    const live = this.live[blockClass] as number;
    if (this.#liveUnits + size > this.#liveUnitsMax) return 0;
    if (live === this.carved[blockClass]) {
      if (this.#carvedUnits + size > this.#unitsMax) return 0;
      this.#carvedUnits += size;
      this.carved[blockClass] = live + 1;
    }
    this.live[blockClass] = live + 1;
    this.#liveUnits += size;
    const ref = this.#place(blockClass, size);
    this.words[ref * 2] = blockClass;
    return ref;
  }

  /** Whether allocations of these two sizes would succeed (0: none). */
  hasRoom(units: number, unitsToo: number): boolean {
    const first = units === 0 ? -1 : classOf(units);
    const second = unitsToo === 0 ? -1 : classOf(unitsToo);
    const carve = first === second ? this.#toCarve(first, 2) : this.#toCarve(first, 1) + this.#toCarve(second, 1);
    const live = this.#liveUnits + sizeOf(first) + sizeOf(second);
    return live <= this.#liveUnitsMax && this.#carvedUnits + carve <= this.#unitsMax;
  }

  /** Whether any `blocks` allocations of at most `units` each would succeed. */
  hasSpare(blocks: number, units: number): boolean {
    const largest = classOf(units);
    if (this.#liveUnits + blocks * sizeOf(largest) > this.#liveUnitsMax) return false;
    if (this.#carvedUnits + blocks * sizeOf(largest) <= this.#unitsMax) return true;
    // What has to be carved is convex in how many blocks a class gets, so the worst mixture is all of them in one
    // class.
    for (let blockClass = 0; blockClass <= largest; blockClass++) {
      if (this.#carvedUnits + this.#toCarve(blockClass, blocks) > this.#unitsMax) return false;
    }
    return true;
  }

  free(ref: number): void {
    assert(ref !== 0, 'BlockHeap.free: no block');
    const blockClass = this.blockClass(ref);
    assert((this.live[blockClass] as number) > 0, 'BlockHeap.free: more frees than blocks');
    this.live[blockClass] = (this.live[blockClass] as number) - 1;
    this.#liveUnits -= UNITS_BY_CLASS[blockClass] as number;
    this.words[ref * 2 + 1] = this.#free[blockClass] as number;
    this.#free[blockClass] = ref;
  }

  /** Takes over the counters of a snapshot, before any block is allocated from it. */
  restoreCarved(carved: Uint32Array): void {
    assert(this.#carvedUnits === 1, 'BlockHeap.restoreCarved: blocks were allocated already');
    for (let blockClass = 0; blockClass < BLOCK_CLASSES; blockClass++) {
      this.carved[blockClass] = carved[blockClass] as number;
      this.#carvedUnits += (carved[blockClass] as number) * (UNITS_BY_CLASS[blockClass] as number);
    }
    assert(this.#carvedUnits <= this.#unitsMax, 'snapshot has more blocks than the limits allow');
  }

  /** Units to be carved for `blocks` more of a class. */
  #toCarve(blockClass: number, blocks: number): number {
    if (blockClass < 0) return 0;
    const freed = (this.carved[blockClass] as number) - (this.live[blockClass] as number);
    return Math.max(0, blocks - freed) * sizeOf(blockClass);
  }

  #place(blockClass: number, size: number): number {
    const free = this.#free[blockClass] as number;
    if (free !== 0) {
      this.#free[blockClass] = this.words[free * 2 + 1] as number;
      return free;
    }
    const ref = this.#top;
    this.#top += size;
    assert(this.#top <= this.#unitsMax, 'BlockHeap: counters disagree with the blocks');
    return ref;
  }
}
