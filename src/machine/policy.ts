/**
 * Step 5, policy: may this candidate be decided? In the interface's order: late → validity → holdout → (limits and
 * budget: not built) → the offer's limit per customer → cooldown → consent, quiet hours and caps per channel. Every
 * question is about log time, the moment of the decision.
 */

import type { ProfileFrame } from '../protocol/frame.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { fmix32, fnv1a32 } from '../stdx/hash.ts';
import { Consent, type Validity } from '../workspace/workspace.ts';
import { Reason } from './accounting.ts';
import type { ActiveCampaign, ActiveWorkspace } from './active-workspace.ts';
import type { ContactHistory } from './contact-history.ts';
import type { Moment } from './moment.ts';

/** state.consent() of a channel on which the customer said nothing, yes, or no. */
export const ConsentState = { unset: 0, granted: 1, denied: 2 } as const;

const MINUTES_PER_DAY = 1440;
const MS_PER_MINUTE = 60_000;
/**
 * What `standing` returns where nothing is in the way. Reasons are returned as −1 − reason, so that they differ from it
 * and from channels.
 */
export const PASSED = 0;

const Quiet = { unknown: 0, no: 1, yes: 2 } as const;

export class Policy {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #history: ContactHistory;
  readonly #timezoneSlots: Int32Array;
  /** An anonymous event has no holdouts, limits per customer, cooldowns or caps. */
  readonly #moment: Moment;
  #quiet: number = Quiet.unknown;
  /**
   * Quiet hours read in the workspace's zone because the customer's was not a known one. The owner reads and zeroes it.
   */
  invalidTimezones = 0;

  constructor(state: PartitionState, active: ActiveWorkspace, history: ContactHistory, moment: Moment) {
    this.#state = state;
    this.#active = active;
    this.#history = history;
    this.#moment = moment;
    const slot = active.workspace.policy.timezoneSlot;
    this.#timezoneSlots = Int32Array.from(slot < 0 ? [] : [slot]);
  }

  /** The moment is another one. */
  begin(): void {
    this.#quiet = Quiet.unknown;
  }

  /** What needs no history: validity and holdout. PASSED, or −1 − reason. */
  standing(campaign: ActiveCampaign): number {
    const { customer, now } = this.#moment;
    if (!within(campaign.valid, now)) return -1 - Reason.expired;
    if (campaign.offer !== null && !within(campaign.offer.valid, now)) return -1 - Reason.expired;
    if (customer !== '' && campaign.holdout > 0 && share('holdout', campaign.id, customer) < campaign.holdout)
      return -1 - Reason.holdout;
    return PASSED;
  }

  /** What history says, and the channel: its index, or −1 − reason. For a known customer the history must be open. */
  channelFor(campaign: ActiveCampaign): number {
    const { known } = this.#moment;
    if (known && this.#history.offerUsedUp(campaign)) return -1 - Reason.offer;
    if (known && this.#history.coolingDown(campaign)) return -1 - Reason.cooldown;
    let furthest: number = Reason.consent;
    for (let i = 0; i < campaign.channels.length; i++) {
      const channel = campaign.channels[i] as number;
      if (!this.#consented(channel)) continue;
      if (this.#active.quietChannel[channel] === 1 && this.#isQuiet()) {
        if (furthest === Reason.consent) furthest = Reason.quietHours;
        continue;
      }
      if (!known || (!this.#history.capped(channel) && this.#history.hasRoom())) return channel;
      furthest = Reason.cap;
    }
    return -1 - furthest;
  }

  /** Who said no is not contacted, whatever the channel needs: that consent is not needed does not make a refusal void. */
  #consented(channel: number): boolean {
    const rule = this.#active.workspace.policy.consent[channel];
    const said = this.#moment.known
      ? this.#state.consent(this.#moment.row, this.#active.channelCodes[channel] as number)
      : ConsentState.unset;
    return said === ConsentState.granted || (said === ConsentState.unset && rule !== Consent.optIn);
  }

  /** Whether quiet hours hold at this moment for this customer; found once per event. */
  #isQuiet(): boolean {
    if (this.#quiet === Quiet.unknown) this.#quiet = this.#inQuietHours() ? Quiet.yes : Quiet.no;
    return this.#quiet === Quiet.yes;
  }

  #inQuietHours(): boolean {
    const quiet = this.#active.workspace.policy.quietHours;
    if (quiet === null) return false;
    const minute = localMinute(this.#moment.now, this.#offsetMinutes());
    const { fromMinute, toMinute } = quiet;
    return fromMinute <= toMinute
      ? minute >= fromMinute && minute < toMinute
      : minute >= fromMinute || minute < toMinute;
  }

  /** UTC offset in the customer's zone where profile.timezone names a known one, in the workspace's otherwise. */
  #offsetMinutes(): number {
    const { zones, workspace, profile } = this.#active;
    const { row, now } = this.#moment;
    const slot = workspace.policy.timezoneSlot;
    if (slot >= 0) {
      this.#state.gather(row, this.#timezoneSlots, now, profile);
      if (profile.present[slot] === 1) {
        const offset = zones.offsetMinutes((profile as ProfileFrame).text[slot] as string, now);
        if (offset !== null) return offset;
        this.invalidTimezones++;
      }
    }
    return zones.offsetMinutes(workspace.timezone, now) ?? 0;
  }
}

/** Minutes after local midnight. */
export function localMinute(utcMs: number, offsetMinutes: number): number {
  const minutes = Math.floor(utcMs / MS_PER_MINUTE) + offsetMinutes;
  return ((minutes % MINUTES_PER_DAY) + MINUTES_PER_DAY) % MINUTES_PER_DAY;
}

/** u(salt) of the interface: where a customer falls in [0, 1) for a campaign. Anyone can derive it again. */
export function share(salt: string, campaign: string, customer: string): number {
  return fmix32(fnv1a32(salt + ':' + campaign + ':' + customer)) / 0x1_0000_0000;
}

function within(valid: Validity, now: number): boolean {
  return (valid.fromMs === null || now >= valid.fromMs) && (valid.toMs === null || now < valid.toMs);
}
