/** The bars that Beckon measures itself against, in the order in which they are printed. A bar holds if the median of a full run is on its right side. */
import type { RatioKey, Spread } from './suite.ts';

export interface Bar {
  readonly wanted: 'at least' | 'at most';
  readonly value: number;
  /** Empty for a plain ratio. */
  readonly unit: '' | '×' | 'ms' | 'B' | 's';
  readonly about: string;
}

export const BARS: Readonly<Record<RatioKey, Bar>> = {
  kernel_vs_cpp: bar('at least', 0.8, '×', 'the machine against C++ -O3 doing the same work: events/s'),
  drain_vs_empty: bar('at least', 0.5, '×', 'a stream through the whole engine against an empty consumer: events/s'),
  vs_tarantool: bar('at least', 20, '×', 'the same work in Tarantool (Lua procedure, WAL on): events/s'),
  rules_vs_zen: bar('at least', 100, '×', '1,000 rules, per evaluation, against @gorules/zen-engine'),
  rules_vs_json_rules_engine: bar('at least', 1000, '×', '1,000 rules, per evaluation, against json-rules-engine'),
  scan_vs_duckdb: bar('at least', 5, '×', 'an audience of 10 M customers counted, against DuckDB on as many threads'),
  scan_vs_cpp: bar('at least', 0.8, '×', 'the same scan against C++ -O3 -march=native'),
  latency_vs_nats_p99: bar('at most', 3, '×', 'event published to decision received, p99, against a bare republisher'),
  decide_p99_ms: bar('at most', 5, 'ms', 'POST /v1/decide at 2,000/s, durable before the answer, p99'),
  wait_p99_ms: bar(
    'at most',
    20,
    'ms',
    'a wait that is due on an idle node to its decision at a WebSocket subscriber, p99',
  ),
  replay_vs_live: bar(
    'at least',
    1,
    '×',
    "a folder's history replayed, against the same events when they were live: events/s",
  ),
  bytes_per_customer: bar('at most', 200, 'B', 'resident bytes per customer at 10 M'),
  bytes_vs_redis: bar('at most', 0.25, '×', 'resident bytes per customer against a Redis hash'),
  restart_s: bar('at most', 15, 's', 'restart with 10 M customers'),
};

export const RATIO_KEYS = Object.keys(BARS) as RatioKey[];

function bar(wanted: Bar['wanted'], value: number, unit: Bar['unit'], about: string): Bar {
  return { wanted, value, unit, about };
}

export function isMet({ wanted, value }: Bar, { median }: Spread): boolean {
  return wanted === 'at least' ? median >= value : median <= value;
}

/** By which share of the bar the median is on its wrong side; 0 if it is met. */
export function missedBy(bar: Bar, spread: Spread): number {
  return isMet(bar, spread) ? 0 : Math.abs(spread.median - bar.value) / bar.value;
}
