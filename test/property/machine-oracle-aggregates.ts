/** What the oracle's profile aggregates, each as YAML and as a recomputation over everything observed. */

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export interface Observation {
  readonly type: string;
  /** The time at which the event counts. */
  readonly ts: number;
  readonly total: number | null;
  readonly store: string | null;
}

interface OracleAggregate {
  readonly yaml: object;
  /** Throws when absent. */
  readonly mean: (observations: readonly Observation[], now: number) => number;
}

/** Those whose bucket is among the last windowMs / resolutionMs up to the one that holds now. */
function inWindow(
  observations: readonly Observation[],
  now: number,
  windowMs: number,
  resolutionMs: number,
): Observation[] {
  const bucket = (ts: number): number => Math.floor(ts / resolutionMs);
  return observations.filter(({ ts }) => bucket(ts) > bucket(now) - windowMs / resolutionMs);
}

const receipts = (observations: readonly Observation[]): Observation[] =>
  observations.filter(({ type }) => type === 'receipt');
const totals = (observations: readonly Observation[]): number[] =>
  receipts(observations).flatMap(({ total }) => total ?? []);
export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
function some(numbers: readonly number[]): readonly number[] {
  if (numbers.length === 0) throw new Error('absent');
  return numbers;
}

export const AGGREGATES: Readonly<
  Record<
    | 'n'
    | 'n_1d'
    | 'big_n'
    | 'spend_7d'
    | 'highest'
    | 'lowest_6h'
    | 'mean_6h'
    | 'first_total'
    | 'last_total'
    | 'stores'
    | 'stores_1d'
    | 'refunds',
    OracleAggregate
  >
> = {
  n: { yaml: { fn: 'count', event: 'receipt' }, mean: (all) => receipts(all).length },
  n_1d: {
    yaml: { fn: 'count', event: 'receipt', window: '24h' },
    mean: (all, now) => receipts(inWindow(all, now, DAY, HOUR)).length,
  },
  big_n: {
    yaml: { fn: 'count', event: 'receipt', when: 'event.total > 50.0' },
    mean: (all) => totals(all).filter((total) => total > 50).length,
  },
  spend_7d: {
    yaml: { fn: 'sum', event: 'receipt', value: 'event.total', window: '7d' },
    mean: (all, now) => sum(totals(inWindow(all, now, 7 * DAY, DAY))),
  },
  highest: {
    yaml: { fn: 'max', event: 'receipt', value: 'event.total' },
    mean: (all) => Math.max(...some(totals(all))),
  },
  lowest_6h: {
    yaml: { fn: 'min', event: 'receipt', value: 'event.total', window: '6h', resolution: '30m' },
    mean: (all, now) => Math.min(...some(totals(inWindow(all, now, 6 * HOUR, HOUR / 2)))),
  },
  mean_6h: {
    yaml: { fn: 'avg', event: 'receipt', value: 'event.total', window: '6h' },
    mean: (all, now) => {
      const numbers = some(totals(inWindow(all, now, 6 * HOUR, HOUR)));
      return sum(numbers) / numbers.length;
    },
  },
  first_total: {
    yaml: { fn: 'first', event: 'receipt', value: 'event.total' },
    mean: (all) => edge(all, (ts, held) => ts < held),
  },
  last_total: {
    yaml: { fn: 'last', event: 'receipt', value: 'event.total' },
    mean: (all) => edge(all, (ts, held) => ts >= held),
  },
  stores: {
    yaml: { fn: 'distinct', event: 'receipt', value: 'event.store' },
    mean: (all) => new Set(receipts(all).flatMap(({ store }) => store ?? [])).size,
  },
  stores_1d: {
    yaml: { fn: 'distinct', event: 'receipt', value: 'event.store', window: '24h' },
    mean: (all, now) => new Set(receipts(inWindow(all, now, DAY, HOUR)).flatMap(({ store }) => store ?? [])).size,
  },
  refunds: {
    yaml: { fn: 'count', event: 'refund' },
    mean: (all) => all.filter(({ type }) => type === 'refund').length,
  },
};

function edge(observations: readonly Observation[], replaces: (ts: number, held: number) => boolean): number {
  let held: Observation | null = null;
  for (const observation of receipts(observations)) {
    if (observation.total !== null && (held === null || replaces(observation.ts, held.ts))) held = observation;
  }
  if (held === null) throw new Error('absent');
  return held.total as number;
}
