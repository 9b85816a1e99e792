/**
 * Which contacts of a customer counted for a rule, looked up when the rule has been asked: by the same tables, over the same list. Oldest first. Campaigns in shadow see
 * beside them what they would have sent themselves, and who has won in the rehearsal that they take part in.
 */
import type { ExplainedContact } from '../../protocol/explanation.ts';
import type { ContactCursor } from '../../state/contacts.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { ContactFlag } from '../decide/contact-flags.ts';
import type { ContactRules } from '../decide/contact-rules.ts';
import { formatRfc3339 } from '../decode/rfc3339.ts';

export interface CountedContact extends ExplainedContact {
  /** Epoch ms. */
  readonly ts: number;
}

/** A contact as it is kept: codes of names. */
type Kept = Pick<ContactCursor, 'ts' | 'campaign' | 'channel' | 'offer' | 'group' | 'category' | 'decision' | 'flags'>;

export class CountedContacts {
  /** Whether a campaign in shadow is being asked. */
  isShadow = false;
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #partition: number;
  readonly #row: number;
  readonly #now: number;
  #rehearsed: Kept[] = [];

  constructor(state: PartitionState, active: ActiveWorkspace, partition: number, row: number, now: number) {
    this.#state = state;
    this.#active = active;
    this.#partition = partition;
    this.#row = row;
    this.#now = now;
  }

  /** A rehearsal begins: nobody has won in it. */
  rehearse(): void {
    this.#rehearsed = [];
  }
  rehearsed(
    { campaignCode: campaign, offerCode: offer, groupCode: group, categoryCode: category }: ActiveCampaign,
    channel: number,
  ): void {
    const code = this.#active.channelCodes[channel] as number;
    this.#rehearsed.push({ ts: this.#now, campaign, channel: code, offer, group, category, decision: 0, flags: 0 });
  }

  ofCap(cap: number): CountedContact[] {
    const { channelOfCode } = this.#active;
    const rules = this.#rules;
    const reach = rules.capReachMs[cap] as number;
    return this.#list(({ ts, channel, group, category }) => {
      const index = channelOfCode.get(channel);
      const caps = index === undefined ? rules.capsOfAnyChannel : rules.capsOfChannel[index];
      return this.#now - ts < reach && caps?.includes(cap) === true && rules.countsFor(cap, group, category);
    });
  }

  ofOffer({ offerIndex, offerCode }: ActiveCampaign): CountedContact[] {
    const reach = this.#rules.offerReachMs[offerIndex] as number;
    return this.#list(({ ts, offer }) => offer === offerCode && this.#now - ts < reach);
  }

  /** The campaign's last one, however long ago; null: there is none any more. */
  lastOf({ campaignCode }: ActiveCampaign): CountedContact | null {
    return this.#list(({ campaign }) => campaign === campaignCode).at(-1) ?? null;
  }

  /** Those of other members of the exclusion, however long ago. */
  ofOthers({ campaignCode }: ActiveCampaign, exclusion: number): CountedContact[] {
    const rules = this.#rules;
    return this.#list(({ campaign, group }) => campaign !== campaignCode && rules.isMember(exclusion, campaign, group));
  }

  /** Kept where the campaign's own would be kept. */
  get count(): number {
    return this.#kept(this.isShadow ? this.#state.shadow?.contacts : this.#state.contacts).length;
  }

  get #rules(): ContactRules {
    return this.isShadow ? this.#active.shadowContactRules : this.#active.contactRules;
  }

  #list(counts: (contact: Kept) => boolean): CountedContact[] {
    const live = this.#kept(this.#state.contacts);
    const all = this.isShadow ? [...live, ...this.#kept(this.#state.shadow?.contacts), ...this.#rehearsed] : live;
    const counted = all.filter((contact) => (contact.flags & ContactFlag.failed) === 0 && counts(contact));
    return counted.sort((a, b) => a.ts - b.ts).map((contact) => this.#told(contact));
  }

  /** Oldest first. */
  #kept(contacts: ContactCursor | undefined): Kept[] {
    const kept: Kept[] = [];
    if (contacts === undefined) return kept;
    for (let more = contacts.open(this.#row); more; more = contacts.older()) {
      const { ts, campaign, channel, offer, group, category, decision, flags } = contacts;
      kept.push({ ts, campaign, channel, offer, group, category, decision, flags });
    }
    return kept.reverse();
  }

  #told({ ts, campaign, channel, decision }: Kept): CountedContact {
    return {
      ts,
      at: formatRfc3339(ts),
      campaign: this.#state.textOf(campaign),
      channel: this.#state.textOf(channel),
      decision: decision === 0 ? null : `${this.#partition}-${decision}`,
    };
  }
}
