/**
 * Time in compiled rules: arithmetic on whole numbers only, never the runtime's calendar. Timestamps reach from year 1 to 9999 and durations are int64
 * nanoseconds (±292 years), as in cel-go. undefined: out of range.
 */
import type { Failure } from './values.ts';

export const TIMESTAMP_MS_MIN = -62135596800000;
export const TIMESTAMP_MS_MAX = 253402300799999;
const TIMESTAMP_NS_MIN = -62135596800000000000n;
const TIMESTAMP_NS_MAX = 253402300799999999999n;
/** 2^63 ns in ms, rounded towards zero. */
const SPAN_MS_MAX = 9223372036854;
const SPAN_NS_MIN = -(2n ** 63n);
const SPAN_NS_MAX = 2n ** 63n - 1n;

export function checkTimestampMs(ms: number): number | Failure {
  return ms >= TIMESTAMP_MS_MIN && ms <= TIMESTAMP_MS_MAX ? ms : undefined;
}
export function checkTimestampNs(ns: bigint): bigint | Failure {
  return ns >= TIMESTAMP_NS_MIN && ns <= TIMESTAMP_NS_MAX ? ns : undefined;
}
export function checkSpanMs(ms: number): number | Failure {
  return ms >= -SPAN_MS_MAX && ms <= SPAN_MS_MAX ? ms : undefined;
}
export function checkSpanNs(ns: bigint): bigint | Failure {
  return ns >= SPAN_NS_MIN && ns <= SPAN_NS_MAX ? ns : undefined;
}

/** Milliseconds since the epoch, rounded down. */
export function nsToMs(ns: bigint): number {
  const ms = ns / 1_000_000n;
  return Number(ns % 1_000_000n < 0n ? ms - 1n : ms);
}

export const TimePart = {
  fullYear: 0,
  month: 1,
  dayOfMonth: 2,
  date: 3,
  dayOfWeek: 4,
  dayOfYear: 5,
  hours: 6,
  minutes: 7,
  seconds: 8,
  milliseconds: 9,
} as const;
export type TimePart = (typeof TimePart)[keyof typeof TimePart];

const DAY_MS = 86_400_000;

/** Days from the epoch to 1 January of a year of the proleptic Gregorian calendar. */
function daysToYear(year: number): number {
  const before = year - 1;
  return (
    before * 365 +
    Math.floor(before / 4) -
    Math.floor(before / 100) +
    Math.floor(before / 400) -
    719162 /* days to 1970 */
  );
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

const MONTH_STARTS = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

function monthStart(month: number, leap: boolean): number {
  return (MONTH_STARTS[month] as number) + (leap && month > 1 ? 1 : 0);
}

/** month 0 … 11, day 1 … 31, as they are: callers have checked that the day exists. */
export function daysFromCivil(year: number, month: number, day: number): number {
  return daysToYear(year) + monthStart(month, isLeap(year)) + day - 1;
}

export function daysInMonth(year: number, month: number): number {
  if (month === 11) return 31;
  return monthStart(month + 1, isLeap(year)) - monthStart(month, isLeap(year));
}

/** One field of the calendar or the clock at epoch ms, seen from a fixed offset. */
export function timePart(epochMs: number, offsetMs: number, part: TimePart): number {
  const ms = epochMs + offsetMs;
  const days = Math.floor(ms / DAY_MS);
  const ofDay = ms - days * DAY_MS;
  switch (part) {
    case TimePart.hours:
      return Math.floor(ofDay / 3_600_000);
    case TimePart.minutes:
      return Math.floor(ofDay / 60_000) % 60;
    case TimePart.seconds:
      return Math.floor(ofDay / 1000) % 60;
    case TimePart.milliseconds:
      return ofDay % 1000;
    case TimePart.dayOfWeek:
      return (((days + 4) % 7) + 7) % 7;
  }
  // A first guess by the mean length of a year is off by one at most.
  let year = Math.floor(days / 365.2425) + 1970;
  if (daysToYear(year) > days) year--;
  else if (daysToYear(year + 1) <= days) year++;
  const dayOfYear = days - daysToYear(year);
  if (part === TimePart.fullYear) return year;
  if (part === TimePart.dayOfYear) return dayOfYear;
  const leap = isLeap(year);
  let month = 11;
  while (monthStart(month, leap) > dayOfYear) month--;
  if (part === TimePart.month) return month;
  const day = dayOfYear - monthStart(month, leap);
  return part === TimePart.dayOfMonth ? day : day + 1;
}

/** Offset in ms of `UTC`, `+02:00`, `-09:30` or `02:00`; undefined for anything else, names of zones included. */
export function parseOffset(zone: string): number | Failure {
  if (zone === 'UTC' || zone === 'Z') return 0;
  const match = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (match === null) return undefined;
  const hours = Number(match[2]);
  const minutes = Number(match[3]);
  if (hours > 23 || minutes > 59) return undefined;
  const offset = (hours * 60 + minutes) * 60_000;
  return match[1] === '-' ? -offset : offset;
}
