/**
 * The side of a key's keeper: it knows how many units there are, lends them, and finds out when all are used.
 *
 * Law: share × partitions + lent = units used + units in the hands of holders + units on their way, always; and units are lent only while that sum stays within the
 * limit. So no more than the limit can ever be used, whoever crashes: what a holder has is in its own state, what is on its way is in a log.
 *
 * A holder is marked as one that may hold units from the first (it has a share) or from a grant on, and until it has answered a recall sent after its last grant with
 * nothing left in hand or set aside. From then on it sends back every unit that becomes free, until it is granted some again. So if nobody is marked and nothing is
 * free, every unit is used, and only then is anybody denied.
 *
 * Messages: a holder is recalled once per grant at most (and once for its share), an ask gets one answer, and `available` goes once to each denied holder when units
 * have come back. A unit may be lent several times before it is used, but only because somebody waited for one and got it.
 */
import { LEASE_AHEAD_UNITS_MAX } from '../../constants.ts';
import type { LeaseMessage } from '../../protocol/partition-message.ts';
import { baseOf, isKnown, LeaseDays, type LeaseTerms, NO_TERMS, shareOf } from './lease-key.ts';

/** What a holder may have, as far as the keeper knows. */
const Mark = { nothing: 0, some: 1, recalled: 2 } as const;

interface Ask {
  readonly from: number;
  readonly units: number;
  readonly version: number;
}

interface KeptKey {
  /** Units beyond the shares. Negative while more of the shares have come back than were lent. */
  lent: number;
  /** By partition, a Mark; null while no version has told of the key. */
  marks: number[] | null;
  /** By partition: the last recall. */
  readonly rounds: number[];
  /** In the order in which they came. */
  asks: Ask[];
  /** Who was told that all are used. */
  denied: number[];
}

export interface KeeperImage {
  readonly keys: readonly [string, KeptKey][];
  readonly days: readonly [string, number][];
}

export class LeaseKeeper {
  readonly #partitions: number;
  readonly #send: (to: number, message: LeaseMessage) => void;
  readonly #keys = new Map<string, KeptKey>();
  readonly #days = new LeaseDays();
  #terms = NO_TERMS;

  /** `send` may not call back: what it leads to comes later. */
  constructor(partitions: number, send: (to: number, message: LeaseMessage) => void) {
    this.#partitions = partitions;
    this.#send = send;
  }

  /** A version is in force: what could not be answered before may be now, in the order in which keys were first asked for. */
  adopt(terms: LeaseTerms): void {
    this.#terms = terms;
    for (const [key, kept] of this.#keys) this.#settle(key, kept);
  }

  ask(from: number, key: string, units: number, version: number): void {
    if (this.#days.note(key)) this.#forgetDays();
    const kept = this.#days.isOver(key) ? null : this.#open(key);
    if (kept === null) {
      this.#send(from, { kind: 'deny', key });
      return;
    }
    kept.asks.push({ from, units, version });
    this.#settle(key, kept);
  }

  return(from: number, key: string, units: number, undecided: number, round: number): void {
    // Of a day that is over: nobody will ask for it again.
    if (this.#days.isOver(key)) return;
    const kept = this.#open(key);
    kept.lent -= units;
    if (kept.marks?.[from] === Mark.recalled && kept.rounds[from] === round && undecided === 0)
      kept.marks[from] = Mark.nothing;
    this.#settle(key, kept);
  }

  /** All units are used, as far as others than `self` are concerned: a holder that has none itself need not ask. */
  isExhausted(key: string, self: number): boolean {
    const limit = this.#terms.limits.get(baseOf(key));
    if (limit === undefined || this.#days.isOver(key)) return true;
    const kept = this.#keys.get(key);
    const share = shareOf(this.#terms, baseOf(key));
    const lent = kept === undefined ? 0 : kept.lent;
    if (limit - share * this.#partitions - lent > 0) return false;
    if (kept === undefined || kept.marks === null) return share === 0 || this.#partitions === 1;
    return kept.marks.every((mark, partition) => partition === self || mark === Mark.nothing);
  }

  /** Units that it has not lent to anybody. */
  unlent(key: string): number {
    const limit = this.#terms.limits.get(baseOf(key));
    if (limit === undefined || this.#days.isOver(key)) return 0;
    const lent = this.#keys.get(key)?.lent ?? 0;
    return Math.max(0, limit - shareOf(this.#terms, baseOf(key)) * this.#partitions - lent);
  }

  export(): KeeperImage {
    return { keys: [...this.#keys], days: this.#days.export() };
  }

  /** Of a new keeper; `image` becomes its own. */
  import(image: KeeperImage, terms: LeaseTerms): void {
    this.#terms = terms;
    for (const [key, kept] of image.keys) this.#keys.set(key, kept);
    this.#days.import(image.days);
  }

  #open(key: string): KeptKey {
    let kept = this.#keys.get(key);
    if (kept === undefined) {
      kept = { lent: 0, marks: null, rounds: new Array<number>(this.#partitions).fill(0), asks: [], denied: [] };
      this.#keys.set(key, kept);
    }
    return kept;
  }

  /** Answers what can be answered. */
  #settle(key: string, kept: KeptKey): void {
    const terms = this.#terms;
    const base = baseOf(key);
    if (kept.marks === null && isKnown(terms, base)) {
      const mark = shareOf(terms, base) > 0 ? Mark.some : Mark.nothing;
      kept.marks = new Array<number>(this.#partitions).fill(mark);
    }
    const limit = terms.limits.get(base);
    const asks = kept.asks;
    kept.asks = [];
    let waiting = false;
    for (const ask of asks) {
      if (ask.version > terms.version) kept.asks.push(ask);
      else if (limit === undefined) this.#deny(key, kept, ask.from);
      else if (!this.#grant(key, kept, ask, limit)) {
        kept.asks.push(ask);
        waiting = true;
      }
    }
    if (waiting) this.#recall(key, kept);
    if (limit !== undefined && kept.denied.length > 0 && this.#free(key, kept, limit) > 0) {
      for (const to of kept.denied) this.#send(to, { kind: 'available', key });
      kept.denied = [];
    }
  }

  #free(key: string, kept: KeptKey, limit: number): number {
    return limit - shareOf(this.#terms, baseOf(key)) * this.#partitions - kept.lent;
  }

  /** False: it must wait. Who asks gets what its waiting decisions need, and more while there is much, so that it need not ask for each. */
  #grant(key: string, kept: KeptKey, ask: Ask, limit: number): boolean {
    const free = this.#free(key, kept, limit);
    const ahead = Math.min(Math.ceil(free / (2 * this.#partitions)), LEASE_AHEAD_UNITS_MAX);
    let units = 0;
    if (ask.units === 0) units = Math.max(ahead > 1 ? ahead : 0, 0);
    else if (free <= 0) return false;
    else units = Math.min(free, Math.max(ask.units, ahead));
    if (units > 0) {
      kept.lent += units;
      (kept.marks as number[])[ask.from] = Mark.some;
    }
    this.#send(ask.from, { kind: 'grant', key, units });
    return true;
  }

  /** Somebody waits and nothing is free: calls back what holders do not need; denies, if there is nobody left who may hold any. */
  #recall(key: string, kept: KeptKey): void {
    const marks = kept.marks as number[];
    let outstanding = false;
    for (let to = 0; to < marks.length; to++) {
      if (marks[to] === Mark.nothing) continue;
      outstanding = true;
      if (marks[to] === Mark.recalled) continue;
      marks[to] = Mark.recalled;
      const round = (kept.rounds[to] as number) + 1;
      kept.rounds[to] = round;
      this.#send(to, { kind: 'recall', key, round });
    }
    if (outstanding) return;
    const asks = kept.asks;
    kept.asks = asks.filter(({ version }) => version > this.#terms.version);
    for (const { from, version } of asks) if (version <= this.#terms.version) this.#deny(key, kept, from);
  }

  #deny(key: string, kept: KeptKey, to: number): void {
    if (!kept.denied.includes(to)) kept.denied.push(to);
    this.#send(to, { kind: 'deny', key });
  }

  #forgetDays(): void {
    for (const [key, kept] of this.#keys) {
      if (!this.#days.isOver(key)) continue;
      for (const { from } of kept.asks) this.#send(from, { kind: 'deny', key });
      this.#keys.delete(key);
    }
  }
}
