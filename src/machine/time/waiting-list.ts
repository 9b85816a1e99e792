/** Whom a campaign waits for, as people see it. Reads the places of all entries of the partition, and as many entries as are listed. */
import type { WaitingCustomer, WaitingList } from '../../protocol/waiting.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { PendingPlace, PendingStore } from '../../state/pending.ts';
import { isShown, waitView } from '../golden-record.ts';
import type { PendingEntry } from './pending-waits.ts';

/** The `limit` that are due first; those without a due time come last. At the same time the one that began first. */
export function listWaiting(state: PartitionState, campaignId: string, limit: number): WaitingList {
  const code = state.codeOf(campaignId);
  /** The first so far, in order: as few as are listed, however many wait. */
  const places: PendingPlace[] = [];
  let total = 0;
  // While it is live, or while it is in shadow: what waits is ended in between.
  const shadow = state.shadow?.pending ?? null;
  const store = code >= 0 && shadow !== null && isPending(shadow, code) ? shadow : state.pending;
  if (code >= 0) {
    for (const place of store.placesOf(code)) {
      if (!isShown(place.kind)) continue;
      total++;
      if (places.length < limit) insert(places, place);
      else if (limit > 0 && byDue(place, places[limit - 1] as PendingPlace) < 0) {
        places.pop();
        insert(places, place);
      }
    }
  }
  const customers = places.map(({ row, number }): WaitingCustomer => {
    const { campaign: _, ...view } = waitView(state, store.find(row, number) as PendingEntry);
    return { customer: row === state.anonymousRow ? null : state.customerOf(row), ...view };
  });
  return { total, customers };
}

function isPending(store: PendingStore, campaignCode: number): boolean {
  return store.placesOf(campaignCode).next().done !== true;
}

/** Behind what is due before it. */
function insert(places: PendingPlace[], place: PendingPlace): void {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (byDue(places[middle] as PendingPlace, place) < 0) low = middle + 1;
    else high = middle;
  }
  places.splice(low, 0, place);
}

function byDue(a: PendingPlace, b: PendingPlace): number {
  if (a.dueMs !== b.dueMs) return a.dueMs < b.dueMs ? -1 : 1;
  return a.number - b.number;
}
