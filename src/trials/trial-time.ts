/** Times as tests write them, and as people read them: by the clock of the workspace. */
import { formatRfc3339, parseRfc3339 } from '../machine/decode/rfc3339.ts';
import { dateOfDays } from '../workspace/calendar.ts';
import { TRIAL_TIME_PATTERN } from '../workspace/trial-definition.ts';
import type { Zones } from '../workspace/zones.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const WEEKDAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'] as const;

export class TrialClock {
  readonly #zones: Zones;
  readonly #timezone: string;

  constructor(zones: Zones, timezone: string) {
    this.#zones = zones;
    this.#timezone = timezone;
  }

  /** Epoch ms; null: there is no such time. A local time that daylight saving skips is the end of the gap; of one that comes twice it is the first. */
  parse(text: string): number | null {
    const match = TRIAL_TIME_PATTERN.exec(text);
    if (match === null) return null;
    const [, date = '', hour = '', minute = '', second = '00', fraction = '', offset] = match;
    // Read as UTC, it is checked, and counts the minutes on the wall.
    const ms = parseRfc3339(`${date}T${hour}:${minute}:${second}${fraction}${offset ?? 'Z'}`);
    if (Number.isNaN(ms) || ms < 0) return null;
    if (offset !== undefined) return ms;
    const wallMinutes = Math.floor(ms / MINUTE_MS);
    const instant = this.#zones.instantOf(this.#timezone, wallMinutes);
    return instant === null ? null : instant + (ms - wallMinutes * MINUTE_MS);
  }

  /** `Wed 1 Dec 2010 10:26`, with seconds and milliseconds where there are any. */
  format(epochMs: number): string {
    const minutes = this.#zones.localMinutes(this.#timezone, epochMs);
    if (minutes === null) return formatRfc3339(epochMs);
    const days = Math.floor(minutes / DAY_MINUTES);
    const { year, month, day } = dateOfDays(days);
    const ofDay = minutes - days * DAY_MINUTES;
    const restMs = epochMs - Math.floor(epochMs / MINUTE_MS) * MINUTE_MS;
    const seconds =
      restMs === 0
        ? ''
        : `:${(restMs / 1000).toFixed(restMs % 1000 === 0 ? 0 : 3).padStart(restMs % 1000 === 0 ? 2 : 6, '0')}`;
    const time = `${padded(Math.floor(ofDay / 60))}:${padded(ofDay % 60)}${seconds}`;
    return `${WEEKDAYS[days % 7]} ${day} ${MONTHS[month - 1]} ${year} ${time}`;
  }
}

function padded(value: number): string {
  return String(value).padStart(2, '0');
}
