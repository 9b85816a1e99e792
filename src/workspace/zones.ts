/**
 * Time zones for the machine, which must never ask the runtime: a table of transitions travels with the workspace version. The table covers 2000 to 2037; the
 * first and the last offset hold before and after. Offsets are whole minutes east of UTC: since 1972 there are no others.
 */
import { assert } from '../stdx/assert.ts';
import { parseDate } from './calendar.ts';

/**
 * Plain JSON. A table is a text of numbers in base 36, separated by spaces: the first offset in minutes, then for every transition the minutes since the one before it (the first: since
 * 2000-01-01T00:00Z) and the new offset. Zones that are links or agree since 2000 share a table. See zone-table.ts, which makes it.
 */
export interface ZoneTable {
  /** Release of the IANA database that it was made from. */
  readonly source: string;
  /** Name of every zone and link → index into `tables`. */
  readonly zones: Readonly<Record<string, number>>;
  readonly tables: readonly string[];
}

/** 2000-01-01T00:00Z in minutes since the Unix epoch. */
export const ZONE_TABLE_START_MINUTES = 15_778_080;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const DAY_MINUTES = 1440;
/** More than any offset differs from UTC, and any two from each other. */
const OFFSET_MS_MAX = 2 * DAY_MS;

/** offsets[i] holds from starts[i] (inclusive, epoch ms) to starts[i + 1]; starts[0] is −∞. */
interface Transitions {
  readonly starts: readonly number[];
  readonly offsets: readonly number[];
  /** Index of the last answer: consecutive questions are mostly about the same months. */
  last: number;
}

export class Zones {
  readonly #zones = new Map<string, number>();
  readonly #tables: readonly string[];
  /** Decoded when first asked for. */
  readonly #transitions: (Transitions | undefined)[] = [];

  constructor(table: ZoneTable) {
    for (const name of Object.keys(table.zones)) this.#zones.set(name, table.zones[name] as number);
    this.#tables = table.tables;
  }

  has(zone: string): boolean {
    return this.#zones.has(zone);
  }

  names(): Iterable<string> {
    return this.#zones.keys();
  }

  /** Minutes east of UTC at an instant; null: unknown zone. */
  offsetMinutes(zone: string, utcMs: number): number | null {
    const transitions = this.#of(zone);
    return transitions === null ? null : (transitions.offsets[indexAt(transitions, utcMs)] as number);
  }

  /** Minutes after local midnight by the clock on the wall, 0 … 1439; null: unknown zone. */
  localMinuteOfDay(zone: string, utcMs: number): number | null {
    const offset = this.offsetMinutes(zone, utcMs);
    if (offset === null) return null;
    const minute = (Math.floor(utcMs / MINUTE_MS) + offset) % DAY_MINUTES;
    return minute < 0 ? minute + DAY_MINUTES : minute;
  }

  /** Local day of an instant, in days from 1970-01-01; null: unknown zone. */
  localDay(zone: string, utcMs: number): number | null {
    const offset = this.offsetMinutes(zone, utcMs);
    return offset === null ? null : Math.floor((utcMs + offset * MINUTE_MS) / DAY_MS);
  }

  /**
   * The first instant, epoch ms, at which the wall clock shows a given day (`2010-12-01`, or days from 1970-01-01) or a later one: midnight, or the end of a gap that
   * swallows it. null: unknown zone, or no such day.
   */
  startOfDay(zone: string, date: string | number): number | null {
    const days = typeof date === 'number' ? date : parseDate(date);
    return days === null ? null : this.instantOf(zone, days * DAY_MINUTES);
  }

  /** Local time of an instant, in minutes from 1970-01-01T00:00 on the wall clock, rounded down; null: unknown zone. */
  localMinutes(zone: string, utcMs: number): number | null {
    const offset = this.offsetMinutes(zone, utcMs);
    return offset === null ? null : Math.floor(utcMs / MINUTE_MS) + offset;
  }

  /**
   * The first instant, epoch ms, at which the wall clock shows a local time (in minutes from 1970-01-01T00:00) or a later one: the end of the gap that skips it, the first time
   * of one that comes twice. Never decreases with the local time. null: unknown zone.
   */
  instantOf(zone: string, localMinutes: number): number | null {
    const transitions = this.#of(zone);
    if (transitions === null) return null;
    const localMs = localMinutes * MINUTE_MS;
    for (let i = indexAt(transitions, localMs - OFFSET_MS_MAX); i < transitions.starts.length; i++) {
      const instant = Math.max(
        transitions.starts[i] as number,
        localMs - (transitions.offsets[i] as number) * MINUTE_MS,
      );
      if (instant < (transitions.starts[i + 1] ?? Number.POSITIVE_INFINITY)) return instant;
    }
    return null;
  }

  /** The first instant after utcMs, epoch ms, at which the zone's offset changes; Infinity: it never does, or the zone is unknown. */
  nextChange(zone: string, utcMs: number): number {
    const transitions = this.#of(zone);
    if (transitions === null) return Number.POSITIVE_INFINITY;
    return transitions.starts[indexAt(transitions, utcMs) + 1] ?? Number.POSITIVE_INFINITY;
  }

  #of(zone: string): Transitions | null {
    const index = this.#zones.get(zone);
    if (index === undefined) return null;
    let transitions = this.#transitions[index];
    if (transitions === undefined) {
      transitions = decode(this.#tables[index] ?? '');
      this.#transitions[index] = transitions;
    }
    return transitions;
  }
}

function decode(text: string): Transitions {
  const numbers = text.split(' ').map((digits) => Number.parseInt(digits, 36));
  assert(numbers.length % 2 === 1 && numbers.every(Number.isInteger), 'a zone table is damaged');
  const starts = [Number.NEGATIVE_INFINITY];
  const offsets = [numbers[0] as number];
  let minutes = ZONE_TABLE_START_MINUTES;
  for (let i = 1; i < numbers.length; i += 2) {
    minutes += numbers[i] as number;
    starts.push(minutes * MINUTE_MS);
    offsets.push(numbers[i + 1] as number);
  }
  return { starts, offsets, last: 0 };
}

/** Index of the last start at or before the instant. */
function indexAt(transitions: Transitions, utcMs: number): number {
  const { starts, last } = transitions;
  if ((starts[last] as number) <= utcMs && utcMs < (starts[last + 1] ?? Number.POSITIVE_INFINITY)) return last;
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= utcMs) low = middle;
    else high = middle - 1;
  }
  transitions.last = low;
  return low;
}
