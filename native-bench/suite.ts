/**
 * What a suite is, and what it tells. Every number worth a claim is a ratio: both sides in one run, interleaved, the median over rounds with its spread.
 * A suite that lacks what it compares with says so through `skip` and goes on.
 */

/** A bar of DESIGN.md's table. The keys are stable: `--json` prints them under `ratios`. */
export type RatioKey =
  | 'kernel_vs_cpp'
  | 'drain_vs_empty'
  | 'vs_tarantool'
  | 'rules_vs_zen'
  | 'rules_vs_json_rules_engine'
  | 'scan_vs_duckdb'
  | 'scan_vs_cpp'
  | 'latency_vs_nats_p99'
  | 'decide_p99_ms'
  | 'wait_p99_ms'
  | 'replay_vs_live'
  | 'bytes_per_customer'
  | 'bytes_vs_redis'
  | 'restart_s';

/** A number with its spread over rounds. A single measurement has low = median = high. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

/** One line of a suite's table. `unit` as in `events/s`, `ns`, `ms`, `B`. */
export interface Measurement extends Spread {
  readonly name: string;
  readonly unit: string;
  /** What else a reader must know: sizes, settings, what is not included. */
  readonly detail?: string;
}

export interface Ratio extends Spread {
  /** null: no bar of its own; then `name` alone tells it apart. */
  readonly key: RatioKey | null;
  readonly name: string;
  /** What is divided by what. */
  readonly detail: string;
}

/** One line of a chart: y over x. */
export interface Series {
  readonly chart: string;
  readonly name: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** What a suite asks from and reports to. */
export interface Bench {
  /** A smoke run: the smallest sizes, a second or two for the suite, no claims. */
  readonly quick: boolean;
  /** A folder of this suite's own, removed afterwards. */
  readonly folder: string;
  measurement(measurement: Measurement): void;
  ratio(ratio: Ratio): void;
  series(series: Series): void;
  /** Something that could not be measured, and why (not installed, no compiler): a notice, never a failure. `what` may be a RatioKey. */
  skip(what: string, why: string): void;
  note(text: string): void;
  /** One line of progress on a terminal. */
  progress(text: string): void;
}

export interface Suite {
  readonly name: string;
  /** One line for `npm run bench -- --help`. */
  readonly about: string;
  /** The bars that it is to report; those that it does not report are printed as null, with what it skipped as the reason. */
  readonly ratios: readonly RatioKey[];
  /** Runs in a process of its own, started with --expose-gc; whatever it starts ends with it, unless it is detached. */
  run(bench: Bench): Promise<void>;
}
