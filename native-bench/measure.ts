/**
 * Measuring sides against each other. In every round each side has its turn, in the same order (A B A B …), so that whatever else the machine does meets them
 * alike; a ratio is taken within each round, and what is told is the median over the rounds with the lowest and the highest.
 */
import { strict as assert } from 'node:assert';
import type { Spread } from './suite.ts';

export interface Side {
  readonly name: string;
  /** Before each turn, outside of the measurement. */
  prepare?(): void | Promise<void>;
  /** One turn; returns what was measured. */
  run(): number | Promise<number>;
}

export interface MeasureOptions {
  readonly rounds: number;
  /** Rounds that are not counted: code gets compiled, caches fill. 1 by default. */
  readonly warmUps?: number;
  /** Hears of every round before it begins; the first `warmUps` count from below zero. */
  readonly onRound?: (round: number) => void;
}

/** What each side measured, round by round. */
export class Rounds {
  readonly #values: ReadonlyMap<string, readonly number[]>;

  constructor(values: ReadonlyMap<string, readonly number[]>) {
    this.#values = values;
  }

  values(side: string): readonly number[] {
    const values = this.#values.get(side);
    assert(values !== undefined, `no side "${side}"`);
    return values;
  }

  spread(side: string): Spread {
    return spreadOf(this.values(side));
  }

  /** `side` divided by `base`, within each round. */
  ratio(side: string, base: string): Spread {
    return ratioSpread(this.values(side), this.values(base));
  }
}

/** Of whatever the sides return: a p99 in ms, a rate. */
export async function measureValues(
  sides: readonly Side[],
  { rounds, warmUps = 1, onRound }: MeasureOptions,
): Promise<Rounds> {
  const values = new Map(sides.map((side) => [side.name, [] as number[]]));
  assert(values.size === sides.length, 'sides have names of their own');
  assert(rounds > 0);
  for (let round = -warmUps; round < rounds; round++) {
    onRound?.(round);
    for (const side of sides) {
      await side.prepare?.();
      // One side's garbage is not collected at another's expense.
      collectGarbage();
      const value = await side.run();
      assert(Number.isFinite(value) && value > 0, `${side.name} measured ${value}`);
      if (round >= 0) (values.get(side.name) as number[]).push(value);
    }
  }
  return new Rounds(values);
}

/** A suite's process has --expose-gc. */
export function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

export function spreadOf(values: readonly number[]): Spread {
  assert(values.length > 0);
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return {
    median: sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2,
    low: sorted[0] as number,
    high: sorted[sorted.length - 1] as number,
    rounds: sorted.length,
  };
}

/** Of the rounds' own ratios: both sides of each come from the same minute. */
export function ratioSpread(values: readonly number[], bases: readonly number[]): Spread {
  assert(values.length === bases.length);
  return spreadOf(values.map((value, round) => value / (bases[round] as number)));
}
