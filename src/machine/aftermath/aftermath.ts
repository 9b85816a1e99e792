/**
 * What follows from decisions: the next channel of a cascade, goals, and units that come back from unused offers. Each
 * has its own file; here is what the machine asks of all of them: a decision was made, somebody was held out, there was
 * feedback, an entry fell due.
 */
import type { EventFrame } from '../../protocol/frame.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { assert } from '../../stdx/assert.ts';
import type { FeedbackOutcome } from '../../workspace/workspace.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { Aftermath, Contacted } from '../decide/decide-ports.ts';
import type { FollowUps } from '../decide/follow-ups.ts';
import type { Effects } from '../effects.ts';
import type { DueAftermath } from '../time/due-moments.ts';
import type { PendingEntry, PendingWaits } from '../time/pending-waits.ts';
import type { Predicates } from '../time/predicates.ts';
import type { Trigger } from '../time/trigger.ts';
import type { Triggers } from '../time/triggers.ts';
import { CascadeStep } from './cascade.ts';
import { ExpiryStep } from './expiry.ts';
import { GoalStep } from './goals.ts';
import { type GiveBack, HeldUnits } from './held-units.ts';

export interface AftermathParts {
  readonly state: PartitionState;
  readonly active: ActiveWorkspace;
  readonly partition: number;
  readonly waits: PendingWaits;
  readonly predicates: Predicates;
  readonly triggers: Triggers;
  readonly giveBack: GiveBack;
}

export class AftermathStep implements Aftermath, DueAftermath {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #units: HeldUnits;
  readonly #expiry: ExpiryStep;
  readonly #cascade: CascadeStep;
  readonly #goals: GoalStep;
  #followUps: FollowUps | null = null;

  constructor({ state, active, partition, waits, predicates, triggers, giveBack }: AftermathParts) {
    this.#state = state;
    this.#active = active;
    this.#units = new HeldUnits(state, active, giveBack);
    this.#expiry = new ExpiryStep(state, waits, this.#units);
    const parts = { state, active, partition, waits, triggers, units: this.#units, expiry: this.#expiry };
    this.#cascade = new CascadeStep(parts, () => {
      assert(this.#followUps !== null, 'whoever decides is known before anything is decided');
      return this.#followUps;
    });
    this.#goals = new GoalStep(state, active, waits, predicates, triggers);
  }

  /** Whoever decides needs the aftermath to be made, and is needed for follow-ups. */
  connect(followUps: FollowUps): void {
    this.#followUps = followUps;
  }

  contacted(contact: Contacted): void {
    const { row, number, campaign, now, follows, leaseKeys, trigger } = contact;
    this.#units.hold(row, number, leaseKeys, now);
    if (follows !== null) this.#cascade.followed(contact, Number(follows.slice(follows.indexOf('-') + 1)));
    this.#cascade.begin(contact);
    if (follows !== null) return;
    this.#goals.open('treated', campaign, row, now, trigger);
    this.#expiry.begin(contact);
  }

  heldOut(campaign: ActiveCampaign, row: number, sinceMs: number, trigger: Trigger): void {
    this.#goals.open('held', campaign, row, sinceMs, trigger);
  }

  /** Feedback that is news was noted with its contact. What it changes comes before what it sets off as an event. */
  fedBack(
    row: number,
    decision: number,
    outcome: FeedbackOutcome,
    customer: string,
    now: number,
    effects: Effects,
  ): void {
    const found = this.#state.findContact(row, decision);
    assert(found, 'the contact was found when feedback was matched');
    if (outcome === 'converted') this.#expiry.drop(row, decision);
    const { flags } = this.#state.contacts;
    if (outcome === 'failed') this.#cascade.failed(row, decision, customer, now, effects);
    else this.#cascade.hear(row, decision, flags, now);
  }

  /** An event, just stored, of a row with something pending: before it sets anything off itself. */
  meet(event: EventFrame, row: number, now: number): void {
    this.#goals.meet(event, row, now);
  }

  cascadeDue(entry: PendingEntry, customer: string, now: number, effects: Effects): void {
    this.#cascade.fire(entry, customer, now, effects);
  }

  /** Whoever was watched did not meet the goal in time: that is counted already. */
  goalDue(_entry: PendingEntry): void {}

  expiryDue(entry: PendingEntry, now: number): void {
    this.#expiry.fire(entry, this.#offers(entry), now);
  }

  /** Whether the active version still has the entry's campaign, with an offer, live or not. */
  #offers({ campaign }: PendingEntry): boolean {
    const found = this.#active.campaigns[this.#active.campaignOfCode.get(campaign) ?? -1];
    return found !== undefined && found.offer !== null;
  }
}
