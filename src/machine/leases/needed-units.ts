/** Units that a decision takes: one of each budget and limit that the campaign is under. */
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { Moment } from '../decide/moment.ts';
import { dayKey, offerKey, totalKey } from './lease-key.ts';

const NONE: readonly string[] = [];

/** Lease keys in the order in which they are gathered: total, the day that it is in the workspace's zone, offer. */
export function neededUnits(
  campaign: ActiveCampaign,
  active: ActiveWorkspace,
  moment: Pick<Moment, 'now'>,
): readonly string[] {
  if (!campaign.limited) return NONE;
  const { id, offer } = campaign;
  const { total, perDay } = campaign.campaign.limits;
  const { zones, workspace } = active;
  const keys: string[] = [];
  if (total !== null) keys.push(totalKey(id));
  if (perDay !== null) keys.push(dayKey(id, zones.localDay(workspace.timezone, moment.now) ?? 0));
  if (offer !== null && offer.budget !== null) keys.push(offerKey(offer.id));
  return keys;
}
