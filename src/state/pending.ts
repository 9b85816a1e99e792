/**
 * What is to happen to customers later: entries with a number, a due time and a payload that only the machine
 * understands. Callers call `beginChange(row)` before `add` and `remove`, as for everything else of a row.
 *
 * In the heap, a row's entries are one list block (row-blocks.ts), ascending by number, and a block of its own for each
 * payload. An entry takes 32 bytes: doubles payload block (0: empty), number, due time; words campaign, and kind in the
 * low 8 bits with the payload's length above them. A payload stands behind its block's header word.
 *
 * The queue is derived from the lists: a snapshot does not hold it. An entry that is removed stays in the queue until
 * it comes up or the queue is cleaned, which it is when it holds twice as many as there are entries. Law: *the first of
 * the queue is always an entry that is there*, so that asking for the next due time costs nothing.
 */
import { PENDING_BYTES_MAX, PENDING_MAX, WAITS_ANONYMOUS_MAX, WAITS_PER_CUSTOMER_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import type { BlockHeap } from './block-heap.ts';
import { LIST_ENTRY_UNITS, type RowBlocks } from './row-blocks.ts';
import type { RowDigest } from './row-digest.ts';
import type { TextHash } from './text-hash.ts';
import { TimerHeap } from './timer-heap.ts';

export interface PendingPlace {
  readonly row: number;
  readonly number: number;
  /** Infinity: nothing fires it but its owner. */
  readonly dueMs: number;
}

/** An entry but for its payload: what can be read of many at once. */
export interface PendingHead extends PendingPlace {
  /** 0 … 255. */
  readonly kind: number;
  /** Dictionary code of the campaign's name, or -1. */
  readonly campaign: number;
}

export interface PendingEntry extends PendingHead {
  /** A copy. */
  readonly payload: Uint8Array;
}

/** The queue is not cleaned for less than this many removed entries. */
const REMOVED_MIN = 1024;

export class PendingStore {
  readonly ordinal: number;
  /** Entries of all rows. */
  count = 0;
  readonly #blocks: RowBlocks;
  readonly #heap: BlockHeap;
  readonly #queue = new TimerHeap();

  constructor(blocks: RowBlocks, ordinal: number) {
    this.ordinal = ordinal;
    this.#blocks = blocks;
    this.#heap = blocks.heap;
  }

  /** Whether anything is pending for this row: cheap enough to ask for each event. */
  has(row: number): boolean {
    return this.count > 0 && this.#blocks.get(row, this.ordinal) !== 0;
  }

  /** Entries of this row. */
  countOf(row: number): number {
    const ref = this.#blocks.get(row, this.ordinal);
    return ref === 0 ? 0 : this.#heap.count(ref);
  }

  /**
   * Adds an entry. Numbers only grow, and none is ever used twice. false: no room (the row's or the partition's limit,
   * the payload's, the heap); nothing changed.
   */
  add(row: number, number: number, dueMs: number, kind: number, campaignCode: number, payload: Uint8Array): boolean {
    assert(!Number.isNaN(dueMs) && kind >= 0 && kind <= 255, 'PendingStore.add: no such entry');
    if (this.count >= PENDING_MAX || payload.length > PENDING_BYTES_MAX) return false;
    if (this.countOf(row) >= (row === 0 ? WAITS_ANONYMOUS_MAX : WAITS_PER_CUSTOMER_MAX)) return false;
    const kept = payload.length === 0 ? 0 : this.#heap.allocate((payload.length + 11) >>> 3);
    if (kept === 0 && payload.length > 0) return false;
    const ref = this.#withRoom(row);
    if (ref === 0) {
      if (kept !== 0) this.#heap.free(kept);
      return false;
    }
    const { bytes, doubles, ints, words } = this.#heap;
    if (kept !== 0) bytes.set(payload, kept * 8 + 4);
    const count = this.#heap.count(ref);
    const at = ref + 1 + count * LIST_ENTRY_UNITS;
    assert(count === 0 || (doubles[at - LIST_ENTRY_UNITS + 1] as number) < number, 'entries must be numbered in order');
    doubles[at] = kept;
    doubles[at + 1] = number;
    doubles[at + 2] = dueMs;
    ints[at * 2 + 6] = campaignCode;
    words[at * 2 + 7] = kind | (payload.length << 8);
    this.#heap.setCount(ref, count + 1);
    this.count++;
    this.#queue.push(dueMs, number, row);
    return true;
  }

  /** Takes an entry away; there must be one of this number. */
  remove(row: number, number: number): void {
    const at = this.#find(row, number);
    assert(at !== 0, 'PendingStore.remove: no such entry');
    const { doubles } = this.#heap;
    const ref = this.#blocks.get(row, this.ordinal);
    const kept = doubles[at] as number;
    if (kept !== 0) this.#heap.free(kept);
    const count = this.#heap.count(ref) - 1;
    doubles.copyWithin(at, at + LIST_ENTRY_UNITS, ref + 1 + (count + 1) * LIST_ENTRY_UNITS);
    this.#heap.setCount(ref, count);
    if (count === 0) this.#blocks.release(row, this.ordinal);
    this.count--;
    this.#cleanQueue();
  }

  /** The row's entries, ascending by number. */
  list(row: number): PendingEntry[] {
    const list: PendingEntry[] = [];
    this.#each(row, (at) => {
      list.push(this.#read(row, at));
    });
    return list;
  }

  /** The row's entries that are due at exactly this time, ascending by number. */
  dueOf(row: number, dueMs: number): PendingEntry[] {
    const list: PendingEntry[] = [];
    this.#each(row, (at) => {
      if (this.#heap.doubles[at + 2] === dueMs) list.push(this.#read(row, at));
    });
    return list;
  }

  /** The entry of this number, or null. */
  find(row: number, number: number): PendingEntry | null {
    const at = this.#find(row, number);
    return at === 0 ? null : this.#read(row, at);
  }

  /** When the next entry is due; Infinity if none ever is. */
  get nextDue(): number {
    return this.#queue.size === 0 ? Number.POSITIVE_INFINITY : this.#queue.due(0);
  }

  /** The earliest entry by due time, then number; null if none has a due time. */
  first(): PendingPlace | null {
    const dueMs = this.nextDue;
    if (dueMs === Number.POSITIVE_INFINITY) return null;
    return { row: this.#queue.row(0), number: this.#queue.number(0), dueMs };
  }

  /**
   * All entries as they are now, ascending by number, each read when its turn comes: those removed meanwhile are left
   * out, those added are not among them.
   */
  *entries(): Generator<PendingHead> {
    const queue = this.#queue;
    const numbers = new Float64Array(queue.size);
    for (let place = 0; place < numbers.length; place++) numbers[place] = queue.number(place);
    // Sorting numbers alone is ten times as fast as sorting pairs; rows then find their places.
    numbers.sort();
    const rows = new Int32Array(numbers.length);
    for (let place = 0; place < rows.length; place++) rows[indexOf(numbers, queue.number(place))] = queue.row(place);
    for (let i = 0; i < numbers.length; i++) {
      const at = this.#find(rows[i] as number, numbers[i] as number);
      if (at !== 0) yield this.#head(rows[i] as number, at);
    }
  }

  get queueBytes(): number {
    return this.#queue.bytes;
  }

  /** Those of one campaign, in no order. */
  *placesOf(campaignCode: number): Generator<PendingHead> {
    const { ints } = this.#heap;
    for (let place = 0; place < this.#queue.size; place++) {
      const row = this.#queue.row(place);
      const at = this.#find(row, this.#queue.number(place));
      if (at !== 0 && ints[at * 2 + 6] === campaignCode) yield this.#head(row, at);
    }
  }

  /** Fills the queue after a restoration, from all rows before `rows`. */
  rebuild(rows: number): void {
    assert(this.count === 0, 'PendingStore.rebuild: there are entries already');
    const { doubles } = this.#heap;
    for (let row = 0; row < rows; row++) {
      this.#each(row, (at) => {
        this.#queue.push(doubles[at + 2] as number, doubles[at + 1] as number, row);
        this.count++;
      });
    }
  }

  /** Adds a field for the row's entries to the digest. `addName`: adds the name behind a code. */
  digest(name: TextHash, row: number, digest: RowDigest, addName: (code: number) => void): void {
    if (!this.has(row)) return;
    digest.beginField(name);
    const { bytes, doubles, ints, words } = this.#heap;
    this.#each(row, (at) => {
      const tag = words[at * 2 + 7] as number;
      digest.double(doubles[at + 1] as number);
      digest.double(doubles[at + 2] as number);
      digest.word(tag & 0xff);
      addName(ints[at * 2 + 6] as number);
      digest.bytes(bytes, (doubles[at] as number) * 8 + 4, tag >>> 8);
    });
    digest.endField();
  }

  /** Visits the row's entries in order: `at` is the index into heap.doubles. */
  #each(row: number, visit: (at: number) => void): void {
    const ref = this.#blocks.get(row, this.ordinal);
    if (ref === 0) return;
    const end = ref + 1 + this.#heap.count(ref) * LIST_ENTRY_UNITS;
    for (let at = ref + 1; at < end; at += LIST_ENTRY_UNITS) visit(at);
  }

  /** Where the entry of this number stands, or 0. */
  #find(row: number, number: number): number {
    const ref = this.#blocks.get(row, this.ordinal);
    if (ref === 0) return 0;
    const { doubles } = this.#heap;
    const first = ref + 1;
    let low = 0;
    let high = this.#heap.count(ref);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = doubles[first + middle * LIST_ENTRY_UNITS + 1] as number;
      if (found === number) return first + middle * LIST_ENTRY_UNITS;
      if (found < number) low = middle + 1;
      else high = middle;
    }
    return 0;
  }

  #head(row: number, at: number): PendingHead {
    const { doubles, ints, words } = this.#heap;
    return {
      number: doubles[at + 1] as number,
      row,
      dueMs: doubles[at + 2] as number,
      kind: (words[at * 2 + 7] as number) & 0xff,
      campaign: ints[at * 2 + 6] as number,
    };
  }

  #read(row: number, at: number): PendingEntry {
    const { bytes, doubles, words } = this.#heap;
    const start = (doubles[at] as number) * 8 + 4;
    const length = (words[at * 2 + 7] as number) >>> 8;
    const { number, dueMs, kind, campaign } = this.#head(row, at);
    return { number, row, dueMs, kind, campaign, payload: bytes.slice(start, start + length) };
  }

  /** The row's list, made or moved to a larger block so that it holds one more entry; 0 when there is no room. */
  #withRoom(row: number): number {
    const heap = this.#heap;
    const ref = this.#blocks.get(row, this.ordinal);
    const count = ref === 0 ? 0 : heap.count(ref);
    if (ref !== 0 && 1 + (count + 1) * LIST_ENTRY_UNITS <= heap.units(ref)) return ref;
    const larger = heap.allocate(1 + (count + 1 + (count >>> 1)) * LIST_ENTRY_UNITS);
    if (larger === 0) return 0;
    if (ref === 0) {
      if (this.#blocks.add(row, this.ordinal, larger)) return larger;
      heap.free(larger);
      return 0;
    }
    heap.doubles.copyWithin(larger + 1, ref + 1, ref + 1 + count * LIST_ENTRY_UNITS);
    heap.setCount(larger, count);
    this.#blocks.replace(row, this.ordinal, larger);
    heap.free(ref);
    return larger;
  }

  #cleanQueue(): void {
    const queue = this.#queue;
    const there = (row: number, number: number): boolean => this.#find(row, number) !== 0;
    if (queue.size > 2 * this.count + REMOVED_MIN) queue.retain(there);
    else while (queue.size > 0 && !there(queue.row(0), queue.number(0))) queue.pop();
  }
}

/** Where a number stands among ascending ones; it is one of them. */
function indexOf(numbers: Float64Array, number: number): number {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
