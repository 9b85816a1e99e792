/** Times by the clock on the wall. */
import { KEEP } from './quantities.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

interface WallClock {
  readonly weekday: string;
  readonly day: number;
  readonly month: string;
  readonly year: number;
  readonly time: string;
}

export class LocalTime {
  /** The zone's name, UTC where nobody here knows it. */
  readonly zone: string;
  readonly #format: Intl.DateTimeFormat;

  constructor(timezone: string) {
    const format = formatOf(timezone);
    this.zone = format === null ? 'UTC' : timezone;
    this.#format = format ?? (formatOf('UTC') as Intl.DateTimeFormat);
  }

  /** `Wed 1 Dec 2010 08:26`. */
  full(ts: string): string {
    const { weekday, day, month, year, time } = this.#clock(ts);
    return [weekday, day, month, year, time].join(KEEP);
  }

  /** As short as it can be read beside `beside`: `08:26` on the same day, `2 Dec 08:26` in the same year. */
  near(ts: string, beside: string): string {
    const { day, month, year, time } = this.#clock(ts);
    const other = this.#clock(beside);
    return day === other.day && month === other.month && year === other.year ? time : this.dated(ts, beside);
  }

  /** With its day on the same day, too. */
  dated(ts: string, beside: string): string {
    const { day, month, year, time } = this.#clock(ts);
    return (year === this.#clock(beside).year ? [day, month, time] : [day, month, year, time]).join(KEEP);
  }

  #clock(ts: string): WallClock {
    const parts = new Map(this.#format.formatToParts(new Date(ts)).map(({ type, value }) => [type, value]));
    const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    return {
      weekday: parts.get('weekday') ?? '',
      day: number('day'),
      month: MONTHS[number('month') - 1] ?? '',
      year: number('year'),
      time: `${parts.get('hour')}:${parts.get('minute')}`,
    };
  }
}

/** null: an unknown zone. */
function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      weekday: 'short',
      day: 'numeric',
      month: 'numeric',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
    });
  } catch {
    return null;
  }
}
