import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../native-bench/load/histogram.ts';

/** The value that a share of all does not exceed (nearest rank). */
function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.ceil(share * sorted.length) - 1] as number;
}

describe('Histogram', () => {
  it('tells quantiles that are at most 0.8 % above those of the sorted values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** 30 }), { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        (values, quantile) => {
          const histogram = Histogram.empty();
          for (const value of values) histogram.record(value);
          const exact = percentile(values, quantile);
          expect(histogram.total).toBe(values.length);
          expect(histogram.quantileUs(quantile)).toBeGreaterThanOrEqual(exact);
          expect(histogram.quantileUs(quantile)).toBeLessThanOrEqual(exact * 1.008 + 0.5);
        },
      ),
    );
  });

  it('adds up what others counted', () => {
    const [all, part] = [Histogram.empty(), Histogram.empty()];
    for (const value of [3, 70_000, 2 ** 40, -5]) part.record(value);
    all.record(1);
    all.add(Histogram.from(part.counts));
    expect(all.total).toBe(5);
    expect(all.quantileUs(0.2)).toBe(0);
    expect(all.quantileUs(1)).toBe(2 ** 31 - 1);
  });
});
