/** Numbers over rounds. */
import type { Spread } from '../suite.ts';

/** Of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
  return { median, low: sorted[0] as number, high: sorted.at(-1) as number, rounds: sorted.length };
}

/** Round by round: what is divided was measured next to what it is divided by. */
export function ratioOf(values: readonly number[], by: readonly number[]): Spread {
  return spreadOf(values.map((value, i) => value / (by[i] as number)));
}
