/** Calendar arithmetic against JavaScript's own, which rules must not use; notations there and back. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from '../../../src/rules/runtime-notation.ts';
import { TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, TimePart, timePart } from '../../../src/rules/runtime-time.ts';

const times = fc.oneof(
  fc.integer({ min: TIMESTAMP_MS_MIN, max: TIMESTAMP_MS_MAX }),
  // Around the turns of years, where leap days go wrong.
  fc.tuple(fc.integer({ min: 1, max: 9998 }), fc.integer({ min: -90_000_000, max: 90_000_000 })).map(([year, ms]) => {
    const start = new Date(0);
    start.setUTCFullYear(year, 0, 1);
    return Math.max(TIMESTAMP_MS_MIN, start.getTime() + ms);
  }),
);

describe('timePart', () => {
  test('agrees with Date in UTC', () => {
    fc.assert(
      fc.property(times, (ms) => {
        const date = new Date(ms);
        const yearStart = new Date(0);
        yearStart.setUTCFullYear(date.getUTCFullYear(), 0, 1);
        expect({
          year: timePart(ms, 0, TimePart.fullYear),
          month: timePart(ms, 0, TimePart.month),
          date: timePart(ms, 0, TimePart.date),
          dayOfMonth: timePart(ms, 0, TimePart.dayOfMonth),
          dayOfWeek: timePart(ms, 0, TimePart.dayOfWeek),
          dayOfYear: timePart(ms, 0, TimePart.dayOfYear),
          hours: timePart(ms, 0, TimePart.hours),
          minutes: timePart(ms, 0, TimePart.minutes),
          seconds: timePart(ms, 0, TimePart.seconds),
          milliseconds: timePart(ms, 0, TimePart.milliseconds),
        }).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth(),
          date: date.getUTCDate(),
          dayOfMonth: date.getUTCDate() - 1,
          dayOfWeek: date.getUTCDay(),
          dayOfYear: Math.floor((ms - yearStart.getTime()) / 86_400_000),
          hours: date.getUTCHours(),
          minutes: date.getUTCMinutes(),
          seconds: date.getUTCSeconds(),
          milliseconds: date.getUTCMilliseconds(),
        });
      }),
      { numRuns: 3000 },
    );
  });

  test('an offset moves the clock', () => {
    const ms = Date.UTC(2024, 1, 28, 23, 30);
    expect(timePart(ms, 3_600_000, TimePart.date)).toBe(29);
    expect(timePart(ms, -86_400_000, TimePart.date)).toBe(27);
  });
});

describe('timestamps', () => {
  test('are read as Date reads them and written so that they can be read again', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 999_999 }), (ms, below) => {
        const ns = BigInt(ms) * 1_000_000n + BigInt(below);
        expect(parseTimestamp(formatTimestamp(ns))).toBe(ns);
        expect(parseTimestamp(new Date(ms).toISOString())).toBe(BigInt(ms) * 1_000_000n);
      }),
    );
  });

  test.each([
    ['2010-12-01T08:26:00Z', Date.UTC(2010, 11, 1, 8, 26)],
    ['2010-12-01T08:26:00.5+02:30', Date.UTC(2010, 11, 1, 5, 56, 0, 500)],
    ['2010-12-01t08:26:00-01:00', Date.UTC(2010, 11, 1, 9, 26)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ])('%s', (text, ms) => {
    expect(parseTimestamp(text)).toBe(BigInt(ms) * 1_000_000n);
  });

  test.each([
    '2010-12-01',
    '2010-12-01 08:26:00Z',
    '2010-12-01T08:26:00',
    '2010-13-01T08:26:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2010-12-01T24:00:00Z',
    '2010-12-01T08:26:60Z',
    '2010-12-01T08:26:00+24:00',
    '2010-12-01T08:26:00.Z',
    '0000-01-01T00:00:00Z',
    '',
  ])('%s is none', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });
});

describe('durations', () => {
  test.each([
    ['90s', 90_000_000_000n],
    ['1h30m', 5_400_000_000_000n],
    ['-1.5h', -5_400_000_000_000n],
    ['1.5ms', 1_500_000n],
    ['.5s', 500_000_000n],
    ['1us2ns', 1002n],
    ['3µs', 3000n],
    ['0', 0n],
    ['-0', 0n],
    ['0.0000000001s', 0n],
    ['2562047h47m16.854775807s', 2n ** 63n - 1n],
    ['-2562047h47m16.854775808s', -(2n ** 63n)],
  ])('%s', (text, ns) => {
    expect(parseDuration(text)).toBe(ns);
  });

  test.each([
    '',
    '-',
    '1',
    '1d',
    '1.s2',
    's',
    '1 h',
    '1h ',
    '.s',
    '2562047h47m16.854775808s',
    `${'1'.repeat(200)}s`,
    '1e3s',
  ])('"%s" is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('are written in seconds and read again', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (ns) => {
        expect(parseDuration(formatDuration(ns))).toBe(ns);
      }),
    );
    expect(formatDuration(-1_500_000_000n)).toBe('-1.5s');
  });
});
