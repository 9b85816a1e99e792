/** What set a campaign off for a customer: an event just applied, one kept since a wait began, or a schedule's due time. */
import type { EventFrame } from '../../protocol/frame.ts';
import type { ActiveCampaign } from '../active-campaign.ts';

export interface Trigger {
  /** Index within its record of an event just applied; -1 for everything else. */
  readonly eventIndex: number;
  /** The event by the active schema. Valid until another trigger's frame is asked for. Of a schedule: no fields, type `$schedule`, the due time as id. */
  frame(): EventFrame;
  /** JSON of the event as a pending entry keeps it, with what this campaign may still read of it; null: too large to be kept. */
  stored(campaign: ActiveCampaign): string | null;
}
