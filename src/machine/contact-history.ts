/**
 * What one customer's contacts (decisions made for them) mean to the rules of the active version: how full each cap is,
 * when each candidate campaign last won, how often each candidate's offer was given. One walk per event, newest first,
 * that ends where no rule reaches; after it every question costs nothing.
 *
 * Rolling windows are half-open: at `now` a contact counts while now − ts < per, so exactly `per` later is allowed
 * again. Contact times never decrease, and a rule is asked before every contact, hence no window of length `per`,
 * whatever its start, ever holds more than `max`.
 *
 * What is kept: contacts that a rule of the active version can reach, and at least CONTACT_RETENTION_MS of history, so
 * that a longer cap published later finds it. Contacts whose offer has a limit without `per` are kept for ever; the
 * others go when the list has doubled. A full list gives up the 90 days too, and if that frees nothing the customer
 * gets no more (counted as `cap`), so that a full list never leaks.
 */
import { CONTACT_RETENTION_MS } from '../constants.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { ActiveCampaign, ActiveWorkspace } from './active-workspace.ts';

/** Lists shorter than this are not searched for contacts to forget. */
const CONTACTS_SWEPT_MIN = 64;

export class ContactHistory {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  /**
   * By index: last time that a candidate campaign won; how often a candidate's offer was given within its window;
   * contacts within each cap's window.
   */
  readonly #lastWon: Float64Array;
  readonly #offersGiven: Int32Array;
  readonly #capUsed: Int32Array;
  /** The longest reach of a rule with an end, and whether an offer counts for ever. */
  readonly #reachMs: number;
  readonly #lifetime: boolean;
  #row = 0;
  #now = 0;
  /** Contacts within reach: all of them where an offer counts for ever. */
  #held = 0;

  constructor(state: PartitionState, active: ActiveWorkspace) {
    this.#state = state;
    this.#active = active;
    const { campaigns, offers, policy } = active.workspace;
    this.#lastWon = new Float64Array(campaigns.length);
    this.#offersGiven = new Int32Array(offers.length);
    this.#capUsed = new Int32Array(policy.caps.length);
    let reach = 0;
    for (const cap of policy.caps) reach = Math.max(reach, cap.perMs);
    for (const campaign of campaigns) reach = Math.max(reach, campaign.cooldownMs);
    for (const offer of offers) reach = Math.max(reach, offer.perCustomer?.perMs ?? 0);
    this.#reachMs = reach;
    this.#lifetime = offers.some((offer) => offer.perCustomer !== null && offer.perCustomer.perMs === null);
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
    this.#held = 0;
    const contacts = this.#state.contacts;
    const reach = this.#lifetime ? Number.POSITIVE_INFINITY : this.#reachMs;
    for (let more = contacts.open(row); more; more = contacts.older()) {
      if (now - contacts.ts >= reach) break;
      this.#held++;
      this.#count(contacts.ts, contacts.campaign, contacts.channel, contacts.offer);
    }
  }

  /** Takes a decision just made into account; the contact itself is added by `add`. */
  note(campaign: ActiveCampaign, channel: number): void {
    this.#count(this.#now, campaign.campaignCode, this.#active.channelCodes[channel] as number, campaign.offerCode);
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

  /** Whether one more decision on this channel would break a cap. */
  capped(channel: number): boolean {
    const caps = this.#active.capsOfChannel[channel] as Int32Array;
    for (let i = 0; i < caps.length; i++) {
      const cap = caps[i] as number;
      if ((this.#capUsed[cap] as number) >= (this.#active.capMax[cap] as number)) return true;
    }
    return false;
  }

  /** Whether another contact can be kept; makes room by forgetting what no rule reaches. */
  hasRoom(): boolean {
    if (this.#state.contactRoom(this.#row)) return true;
    this.#forget(this.#reachMs);
    return this.#state.contactRoom(this.#row);
  }

  /** Keeps a decision as a contact. False: there was no room after all (ask `hasRoom` first). */
  add({ campaignCode, offerCode }: ActiveCampaign, channel: number, decisionNumber: number): boolean {
    const channelCode = this.#active.channelCodes[channel] as number;
    if (!this.#state.addContact(this.#row, this.#now, campaignCode, channelCode, offerCode, decisionNumber, -1, -1, -1))
      return false;
    this.#held++;
    // Forgetting comes after adding: the list never becomes empty on the way, so its block stays and the room that was
    // found is there. Forgetting some in the middle walks the whole list: worth it whenever the list has doubled.
    const doubled = this.#held >= CONTACTS_SWEPT_MIN && (this.#held & (this.#held - 1)) === 0;
    if (!this.#lifetime || doubled) this.#forget(Math.max(this.#reachMs, CONTACT_RETENTION_MS));
    return true;
  }

  #count(ts: number, campaignCode: number, channelCode: number, offerCode: number): void {
    const active = this.#active;
    const age = this.#now - ts;
    const campaign = active.campaignOfCode.get(campaignCode);
    if (campaign !== undefined && ts > (this.#lastWon[campaign] as number)) this.#lastWon[campaign] = ts;
    if (offerCode >= 0) {
      const offer = active.offerOfCode.get(offerCode);
      if (offer !== undefined && age < (active.offerReachMs[offer] as number))
        this.#offersGiven[offer] = (this.#offersGiven[offer] as number) + 1;
    }
    // A channel that this version does not have counts for the caps on all channels only.
    const channel = active.channelOfCode.get(channelCode);
    const caps = channel === undefined ? active.capsOfAnyChannel : (active.capsOfChannel[channel] as Int32Array);
    for (let i = 0; i < caps.length; i++) {
      const cap = caps[i] as number;
      if (age < (active.capReachMs[cap] as number)) this.#capUsed[cap] = (this.#capUsed[cap] as number) + 1;
    }
  }

  /** Forgets the contacts that are `reachMs` old or older, but none whose offer counts for ever. */
  #forget(reachMs: number): void {
    const state = this.#state;
    if (!this.#lifetime) {
      state.forgetContacts(this.#row, this.#now - reachMs + 1);
      return;
    }
    state.retainContacts(this.#row, (ts, offerCode) => {
      if (this.#now - ts < reachMs) return true;
      const offer = this.#active.offerOfCode.get(offerCode);
      return offer !== undefined && this.#active.offerReachMs[offer] === Number.POSITIVE_INFINITY;
    });
  }
}
