import { expect, test } from 'vitest';
import { RateLimit } from '../../../src/gateway/rate-limit.ts';

test('gives a burst, then so many per second, and saves up no more than the burst', () => {
  let nowMs = 1000;
  const limit = new RateLimit(10, 3, { nowMs: () => 0, monotonicMs: () => nowMs });
  const takeAll = (): number => {
    let taken = 0;
    while (limit.take()) taken++;
    return taken;
  };
  expect(takeAll()).toBe(3);
  nowMs += 99;
  expect(takeAll()).toBe(0);
  nowMs += 1;
  expect(takeAll()).toBe(1);
  nowMs += 250;
  expect(takeAll()).toBe(2);
  nowMs += 50;
  expect(takeAll()).toBe(1);
  nowMs += 3_600_000;
  expect(takeAll()).toBe(3);
});
