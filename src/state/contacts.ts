/**
 * The decisions made for each customer, oldest first: what caps, cooldowns and offer limits count. One block per
 * customer; its count is the number of contacts, its second word the place of the oldest, so that forgetting from the
 * old end moves nothing. An entry takes 40 bytes: double ts; words for the low 32 bits of the decision's number, and
 * its high ones with the flags above them; words campaign, channel, offer, group, category, variant (-1: none).
 */
import { CONTACTS_PER_CUSTOMER_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import type { BlockHeap } from './block-heap.ts';
import type { RowBlocks } from './row-blocks.ts';

export const UNITS_PER_CONTACT = 5;
/** Decision numbers are whole doubles: what is above their 32 low bits takes 21. */
const HIGH_BITS = 0xffffff;
const FLAGS_SHIFT = 24;

export class Contacts {
  readonly ordinal: number;
  readonly #blocks: RowBlocks;
  readonly #heap: BlockHeap;

  constructor(blocks: RowBlocks, ordinal: number) {
    this.ordinal = ordinal;
    this.#blocks = blocks;
    this.#heap = blocks.heap;
  }

  /** Whether `add` would succeed. Changes nothing. */
  hasRoom(row: number): boolean {
    const ref = this.#blocks.get(row, this.ordinal);
    if (ref === 0) return this.#heap.hasRoom(unitsFor(1), this.#blocks.unitsToAdd(row, this.ordinal));
    const count = this.#heap.count(ref);
    if (count >= CONTACTS_PER_CUSTOMER_MAX) return false;
    return count < this.#capacity(ref) || this.#heap.hasRoom(unitsFor(grown(count)), 0);
  }

  /** ts must not be less than the newest contact's. false: the list or the heap is full, nothing changed. */
  add(
    row: number,
    ts: number,
    campaign: number,
    channel: number,
    offer: number,
    decision: number,
    group: number,
    category: number,
    variant: number,
  ): boolean {
    const heap = this.#heap;
    let ref = this.#blocks.get(row, this.ordinal);
    if (ref === 0) ref = this.#create(row);
    else if (heap.count(ref) >= CONTACTS_PER_CUSTOMER_MAX) return false;
    else if (this.#start(ref) + heap.count(ref) === this.#capacity(ref)) ref = this.#makeRoom(row, ref);
    if (ref === 0) return false;
    const count = heap.count(ref);
    const at = ref + 1 + (this.#start(ref) + count) * UNITS_PER_CONTACT;
    assert(count === 0 || (heap.doubles[at - UNITS_PER_CONTACT] as number) <= ts, 'contacts must be added in order');
    heap.doubles[at] = ts;
    heap.ints[at * 2 + 2] = decision | 0;
    heap.ints[at * 2 + 3] = Math.floor(decision / 2 ** 32);
    heap.ints[at * 2 + 4] = campaign;
    heap.ints[at * 2 + 5] = channel;
    heap.ints[at * 2 + 6] = offer;
    heap.ints[at * 2 + 7] = group;
    heap.ints[at * 2 + 8] = category;
    heap.ints[at * 2 + 9] = variant;
    heap.setCount(ref, count + 1);
    return true;
  }

  /** Drops the contacts with ts < beforeTs. */
  forget(row: number, beforeTs: number): void {
    const ref = this.#blocks.get(row, this.ordinal);
    if (ref === 0) return;
    const heap = this.#heap;
    const start = this.#start(ref);
    const end = start + heap.count(ref);
    let oldest = start;
    while (oldest < end && (heap.doubles[ref + 1 + oldest * UNITS_PER_CONTACT] as number) < beforeTs) oldest++;
    if (oldest === end) {
      this.#blocks.release(row, this.ordinal);
      return;
    }
    heap.words[ref * 2 + 1] = oldest;
    heap.setCount(ref, end - oldest);
  }

  /** Drops the contacts that `keep` does not want, in place: it allocates nothing, so it cannot fail. */
  retain(row: number, keep: (ts: number, offer: number) => boolean): void {
    const ref = this.#blocks.get(row, this.ordinal);
    if (ref === 0) return;
    const { doubles, ints } = this.#heap;
    let at = ref + 1 + this.#start(ref) * UNITS_PER_CONTACT;
    const end = at + this.#heap.count(ref) * UNITS_PER_CONTACT;
    let kept = 0;
    for (; at < end; at += UNITS_PER_CONTACT) {
      if (!keep(doubles[at] as number, ints[at * 2 + 6] as number)) continue;
      doubles.copyWithin(ref + 1 + kept * UNITS_PER_CONTACT, at, at + UNITS_PER_CONTACT);
      kept++;
    }
    if (kept === 0) {
      this.#blocks.release(row, this.ordinal);
      return;
    }
    this.#heap.words[ref * 2 + 1] = 0;
    this.#heap.setCount(ref, kept);
  }

  /** Index into heap.doubles of the row's oldest contact; see `count`. 0: it has none. */
  first(row: number): number {
    const ref = this.#blocks.get(row, this.ordinal);
    return ref === 0 ? 0 : ref + 1 + this.#start(ref) * UNITS_PER_CONTACT;
  }
  count(row: number): number {
    const ref = this.#blocks.get(row, this.ordinal);
    return ref === 0 ? 0 : this.#heap.count(ref);
  }

  #start(ref: number): number {
    return this.#heap.words[ref * 2 + 1] as number;
  }

  #capacity(ref: number): number {
    return Math.floor((this.#heap.units(ref) - 1) / UNITS_PER_CONTACT);
  }

  #create(row: number): number {
    const ref = this.#heap.allocate(unitsFor(1));
    if (ref === 0) return 0;
    this.#heap.words[ref * 2 + 1] = 0;
    if (this.#blocks.add(row, this.ordinal, ref)) return ref;
    this.#heap.free(ref);
    return 0;
  }

  /**
   * Moves the contacts to the front of their block if a quarter of it is free there, or there is no room for a larger
   * one; else to a larger block.
   */
  #makeRoom(row: number, ref: number): number {
    const start = this.#start(ref);
    const count = this.#heap.count(ref);
    const larger = start * 4 < this.#capacity(ref) ? this.#heap.allocate(unitsFor(grown(count))) : 0;
    if (larger === 0 && start === 0) return 0;
    const target = larger === 0 ? ref : larger;
    const from = ref + 1 + start * UNITS_PER_CONTACT;
    this.#heap.doubles.copyWithin(target + 1, from, from + count * UNITS_PER_CONTACT);
    this.#heap.words[target * 2 + 1] = 0;
    this.#heap.setCount(target, count);
    if (larger !== 0) {
      this.#blocks.replace(row, this.ordinal, larger);
      this.#heap.free(ref);
    }
    return target;
  }
}

function unitsFor(contacts: number): number {
  return 1 + contacts * UNITS_PER_CONTACT;
}

/** Capacity after a full block of `count`. */
function grown(count: number): number {
  return Math.min(CONTACTS_PER_CUSTOMER_MAX, count + 1 + (count >>> 1));
}

/** Walks one customer's contacts, newest first, without garbage. Invalid after any change to them. */
export class ContactCursor {
  ts = 0;
  campaign = -1;
  channel = -1;
  offer = -1;
  readonly #contacts: Contacts;
  readonly #heap: BlockHeap;
  #at = 0;
  #left = 0;

  constructor(contacts: Contacts, heap: BlockHeap) {
    this.#contacts = contacts;
    this.#heap = heap;
  }

  // What few walks ask for is read when asked: reading all of it took half as long again.
  get group(): number {
    return this.#heap.ints[this.#at * 2 + 7] as number;
  }
  get category(): number {
    return this.#heap.ints[this.#at * 2 + 8] as number;
  }
  get variant(): number {
    return this.#heap.ints[this.#at * 2 + 9] as number;
  }
  get decision(): number {
    const { words } = this.#heap;
    return ((words[this.#at * 2 + 3] as number) & HIGH_BITS) * 2 ** 32 + (words[this.#at * 2 + 2] as number);
  }
  /** 8 bits that belong to the caller. */
  get flags(): number {
    return (this.#heap.words[this.#at * 2 + 3] as number) >>> FLAGS_SHIFT;
  }

  /** Goes to the newest contact; false if there is none. */
  open(row: number): boolean {
    this.#left = this.#contacts.count(row);
    this.#at = this.#contacts.first(row) + this.#left * UNITS_PER_CONTACT;
    return this.older();
  }

  /** Goes to the next older one; false if there is none. */
  older(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    this.#at -= UNITS_PER_CONTACT;
    const at = this.#at;
    const { doubles, ints } = this.#heap;
    this.ts = doubles[at] as number;
    this.campaign = ints[at * 2 + 4] as number;
    this.channel = ints[at * 2 + 5] as number;
    this.offer = ints[at * 2 + 6] as number;
    return true;
  }

  /** Goes to the contact of this decision; false if it is not among them. */
  find(row: number, decision: number): boolean {
    for (let more = this.open(row); more; more = this.older()) if (this.decision === decision) return true;
    return false;
  }

  /** Sets the flags of the contact that it stands at. */
  setFlags(flags: number): void {
    const { words } = this.#heap;
    const at = this.#at * 2 + 3;
    words[at] = ((words[at] as number) & HIGH_BITS) | ((flags & 0xff) << FLAGS_SHIFT);
  }
}
