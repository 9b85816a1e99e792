/**
 * Follow-ups of a cascade: one decision more on the next channel that takes it. No predicate, no arbitration, no unit,
 * no cooldown, offer limit or exclusion; consent, quiet hours and caps as ever. Counted beside the books of matches.
 */

import { SuppressReason } from '../../protocol/rejection.ts';
import { SUPPRESS_REASONS } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { Effects } from '../effects.ts';
import type { PendingEntry } from '../time/pending-waits.ts';
import type { Trigger } from '../time/trigger.ts';
import { beginMoment, type DecideParts } from './decide-parts.ts';
import { ALL_TAKEN } from './slots.ts';

/** The decision that a follow-up comes after. */
export interface Followed {
  readonly id: string;
  readonly value: number;
  readonly variant: string | null;
}

export class FollowUps {
  readonly #parts: DecideParts;

  constructor(parts: DecideParts) {
    this.#parts = parts;
  }

  /**
   * Decides on the first of the channels (indices into Workspace.channels, in order) that policy leaves; one that none
   * takes is counted with its reason. Returns 0, or, where quiet hours defer it, the time when they end: the caller asks
   * again then. For a known customer, whose row's change has been announced; the campaign must be live.
   */
  run(
    campaign: ActiveCampaign,
    channels: readonly number[],
    followed: Followed,
    trigger: Trigger,
    row: number,
    customer: string,
    now: number,
    effects: Effects,
  ): number {
    const { history, maker, moment, policy, slots } = this.#parts;
    beginMoment(this.#parts, row, customer, now);
    moment.explainer?.followUp(campaign, trigger, followed.id);
    history.open(row, now, [campaign], 1);
    const reason = policy.standing(campaign);
    const place = reason < 0 ? reason : policy.place(campaign, channels, 0);
    if (place < 0) {
      if (policy.defers(-1 - place)) return policy.quietUntil();
      this.lose(campaign, SUPPRESS_REASONS[-1 - place] as SuppressReason);
      return 0;
    }
    const channel = channels[place] as number;
    slots.clear();
    const slot = slots.find(campaign, channel);
    const { id, value, variant } = followed;
    const name = slot === ALL_TAKEN ? null : slots.name(channel, slot);
    maker.make(
      { campaign, channel, slot: name, value, follows: { id, variant }, leaseKeys: NO_KEYS, trigger },
      effects,
    );
    return 0;
  }

  /** It cannot be asked: the version has no channel left for it, or cannot read its event. */
  withdraw(campaign: ActiveCampaign, entry: PendingEntry, followed: string): void {
    this.#parts.moment.explainer?.followUpDue(campaign, entry, followed);
    this.lose(campaign, SuppressReason.withdrawn);
  }

  /** A cascade ends for this reason without another decision. */
  lose(campaign: ActiveCampaign, reason: SuppressReason): void {
    campaign.account.responses.suppressFollowUp(reason);
    this.#parts.moment.explainer?.followUpLost(reason);
  }
}

const NO_KEYS: readonly string[] = [];
