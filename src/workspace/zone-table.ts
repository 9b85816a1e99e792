/**
 * Makes the table that zones.ts reads, on the control plane, from the packed IANA database of the package moment-timezone: the same version of the package gives the same
 * table on every machine, whatever its operating system knows of time zones.
 */
import moment from 'moment-timezone';
import { ZONE_TABLE_START_MINUTES, type ZoneTable } from './zones.ts';

const MINUTE_MS = 60_000;
/** All since 1970 would be 161 kB for a workspace version to carry, since 2000 it is 65 kB. */
const START_MS = ZONE_TABLE_START_MINUTES * MINUTE_MS;
/** 2038-01-01: rules beyond are guesses, and the package has them up to the year 2500. */
const END_MS = 2_145_916_800_000;

let made: ZoneTable | null = null;

/** All zones and links of the database. Made once per process. */
export function zoneTable(): ZoneTable {
  made ??= makeZoneTable();
  return made;
}

function makeZoneTable(): ZoneTable {
  const zones: Record<string, number> = {};
  const indices = new Map<string, number>();
  for (const name of moment.tz.names().toSorted()) {
    const zone = moment.tz.zone(name);
    if (zone === null) continue;
    const table = encode(zone.untils, zone.offsets);
    const index = indices.get(table) ?? indices.size;
    indices.set(table, index);
    zones[name] = index;
  }
  return { source: moment.tz.dataVersion, zones, tables: [...indices.keys()] };
}

/** untils[i]: epoch ms at which offsets[i] (minutes west) ends. */
function encode(untils: readonly (number | null)[], offsets: readonly number[]): string {
  const numbers: number[] = [];
  let lastOffset: number | null = null;
  let lastMinutes = ZONE_TABLE_START_MINUTES;
  offsets.forEach((west, i) => {
    const from = i === 0 ? Number.NEGATIVE_INFINITY : (untils[i - 1] ?? Number.POSITIVE_INFINITY);
    const until = untils[i] ?? Number.POSITIVE_INFINITY;
    const east = Math.round(-west) + 0;
    if (until <= START_MS || from >= END_MS || east === lastOffset) return;
    if (lastOffset !== null) {
      const minutes = Math.round(from / MINUTE_MS);
      numbers.push(minutes - lastMinutes);
      lastMinutes = minutes;
    }
    numbers.push(east);
    lastOffset = east;
  });
  return numbers.map((number) => number.toString(36)).join(' ');
}
