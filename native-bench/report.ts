/** What a run has to say, as one object: what `--json` prints and results.json holds. Every key of the bar table is there, whatever ran. */
import { BARS, isMet, missedBy, RATIO_KEYS } from './bars.ts';
import type { MachineDescription } from './machine-description.ts';
import type { Ratio, RatioKey } from './suite.ts';
import type { SuiteResult } from './suite-result.ts';

export interface BarRatio {
  /** null, with low and high, where it was not measured; `reason` says why. */
  readonly median: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly rounds: number;
  readonly unit: string;
  readonly bar: number;
  readonly wanted: 'at least' | 'at most';
  /** null where nothing is claimed: not measured, or a quick run. */
  readonly met: boolean | null;
  /** Share of the bar by which it was missed; null where nothing is claimed. */
  readonly missedBy: number | null;
  readonly about: string;
  readonly suite: string | null;
  readonly detail: string | null;
  readonly reason: string | null;
}

export interface Report {
  readonly machine: MachineDescription;
  readonly startedAt: string;
  readonly seconds: number;
  readonly quick: boolean;
  readonly ratios: Readonly<Record<RatioKey, BarRatio>>;
  readonly suites: Readonly<Record<string, Omit<SuiteResult, 'suite'> & { readonly about: string }>>;
}

export interface Run {
  readonly machine: MachineDescription;
  readonly startedAt: string;
  readonly seconds: number;
  readonly quick: boolean;
  readonly results: readonly SuiteResult[];
}

export function reportOf({ results, ...run }: Run): Report {
  return {
    ...run,
    ratios: Object.fromEntries(RATIO_KEYS.map((key) => [key, barRatio(key, results, run.quick)])) as Report['ratios'],
    suites: Object.fromEntries(results.map(({ suite, ...result }) => [suite.name, { about: suite.about, ...result }])),
  };
}

function barRatio(key: RatioKey, results: readonly SuiteResult[], quick: boolean): BarRatio {
  const bar = BARS[key];
  const common = { unit: bar.unit, bar: bar.value, wanted: bar.wanted, about: bar.about };
  // A suite that failed may have failed because its numbers are wrong.
  for (const result of results.filter(({ status }) => status === 'done')) {
    const ratio = result.ratios.find((candidate) => candidate.key === key);
    if (ratio !== undefined) return { ...measured(ratio, quick), ...common, suite: result.suite.name };
  }
  const due = results.find(({ suite }) => suite.ratios.includes(key));
  return {
    median: null,
    low: null,
    high: null,
    rounds: 0,
    met: null,
    missedBy: null,
    detail: null,
    ...common,
    suite: due?.suite.name ?? null,
    reason: due === undefined ? 'its suite did not run' : reasonOf(key, due),
  };

  function measured({ median, low, high, rounds, detail }: Ratio, quick: boolean) {
    const spread = { median, low, high, rounds };
    return {
      ...spread,
      met: quick ? null : isMet(bar, spread),
      missedBy: quick ? null : missedBy(bar, spread),
      detail,
      reason: null,
    };
  }
}

/** Why a suite that ran has no such ratio. */
function reasonOf(key: RatioKey, { status, error, skips }: SuiteResult): string {
  const own = skips.filter(({ what }) => what === key).map(({ why }) => why);
  if (own.length > 0) return own.join('; ');
  if (status === 'failed') return `its suite failed: ${(error ?? '').split('\n')[0]}`;
  const others = skips.map(({ what, why }) => `${what}: ${why}`);
  return others.length > 0 ? others.join('; ') : 'its suite did not report it';
}
