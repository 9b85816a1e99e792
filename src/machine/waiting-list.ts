/** Whom a campaign waits for, as people see it. Reads the places of all entries of the partition, and as many entries as are listed. */
import type { WaitingCustomer, WaitingList } from '../protocol/waiting.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { PendingPlace } from '../state/pending.ts';
import { isShown, waitView } from './golden-record.ts';
import type { PendingEntry } from './pending-waits.ts';

/** The `limit` that are due first; those without a due time come last. At the same time the one that began first. */
export function listWaiting(state: PartitionState, campaignId: string, limit: number): WaitingList {
  const code = state.codeOf(campaignId);
  const places: PendingPlace[] = [];
  if (code >= 0) for (const place of state.pending.placesOf(code)) if (isShown(place.kind)) places.push(place);
  places.sort(byDue);
  const customers = places.slice(0, limit).map(({ row, number }): WaitingCustomer => {
    const { campaign: _, ...view } = waitView(state, state.pending.find(row, number) as PendingEntry);
    return { customer: row === state.anonymousRow ? null : state.customerOf(row), ...view };
  });
  return { total: places.length, customers };
}

function byDue(a: PendingPlace, b: PendingPlace): number {
  if (a.dueMs !== b.dueMs) return a.dueMs < b.dueMs ? -1 : 1;
  return a.number - b.number;
}
