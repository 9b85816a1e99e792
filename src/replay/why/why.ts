/**
 * Why: the reasons for what was decided about one customer, found by replaying the log to the moment that is asked about, with a trace, and on from there until what it set going is settled.
 *
 *   the record is found in the log (find-event.ts), or its time is known
 *     → the partition is replayed from the snapshot before it, and the moments of this customer are kept
 *     → it goes on while something of theirs is pending (follow.ts), up to a bound
 *
 * An event may have been sent several times, or refused: only where it was accepted there is a moment, so that the search goes on before a record without one. Anonymous events cannot be
 * asked for: nobody is named who they are about.
 */
import { WHY_RECORDS_FOLLOWED_MAX, WHY_VERDICTS_MAX } from '../../constants.ts';
import { formatRfc3339 } from '../../machine/decode/rfc3339.ts';
import type { Machine } from '../../machine/machine.ts';
import type { ExplainedMoment, Explanation } from '../../protocol/explanation.ts';
import type { WhyQuestion } from '../../protocol/why.ts';
import { campaignHint } from '../campaign-hint.ts';
import type { EventQuery } from '../find-event.ts';
import { type History, HistoryForgottenError } from '../history.ts';
import { PartitionReplay, type ReplayStart } from '../partition-replay.ts';
import { FollowedEvents } from './follow.ts';
import { notAskedIn } from './not-asked.ts';
import { type AskedUntil, askedTime, timeOf, WhyError } from './question.ts';
import { standingOf, type WhyStanding } from './standing.ts';

export interface WhyOptions {
  /** How the live partition stood when it was asked; `history` ends there. null: it is found out by replaying to the end, where it is needed. */
  readonly standing: WhyStanding | null;
  /** Asked after each record that is read: no more time may be taken. */
  readonly isLate: () => boolean;
}

/** The moment that is looked for. */
interface Search {
  readonly from: ReplayStart;
  /** Moments are explained from this record on: 0: all that are replayed. */
  readonly fromSeq: number;
  /** The last record, and the last log time, that may hold it. */
  readonly untilSeq: number;
  readonly untilMs: number;
  readonly accepts: (moment: ExplainedMoment, machine: Machine) => boolean;
  /** Which of them are wanted: behind the first it is not looked for another. */
  readonly take: 'first' | 'last' | 'all';
}

const ALWAYS = Number.POSITIVE_INFINITY;
const DAY_MS = 86_400_000;
/** It begins with a day. */
const DATED = /^\d{4}-\d\d-\d\d/;
/** No campaign listens for these. */
const SILENT_TYPES = ['$profile', '$consent'];

/** WhyError where there is no answer; what History and PartitionReplay throw where the data cannot be read. */
export function explainWhy(
  history: History,
  partition: number,
  question: WhyQuestion,
  options: WhyOptions,
): Explanation {
  try {
    return new Why(history, partition, question, options).explain();
  } catch (error) {
    if (error instanceof HistoryForgottenError) throw new WhyError('moment', error.message);
    throw error;
  }
}

class Why {
  readonly #history: History;
  readonly #partition: number;
  readonly #question: WhyQuestion;
  readonly #isLate: () => boolean;
  #standing: WhyStanding | null;

  constructor(history: History, partition: number, question: WhyQuestion, { standing, isLate }: WhyOptions) {
    this.#history = history;
    this.#partition = partition;
    this.#question = question;
    this.#isLate = isLate;
    this.#standing = standing;
  }

  explain(): Explanation {
    const { customer, campaign, event: id, at } = this.#question;
    const time = at === null ? null : askedTime(at);
    const standing = campaign === null ? null : this.#stands();
    const others = standing?.otherCampaigns ?? null;
    if (campaign !== null && others !== null)
      throw new WhyError('campaign', `there is no campaign "${campaign}": ${campaignHint(campaign, others)}`);
    if (time !== null) return 'seq' in time ? this.#ofRecord(time.seq) : this.#lastUntil(time);
    const listens = standing?.listens ?? null;
    if (id === null && listens !== null && 'lastRunsMs' in listens) return this.#lastRun(listens.lastRunsMs);
    const type = listens !== null && 'type' in listens ? listens.type : null;
    // An event of another type with that id is told about all the same: the campaign does not listen for it.
    const types = id === null || type === null ? [type] : [type, null];
    for (const each of types) {
      const query = { customer, ...(each === null ? { exceptTypes: SILENT_TYPES } : { types: [each] }) };
      const found = id === null ? this.#lastEvent(query) : this.#eventOf({ ...query, id });
      if (found !== null) return found;
    }
    if (id !== null) {
      const dueMs = timeOf(id);
      const isTime = !Number.isNaN(dueMs);
      const run = isTime ? this.#runSince(dueMs, formatRfc3339(dueMs)) : null;
      if (run !== null) return run;
      throw this.#noEvent(id, !isTime && (DATED.test(id) || (listens !== null && 'lastRunsMs' in listens)));
    }
    const which = type === null ? '' : ` of type ${type}, which campaign ${campaign} listens for`;
    throw this.#nothing(`customer "${customer}" has no accepted event${which}`);
  }

  #ofRecord(seq: number): Explanation {
    const { customer } = this.#question;
    const partition = this.#partition;
    const last = this.#history.lastSeq(partition);
    const accepts = ({ record }: ExplainedMoment): boolean => record === seq;
    const search: Search = { from: { seq }, fromSeq: seq, untilSeq: seq, untilMs: ALWAYS, accepts, take: 'all' };
    const found = seq > last ? null : this.#search(search);
    if (found !== null) return found;
    if (!this.#stands().knowsCustomer) throw this.#noCustomer();
    const detail =
      seq > last
        ? `partition ${partition}, where customer "${customer}" is, has no record ${seq}: the last one is ${last}`
        : `nothing happened to customer "${customer}" in record ${seq} of partition ${partition}: a time, such as 2010-12-01T08:26:00Z, asks for the last moment until then`;
    throw new WhyError('moment', detail);
  }

  /** The last moment until then at which the campaign was asked; if it never was, or none is asked about, the last of all. */
  #lastUntil(time: AskedUntil): Explanation {
    const { customer, campaign, at } = this.#question;
    const told = (campaign === null ? null : this.#lastAsked(time, campaign)) ?? this.#lastAsked(time, null);
    if (told !== null) return told;
    const until = 'ms' in time ? formatRfc3339(time.ms) : `the end of ${at}`;
    throw this.#nothing(`nothing happened to customer "${customer}" until ${until}`);
  }

  /** null: at no moment. From one snapshot after another, the newest first. */
  #lastAsked(time: AskedUntil, asked: string | null): Explanation | null {
    // No zone is a day away from UTC.
    const [fromMs, untilMs] = 'ms' in time ? [time.ms, time.ms] : [(time.day - 1) * DAY_MS, (time.day + 2) * DAY_MS];
    const isIn = (ms: number, machine: Machine): boolean =>
      'ms' in time ? ms <= time.ms : localDay(ms, machine) <= time.day;
    const first = this.#history.firstSeq(this.#partition) ?? 1;
    const snapshots = this.#history.snapshots(this.#partition).filter(({ logTime }) => logTime < fromMs);
    const starts = [first, ...snapshots.map(({ seq }) => seq + 1)].filter((seq) => seq >= first);
    const accepts = ({ at, campaigns }: ExplainedMoment, machine: Machine): boolean =>
      isIn(Date.parse(at), machine) && (asked === null || campaigns.some(({ campaign }) => campaign === asked));
    let untilSeq = this.#history.lastSeq(this.#partition);
    for (const seq of starts.sort((a, b) => b - a)) {
      if (seq > untilSeq) continue;
      const found = this.#search({ from: { seq }, fromSeq: 0, untilSeq, untilMs, accepts, take: 'last' });
      if (found !== null) return found;
      untilSeq = seq - 1;
    }
    return null;
  }

  /** The last run of a schedule in which the customer had a turn. */
  #lastRun(lastRunsMs: readonly number[]): Explanation {
    const { campaign, customer } = this.#question;
    const reach = this.#history.reach(this.#partition)?.logTime ?? ALWAYS;
    const ms = lastRunsMs.find((dueMs) => dueMs > reach);
    const found = ms === undefined ? null : this.#runSince(ms, null);
    if (found !== null) return found;
    throw this.#nothing(`customer "${customer}" had no turn in a recent run of campaign ${campaign}`);
  }

  /** The last run since then, or the one of that due time, which stands in its decisions for the id of an event; null: the customer had no turn. */
  #runSince(ms: number, due: string | null): Explanation | null {
    const { campaign: asked } = this.#question;
    const accepts = ({ cause, campaigns }: ExplainedMoment): boolean =>
      cause.kind === 'schedule' &&
      (due === null || cause.due === due) &&
      (asked === null || campaigns.some(({ campaign }) => campaign === asked));
    const untilSeq = this.#history.lastSeq(this.#partition);
    return this.#search({
      from: { ms },
      fromSeq: 0,
      untilSeq,
      untilMs: ALWAYS,
      accepts,
      take: due === null ? 'last' : 'all',
    });
  }

  /** The last event that was accepted; null: none that is kept. */
  #lastEvent(query: EventQuery): Explanation | null {
    const accepts = ({ cause }: ExplainedMoment): boolean =>
      cause.kind === 'event' && (query.types === undefined || query.types.includes(cause.type));
    const find = (atSeq: number): number | null => this.#find({ ...query, atSeq });
    const seq = find(this.#history.lastSeq(this.#partition));
    if (seq === null) return null;
    const found = this.#search({ from: { seq }, fromSeq: seq, untilSeq: seq, untilMs: ALWAYS, accepts, take: 'last' });
    if (found !== null) return found;
    // It was refused there, or a repeat: from now on whole stretches between snapshots are looked through.
    for (let before = find(seq - 1); before !== null; ) {
      const end = before;
      const search: Search = { from: { seq: end }, fromSeq: 0, untilSeq: end, untilMs: ALWAYS, accepts, take: 'last' };
      const earlier = this.#search(search);
      if (earlier !== null) return earlier;
      const start = this.#history.snapshots(this.#partition).findLast((moment) => moment.seq < end);
      before = start === undefined ? null : find(start.seq);
    }
    return null;
  }

  /** The event of an id, where it was accepted: what came under it before was refused, and what comes later is a repeat. */
  #eventOf(query: EventQuery & { readonly id: string }): Explanation | null {
    const accepts = ({ cause }: ExplainedMoment): boolean => cause.kind === 'event' && cause.id === query.id;
    const first = this.#find(query);
    if (first === null) return null;
    const search = { untilMs: ALWAYS, accepts, take: 'first' } as const;
    const found = this.#search({ ...search, from: { seq: first }, fromSeq: first, untilSeq: first });
    if (found !== null) return found;
    // It was refused there; it may have come any number of times since.
    const seq = this.#find({ ...query, afterSeq: first });
    if (seq === null) return null;
    return this.#search({ ...search, from: { seq }, fromSeq: seq, untilSeq: this.#history.lastSeq(this.#partition) });
  }

  #find(query: EventQuery): number | null {
    const first = this.#history.firstSeq(this.#partition) ?? 1;
    const { afterSeq = 0 } = query;
    const whole = { ...query, afterSeq: Math.max(afterSeq, first - 1), onRecord: () => this.#pass() };
    return this.#history.findEvent(this.#partition, whole)?.seq ?? null;
  }

  /** Replays, and goes on until what the moment set going is settled. null: there is no such moment. */
  #search({ from, fromSeq, untilSeq, untilMs, accepts, take }: Search): Explanation | null {
    const { customer, campaign } = this.#question;
    const followed = new FollowedEvents(campaign);
    let moments: ExplainedMoment[] = [];
    let isFound = false;
    let verdicts = 0;
    const explained = (moment: ExplainedMoment): void => {
      if (!isFound && accepts(moment, replay.machine)) {
        if (take !== 'all') {
          followed.clear();
          moments = [];
        }
        followed.follow(moment);
        const narrowed = followed.narrowed(moment);
        const workspace = replay.machine.activeWorkspace?.workspace;
        const isAsked = campaign === null || narrowed.campaigns.length > 0 || workspace === undefined;
        moments.push(isAsked ? narrowed : { ...narrowed, notAsked: notAskedIn(workspace, campaign) });
        isFound = take === 'first';
        verdicts += narrowed.campaigns.length;
        if (take === 'all' && verdicts > WHY_VERDICTS_MAX) throw this.#tooMuch(seq);
      } else {
        const part = followed.partOf(moment);
        if (part !== null) moments.push(part);
      }
    };
    let seq = 0;
    const trace = {
      outcome: null,
      returned: null,
      explains: (id: string) => id === customer && seq >= fromSeq,
      explained,
    };
    const replay = PartitionReplay.open(this.#history, this.#partition, from, { trace });
    const step = (): boolean => {
      seq = replay.seq + 1;
      return replay.step();
    };
    try {
      const { machine, state } = replay;
      while (!isFound && replay.seq < untilSeq && machine.logTime <= untilMs && step()) this.#pass();
      if (moments.length === 0) return null;
      isFound = true;
      const bound = replay.seq + WHY_RECORDS_FOLLOWED_MAX;
      while (followed.isPending(state, customer) && replay.seq < bound && !this.#isLate() && step());
      const until = followed.isPending(state, customer) ? formatRfc3339(machine.logTime) : null;
      const timezone = machine.activeWorkspace?.workspace.timezone ?? 'UTC';
      return {
        customer,
        campaign,
        partition: this.#partition,
        historyFrom: this.#historyFrom(),
        historyIsWhole: this.#historyIsWhole(),
        until,
        timezone,
        moments,
      };
    } finally {
      replay.close();
    }
  }

  #stands(): WhyStanding {
    if (this.#standing !== null) return this.#standing;
    const { customer, campaign } = this.#question;
    const first = this.#history.firstSeq(this.#partition) ?? 1;
    const seq = Math.max(first, this.#history.lastSeq(this.#partition));
    const replay = PartitionReplay.open(this.#history, this.#partition, { seq });
    try {
      while (replay.step()) this.#pass();
      this.#standing = standingOf(replay.machine, replay.state, customer, campaign);
      return this.#standing;
    } finally {
      replay.close();
    }
  }

  #pass(): void {
    if (!this.#isLate()) return;
    const { customer } = this.#question;
    const detail = `replaying the history of customer "${customer}" (partition ${this.#partition}) took too long: ask with --data where the data is, which has no bound`;
    throw new WhyError('length', detail);
  }

  #tooMuch(seq: number): WhyError {
    const { customer } = this.#question;
    const detail = `record ${seq} tells more than ${WHY_VERDICTS_MAX} times what became of a campaign for customer "${customer}": ask for one of its events by id, or for one campaign`;
    return new WhyError('length', detail);
  }

  #noCustomer(): WhyError {
    const detail = `there is no customer "${this.#question.customer}": no accepted event has named it`;
    return new WhyError('customer', detail);
  }

  /** `isRun`: a schedule's run may be meant. */
  #noEvent(id: string, isRun: boolean): WhyError {
    const { customer } = this.#question;
    const silent = SILENT_TYPES.find((type) => this.#find({ customer, id, types: [type] }) !== null);
    const hint = isRun ? " (a schedule's run is named by its due time, such as 2010-12-01T08:26:00Z)" : '';
    if (silent === undefined) return this.#nothing(`customer "${customer}" has no accepted event "${id}"${hint}`);
    const detail = `event "${id}" of customer "${customer}" is a ${silent}: no campaign listens for those`;
    return new WhyError('moment', detail);
  }

  /** `what` is not in the history that is kept. */
  #nothing(what: string): WhyError {
    if (!this.#stands().knowsCustomer) return this.#noCustomer();
    const from = this.#historyFrom();
    const kept = this.#historyIsWhole() ? `from its beginning, ${from}` : `from ${from} on (--history of the node)`;
    return new WhyError('moment', `${what}: ${from === null ? 'no history is kept' : `history is kept ${kept}`}`);
  }

  #historyIsWhole(): boolean {
    return this.#history.firstSeq(this.#partition) === 1;
  }

  #historyFrom(): string | null {
    const reach = this.#history.reach(this.#partition);
    return reach === null ? null : formatRfc3339(reach.logTime);
  }
}

/** By the clock of the workspace that was active then, in days from 1970-01-01. */
function localDay(ms: number, { activeWorkspace }: Machine): number {
  const day = activeWorkspace?.zones.localDay(activeWorkspace.workspace.timezone, ms) ?? null;
  return day ?? Math.floor(ms / DAY_MS);
}
