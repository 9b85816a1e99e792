/**
 * What policy asks, told with the numbers behind each answer. The answers are policy's own, given here as they are found; the numbers are looked up beside them. A question
 * that a campaign's definition does not raise (no cooldown, no cap on that channel) is not told.
 */
import { CONTACTS_PER_CUSTOMER_MAX } from '../../constants.ts';
import type { ExplainedContact, ExplainedStep } from '../../protocol/explanation.ts';
import type { Cap, Exclusion, Offer, QuietHours, Validity } from '../../workspace/workspace.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { formatRfc3339 } from '../decode/rfc3339.ts';
import { offerKey, totalKey } from '../leases/lease-key.ts';
import type { CountedContact, CountedContacts } from './counted-contacts.ts';

export class PolicySteps {
  readonly #active: ActiveWorkspace;
  readonly #contacts: CountedContacts;
  readonly #now: number;
  readonly #note: (step: ExplainedStep) => void;

  /** `note` takes the steps of whoever is being asked. */
  constructor(active: ActiveWorkspace, contacts: CountedContacts, now: number, note: (step: ExplainedStep) => void) {
    this.#active = active;
    this.#contacts = contacts;
    this.#now = now;
    this.#note = note;
  }

  validity(of: 'campaign' | 'offer', { fromMs, toMs }: Validity, passed: boolean): void {
    if (fromMs === null && toMs === null) return;
    this.#note({ step: 'validity', passed, of, from: timeOf(fromMs), to: timeOf(toMs) });
  }

  holdout(of: 'campaign' | 'policy', share: number, u: number, passed: boolean): void {
    this.#note({ step: 'holdout', passed, of, share, u });
  }

  /** Keys in the order in which they were asked for; `denied` is the one that is used up, and the last that was. */
  units(
    campaign: ActiveCampaign,
    keys: readonly string[],
    denied: string | null,
    inHand: (key: string) => number,
  ): void {
    for (const key of keys) {
      this.unit(campaign, key, key !== denied, inHand(key));
      if (key === denied) return;
    }
  }

  unit({ id, campaign, offer }: ActiveCampaign, key: string, passed: boolean, inHand: number): void {
    const [reason, limit] =
      offer !== null && key === offerKey(offer.id)
        ? (['budget', offer.budget] as const)
        : (['limit', key === totalKey(id) ? campaign.limits.total : campaign.limits.perDay] as const);
    this.#note({ step: 'units', passed, key, reason, limit: limit ?? 0, inHand });
  }

  offer(campaign: ActiveCampaign, passed: boolean): void {
    const limit = campaign.offer?.perCustomer ?? null;
    if (limit === null) return;
    const contacts = this.#contacts.ofOffer(campaign).map(shown);
    this.#note({ step: 'offer', passed, offer: (campaign.offer as Offer).id, ...limit, contacts });
  }

  cooldown(campaign: ActiveCampaign, passed: boolean): void {
    const { cooldownMs } = campaign;
    if (cooldownMs === 0) return;
    this.#note({ step: 'cooldown', passed, cooldownMs, ...since(this.#contacts.lastOf(campaign), cooldownMs, passed) });
  }

  /** Of all that it is a member of up to the one that stands in the way; −1: none does. */
  exclusions(campaign: ActiveCampaign, excludedBy: number): void {
    for (const index of campaign.exclusions) {
      const { name, perMs } = this.#active.workspace.policy.exclusions[index] as Exclusion;
      const passed = index !== excludedBy;
      const last = this.#contacts.ofOthers(campaign, index).at(-1) ?? null;
      this.#note({ step: 'excluded', passed, exclusion: name, perMs, ...since(last, perMs, passed) });
      if (!passed) return;
    }
  }

  consent(channel: number, said: 'granted' | 'denied' | null, passed: boolean): void {
    const rule = this.#active.workspace.policy.consent[channel] as string;
    this.#note({ step: 'consent', passed, channel: this.#channel(channel), rule, said });
  }

  /** `untilMs`: when they end; null: they do not hold. */
  quietHours(channel: number, { fromMinute, toMinute }: QuietHours, timezone: string, untilMs: number | null): void {
    const { zones } = this.#active;
    this.#note({
      step: 'quiet_hours',
      passed: untilMs === null,
      channel: this.#channel(channel),
      from: clockTime(fromMinute),
      to: clockTime(toMinute),
      timezone,
      localTime: clockTime(zones.localMinuteOfDay(timezone, this.#now) ?? 0),
      until: timeOf(untilMs),
    });
  }

  cap({ capRoom }: ActiveCampaign, channel: number, cap: number, passed: boolean): void {
    const { name, max, perMs, isGap } = this.#active.workspace.policy.caps[cap] as Cap;
    const room = capRoom[cap] as number;
    const contacts = this.#contacts.ofCap(cap);
    // As many must have left that fewer than there is room for are there.
    const last = passed || room < 1 ? undefined : contacts[contacts.length - room];
    this.#note({
      step: isGap ? 'gap' : 'cap',
      passed,
      channel: this.#channel(channel),
      name,
      max,
      room,
      perMs,
      contacts: contacts.map(shown),
      until: last === undefined ? null : formatRfc3339(last.ts + perMs),
    });
  }

  /** There is no room for another contact. */
  room(): void {
    this.#note({ step: 'room', passed: false, contacts: this.#contacts.count, max: CONTACTS_PER_CUSTOMER_MAX });
  }

  /** `slot` null: all that the campaign may take are taken, the last by `taker`; nobody: it may take none. */
  slot(channel: number, slot: string | null, taker: string | null): void {
    this.#note({ step: 'slot', passed: slot !== null, channel: this.#channel(channel), slot, taker });
  }

  #channel(channel: number): string {
    return this.#active.workspace.channels[channel] as string;
  }
}

export function timeOf(ms: number | null): string | null {
  return ms === null || !Number.isFinite(ms) ? null : formatRfc3339(ms);
}

/** A minute of the day as people say it. */
function clockTime(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

function since(
  last: CountedContact | null,
  perMs: number,
  passed: boolean,
): { readonly last: ExplainedContact | null; readonly until: string | null } {
  if (last === null) return { last, until: null };
  return { last: shown(last), until: passed ? null : formatRfc3339(last.ts + perMs) };
}

function shown({ at, campaign, channel, decision }: CountedContact): ExplainedContact {
  return { at, campaign, channel, decision };
}
