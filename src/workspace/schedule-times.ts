/**
 * When schedules are due. Pure arithmetic over the workspace's zone table, so that the machine may ask; see Schedule in workspace.ts for what is promised.
 *
 * A local time is due at the first instant at which the wall clock shows it or a later one. That instant never decreases with the local time, so the first match whose instant lies
 * behind the given one is the answer; matches that fall into the same gap are due together, once.
 */
import { SCHEDULE_SEARCH_MONTHS_MAX } from '../constants.ts';
import { dateOfDays, daysFromEpoch } from './calendar.ts';
import type { Schedule } from './workspace.ts';
import type { Zones } from './zones.ts';

const DAY_MINUTES = 1440;
const MONTHS = 12;
const DAYS_OF_MONTH = 31;
const DAYS_OF_WEEK = 7;
/** 1970-01-01 was a Thursday. */
const FIRST_DAY_OF_WEEK = 4;

/** The first due time, epoch ms, strictly after afterMs, offset included. null: unknown zone, or it never falls due (30 February). */
export function nextDueTime(schedule: Schedule, zones: Zones, timezone: string, afterMs: number): number | null {
  const { offsetMs } = schedule;
  const start = zones.localMinutes(timezone, afterMs - offsetMs);
  if (start === null || !Number.isFinite(start)) return null;
  // Where clocks were put back, the times until they have caught up were due before.
  for (let local = nextMatch(schedule, start); local !== null; local = nextMatch(schedule, local + 1)) {
    const instant = zones.instantOf(timezone, local);
    if (instant === null || instant + offsetMs > afterMs) return instant === null ? null : instant + offsetMs;
  }
  return null;
}

/** The first local time at or after `from`, in minutes from 1970-01-01T00:00, that all fields allow. Months that are not allowed are passed over whole. */
function nextMatch(schedule: Schedule, from: number): number | null {
  const firstDay = Math.floor(from / DAY_MINUTES);
  const start = dateOfDays(firstDay);
  const firstMonth = start.year * MONTHS + start.month - 1;
  for (let month = firstMonth; month <= firstMonth + SCHEDULE_SEARCH_MONTHS_MAX; month++) {
    const monthOfYear = (month % MONTHS) + 1;
    if (!schedule.months.includes(monthOfYear)) continue;
    const monthStart = daysFromEpoch(Math.floor(month / MONTHS), monthOfYear, 1);
    const monthEnd = daysFromEpoch(Math.floor((month + 1) / MONTHS), ((month + 1) % MONTHS) + 1, 1);
    for (let day = Math.max(monthStart, firstDay); day < monthEnd; day++) {
      if (!dayMatches(schedule, day, day - monthStart + 1)) continue;
      const match = minuteOfDay(schedule, day === firstDay ? from - firstDay * DAY_MINUTES : 0);
      if (match !== null) return day * DAY_MINUTES + match;
    }
  }
  return null;
}

function dayMatches({ daysOfMonth, daysOfWeek }: Schedule, day: number, dayOfMonth: number): boolean {
  const ofMonth = daysOfMonth.includes(dayOfMonth);
  const ofWeek = daysOfWeek.includes((((day + FIRST_DAY_OF_WEEK) % DAYS_OF_WEEK) + DAYS_OF_WEEK) % DAYS_OF_WEEK);
  const bothRestricted = daysOfMonth.length < DAYS_OF_MONTH && daysOfWeek.length < DAYS_OF_WEEK;
  return bothRestricted ? ofMonth || ofWeek : ofMonth && ofWeek;
}

/** The first minute of a day, 0 … 1439, at or after `from`; null: none is left. */
function minuteOfDay({ minutes, hours }: Schedule, from: number): number | null {
  const hour = Math.floor(from / 60);
  for (const candidate of hours) {
    if (candidate < hour) continue;
    const minute = candidate === hour ? minutes.find((value) => value >= from - hour * 60) : minutes[0];
    if (minute !== undefined) return candidate * 60 + minute;
  }
  return null;
}
