/**
 * What falls due for campaigns in shadow alone, around what falls due in production: before it what is due earlier, at
 * the same millisecond after it (what is due for the same customer went along). It passes no time: log time is where
 * production leaves it. Under the wall clock a record takes so many customers of it at most, beside those of production;
 * what is left over waits for the records behind it, also where an event of the customer's comes first.
 */
import type { Effects } from '../effects.ts';
import type { DueMoments } from './due-moments.ts';
import type { PendingWaits } from './pending-waits.ts';
import type { ScheduleBook } from './schedule-book.ts';
import type { Schedules } from './schedules.ts';
import type { TimerState } from './timers.ts';

export class ShadowTimers {
  readonly #globals: Pick<TimerState, 'logTime'>;
  readonly #pending: PendingWaits;
  readonly #book: ScheduleBook;
  readonly #moments: DueMoments;
  readonly #schedules: Schedules;
  /** Customers that may still be looked at in this record; negative: no bound. */
  #left = -1;

  constructor(
    globals: Pick<TimerState, 'logTime'>,
    pending: PendingWaits,
    book: ScheduleBook,
    moments: DueMoments,
    schedules: Schedules,
  ) {
    this.#globals = globals;
    this.#pending = pending;
    this.#book = book;
    this.#moments = moments;
    this.#schedules = schedules;
  }

  get nextDue(): number {
    return Math.min(this.#pending.store.nextDue, this.#book.nextDue);
  }

  isDue(until: number): boolean {
    return this.#left !== 0 && (until >= this.#pending.store.nextDue || until >= this.#book.nextDue);
  }

  bound(customers: number): void {
    this.#left = customers;
  }

  /** Before what is due up to this log time is fired. */
  arrive(logTime: number): void {
    if (this.#book.nextDue <= logTime) this.#schedules.arrive(logTime);
  }

  /** What is due at `until` or before, and before `production`, when it has its turn. */
  fire(until: number, production: number, effects: Effects): void {
    while (this.#left !== 0) {
      const { store } = this.#pending;
      const due = this.nextDue;
      if (due > until || due >= production) return;
      const now = Math.max(this.#globals.logTime, due);
      const place = store.nextDue <= this.#book.nextDue ? store.first() : null;
      let customers = 1;
      if (place === null) customers = this.#schedules.fire(now, effects);
      else this.#moments.fire(place, now, effects);
      if (this.#left > 0) this.#left = Math.max(0, this.#left - customers);
    }
  }
}
