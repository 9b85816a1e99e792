/** Accessors of timestamps (in UTC or at a fixed offset) and of durations (totals, but milliseconds: the part below a second). */
import type { Overload } from './functions.ts';
import { nsToMs, parseOffset, TimePart, timePart } from './runtime-time.ts';
import { DURATION, INT, STRING, TIMESTAMP } from './types.ts';
import type { Duration, Timestamp } from './values.ts';

export const TIME_ACCESSORS: ReadonlyMap<string, TimePart> = new Map([
  ['getFullYear', TimePart.fullYear],
  ['getMonth', TimePart.month],
  ['getDayOfMonth', TimePart.dayOfMonth],
  ['getDate', TimePart.date],
  ['getDayOfWeek', TimePart.dayOfWeek],
  ['getDayOfYear', TimePart.dayOfYear],
  ['getHours', TimePart.hours],
  ['getMinutes', TimePart.minutes],
  ['getSeconds', TimePart.seconds],
  ['getMilliseconds', TimePart.milliseconds],
]);

function accessors(name: string, part: TimePart): Overload[] {
  const at = (value: Timestamp, zone: string) => {
    const offset = parseOffset(zone);
    return offset === undefined ? undefined : BigInt(timePart(nsToMs(value.ns), offset, part));
  };
  return [
    {
      id: `timestamp_${name}`,
      name,
      member: true,
      params: [TIMESTAMP],
      result: INT,
      run: ((value: Timestamp) => BigInt(timePart(nsToMs(value.ns), 0, part))) as Overload['run'],
    },
    {
      id: `timestamp_${name}_at`,
      name,
      member: true,
      params: [TIMESTAMP, STRING],
      result: INT,
      run: at as Overload['run'],
    },
  ];
}

function ofDuration(name: string, run: (ns: bigint) => bigint): Overload {
  const unboxed = ((value: Duration) => run(value.ns)) as Overload['run'];
  return { id: `duration_${name}`, name, member: true, params: [DURATION], result: INT, run: unboxed };
}

export const TIME_FUNCTIONS: readonly Overload[] = [
  ...[...TIME_ACCESSORS].flatMap(([name, part]) => accessors(name, part)),
  ofDuration('getHours', (ns) => ns / 3_600_000_000_000n),
  ofDuration('getMinutes', (ns) => ns / 60_000_000_000n),
  ofDuration('getSeconds', (ns) => ns / 1_000_000_000n),
  ofDuration('getMilliseconds', (ns) => (ns / 1_000_000n) % 1000n),
];
