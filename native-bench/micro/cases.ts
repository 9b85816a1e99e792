/**
 * Small pieces of code, measured with tinybench: every round runs each of them for a while, one after the other, and a case's number is the mean of a round
 * (garbage collection included), its spread the one over the rounds.
 */
import { Bench as TinyBench } from 'tinybench';
import { collectGarbage, Rounds } from '../measure.ts';
import type { Bench } from '../suite.ts';

export interface Case {
  readonly name: string;
  /** How many operations a call of `run` does; at least some hundred of the shortest ones, or the clock is what is measured. */
  readonly operations: number;
  readonly run: () => void;
  readonly detail?: string;
}

export interface CasesOptions {
  /** 5 by default; 1 in a quick run. */
  readonly rounds?: number;
  /** Of each case in each round; 100 by default, 10 in a quick run. */
  readonly timeMs?: number;
}

/** Reports ns per operation of every case; what it returns is for ratios between them. */
export async function runCases(bench: Bench, cases: readonly Case[], options: CasesOptions = {}): Promise<Rounds> {
  const rounds = bench.quick ? 1 : (options.rounds ?? 5);
  const time = bench.quick ? 10 : (options.timeMs ?? 100);
  const values = new Map(cases.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    bench.progress(`round ${round + 1} of ${rounds}`);
    collectGarbage();
    const tiny = new TinyBench({ time, warmupTime: time / 3, iterations: 1, warmupIterations: 1, throws: true });
    for (const { name, run } of cases) tiny.add(name, run);
    for (const [index, task] of (await tiny.run()).entries()) {
      const { name, operations } = cases[index] as Case;
      if (task.result.state !== 'completed') throw new Error(`${name}: ${task.result.state}`);
      (values.get(name) as number[]).push((task.result.latency.mean * 1e6) / operations);
    }
  }
  const measured = new Rounds(values);
  for (const { name, detail } of cases)
    bench.measurement({ name, unit: 'ns', ...measured.spread(name), ...(detail === undefined ? {} : { detail }) });
  return measured;
}
