/**
 * What falls due for one customer at one millisecond. Follow-ups of cascades come first, each by itself, then units and
 * goals that end, all in the order of their numbers. Then the campaigns whose waits and quiet hours ended are candidates
 * together, as if one event had set them off: each is asked its predicate again about what it waited for. Campaigns in
 * shadow that wait for the same time are candidates with them.
 */
import type { ScalarProgram } from '../../rules/scalar-program.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { PendingEntry, PendingPlace } from '../../state/pending.ts';
import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { DecideStep } from '../decide/decide.ts';
import type { Effects } from '../effects.ts';
import type { Tracer } from '../trace/tracer.ts';
import { PendingKind } from './pending-kind.ts';
import { type PendingWaits, readPayload } from './pending-waits.ts';
import type { Predicates } from './predicates.ts';
import type { Trigger } from './trigger.ts';
import type { Triggers } from './triggers.ts';

/** What follows from decisions falls due. The entry has left already; the row's change was announced. */
export interface DueAftermath {
  /** There was no feedback in time. */
  cascadeDue(entry: PendingEntry, customer: string, now: number, effects: Effects): void;
  /** The goal was not met in time. */
  goalDue(entry: PendingEntry): void;
  /** A decision expires. */
  expiryDue(entry: PendingEntry, now: number, effects: Effects): void;
}

interface Candidate {
  readonly campaign: ActiveCampaign;
  readonly trigger: Trigger;
}

export class DueMoments {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #waits: PendingWaits;
  /** Of campaigns in shadow; null: there are none. */
  readonly #shadowWaits: PendingWaits | null;
  readonly #predicates: Predicates;
  readonly #triggers: Triggers;
  readonly #decide: DecideStep;
  readonly #aftermath: DueAftermath;
  readonly #tracer: Tracer | null;
  /** What a campaign is asked when it falls due, by its index; made when first needed. */
  readonly #questions = new Map<number, ScalarProgram>();

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    waits: PendingWaits,
    shadowWaits: PendingWaits | null,
    predicates: Predicates,
    triggers: Triggers,
    decide: DecideStep,
    aftermath: DueAftermath,
    tracer: Tracer | null,
  ) {
    this.#tracer = tracer;
    this.#state = state;
    this.#active = active;
    this.#waits = waits;
    this.#shadowWaits = shadowWaits;
    this.#predicates = predicates;
    this.#triggers = triggers;
    this.#decide = decide;
    this.#aftermath = aftermath;
  }

  /** Fires all entries of a row that are due at this time; `now` is log time. */
  fire({ row, dueMs }: Pick<PendingPlace, 'row' | 'dueMs'>, now: number, effects: Effects): void {
    const state = this.#state;
    state.beginChange(row);
    const customer = row === state.anonymousRow ? '' : state.customerOf(row);
    this.#tracer?.begin({ kind: 'due' }, row, customer, now);
    this.#fire(row, dueMs, customer, now, effects);
    this.#tracer?.end();
  }

  #fire(row: number, dueMs: number, customer: string, now: number, effects: Effects): void {
    const entries = this.#waits.store.dueOf(row, dueMs);
    for (const entry of entries)
      if (entry.kind === PendingKind.cascade) this.#fireAftermath(entry, customer, now, effects);
    for (const entry of entries) {
      if (entry.kind === PendingKind.expiry || entry.kind === PendingKind.goal)
        this.#fireAftermath(entry, customer, now, effects);
    }
    const candidates = entries.flatMap((entry) => this.#ask(this.#waits, entry, customer, now) ?? []);
    const shadow = this.#shadowWaits;
    if (shadow !== null)
      candidates.push(
        ...shadow.store.dueOf(row, dueMs).flatMap((entry) => this.#ask(shadow, entry, customer, now) ?? []),
      );
    if (candidates.length === 0) return;
    // Entries of one campaign stay in the order of their numbers.
    candidates.sort((a, b) => a.campaign.index - b.campaign.index);
    this.#decide.begin(row, customer, now);
    for (const { campaign, trigger } of candidates) this.#decide.add(campaign, trigger);
    this.#decide.run(effects);
  }

  #fireAftermath(entry: PendingEntry, customer: string, now: number, effects: Effects): void {
    // One of those before it may have ended it.
    if (this.#state.pending.find(entry.row, entry.number) === null) return;
    this.#waits.leave(entry);
    if (entry.kind === PendingKind.cascade) this.#aftermath.cascadeDue(entry, customer, now, effects);
    else if (entry.kind === PendingKind.goal) this.#aftermath.goalDue(entry);
    else this.#aftermath.expiryDue(entry, now, effects);
  }

  /** null: it is no candidate, or no longer. */
  #ask(waits: PendingWaits, entry: PendingEntry, customer: string, now: number): Candidate | null {
    if (entry.kind !== PendingKind.wait && entry.kind !== PendingKind.quietHours) return null;
    const campaign = this.#active.campaigns[this.#active.campaignOfCode.get(entry.campaign) ?? -1];
    const { event } = readPayload(entry);
    const trigger = event === null ? null : this.#triggers.ofStored(event, customer);
    const explainer = this.#tracer === null ? null : this.#tracer.moment;
    explainer?.due(campaign ?? null, entry, trigger);
    // A version published meanwhile may not read what was stored, or have another trigger.
    if (campaign === undefined || trigger === null || trigger.frame().type !== campaign.campaign.event) {
      waits.suppress(entry, Reason.withdrawn, now);
      return null;
    }
    const { event: type, wait, when } = campaign.campaign;
    const frame = type < 0 ? null : trigger.frame();
    explainer?.asked(wait?.when ?? when, type, frame);
    if (!this.#predicates.holds(this.#questionOf(campaign), frame, entry.row, now, campaign.account)) {
      waits.suppress(entry, Reason.lapsed, now);
      return null;
    }
    waits.leave(entry);
    return { campaign, trigger };
  }

  #questionOf({ index, campaign }: ActiveCampaign): ScalarProgram {
    let question = this.#questions.get(index);
    if (question === undefined) {
      question = this.#predicates.compile(campaign.wait?.when ?? campaign.when);
      this.#questions.set(index, question);
    }
    return question;
  }
}
