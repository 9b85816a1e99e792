/**
 * Winners that wait for units of budgets and limits, from the moment they win to the one in which all their units are
 * there, or one is denied. A winner that waits is no contact yet, so it is checked again when it goes on: everything but
 * its predicate and its rank, with the value that it won with.
 */

import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import { beginMoment, type DecideParts, lose } from '../decide/decide-parts.ts';
import type { Draft } from '../decide/decision-maker.ts';
import { deniedReason } from '../decide/policy.ts';
import { ALL_TAKEN } from '../decide/slots.ts';
import type { Effects, MadeDecision } from '../effects.ts';
import { PendingKind } from '../time/pending-kind.ts';
import { type PendingEntry, readPayload } from '../time/pending-waits.ts';
import type { Trigger } from '../time/trigger.ts';

/** Where the partition counts its pending entries: the machine's globals. */
export interface WaiterNumbers {
  readonly pendingCount: number;
}

/** What a pending entry of kind `units` knows; names, because versions may be published while it waits. */
export interface UnitsBody {
  readonly channel: string;
  readonly slot: string | null;
  readonly value: number;
}

export class UnitWaiters {
  readonly #parts: DecideParts;
  readonly #numbers: WaiterNumbers;

  constructor(parts: DecideParts, numbers: WaiterNumbers) {
    this.#parts = parts;
    this.#numbers = numbers;
  }

  /** A winner whose units are not all in hand waits from now on. False: it lost, there is no room. */
  enter({ campaign, channel, slot, value, leaseKeys: keys, trigger }: Draft, effects: Effects): boolean {
    const { active, ports, moment } = this.#parts;
    const body: UnitsBody = { channel: active.workspace.channels[channel] as string, slot, value };
    const { row, now } = moment;
    if (!ports.waits.enter(PendingKind.units, campaign, row, now, Number.POSITIVE_INFINITY, trigger, body)) {
      campaign.account.suppress(Reason.full, trigger, now);
      return false;
    }
    const number = this.#numbers.pendingCount;
    ports.leases.wait(keys, number, row);
    effects.waitingUnits.push({ eventIndex: trigger.eventIndex, number, campaign: campaign.id });
    return true;
  }

  /**
   * All units of an entry are there, one of each of these keys: it leaves, and is decided now or not at all. `trigger` is the event that it kept,
   * null where the schema in force cannot read it any more. True: decided, its units are used; false: they are to be
   * released. Its row's change has been announced.
   */
  resume(
    entry: PendingEntry,
    leaseKeys: readonly string[],
    customer: string,
    now: number,
    trigger: Trigger | null,
    effects: Effects,
  ): boolean {
    const { active, moment, ports } = this.#parts;
    const index = active.campaignOfCode.get(entry.campaign);
    const campaign = index === undefined ? undefined : active.campaigns[index];
    const body = readPayload<UnitsBody>(entry);
    let decision: MadeDecision | null = null;
    if (campaign === undefined || campaign.campaign.status !== 'live' || trigger === null) {
      ports.waits.suppress(entry, Reason.withdrawn, now);
    } else {
      moment.explainer?.due(campaign, entry, trigger);
      ports.waits.leave(entry);
      beginMoment(this.#parts, entry.row, customer, now);
      decision = this.#decide(campaign, body, leaseKeys, trigger, effects);
    }
    effects.settled.push({ number: entry.number, decision });
    return decision !== null;
  }

  /** A unit of this key will not come: the entry leaves, counted under `limit` or `budget`. */
  deny(entry: PendingEntry, leaseKey: string, now: number, effects: Effects): void {
    const { active, moment, ports } = this.#parts;
    const campaign = active.campaigns[active.campaignOfCode.get(entry.campaign) ?? -1];
    if (moment.explainer !== null && campaign !== undefined) {
      moment.explainer.due(campaign, entry, null);
      // None was in hand when it was refused. Some may have come back since; they are for those who ask from now on.
      moment.explainer.policy.unit(campaign, leaseKey, false, 0);
    }
    ports.waits.suppress(entry, deniedReason(leaseKey), now);
    effects.settled.push({ number: entry.number, decision: null });
  }

  #decide(
    campaign: ActiveCampaign,
    body: UnitsBody,
    leaseKeys: readonly string[],
    trigger: Trigger,
    effects: Effects,
  ): MadeDecision | null {
    const { active, history, maker, moment, policy, slots } = this.#parts;
    if (moment.known) history.open(moment.row, moment.now, [campaign], 1);
    const { channels } = campaign;
    const own = channels.filter((channel) => active.workspace.channels[channel] === body.channel);
    const inOrder = [...own, ...channels.filter((channel) => !own.includes(channel))];
    let reason = policy.standing(campaign);
    if (reason >= 0) reason = policy.earlier(campaign);
    const place = reason < 0 ? reason : policy.place(campaign, inOrder, 0);
    if (place < 0) {
      lose(this.#parts, campaign, trigger, -1 - place);
      return null;
    }
    const channel = inOrder[place] as number;
    const { slot, value } = body;
    const kept = own.includes(channel) && slot !== null && slots.offers(campaign, channel, slot);
    const draft = { campaign, channel, slot: kept ? slot : this.#firstSlot(campaign, channel), value, follows: null };
    return maker.make({ ...draft, leaseKeys, trigger }, effects);
  }

  /** In no round: all of the channel's slots are free. */
  #firstSlot(campaign: ActiveCampaign, channel: number): string | null {
    const { slots } = this.#parts;
    slots.clear();
    const slot = slots.find(campaign, channel);
    return slot === ALL_TAKEN ? null : slots.name(channel, slot);
  }
}
