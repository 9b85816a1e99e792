/**
 * How much more often those who were contacted met a goal than those who were held out: the ratio of the two shares,
 * less 1, with a 95 % interval. The interval is that of the logarithm of the risk ratio, which is nearly normal:
 * D. Katz, J. Baptista, S. P. Azen, M. C. Pike, "Obtaining confidence intervals for the risk ratio in cohort studies",
 * Biometrics 34 (1978), method C.
 */
import type { GoalArm } from '../machine/aftermath/campaign-responses.ts';

/** All null where a count is 0: there is no ratio, or no end to its interval. */
export interface Lift {
  /** 0.25: a quarter more often. */
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** The standard normal distribution leaves 2.5 % above it. */
const Z_95 = 1.959963984540054;

export function liftOf({ treated, held }: { readonly treated: GoalArm; readonly held: GoalArm }): Lift {
  if (treated.converted === 0 || held.converted === 0) return { lift: null, low: null, high: null };
  const ratio = treated.converted / treated.exposed / (held.converted / held.exposed);
  const error = Math.sqrt(uncertainty(treated) + uncertainty(held));
  const factor = Math.exp(Z_95 * error);
  return { lift: ratio - 1, low: ratio / factor - 1, high: ratio * factor - 1 };
}

/** Estimated variance of the logarithm of an arm's share. */
function uncertainty({ exposed, converted }: GoalArm): number {
  return 1 / converted - 1 / exposed;
}
