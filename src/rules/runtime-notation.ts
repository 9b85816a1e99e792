/** How timestamps, durations and doubles are written: RFC 3339, Go's duration notation (`1h30m`, `-1.5s`), shortest round-trip decimals. */
import { checkSpanNs, daysFromCivil, daysInMonth, nsToMs, TimePart, timePart } from './runtime-time.ts';
import type { Failure } from './values.ts';

const UNIT_NS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1000n],
  ['\u00b5s', 1000n],
  ['\u03bcs', 1000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const NOTATION_LENGTH_MAX = 128;

/** Nanoseconds; undefined if malformed or beyond ±292 years. CEL has no unit above the hour. */
export function parseDuration(text: string): bigint | Failure {
  if (text.length > NOTATION_LENGTH_MAX) return undefined;
  const match = /^([+-]?)(.+)$/.exec(text);
  if (match === null) return undefined;
  const body = match[2] as string;
  let total = 0n;
  if (body !== '0') {
    const part = /(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;
    while (part.lastIndex < body.length) {
      const found = part.exec(body);
      if (found === null) return undefined;
      const whole = found[1] as string;
      const fraction = found[2] ?? '';
      if (whole === '' && fraction === '') return undefined;
      const unit = UNIT_NS.get(found[3] as string) as bigint;
      total += BigInt(whole === '' ? '0' : whole) * unit;
      if (fraction !== '') total += (BigInt(fraction) * unit) / BigInt(`1${'0'.repeat(fraction.length)}`);
    }
  }
  return checkSpanNs(match[1] === '-' ? -total : total);
}

/** Seconds with the shortest fraction, as cel-go writes durations: `5445s`, `0.001s`. */
export function formatDuration(ns: bigint): string {
  const absolute = ns < 0n ? -ns : ns;
  const fraction = trimFraction(absolute % 1_000_000_000n);
  return `${ns < 0n ? '-' : ''}${absolute / 1_000_000_000n}${fraction}s`;
}

/** `.123` for 123,000,000 ns, nothing for 0. */
function trimFraction(ns: bigint): string {
  return ns === 0n ? '' : `.${ns.toString().padStart(9, '0').replace(/0+$/, '')}`;
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Nanoseconds since the epoch; undefined if it is no RFC 3339 date and time. The range is checked by callers. */
export function parseTimestamp(text: string): bigint | Failure {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  if (year < 1 || day > daysInMonth(year, month - 1)) return undefined;
  const offsetMinutes = match[8] === undefined ? 0 : Number(match[9]) * 60 + Number(match[10]);
  if (Number(match[9] ?? 0) > 23 || Number(match[10] ?? 0) > 59) return undefined;
  const minutes = hour * 60 + minute - (match[8] === '-' ? -offsetMinutes : offsetMinutes);
  const seconds = daysFromCivil(year, month - 1, day) * 86_400 + minutes * 60 + second;
  return BigInt(seconds) * 1_000_000_000n + BigInt((match[7] ?? '').padEnd(9, '0'));
}

function digits(value: number, width: number): string {
  return value.toString().padStart(width, '0');
}

/** RFC 3339 in UTC with the shortest fraction. */
export function formatTimestamp(ns: bigint): string {
  const ms = nsToMs(ns);
  const part = (which: TimePart): number => timePart(ms, 0, which);
  const nanos = ns - BigInt(Math.floor(ms / 1000)) * 1_000_000_000n;
  const date = `${digits(part(TimePart.fullYear), 4)}-${digits(part(TimePart.month) + 1, 2)}-${digits(part(TimePart.date), 2)}`;
  const time = `${digits(part(TimePart.hours), 2)}:${digits(part(TimePart.minutes), 2)}:${digits(part(TimePart.seconds), 2)}`;
  return `${date}T${time}${trimFraction(nanos)}Z`;
}

/** The shortest decimal that reads back as the same double. */
export function formatDouble(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return value.toString();
}
