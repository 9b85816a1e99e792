/** Which units a decision takes: see protocol/partition-message.ts. */
import type { ActiveCampaign } from './active-campaign.ts';
import type { ActiveWorkspace } from './active-workspace.ts';

const NONE: readonly string[] = [];

/** One key for each budget and limit of the campaign, in the order in which they are gathered: total, day, offer. */
export function leaseKeysOf(campaign: ActiveCampaign, active: ActiveWorkspace, now: number): readonly string[] {
  const { totalKey, dayKey, offerKey } = campaign;
  if (totalKey === null && dayKey === null && offerKey === null) return NONE;
  const keys: string[] = [];
  if (totalKey !== null) keys.push(totalKey);
  if (dayKey !== null) keys.push(onDay(dayKey, active, now));
  if (offerKey !== null) keys.push(offerKey);
  return keys;
}

/** The key of the campaign's limit per day, on the day that it is in the workspace's zone. */
export function onDay(dayKey: string, { zones, workspace }: ActiveWorkspace, now: number): string {
  return `${dayKey}/${zones.localDay(workspace.timezone, now) ?? 0}`;
}
