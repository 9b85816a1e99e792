import fc from 'fast-check';
import { expect, test } from 'vitest';
import { daysFromEpoch, parseDate } from '../../../src/workspace/calendar.ts';
import { parsePercentage } from '../../../src/workspace/definition-parts.ts';
import { formatDuration, parseDuration } from '../../../src/workspace/duration.ts';

test.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['1d12h', 129_600_000],
  ['1h30m15s', 5_415_000],
  ['0s', 0],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '7', 'd', '-1d', '1.5h', '1 d', '30m1h', '1h1h', '7 days', '1w', '1D', '9999999999d'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test('a duration printed is the duration read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), (seconds) => {
      expect(parseDuration(formatDuration(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
});

test('days agree with the calendar of the runtime', () => {
  fc.assert(
    fc.property(fc.integer({ min: -700_000, max: 2_900_000 }), (day) => {
      const date = new Date(day * 86_400_000);
      expect(daysFromEpoch(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())).toBe(day);
    }),
  );
});

test('a date is a day that exists', () => {
  expect(parseDate('2010-12-01')).toBe(Date.UTC(2010, 11, 1) / 86_400_000);
  expect(parseDate('2012-02-29')).not.toBeNull();
  for (const text of ['2011-02-29', '1900-02-29', '2010-00-01', '2010-12-00', '2010-12-32', '2010-04-31', '10-12-01'])
    expect(parseDate(text)).toBeNull();
});

test('a percentage is the nearest double to its share', () => {
  expect(['10%', '0%', '100%', '33.3%', '0.1%', '7%'].map(parsePercentage)).toEqual([0.1, 0, 1, 0.333, 0.001, 0.07]);
});
