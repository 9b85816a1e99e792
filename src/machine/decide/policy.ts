/**
 * Step 5, policy: may this candidate be decided? In the interface's order: (late →) validity → holdouts → limits and
 * budget → the offer's limit per customer → cooldown → exclusions → consent, quiet hours, caps and gaps per channel.
 * Every question is about log time, the moment of the decision.
 */

import type { ProfileFrame } from '../../protocol/frame.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { fmix32, fnv1a32 } from '../../stdx/hash.ts';
import { Consent, type QuietHours, type Validity } from '../../workspace/workspace.ts';
import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { neededUnits } from '../leases/needed-units.ts';
import { Capped, type ContactHistory } from './contact-history.ts';
import type { UnitLeases } from './decide-ports.ts';
import type { Moment } from './moment.ts';
import { inQuietHours, quietHoursEnd } from './quiet-hours.ts';

/** state.consent() of a channel on which the customer said nothing, yes, or no. */
export const ConsentState = { unset: 0, granted: 1, denied: 2 } as const;

/** By that state. */
const SAID = [null, 'granted', 'denied'] as const;

/**
 * What is returned where nothing is in the way. Reasons are returned as −1 − reason, so that they differ from it and
 * from places in a list of channels.
 */
export const PASSED = 0;

const Quiet = { unknown: 0, no: 1, yes: 2 } as const;

export class Policy {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #history: ContactHistory;
  readonly #leases: Pick<UnitLeases, 'usedUp' | 'inHand'>;
  readonly #quietHours: QuietHours | null;
  readonly #timezoneSlots: Int32Array;
  /** An anonymous event has no holdouts, limits per customer, cooldowns, exclusions or caps. */
  readonly #moment: Moment;
  #quiet: number = Quiet.unknown;
  /** '': not asked yet. */
  #zoneName = '';
  /** u("holdout") of the customer for all campaigns together; -1: not asked yet. */
  #globalShare = -1;
  /**
   * Quiet hours read in the workspace's zone because the customer's was not a known one. The owner reads and zeroes it.
   */
  invalidTimezones = 0;

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    history: ContactHistory,
    leases: Pick<UnitLeases, 'usedUp' | 'inHand'>,
    moment: Moment,
  ) {
    this.#state = state;
    this.#active = active;
    this.#history = history;
    this.#leases = leases;
    this.#moment = moment;
    const { timezoneSlot, quietHours } = active.workspace.policy;
    this.#quietHours = quietHours;
    this.#timezoneSlots = Int32Array.from(timezoneSlot < 0 ? [] : [timezoneSlot]);
  }

  /** The moment is another one. */
  begin(): void {
    this.#quiet = Quiet.unknown;
    this.#zoneName = '';
    this.#globalShare = -1;
  }

  /** What needs no history: validity and holdouts. PASSED, or −1 − reason. */
  standing(campaign: ActiveCampaign): number {
    const { customer } = this.#moment;
    if (!this.#isValid('campaign', campaign.valid)) return -1 - Reason.expired;
    if (campaign.offer !== null && !this.#isValid('offer', campaign.offer.valid)) return -1 - Reason.expired;
    if (customer !== '' && this.#heldOut(campaign, customer)) return -1 - Reason.holdout;
    return PASSED;
  }

  /** Whether a limit or budget is known to be used up: PASSED, or −1 − reason. */
  units(campaign: ActiveCampaign): number {
    const keys = neededUnits(campaign, this.#active, this.#moment);
    const denied = keys.length === 0 ? null : this.#leases.usedUp(keys);
    this.#moment.explainer?.policy.units(campaign, keys, denied, (key) => this.#leases.inHand(key));
    return denied === null ? PASSED : -1 - deniedReason(denied);
  }

  /** What history says whatever the channel: PASSED, or −1 − reason. For a known customer it must be open. */
  earlier(campaign: ActiveCampaign): number {
    if (!this.#moment.known) return PASSED;
    const { explainer } = this.#moment;
    const usedUp = this.#history.offerUsedUp(campaign);
    explainer?.policy.offer(campaign, !usedUp);
    if (usedUp) return -1 - Reason.offer;
    const coolingDown = this.#history.coolingDown(campaign);
    explainer?.policy.cooldown(campaign, !coolingDown);
    if (coolingDown) return -1 - Reason.cooldown;
    const excludedBy = this.#history.excludedBy(campaign);
    explainer?.policy.exclusions(campaign, excludedBy);
    return excludedBy < 0 ? PASSED : -1 - Reason.excluded;
  }

  /**
   * The first of these channels, from place `from` on, on which the campaign may contact the customer: its place, or
   * −1 − the reason of the channel that came furthest. For a known customer the history must be open.
   */
  place(campaign: ActiveCampaign, channels: readonly number[], from: number): number {
    const { known, explainer } = this.#moment;
    let furthest: number = Reason.consent;
    for (let i = from; i < channels.length; i++) {
      const channel = channels[i] as number;
      if (!this.#consented(channel)) continue;
      if (this.#active.quietChannel[channel] === 1 && this.#isQuietOn(channel)) {
        if (furthest === Reason.consent) furthest = Reason.quietHours;
        continue;
      }
      if (!known) return i;
      const capped = this.#history.capped(campaign, channel, explainer);
      if (capped === Capped.no && this.#history.hasRoom()) return i;
      if (capped === Capped.no) explainer?.policy.room();
      furthest = capped === Capped.gap ? Reason.gap : Reason.cap;
    }
    return -1 - furthest;
  }

  /** Who loses for this reason alone waits until quiet hours end. */
  defers(reason: number): boolean {
    return reason === Reason.quietHours && this.#moment.known && this.#quietHours?.defer === true;
  }

  /** When the quiet hours end that hold at this moment, epoch ms. */
  quietUntil(): number {
    const { zones } = this.#active;
    return quietHoursEnd(this.#quietHours as QuietHours, zones, this.#zone(), this.#moment.now);
  }

  #isValid(of: 'campaign' | 'offer', valid: Validity): boolean {
    const { now, explainer } = this.#moment;
    const isValid = within(valid, now);
    explainer?.policy.validity(of, valid, isValid);
    return isValid;
  }

  #heldOut(campaign: ActiveCampaign, customer: string): boolean {
    const { explainer } = this.#moment;
    if (campaign.globalHoldout > 0) {
      if (this.#globalShare < 0) this.#globalShare = share('holdout', '', customer);
      const heldOut = this.#globalShare < campaign.globalHoldout;
      explainer?.policy.holdout('policy', campaign.globalHoldout, this.#globalShare, !heldOut);
      if (heldOut) return true;
    }
    if (campaign.holdout === 0) return false;
    const own = share('holdout', campaign.id, customer);
    explainer?.policy.holdout('campaign', campaign.holdout, own, own >= campaign.holdout);
    return own < campaign.holdout;
  }

  /** Who said no is not contacted, whatever the channel needs: that consent is not needed does not make a refusal void. */
  #consented(channel: number): boolean {
    const rule = this.#active.workspace.policy.consent[channel];
    const said = this.#moment.known
      ? this.#state.consent(this.#moment.row, this.#active.channelCodes[channel] as number)
      : ConsentState.unset;
    const consented = said === ConsentState.granted || (said === ConsentState.unset && rule !== Consent.optIn);
    this.#moment.explainer?.policy.consent(channel, SAID[said] ?? null, consented);
    return consented;
  }

  #isQuietOn(channel: number): boolean {
    const isQuiet = this.#isQuiet();
    const { explainer } = this.#moment;
    if (explainer !== null && this.#quietHours !== null)
      explainer.policy.quietHours(channel, this.#quietHours, this.#zone(), isQuiet ? this.quietUntil() : null);
    return isQuiet;
  }

  /** Whether quiet hours hold at this moment for this customer; found once per round. */
  #isQuiet(): boolean {
    if (this.#quiet === Quiet.unknown) {
      const quiet = this.#quietHours;
      const holds = quiet !== null && inQuietHours(quiet, this.#active.zones, this.#zone(), this.#moment.now);
      this.#quiet = holds ? Quiet.yes : Quiet.no;
    }
    return this.#quiet === Quiet.yes;
  }

  /** The customer's zone where profile.timezone names a known one, the workspace's otherwise; found once per round. */
  #zone(): string {
    if (this.#zoneName === '') {
      const given = this.#givenZone();
      const known = given !== null && this.#active.zones.has(given);
      if (given !== null && !known) this.invalidTimezones++;
      this.#zoneName = known ? given : this.#active.workspace.timezone;
    }
    return this.#zoneName;
  }

  #givenZone(): string | null {
    const { workspace, profile } = this.#active;
    const { row, now } = this.#moment;
    const slot = workspace.policy.timezoneSlot;
    if (slot < 0) return null;
    this.#state.gather(row, this.#timezoneSlots, now, profile);
    return profile.present[slot] === 1 ? ((profile as ProfileFrame).text[slot] as string) : null;
  }
}

/** Under which reason a decision is not made for want of a unit of this key. */
export function deniedReason(leaseKey: string): number {
  return leaseKey.startsWith('offer/') ? Reason.budget : Reason.limit;
}

/** u(salt) of the interface: where a customer falls in [0, 1) for a campaign. Anyone can derive it again. */
export function share(salt: string, campaign: string, customer: string): number {
  return fmix32(fnv1a32(salt + ':' + campaign + ':' + customer)) / 0x1_0000_0000;
}

function within(valid: Validity, now: number): boolean {
  return (valid.fromMs === null || now >= valid.fromMs) && (valid.toMs === null || now < valid.toMs);
}
