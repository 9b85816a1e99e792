/** A campaign of the active version, with what its decisions need at hand: everything looked up and interned once. */
import { ScalarProgram } from '../rules/scalar-program.ts';
import type { SegmentSet } from '../rules/segment-set.ts';
import { verifyProgram } from '../rules/verify-program.ts';
import type { Campaign, Cap, Offer, Validity, Workspace } from '../workspace/workspace.ts';
import type { Accounting, CampaignAccount } from './accounting.ts';
import { meetingsOf } from './campaign-reads.ts';

export interface ActiveCampaign {
  readonly id: string;
  /** Index into Workspace.campaigns. */
  readonly index: number;
  readonly campaign: Campaign;
  /** It takes part beside what is live, without any effect on it. */
  readonly isShadow: boolean;
  /** Not in the books before the version is active: see Accounting.adopt. */
  readonly account: CampaignAccount;
  readonly campaignCode: number;
  readonly offer: Offer | null;
  readonly offerIndex: number;
  /** -1 without an offer. */
  readonly offerCode: number;
  /** -1 without a group, without a category. */
  readonly groupCode: number;
  readonly categoryCode: number;
  /** By name. */
  readonly variantCodes: ReadonlyMap<string, number>;
  readonly channels: readonly number[];
  readonly priority: number;
  readonly cooldownMs: number;
  /** Of the campaign alone; 0 … 1. */
  readonly holdout: number;
  /** Of the policy, if it holds for campaigns of this category; 0 otherwise. */
  readonly globalHoldout: number;
  readonly valid: Validity;
  readonly value: ScalarProgram | null;
  readonly score: ScalarProgram | null;
  /** By channel index: the caps that its contacts there count for. */
  readonly capsOfChannel: readonly Int32Array[];
  /** By cap index: contacts that may be there before it; less than the cap's max where places are reserved for others. */
  readonly capRoom: Float64Array;
  /** Indices of the exclusions that it is a member of. */
  readonly exclusions: Int32Array;
  /** A decision takes units of a budget or limit. */
  readonly limited: boolean;
}

/** `intern` gives the code of a name. */
export function activateCampaign(
  campaign: Campaign,
  workspace: Workspace,
  segments: SegmentSet,
  intern: (text: string) => number,
  accounting: Accounting,
): ActiveCampaign {
  const { policy, channels } = workspace;
  const { id, group, category, priority, limits } = campaign;
  const offer = campaign.offer < 0 ? null : (workspace.offers[campaign.offer] as Offer);
  const { share, categories } = policy.holdout;
  const program = (compiled: Campaign['value']): ScalarProgram | null =>
    compiled === null ? null : new ScalarProgram(compiled, segments);
  // The steps compile these when the version is active already, where nothing can be refused any more. Who listens for an event is compiled before (active-workspace.ts).
  const listens = workspace.schema.events.some(({ index }) => index === campaign.event);
  for (const late of [
    listens ? null : campaign.when,
    campaign.wait?.when ?? null,
    ...meetingsOf(campaign).map(({ when }) => when),
  ])
    if (late !== null) verifyProgram(late, true);
  return {
    id,
    index: campaign.index,
    campaign,
    isShadow: campaign.status === 'shadow',
    account: accounting.accountFor(id),
    campaignCode: intern(id),
    offer,
    offerIndex: campaign.offer,
    offerCode: offer === null ? -1 : intern(offer.id),
    groupCode: group === null ? -1 : intern(group),
    categoryCode: category === null ? -1 : intern(category),
    variantCodes: new Map(campaign.variants.map(({ name }) => [name, intern(name)])),
    channels: campaign.channels,
    priority,
    cooldownMs: campaign.cooldownMs,
    holdout: campaign.holdout,
    globalHoldout: categories === null || (category !== null && categories.includes(category)) ? share : 0,
    valid: campaign.valid,
    value: program(campaign.value),
    score: program(campaign.score),
    capsOfChannel: channels.map((_, channel) =>
      Int32Array.from(policy.caps.flatMap((cap, index) => (countsFor(cap, channel, campaign) ? [index] : []))),
    ),
    capRoom: Float64Array.from(policy.caps, ({ max, reserved }) =>
      reserved !== null && priority < reserved.priority ? max - reserved.max : max,
    ),
    exclusions: Int32Array.from(
      policy.exclusions.flatMap(({ campaigns, groups }, index) =>
        campaigns.includes(id) || (group !== null && groups.includes(group)) ? [index] : [],
      ),
    ),
    limited: limits.total !== null || limits.perDay !== null || (offer !== null && offer.budget !== null),
  };
}

function countsFor({ channels, groups, categories }: Cap, channel: number, { group, category }: Campaign): boolean {
  return (
    (channels === null || channels.includes(channel)) &&
    (groups === null || (group !== null && groups.includes(group))) &&
    (categories === null || (category !== null && categories.includes(category)))
  );
}
