/**
 * Fires what is due, in the order of time: before the event that comes at that time or later. Each moment has its own
 * due time for log time. At the same millisecond, customers' entries come before chunks of schedules, and customers in
 * the order of their first entries' numbers.
 */
import type { PartitionState } from '../../state/partition-state.ts';
import type { Effects } from '../effects.ts';
import type { UnitsStep } from '../leases/units-step.ts';
import type { DueMoments } from './due-moments.ts';
import type { ScheduleBook } from './schedule-book.ts';
import type { Schedules } from './schedules.ts';
import type { ShadowTimers } from './shadow-timers.ts';

const NO_BOUND = -1;

/** The machine's globals. */
export interface TimerState {
  logTime: number;
  readonly schedules: ScheduleBook;
}

export class Timers {
  readonly #globals: TimerState;
  readonly #state: PartitionState;
  readonly #moments: DueMoments;
  readonly #schedules: Schedules;
  readonly #units: UnitsStep;
  /** null: no campaign is in shadow. */
  readonly #shadow: ShadowTimers | null;
  /** Customers that may still be looked at in this record; NO_BOUND. */
  #left = NO_BOUND;

  constructor(
    globals: TimerState,
    state: PartitionState,
    moments: DueMoments,
    schedules: Schedules,
    units: UnitsStep,
    shadow: ShadowTimers | null,
  ) {
    this.#shadow = shadow;
    this.#globals = globals;
    this.#state = state;
    this.#moments = moments;
    this.#schedules = schedules;
    this.#units = units;
  }

  /** Whether `fire` has something to do; asked before every event, hence an answer that is no double: those are allocated. */
  isDue(until: number): boolean {
    if (this.#left !== 0 && (until >= this.#state.pending.nextDue || until >= this.#globals.schedules.nextDue))
      return true;
    return this.#shadow?.isDue(until) === true;
  }

  /** Whether this record may fire no more, though something is due: a customer's own comes before an event of his all the same, see `fireOf`. */
  isBehind(until: number): boolean {
    return this.#left === 0 && until >= this.#state.pending.nextDue;
  }

  /** Log time from which `fire` has something to do. */
  get nextDue(): number {
    const shadow = this.#shadow === null ? Number.POSITIVE_INFINITY : this.#shadow.nextDue;
    return Math.min(this.#nextInProduction, shadow);
  }

  get #nextInProduction(): number {
    return Math.min(this.#state.pending.nextDue, this.#globals.schedules.nextDue);
  }

  /** A record begins, under the wall clock: what exceeds this many customers is left to the records behind it, and nextDue stays in the past. */
  bound(customers: number): void {
    this.#left = customers;
    this.#shadow?.bound(customers);
  }

  /** Everything that is due at `until` or before, within the bound; log time is left at the last moment that fired. */
  fire(until: number, effects: Effects): void {
    const { pending } = this.#state;
    const { schedules } = this.#globals;
    if (schedules.nextDue <= until) this.#schedules.arrive(until);
    this.#shadow?.arrive(until);
    while (this.#left !== 0) {
      const place = pending.nextDue <= schedules.nextDue ? pending.first() : null;
      const due = place === null ? schedules.nextDue : place.dueMs;
      if (due > until) break;
      this.#shadow?.fire(until, due, effects);
      const now = this.#passTo(due);
      let customers = 1;
      if (place === null) customers = this.#schedules.fire(now, effects);
      else this.#moments.fire(place, now, effects);
      if (this.#units.hasAnswers) this.#units.settle(now, effects);
      effects.fired.push(due);
      if (this.#left !== NO_BOUND) this.#left = Math.max(0, this.#left - customers);
    }
    this.#shadow?.fire(until, this.#nextInProduction, effects);
  }

  /** All that is due of one row, whatever the bound. */
  fireOf(row: number, until: number, effects: Effects): void {
    const { pending } = this.#state;
    if (!pending.has(row)) return;
    const dues = new Set(pending.list(row).map(({ dueMs }) => dueMs));
    for (const dueMs of [...dues].sort((a, b) => a - b)) {
      if (dueMs > until) return;
      const now = this.#passTo(dueMs);
      this.#moments.fire({ row, dueMs }, now, effects);
      if (this.#units.hasAnswers) this.#units.settle(now, effects);
      effects.fired.push(dueMs);
    }
  }

  #passTo(due: number): number {
    const globals = this.#globals;
    if (due > globals.logTime) globals.logTime = due;
    this.#state.passTime(globals.logTime);
    return globals.logTime;
  }
}
