import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatRfc3339,
  parseRfc3339,
  TIMESTAMP_MS_MAX,
  TIMESTAMP_MS_MIN,
} from '../../../src/machine/decode/rfc3339.ts';

describe('parseRfc3339', () => {
  test.each([
    ['1970-01-01T00:00:00Z', 0],
    ['2010-12-01T08:26:00Z', Date.UTC(2010, 11, 1, 8, 26)],
    ['2010-12-01t08:26:00z', Date.UTC(2010, 11, 1, 8, 26)],
    ['2010-12-01T08:26:00+01:30', Date.UTC(2010, 11, 1, 6, 56)],
    ['2010-12-01T08:26:00-00:30', Date.UTC(2010, 11, 1, 8, 56)],
    ['2012-02-29T23:59:59.9Z', Date.UTC(2012, 1, 29, 23, 59, 59, 900)],
    ['2010-12-01T08:26:00.123456789Z', Date.UTC(2010, 11, 1, 8, 26, 0, 123)],
    ['2010-12-01T08:26:00.0009Z', Date.UTC(2010, 11, 1, 8, 26)],
    ['0000-01-01T00:00:00Z', TIMESTAMP_MS_MIN],
    ['9999-12-31T23:59:59.999Z', TIMESTAMP_MS_MAX],
  ])('%s', (text, ms) => {
    expect(parseRfc3339(text)).toBe(ms);
  });

  test.each([
    '',
    '2010-12-01',
    '2010-12-01T08:26Z',
    '2010-12-01T08:26:00',
    '2010-12-01 08:26:00Z',
    '2010-12-01T08:26:00.Z',
    '2010-12-01T08:26:00+0100',
    '2010-12-01T08:26:00+24:00',
    '2010-12-01T08:26:00+01:60',
    '2010-12-01T08:26:00Z ',
    ' 2010-12-01T08:26:00Z',
    '2010-13-01T08:26:00Z',
    '2010-00-01T08:26:00Z',
    '2010-11-31T08:26:00Z',
    '2010-12-00T08:26:00Z',
    '2011-02-29T08:26:00Z',
    '1900-02-29T08:26:00Z',
    '2010-12-01T24:00:00Z',
    '2010-12-01T08:60:00Z',
    '2016-12-31T23:59:60Z',
    '2010-12-0١T08:26:00Z',
    '+2010-12-01T08:26:00Z',
    'Wed, 01 Dec 2010 08:26:00 GMT',
  ])('refuses %j', (text) => {
    expect(parseRfc3339(text)).toBeNaN();
  });
});

test('every millisecond that can be written is written and read like the platform does', () => {
  fc.assert(
    fc.property(fc.integer({ min: TIMESTAMP_MS_MIN, max: TIMESTAMP_MS_MAX }), (ms) => {
      const text = formatRfc3339(ms);
      expect(text).toBe(new Date(ms).toISOString());
      expect(parseRfc3339(text)).toBe(ms);
    }),
    { numRuns: 2000 },
  );
});
