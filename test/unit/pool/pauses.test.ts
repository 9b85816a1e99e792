import { expect, test } from 'vitest';
import { PAUSE_MS_MAX, PAUSE_PER_RUN, RUN_MS_MIN } from '../../../src/constants.ts';
import { Pauses } from '../../../src/pool/pauses.ts';

/** `run`: time passes, with the core taken away so many times in it, and then a pause is considered. */
function fixture(): { slept: number[]; run: (ms: number, taken: number) => void } {
  const slept: number[] = [];
  let now = 0;
  let count = 0;
  const pauses = new Pauses({
    nowMs: () => now,
    taken: () => count,
    sleep: (ms) => {
      now += ms;
      slept.push(ms);
    },
  });
  const run = (ms: number, taken: number): void => {
    now += ms;
    count += taken;
    pauses.consider();
  };
  return { slept, run };
}

test('goes on where nobody wants the core', () => {
  const { slept, run } = fixture();
  for (let i = 0; i < 10; i++) run(5, 0);
  expect(slept).toEqual([]);
});

test('pauses in proportion to what it ran since the last pause, for so long at most', () => {
  const { slept, run } = fixture();
  run(2, 1);
  run(1, 3);
  run(1000, 1);
  run(1, 0);
  expect(slept).toEqual([2 * PAUSE_PER_RUN, PAUSE_PER_RUN, PAUSE_MS_MAX]);
});

test('runs for a while first', () => {
  const { slept, run } = fixture();
  run(RUN_MS_MIN / 4, 1);
  run(RUN_MS_MIN / 4, 0);
  expect(slept).toEqual([]);
  run(RUN_MS_MIN / 2, 0);
  expect(slept).toEqual([RUN_MS_MIN * PAUSE_PER_RUN]);
});
