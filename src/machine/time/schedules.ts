/**
 * Campaigns `on: {schedule}`: at each due time they look at every customer, as candidates together where several are
 * due at the same time. Due times are those strictly after the log time at which a campaign became live with its
 * schedule; before anything happened there is none.
 *
 * Under the wall clock, where more than one due time has passed at once because the node was down, only the last one
 * runs: the others are counted as skipped. Under the event clock all run, but for SCHEDULE_BEHIND_MAX and more at once: one
 * event with a date of long ago must not let decades of due times happen. So many are counted then, and the last one runs.
 *
 * Campaigns in shadow have a book and runs of their own, so that those of live campaigns are what they are without them. A
 * run that begins together with one of live campaigns goes along with it, chunk by chunk: they compete.
 */
import { SCHEDULE_BEHIND_MAX, SCHEDULE_CHUNK_ROWS } from '../../constants.ts';
import type { ScalarProgram } from '../../rules/scalar-program.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { assert } from '../../stdx/assert.ts';
import { nextDueTime } from '../../workspace/schedule-times.ts';
import type { Schedule } from '../../workspace/workspace.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { DecideStep } from '../decide/decide.ts';
import { formatRfc3339 } from '../decode/rfc3339.ts';
import type { Effects } from '../effects.ts';
import type { Tracer } from '../trace/tracer.ts';
import type { Predicates } from './predicates.ts';
import { chunkDue, NOT_BEGUN, type ScheduleBook, type ScheduledCampaign, type ScheduleRun } from './schedule-book.ts';
import type { Triggers } from './triggers.ts';

interface ActiveSchedule {
  readonly active: ActiveCampaign;
  readonly schedule: Schedule;
  readonly key: string;
  readonly when: ScalarProgram;
}

export interface ScheduleParts {
  readonly state: PartitionState;
  readonly active: ActiveWorkspace;
  readonly clock: 'wall' | 'event';
  readonly predicates: Predicates;
  readonly triggers: Triggers;
  readonly decide: DecideStep;
  readonly tracer: Tracer | null;
}

export class Schedules {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #book: ScheduleBook;
  readonly #decide: DecideStep;
  readonly #triggers: Triggers;
  readonly #tracer: Tracer | null;
  readonly #skipping: boolean;
  /** By campaign id, in the order of campaigns. */
  readonly #scheduled: ReadonlyMap<string, ActiveSchedule>;
  /** Those in shadow, beside the live ones. */
  readonly #beside: Schedules | null;
  readonly #candidates: ActiveCampaign[] = [];

  /** For the campaigns of this status. */
  constructor(
    { state, active, clock, predicates, triggers, decide, tracer }: ScheduleParts,
    book: ScheduleBook,
    status: 'live' | 'shadow',
    beside: Schedules | null,
  ) {
    this.#beside = beside;
    this.#tracer = tracer;
    this.#state = state;
    this.#active = active;
    this.#book = book;
    this.#decide = decide;
    this.#triggers = triggers;
    this.#skipping = clock === 'wall';
    const scheduled = new Map<string, ActiveSchedule>();
    for (const campaign of active.campaigns) {
      const { schedule, when } = campaign.campaign;
      if (schedule === null || campaign.campaign.status !== status) continue;
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
      else if (entry.nextMs <= logTime) this.#catchUp(entry, schedule, logTime, active);
    }
    this.#book.settle();
  }

  /** Fires what is due at book.nextDue: the next chunk of a run, which begins first if it is its due time. How many customers it looked at. */
  fire(now: number, effects: Effects): number {
    const book = this.#book;
    this.#beginRun(book.nextDue);
    const run = book.runs[0];
    if (run === undefined || chunkDue(run) > now) return 0;
    const from = run.chunk * SCHEDULE_CHUNK_ROWS + 1;
    const to = Math.min(run.rows, from + SCHEDULE_CHUNK_ROWS - 1);
    const beside = this.#beside === null ? [] : this.#beside.goAlong(run);
    this.#look([...this.#takeChunk(run), ...beside], run, from, to, now, effects);
    return to - from + 1;
  }

  /** A run of live campaigns is about to look at its next chunk: who looks at the same one now. */
  goAlong({ dueMs, rows, chunk }: ScheduleRun): readonly ActiveSchedule[] {
    if (this.#book.nextDue > chunkDue({ dueMs, chunk })) return [];
    if (chunk === 0) this.#beginRun(dueMs);
    const run = this.#book.runs.find((own) => own.dueMs === dueMs && own.rows === rows && own.chunk === chunk);
    return run === undefined ? [] : this.#takeChunk(run);
  }

  /** The run goes on to its next chunk. */
  #takeChunk(run: ScheduleRun): readonly ActiveSchedule[] {
    const { runs } = this.#book;
    const campaigns = run.campaigns.map((id) => this.#scheduled.get(id) as ActiveSchedule);
    run.chunk++;
    if (run.chunk * SCHEDULE_CHUNK_ROWS >= run.rows) runs.splice(runs.indexOf(run), 1);
    this.#book.settle();
    return campaigns;
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
      if (this.#tracer !== null) this.#beginMoment(this.#tracer, campaigns, row, dueMs, count, now);
      if (count > 0) this.#decideFor(row, dueMs, count, now, effects);
      this.#tracer?.end();
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

  #beginMoment(
    tracer: Tracer,
    campaigns: readonly ActiveSchedule[],
    row: number,
    dueMs: number,
    count: number,
    now: number,
  ): void {
    tracer.begin({ kind: 'schedule', due: formatRfc3339(dueMs) }, row, this.#state.customerOf(row), now);
    const matched = this.#candidates.slice(0, count);
    for (const { active } of campaigns) tracer.moment?.looked(active, dueMs, matched.includes(active));
  }

  #decideFor(row: number, dueMs: number, count: number, now: number, effects: Effects): void {
    const customer = this.#state.customerOf(row);
    const trigger = this.#triggers.ofSchedule(dueMs, customer);
    this.#state.beginChange(row);
    this.#decide.begin(row, customer, now);
    for (let i = 0; i < count; i++) this.#decide.add(this.#candidates[i] as ActiveCampaign, trigger);
    this.#decide.run(effects);
  }

  /** Due times that passed at once: where they are skipped, or too many, the last one is left. */
  #catchUp(entry: ScheduledCampaign, schedule: Schedule, logTime: number, { account }: ActiveCampaign): void {
    let passed = 0;
    let last = entry.nextMs;
    for (let next = this.#nextOf(schedule, last); next <= logTime; next = this.#nextOf(schedule, last)) {
      assert(next > last, 'due times go forward');
      if (passed === SCHEDULE_BEHIND_MAX) {
        last = this.#lastOf(schedule, last, logTime);
        break;
      }
      passed++;
      last = next;
    }
    if (!this.#skipping && passed < SCHEDULE_BEHIND_MAX) return;
    account.skippedRuns += passed;
    entry.nextMs = last;
  }

  /** The last due time until `until`, not before `from`, which is one. */
  #lastOf(schedule: Schedule, from: number, until: number): number {
    let [low, high] = [from, until];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const next = this.#nextOf(schedule, middle);
      if (next <= until) low = next;
      else high = middle;
    }
    return low;
  }

  /** Infinity: never. */
  #nextOf(schedule: Schedule, afterMs: number): number {
    const { workspace, zones } = this.#active;
    return nextDueTime(schedule, zones, workspace.timezone, afterMs) ?? Number.POSITIVE_INFINITY;
  }
}
