/**
 * The last events of each customer that sequences may look back at, in the order in which they were applied. One block
 * per customer: its count is the number of events, its second word holds where the oldest begins and where the newest
 * ends, in units behind the first one (16 bits each). An event takes 16 bytes (double ts; words type, length of the
 * payload) and its payload, in whole units.
 *
 * Events go when another one is added. Those older than SEQUENCE_RETENTION_MS by log time are found no more, whether or
 * not their memory was reclaimed yet.
 */
import { SEQUENCE_EVENT_BYTES_MAX, SEQUENCE_EVENTS_MAX, SEQUENCE_RETENTION_MS } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { BLOCK_UNITS_MAX, type BlockHeap } from './block-heap.ts';
import type { Expiring, Ordinal, RowBlocks } from './row-blocks.ts';
import type { RowDigest } from './row-digest.ts';
import type { TextHash } from './text-hash.ts';

export interface RecentEvent {
  readonly ts: number;
  /** Dictionary code of the event type's name. */
  readonly type: number;
  /** A copy. */
  readonly payload: Uint8Array;
}

const HEADER_UNITS = 2;

assert(
  1 + SEQUENCE_EVENTS_MAX * unitsOfEvent(SEQUENCE_EVENT_BYTES_MAX) * 1.5 <= BLOCK_UNITS_MAX,
  'the events of one customer must fit a block, and half as many again',
);

export class RecentEvents implements Expiring {
  readonly ordinal: number;
  readonly #blocks: RowBlocks;
  readonly #heap: BlockHeap;
  /** What `#keep` found. */
  readonly #kept = new Int32Array(SEQUENCE_EVENTS_MAX);
  #keptUnits = 0;

  constructor(blocks: RowBlocks, ordinal: number) {
    this.ordinal = ordinal;
    this.#blocks = blocks;
    this.#heap = blocks.heap;
    this.attach();
  }

  /** Has the sweep reclaim what is old; again after the ordinals were restored. */
  attach(): void {
    (this.#blocks.ordinals[this.ordinal] as Ordinal).expiring = this;
  }

  /**
   * Remembers an event. Before that, events with ts < dropBeforeTs (at least log time − SEQUENCE_RETENTION_MS) are
   * dropped, and the oldest of the others while there are `max` (at most SEQUENCE_EVENTS_MAX). false: the payload is
   * longer than SEQUENCE_EVENT_BYTES_MAX, or the heap is full; nothing changed.
   */
  add(row: number, ts: number, typeCode: number, payload: Uint8Array, max: number, dropBeforeTs: number): boolean {
    assert(max >= 1 && max <= SEQUENCE_EVENTS_MAX, 'RecentEvents.add: no such bound');
    if (payload.length > SEQUENCE_EVENT_BYTES_MAX) return false;
    const heap = this.#heap;
    const need = unitsOfEvent(payload.length);
    const ref = this.#withRoom(row, need, max, dropBeforeTs);
    if (ref === 0) return false;
    const end = this.#end(ref);
    const at = ref + 1 + end;
    heap.doubles[at] = ts;
    heap.ints[at * 2 + 2] = typeCode;
    heap.words[at * 2 + 3] = payload.length;
    heap.bytes.set(payload, (at + HEADER_UNITS) * 8);
    this.#place(ref, this.#start(ref), end + need);
    heap.setCount(ref, heap.count(ref) + 1);
    return true;
  }

  /** The row's events as of logTime, the one applied first at the front. */
  list(row: number, logTime: number): RecentEvent[] {
    const list: RecentEvent[] = [];
    const { doubles, ints, bytes } = this.#heap;
    this.#eachLive(row, logTime, (at, length) => {
      const start = (at + HEADER_UNITS) * 8;
      const [ts, type] = [doubles[at] as number, ints[at * 2 + 2] as number];
      list.push({ ts, type, payload: bytes.slice(start, start + length) });
    });
    return list;
  }

  /** Frees the row's block if no event in it is found any more. */
  expire(row: number, logTime: number): void {
    if (this.#blocks.get(row, this.ordinal) !== 0 && !this.#anyLive(row, logTime)) {
      this.#blocks.release(row, this.ordinal);
    }
  }

  /** Adds a field for the row's events as of logTime to the digest. `addName`: adds the name behind a code. */
  digest(name: TextHash, row: number, logTime: number, digest: RowDigest, addName: (code: number) => void): void {
    if (!this.#anyLive(row, logTime)) return;
    const { doubles, ints, bytes } = this.#heap;
    digest.beginField(name);
    this.#eachLive(row, logTime, (at, length) => {
      digest.double(doubles[at] as number);
      addName(ints[at * 2 + 2] as number);
      digest.bytes(bytes, (at + HEADER_UNITS) * 8, length);
    });
    digest.endField();
  }

  #anyLive(row: number, logTime: number): boolean {
    let any = false;
    this.#eachLive(row, logTime, () => {
      any = true;
    });
    return any;
  }

  #eachLive(row: number, logTime: number, visit: (at: number, length: number) => void): void {
    const { doubles } = this.#heap;
    this.#each(row, (at, length) => {
      if ((doubles[at] as number) >= logTime - SEQUENCE_RETENTION_MS) visit(at, length);
    });
  }

  #each(row: number, visit: (at: number, length: number) => void): void {
    const ref = this.#blocks.get(row, this.ordinal);
    if (ref === 0) return;
    const end = ref + 1 + this.#end(ref);
    for (let at = ref + 1 + this.#start(ref); at < end; ) {
      const length = this.#heap.words[at * 2 + 3] as number;
      visit(at, length);
      at += unitsOfEvent(length);
    }
  }

  /**
   * The row's block without what is to be dropped, and with `need` free units behind the newest event; 0 when there is
   * no room, and then nothing changed.
   */
  #withRoom(row: number, need: number, max: number, dropBeforeTs: number): number {
    const heap = this.#heap;
    const ref = this.#blocks.get(row, this.ordinal);
    if (ref === 0) return this.#create(row, need);
    const capacity = heap.units(ref) - 1;
    const count = this.#keep(row, max, dropBeforeTs);
    const units = this.#keptUnits;
    const first = count === 0 ? 0 : (this.#kept[0] as number) - ref - 1;
    const end = this.#end(ref);
    if (count > 0 && end - first === units && end + need <= capacity) {
      // Only the oldest go, and there is room behind the newest: nothing moves.
      this.#place(ref, first, end);
      heap.setCount(ref, count);
      return ref;
    }
    // In place, events move only where a quarter of the block becomes free by it, so that not each one moves them all.
    const roomy = (units + need) * 4 <= capacity * 3;
    const larger = roomy ? 0 : heap.allocate(1 + units + need + ((units + need) >>> 1));
    if (larger === 0 && units + need > capacity) return 0;
    const target = larger === 0 ? ref : larger;
    let to = target + 1;
    for (let i = 0; i < count; i++) {
      const at = this.#kept[i] as number;
      const size = unitsOfEvent(heap.words[at * 2 + 3] as number);
      heap.doubles.copyWithin(to, at, at + size);
      to += size;
    }
    this.#place(target, 0, units);
    heap.setCount(target, count);
    if (larger !== 0) {
      this.#blocks.replace(row, this.ordinal, larger);
      heap.free(ref);
    }
    return target;
  }

  /** Collects the places of the events that stay when another is added, and their units; returns how many they are. */
  #keep(row: number, max: number, dropBeforeTs: number): number {
    let count = 0;
    this.#each(row, (at) => {
      if ((this.#heap.doubles[at] as number) >= dropBeforeTs) this.#kept[count++] = at;
    });
    const excess = Math.max(0, count - (max - 1));
    this.#kept.copyWithin(0, excess, count);
    this.#keptUnits = 0;
    for (let i = 0; i < count - excess; i++) {
      this.#keptUnits += unitsOfEvent(this.#heap.words[(this.#kept[i] as number) * 2 + 3] as number);
    }
    return count - excess;
  }

  #create(row: number, need: number): number {
    const ref = this.#heap.allocate(1 + need);
    if (ref === 0) return 0;
    this.#place(ref, 0, 0);
    if (this.#blocks.add(row, this.ordinal, ref)) return ref;
    this.#heap.free(ref);
    return 0;
  }

  #start(ref: number): number {
    return (this.#heap.words[ref * 2 + 1] as number) & 0xffff;
  }
  #end(ref: number): number {
    return (this.#heap.words[ref * 2 + 1] as number) >>> 16;
  }
  #place(ref: number, start: number, end: number): void {
    this.#heap.words[ref * 2 + 1] = start | (end << 16);
  }
}

function unitsOfEvent(payloadBytes: number): number {
  return HEADER_UNITS + ((payloadBytes + 7) >>> 3);
}
