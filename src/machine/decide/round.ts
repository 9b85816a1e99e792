/**
 * Candidates of one customer at one moment, ranked and picked one after the other: for production, and again for a
 * rehearsal with campaigns in shadow (rehearsal.ts). What a winner does, and what becomes of the others, is up to the
 * seats; everything else here changes nothing but `history`, where winners are noted.
 */
import type { ScalarProgram } from '../../rules/scalar-program.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { Effects } from '../effects.ts';
import type { Trigger } from '../time/trigger.ts';
import { Candidates } from './arbitrate.ts';
import type { ContactHistory } from './contact-history.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import { ALL_TAKEN, SLOTLESS, type Slots } from './slots.ts';

/** What a candidate is asked by: the contacts that count for it. */
export interface View {
  readonly policy: Policy;
  readonly history: ContactHistory;
}

/** A winner that takes its place. */
export interface Placed {
  readonly campaign: ActiveCampaign;
  readonly trigger: Trigger;
  /** Index into Workspace.channels. */
  readonly channel: number;
  readonly slot: string | null;
  readonly value: number;
}

/** What becomes of the candidates. */
export interface Seats {
  /** Policy stopped it. */
  lost(campaign: ActiveCampaign, trigger: Trigger, reason: number): void;
  /** `winners`, good until the round ends: who has the places, the last one last. None: no slot allows it. */
  outranked(campaign: ActiveCampaign, trigger: Trigger, winners: readonly string[]): void;
  /** Its value or score could not be computed: it is 0. */
  worthless(campaign: ActiveCampaign): void;
  /** False: it lost after all, and takes no place. */
  take(placed: Placed, effects: Effects): boolean;
}

export interface RoundParts {
  readonly state: PartitionState;
  readonly active: ActiveWorkspace;
  readonly moment: Moment;
  readonly slots: Slots;
  readonly live: View;
  /** null where no campaign in shadow takes part. */
  readonly shadow: View | null;
}

export class Round {
  readonly #parts: RoundParts;
  readonly #seats: Seats;
  /** Who is gathered: whom validity, holdouts and units let pass. */
  readonly #standing: ActiveCampaign[] = [];
  readonly #triggers: Trigger[] = [];
  #count = 0;
  readonly #candidates = new Candidates();
  /** Who has won, in the order of rank: ids. */
  readonly #winners: string[] = [];

  constructor(parts: RoundParts, seats: Seats) {
    this.#parts = parts;
    this.#seats = seats;
  }

  /** Nobody is in it. The moment has begun. */
  begin(): void {
    this.#parts.slots.clear();
    this.#count = 0;
    if (this.#winners.length > 0) this.#winners.length = 0;
  }

  /** Another candidate, in the order of campaigns: asked what needs no history. PASSED, or −1 − reason: it is not in it. */
  add(campaign: ActiveCampaign, trigger: Trigger): number {
    const { policy } = this.#viewOf(campaign);
    this.#focus(campaign, trigger);
    let reason = policy.standing(campaign);
    if (reason >= 0) reason = policy.units(campaign);
    if (reason >= 0) this.#join(campaign, trigger);
    return reason;
  }

  /** The candidates of another round are in this one too. */
  addAll(other: Round): void {
    for (let i = 0; i < other.#count; i++)
      this.#join(other.#standing[i] as ActiveCampaign, other.#triggers[i] as Trigger);
  }

  /** Decides who wins. */
  run(effects: Effects): void {
    const count = this.#count;
    if (count === 0) return;
    const { live, shadow, moment } = this.#parts;
    const { row, now, known } = moment;
    if (known) live.history.open(row, now, this.#standing, count);
    if (known && shadow !== null) shadow.history.open(row, now, this.#standing, count);
    const candidates = this.#candidates;
    candidates.clear();
    for (let i = 0; i < count; i++) {
      const campaign = this.#standing[i] as ActiveCampaign;
      const trigger = this.#triggers[i] as Trigger;
      this.#focus(campaign, trigger);
      const place = placeOf(this.#viewOf(campaign), campaign);
      if (place < 0) this.#seats.lost(campaign, trigger, -1 - place);
      else {
        const score = this.#worth(campaign, campaign.score, trigger);
        candidates.add(campaign, trigger, place, score, this.#worth(campaign, campaign.value, trigger));
      }
    }
    candidates.rank();
    this.#pick(effects);
  }

  #join(campaign: ActiveCampaign, trigger: Trigger): void {
    this.#standing[this.#count] = campaign;
    this.#triggers[this.#count++] = trigger;
  }

  /** It is this one's turn. A rehearsal explains campaigns in shadow only: live ones are asked again in earnest. */
  #focus(campaign: ActiveCampaign, trigger: Trigger): void {
    const { moment, shadow } = this.#parts;
    moment.explainer?.focus(campaign.isShadow === (shadow !== null) ? campaign : null, trigger);
  }

  #viewOf({ isShadow }: ActiveCampaign): View {
    const { live, shadow } = this.#parts;
    return isShadow && shadow !== null ? shadow : live;
  }

  #pick(effects: Effects): void {
    const candidates = this.#candidates;
    const { active, moment } = this.#parts;
    const { pick } = active.workspace.policy;
    const { explainer } = moment;
    for (let rank = 0; rank < candidates.count; rank++) {
      const campaign = candidates.campaign(rank);
      const trigger = candidates.trigger(rank);
      const isOver = this.#winners.length === pick;
      this.#focus(campaign, trigger);
      explainer?.rank(candidates, rank, isOver ? (this.#winners.at(-1) ?? null) : null);
      if (isOver) {
        this.#seats.outranked(campaign, trigger, this.#winners);
        continue;
      }
      const view = this.#viewOf(campaign);
      // Only a known customer's winners stand in the way of those behind them; and who waits since may have taken the last room.
      const again = moment.known && (this.#winners.length > 0 || !view.history.hasRoom());
      if (again) explainer?.again();
      const place = again ? placeOf(view, campaign) : candidates.place(rank);
      if (place < 0) this.#seats.lost(campaign, trigger, -1 - place);
      else this.#seat(campaign, trigger, place, candidates.value(rank), effects);
    }
  }

  /** Gives a winner a slot, where channels have them; without one it is outranked after all. */
  #seat(campaign: ActiveCampaign, trigger: Trigger, firstPlace: number, value: number, effects: Effects): void {
    const { slots, moment } = this.#parts;
    const { explainer } = moment;
    const { policy } = this.#viewOf(campaign);
    const { channels } = campaign;
    let place = firstPlace;
    let slot = slots.find(campaign, channels[place] as number);
    while (slot === ALL_TAKEN) {
      explainer?.policy.slot(
        channels[place] as number,
        null,
        slots.takers(campaign, channels[place] as number).at(-1) ?? null,
      );
      place = policy.place(campaign, channels, place + 1);
      if (place < 0) {
        this.#seats.outranked(campaign, trigger, slots.takers(campaign, channels[firstPlace] as number));
        return;
      }
      slot = slots.find(campaign, channels[place] as number);
    }
    const channel = channels[place] as number;
    if (slot !== SLOTLESS) explainer?.policy.slot(channel, slots.name(channel, slot), null);
    if (!this.#seats.take({ campaign, trigger, channel, slot: slots.name(channel, slot), value }, effects)) return;
    slots.take(channel, slot, campaign.id);
    this.#winners.push(campaign.id);
  }

  /** What the campaign's value or score is: 0 without one, and where it cannot be computed. */
  #worth(campaign: ActiveCampaign, program: ScalarProgram | null, trigger: Trigger): number {
    if (program === null) return 0;
    const { state, active, moment } = this.#parts;
    const { row, now } = moment;
    const { profile } = active;
    state.gather(row, program.profileSlots, now, profile);
    // −0 would rank and print like 0 anyway; adding 0 makes it 0.
    if (program.evaluate(trigger.frame(), profile, now) && Number.isFinite(program.number)) return program.number + 0;
    this.#seats.worthless(campaign);
    return 0;
  }
}

/** Of the first channel that history and policy leave the campaign, or −1 − reason. For a known customer the history must be open. */
export function placeOf({ policy }: View, campaign: ActiveCampaign): number {
  const reason = policy.earlier(campaign);
  return reason < 0 ? reason : policy.place(campaign, campaign.channels, 0);
}
