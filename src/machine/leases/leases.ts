/**
 * Units of budgets and limits, in one partition: keeper of the keys that hash to it, and holder of all. Nothing else of the machine is known here; what other
 * partitions say comes in by `handle`, what is to be told to them goes out by `send`. Messages to itself are handled at once, in the order in which they were said, before
 * the method that said them returns.
 *
 * How to use it, per decision: `usedUp` of any of its keys → suppressed; else `take` → decided; else `wait`. `next` then gives the outcomes of waiting, one by one, until null: after whatever may have led to one (an event, a timer, a message, a version). Each with `denied` null is ended
 * by `decided` or `release`.
 */
import type { LeaseMessage } from '../../protocol/partition-message.ts';
import { fnv1a32 } from '../../stdx/hash.ts';
import { type HolderImage, LeaseHolder, type LeaseOutcome } from './lease-holder.ts';
import { type KeeperImage, LeaseKeeper } from './lease-keeper.ts';
import type { LeaseTerms } from './lease-key.ts';

export interface LeasesImage {
  readonly keeper: KeeperImage;
  readonly holder: HolderImage;
}

export class Leases {
  readonly #partition: number;
  readonly #partitions: number;
  readonly #keeper: LeaseKeeper;
  readonly #holder: LeaseHolder;
  /** Said to itself and not handled yet; empty whenever no method runs. */
  readonly #toMyself: LeaseMessage[] = [];

  /** `send`: to another partition; in order, each once. */
  constructor(partition: number, partitions: number, send: (to: number, message: LeaseMessage) => void) {
    this.#partition = partition;
    this.#partitions = partitions;
    this.#keeper = new LeaseKeeper(partitions, (to, message) => {
      if (to === partition) this.#toMyself.push(message);
      else send(to, message);
    });
    this.#holder = new LeaseHolder(partitions, (message) => {
      const to = this.#keeperOf(message.key);
      if (to === partition) this.#toMyself.push(message);
      else send(to, message);
    });
  }

  /** A version is in force, newer than those before. */
  adopt(terms: LeaseTerms): void {
    this.#keeper.adopt(terms);
    this.#holder.adopt(terms);
    this.#drain();
  }

  /** The first of them of which no unit can be had, as far as is known here; null: none is known to be used up. With one partition it is exact. */
  usedUp(keys: readonly string[]): string | null {
    for (const key of keys) if (this.#isUsedUp(key)) return key;
    return null;
  }

  /** As `usedUp`, for who takes no units: nothing changes, keys that nobody asked for yet are not taken up. */
  seemsUsedUp(keys: readonly string[]): string | null {
    for (const key of keys)
      if (this.#holder.isDenied(key) || (this.#holder.isOpened(key) && this.#isUsedUp(key))) return key;
    return null;
  }

  /** Units that this partition could give out without asking another: what it has in hand, and what it keeps itself. */
  inHand(key: string): number {
    const kept = this.#keeperOf(key) === this.#partition ? this.#keeper.unlent(key) : 0;
    return this.#holder.inHand(key) + kept;
  }

  /** True: a unit of each is used, for good. False: one is missing, and none is taken. */
  take(keys: readonly string[]): boolean {
    for (const key of keys) {
      if (this.#holder.free(key) === 0 && this.#keeperOf(key) === this.#partition) this.#holder.want(key);
      this.#drain();
      if (this.#holder.free(key) === 0) return false;
    }
    for (const key of keys) this.#holder.take(key, this.#keeperOf(key) !== this.#partition);
    this.#drain();
    return true;
  }

  /** `keys` in the order total, day, offer; none: it has all at once. `waiter`: number of its pending entry, `row`: whose it is. */
  wait(keys: readonly string[], waiter: number, row: number): void {
    this.#holder.wait(keys, waiter, row);
    this.#drain();
  }

  /** Null where it does not wait (or not any longer). */
  keysOf(waiter: number): readonly string[] | null {
    return this.#holder.keysOf(waiter);
  }

  /** Who waits, or has its units and is not ended yet, in the order in which they began. */
  waiters(): { readonly waiter: number; readonly row: number }[] {
    return this.#holder.waiters();
  }

  /** Of a waiter that has all its units: they are used. */
  decided(waiter: number): void {
    this.#holder.decided(waiter);
    this.#drain();
  }

  /** The waiter wants no units any more, whether it has them or not; nothing happens if it does not wait. */
  release(waiter: number): void {
    this.#holder.release(waiter);
    this.#drain();
  }

  /** Units of a decision come back: it failed, or nobody used it in time. */
  giveBack(keys: readonly string[]): void {
    for (const key of keys) this.#holder.giveBack(key);
    this.#drain();
  }

  /** `next` has one; cheap. */
  get hasOutcome(): boolean {
    return this.#holder.hasOutcome;
  }

  /** Ends of waiting, in their order; null: no more for now. */
  next(): LeaseOutcome | null {
    return this.#holder.nextOutcome();
  }

  /** From another partition. */
  handle(from: number, message: LeaseMessage): void {
    this.#take(from, message);
    this.#drain();
  }

  export(): LeasesImage {
    return { keeper: this.#keeper.export(), holder: this.#holder.export() };
  }

  /** Into a new object; nothing is said. `terms`: of the version in force when it was exported. */
  import(image: LeasesImage, terms: LeaseTerms): void {
    this.#keeper.import(image.keeper, terms);
    this.#holder.import(image.holder, terms);
  }

  /** Whether this message may come from that partition: to the keeper of its key, or from it. */
  belongs(from: number, { kind, key }: LeaseMessage): boolean {
    return this.#keeperOf(key) === (kind === 'ask' || kind === 'return' ? this.#partition : from);
  }

  #isUsedUp(key: string): boolean {
    if (this.#holder.isDenied(key)) return true;
    if (this.#keeperOf(key) !== this.#partition || this.#holder.free(key) > 0) return false;
    this.#drain();
    return this.#holder.aside(key) === 0 && this.#keeper.isExhausted(key, this.#partition);
  }

  #keeperOf(key: string): number {
    return fnv1a32(key) % this.#partitions;
  }

  #drain(): void {
    for (let next = this.#toMyself.shift(); next !== undefined; next = this.#toMyself.shift())
      this.#take(this.#partition, next);
  }

  #take(from: number, message: LeaseMessage): void {
    const { key } = message;
    switch (message.kind) {
      case 'ask':
        this.#keeper.ask(from, key, message.units, message.version);
        return;
      case 'return':
        this.#keeper.return(from, key, message.units, message.undecided, message.round);
        return;
      case 'grant':
        this.#holder.granted(key, message.units);
        return;
      case 'deny':
        this.#holder.denied(key);
        return;
      case 'available':
        this.#holder.available(key);
        return;
      case 'recall':
        this.#holder.recalled(key, message.round);
    }
  }
}
