import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimerHeap } from '../../../src/state/timer-heap.ts';

interface Pair {
  readonly due: number;
  readonly number: number;
}

const byDueThenNumber = (a: Pair, b: Pair): number => (a.due === b.due ? a.number - b.number : a.due < b.due ? -1 : 1);

function takeAll(heap: TimerHeap): Pair[] {
  const taken: Pair[] = [];
  while (heap.size > 0) {
    taken.push({ due: heap.due(0), number: heap.number(0) });
    expect(heap.row(0)).toBe(heap.number(0) % 97);
    heap.pop();
  }
  return taken;
}

describe('TimerHeap', () => {
  it('takes out by due time and number, whatever went in and came out before', () => {
    const due = fc.oneof(fc.nat({ max: 9 }), fc.constant(Number.POSITIVE_INFINITY), fc.double({ noNaN: true }));
    const operation = fc.oneof(
      { weight: 4, arbitrary: fc.record({ push: due }) },
      { weight: 1, arbitrary: fc.record({ pops: fc.nat({ max: 5 }) }) },
      { weight: 1, arbitrary: fc.record({ keepOneIn: fc.integer({ min: 1, max: 5 }) }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400, size: 'max' }), (operations) => {
        const heap = new TimerHeap();
        let held: Pair[] = [];
        operations.forEach((each, number) => {
          if ('push' in each) {
            heap.push(each.push, number, number % 97);
            held.push({ due: each.push, number });
          } else if ('pops' in each) {
            for (let i = Math.min(each.pops, heap.size); i > 0; i--) {
              held.sort(byDueThenNumber);
              expect({ due: heap.due(0), number: heap.number(0) }).toEqual(held.shift());
              heap.pop();
            }
          } else {
            heap.retain((row, kept) => row === kept % 97 && kept % each.keepOneIn === 0);
            held = held.filter((pair) => pair.number % each.keepOneIn === 0);
          }
          expect(heap.size).toBe(held.length);
        });
        expect(takeAll(heap)).toEqual(held.sort(byDueThenNumber));
      }),
      { numRuns: 100 },
    );
  });
});
