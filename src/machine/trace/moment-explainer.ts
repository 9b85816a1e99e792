/**
 * One moment of one customer while it is being explained: a verdict for each campaign that is asked. Steps tell whose turn it is (`focus`) and what they ask; what became of a
 * match is told by the books, so that a verdict cannot say anything else than what was counted. What is asked of one whose verdict has ended (goals of those held out ask
 * policy again) is not told.
 */
import { WAITS_ANONYMOUS_MAX, WAITS_PER_CUSTOMER_MAX } from '../../constants.ts';
import type { Decision } from '../../protocol/decision.ts';
import type {
  CampaignVerdict,
  ExplainedExpression,
  ExplainedMoment,
  ExplainedStep,
  MomentCause,
} from '../../protocol/explanation.ts';
import type { EventFrame } from '../../protocol/frame.ts';
import { SuppressReason } from '../../protocol/rejection.ts';
import type { EventSchema } from '../../protocol/schema.ts';
import type { Program } from '../../rules/program.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { PendingEntry, PendingHead } from '../../state/pending.ts';
import { assert } from '../../stdx/assert.ts';
import { type BookedResult, type MatchOrigin, REMOVED_STATUS } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveEvent, ActiveWorkspace, Listeners } from '../active-workspace.ts';
import type { Candidates } from '../decide/arbitrate.ts';
import { formatRfc3339 } from '../decode/rfc3339.ts';
import { PendingKind } from '../time/pending-kind.ts';
import { readPayload, WaitOrigin } from '../time/pending-waits.ts';
import type { ActiveMeeting } from '../time/predicates.ts';
import type { ActiveSequence } from '../time/sequences.ts';
import type { StoredEvent } from '../time/stored-event.ts';
import type { Trigger } from '../time/trigger.ts';
import { CountedContacts } from './counted-contacts.ts';
import { PolicySteps, timeOf } from './policy-steps.ts';
import type { ExpressionScope, PredicateExplanations } from './predicate-explanations.ts';
import { type OpenVerdict, Verdicts } from './verdicts.ts';

/** What happens, and to whom. */
export interface Happening {
  readonly cause: MomentCause;
  /** '': it is anonymous, and row is the anonymous one. */
  readonly customer: string;
  readonly row: number;
  /** Log time. */
  readonly now: number;
  /** Sequence of the record. */
  readonly record: number;
  readonly partition: number;
}

type VerdictEvent = CampaignVerdict['event'];

const WAITS_FOR: Readonly<Record<number, Extract<ExplainedStep, { readonly step: 'wait' }>['for']>> = {
  [PendingKind.wait]: 'wait',
  [PendingKind.quietHours]: 'quiet_hours',
  [PendingKind.units]: 'units',
  [PendingKind.cascade]: 'cascade',
};

/** Waits end for one of these without having been asked anything more. */
const ENDINGS = [
  SuppressReason.cancelled,
  SuppressReason.superseded,
  SuppressReason.withdrawn,
  SuppressReason.lapsed,
] as const;

/** Asked again once somebody has won before it: the answers then are those that count. */
const ASKED_AGAIN: readonly ExplainedStep['step'][] = [
  'offer',
  'cooldown',
  'excluded',
  'consent',
  'quiet_hours',
  'cap',
  'gap',
  'room',
];

export class MomentExplainer {
  /** What policy asks of the one in focus. */
  readonly policy: PolicySteps;
  readonly customer: string;
  readonly contacts: CountedContacts;
  readonly #happening: Happening;
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #predicates: PredicateExplanations;
  readonly #verdicts = new Verdicts();
  /** By campaign index: what kept it from matching, or not, beside its predicate. */
  readonly #beforehand = new Map<number, ExplainedStep>();
  /** By the entry that an event ends: what was asked. */
  readonly #ending = new Map<string, ExplainedExpression>();
  #focus: OpenVerdict | null = null;

  constructor(happening: Happening, state: PartitionState, active: ActiveWorkspace, predicates: PredicateExplanations) {
    const { row, now, partition, customer } = happening;
    this.customer = customer;
    this.#happening = happening;
    this.#state = state;
    this.#active = active;
    this.#predicates = predicates;
    this.contacts = new CountedContacts(state, active, partition, row, now);
    this.policy = new PolicySteps(active, this.contacts, now, (step) => this.note(step));
  }

  /** Of a campaign that is being matched: found beside its predicate. */
  beforehand(campaign: ActiveCampaign, step: ExplainedStep): void {
    this.#beforehand.set(campaign.index, step);
  }

  /** Of a campaign that is being matched: its `after`; `came`: the times of the first so many of the events. */
  sequence({ index, campaign }: ActiveCampaign, { events, withinMs }: ActiveSequence, came: readonly number[]): void {
    const trigger = this.#predicates.schemaOf(campaign.event);
    const told = events.map((meeting, i) => {
      const event = this.#predicates.schemaOf(meeting.event);
      assert(event !== null, 'what comes before is an event');
      const when = meeting.when === null ? null : this.#predicates.textOf(meeting.when, { event, trigger });
      const ts = came[i];
      return { type: event.type, when, at: ts === undefined ? null : formatRfc3339(ts) };
    });
    const passed = came.length === events.length;
    this.#beforehand.set(index, { step: 'sequence', passed, withinMs, events: told });
  }

  /** Who listens for the event was asked; the first `count` of active.hits matched, and so many of those in shadow. */
  matched(active: ActiveEvent, count: number, shadows: number, event: EventFrame): void {
    this.#listened(active, active.schema, count, event);
    if (active.shadow !== null) this.#listened(active.shadow, active.schema, shadows, event);
  }

  /** A schedule's campaign looked at the customer. */
  looked(campaign: ActiveCampaign, dueMs: number, held: boolean): void {
    this.#asked(campaign, eventOf(scheduled(dueMs)), null, null, held);
  }

  /** All that matched the event: are they in time? */
  late(event: EventFrame, latenessMs: number, passed: boolean): void {
    const lateMs = Math.max(0, this.#happening.now - event.ts);
    const ts = formatRfc3339(event.ts);
    for (const { steps } of this.#verdicts.undecided) steps.push({ step: 'late', passed, ts, latenessMs, lateMs });
  }

  /** A wait is over; `trigger` null: the version cannot read what it was about. */
  due(campaign: ActiveCampaign | null, entry: PendingEntry, trigger: Trigger | null): void {
    const { id, status } = this.#named(entry, campaign);
    const { since, event } = readPayload(entry);
    const verdict = this.#verdicts.open({
      campaign: id,
      status,
      event: eventOfStored(event),
      origin: trigger,
      entry: entry.number,
    });
    verdict.steps.push(waitStep(entry.kind, since, entry.dueMs, true));
    this.#focus = verdict;
  }

  /** The one in focus is asked again what it is about. */
  asked(question: Program, event: number, frame: EventFrame | null): void {
    if (this.#focus !== null)
      this.#focus.predicate = this.#explain(question, { event: this.#predicates.schemaOf(event) }, frame);
  }

  /** An event ends a wait: the rule that it meets. */
  ends(entry: PendingEntry, { event, when, pair }: ActiveMeeting, frame: EventFrame, trigger: EventFrame): void {
    if (when === null) return;
    const scope = { event: this.#predicates.schemaOf(event), trigger: this.#predicates.schemaOf(trigger.type) };
    this.#ending.set(keyOf(entry), this.#explain(when, scope, pair === null ? frame : pair.fill(frame, trigger)));
  }

  /** It is this one's turn; null: that of one who is not explained. */
  focus(campaign: ActiveCampaign | null, origin: MatchOrigin): void {
    this.#focus = campaign === null ? null : this.#verdicts.find(campaign.id, origin);
    this.contacts.isShadow = campaign?.isShadow === true;
  }

  /** Its steps from here on take the place of those that were asked before anybody had won. */
  again(): void {
    const verdict = this.#focus;
    if (verdict !== null) verdict.steps = verdict.steps.filter(({ step }) => !ASKED_AGAIN.includes(step));
  }

  note(step: ExplainedStep): void {
    if (this.#focus?.result === null) this.#focus.steps.push(step);
  }

  /** The candidate at this rank, from 0, comes to its turn; `winner` has taken the last place before it. */
  rank(candidates: Candidates, rank: number, winner: string | null): void {
    this.note({
      step: 'rank',
      passed: winner === null,
      rank: rank + 1,
      of: candidates.count,
      score: candidates.score(rank),
      priority: candidates.campaign(rank).priority,
      value: candidates.value(rank),
      winner,
    });
  }

  /** The next channel of a cascade, after this decision. */
  followUp(campaign: ActiveCampaign, trigger: Trigger, decision: string): void {
    this.#follow(campaign, eventOf(trigger.frame()), decision);
  }
  /** One that cannot be asked: it is lost next. */
  followUpDue(campaign: ActiveCampaign, entry: PendingEntry, decision: string): void {
    this.#follow(campaign, eventOfStored(readPayload(entry).event), decision);
  }
  followUpLost(reason: SuppressReason): void {
    this.#verdicts.end(this.#focus, 'suppressed', reason);
  }
  /** Of the one in focus: for its turn after a decision, or, where quiet hours defer it, for their end. */
  followUpWaits(untilMs: number): void {
    const verdict = this.#focus;
    assert(verdict !== null, 'who is followed has its turn');
    const isDeferred = verdict.result === null;
    const kind = isDeferred ? PendingKind.quietHours : PendingKind.cascade;
    verdict.steps.push(waitStep(kind, this.#happening.now, untilMs, false));
    if (isDeferred) this.#verdicts.end(verdict, 'waiting');
  }
  /** It will have no turn. */
  followUpEnded(reason: SuppressReason, origin: MatchOrigin): void {
    assert(origin instanceof WaitOrigin, 'it waited');
    const { decision } = readPayload<{ readonly decision: number }>(origin.read());
    const verdict = this.#openWait(origin);
    verdict.steps.unshift({ step: 'follow_up', passed: true, decision: `${this.#happening.partition}-${decision}` });
    this.#noteEnding(verdict, reason);
    this.#verdicts.end(verdict, 'suppressed', reason);
  }

  /** Of the one in focus. */
  decided(decision: Decision): void {
    const verdict = this.#focus;
    assert(verdict !== null && verdict.campaign === decision.campaign, 'who is decided has its turn');
    verdict.decision = decision;
    // A follow-up is in no books of matches.
    if (verdict.result === null) this.#verdicts.end(verdict, 'decided');
  }

  /** The books have counted what became of a match. */
  booked(campaign: string, result: BookedResult, origin: MatchOrigin): void {
    const reason = result === 'decided' ? null : result;
    const verdict = this.#verdicts.find(campaign, origin) ?? this.#openWait(origin);
    this.#noteEnding(verdict, reason);
    if (reason === SuppressReason.full) {
      const { row, customer } = this.#happening;
      const { pending, shadow } = this.#state;
      const waiting = (verdict.status === 'shadow' ? shadow?.pending : pending)?.countOf(row) ?? 0;
      const max = customer === '' ? WAITS_ANONYMOUS_MAX : WAITS_PER_CUSTOMER_MAX;
      verdict.steps.push({ step: 'full', passed: false, waiting, max });
    }
    this.#verdicts.end(verdict, reason === null ? 'decided' : 'suppressed', reason);
  }

  /** A match begins to wait. */
  began(campaign: string, origin: MatchOrigin, kind: number, dueMs: number): void {
    const verdict = this.#verdicts.find(campaign, origin);
    verdict?.steps.push(waitStep(kind, this.#happening.now, dueMs, false));
    this.#verdicts.end(verdict, 'waiting');
  }

  finish(): ExplainedMoment {
    const { cause, now, record } = this.#happening;
    const campaigns = this.#verdicts.finish();
    return { at: formatRfc3339(now), record, workspace: this.#active.workspace.version, cause, campaigns };
  }

  #follow({ id, campaign }: ActiveCampaign, event: VerdictEvent, decision: string): void {
    this.#focus = this.#verdicts.open({ campaign: id, status: campaign.status, event, origin: null, entry: 0 });
    this.note({ step: 'follow_up', passed: true, decision });
  }

  #listened({ campaigns, hits }: Listeners, schema: EventSchema, count: number, event: EventFrame): void {
    const matched = new Set(hits.subarray(0, count));
    for (const [index, campaign] of campaigns.entries())
      this.#asked(campaign, eventOf(event), schema, event, matched.has(index));
  }

  #asked(
    campaign: ActiveCampaign,
    event: VerdictEvent,
    schema: EventSchema | null,
    frame: EventFrame | null,
    held: boolean,
  ): void {
    const { id, index } = campaign;
    const { status, when } = campaign.campaign;
    const verdict = this.#verdicts.open({ campaign: id, status, event, origin: null, entry: 0 });
    verdict.predicate = this.#explain(when, { event: schema }, frame);
    const step = this.#beforehand.get(index);
    if (step !== undefined) verdict.steps.push(step);
    if (!held) this.#verdicts.end(verdict, 'unmatched');
  }

  #explain(program: Program, scope: ExpressionScope, frame: EventFrame | null): ExplainedExpression {
    const { row, now } = this.#happening;
    return this.#predicates.explain(program, scope, frame, row, now);
  }

  /** A wait that ends before its time, or for want of units. */
  #openWait(origin: MatchOrigin): OpenVerdict {
    assert(origin instanceof WaitOrigin, 'who was not asked waited');
    const entry = origin.read();
    const { id, status } = this.#named(entry, null);
    const verdict = this.#verdicts.open({
      campaign: id,
      status,
      event: eventOf(origin.frame()),
      origin,
      entry: entry.number,
    });
    verdict.steps.push(waitStep(entry.kind, readPayload(entry).since, entry.dueMs, true));
    verdict.predicate = this.#ending.get(keyOf(entry)) ?? null;
    return verdict;
  }

  /** Where the reason is one that ends waits. */
  #noteEnding({ steps }: OpenVerdict, reason: SuppressReason | null): void {
    const ending = ENDINGS.find((each) => each === reason);
    if (ending === undefined) return;
    const by = ending === 'cancelled' || ending === 'superseded' ? this.#ownEvent() : null;
    steps.push({ step: 'ended', passed: false, reason: ending, by });
  }

  /** Of the version in force, or of one that is gone. */
  #named(entry: PendingEntry, known: ActiveCampaign | null): { readonly id: string; readonly status: string } {
    const { campaigns, campaignOfCode } = this.#active;
    const campaign = known ?? campaigns[campaignOfCode.get(entry.campaign) ?? -1];
    return {
      id: this.#state.textOf(entry.campaign),
      status: campaign === undefined ? REMOVED_STATUS : campaign.campaign.status,
    };
  }

  #ownEvent(): VerdictEvent | null {
    const { cause } = this.#happening;
    return cause.kind === 'event' ? { id: cause.id, type: cause.type, ts: cause.ts } : null;
  }
}

/** Numbers of live campaigns and of those in shadow are counted apart; a campaign is one of them. */
function keyOf({ campaign, number }: PendingHead): string {
  return `${campaign} ${number}`;
}

function waitStep(kind: number, sinceMs: number, untilMs: number, passed: boolean): ExplainedStep {
  const waitsFor = WAITS_FOR[kind];
  assert(waitsFor !== undefined, 'a match that waits');
  return { step: 'wait', passed, for: waitsFor, since: formatRfc3339(sinceMs), until: timeOf(untilMs) };
}

function eventOf({ id, typeName: type, ts }: ReturnType<MatchOrigin['frame']>): VerdictEvent {
  return { id: id === '' ? null : id, type, ts: formatRfc3339(ts) };
}

function eventOfStored(event: StoredEvent | null): VerdictEvent {
  assert(event !== null, 'a match that waits keeps its event');
  return { id: event.id ?? null, type: event.type, ts: formatRfc3339(event.ts) };
}

function scheduled(dueMs: number): ReturnType<MatchOrigin['frame']> {
  return { customer: '', id: formatRfc3339(dueMs), typeName: '$schedule', ts: dueMs };
}
