/**
 * Campaigns `on: {schedule}`: at each due time they look at every customer, as candidates together where several are
 * due at the same time. Due times are those strictly after the log time at which a campaign became live with its
 * schedule; before anything happened there is none.
 *
 * Under the wall clock, where more than one due time has passed at once because the node was down, only the last one
 * runs: the others are counted as skipped. Under the event clock all run.
 */
import { SCHEDULE_CHUNK_ROWS } from '../constants.ts';
import type { ScalarProgram } from '../rules/scalar-program.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { assert } from '../stdx/assert.ts';
import { nextDueTime } from '../workspace/schedule-times.ts';
import type { Schedule } from '../workspace/workspace.ts';
import type { ActiveCampaign } from './active-campaign.ts';
import type { ActiveWorkspace } from './active-workspace.ts';
import type { DecideStep } from './decide.ts';
import type { Effects } from './effects.ts';
import type { Predicates } from './predicates.ts';
import { chunkDue, NOT_BEGUN, type ScheduleBook, type ScheduledCampaign, type ScheduleRun } from './schedule-book.ts';
import type { Triggers } from './triggers.ts';

interface ActiveSchedule {
  readonly active: ActiveCampaign;
  readonly schedule: Schedule;
  readonly key: string;
  readonly when: ScalarProgram;
}

export class Schedules {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #book: ScheduleBook;
  readonly #decide: DecideStep;
  readonly #triggers: Triggers;
  readonly #skipping: boolean;
  /** By campaign id, in the order of campaigns. */
  readonly #scheduled: ReadonlyMap<string, ActiveSchedule>;
  readonly #candidates: ActiveCampaign[] = [];

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    book: ScheduleBook,
    clock: 'wall' | 'event',
    predicates: Predicates,
    triggers: Triggers,
    decide: DecideStep,
  ) {
    this.#state = state;
    this.#active = active;
    this.#book = book;
    this.#decide = decide;
    this.#triggers = triggers;
    this.#skipping = clock === 'wall';
    const scheduled = new Map<string, ActiveSchedule>();
    for (const campaign of active.campaigns) {
      const { schedule, status, when } = campaign.campaign;
      if (schedule === null || status !== 'live') continue;
      const key = `${schedule.source}; ${active.workspace.timezone}`;
      scheduled.set(campaign.id, { active: campaign, schedule, key, when: predicates.compile(when) });
    }
    this.#scheduled = scheduled;
  }

  /** A version became active at this log time: what is live as it was before goes on. */
  adopt(logTime: number): void {
    const { campaigns, runs } = this.#book;
    const same = (id: string): boolean => this.#scheduled.get(id)?.key === campaigns.get(id)?.key;
    for (const run of runs) run.campaigns = run.campaigns.filter(same);
    runs.splice(0, runs.length, ...runs.filter((run) => run.campaigns.length > 0));
    for (const id of [...campaigns.keys()]) if (!same(id)) campaigns.delete(id);
    for (const [id, { key, schedule }] of this.#scheduled) {
      if (campaigns.has(id)) continue;
      campaigns.set(id, { key, nextMs: logTime === 0 ? NOT_BEGUN : this.#nextOf(schedule, logTime) });
    }
    this.#book.settle();
  }

  /** Before what is due up to this log time is fired. */
  arrive(logTime: number): void {
    const { campaigns } = this.#book;
    for (const [id, entry] of campaigns) {
      const { schedule, active } = this.#scheduled.get(id) as ActiveSchedule;
      if (entry.nextMs === NOT_BEGUN) entry.nextMs = this.#nextOf(schedule, logTime);
      else if (this.#skipping && entry.nextMs <= logTime) this.#skip(entry, schedule, logTime, active);
    }
    this.#book.settle();
  }

  /** Fires what is due at book.nextDue: the next chunk of a run, which begins first if it is its due time. */
  fire(now: number, effects: Effects): void {
    const book = this.#book;
    this.#beginRun(book.nextDue);
    const run = book.runs[0];
    if (run === undefined || chunkDue(run) > now) return;
    const from = run.chunk * SCHEDULE_CHUNK_ROWS + 1;
    const to = Math.min(run.rows, from + SCHEDULE_CHUNK_ROWS - 1);
    const campaigns = run.campaigns.map((id) => this.#scheduled.get(id) as ActiveSchedule);
    run.chunk++;
    if (to === run.rows) book.runs.shift();
    book.settle();
    this.#look(campaigns, run, from, to, now, effects);
  }

  /** Of all campaigns that are due at this time. */
  #beginRun(dueMs: number): void {
    const { campaigns, runs } = this.#book;
    const due: string[] = [];
    for (const [id, { schedule }] of this.#scheduled) {
      const entry = campaigns.get(id) as ScheduledCampaign;
      if (entry.nextMs !== dueMs) continue;
      due.push(id);
      entry.nextMs = this.#nextOf(schedule, dueMs);
    }
    const rows = this.#state.customers;
    if (due.length > 0 && rows > 0) runs.push({ dueMs, campaigns: due, rows, chunk: 0 });
    this.#book.settle();
  }

  #look(
    campaigns: readonly ActiveSchedule[],
    { dueMs }: ScheduleRun,
    from: number,
    to: number,
    now: number,
    effects: Effects,
  ): void {
    const state = this.#state;
    const { profile, segments } = this.#active;
    const slots = new Set(campaigns.flatMap(({ when }) => [...when.profileSlots]));
    const gathered = Int32Array.from(slots);
    for (let row = from; row <= to; row++) {
      state.gather(row, gathered, now, profile);
      segments.begin(profile, now);
      const count = this.#match(campaigns, now);
      if (count > 0) this.#decideFor(row, dueMs, count, now, effects);
    }
  }

  /** Fills #candidates for the row that was gathered; returns how many there are. */
  #match(campaigns: readonly ActiveSchedule[], now: number): number {
    const { profile } = this.#active;
    let count = 0;
    for (const { active, when } of campaigns) {
      if (!when.evaluate(null, profile, now)) active.account.errors++;
      else if (when.number === 1) {
        active.account.matched++;
        this.#candidates[count++] = active;
      }
    }
    return count;
  }

  #decideFor(row: number, dueMs: number, count: number, now: number, effects: Effects): void {
    const customer = this.#state.customerOf(row);
    const trigger = this.#triggers.ofSchedule(dueMs, customer);
    this.#state.beginChange(row);
    this.#decide.begin(row, customer, now);
    for (let i = 0; i < count; i++) this.#decide.add(this.#candidates[i] as ActiveCampaign, trigger);
    this.#decide.run(effects);
  }

  #skip(entry: ScheduledCampaign, schedule: Schedule, logTime: number, { account }: ActiveCampaign): void {
    for (;;) {
      const next = this.#nextOf(schedule, entry.nextMs);
      if (next > logTime) return;
      assert(next > entry.nextMs, 'due times go forward');
      account.skippedRuns++;
      entry.nextMs = next;
    }
  }

  /** Infinity: never. */
  #nextOf(schedule: Schedule, afterMs: number): number {
    const { workspace, zones } = this.#active;
    return nextDueTime(schedule, zones, workspace.timezone, afterMs) ?? Number.POSITIVE_INFINITY;
  }
}
