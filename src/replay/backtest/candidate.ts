/** The workspace that decides in the world after, as the publisher would have published it in the place of the one that was active. */
import { incompatibilities } from '../../workspace/compatibility.ts';
import { sharesOf } from '../../workspace/shares.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { campaignHint } from '../campaign-hint.ts';
import { BacktestError } from './error.ts';

/** With these campaigns live, whatever their status. BacktestError where there is none of that id. */
export function withLive(workspace: Workspace, live: readonly string[]): Workspace {
  const ids = workspace.campaigns.map(({ id }) => id);
  const unknown = live.find((id) => !ids.includes(id));
  if (unknown !== undefined) {
    throw new BacktestError(
      `the workspace has no campaign "${unknown}" to take as live; ${campaignHint(unknown, ids)}`,
    );
  }
  const campaigns = workspace.campaigns.map((campaign) =>
    live.includes(campaign.id) ? { ...campaign, status: 'live' as const } : campaign,
  );
  return { ...workspace, campaigns };
}

/** In the place of `replaced`: under its number, which its messages to other partitions name. BacktestError where it could not follow it. */
export function inPlaceOf(candidate: Workspace, replaced: Workspace, partitions: number): Workspace {
  const issues = incompatibilities(replaced, candidate);
  if (issues.length > 0) throw new BacktestError('the workspace could not follow the one that was active', issues);
  // A first version knows of no shares but its own.
  const before = replaced.version === 1 ? {} : replaced.shares;
  return { ...candidate, version: replaced.version, shares: sharesOf(candidate, before, partitions) };
}

/** Decisions may need units, which other partitions lend. */
export function needsUnits({ offers, campaigns }: Workspace): boolean {
  return (
    offers.some(({ budget }) => budget !== null) ||
    campaigns.some(({ limits }) => limits.total !== null || limits.perDay !== null)
  );
}
