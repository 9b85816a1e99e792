/** What became of a suite, and the messages by which its process tells. */
import type { Measurement, Ratio, Series, Suite } from './suite.ts';

export interface Skip {
  readonly what: string;
  readonly why: string;
}

export interface SuiteResult {
  readonly suite: Suite;
  /** `skipped`: nothing was measured, and `skips` says why. */
  readonly status: 'done' | 'failed' | 'skipped';
  readonly error: string | null;
  readonly seconds: number;
  readonly measurements: readonly Measurement[];
  readonly ratios: readonly Ratio[];
  readonly series: readonly Series[];
  readonly skips: readonly Skip[];
  readonly notes: readonly string[];
}

/** From a suite's process to the one that started it, in the order of what happened; `ended` is the last. */
export type SuiteMessage =
  | { readonly kind: 'measurement'; readonly measurement: Measurement }
  | { readonly kind: 'ratio'; readonly ratio: Ratio }
  | { readonly kind: 'series'; readonly series: Series }
  | { readonly kind: 'skip'; readonly skip: Skip }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'ended'; readonly error: string | null };
