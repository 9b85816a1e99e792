/** What deciding leans on beside the customer's own state; the machine hands it over. */
import type { ActiveCampaign } from '../active-campaign.ts';
import type { Leases } from '../leases/leases.ts';
import type { PendingWaits } from '../time/pending-waits.ts';
import type { Trigger } from '../time/trigger.ts';

/** Where a campaign waits for something on behalf of a customer. */
export type WaitingRoom = Pick<PendingWaits, 'enter' | 'leave' | 'suppress'>;

/** Units of budgets and limits. Outcomes of `wait` are asked for by whoever ends the record: see UnitWaiters.resume and deny. */
export type UnitLeases = Pick<Leases, 'usedUp' | 'seemsUsedUp' | 'inHand' | 'take' | 'wait'>;

/** A decision just made for a known customer, as what follows from it needs it. */
export interface Contacted {
  readonly number: number;
  readonly campaign: ActiveCampaign;
  /** Index into Workspace.channels. */
  readonly channel: number;
  readonly row: number;
  readonly customer: string;
  readonly now: number;
  readonly value: number;
  readonly variant: string | null;
  /** Id of the decision that it follows in a cascade. */
  readonly follows: string | null;
  /** Epoch ms at which it expires; null: never. */
  readonly expiresMs: number | null;
  /** It used a unit of each of these. */
  readonly leaseKeys: readonly string[];
  readonly trigger: Trigger;
}

/** Cascades, goals, expiry: what a decision, or none, sets in motion. */
export interface Aftermath {
  contacted(contact: Contacted): void;
  /** A known customer of `row` was held out of the campaign, who would have been contacted at `sinceMs`: now, or later. */
  heldOut(campaign: ActiveCampaign, row: number, sinceMs: number, trigger: Trigger): void;
}

export interface DecidePorts {
  readonly waits: WaitingRoom;
  /** Of campaigns in shadow; null: there are none. */
  readonly shadowWaits: WaitingRoom | null;
  readonly leases: UnitLeases;
  readonly aftermath: Aftermath;
}
