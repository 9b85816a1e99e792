/** The end of quiet hours, against an oracle that asks the runtime's calendar at every minute. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inQuietHours, quietHoursEnd } from '../../../src/machine/decide/quiet-hours.ts';
import type { QuietHours } from '../../../src/workspace/workspace.ts';
import { zoneTable } from '../../../src/workspace/zone-table.ts';
import { Zones } from '../../../src/workspace/zones.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const zones = new Zones(zoneTable());

function hours(from: string, to: string): QuietHours {
  const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
  return { fromMinute: minutes(from), toMinute: minutes(to), channels: [], defer: true };
}

const end = (quiet: QuietHours, zone: string, now: string): string =>
  new Date(quietHoursEnd(quiet, zones, zone, Date.parse(now))).toISOString();

const formats = new Map<string, Intl.DateTimeFormat>();
function wallMinute(zone: string, ms: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    formats.set(zone, format);
  }
  const text = format.format(ms);
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
}

function quietAt({ fromMinute, toMinute }: QuietHours, zone: string, ms: number): boolean {
  const minute = wallMinute(zone, ms);
  return fromMinute < toMinute
    ? fromMinute <= minute && minute < toMinute
    : fromMinute !== toMinute && !(toMinute <= minute && minute < fromMinute);
}

function slowEnd(quiet: QuietHours, zone: string, now: number): number {
  let ms = Math.floor(now / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  while (quietAt(quiet, zone, ms)) ms += MINUTE_MS;
  return ms;
}

describe('quiet hours end', () => {
  test('at the minute that the wall clock shows, after midnight or before', () => {
    expect(end(hours('22:00', '08:00'), 'Europe/Prague', '2010-12-01T22:30:15.250Z')).toBe('2010-12-02T07:00:00.000Z');
    expect(end(hours('22:00', '08:00'), 'Europe/Prague', '2010-12-02T06:59:59.999Z')).toBe('2010-12-02T07:00:00.000Z');
    expect(end(hours('12:00', '13:30'), 'Asia/Kolkata', '2010-12-01T06:30:00.000Z')).toBe('2010-12-01T08:00:00.000Z');
  });

  test('an hour sooner in a night that summer time shortens, and later in one that it lengthens', () => {
    expect(end(hours('22:00', '08:00'), 'Europe/Prague', '2011-03-26T22:00:00.000Z')).toBe('2011-03-27T06:00:00.000Z');
    expect(end(hours('22:00', '08:00'), 'Europe/Prague', '2011-10-29T22:00:00.000Z')).toBe('2011-10-30T07:00:00.000Z');
  });

  test('when clocks jump out of them, or over the whole day', () => {
    // 02:00 becomes 03:00.
    expect(end(hours('01:30', '02:30'), 'Europe/Prague', '2011-03-27T00:40:00.000Z')).toBe('2011-03-27T01:00:00.000Z');
    // Samoa had no 30 December 2011: the 29th's midnight was the 31st's.
    expect(end(hours('20:00', '06:00'), 'Pacific/Apia', '2011-12-30T09:30:00.000Z')).toBe('2011-12-30T16:00:00.000Z');
  });

  test('after clocks were put back into them', () => {
    // 03:00 becomes 02:00: who was out of quiet hours at 02:59 is in them again.
    expect(end(hours('02:00', '02:30'), 'Europe/Prague', '2011-10-30T00:10:00.000Z')).toBe('2011-10-30T00:30:00.000Z');
    expect(end(hours('02:00', '02:30'), 'Europe/Prague', '2011-10-30T01:10:00.000Z')).toBe('2011-10-30T01:30:00.000Z');
    expect(end(hours('01:00', '03:00'), 'Europe/Prague', '2011-10-30T00:50:00.000Z')).toBe('2011-10-30T02:00:00.000Z');
  });

  test('as an oracle says that looks at every minute', () => {
    const places = [
      'Europe/Prague',
      'America/New_York',
      'America/St_Johns',
      'Australia/Lord_Howe',
      'Antarctica/Troll',
      'Antarctica/Casey',
      'Pacific/Apia',
      'Asia/Pyongyang',
      'America/Caracas',
      'UTC',
    ];
    const changes = places.flatMap((zone) => {
      const found: (readonly [string, number])[] = [];
      for (let at = Date.UTC(2008, 0); at < Date.UTC(2024, 0); ) {
        const next = zones.nextChange(zone, at);
        if (next >= Date.UTC(2024, 0)) break;
        found.push([zone, next]);
        at = next;
      }
      return found;
    });
    expect(changes.length).toBeGreaterThan(150);
    const around = fc
      .tuple(fc.constantFrom(...changes), fc.integer({ min: -36 * HOUR_MS, max: 6 * HOUR_MS }))
      .map(([[zone, change], ms]) => [zone, change + ms] as const);
    const anywhere = fc.tuple(
      fc.constantFrom(...places),
      fc.integer({ min: Date.UTC(2008, 0), max: Date.UTC(2024, 0) }),
    );
    const minute = fc.oneof(
      fc.integer({ min: 0, max: 1439 }),
      fc.integer({ min: 0, max: 47 }).map((half) => half * 30),
    );
    let asked = 0;
    fc.assert(
      fc.property(fc.oneof(around, around, anywhere), minute, minute, ([zone, now], fromMinute, toMinute) => {
        const quiet: QuietHours = { fromMinute, toMinute, channels: [], defer: true };
        const holds = quietAt(quiet, zone, now);
        expect(inQuietHours(quiet, zones, zone, now)).toBe(holds);
        if (!holds) return;
        asked++;
        expect(new Date(quietHoursEnd(quiet, zones, zone, now))).toEqual(new Date(slowEnd(quiet, zone, now)));
      }),
      { numRuns: 2000 },
    );
    expect(asked).toBeGreaterThan(500);
  });
});
