/**
 * Ordered constants: how many of them, from the first on, a number compares with as asked. They are ordered so that those come first. The search starts with
 * small steps from the front: it costs as much as the count's logarithm, and a single comparison for none.
 */
import type { RangeKey } from './shape-plan.ts';

type Holds = (number: number, constant: number) => boolean;

function leading(constants: Float64Array, number: number, holds: Holds): number {
  const length = constants.length;
  let high = 1;
  while (high <= length && holds(number, constants[high - 1] as number)) high *= 2;
  // It holds for the first `low` and for none from `high` on.
  let low = high >> 1;
  high = Math.min(high - 1, length);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(number, constants[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const HOLDS: Readonly<Record<RangeKey['operator'], Holds>> = {
  less: (number, constant) => number < constant,
  lessEqual: (number, constant) => number <= constant,
  greater: (number, constant) => number > constant,
  greaterEqual: (number, constant) => number >= constant,
};

export function leadingLess(constants: Float64Array, number: number): number {
  return leading(constants, number, HOLDS.less);
}
export function leadingLessEqual(constants: Float64Array, number: number): number {
  return leading(constants, number, HOLDS.lessEqual);
}
export function leadingGreater(constants: Float64Array, number: number): number {
  return leading(constants, number, HOLDS.greater);
}
export function leadingGreaterEqual(constants: Float64Array, number: number): number {
  return leading(constants, number, HOLDS.greaterEqual);
}
