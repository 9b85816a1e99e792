/**
 * What one customer's contacts (decisions made for them) mean to the rules of the active version: how full each cap is,
 * when each candidate campaign last won, how often each candidate's offer was given, who of each exclusion came last.
 * One walk per event, newest first, that ends where no rule reaches; after it every question costs nothing.
 *
 * Rolling windows are half-open: at `now` a contact counts while now − ts < per, so exactly `per` later is allowed
 * again. Contact times never decrease, and a rule is asked before every contact, hence no window of length `per`,
 * whatever its start, ever holds more than `max`. A contact whose delivery failed counts for nothing from then on.
 *
 * What is kept: contacts that a rule of the active version can reach, and at least CONTACT_RETENTION_MS of history, so
 * that a longer cap published later finds it. Contacts whose offer has a limit without `per` are kept for ever; the
 * others go when the list has doubled. A full list gives up the 90 days too, and if that frees nothing the customer
 * gets no more (counted as `cap`), so that a full list never leaks.
 *
 * A rehearsal with campaigns in shadow (rehearsal.ts) has two of these: one that keeps nothing, for what live campaigns
 * are asked, and one for those in shadow, which see what they would have sent beside what was sent, and keep the former.
 */
import { CONTACT_RETENTION_MS } from '../../constants.ts';
import type { ContactCursor } from '../../state/contacts.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { assert } from '../../stdx/assert.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { MomentExplainer } from '../trace/moment-explainer.ts';
import { ContactFlag } from './contact-flags.ts';
import type { ContactRules } from './contact-rules.ts';

/** Lists shorter than this are not searched for contacts to forget. */
const CONTACTS_SWEPT_MIN = 64;

/** What stands against one more contact, the weaker first. */
export const Capped = { no: 0, gap: 1, cap: 2 } as const;
export type Capped = (typeof Capped)[keyof typeof Capped];

/** Where contacts are kept; the methods are PartitionState's. */
type ContactStore = Pick<PartitionState, 'contactRoom' | 'addContact' | 'forgetContacts' | 'retainContacts'>;

export class ContactHistory {
  readonly #state: PartitionState;
  /** null: it keeps nothing, and there is always room. */
  readonly #store: ContactStore | null;
  /** null: it does not see what shadow campaigns would have sent. */
  readonly #shadow: ContactCursor | null;
  readonly #active: ActiveWorkspace;
  readonly #rules: ContactRules;
  /**
   * By index: last time that a candidate campaign won; how often a candidate's offer was given within its window;
   * contacts within each cap's window.
   */
  readonly #lastWon: Float64Array;
  readonly #offersGiven: Int32Array;
  readonly #capUsed: Int32Array;
  /**
   * By exclusion: time and campaign of its members' latest contact, and time of the latest of any other campaign: what
   * a candidate that is the former must look at.
   */
  readonly #lastMemberTs: Float64Array;
  readonly #lastMember: Int32Array;
  readonly #otherMemberTs: Float64Array;
  #row = 0;
  #now = 0;
  /** Contacts within reach of those that are kept here: all of them where an offer counts for ever. */
  #held = 0;

  constructor(state: PartitionState, active: ActiveWorkspace, keeps: 'live' | 'shadow' | 'nothing' = 'live') {
    const { shadow } = state;
    assert(keeps !== 'shadow' || shadow !== null, 'a campaign is in shadow');
    this.#state = state;
    this.#store = keeps === 'live' ? state : keeps === 'shadow' ? shadow : null;
    this.#shadow = keeps === 'shadow' && shadow !== null ? shadow.contacts : null;
    this.#active = active;
    this.#rules = keeps === 'shadow' ? active.shadowContactRules : active.contactRules;
    const { campaigns, offers, policy } = active.workspace;
    this.#lastWon = new Float64Array(campaigns.length);
    this.#offersGiven = new Int32Array(offers.length);
    this.#capUsed = new Int32Array(policy.caps.length);
    this.#lastMemberTs = new Float64Array(policy.exclusions.length);
    this.#lastMember = new Int32Array(policy.exclusions.length);
    this.#otherMemberTs = new Float64Array(policy.exclusions.length);
  }

  /** Reads the customer's contacts for these candidates. Must be called before any question, once per event. */
  open(row: number, now: number, candidates: readonly ActiveCampaign[], count: number): void {
    this.#row = row;
    this.#now = now;
    for (let i = 0; i < count; i++) {
      const campaign = candidates[i] as ActiveCampaign;
      this.#lastWon[campaign.index] = Number.NEGATIVE_INFINITY;
      if (campaign.offer !== null) this.#offersGiven[campaign.offerIndex] = 0;
    }
    this.#capUsed.fill(0);
    this.#lastMemberTs.fill(Number.NEGATIVE_INFINITY);
    this.#lastMember.fill(-1);
    this.#otherMemberTs.fill(Number.NEGATIVE_INFINITY);
    this.#held = this.#read(this.#state.contacts, row, now);
    if (this.#shadow !== null) this.#held = this.#read(this.#shadow, row, now);
  }

  /** How many are within reach. */
  #read(contacts: ContactCursor, row: number, now: number): number {
    const { lifetime, reachMs } = this.#rules;
    const reach = lifetime ? Number.POSITIVE_INFINITY : reachMs;
    let held = 0;
    for (let more = contacts.open(row); more; more = contacts.older()) {
      if (now - contacts.ts >= reach) break;
      held++;
      if ((contacts.flags & ContactFlag.failed) !== 0) continue;
      const { ts, campaign, channel, offer, group, category } = contacts;
      this.#count(ts, campaign, channel, offer, group, category);
    }
    return held;
  }

  /** Takes a decision just made into account; the contact itself is added by `add`. */
  note({ campaignCode, offerCode, groupCode, categoryCode }: ActiveCampaign, channel: number): void {
    const channelCode = this.#active.channelCodes[channel] as number;
    this.#count(this.#now, campaignCode, channelCode, offerCode, groupCode, categoryCode);
  }

  /** Whether the campaign won less than its cooldown ago. */
  coolingDown(campaign: ActiveCampaign): boolean {
    return campaign.cooldownMs > 0 && this.#now - (this.#lastWon[campaign.index] as number) < campaign.cooldownMs;
  }

  /** Whether the customer has had the campaign's offer as often as it allows. */
  offerUsedUp(campaign: ActiveCampaign): boolean {
    const limit = campaign.offer === null ? null : campaign.offer.perCustomer;
    return limit !== null && (this.#offersGiven[campaign.offerIndex] as number) >= limit.max;
  }

  /** The first of the campaign's exclusions of which another member contacted the customer within its time; −1: none. */
  excludedBy({ exclusions, campaignCode }: ActiveCampaign): number {
    for (let i = 0; i < exclusions.length; i++) {
      const exclusion = exclusions[i] as number;
      const last = this.#lastMember[exclusion] === campaignCode ? this.#otherMemberTs : this.#lastMemberTs;
      if (this.#now - (last[exclusion] as number) < (this.#rules.exclusionReachMs[exclusion] as number))
        return exclusion;
    }
    return -1;
  }

  /** Whether one more decision of the campaign on this channel would break a cap, or at least a gap. */
  capped(campaign: ActiveCampaign, channel: number, explainer: MomentExplainer | null = null): Capped {
    const { capsOfChannel, capRoom } = campaign;
    const caps = capsOfChannel[channel] as Int32Array;
    let capped: Capped = Capped.no;
    for (let i = 0; i < caps.length; i++) {
      const cap = caps[i] as number;
      const hasRoom = (this.#capUsed[cap] as number) < (capRoom[cap] as number);
      explainer?.policy.cap(campaign, channel, cap, hasRoom);
      if (hasRoom) continue;
      if (this.#rules.isGap[cap] === 0) return Capped.cap;
      capped = Capped.gap;
    }
    return capped;
  }

  /** Whether another contact can be kept; makes room by forgetting what no rule reaches. */
  hasRoom(): boolean {
    const store = this.#store;
    if (store === null || store.contactRoom(this.#row)) return true;
    this.#forget(store, this.#rules.reachMs);
    return store.contactRoom(this.#row);
  }

  /**
   * Keeps a decision as a contact; variantCode -1: none. False: there was no room after all (ask `hasRoom` first), and
   * nothing has changed.
   */
  add(campaign: ActiveCampaign, channel: number, decisionNumber: number, variantCode: number): boolean {
    const { campaignCode, offerCode, groupCode, categoryCode } = campaign;
    const channelCode = this.#active.channelCodes[channel] as number;
    const store = this.#store;
    if (store === null) return false;
    const added = store.addContact(
      this.#row,
      this.#now,
      campaignCode,
      channelCode,
      offerCode,
      decisionNumber,
      groupCode,
      categoryCode,
      variantCode,
    );
    if (!added) return false;
    this.#held++;
    // Forgetting comes after adding: the list never becomes empty on the way, so its block stays and the room that was
    // found is there. Forgetting some in the middle walks the whole list: worth it whenever the list has doubled.
    const doubled = this.#held >= CONTACTS_SWEPT_MIN && (this.#held & (this.#held - 1)) === 0;
    if (!this.#rules.lifetime || doubled) this.#forget(store, Math.max(this.#rules.keptMs, CONTACT_RETENTION_MS));
    return true;
  }

  #count(
    ts: number,
    campaignCode: number,
    channelCode: number,
    offerCode: number,
    groupCode: number,
    categoryCode: number,
  ): void {
    const active = this.#active;
    const rules = this.#rules;
    const age = this.#now - ts;
    const campaign = active.campaignOfCode.get(campaignCode);
    if (campaign !== undefined && ts > (this.#lastWon[campaign] as number)) this.#lastWon[campaign] = ts;
    if (offerCode >= 0) {
      const offer = active.offerOfCode.get(offerCode);
      if (offer !== undefined && age < (rules.offerReachMs[offer] as number))
        this.#offersGiven[offer] = (this.#offersGiven[offer] as number) + 1;
    }
    // A channel that this version does not have counts for the caps on all channels only.
    const channel = active.channelOfCode.get(channelCode);
    const caps = channel === undefined ? rules.capsOfAnyChannel : (rules.capsOfChannel[channel] as Int32Array);
    for (let i = 0; i < caps.length; i++) {
      const cap = caps[i] as number;
      if (age < (rules.capReachMs[cap] as number) && rules.countsFor(cap, groupCode, categoryCode))
        this.#capUsed[cap] = (this.#capUsed[cap] as number) + 1;
    }
    for (let i = 0; i < this.#lastMember.length; i++)
      if (rules.isMember(i, campaignCode, groupCode)) this.#noteMember(i, ts, campaignCode);
  }

  /** In any order of ts: contacts are walked from the newest on, and decisions are noted behind them. */
  #noteMember(exclusion: number, ts: number, campaignCode: number): void {
    const lastTs = this.#lastMemberTs[exclusion] as number;
    if (this.#lastMember[exclusion] === campaignCode) {
      if (ts > lastTs) this.#lastMemberTs[exclusion] = ts;
    } else if (ts >= lastTs) {
      this.#otherMemberTs[exclusion] = lastTs;
      this.#lastMemberTs[exclusion] = ts;
      this.#lastMember[exclusion] = campaignCode;
    } else if (ts > (this.#otherMemberTs[exclusion] as number)) {
      this.#otherMemberTs[exclusion] = ts;
    }
  }

  /** Forgets the contacts that are `reachMs` old or older, but none whose offer counts for ever. */
  #forget(store: ContactStore, reachMs: number): void {
    const { lifetime, offerReachMs } = this.#rules;
    if (!lifetime) {
      store.forgetContacts(this.#row, this.#now - reachMs + 1);
      return;
    }
    store.retainContacts(this.#row, (ts, offerCode) => {
      if (this.#now - ts < reachMs) return true;
      const offer = this.#active.offerOfCode.get(offerCode);
      return offer !== undefined && offerReachMs[offer] === Number.POSITIVE_INFINITY;
    });
  }
}
