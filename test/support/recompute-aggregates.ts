/**
 * The aggregates of the demo workspace, recomputed the plain way from event NDJSON: every event is kept, and every value is worked out from all of them. It
 * imports nothing from src/, and knows of windows only what INTERFACE says: buckets of `resolution` aligned to the Unix epoch; at log time t the value
 * covers the bucket of t and the window / resolution − 1 before it.
 */

export interface PlainEvent {
  readonly id: string;
  readonly type: string;
  readonly customer?: string;
  readonly ts: string;
  readonly data: {
    readonly total?: number;
    readonly country?: string;
    readonly items?: readonly { readonly name: string }[];
  };
}

interface Observation {
  readonly ts: number;
  /** Ten-thousandths of a pound: whole, so that sums are exact whatever their order. */
  readonly total: number;
  readonly country: string;
  readonly hearts: boolean;
}

/** One customer's events of each type, in the order of delivery, each id once. */
export interface History {
  readonly receipt: Observation[];
  readonly cancelled: Observation[];
}

/** What a value is compared as. `money` in ten-thousandths; undefined: there is none. */
export type Expected = { readonly kind: 'exact' | 'money' | 'near'; readonly value: number | string | undefined };

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
export const MONEY_UNIT = 10_000;

export function historiesOf(events: Iterable<PlainEvent>): Map<string, History> {
  const histories = new Map<string, History>();
  const seen = new Set<string>();
  for (const { id, type, customer, ts, data } of events) {
    if (customer === undefined) continue;
    const identity = JSON.stringify([customer, type, id]);
    if (seen.has(identity)) continue;
    seen.add(identity);
    const history = histories.get(customer) ?? { receipt: [], cancelled: [] };
    histories.set(customer, history);
    if (type !== 'receipt' && type !== 'cancelled') continue;
    history[type].push({
      ts: Date.parse(ts),
      total: Math.round((data.total ?? 0) * MONEY_UNIT),
      country: data.country ?? '',
      hearts: (data.items ?? []).some(({ name }) => name.includes('HEART')),
    });
  }
  return histories;
}

function within(observations: readonly Observation[], now: number, window: number, resolution: number): Observation[] {
  const newest = Math.floor(now / resolution);
  const oldest = newest - window / resolution + 1;
  return observations.filter(
    ({ ts }) => Math.floor(ts / resolution) >= oldest && Math.floor(ts / resolution) <= newest,
  );
}

/** Every aggregate of src/demo/workspace/profile.yaml at log time `now`. */
export function aggregatesAt({ receipt, cancelled }: History, now: number): Record<string, Expected> {
  const month = within(receipt, now, 30 * DAY, DAY);
  const exact = (value: number | string | undefined): Expected => ({ kind: 'exact', value });
  const money = (value: number | undefined): Expected => ({ kind: 'money', value });
  const total = (observations: readonly Observation[]): number =>
    observations.reduce((sum, observation) => sum + observation.total, 0);
  const extreme = (pick: (...values: number[]) => number, observations: readonly Observation[]): number | undefined =>
    observations.length === 0 ? undefined : pick(...observations.map((observation) => observation.total));
  const byTime = [...receipt].sort((a, b) => a.ts - b.ts);
  return {
    receipts: exact(receipt.length),
    receipts_1d: exact(within(receipt, now, DAY, HOUR).length),
    receipts_7d: exact(within(receipt, now, 7 * DAY, HOUR).length),
    receipts_30d: exact(month.length),
    spend: money(total(receipt)),
    spend_30d: money(total(month)),
    average_receipt: {
      kind: 'near',
      value: receipt.length === 0 ? undefined : total(receipt) / MONEY_UNIT / receipt.length,
    },
    biggest_30d: money(extreme(Math.max, month)),
    smallest: money(extreme(Math.min, receipt)),
    first_seen: exact(byTime[0]?.ts),
    last_seen: exact(byTime.at(-1)?.ts),
    last_country: exact(byTime.at(-1)?.country),
    shopping_days_30d: exact(new Set(month.map(({ ts }) => dayOfYear(ts))).size),
    countries: exact(new Set(receipt.map(({ country }) => country)).size),
    heart_receipts: exact(receipt.filter(({ hearts }) => hearts).length),
    cancellations_30d: exact(within(cancelled, now, 30 * DAY, DAY).length),
    refunded: money(total(cancelled)),
    // The sample holds no feedback: the demo makes it while it runs.
    opened_30d: exact(0),
  };
}

/** UTC. */
function dayOfYear(ts: number): number {
  return Math.floor((ts - Date.UTC(new Date(ts).getUTCFullYear(), 0, 1)) / DAY);
}

/** Differences between what a node says and what it should, in words; empty if there are none. Timestamps come as RFC 3339. */
export function differences(
  expected: Readonly<Record<string, Expected>>,
  actual: Readonly<Record<string, unknown>>,
): string[] {
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...names].flatMap((name) => {
    const wanted = expected[name];
    const got = actual[name] ?? undefined;
    return wanted && isSame(wanted, got) ? [] : [`${name}: expected ${wanted?.value}, got ${JSON.stringify(got)}`];
  });
}

function isSame({ kind, value }: Expected, got: unknown): boolean {
  if (value === undefined || got === undefined) return value === got;
  if (typeof value === 'string') return value === got;
  const number = typeof got === 'string' ? Date.parse(got) : Number(got);
  if (kind === 'exact') return number === value;
  if (kind === 'money') return Math.round(number * MONEY_UNIT) === value;
  return Math.abs(number - value) <= Math.abs(value) * 1e-12;
}
