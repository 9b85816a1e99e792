/** Rules that random campaigns choose from. None is of a shape that an index takes up: rules that are passed over count no errors. */
import type { Rule, Scope, ScoreParts } from './policy-oracle-model.ts';
import { present } from './policy-oracle-world.ts';

const field = <T>(scope: Scope, of: 'event' | 'trigger', name: string): T =>
  present(scope[of].fields[name] as T | undefined);
const total = (scope: Scope, of: 'event' | 'trigger' = 'event'): number => field(scope, of, 'total');
const sku = (scope: Scope, of: 'event' | 'trigger' = 'event'): string => field(scope, of, 'sku');
const outcome = (scope: Scope): string => field(scope, 'event', 'outcome');

export const ALWAYS: Rule<boolean> = { cel: 'true', mean: () => true };

/** Of the profile alone. */
const PROFILE_RULES: readonly Rule<boolean>[] = [
  ALWAYS,
  ALWAYS,
  ALWAYS,
  { cel: 'profile.n >= 2', mean: (scope) => scope.aggregate('n') >= 2 },
  { cel: 'profile.n_6h < 3', mean: (scope) => scope.aggregate('n_6h') < 3 },
  { cel: 'segment.buyer', mean: (scope) => scope.aggregate('n') >= 1 },
  { cel: "profile.country == 'FR'", mean: (scope) => scope.attribute('country') === 'FR' },
  { cel: '!has(profile.country)', mean: (scope) => !scope.has('country') },
  { cel: 'profile.opened >= 1', mean: (scope) => scope.aggregate('opened') >= 1 },
  { cel: 'profile.answers_1d < 2', mean: (scope) => scope.aggregate('answers_1d') < 2 },
];

const OWN_RULES: Readonly<Record<string, readonly Rule<boolean>[]>> = {
  receipt: [
    { cel: 'event.total > 50.0', mean: (scope) => total(scope) > 50 },
    { cel: 'trigger.total > 20.0', mean: (scope) => total(scope, 'trigger') > 20 },
    { cel: 'profile.last_total == event.total', mean: (scope) => scope.aggregate('last_total') === total(scope) },
  ],
  view: [
    { cel: "event.sku != 'A'", mean: (scope) => sku(scope) !== 'A' },
    { cel: 'profile.views >= 2', mean: (scope) => scope.aggregate('views') >= 2 },
  ],
  $feedback: [
    {
      cel: "event.outcome == 'opened' || event.outcome == 'failed'",
      mean: (s) => ['opened', 'failed'].includes(outcome(s)),
    },
    { cel: "event.campaign != 'a'", mean: (scope) => field(scope, 'event', 'campaign') !== 'a' },
    { cel: "has(event.offer) && event.offer == 'o1'", mean: (scope) => scope.event.fields['offer'] === 'o1' },
  ],
};

export function predicatesOf(type: string | null): readonly Rule<boolean>[] {
  return [...PROFILE_RULES, ...(type === null ? [] : (OWN_RULES[type] ?? []))];
}

/** Over the event that comes and the one that waits; for one that is only looked back at, such as never fail: how often they are asked is nobody's business. */
export function meetingsOf(event: string, trigger: string | null, mayFail: boolean): readonly (Rule<boolean> | null)[] {
  const rules: (Rule<boolean> | null)[] = [null, null];
  const hasSku = (type: string | null): boolean => type === 'receipt' || type === 'view';
  if (hasSku(event) && hasSku(trigger)) {
    if (mayFail) rules.push({ cel: 'event.sku == trigger.sku', mean: (scope) => sku(scope) === sku(scope, 'trigger') });
    rules.push({
      cel: 'has(event.sku) && has(trigger.sku) && event.sku != trigger.sku',
      mean: ({ event: { fields: its }, trigger: { fields: other } }) =>
        its['sku'] !== undefined && other['sku'] !== undefined && its['sku'] !== other['sku'],
    });
  }
  if (event === 'receipt' && mayFail) rules.push({ cel: 'event.total > 50.0', mean: (scope) => total(scope) > 50 });
  if (event === '$feedback')
    rules.push({ cel: "event.outcome != 'delivered'", mean: (scope) => outcome(scope) !== 'delivered' });
  return rules;
}

export function valuesOf(type: string | null): readonly Rule<number>[] {
  const rules: Rule<number>[] = [
    { cel: '7', mean: () => 7 },
    { cel: 'profile.n', mean: (scope) => scope.aggregate('n') },
    { cel: 'profile.last_total', mean: (scope) => scope.aggregate('last_total') },
  ];
  if (type === 'receipt') rules.push({ cel: 'event.total * 0.5', mean: (scope) => total(scope) * 0.5 });
  return rules;
}

export const PROPENSITIES: readonly Rule<number>[] = [
  { cel: '0.5', mean: () => 0.5 },
  { cel: 'has(profile.country) ? 0.75 : 0.25', mean: (scope) => (scope.has('country') ? 0.75 : 0.25) },
  { cel: 'profile.last_total / 100.0', mean: (scope) => scope.aggregate('last_total') / 100 },
];

export const SCORES: readonly { readonly cel: string; readonly mean: (parts: ScoreParts) => number }[] = [
  { cel: 'value * propensity * weight', mean: (parts) => parts.value * parts.propensity * parts.weight },
  { cel: 'weight + priority', mean: (parts) => parts.weight + parts.priority },
  { cel: 'value / (priority - 1.0)', mean: (parts) => parts.value / (parts.priority - 1) },
];
