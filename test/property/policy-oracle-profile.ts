/** What the policy oracle's profile aggregates: YAML, and a recomputation over everything observed. */
import { DAY, type Fact, HOUR } from './policy-oracle-model.ts';

interface OracleAggregate {
  readonly yaml: object;
  /** Throws when absent. */
  readonly mean: (facts: readonly Fact[], now: number) => number;
}

/** Those whose bucket is among the last windowMs / resolutionMs up to the one that holds now. */
function inWindow(facts: readonly Fact[], now: number, windowMs: number, resolutionMs: number): Fact[] {
  const bucket = (ts: number): number => Math.floor(ts / resolutionMs);
  return facts.filter(({ ts }) => bucket(ts) > bucket(now) - windowMs / resolutionMs);
}

const ofType = (facts: readonly Fact[], type: string): Fact[] => facts.filter((fact) => fact.type === type);

export const AGGREGATES: Readonly<Record<string, OracleAggregate>> = {
  n: { yaml: { fn: 'count', event: 'receipt' }, mean: (all) => ofType(all, 'receipt').length },
  n_6h: {
    yaml: { fn: 'count', event: 'receipt', window: '6h' },
    mean: (all, now) => ofType(inWindow(all, now, 6 * HOUR, HOUR), 'receipt').length,
  },
  views: { yaml: { fn: 'count', event: 'view' }, mean: (all) => ofType(all, 'view').length },
  last_total: {
    yaml: { fn: 'last', event: 'receipt', value: 'event.total' },
    mean: (all) => {
      let last: Fact | null = null;
      for (const fact of ofType(all, 'receipt')) {
        if (fact.fields['total'] !== undefined && (last === null || fact.ts >= last.ts)) last = fact;
      }
      if (last === null) throw new Error('absent');
      return last.fields['total'] as number;
    },
  },
  opened: {
    yaml: { fn: 'count', event: '$feedback', when: 'event.outcome == "opened"' },
    mean: (all) => ofType(all, '$feedback').filter(({ fields }) => fields['outcome'] === 'opened').length,
  },
  answers_1d: {
    yaml: { fn: 'count', event: '$feedback', window: '24h' },
    mean: (all, now) => ofType(inWindow(all, now, DAY, HOUR), '$feedback').length,
  },
};
