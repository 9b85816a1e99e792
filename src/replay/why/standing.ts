/** How a partition stands when somebody asks why: up to where it is explained, and what it knows of whom is asked about. Asked of a live machine, or of one that was replayed to the end. */
import type { Machine } from '../../machine/machine.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { nextDueTime } from '../../workspace/schedule-times.ts';
import type { Campaign } from '../../workspace/workspace.ts';

export interface WhyStanding {
  /** The last record that is applied. */
  readonly position: number;
  readonly knowsCustomer: boolean;
  /** Ids of all campaigns that some version had, where the one asked about is none of them; null: it is one, or none was asked about. */
  readonly otherCampaigns: readonly string[] | null;
  /** What the campaign listens for: an event's type, or a schedule that ran last at these times, ascending. null: it is not in the active version. */
  readonly listens: { readonly type: string } | { readonly lastRunsMs: readonly number[] } | null;
}

/** The last run may be under way still, so that this customer's turn in it has not come. */
const RUNS = 2;
const HOUR_MS = 3_600_000;
/** Nothing is due more rarely than on 29 February. */
const LOOK_BACK_MS_MAX = 9 * 366 * 24 * HOUR_MS;

export function standingOf(
  machine: Machine,
  state: PartitionState,
  customer: string,
  campaign: string | null,
): WhyStanding {
  const campaigns = machine.activeWorkspace?.campaigns ?? [];
  const active = campaigns.find(({ id }) => id === campaign);
  return {
    position: machine.position,
    knowsCustomer: state.find(customer) >= 0,
    otherCampaigns: active !== undefined || campaign === null ? null : othersThan(campaign, machine, campaigns),
    listens: active === undefined ? null : listensFor(machine, active.campaign),
  };
}

/** The active version's first, behind them those in the books alone: of former versions. */
function othersThan(campaign: string, machine: Machine, active: readonly { readonly id: string }[]): string[] | null {
  const ids = new Set([...active, ...machine.campaigns()].map(({ id }) => id));
  return ids.has(campaign) ? null : [...ids];
}

function listensFor(machine: Machine, { schedule, event }: Campaign): WhyStanding['listens'] {
  const { workspace, zones } = machine.activeWorkspace as NonNullable<Machine['activeWorkspace']>;
  if (schedule === null) return { type: workspace.schema.events[event]?.type ?? '' };
  const now = machine.logTime;
  const next = (afterMs: number): number =>
    nextDueTime(schedule, zones, workspace.timezone, afterMs) ?? Number.POSITIVE_INFINITY;
  // Twice as far back each time, so that not much more is walked through than is found.
  for (let back = HOUR_MS; ; back *= 2) {
    const runs: number[] = [];
    for (let due = next(now - back); due <= now; due = next(due)) runs.push(due);
    if (runs.length >= RUNS || back > LOOK_BACK_MS_MAX) return { lastRunsMs: runs.slice(-RUNS) };
  }
}
