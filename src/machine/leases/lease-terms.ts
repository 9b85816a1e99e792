/** What a workspace version limits: offers' budgets, campaigns' totals and daily limits, whether the campaigns are live or not. */
import type { Workspace } from '../../workspace/workspace.ts';
import { dayBase, type LeaseTerms, offerKey, totalKey } from './lease-key.ts';

export function leaseTerms({ version, offers, campaigns, shares }: Workspace): LeaseTerms {
  const limits = new Map<string, number>();
  for (const { id, budget } of offers) if (budget !== null) limits.set(offerKey(id), budget);
  for (const { id, limits: own } of campaigns) {
    if (own.total !== null) limits.set(totalKey(id), own.total);
    if (own.perDay !== null) limits.set(dayBase(id), own.perDay);
  }
  return { version, limits, shares };
}
