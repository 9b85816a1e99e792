/** Puts partitions' lists of waiting customers together: each has its own earliest, in order. */
import type { WaitingCustomer, WaitingList } from '../protocol/waiting.ts';

/** At most `limit` of them; those without a due time last. */
export function mergeWaiting(lists: readonly WaitingList[], limit: number): WaitingList {
  return {
    total: lists.reduce((sum, { total }) => sum + total, 0),
    customers: lists
      .flatMap(({ customers }) => customers)
      .sort((a, b) => dueMs(a) - dueMs(b) || Date.parse(a.since) - Date.parse(b.since))
      .slice(0, limit),
  };
}

/** Not Infinity: two of those have no difference. */
function dueMs({ until }: WaitingCustomer): number {
  return until === null ? Number.MAX_SAFE_INTEGER : Date.parse(until);
}
