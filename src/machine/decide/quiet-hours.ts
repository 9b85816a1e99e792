/** Quiet hours by the clock on the customer's wall: do they hold, and when do they end. Pure functions over the workspace's zone table. */
import type { QuietHours } from '../../workspace/workspace.ts';
import type { Zones } from '../../workspace/zones.ts';

const MINUTES_PER_DAY = 1440;
const MS_PER_MINUTE = 60_000;

/** `zone` must be known. */
export function inQuietHours(quiet: QuietHours, zones: Zones, zone: string, now: number): boolean {
  return isQuietMinute(quiet, zones.localMinuteOfDay(zone, now) ?? 0);
}

/**
 * The first instant after `now`, a moment in quiet hours, at which they do not hold: epoch ms. The wall clock runs on
 * evenly between two changes of the zone's offset, and a change may end quiet hours by jumping out of them, or begin
 * them again.
 */
export function quietHoursEnd(quiet: QuietHours, zones: Zones, zone: string, now: number): number {
  let from = now;
  for (;;) {
    const minute = zones.localMinuteOfDay(zone, from) ?? 0;
    if (from > now && !isQuietMinute(quiet, minute)) return from;
    const left = (quiet.toMinute - minute + MINUTES_PER_DAY) % MINUTES_PER_DAY;
    const end = (Math.floor(from / MS_PER_MINUTE) + left) * MS_PER_MINUTE;
    const change = zones.nextChange(zone, from);
    if (end < change) return end;
    from = change;
  }
}

function isQuietMinute({ fromMinute, toMinute }: QuietHours, minute: number): boolean {
  return fromMinute <= toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}
