/**
 * The side of who uses units: what this partition has in hand of each key, which decisions wait for more, and what it says to the keeper about it.
 *
 * A waiter is a decision under the number of its pending entry. It takes its keys one after the other, in the order that it names them, and keeps set aside what it has
 * while it waits for the next; all waiters name kinds of keys in the same order (total, day, offer), so no two can wait for each other. Per key: first come, first
 * served. Each waiter ends in one outcome: it has all its units, or one of its keys is denied (its other units are free again then).
 *
 * Each unit in hand is free or set aside for one waiter. While free ones are left nobody waits for the key. A holder that was recalled, and not granted any since, or
 * denied, keeps no free units: they go back to the keeper.
 */
import { LEASE_LOW_PART } from '../../constants.ts';
import type { LeaseMessage } from '../../protocol/partition-message.ts';
import { assert } from '../../stdx/assert.ts';
import { baseOf, isKnown, LeaseDays, type LeaseTerms, NO_TERMS, shareOf } from './lease-key.ts';

interface HeldKey {
  free: number;
  aside: number;
  /** Waiters without a unit, in their order. */
  queue: number[];
  /** An ask has no answer yet. */
  asked: boolean;
  /** The limit has changed since it was sent: the answer is about another one. Units go back, a denial is void, and it asks again. */
  stale: boolean;
  denied: boolean;
  recalled: boolean;
  /** Of the last recall. */
  round: number;
  /** Units of the last grant, or the share; 0: the keeper has none to spare for later. */
  last: number;
  /** The share is in hand, or was. False: recalled before any version told of the key; answered when one does. */
  opened: boolean;
}

interface FreedUnits {
  readonly held: HeldKey;
  /** The most that was set aside before. */
  asideBefore: number;
}

interface Waiter {
  /** Whose it is: the owner's own business. */
  readonly row: number;
  readonly keys: readonly string[];
  /** The first so many keys have their unit set aside. */
  held: number;
}

/** How waiting ended. */
export interface LeaseOutcome {
  readonly waiter: number;
  /** As `wait` was told. */
  readonly row: number;
  /** The key that is used up; null: all units are set aside, and the waiter is to be decided or released. */
  readonly denied: string | null;
}

export interface HolderImage {
  readonly keys: readonly [string, HeldKey][];
  readonly days: readonly [string, number][];
  readonly waiters: readonly [number, Waiter][];
  readonly outcomes: readonly LeaseOutcome[];
  readonly lowered: readonly string[];
}

export class LeaseHolder {
  readonly #partitions: number;
  readonly #send: (message: LeaseMessage) => void;
  readonly #keys = new Map<string, HeldKey>();
  readonly #days = new LeaseDays();
  readonly #waiters = new Map<number, Waiter>();
  /** Bases whose limit was lowered: shares were dealt under a higher one, and others may have used more than is left. */
  readonly #lowered = new Set<string>();
  #outcomes: LeaseOutcome[] = [];
  /** So many of them were told. */
  #told = 0;
  /** Keys of which units became free, until waiters were served: see `#add`. */
  readonly #freed = new Map<string, FreedUnits>();
  #serving = false;
  #terms = NO_TERMS;

  /** `send` goes to the key's keeper. It may not call back: what it leads to comes later. */
  constructor(partitions: number, send: (message: LeaseMessage) => void) {
    this.#partitions = partitions;
    this.#send = send;
  }

  /**
   * A version is in force. Where it lowers a limit (or sets one again), free units were lent under the old one: they go back, and the keeper lends them again as the new
   * one allows. Where it raises one, a denial is void: the next ask tells the keeper which version it is about.
   */
  adopt(terms: LeaseTerms): void {
    const before = this.#terms;
    this.#terms = terms;
    for (const [base, limit] of terms.limits) {
      if (isKnown(before, base) && limit < (before.limits.get(base) ?? Number.POSITIVE_INFINITY))
        this.#lowered.add(base);
    }
    for (const [key, held] of this.#keys) {
      const base = baseOf(key);
      if (!held.opened) {
        if (isKnown(terms, base)) this.#open(key);
        continue;
      }
      const limit = terms.limits.get(base);
      const limitBefore = before.limits.get(base);
      if (limit === undefined || limit === limitBefore) continue;
      held.stale = held.asked;
      if (limitBefore === undefined || limit > limitBefore) held.denied = false;
      if (limitBefore !== undefined && limit > limitBefore) continue;
      held.recalled = true;
      this.#flush(key, held, held.aside);
    }
  }

  /** Known to be used up, as far as this partition was told. */
  isDenied(key: string): boolean {
    return this.#days.isOver(key) || this.#keys.get(key)?.denied === true;
  }

  /** Its share is in hand, or was: nothing of it changes when it is asked after. */
  isOpened(key: string): boolean {
    return this.#keys.get(key)?.opened === true;
  }

  free(key: string): number {
    return this.#days.isOver(key) ? 0 : this.#open(key).free;
  }
  /** As `free`, but nothing changes: a key that was never looked at is not opened. */
  inHand(key: string): number {
    if (this.#days.isOver(key)) return 0;
    const held = this.#keys.get(key);
    const base = baseOf(key);
    if (held?.opened === true || !isKnown(this.#terms, base)) return held?.free ?? 0;
    return held?.recalled === true || this.#sharesTooMany(base) ? 0 : shareOf(this.#terms, base);
  }
  aside(key: string): number {
    return this.#keys.get(key)?.aside ?? 0;
  }

  /** Asks for one unit, for a decision in the making, where nothing was asked for yet. */
  want(key: string): void {
    if (this.isDenied(key)) return;
    const held = this.#open(key);
    if (held.free === 0) this.#ask(key, held, 1);
  }

  /** Takes a unit of each key for good; there must be one in hand. `asksAhead`: where they run low, more are asked for. */
  take(key: string, asksAhead: boolean): void {
    const held = this.#open(key);
    assert(held.free > 0, `${key}: there is a unit in hand`);
    held.free--;
    if (
      asksAhead &&
      held.last > 0 &&
      held.free <= Math.floor(held.last / LEASE_LOW_PART) &&
      !held.recalled &&
      !held.denied
    )
      this.#ask(key, held, 0);
  }

  /** Begins to wait; the outcome may be there at once. */
  wait(keys: readonly string[], number: number, row: number): void {
    assert(!this.#waiters.has(number), `entry ${number} waits for units once`);
    const waiter: Waiter = { row, keys: [...keys], held: 0 };
    this.#waiters.set(number, waiter);
    this.#advance(number, waiter);
  }

  keysOf(number: number): readonly string[] | null {
    return this.#waiters.get(number)?.keys ?? null;
  }

  /** In the order in which they began to wait. */
  waiters(): { readonly waiter: number; readonly row: number }[] {
    return [...this.#waiters].map(([waiter, { row }]) => ({ waiter, row }));
  }

  /** The waiter has all its units: they are used. */
  decided(number: number): void {
    const waiter = this.#waiters.get(number);
    assert(waiter !== undefined && waiter.held === waiter.keys.length, `entry ${number} has its units`);
    this.#waiters.delete(number);
    for (const key of waiter.keys) {
      const held = this.#open(key);
      held.aside--;
      this.#flush(key, held, held.aside + 1);
    }
  }

  /** The waiter needs its units no longer, nor any more. */
  release(number: number): void {
    // It may have been refused, and not been told yet.
    if (this.hasOutcome) {
      this.#outcomes = this.#outcomes.slice(this.#told).filter((outcome) => outcome.waiter !== number);
      this.#told = 0;
    }
    const waiter = this.#waiters.get(number);
    if (waiter === undefined) return;
    this.#waiters.delete(number);
    const next = waiter.keys[waiter.held];
    if (next !== undefined) {
      const { queue } = this.#open(next);
      const place = queue.indexOf(number);
      if (place >= 0) queue.splice(place, 1);
    }
    for (const key of waiter.keys.slice(0, waiter.held)) {
      const held = this.#open(key);
      held.aside--;
      this.#add(key, held, 1, held.aside + 1);
    }
  }

  /** A unit of a decision is unused after all. */
  giveBack(key: string): void {
    if (this.#days.isOver(key)) return;
    const held = this.#open(key);
    this.#add(key, held, 1, held.aside);
  }

  get hasOutcome(): boolean {
    return this.#told < this.#outcomes.length;
  }

  nextOutcome(): LeaseOutcome | null {
    const outcome = this.#outcomes[this.#told];
    if (outcome !== undefined) {
      this.#told++;
      return outcome;
    }
    this.#outcomes = [];
    this.#told = 0;
    return null;
  }

  granted(key: string, units: number): void {
    const held = this.#keys.get(key);
    if (held === undefined) return;
    held.asked = false;
    if (held.stale) {
      held.stale = false;
      if (units > 0) this.#sendReturn(key, held, units);
    } else if (units > 0) {
      held.recalled = false;
      held.denied = false;
      held.last = units;
      this.#add(key, held, units, held.aside);
    } else held.last = 0;
    if (held.queue.length > 0) this.#ask(key, held, held.queue.length);
  }

  denied(key: string): void {
    const held = this.#keys.get(key);
    if (held === undefined) return;
    held.asked = false;
    if (held.stale) {
      held.stale = false;
      if (held.queue.length > 0) this.#ask(key, held, held.queue.length);
      return;
    }
    held.denied = true;
    const queue = held.queue;
    held.queue = [];
    for (const number of queue) this.#refuse(number, this.#waiters.get(number) as Waiter, key);
    this.#flush(key, held, held.aside);
  }

  available(key: string): void {
    const held = this.#keys.get(key);
    if (held !== undefined) held.denied = false;
  }

  recalled(key: string, round: number): void {
    if (this.#days.isOver(key)) {
      this.#send({ kind: 'return', key, units: 0, undecided: 0, round });
      return;
    }
    const held = this.#open(key);
    held.recalled = true;
    held.round = round;
    if (held.opened) this.#sendReturn(key, held, held.free);
    held.free = 0;
  }

  export(): HolderImage {
    const keys = [...this.#keys];
    const waiters = [...this.#waiters];
    const outcomes = this.#outcomes.slice(this.#told);
    return { keys, days: this.#days.export(), waiters, outcomes, lowered: [...this.#lowered] };
  }

  /** Of a new holder; `image` becomes its own. */
  import(image: HolderImage, terms: LeaseTerms): void {
    this.#terms = terms;
    for (const [key, held] of image.keys) this.#keys.set(key, held);
    this.#days.import(image.days);
    for (const [number, waiter] of image.waiters) this.#waiters.set(number, waiter);
    this.#outcomes = [...image.outcomes];
    for (const base of image.lowered) this.#lowered.add(base);
  }

  /** What is in hand of a key; the share, if it is seen for the first time by a version that tells of it. */
  #open(key: string): HeldKey {
    let held = this.#keys.get(key);
    if (held === undefined) {
      if (this.#days.note(key)) this.#forgetDays();
      held = emptyHand();
      this.#keys.set(key, held);
    }
    const base = baseOf(key);
    if (held.opened || !isKnown(this.#terms, base)) return held;
    held.opened = true;
    const share = shareOf(this.#terms, base);
    held.last = share;
    held.free = share;
    if (held.recalled) this.#sendReturn(key, held, share);
    else if (this.#sharesTooMany(base) && share > 0) {
      held.recalled = true;
      this.#sendReturn(key, held, share);
    }
    if (held.recalled) held.free = 0;
    return held;
  }

  /** More shares were dealt than the limit allows, or may have been. */
  #sharesTooMany(base: string): boolean {
    const limit = this.#terms.limits.get(base);
    const shares = shareOf(this.#terms, base) * this.#partitions;
    return this.#lowered.has(base) || (limit !== undefined && shares > limit);
  }

  /** The waiter takes units as far as there are any in hand. */
  #advance(number: number, waiter: Waiter): void {
    while (waiter.held < waiter.keys.length) {
      const key = waiter.keys[waiter.held] as string;
      if (this.isDenied(key)) {
        this.#refuse(number, waiter, key);
        return;
      }
      const held = this.#open(key);
      if (held.free === 0) {
        held.queue.push(number);
        this.#ask(key, held, held.queue.length);
        return;
      }
      held.free--;
      held.aside++;
      waiter.held++;
    }
    this.#outcomes.push({ waiter: number, row: waiter.row, denied: null });
  }

  /** The waiter is in no queue. */
  #refuse(number: number, waiter: Waiter, key: string): void {
    this.#waiters.delete(number);
    this.#outcomes.push({ waiter: number, row: waiter.row, denied: key });
    for (const other of waiter.keys.slice(0, waiter.held)) {
      const held = this.#open(other);
      held.aside--;
      this.#add(other, held, 1, held.aside + 1);
    }
  }

  /**
   * Units become free: waiters come first, then the keeper if it wants them. Who is served may be refused at its next key and free what it had, thousands in a row: so
   * keys are served one after the other, and not one within the other.
   */
  #add(key: string, held: HeldKey, units: number, asideBefore: number): void {
    held.free += units;
    const freed = this.#freed.get(key);
    if (freed === undefined) this.#freed.set(key, { held, asideBefore });
    else freed.asideBefore = Math.max(freed.asideBefore, asideBefore);
    if (this.#serving) return;
    this.#serving = true;
    for (const [next, found] of this.#freed) {
      this.#serve(found.held);
      this.#flush(next, found.held, found.asideBefore);
      this.#freed.delete(next);
    }
    this.#serving = false;
  }

  #serve(held: HeldKey): void {
    const { queue } = held;
    let served = 0;
    while (held.free > 0 && served < queue.length) {
      const number = queue[served++] as number;
      const waiter = this.#waiters.get(number) as Waiter;
      held.free--;
      held.aside++;
      waiter.held++;
      this.#advance(number, waiter);
    }
    queue.splice(0, served);
  }

  /** Tells the keeper what it must know: units that it wants back, and that none is set aside any longer. */
  #flush(key: string, held: HeldKey, asideBefore: number): void {
    if (!held.opened || (!held.recalled && !held.denied)) return;
    const units = held.free;
    if (units === 0 && (held.aside > 0 || asideBefore === 0)) return;
    held.free = 0;
    this.#sendReturn(key, held, units);
  }

  #ask(key: string, held: HeldKey, units: number): void {
    if (held.asked) return;
    held.asked = true;
    this.#send({ kind: 'ask', key, units, version: this.#terms.version });
  }

  #sendReturn(key: string, { aside, round }: HeldKey, units: number): void {
    this.#send({ kind: 'return', key, units, undecided: aside, round });
  }

  /** Days behind: log time does not go back to them, and whatever else names them is told that they are used up. */
  #forgetDays(): void {
    for (const [key, held] of this.#keys) {
      if (this.#days.isOver(key) && held.queue.length === 0 && held.aside === 0) this.#keys.delete(key);
    }
  }
}

function emptyHand(): HeldKey {
  return {
    free: 0,
    aside: 0,
    queue: [],
    asked: false,
    stale: false,
    denied: false,
    recalled: false,
    round: 0,
    last: 0,
    opened: false,
  };
}
