/** Few and many numbers, of any order, more than once with the same scratch. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AscendingSort } from '../../../src/rules/sort-ascending.ts';

test('sorts distinct numbers below its bound, and nothing behind them', () => {
  const bound = 1000;
  const sort = new AscendingSort(bound);
  const distinct = fc.uniqueArray(fc.integer({ min: 0, max: bound - 1 }), { maxLength: 400 });
  fc.assert(
    fc.property(distinct, (numbers) => {
      const values = Int32Array.from([...numbers, 5, 3]);
      sort.sort(values, numbers.length);
      expect([...values]).toEqual([...numbers.sort((a, b) => a - b), 5, 3]);
    }),
    { numRuns: 300 },
  );
  const all = Int32Array.from({ length: bound }, (_, i) => bound - 1 - i);
  sort.sort(all, bound);
  expect([...all]).toEqual([...all.keys()]);
});
