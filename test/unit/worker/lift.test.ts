/** Lift against a calculation by hand. */
import { describe, expect, test } from 'vitest';
import { liftOf } from '../../../src/worker/lift.ts';

const arms = (treated: readonly [number, number], held: readonly [number, number]) => ({
  treated: { exposed: treated[0], converted: treated[1] },
  held: { exposed: held[0], converted: held[1] },
});

describe('lift', () => {
  test('is the ratio of the shares less one, within the interval of the log risk ratio', () => {
    // Shares 0.12 and 0.10: ln 1.2 = 0.182322; s = sqrt(1/120 − 1/1000 + 1/50 − 1/500) = 0.159164.
    const { lift, low, high } = liftOf(arms([1000, 120], [500, 50]));
    expect(lift).toBeCloseTo(0.2, 10);
    expect(low).toBeCloseTo(Math.exp(0.182322 - 1.96 * 0.159164) - 1, 4);
    expect(high).toBeCloseTo(Math.exp(0.182322 + 1.96 * 0.159164) - 1, 4);
  });

  test('is below zero where the held out do better, and 0 lies within where nothing differs', () => {
    expect(liftOf(arms([100, 10], [100, 40])).lift).toBeCloseTo(-0.75, 10);
    const { lift, low, high } = liftOf(arms([200, 20], [100, 10]));
    expect(lift).toBeCloseTo(0, 10);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0);
  });

  test('more customers make the interval narrower', () => {
    const few = liftOf(arms([100, 20], [100, 10]));
    const many = liftOf(arms([10_000, 2000], [10_000, 1000]));
    expect(many.lift).toBeCloseTo(few.lift as number, 10);
    expect(many.low).toBeGreaterThan(few.low as number);
    expect(many.high).toBeLessThan(few.high as number);
  });

  test.each([
    ['nobody was contacted', arms([0, 0], [10, 1])],
    ['nobody was held out', arms([10, 1], [0, 0])],
    ['nobody contacted converted', arms([10, 0], [10, 1])],
    ['nobody held out converted', arms([10, 1], [10, 0])],
  ])('is null where %s', (_, counts) => {
    expect(liftOf(counts)).toEqual({ lift: null, low: null, high: null });
  });

  test('has an end at both sides where everybody converted', () => {
    expect(liftOf(arms([10, 10], [5, 5]))).toEqual({ lift: 0, low: 0, high: 0 });
  });
});
