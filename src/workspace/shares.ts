/**
 * Units of budgets and limits that every partition has in hand from the start (Workspace.shares). Half of a limit is dealt out so, that most decisions find theirs without asking; the other half
 * stays with the key's keeper, for partitions where demand is higher. A share is set when its key first appears, and is then the same in all versions, whatever becomes of the
 * limit or the key: keeper and holders must count with the same number, and may have seen different versions.
 */
import type { Workspace } from './workspace.ts';

type Limited = Pick<Workspace, 'offers' | 'campaigns'>;

/** before: those of the version that this one follows. */
export function sharesOf(
  { offers, campaigns }: Limited,
  before: Workspace['shares'],
  partitions: number,
): Readonly<Record<string, number>> {
  const shares: Record<string, number> = { ...before };
  const set = (key: string, limit: number | null): void => {
    if (limit !== null && !Object.hasOwn(shares, key)) shares[key] = Math.floor(limit / (2 * partitions));
  };
  for (const { id, budget } of offers) set(`offer/${id}`, budget);
  for (const { id, limits } of campaigns) {
    set(`total/${id}`, limits.total);
    set(`day/${id}`, limits.perDay);
  }
  return shares;
}
