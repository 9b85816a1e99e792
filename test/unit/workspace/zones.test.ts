/** Time zones against the runtime's own (Intl), and the properties of the table. */
import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/stdx/prng.ts';
import { zoneTable } from '../../../src/workspace/zone-table.ts';
import { Zones, type ZoneTable } from '../../../src/workspace/zones.ts';

const SEED = 20101201;
const table = zoneTable();
const zones = new Zones(table);

/** Zones whose rules have not changed for years, north and south of the equator, with odd offsets and without summer time. */
const STEADY = [
  'Europe/London',
  'Europe/Berlin',
  'America/New_York',
  'America/Los_Angeles',
  'Australia/Sydney',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Tokyo',
  'Pacific/Chatham',
  'Etc/GMT+12',
  'UTC',
];

function intlOffset(zone: string): (utcMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  return (utcMs) => {
    const name = format.formatToParts(utcMs).find((part) => part.type === 'timeZoneName')?.value ?? '';
    const match = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(name);
    if (match === null) throw new Error(`${zone}: ${name}`);
    return (match[1] === '-' ? -1 : 1) * (Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0)) + 0;
  };
}

function mismatches(names: readonly string[], fromMs: number, toMs: number, perZone: number): string[] {
  const random = new Prng(SEED);
  const wrong: string[] = [];
  for (const zone of names) {
    const offset = intlOffset(zone);
    for (let i = 0; i < perZone; i++) {
      const utcMs = fromMs + Math.floor(random.float() * (toMs - fromMs));
      if (offset(utcMs) !== zones.offsetMinutes(zone, utcMs)) wrong.push(`${zone} ${new Date(utcMs).toISOString()}`);
    }
  }
  return wrong;
}

describe('offsets', () => {
  // The runtime's own database may be years older or newer than ours, so that only the past is compared for every zone.
  test('agree with Intl for every zone, 2000 to 2023', () => {
    const known = [...zones.names()].filter(isKnownToIntl);
    expect(known.length).toBeGreaterThan(400);
    expect(mismatches(known, Date.UTC(2000, 0, 1), Date.UTC(2023, 0, 1), 40)).toEqual([]);
  });

  test('agree with Intl for zones with steady rules, 2000 to 2037', () => {
    expect(mismatches(STEADY, Date.UTC(2000, 0, 1), Date.UTC(2037, 11, 31), 2000)).toEqual([]);
  });

  test('change at the very millisecond', () => {
    const change = Date.UTC(2010, 9, 31, 1);
    expect(zones.offsetMinutes('Europe/London', change - 1)).toBe(60);
    expect(zones.offsetMinutes('Europe/London', change)).toBe(0);
  });

  test('hold before the first and after the last transition', () => {
    expect(zones.offsetMinutes('Europe/London', Date.UTC(1950, 0, 1))).toBe(0);
    expect(zones.offsetMinutes('Asia/Kolkata', Date.UTC(2100, 0, 1))).toBe(330);
    expect(zones.offsetMinutes('Europe/London', Number.NEGATIVE_INFINITY)).toBe(0);
  });

  test('of an unknown zone are null, whatever its name', () => {
    for (const zone of ['', 'Europe/Londn', 'europe/london', '__proto__', 'constructor', 'Mars/Olympus']) {
      expect(zones.offsetMinutes(zone, 0)).toBeNull();
      expect(zones.localMinuteOfDay(zone, 0)).toBeNull();
      expect(zones.localDay(zone, 0)).toBeNull();
      expect(zones.startOfDay(zone, '2010-12-01')).toBeNull();
    }
  });
});

describe('the wall clock', () => {
  test('shows the minute that Intl shows', () => {
    const random = new Prng(SEED);
    for (const zone of STEADY) {
      const format = new Intl.DateTimeFormat('en-GB', {
        timeZone: zone,
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      });
      for (let i = 0; i < 300; i++) {
        const utcMs = Math.floor(random.float() * Date.UTC(2037, 0, 1));
        if (utcMs < Date.UTC(2000, 0, 1)) continue;
        const [hour, minute] = format.format(utcMs).split(':').map(Number);
        expect([zone, utcMs, zones.localMinuteOfDay(zone, utcMs)]).toEqual([
          zone,
          utcMs,
          (hour as number) * 60 + (minute as number),
        ]);
      }
    }
  });

  test('before the epoch too', () => {
    expect(zones.localMinuteOfDay('UTC', -60_000)).toBe(1439);
    expect(zones.localDay('UTC', -1)).toBe(-1);
  });
});

describe('the start of a day', () => {
  test.each([
    ['Europe/London', '2010-12-01', '2010-12-01T00:00:00.000Z'],
    ['Europe/London', '2010-07-01', '2010-06-30T23:00:00.000Z'],
    ['Asia/Kathmandu', '2010-07-01', '2010-06-30T18:15:00.000Z'],
    // Summer time began at midnight: the day began at one o'clock.
    ['America/Sao_Paulo', '2010-10-17', '2010-10-17T03:00:00.000Z'],
    // It ended at midnight, back to 23:00: midnight came once.
    ['America/Sao_Paulo', '2011-02-20', '2011-02-20T03:00:00.000Z'],
    // Midnight came twice: the first counts.
    ['Atlantic/Azores', '2010-10-31', '2010-10-31T00:00:00.000Z'],
    // Samoa left out 30 December 2011 and went on with the 31st.
    ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00.000Z'],
    ['Pacific/Apia', '2011-12-31', '2011-12-30T10:00:00.000Z'],
  ])('%s %s is %s', (zone, date, instant) => {
    expect(new Date(zones.startOfDay(zone, date) as number).toISOString()).toBe(instant);
  });

  test('is the first instant of its local day, for any zone and day', () => {
    const random = new Prng(SEED);
    const names = [...zones.names()];
    for (let i = 0; i < 5000; i++) {
      const zone = random.pick(names);
      const day = Math.floor(Date.UTC(2000, 0, 2) / 86_400_000) + random.below(13_000);
      const start = zones.startOfDay(zone, day) as number;
      expect(zones.localDay(zone, start), `${zone} ${day}`).toBeGreaterThanOrEqual(day);
      expect(zones.localDay(zone, start - 1), `${zone} ${day}`).toBeLessThan(day);
    }
  });

  test('of no day is null', () => {
    for (const date of ['2011-02-29', '2011-13-01', '2011-1-1', '', 'x'])
      expect(zones.startOfDay('UTC', date)).toBeNull();
  });
});

describe('the table', () => {
  test('is plain JSON of moderate size, and survives it', () => {
    const json = JSON.stringify(table);
    expect(json.length).toBeLessThan(80_000);
    const again = new Zones(JSON.parse(json) as ZoneTable);
    expect(again.offsetMinutes('Europe/London', Date.UTC(2010, 6, 1))).toBe(60);
  });

  test('shares tables between links', () => {
    expect(table.zones['Europe/London']).toBe(table.zones['Europe/Jersey']);
    expect(table.tables.length).toBeLessThan(Object.keys(table.zones).length / 2);
  });

  test('is made once, and names its source', () => {
    expect(zoneTable()).toBe(table);
    expect(table.source).toMatch(/^20\d\d[a-z]$/);
  });
});

function isKnownToIntl(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }) !== null;
  } catch {
    return false;
  }
}
