/**
 * The rules over a customer's contacts, laid out by what a contact carries: dictionary codes. A contact keeps the group
 * and category that its campaign had when it was decided.
 */
import type { Campaign, Workspace } from '../../workspace/workspace.ts';

export class ContactRules {
  /** By channel index: caps on it, of whatever groups and categories. */
  readonly capsOfChannel: readonly Int32Array[];
  /** Caps on all channels. */
  readonly capsOfAnyChannel: Int32Array;
  /** By cap index. */
  readonly capReachMs: Float64Array;
  readonly isGap: Uint8Array;
  /** By cap index: codes of the groups and categories whose contacts count; null: all. */
  readonly #capGroups: readonly (ReadonlySet<number> | null)[];
  readonly #capCategories: readonly (ReadonlySet<number> | null)[];
  /** By exclusion index. */
  readonly exclusionReachMs: Float64Array;
  readonly #exclusionCampaigns: readonly ReadonlySet<number>[];
  readonly #exclusionGroups: readonly ReadonlySet<number>[];
  /** By offer index: the reach of its limit per customer; 0 without one, Infinity for ever. */
  readonly offerReachMs: Float64Array;
  /** The longest reach of a rule with an end, and whether an offer counts for ever. */
  readonly reachMs: number;
  readonly lifetime: boolean;
  /** Contacts are kept at least this long for what becomes of them: units that return when an offer expires. */
  readonly keptMs: number;

  /** For these of its campaigns. */
  constructor(
    { policy, channels, offers }: Workspace,
    campaigns: readonly Pick<Campaign, 'cooldownMs'>[],
    intern: (text: string) => number,
  ) {
    const { caps, exclusions } = policy;
    const codes = (names: readonly string[]): ReadonlySet<number> => new Set(names.map(intern));
    this.capsOfChannel = channels.map((_, channel) =>
      Int32Array.from(caps.flatMap((cap, i) => (cap.channels === null || cap.channels.includes(channel) ? [i] : []))),
    );
    this.capsOfAnyChannel = Int32Array.from(caps.flatMap((cap, i) => (cap.channels === null ? [i] : [])));
    this.capReachMs = Float64Array.from(caps, ({ perMs }) => perMs);
    this.isGap = Uint8Array.from(caps, ({ isGap }) => (isGap ? 1 : 0));
    this.#capGroups = caps.map(({ groups }) => (groups === null ? null : codes(groups)));
    this.#capCategories = caps.map(({ categories }) => (categories === null ? null : codes(categories)));
    this.exclusionReachMs = Float64Array.from(exclusions, ({ perMs }) => perMs);
    this.#exclusionCampaigns = exclusions.map((exclusion) => codes(exclusion.campaigns));
    this.#exclusionGroups = exclusions.map(({ groups }) => codes(groups));
    this.offerReachMs = Float64Array.from(offers, ({ perCustomer }) =>
      perCustomer === null ? 0 : (perCustomer.perMs ?? Number.POSITIVE_INFINITY),
    );
    this.lifetime = offers.some((offer) => offer.perCustomer !== null && offer.perCustomer.perMs === null);
    let reach = 0;
    for (const { perMs } of caps) reach = Math.max(reach, perMs);
    for (const { perMs } of exclusions) reach = Math.max(reach, perMs);
    for (const { cooldownMs } of campaigns) reach = Math.max(reach, cooldownMs);
    for (const { perCustomer } of offers) reach = Math.max(reach, perCustomer?.perMs ?? 0);
    this.reachMs = reach;
    let kept = reach;
    for (const { expires, returnsUnused } of offers)
      if (returnsUnused && expires !== null && 'afterMs' in expires) kept = Math.max(kept, expires.afterMs);
    this.keptMs = kept;
  }

  /** Whether a contact on one of the cap's channels counts for it. Codes are -1 where there is no group, no category. */
  countsFor(cap: number, groupCode: number, categoryCode: number): boolean {
    const groups = this.#capGroups[cap] as ReadonlySet<number> | null;
    const categories = this.#capCategories[cap] as ReadonlySet<number> | null;
    return (groups === null || groups.has(groupCode)) && (categories === null || categories.has(categoryCode));
  }

  isMember(exclusion: number, campaignCode: number, groupCode: number): boolean {
    return (
      (this.#exclusionCampaigns[exclusion] as ReadonlySet<number>).has(campaignCode) ||
      (this.#exclusionGroups[exclusion] as ReadonlySet<number>).has(groupCode)
    );
  }
}
