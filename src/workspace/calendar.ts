/** Days of the proleptic Gregorian calendar as integers, without the runtime's Date: the machine may use it. */

export const DATE_PATTERN = /^(\d{4})-(\d{2})-(\d{2})$/;

const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334] as const;

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days from 1970-01-01 to a date; month 1 … 12. */
export function daysFromEpoch(year: number, month: number, day: number): number {
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - 477;
  const leapDay = month > 2 && isLeapYear(year) ? 1 : 0;
  return (year - 1970) * 365 + leapDays + (DAYS_BEFORE_MONTH[month - 1] as number) + leapDay + day - 1;
}

/** `2010-12-01` → days from 1970-01-01; null where there is no such day. */
export function parseDate(text: string): number | null {
  const match = DATE_PATTERN.exec(text);
  if (match === null) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (month < 1 || month > 12 || day < 1) return null;
  const monthEnd = month === 12 ? daysFromEpoch(year + 1, 1, 1) : daysFromEpoch(year, month + 1, 1);
  const days = daysFromEpoch(year, month, day);
  return days < monthEnd ? days : null;
}

/** Days from 1970-01-01 → year, month 1 … 12, day 1 … 31. */
export function dateOfDays(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  // The mean length of a year is at most a day off over a year: the guess is right, or one too high or too low.
  let year = 1970 + Math.floor(days / 365.2425);
  while (daysFromEpoch(year, 1, 1) > days) year--;
  while (daysFromEpoch(year + 1, 1, 1) <= days) year++;
  let month = 12;
  while (daysFromEpoch(year, month, 1) > days) month--;
  return { year, month, day: days - daysFromEpoch(year, month, 1) + 1 };
}
