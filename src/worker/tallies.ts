/** Adds up campaigns' counts over partitions and workers. */
import type { CampaignTally } from './messages.ts';

/** One tally per campaign, in the order of their ids. */
export function sumTallies(tallies: readonly CampaignTally[]): CampaignTally[] {
  const sums = new Map<string, CampaignTally>();
  for (const tally of tallies) {
    const sum = sums.get(tally.id);
    sums.set(tally.id, sum === undefined ? tally : addTallies(sum, tally));
  }
  return [...sums.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function addTallies(a: CampaignTally, b: CampaignTally): CampaignTally {
  return {
    id: a.id,
    matched: a.matched + b.matched,
    decided: addCounts(a.decided, b.decided),
    suppressed: addCounts(a.suppressed, b.suppressed),
    waiting: a.waiting + b.waiting,
    errors: a.errors + b.errors,
    valueErrors: a.valueErrors + b.valueErrors,
    messageErrors: a.messageErrors + b.messageErrors,
  };
}

function addCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}
