/**
 * One partition as a state machine over its log: apply(record) changes the state and says what follows from it. Nothing
 * else changes it: no clock, no randomness, no I/O, no other partition. Two machines that applied the same records hold
 * the same state and made the same decisions under the same numbers.
 *
 * The way of an event, one file per step: decode → identity → profile → match → policy → arbitrate → decide.
 *
 * Log time never goes back. Wall clock: it is the record's ts. Event clock: the greatest ts of the accepted events,
 * event by event; ticks and the records' own timestamps do not move it. An event dated later than log time counts at
 * log time; one without a date has log time's. What falls due on the way happens before what made time pass: each at its
 * own time, at the beginning of a record under the wall clock (as much as one record may take), and under the event clock before each event that nothing
 * is wrong with.
 *
 * A payload is untrusted: whatever its bytes, apply ends in counted outcomes and never in an exception. A rejected
 * event changes nothing, and is not remembered; a repeated one changes nothing either.
 *
 * There are two ways through decode and identity with the same outcome. Most messages go the fast one (fast-way.ts)
 * from end to end; the thorough one here takes over at the first event that is unusual or wrong, and explains it.
 */
import { EVENT_FUTURE_MS_MAX, TIMERS_PER_RECORD_MAX } from '../constants.ts';
import type { EventFrame } from '../protocol/frame.ts';
import { type LogRecord, RecordKind } from '../protocol/record.ts';
import { RejectReason } from '../protocol/rejection.ts';
import type { WaitingList } from '../protocol/waiting.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { assert } from '../stdx/assert.ts';
import { type CampaignRow, REMOVED_STATUS } from './accounting.ts';
import { activate, activateAgain, withdrawOthers, withdrawShadows } from './activation.ts';
import type { ActiveEvent, ActiveWorkspace } from './active-workspace.ts';
import { FeedbackMatch } from './aftermath/feedback.ts';
import { DeadLetters } from './dead-letters.ts';
import { EventDecoder, EventKind } from './decode/decode.ts';
import { Payload } from './decode/payload.ts';
import { ACCEPTED, type Effects, REPEATED, UNKNOWN_TYPE } from './effects.ts';
import { FastWay } from './fast-way.ts';
import { Fault } from './fault.ts';
import { Filling } from './fill/filling.ts';
import { decodeGlobals, encodeGlobals, Globals, type MachineIdentity } from './globals.ts';
import { digestGlobals } from './globals-digest.ts';
import { type GoldenRecord, readGoldenRecord } from './golden-record.ts';
import { IdentityStep } from './identity.ts';
import { UnitsStep } from './leases/units-step.ts';
import { acceptedTime } from './log-time.ts';
import { StepCounts } from './step-counts.ts';
import { createSteps, type Steps } from './steps.ts';
import { PendingWaits } from './time/pending-waits.ts';
import { NOT_BEGUN } from './time/schedule-book.ts';
import { listWaiting } from './time/waiting-list.ts';
import type { Trace } from './trace/trace.ts';
import { Tracer } from './trace/tracer.ts';

export interface MachineOptions extends MachineIdentity {
  readonly state: PartitionState;
  /** Default true. False: every event goes the thorough way; for tests, the outcome is the same. */
  readonly fast?: boolean;
  /** Default none. The outcome is the same. */
  readonly trace?: Trace;
}

export class Machine {
  readonly #identity: MachineIdentity;
  readonly #state: PartitionState;
  readonly #fast: boolean;
  readonly #globals = new Globals();
  readonly #counts = new StepCounts(this.#globals);
  readonly #fault = new Fault();
  readonly #deadLetters = new DeadLetters(this.#globals, this.#fault);
  readonly #payload = new Payload(this.#fault);
  readonly #identify: IdentityStep;
  readonly #waits: PendingWaits;
  readonly #units: UnitsStep;
  readonly filling: Filling;
  readonly #tracer: Tracer | null;
  #decoder = new EventDecoder(null, this.#fault);
  /** Built for one workspace version, and replaced with it. null before the first workspace record: all events are rejected. */
  #steps: Steps | null = null;
  #fastWay: FastWay | null = null;
  /** Decisions before the event that is being applied. */
  #decisionsBefore = 0;

  constructor(options: MachineOptions) {
    const { partition, partitions, clock, state, fast = true, trace } = options;
    assert(partition >= 0 && partition < partitions, `partition ${partition} of ${partitions}`);
    this.#identity = { partition, partitions, clock };
    this.#state = state;
    this.#fast = fast;
    this.#identify = new IdentityStep(this.#identity, state, this.#fault);
    this.#waits = new PendingWaits(state, state.pending, this.#globals);
    this.#tracer = trace === undefined ? null : new Tracer(trace, state, partition, this.#globals);
    this.#globals.accounting.listener = this.#tracer;
    this.#units = new UnitsStep(state, this.#identity, this.#fault, this.#tracer);
    this.filling = new Filling(state);
  }

  /** Sequence of the last record applied; 0 before the first. */
  get position(): number {
    return this.#globals.position;
  }
  /** Epoch milliseconds. */
  get logTime(): number {
    return this.#globals.logTime;
  }
  /** The last decision has this number. */
  get decisionCount(): number {
    return this.#globals.decisionCount;
  }
  /** The last dead letter has this number. */
  get deadLetterCount(): number {
    return this.#globals.deadLetterCount;
  }
  /**
   * Log time at which something falls due, Infinity if nothing waits: under the wall clock, a record of that time or later (a tick if nothing else comes) lets it
   * happen.
   */
  get nextDue(): number {
    // Before there is any log time nothing can be due.
    const next = this.#steps === null ? Number.POSITIVE_INFINITY : this.#steps.timers.nextDue;
    return next === NOT_BEGUN ? Number.POSITIVE_INFINITY : next;
  }
  /** Messages to that partition so far; the last one has this number. */
  sentTo(partition: number): number {
    return this.#units.sentTo(partition);
  }
  /** Messages of that partition that were taken; the last one has this number. */
  takenFrom(partition: number): number {
    return this.#units.takenFrom(partition);
  }
  /** Timestamp of the last record applied, epoch ms. */
  get recordTs(): number {
    return this.#globals.recordTs;
  }
  get activeWorkspace(): ActiveWorkspace | null {
    return this.#steps === null ? null : this.#steps.active;
  }
  /** 0 before the first workspace. */
  get workspaceVersion(): number {
    return this.#steps === null ? 0 : this.#steps.active.workspace.version;
  }
  /** Counts since the partition's beginning. */
  get totals(): Readonly<Omit<Globals, 'accounting' | 'schedules' | 'shadow'>> {
    return this.#globals;
  }

  /**
   * Applies the record that follows `position`. Adds to `effects` what it leads to; the caller clears it before.
   * Synchronous, and total over kinds and payloads; records out of sequence are programmer errors.
   */
  apply(record: LogRecord, effects: Effects): void {
    const globals = this.#globals;
    assert(record.seq === globals.position + 1, `record ${record.seq} cannot follow ${globals.position}`);
    globals.position = record.seq;
    globals.recordTs = record.ts;
    this.#units.open(effects);
    this.filling.open(record.ts, effects);
    if (this.#identity.clock === 'wall' && record.ts > globals.logTime) this.#passTimeTo(record.ts, effects);
    this.#state.passTime(globals.logTime);
    switch (record.kind) {
      case RecordKind.events:
        this.#applyEvents(record, effects);
        return;
      case RecordKind.workspace:
        this.#applyWorkspace(record.payload, effects);
        return;
      case RecordKind.tick:
        return;
      case RecordKind.message:
        if (!this.#units.hear(record.payload, globals.logTime, effects))
          this.#deadLetters.add(UNKNOWN_TYPE, 0, new Uint8Array(record.payload), effects);
        this.#counts.collect(this.#steps);
        return;
      case RecordKind.fill:
        if (this.filling.take(record, this.activeWorkspace, globals.logTime)) return;
    }
    this.#deadLetters.addRecord(record, effects);
  }

  /**
   * 32 hex digits: the state's digest, then globalsDigest. Of content only: equal for equal histories of accepted
   * events and workspaces, however they were batched, repeated, interleaved with ticks (which move a wall clock) or
   * mixed with rejected events.
   */
  digest(): string {
    return this.#state.digest(this.logTime) + this.globalsDigest();
  }

  /**
   * The second half of `digest`: what a snapshot that runs beside the machine must take down when it begins, while its
   * state's half is computed on the way.
   */
  globalsDigest(): string {
    return digestGlobals(this.#identity, this.#globals, this.#units.export(), this.workspaceVersion, this.campaigns());
  }

  /** Everything that is not in the state: JSON bytes. */
  exportGlobals(): Uint8Array {
    this.#counts.collectErrors(this.#steps);
    const workspace = this.#steps === null ? null : this.#steps.active.workspace;
    return encodeGlobals(this.#identity, this.#globals, this.#units.export(), workspace);
  }

  /** For a new machine over a restored state: goes on where exportGlobals was called. */
  importGlobals(bytes: Uint8Array): void {
    assert(this.#globals.position === 0, 'globals are imported before anything is applied');
    const { workspace, units } = decodeGlobals(bytes, this.#identity, this.#globals);
    const steps =
      workspace === null ? null : this.#adopt(activateAgain(workspace, this.#state, this.#globals.accounting));
    this.#units.import(units, steps === null ? null : steps.units);
  }

  /** Counts of every campaign that ever was, by id. */
  campaigns(): CampaignRow[] {
    this.#counts.collectErrors(this.#steps);
    const campaigns = this.#steps === null ? [] : this.#steps.active.campaigns;
    const statuses = new Map(campaigns.map(({ id, campaign }) => [id, campaign.status]));
    return this.#globals.accounting.rows((id) => statuses.get(id) ?? REMOVED_STATUS);
  }

  /** null if unknown (or no workspace was ever active). */
  customer(id: string): GoldenRecord | null {
    const row = this.#state.find(id);
    if (row < 0 || this.#steps === null) return null;
    return readGoldenRecord(this.#state, this.#steps.active, row, this.logTime, this.#identity.partition);
  }

  /** Customers that a campaign waits for, whatever for; the `limit` that are due first. */
  waitingFor(campaignId: string, limit: number): WaitingList {
    return listWaiting(this.#state, campaignId, limit);
  }

  /** Wall clock: what is due until then happens now, as much of it as one record may take. */
  #passTimeTo(logTime: number, effects: Effects): void {
    const timers = this.#steps?.timers;
    timers?.bound(TIMERS_PER_RECORD_MAX);
    if (timers?.isDue(logTime)) {
      timers.fire(logTime, effects);
      this.#counts.collect(this.#steps);
    }
    this.#globals.logTime = logTime;
  }

  #applyWorkspace(payload: Uint8Array, effects: Effects): void {
    this.#counts.collectErrors(this.#steps);
    const active = activate(payload, this.workspaceVersion, this.#state, this.#globals.accounting, this.filling);
    if (typeof active === 'string') effects.workspaceError = active;
    else {
      const { logTime } = this.#globals;
      this.#tracer?.beginWithdrawals(active);
      withdrawOthers(this.#state, active, this.#waits, logTime, (waiter) => this.#units.withdrawn(waiter, effects));
      if (this.#steps?.shadow) withdrawShadows(this.#state, active, this.#steps.shadow.pending, logTime);
      this.#tracer?.endWithdrawals();
      this.#units.adopt(this.#adopt(active).units, logTime, effects);
      this.#counts.collect(this.#steps);
    }
  }

  #adopt(active: ActiveWorkspace): Steps {
    this.#state.keepShadow(active.hasShadow);
    this.#decoder = new EventDecoder(active.workspace.schema, this.#fault);
    this.#identify.adopt(active);
    this.#tracer?.adopt(active);
    this.#steps = createSteps(
      this.#identity,
      this.#state,
      this.#globals,
      this.#waits,
      this.#units,
      active,
      this.#fault,
      this.filling,
      this.#tracer,
    );
    if (this.#fast)
      this.#fastWay = new FastWay(this.#identity, this.#state, this.#globals, this.#steps, this.#units, this.#tracer);
    return this.#steps;
  }

  #applyEvents(record: LogRecord, effects: Effects): void {
    const left = this.#fastWay === null ? 0 : this.#fastWay.apply(record, effects);
    if (left >= 0) this.#applyThoroughly(record, left, effects);
    this.#counts.collect(this.#steps);
  }

  /** The events from index `from` on. */
  #applyThoroughly(record: LogRecord, from: number, effects: Effects): void {
    const payload = this.#payload;
    payload.open(record.payload, from);
    while (payload.next()) {
      if (!payload.ok) this.#deadLetters.add(UNKNOWN_TYPE, payload.index, payload.raw(), effects);
      else if (!this.#applyEvent(payload.value, record.ts, payload.index, effects))
        this.#deadLetters.add(this.#decoder.label(), payload.index, payload.raw(), effects);
    }
  }

  /** False: rejected, the fault says why, and nothing has changed. */
  #applyEvent(value: unknown, recordTs: number, index: number, effects: Effects): boolean {
    const decoder = this.#decoder;
    if (!decoder.envelope(value) || !this.#identify.belongsHere(decoder)) return false;
    if (this.#identify.isRepeat(decoder)) {
      this.#globals.repeated++;
      effects.repeated++;
      effects.repeatedOf.push({ index, first: this.#identify.originalFirst, count: this.#identify.originalCount });
      effects.eventCounts.add(decoder.label(), REPEATED);
      return true;
    }
    if (!decoder.resolveType() || !decoder.time()) return false;
    const steps = this.#steps;
    assert(steps !== null, 'without a workspace no type resolves');
    const logTime = this.#timeOf(decoder.givenTs, recordTs);
    if (logTime < 0) return false;
    this.#decisionsBefore = this.#globals.decisionCount;
    if (!this.#applyKind(steps, logTime, index, effects)) return false;
    this.#globals.logTime = logTime;
    this.#state.passTime(logTime);
    const made = this.#globals.decisionCount - this.#decisionsBefore;
    this.#identify.remember(decoder, made === 0 ? 0 : this.#decisionsBefore + 1, made);
    this.#globals.accepted++;
    effects.accepted++;
    effects.eventCounts.add(decoder.type, ACCEPTED);
    if (this.#units.hasAnswers) this.#units.settle(logTime, effects);
    return true;
  }

  #applyKind(steps: Steps, logTime: number, index: number, effects: Effects): boolean {
    const decoder = this.#decoder;
    const { kind, givenTs } = decoder;
    const ts = Number.isNaN(givenTs) ? logTime : Math.min(givenTs, logTime);
    if (kind === EventKind.feedback) return this.#applyFeedback(steps, ts, logTime, index, effects);
    if (kind !== EventKind.declared) return this.#applyEngineType(steps, kind, logTime, effects);
    const event = decoder.frame(ts);
    if (event === null || !this.#planFrame(steps, event, logTime)) return false;
    return (
      this.#settleDue(steps, event.customer, logTime, effects) &&
      this.#applyFrame(steps, event, logTime, index, effects)
    );
  }

  /** What a decision's feedback sets in motion is what any event does, if it tells something new about a decision that is there. */
  #applyFeedback(steps: Steps, ts: number, logTime: number, index: number, effects: Effects): boolean {
    const { data, id, customer } = this.#decoder;
    const { feedback } = steps;
    if (!feedback.plan(data)) return false;
    const row = this.#state.find(customer);
    let match = feedback.match(row, id, customer, ts);
    if (match === FeedbackMatch.news) {
      if (!this.#planFrame(steps, feedback.frame, logTime) || !this.#settleDue(steps, customer, logTime, effects))
        return false;
      // What was due may have cost the contact its place.
      match = feedback.match(row, id, customer, ts);
      if (match === FeedbackMatch.news) return this.#applyFrame(steps, feedback.frame, logTime, index, effects);
    } else {
      steps.profile.planNothing();
      if (!this.#settleDue(steps, customer, logTime, effects)) return false;
    }
    if (this.#identify.row(customer) < 0) return false;
    if (match === FeedbackMatch.unmatched) this.#globals.unmatchedFeedback++;
    return true;
  }

  #planFrame({ active, profile }: Steps, event: EventFrame, logTime: number): boolean {
    const activeEvent = active.events[event.type] as ActiveEvent;
    return profile.planAggregates(activeEvent, event, logTime) && profile.makeRoom(activeEvent);
  }

  /**
   * Lets happen what is due before a planned event: everything under the event clock, what the record left over of this customer's under the wall clock. False: the event is refused after all; if what was due took its room, it has happened all the same.
   */
  #settleDue(steps: Steps, customer: string, logTime: number, effects: Effects): boolean {
    const { timers, profile } = steps;
    const own = timers.isBehind(logTime) ? this.#state.find(customer) : -1;
    if (own < 0 && !timers.isDue(logTime)) return true;
    if (!this.#identify.hasRoom(customer)) return false;
    if (own >= 0) timers.fireOf(own, logTime, effects);
    else timers.fire(logTime, effects);
    this.#decisionsBefore = this.#globals.decisionCount;
    return profile.makeRoomAgain();
  }

  /** Of an event that was planned. False: there is no room for its customer. */
  #applyFrame(steps: Steps, event: EventFrame, logTime: number, index: number, effects: Effects): boolean {
    const active = steps.active.events[event.type] as ActiveEvent;
    const row = this.#identify.row(event.customer);
    if (row < 0) return false;
    steps.profile.storeAggregates(active, event, row, logTime);
    this.#tracer?.beginEvent(event, row, logTime);
    if (event === steps.feedback.frame) this.#takeFeedback(steps, row, logTime, effects);
    if (this.#state.pending.has(row)) {
      steps.aftermath.meet(event, row, logTime);
      steps.waits.meet(event, row, logTime);
    }
    const { shadow } = steps;
    shadow?.meet(event, row, logTime);
    const count = steps.match.run(active, event, row, logTime);
    const shadows = shadow === null ? 0 : shadow.match(active, event, row, logTime);
    this.#tracer?.moment?.matched(active, count, shadows, event);
    if (count + shadows > 0) steps.matched.run(active, count, shadows, event, row, logTime, index, effects);
    this.#tracer?.end();
    steps.sequences.remember(active, active.schema, event, row, logTime);
    shadow?.remember(active, event, row, logTime);
    return true;
  }

  /** What it says of its decision comes before what it sets off as an event. A follow-up is the decision's, not this event's. */
  #takeFeedback({ feedback, aftermath }: Steps, row: number, logTime: number, effects: Effects): void {
    feedback.store(row);
    aftermath.fedBack(row, feedback.number, feedback.outcome, feedback.frame.customer, logTime, effects);
    this.#decisionsBefore = this.#globals.decisionCount;
  }

  #applyEngineType(steps: Steps, kind: EventKind, logTime: number, effects: Effects): boolean {
    const { data, customer } = this.#decoder;
    const isProfile = kind === EventKind.profile;
    if (!(isProfile ? steps.profile.planProfile(data) : steps.profile.planConsent(data))) return false;
    if (!this.#settleDue(steps, customer, logTime, effects)) return false;
    const row = this.#identify.row(customer);
    if (row < 0) return false;
    if (isProfile) steps.profile.storeProfile(row);
    else steps.profile.storeConsent(row);
    return true;
  }

  /** Log time once this event is accepted; -1 where its date is refused. */
  #timeOf(givenTs: number, recordTs: number): number {
    const logTime = acceptedTime(this.#identity.clock, this.#globals.logTime, givenTs, recordTs);
    if (logTime >= 0) return logTime;
    const hours = EVENT_FUTURE_MS_MAX / 3_600_000;
    this.#fault.set(RejectReason.future, `ts: more than ${hours} h after the time at which the event arrived`);
    return -1;
  }
}
