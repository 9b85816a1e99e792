/** The committed sample is what the documented steps make of the converter's output, and the synthetic part of it is labelled. */
import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { DemoEvent } from '../../../src/demo/demo-event.ts';
import { cutSample, LINE_DOWN } from '../../../src/demo/sample-cut.ts';
import { withSyntheticCustomers } from '../../../src/demo/synthetic.ts';

const path = new URL('../../../src/demo/sample/2010-12.ndjson.gz', import.meta.url);
const sample = gunzipSync(readFileSync(path))
  .toString('utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as DemoEvent);

function isLineDown({ type, ts }: DemoEvent): boolean {
  return !type.startsWith('$') && ts >= LINE_DOWN.from && ts < LINE_DOWN.to;
}

describe('sample', () => {
  it('is small enough for the repository and attributed', () => {
    expect(statSync(path).size).toBeLessThan(700 * 1024);
    const readme = readFileSync(new URL('README.md', path), 'utf8');
    for (const needed of ['Daqing Chen', '10.24432/C5BW33', 'CC BY 4.0', 'What was changed', 'Synthetic'])
      expect(readme).toContain(needed);
  });

  it('can be made again from its own receipts, byte for byte', () => {
    const receipts = sample.filter(({ type }) => !type.startsWith('$'));
    // The cut takes events in order of time; ties stand in the file's order, which the delayed ones left.
    const byTime = [...receipts.filter((event) => !isLineDown(event)), ...receipts.filter(isLineDown)].sort((a, b) =>
      a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0,
    );
    expect(cutSample(byTime)).toEqual(sample);
  });

  it('holds December 2010 and no id twice', () => {
    expect(sample.every(({ ts }) => ts >= '2010-12-01' && ts < '2011-01-01')).toBe(true);
    expect(new Set(sample.map(({ type, id, customer }) => `${type} ${customer} ${id}`)).size).toBe(sample.length);
  });

  it('labels what is synthetic, and introduces each customer before anything else', () => {
    const known = new Set<string>();
    for (const { id, type, customer } of sample) {
      expect(id.startsWith('synthetic-')).toBe(type.startsWith('$'));
      if (type === '$profile' && customer !== undefined) known.add(customer);
      else if (customer !== undefined) expect(known.has(customer)).toBe(true);
    }
    expect(known.size).toBe(948);
  });

  it('delivers what was rung up while the line was down in one piece on the next day', () => {
    const places = sample.flatMap((event, place) => (isLineDown(event) ? [place] : []));
    expect(places.length).toBeGreaterThan(10);
    expect((places.at(-1) ?? 0) - (places[0] ?? 0)).toBe(places.length - 1);
    expect((sample[(places.at(-1) ?? 0) + 1]?.ts ?? '') >= LINE_DOWN.deliveredFrom).toBe(true);
  });
});

describe('synthetic customers', () => {
  const receipt = (id: string, customer: string | undefined, country: string): DemoEvent => ({
    id,
    type: 'receipt',
    ts: '2010-12-01T10:00:00Z',
    ...(customer === undefined ? {} : { customer }),
    data: { total: 1, country, items: [] },
  });

  it('are the same for the same customers, whoever else there is', () => {
    const alone = withSyntheticCustomers([receipt('1', '17850', 'France')]);
    const among = withSyntheticCustomers([
      receipt('0', '12345', 'Japan'),
      receipt('1', '17850', 'France'),
      receipt('2', '17850', 'France'),
    ]);
    expect(among.filter(({ customer, type }) => customer === '17850' && type.startsWith('$'))).toEqual(
      alone.slice(0, -1),
    );
    expect(alone[0]).toMatchObject({
      type: '$profile',
      data: { country: 'France', loyalty: true, timezone: 'Europe/Paris' },
    });
  });

  it('leave anonymous receipts alone', () => {
    expect(withSyntheticCustomers([receipt('1', undefined, 'France')])).toHaveLength(1);
  });

  it('come in every kind: each tier, with and without each consent', () => {
    const data = (type: string): Record<string, unknown>[] =>
      sample.filter((event) => event.type === type).map((event) => event.data);
    expect(new Set(data('$profile').map(({ tier }) => tier))).toEqual(new Set(['gold', 'silver', 'bronze']));
    expect(new Set(data('$consent').map(({ channel, state }) => `${channel} ${state}`))).toEqual(
      new Set(['sms granted', 'email granted', 'push denied']),
    );
  });
});
