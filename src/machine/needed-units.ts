/** Units that a decision takes: one of each budget and limit that the campaign is under. */
import type { ActiveCampaign } from './active-campaign.ts';
import type { ActiveWorkspace } from './active-workspace.ts';
import { dayKey, offerKey, totalKey } from './lease-key.ts';

const NONE: readonly string[] = [];

/** Lease keys in the order in which they are gathered: total, the day that it is in the workspace's zone, offer. */
export function neededUnits(
  { id, campaign, offer }: ActiveCampaign,
  active: ActiveWorkspace,
  now: number,
): readonly string[] {
  const { total, perDay } = campaign.limits;
  const budgeted = offer !== null && offer.budget !== null;
  if (total === null && perDay === null && !budgeted) return NONE;
  const { zones, workspace } = active;
  const keys: string[] = [];
  if (total !== null) keys.push(totalKey(id));
  if (perDay !== null) keys.push(dayKey(id, zones.localDay(workspace.timezone, now) ?? 0));
  if (budgeted) keys.push(offerKey(offer.id));
  return keys;
}
