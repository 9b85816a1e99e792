/** Who waits for a campaign: what GET /v1/campaigns/{id}/waiting answers with. */

export type WaitingFor = 'wait' | 'quiet_hours' | 'budget' | 'cascade';

export interface WaitingCustomer {
  /** null for an anonymous event. */
  readonly customer: string | null;
  readonly for: WaitingFor;
  /** RFC 3339. */
  readonly since: string;
  /** When it falls due; null where it waits for units of a budget or limit. */
  readonly until: string | null;
  /** What triggered it. Of a schedule: type `$schedule`, and as id the due time. */
  readonly event: { readonly id: string | null; readonly type: string };
}

/** The earliest due first; those without a due time last. */
export interface WaitingList {
  /** How many wait, listed or not. */
  readonly total: number;
  readonly customers: readonly WaitingCustomer[];
}
