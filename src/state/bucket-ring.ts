/**
 * The buckets of one windowed aggregate: for each row the non-empty ones only, ascending, in one block. INTERFACE,
 * *Windows*: buckets of `resolution`, aligned to the epoch; at log time t those that hold t and the window /
 * resolution - 1 before it are live. Log time never goes back, so an expired bucket is dead for good, and may be
 * dropped at any time: reads skip it anyway.
 *
 * Block: header word (count: buckets), then `capacity` bucket numbers (i32), then `capacity` × `lanes` doubles,
 * bucket by bucket. Capacities are odd, so that the doubles are aligned.
 *
 * A bucket number is floor(t / resolution) counted from that of ORIGIN_MS, so that 32 bits reach 68 years to either
 * side at the shortest resolution of one second (a minute: 4,000 years); times beyond count in the outermost bucket.
 */
import { WINDOW_BUCKETS_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { BLOCK_CLASSES, type BlockHeap, unitsOf } from './block-heap.ts';
import { type Expiring, type RowBlocks, ringCapacity } from './row-blocks.ts';

/** 2027-01-15T08:00:00Z. */
const ORIGIN_MS = 1_800_000_000_000;
const BUCKET_MAX = 2 ** 31 - 1;

/** Units of a block for `capacity` buckets, an odd number. */
export function ringUnits(capacity: number, lanes: number): number {
  return ((1 + capacity) >>> 1) + lanes * capacity;
}

export class BucketRing implements Expiring {
  /**
   * What `open` and `seek` found: index into heap.doubles of the values of the first live bucket, its bucket number's
   * index into heap.ints, and how many are live.
   */
  values = 0;
  numbers = 0;
  live = 0;
  readonly ordinal: number;
  readonly lanes: number;
  readonly blocks: RowBlocks;
  readonly #heap: BlockHeap;
  readonly #resolutionMs: number;
  /** Of the window. */
  readonly buckets: number;
  readonly #origin: number;
  /** By class of the block. */
  readonly capacities: Int32Array;

  /** Of an ordinal of nesting 'ring' the one lane holds references to blocks, freed with their bucket. */
  constructor(blocks: RowBlocks, ordinal: number, lanes: number, windowMs: number, resolutionMs: number) {
    this.blocks = blocks;
    this.#heap = blocks.heap;
    this.ordinal = ordinal;
    this.lanes = lanes;
    this.#resolutionMs = resolutionMs;
    this.buckets = windowMs / resolutionMs;
    assert(Number.isInteger(this.buckets) && this.buckets >= 1, 'a window must be a multiple of its resolution');
    assert(this.buckets <= WINDOW_BUCKETS_MAX, 'too many buckets');
    this.#origin = Math.floor(ORIGIN_MS / resolutionMs);
    this.capacities = Int32Array.from({ length: BLOCK_CLASSES }, (_, c) => ringCapacity(unitsOf(c), lanes));
  }

  /** Whether the same times fall into the same buckets, and these expire together. */
  sharesBuckets(other: BucketRing): boolean {
    return other.#resolutionMs === this.#resolutionMs && other.buckets === this.buckets;
  }

  bucketOf(timeMs: number): number {
    const bucket = Math.floor(timeMs / this.#resolutionMs) - this.#origin;
    return Math.max(-BUCKET_MAX, Math.min(BUCKET_MAX, bucket));
  }

  oldestLive(logTime: number): number {
    return this.bucketOf(logTime) - this.buckets + 1;
  }

  /**
   * Index into heap.doubles of a bucket's values, made with zeros (and `created` said) where there was none; -1 when
   * the heap is full, and then nothing changed. `bucket` must be live.
   */
  open(row: number, bucket: number, oldest: number): number {
    const { ints } = this.#heap;
    const ref = this.blocks.get(row, this.ordinal);
    if (ref === 0) return this.#openAnywhere(row, ref, bucket, oldest);
    const count = this.#heap.count(ref);
    // Nearly always the newest bucket, and nothing has expired.
    if (count === 0 || ints[ref * 2 + count] !== bucket || (ints[ref * 2 + 1] as number) < oldest)
      return this.#openAnywhere(row, ref, bucket, oldest);
    this.created = false;
    return this.#valuesOf(ref) + (count - 1) * this.lanes;
  }

  #openAnywhere(row: number, held: number, bucket: number, oldest: number): number {
    const { ints } = this.#heap;
    let ref = held;
    if (ref !== 0 && (ints[ref * 2 + 1] as number) < oldest) ref = this.#drop(row, ref, oldest);
    if (ref === 0) {
      ref = this.#create(row);
      if (ref === 0) return -1;
    }
    const count = this.#heap.count(ref);
    let after = count;
    while (after > 0 && (ints[ref * 2 + after] as number) > bucket) after--;
    if (after > 0 && ints[ref * 2 + after] === bucket) {
      this.created = false;
      return this.#valuesOf(ref) + (after - 1) * this.lanes;
    }
    return this.#insert(row, ref, count, after, bucket);
  }

  /** Whether the last `open` made the bucket. */
  created = false;

  /** Finds the live buckets of a row without changing anything: how many there are, see the fields. */
  seek(row: number, oldest: number): number {
    const ref = this.blocks.get(row, this.ordinal);
    if (ref === 0) {
      this.live = 0;
      return 0;
    }
    const { ints } = this.#heap;
    const count = this.#heap.count(ref);
    const first = ref * 2 + 1;
    let expired = 0;
    while (expired < count && (ints[first + expired] as number) < oldest) expired++;
    this.numbers = first + expired;
    this.values = this.#valuesOf(ref) + expired * this.lanes;
    this.live = count - expired;
    return this.live;
  }

  expire(row: number, logTime: number): void {
    const ref = this.blocks.get(row, this.ordinal);
    if (ref === 0) return;
    const oldest = this.oldestLive(logTime);
    if (this.#heap.count(ref) === 0 || (this.#heap.ints[ref * 2 + 1] as number) < oldest) this.#drop(row, ref, oldest);
  }

  #capacityOf(ref: number): number {
    return this.capacities[this.#heap.blockClass(ref)] as number;
  }

  #valuesOf(ref: number): number {
    return ref + ((1 + this.#capacityOf(ref)) >>> 1);
  }

  #unitsFor(capacity: number): number {
    return ringUnits(capacity, this.lanes);
  }

  #create(row: number): number {
    const ref = this.#heap.allocate(this.#unitsFor(1));
    if (ref === 0) return 0;
    if (this.blocks.add(row, this.ordinal, ref)) return ref;
    this.#heap.free(ref);
    return 0;
  }

  /** Inserts behind `after` buckets. */
  #insert(row: number, block: number, count: number, after: number, bucket: number): number {
    const heap = this.#heap;
    const { lanes } = this;
    let ref = block;
    if (count === this.#capacityOf(ref)) {
      ref = this.#grow(row, ref, count);
      if (ref === 0) return -1;
    }
    const values = this.#valuesOf(ref);
    const at = values + after * lanes;
    if (after < count) {
      heap.ints.copyWithin(ref * 2 + 2 + after, ref * 2 + 1 + after, ref * 2 + 1 + count);
      heap.doubles.copyWithin(at + lanes, at, values + count * lanes);
    }
    heap.ints[ref * 2 + 1 + after] = bucket;
    for (let lane = 0; lane < lanes; lane++) heap.doubles[at + lane] = 0;
    heap.setCount(ref, count + 1);
    this.created = true;
    return at;
  }

  #discard(row: number, ref: number): void {
    this.blocks.remove(row, this.ordinal);
    this.#heap.free(ref);
  }

  /** Moves a full block's buckets to a larger one; 0 when there is no room, and then nothing changed. */
  #grow(row: number, ref: number, count: number): number {
    const heap = this.#heap;
    const capacity = Math.max(count + 2, (count + (count >>> 1)) | 1);
    const target = heap.allocate(this.#unitsFor(Math.min(this.buckets | 1, capacity)));
    if (target === 0) return 0;
    heap.ints.copyWithin(target * 2 + 1, ref * 2 + 1, ref * 2 + 1 + count);
    const from = this.#valuesOf(ref);
    heap.doubles.copyWithin(this.#valuesOf(target), from, from + count * this.lanes);
    heap.setCount(target, count);
    this.blocks.replace(row, this.ordinal, target);
    heap.free(ref);
    return target;
  }

  /**
   * Drops the buckets before `oldest`, with the blocks that they refer to. Returns the block, or 0 if it went with its
   * last bucket. Never moves to a smaller block: dropping must not allocate, because PartitionState.hasRoom has promised
   * the room to others.
   */
  #drop(row: number, ref: number, oldest: number): number {
    const heap = this.#heap;
    const count = heap.count(ref);
    let expired = 0;
    while (expired < count && (heap.ints[ref * 2 + 1 + expired] as number) < oldest) expired++;
    const values = this.#valuesOf(ref);
    if (this.blocks.ordinals[this.ordinal]?.nesting === 'ring') {
      for (let i = 0; i < expired; i++) {
        const nested = heap.doubles[values + i] as number;
        if (nested !== 0) heap.free(nested);
      }
    }
    const left = count - expired;
    if (left === 0) {
      this.#discard(row, ref);
      return 0;
    }
    heap.ints.copyWithin(ref * 2 + 1, ref * 2 + 1 + expired, ref * 2 + 1 + count);
    heap.doubles.copyWithin(values, values + expired * this.lanes, values + count * this.lanes);
    heap.setCount(ref, left);
    return ref;
  }
}
