/** Wall clocks by the platform's own zones, asked minute by minute. */
import { type CronTimes, DAY, type Days, type Due, MINUTE } from './policy-oracle-model.ts';

const formats = new Map<string, Intl.DateTimeFormat | null>();

/** null for a zone that there is not. */
function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  let format: Intl.DateTimeFormat | null = null;
  try {
    const two = '2-digit';
    const parts = { year: 'numeric', month: two, day: two, hour: two, minute: two, second: two } as const;
    // Swedes write dates and times as ISO 8601 does.
    format = new Intl.DateTimeFormat('sv-SE', { timeZone, ...parts, hourCycle: 'h23' });
  } catch {
    // No such zone.
  }
  formats.set(timeZone, format);
  return format;
}

/** `2011-03-27 01:59:00`; null for a zone that there is not. */
export function wallClock(ms: number, timeZone: string): string | null {
  return formatOf(timeZone)?.format(ms) ?? null;
}

export function dayOf(ms: number, timeZone: string): string {
  return (wallClock(ms, timeZone) as string).slice(0, 10);
}

export function isValid({ from, to }: Days, ms: number, timeZone: string): boolean {
  const day = dayOf(ms, timeZone);
  return (from === null || from <= day) && (to === null || day <= to);
}

export function isWithin(from: string, to: string, ms: number, timeZone: string): boolean {
  const time = (wallClock(ms, timeZone) as string).slice(11);
  return from <= to ? from <= time && time < to : from <= time || time < to;
}

/** The first minute after `ms` at which the wall clock shows a time outside. */
export function endOfQuiet(from: string, to: string, ms: number, timeZone: string): number {
  let minute = Math.floor(ms / MINUTE) * MINUTE + MINUTE;
  while (isWithin(from, to, minute, timeZone)) minute += MINUTE;
  return minute;
}

/** Long before the first event, and long after the last. */
const CALENDAR_FROM = Date.UTC(2011, 1, 1);
const CALENDAR_DAYS = 500;
const calendars = new Map<string, readonly number[]>();

/** All due times of the tests' years, ascending. */
function calendarOf(times: CronTimes, timeZone: string): readonly number[] {
  const key = `${timeZone} ${times.cron}`;
  let known = calendars.get(key);
  if (known === undefined) {
    const found = new Set<number>();
    for (let i = 0; i < CALENDAR_DAYS; i++) {
      const day = new Date(CALENDAR_FROM + i * DAY);
      if (!isDayOf(times, day)) continue;
      for (const hour of times.hours)
        for (const minute of times.minutes) found.add(instantOf(day.getTime(), hour, minute, timeZone));
    }
    known = [...found].sort((a, b) => a - b);
    calendars.set(key, known);
  }
  return known;
}

function isDayOf({ daysOfMonth, daysOfWeek }: CronTimes, day: Date): boolean {
  const ofMonth = daysOfMonth?.includes(day.getUTCDate()) ?? false;
  const ofWeek = daysOfWeek?.includes(day.getUTCDay()) ?? false;
  if (daysOfMonth !== null && daysOfWeek !== null) return ofMonth || ofWeek;
  return (daysOfMonth === null || ofMonth) && (daysOfWeek === null || ofWeek);
}

/** The first minute at which that day's clock shows that time; where the clock leaps over it, where it lands. */
function instantOf(utcDay: number, hour: number, minute: number, timeZone: string): number {
  const wanted = new Date(utcDay + (hour * 60 + minute) * MINUTE).toISOString().replace('T', ' ').slice(0, 19);
  const around = Date.parse(`${wanted.replace(' ', 'T')}Z`);
  const offset = around - Date.parse(`${(wallClock(around, timeZone) as string).replace(' ', 'T')}Z`);
  for (let at = around + offset - 150 * MINUTE; ; at += MINUTE) {
    const clock = wallClock(at, timeZone) as string;
    if (clock >= wanted) return at;
  }
}

/** The first due time strictly after `ms`. */
export function nextDue({ times, offsetMs }: Due, ms: number, timeZone: string): number {
  const next = calendarOf(times, timeZone).find((time) => time + offsetMs > ms);
  if (next === undefined) throw new Error('the calendar ends too early');
  return next + offsetMs;
}
