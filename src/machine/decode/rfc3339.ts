/**
 * RFC 3339 timestamps to epoch milliseconds and back, in integer arithmetic only: the runtime's own parser is lenient
 * and differs between versions. Civil days are counted in 400-year eras (146,097 days) of years that begin in March, so
 * that the leap day comes last.
 */

/** 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what RFC 3339 can write. */
export const TIMESTAMP_MS_MIN = -62_167_219_200_000;
export const TIMESTAMP_MS_MAX = 253_402_300_799_999;

const MS_PER_MINUTE = 60_000;
const MS_PER_DAY = 86_400_000;
const DAYS_PER_ERA = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719_468;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Days since 1970-01-01 of a proleptic Gregorian date. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return (
    era * DAYS_PER_ERA +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    EPOCH_DAYS
  );
}

/**
 * `2010-12-01T08:26:00.250+01:00` → epoch ms; digits past the millisecond are cut off. NaN for anything that RFC 3339
 * does not allow, and for leap seconds.
 */
export function parseRfc3339(text: string): number {
  const length = text.length;
  if (length < 20 || text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d) return Number.NaN;
  if ((text.charCodeAt(10) | 0x20) !== 0x74 || text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a)
    return Number.NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23) return Number.NaN;
  if (minute < 0 || minute > 59 || second < 0 || second > 59 || day > daysInMonth(year, month)) return Number.NaN;
  let at = 19;
  let fractionMs = 0;
  if (text.charCodeAt(at) === 0x2e) {
    const from = ++at;
    for (let scale = 100; at < length && isDigit(text.charCodeAt(at)); at++) {
      if (scale < 1) continue;
      fractionMs += (text.charCodeAt(at) - 0x30) * scale;
      scale = scale === 1 ? 0 : scale / 10;
    }
    if (at === from) return Number.NaN;
  }
  const offsetMs = parseOffset(text, at);
  return (
    daysFromCivil(year, month, day) * MS_PER_DAY +
    hour * 3_600_000 +
    minute * MS_PER_MINUTE +
    second * 1000 +
    fractionMs -
    offsetMs
  );
}

/** What `parseRfc3339` makes of the text whose UTF-8 is at `start … end`. */
export function parseRfc3339Bytes(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 20 || bytes[start + 4] !== 0x2d || bytes[start + 7] !== 0x2d) return Number.NaN;
  if (((bytes[start + 10] as number) | 0x20) !== 0x74 || bytes[start + 13] !== 0x3a || bytes[start + 16] !== 0x3a)
    return Number.NaN;
  const century = pair(bytes, start);
  const yearOfCentury = pair(bytes, start + 2);
  const month = pair(bytes, start + 5);
  const day = pair(bytes, start + 8);
  const hour = pair(bytes, start + 11);
  const minute = pair(bytes, start + 14);
  const second = pair(bytes, start + 17);
  // A pair that is not two digits is negative, and so is whatever it is combined with.
  if ((century | yearOfCentury) < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23) return Number.NaN;
  const year = century * 100 + yearOfCentury;
  if (minute < 0 || minute > 59 || second < 0 || second > 59 || day > daysInMonth(year, month)) return Number.NaN;
  let at = start + 19;
  let fractionMs = 0;
  if (bytes[at] === 0x2e) {
    const from = ++at;
    for (let scale = 100; at < end && isDigit(bytes[at] as number); at++) {
      if (scale < 1) continue;
      fractionMs += ((bytes[at] as number) - 0x30) * scale;
      scale = scale === 1 ? 0 : scale / 10;
    }
    if (at === from) return Number.NaN;
  }
  let offsetMs = 0;
  const sign = bytes[at] as number;
  if ((sign | 0x20) === 0x7a) {
    if (end !== at + 1) return Number.NaN;
  } else {
    if ((sign !== 0x2b && sign !== 0x2d) || end !== at + 6 || bytes[at + 3] !== 0x3a) return Number.NaN;
    const hours = pair(bytes, at + 1);
    const minutes = pair(bytes, at + 4);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN;
    offsetMs = (sign === 0x2d ? -1 : 1) * (hours * 60 + minutes) * MS_PER_MINUTE;
  }
  return (
    daysFromCivil(year, month, day) * MS_PER_DAY +
    hour * 3_600_000 +
    minute * MS_PER_MINUTE +
    second * 1000 +
    fractionMs -
    offsetMs
  );
}

/** Epoch ms within TIMESTAMP_MS_MIN … MAX → `2010-12-01T08:26:00.000Z`. */
export function formatRfc3339(epochMs: number): string {
  const days = Math.floor(epochMs / MS_PER_DAY);
  const ms = epochMs - days * MS_PER_DAY;
  const shifted = days + EPOCH_DAYS;
  const era = Math.floor(shifted / DAYS_PER_ERA);
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const date = padded(year, 4) + '-' + padded(month, 2) + '-' + padded(day, 2);
  const seconds = padded(Math.floor(ms / 3_600_000), 2) + ':' + padded(Math.floor(ms / MS_PER_MINUTE) % 60, 2);
  return date + 'T' + seconds + ':' + padded(Math.floor(ms / 1000) % 60, 2) + '.' + padded(ms % 1000, 3) + 'Z';
}

/** `Z`, `+hh:mm` or `-hh:mm` from `at` to the end of the text, in ms; NaN otherwise. */
function parseOffset(text: string, at: number): number {
  const sign = text.charCodeAt(at);
  if ((sign | 0x20) === 0x7a) return text.length === at + 1 ? 0 : Number.NaN;
  if ((sign !== 0x2b && sign !== 0x2d) || text.length !== at + 6 || text.charCodeAt(at + 3) !== 0x3a) return Number.NaN;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN;
  return (sign === 0x2d ? -1 : 1) * (hours * 60 + minutes) * MS_PER_MINUTE;
}

/** -1 if one of the characters is no digit. */
function digits(text: string, start: number, count: number): number {
  let value = 0;
  for (let i = start; i < start + count; i++) {
    const c = text.charCodeAt(i);
    if (!isDigit(c)) return -1;
    value = value * 10 + (c - 0x30);
  }
  return value;
}

/** Two digits; negative if one of them is none. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - 0x30;
  const ones = (bytes[at + 1] as number) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function daysInMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (DAYS_IN_MONTH[month - 1] as number);
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
