/**
 * When scheduled campaigns fall due next, and the runs under way: part of the partition's state, kept in its globals. A
 * run looks at every customer there was at its due time, in chunks that are due SCHEDULE_CHUNK_MS of log time apart, so
 * that it depends on log time only, and live events come in between.
 */
import { SCHEDULE_CHUNK_MS } from '../../constants.ts';

/** Of one campaign. */
export interface ScheduledCampaign {
  /** The schedule and the zone that nextMs was found by. */
  readonly key: string;
  /** Epoch ms; Infinity: never again. NOT_BEGUN before there is a log time that it could come after. */
  nextMs: number;
}

/** All campaigns with the same due time share a run. */
export interface ScheduleRun {
  readonly dueMs: number;
  /** Ids; those that a later version takes away leave. */
  campaigns: readonly string[];
  /** Customers as of the due time. */
  readonly rows: number;
  /** The next one, from 0. */
  chunk: number;
}

export interface ScheduleImage {
  readonly campaigns: Readonly<Record<string, { readonly key: string; readonly nextMs: number | null }>>;
  readonly runs: readonly ScheduleRun[];
}

/** Less than any log time, and more than 0, which is none: undated events before any other. It is looked at as soon as there is one. */
export const NOT_BEGUN = 0.5;

export class ScheduleBook {
  /** By id. */
  readonly campaigns = new Map<string, ScheduledCampaign>();
  /** In the order in which their next chunks are due; the earlier run first. */
  readonly runs: ScheduleRun[] = [];
  /** When anything here is due; Infinity: never. Kept by `settle`. */
  nextDue = Number.POSITIVE_INFINITY;

  /** After every change: brings runs in order and finds nextDue. */
  settle(): void {
    this.runs.sort((a, b) => chunkDue(a) - chunkDue(b) || a.dueMs - b.dueMs);
    const first = this.runs[0];
    let next = first === undefined ? Number.POSITIVE_INFINITY : chunkDue(first);
    for (const { nextMs } of this.campaigns.values()) next = Math.min(next, nextMs);
    this.nextDue = next;
  }

  /** Plain JSON; equal for equal content. */
  image(): ScheduleImage {
    const campaigns = [...this.campaigns].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      campaigns: Object.fromEntries(
        campaigns.map(([id, { key, nextMs }]) => [id, { key, nextMs: Number.isFinite(nextMs) ? nextMs : null }]),
      ),
      runs: this.runs.map((run) => ({ ...run })),
    };
  }

  /** Into a new book: what `image` gave. */
  restore({ campaigns, runs }: ScheduleImage): void {
    for (const [id, { key, nextMs }] of Object.entries(campaigns))
      this.campaigns.set(id, { key, nextMs: nextMs ?? Number.POSITIVE_INFINITY });
    this.runs.push(...runs.map((run) => ({ ...run })));
    this.settle();
  }
}

export function chunkDue({ dueMs, chunk }: Pick<ScheduleRun, 'dueMs' | 'chunk'>): number {
  return dueMs + chunk * SCHEDULE_CHUNK_MS;
}
