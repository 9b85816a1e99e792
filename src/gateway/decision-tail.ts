/**
 * The newest decisions of every partition, in memory, shared by all subscribers: each of them is then no more than a position per partition, and
 * a slow one holds nothing back. Order law: *within a partition the tail holds consecutive numbers up to `next`*; what is older is read from the
 * decision log. When numbers are left out, because their decisions are gone, it begins anew behind them: who was waiting for them reads, and is told.
 */
import type { EncodedDecision } from '../protocol/decision.ts';
import { assert } from '../stdx/assert.ts';

/** What a decision costs besides its JSON: objects, strings, a slot. For the bound only. */
const ENTRY_OVERHEAD_BYTES = 200;

export class TailEntry {
  readonly decision: EncodedDecision;
  /** The decision in MessagePack, made when the first subscriber that wants it comes. */
  messagePack: Uint8Array | null = null;

  constructor(decision: EncodedDecision) {
    this.decision = decision;
  }
}

export class DecisionTail {
  readonly #partitions: PartitionTail[];

  /** `next`: for each partition the number that its next decision will have. */
  constructor(next: readonly number[], bytesMax: number) {
    this.#partitions = next.map((number) => new PartitionTail(number, bytesMax / next.length));
  }

  /** Number of the oldest decision held; `next` if there is none. */
  first(partition: number): number {
    return (this.#partitions[partition] as PartitionTail).first;
  }

  /** Number that the next announced decision will have. */
  next(partition: number): number {
    return (this.#partitions[partition] as PartitionTail).next;
  }

  /** `number` must be in `first` … `next − 1`. */
  at(partition: number, number: number): TailEntry {
    return (this.#partitions[partition] as PartitionTail).at(number);
  }

  /** As DecisionSource.subscribe delivers them. */
  append(partition: number, decisions: readonly EncodedDecision[]): void {
    const tail = this.#partitions[partition];
    assert(tail !== undefined, `partition ${partition} exists`);
    for (const decision of decisions) tail.push(decision);
  }
}

class PartitionTail {
  first: number;
  next: number;
  readonly #bytesMax: number;
  /** #entries[#head] is number `first`; what is before it has been let go. */
  #entries: (TailEntry | null)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(next: number, bytesMax: number) {
    this.first = next;
    this.next = next;
    this.#bytesMax = bytesMax;
  }

  at(number: number): TailEntry {
    const entry = this.#entries[this.#head + number - this.first];
    assert(entry, `decision ${number} is in the tail`);
    return entry;
  }

  push(decision: EncodedDecision): void {
    // Announced already, between the reading of the positions and the subscription.
    if (decision.number < this.next) return;
    if (decision.number > this.next) this.#beginAt(decision.number);
    this.#entries.push(new TailEntry(decision));
    this.#bytes += costOf(decision);
    this.next++;
    while (this.#bytes > this.#bytesMax && this.first < this.next) this.#drop();
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  #beginAt(number: number): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
    this.first = number;
    this.next = number;
  }

  #drop(): void {
    this.#bytes -= costOf(this.at(this.first).decision);
    this.#entries[this.#head] = null;
    this.#head++;
    this.first++;
  }
}

function costOf(decision: EncodedDecision): number {
  // Twice: subscribers may have it in MessagePack too.
  return decision.json.length * 2 + ENTRY_OVERHEAD_BYTES;
}
