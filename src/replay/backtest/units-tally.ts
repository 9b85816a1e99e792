/**
 * How budgets and limits are used up, day by day in the workspace's zone, in both worlds. Counted are decisions that took a unit (follow-ups of a cascade take none), and
 * those of which it came back.
 */
import { baseOf } from '../../machine/leases/lease-key.ts';
import type { Outcome, ReturnedUnits } from '../../machine/trace/trace.ts';
import type { BeforeAfter, UnitsCourse } from '../../protocol/backtest.ts';
import type { Decision } from '../../protocol/decision.ts';
import { dateOfDays } from '../../workspace/calendar.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { Zones } from '../../workspace/zones.ts';

export const World = { before: 0, after: 1 } as const;
export type World = (typeof World)[keyof typeof World];

interface Day {
  readonly used: [number, number];
  readonly returned: [number, number];
  readonly refused: [number, number];
}

interface Course {
  readonly of: UnitsCourse['of'];
  readonly id: string;
  readonly days: Map<number, Day>;
  readonly firstRefusedMs: [number | null, number | null];
}

export class UnitsTally {
  readonly #zones: Zones;
  readonly #timezone: string;
  readonly #courses = new Map<string, Course>();
  /** By version: its campaigns by id, those that need units only. */
  readonly #limited = new WeakMap<Workspace, ReadonlyMap<string, Limited>>();

  /** `candidate`: its zone has the days. */
  constructor({ zones, timezone }: Workspace) {
    this.#zones = new Zones(zones);
    this.#timezone = timezone;
  }

  used(world: World, workspace: Workspace, { campaign, offer, follows, ts }: Decision): void {
    const limited = follows === null ? this.#limitedOf(workspace).get(campaign) : undefined;
    if (limited === undefined) return;
    const nowMs = Date.parse(ts);
    if (limited.limits) this.#day(this.#course('campaign', campaign), nowMs).used[world]++;
    if (limited.budget !== null && offer !== null) this.#day(this.#course('offer', offer), nowMs).used[world]++;
  }

  returned(world: World, workspace: Workspace, { keys, now }: ReturnedUnits): void {
    // A campaign's total and its day come back together.
    for (const base of new Set(keys.map((key) => baseOf(key).replace(/^(total|day)\//, 'campaign/')))) {
      const of = base.startsWith('offer/') ? 'offer' : 'campaign';
      const id = base.slice(of.length + 1);
      const { total, perDay } = limitsOf(of, id, workspace);
      // What no version in force counts any more is of no use.
      if (total !== null || perDay !== null) this.#day(this.#course(of, id), now).returned[world]++;
    }
  }

  refused(world: World, workspace: Workspace, { result, campaign, now }: Outcome): void {
    if (result !== 'limit' && result !== 'budget') return;
    const offer = this.#limitedOf(workspace).get(campaign)?.budget ?? null;
    if (result === 'budget' && offer === null) return;
    const course = result === 'limit' ? this.#course('campaign', campaign) : this.#course('offer', offer as string);
    this.#day(course, now).refused[world]++;
    course.firstRefusedMs[world] = Math.min(course.firstRefusedMs[world] ?? now, now);
  }

  /** By kind, then id; also of what neither was used nor refused. null: that world never had a workspace. */
  courses(workspaces: BeforeAfter<Workspace | null>): UnitsCourse[] {
    for (const workspace of [workspaces.before, workspaces.after]) {
      for (const { id, budget } of workspace?.offers ?? []) if (budget !== null) this.#course('offer', id);
      for (const { id, limits } of workspace?.campaigns ?? [])
        if (limits.total !== null || limits.perDay !== null) this.#course('campaign', id);
    }
    const keys = [...this.#courses.keys()].sort();
    return keys.map((key) => courseOf(this.#courses.get(key) as Course, workspaces));
  }

  #course(of: UnitsCourse['of'], id: string): Course {
    const key = `${of}/${id}`;
    let course = this.#courses.get(key);
    if (course === undefined) {
      course = { of, id, days: new Map(), firstRefusedMs: [null, null] };
      this.#courses.set(key, course);
    }
    return course;
  }

  #day({ days }: Course, nowMs: number): Day {
    const number = this.#zones.localDay(this.#timezone, nowMs) ?? 0;
    let day = days.get(number);
    if (day === undefined) {
      day = { used: [0, 0], returned: [0, 0], refused: [0, 0] };
      days.set(number, day);
    }
    return day;
  }

  #limitedOf(workspace: Workspace): ReadonlyMap<string, Limited> {
    let limited = this.#limited.get(workspace);
    if (limited === undefined) {
      limited = new Map(
        workspace.campaigns.flatMap(({ id, limits, offer: index }) => {
          const offer = workspace.offers[index];
          const budget = offer === undefined || offer.budget === null ? null : offer.id;
          const hasLimits = limits.total !== null || limits.perDay !== null;
          return hasLimits || budget !== null ? [[id, { limits: hasLimits, budget }] as const] : [];
        }),
      );
      this.#limited.set(workspace, limited);
    }
    return limited;
  }
}

interface Limited {
  readonly limits: boolean;
  /** The offer whose budget it needs. */
  readonly budget: string | null;
}

function courseOf({ of, id, days, firstRefusedMs }: Course, workspaces: BeforeAfter<Workspace | null>): UnitsCourse {
  const each = <Value>(value: (world: World) => Value): BeforeAfter<Value> => ({
    before: value(World.before),
    after: value(World.after),
  });
  const sorted = [...days].sort(([a], [b]) => a - b);
  const sum = (pick: (day: Day) => number): number => sorted.reduce((total, [, day]) => total + pick(day), 0);
  const limits = each((world) => limitsOf(of, id, world === World.before ? workspaces.before : workspaces.after));
  return {
    of,
    id,
    total: { before: limits.before.total, after: limits.after.total },
    perDay: { before: limits.before.perDay, after: limits.after.perDay },
    used: each((world) => sum((day) => day.used[world])),
    returned: each((world) => sum((day) => day.returned[world])),
    refused: each((world) => sum((day) => day.refused[world])),
    firstRefused: each((world) => {
      const ms = firstRefusedMs[world];
      return ms === null ? null : new Date(ms).toISOString();
    }),
    days: sorted.map(([day, { used, returned, refused }]) => ({
      day: dayText(day),
      used: each((world) => used[world]),
      returned: each((world) => returned[world]),
      refused: each((world) => refused[world]),
    })),
  };
}

function limitsOf(
  of: UnitsCourse['of'],
  id: string,
  workspace: Workspace | null,
): { readonly total: number | null; readonly perDay: number | null } {
  if (of === 'offer')
    return { total: workspace?.offers.find((offer) => offer.id === id)?.budget ?? null, perDay: null };
  return workspace?.campaigns.find((campaign) => campaign.id === id)?.limits ?? { total: null, perDay: null };
}

function dayText(days: number): string {
  const { year, month, day } = dateOfDays(days);
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
