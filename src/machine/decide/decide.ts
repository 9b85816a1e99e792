/**
 * Steps 5 to 7 for the candidates of one customer at one moment, a round: those of one event, of what falls due for a
 * customer at one millisecond, or of a schedule. Policy, arbitration, decision; and what else makes decisions beside
 * rounds: winners that waited for units, and follow-ups. Where campaigns in shadow are among the candidates, the round
 * is rehearsed with them before it is decided without them.
 */
import type { PartitionState } from '../../state/partition-state.ts';
import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { Effects } from '../effects.ts';
import { neededUnits } from '../leases/needed-units.ts';
import { UnitWaiters, type WaiterNumbers } from '../leases/unit-waiters.ts';
import type { Trigger } from '../time/trigger.ts';
import type { Tracer } from '../trace/tracer.ts';
import { ContactHistory } from './contact-history.ts';
import { beginMoment, type DecideParts, lose } from './decide-parts.ts';
import type { DecidePorts } from './decide-ports.ts';
import { DecisionMaker, type DecisionNumbers, type Draft } from './decision-maker.ts';
import { FollowUps } from './follow-ups.ts';
import { Moment } from './moment.ts';
import { Policy } from './policy.ts';
import { Rehearsal } from './rehearsal.ts';
import { type Placed, placeOf, Round, type Seats, type View } from './round.ts';
import { Slots } from './slots.ts';

export class DecideStep implements Seats {
  readonly policy: Policy;
  readonly units: UnitWaiters;
  readonly followUps: FollowUps;
  readonly #active: ActiveWorkspace;
  readonly #moment: Moment;
  readonly #parts: DecideParts;
  readonly #view: View;
  readonly #round: Round;
  /** null: no campaign is in shadow. */
  readonly #rehearsal: Rehearsal | null;
  /** Who was held out of the round, of campaigns with a goal. */
  readonly #held: ActiveCampaign[] = [];
  readonly #heldTriggers: Trigger[] = [];

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    partition: number,
    numbers: DecisionNumbers & WaiterNumbers,
    ports: DecidePorts,
    tracer: Tracer | null,
  ) {
    const moment = new Moment(tracer);
    this.#moment = moment;
    const history = new ContactHistory(state, active);
    const slots = new Slots(active.workspace);
    this.#active = active;
    this.policy = new Policy(state, active, history, ports.leases, moment);
    const maker = new DecisionMaker(state, active, partition, numbers, history, ports.aftermath, moment);
    this.#parts = { active, ports, moment, policy: this.policy, history, slots, maker };
    this.#view = { policy: this.policy, history };
    this.#round = new Round({ state, active, moment, slots, live: this.#view, shadow: null }, this);
    const { shadowWaits } = ports;
    this.#rehearsal = shadowWaits === null ? null : new Rehearsal(state, this.#parts, shadowWaits);
    this.units = new UnitWaiters(this.#parts, numbers);
    this.followUps = new FollowUps(this.#parts);
  }

  /**
   * Begins a round: one customer ('': an anonymous event) at one log time, whose row's change has been announced
   * (`beginChange`). What `add` and `run` count are times that a campaign matched.
   */
  begin(row: number, customer: string, now: number): void {
    beginMoment(this.#parts, row, customer, now);
    this.#round.begin();
    this.#rehearsal?.begin();
    if (this.#held.length > 0) this.#held.length = 0;
  }

  /** Another candidate, in the order of campaigns. It loses here, or `run` tells. */
  add(campaign: ActiveCampaign, trigger: Trigger): void {
    if (campaign.isShadow) {
      this.#rehearsal?.add(campaign, trigger);
      return;
    }
    const reason = this.#round.add(campaign, trigger);
    if (reason >= 0) return;
    if (reason === -1 - Reason.holdout && campaign.campaign.goal !== null) {
      this.#heldTriggers[this.#held.length] = trigger;
      this.#held.push(campaign);
    }
    lose(this.#parts, campaign, trigger, -1 - reason);
  }

  /** Decides who of the round wins. */
  run(effects: Effects): void {
    this.#rehearsal?.run(this.#round, effects);
    if (this.#held.length > 0) this.#watchHeld();
    this.#round.run(effects);
  }

  lost(campaign: ActiveCampaign, trigger: Trigger, reason: number): void {
    lose(this.#parts, campaign, trigger, reason);
  }

  outranked(campaign: ActiveCampaign, trigger: Trigger, winners: readonly string[]): void {
    campaign.account.outrank(winners, trigger, this.#moment.now);
  }

  worthless({ account }: ActiveCampaign): void {
    account.valueErrors++;
  }

  /** A winner is decided, if it has the units that it needs, or waits for them. */
  take({ campaign, trigger, channel, slot, value }: Placed, effects: Effects): boolean {
    const leaseKeys = neededUnits(campaign, this.#active, this.#moment);
    const draft = { campaign, channel, slot, value, follows: null, leaseKeys, trigger };
    if (leaseKeys.length > 0 && !this.#parts.ports.leases.take(leaseKeys)) return this.#awaitUnits(draft, effects);
    this.#parts.maker.make(draft, effects);
    return true;
  }

  /** False: it lost. Asking for units may have found out that there are none. */
  #awaitUnits(draft: Draft, effects: Effects): boolean {
    const { campaign, trigger } = draft;
    const reason = this.policy.units(campaign);
    if (reason >= 0) return this.units.enter(draft, effects);
    campaign.account.suppress(-1 - reason, trigger, this.#moment.now);
    return false;
  }

  /**
   * Goals compare who was contacted with who was held out, which is fair only if the latter would have been contacted too: now, or when quiet hours end. Arbitration is
   * not played out for them.
   */
  #watchHeld(): void {
    const { row, now } = this.#moment;
    this.#parts.history.open(row, now, this.#held, this.#held.length);
    // What they are asked here is nobody's reason: they lost by the holdout.
    this.#moment.explainer?.focus(null, this.#heldTriggers[0] as Trigger);
    for (const [i, campaign] of this.#held.entries()) {
      if (this.policy.units(campaign) < 0) continue;
      const place = placeOf(this.#view, campaign);
      const sinceMs = place >= 0 ? now : this.policy.defers(-1 - place) ? this.policy.quietUntil() : -1;
      if (sinceMs >= 0) this.#parts.ports.aftermath.heldOut(campaign, row, sinceMs, this.#heldTriggers[i] as Trigger);
    }
  }
}
