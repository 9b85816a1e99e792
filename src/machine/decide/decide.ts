/**
 * Steps 5 to 7 for the candidates of one customer at one moment, a round: those of one event, of what falls due for a
 * customer at one millisecond, or of a schedule. Policy, arbitration, decision; and what else makes decisions beside
 * rounds: winners that waited for units, and follow-ups.
 */
import type { ScalarProgram } from '../../rules/scalar-program.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { Effects } from '../effects.ts';
import { neededUnits } from '../leases/needed-units.ts';
import { UnitWaiters, type WaiterNumbers } from '../leases/unit-waiters.ts';
import type { Trigger } from '../time/trigger.ts';
import { Candidates } from './arbitrate.ts';
import { ContactHistory } from './contact-history.ts';
import { beginMoment, type DecideParts, lose } from './decide-parts.ts';
import type { DecidePorts } from './decide-ports.ts';
import { DecisionMaker, type DecisionNumbers, type Draft } from './decision-maker.ts';
import { FollowUps } from './follow-ups.ts';
import { Moment } from './moment.ts';
import { Policy } from './policy.ts';
import { ALL_TAKEN, Slots } from './slots.ts';

export class DecideStep {
  readonly policy: Policy;
  readonly units: UnitWaiters;
  readonly followUps: FollowUps;
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #history: ContactHistory;
  readonly #moment = new Moment();
  readonly #slots: Slots;
  readonly #parts: DecideParts;
  /** The round that is being gathered: whom validity, holdouts and units let pass. */
  readonly #standing: ActiveCampaign[] = [];
  readonly #triggers: Trigger[] = [];
  #count = 0;
  /** Who was held out of it, of campaigns with a goal. */
  readonly #held: ActiveCampaign[] = [];
  readonly #heldTriggers: Trigger[] = [];
  readonly #candidates = new Candidates();
  /** Of this round. */
  #winners = 0;
  #lastWinner = '';

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    partition: number,
    numbers: DecisionNumbers & WaiterNumbers,
    ports: DecidePorts,
  ) {
    const moment = this.#moment;
    const history = new ContactHistory(state, active);
    this.#state = state;
    this.#active = active;
    this.#history = history;
    this.#slots = new Slots(active.workspace);
    this.policy = new Policy(state, active, history, ports.leases, moment);
    const maker = new DecisionMaker(state, active, partition, numbers, history, ports.aftermath, moment);
    this.#parts = { active, ports, moment, policy: this.policy, history, slots: this.#slots, maker };
    this.units = new UnitWaiters(this.#parts, numbers);
    this.followUps = new FollowUps(this.#parts);
  }

  /**
   * Begins a round: one customer ('': an anonymous event) at one log time, whose row's change has been announced
   * (`beginChange`). What `add` and `run` count are times that a campaign matched.
   */
  begin(row: number, customer: string, now: number): void {
    beginMoment(this.#parts, row, customer, now);
    this.#slots.clear();
    this.#count = 0;
    if (this.#held.length > 0) this.#held.length = 0;
    this.#winners = 0;
  }

  /** Another candidate, in the order of campaigns. It loses here, or `run` tells. */
  add(campaign: ActiveCampaign, trigger: Trigger): void {
    let reason = this.policy.standing(campaign);
    if (reason >= 0) reason = this.policy.units(campaign);
    else if (reason === -1 - Reason.holdout && campaign.campaign.goal !== null) {
      this.#heldTriggers[this.#held.length] = trigger;
      this.#held.push(campaign);
    }
    if (reason < 0) {
      lose(this.#parts, campaign, trigger, -1 - reason);
      return;
    }
    this.#standing[this.#count] = campaign;
    this.#triggers[this.#count++] = trigger;
  }

  /** Decides who of the round wins. */
  run(effects: Effects): void {
    if (this.#held.length > 0) this.#watchHeld();
    const count = this.#count;
    if (count === 0) return;
    const { row, now, known } = this.#moment;
    if (known) this.#history.open(row, now, this.#standing, count);
    const candidates = this.#candidates;
    candidates.clear();
    for (let i = 0; i < count; i++) {
      const campaign = this.#standing[i] as ActiveCampaign;
      const trigger = this.#triggers[i] as Trigger;
      const place = this.#placeOf(campaign);
      if (place < 0) lose(this.#parts, campaign, trigger, -1 - place);
      else {
        const score = this.#worth(campaign, campaign.score, trigger);
        candidates.add(campaign, trigger, place, score, this.#worth(campaign, campaign.value, trigger));
      }
    }
    candidates.rank();
    this.#pick(effects);
  }

  /**
   * Goals compare who was contacted with who was held out, which is fair only if the latter would have been contacted too: now, or when quiet hours end. Arbitration is
   * not played out for them.
   */
  #watchHeld(): void {
    const { row, now } = this.#moment;
    this.#history.open(row, now, this.#held, this.#held.length);
    for (const [i, campaign] of this.#held.entries()) {
      if (this.policy.units(campaign) < 0) continue;
      const place = this.#placeOf(campaign);
      const sinceMs = place >= 0 ? now : this.policy.defers(-1 - place) ? this.policy.quietUntil() : -1;
      if (sinceMs >= 0) this.#parts.ports.aftermath.heldOut(campaign, row, sinceMs, this.#heldTriggers[i] as Trigger);
    }
  }

  /** Of the first channel that history and policy leave the campaign, or −1 − reason. */
  #placeOf(campaign: ActiveCampaign): number {
    const reason = this.policy.earlier(campaign);
    return reason < 0 ? reason : this.policy.place(campaign, campaign.channels, 0);
  }

  #pick(effects: Effects): void {
    const candidates = this.#candidates;
    const { pick } = this.#active.workspace.policy;
    for (let rank = 0; rank < candidates.count; rank++) {
      const campaign = candidates.campaign(rank);
      if (this.#winners === pick) {
        campaign.account.outrank(this.#lastWinner, candidates.trigger(rank), this.#moment.now);
        continue;
      }
      // Only a known customer's winners stand in the way of those behind them; and who waits since may have taken the last room.
      const again = this.#moment.known && (this.#winners > 0 || !this.#history.hasRoom());
      const place = again ? this.#placeOf(campaign) : candidates.place(rank);
      if (place < 0) lose(this.#parts, campaign, candidates.trigger(rank), -1 - place);
      else this.#seat(campaign, candidates.trigger(rank), place, candidates.value(rank), effects);
    }
  }

  /** Gives a winner a slot, where channels have them, and what else it needs; without a slot it is outranked after all. */
  #seat(campaign: ActiveCampaign, trigger: Trigger, firstPlace: number, value: number, effects: Effects): void {
    const slots = this.#slots;
    const { channels } = campaign;
    let place = firstPlace;
    let slot = slots.find(campaign, channels[place] as number);
    while (slot === ALL_TAKEN) {
      place = this.policy.place(campaign, channels, place + 1);
      if (place < 0) {
        const taker = slots.lastTaker(campaign, channels[firstPlace] as number);
        campaign.account.outrank(taker, trigger, this.#moment.now);
        return;
      }
      slot = slots.find(campaign, channels[place] as number);
    }
    const channel = channels[place] as number;
    const leaseKeys = neededUnits(campaign, this.#active, this.#moment);
    const draft = { campaign, channel, slot: slots.name(channel, slot), value, follows: null, leaseKeys, trigger };
    if (leaseKeys.length === 0 || this.#parts.ports.leases.take(leaseKeys)) this.#parts.maker.make(draft, effects);
    else if (!this.#awaitUnits(draft, effects)) return;
    slots.take(channel, slot, campaign.id);
    this.#winners++;
    this.#lastWinner = campaign.id;
  }

  /** False: it lost. Asking for units may have found out that there are none. */
  #awaitUnits(draft: Draft, effects: Effects): boolean {
    const { campaign, trigger } = draft;
    const reason = this.policy.units(campaign);
    if (reason >= 0) return this.units.enter(draft, effects);
    campaign.account.suppress(-1 - reason, trigger, this.#moment.now);
    return false;
  }

  /** What the campaign's value or score is: 0 without one, and where it cannot be computed (counted). */
  #worth(campaign: ActiveCampaign, program: ScalarProgram | null, trigger: Trigger): number {
    if (program === null) return 0;
    const { row, now } = this.#moment;
    const { profile } = this.#active;
    this.#state.gather(row, program.profileSlots, now, profile);
    // −0 would rank and print like 0 anyway; adding 0 makes it 0.
    if (program.evaluate(trigger.frame(), profile, now) && Number.isFinite(program.number)) return program.number + 0;
    campaign.account.valueErrors++;
    return 0;
  }
}
