/**
 * Every metric that Beckon exposes, in one list: what Prometheus is told about it, and what the code that counts is allowed to name.
 * Names carry base units; label values come from bounded sets (types, campaigns, channels, reasons, partitions), never from customers.
 */

export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending, without +Inf. */
  readonly buckets?: readonly number[];
}

/** 1-2.5-5 steps: about 30 % error on a quantile, which is what a latency alert needs, in few slots. Seconds. */
const MICROSECONDS = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5] as const;
const SUB_MILLISECOND = [1e-4, 2.5e-4, 5e-4] as const;
const MILLISECONDS = [1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2] as const;
const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export const catalogue = {
  beckon_events_total: {
    kind: 'counter',
    help: 'Events read from the log, by event type and outcome (accepted, repeated, or the reason of a rejection).',
    labels: ['type', 'outcome'],
  },
  beckon_decisions_total: { kind: 'counter', help: 'Decisions made.', labels: ['campaign', 'channel'] },
  beckon_suppressed_total: {
    kind: 'counter',
    help: 'Matches that did not become a decision, each under the one reason that stopped it.',
    labels: ['campaign', 'reason'],
  },
  beckon_rule_errors_total: {
    kind: 'counter',
    help: 'Evaluations of a campaign predicate that ended in an error (an absent field, an overflow) and therefore were false.',
    labels: ['campaign'],
  },
  beckon_value_errors_total: {
    kind: 'counter',
    help: 'Evaluations of a campaign value that ended in an error or in no finite number and therefore ranked as 0.',
    labels: ['campaign'],
  },
  beckon_message_errors_total: {
    kind: 'counter',
    help: 'Decisions whose message could not be rendered and therefore is null.',
    labels: ['campaign'],
  },
  beckon_observation_errors_total: {
    kind: 'counter',
    help: 'Observations left out of an aggregate because its when or value ended in an error or in a number too large for it.',
    labels: [],
  },
  beckon_invalid_timezones_total: {
    kind: 'counter',
    help: 'Quiet hours read in the zone of the workspace because the timezone of the customer is not a known one.',
    labels: [],
  },
  beckon_waiting: {
    kind: 'gauge',
    help: 'Matches that wait for something before they are decided.',
    labels: ['campaign'],
  },
  beckon_follow_ups_total: {
    kind: 'counter',
    help: 'Decisions on the next channel of a cascade. They are not among beckon_decisions_total.',
    labels: ['campaign', 'channel'],
  },
  beckon_feedback_total: {
    kind: 'counter',
    help: 'Feedback on decisions, each outcome counted once per decision.',
    labels: ['campaign', 'channel', 'outcome'],
  },
  beckon_unmatched_feedback_total: {
    kind: 'counter',
    help: 'Feedback on decisions that are not among the contacts of its customer: forgotten, or never made for them.',
    labels: [],
  },
  beckon_apply_seconds: {
    kind: 'histogram',
    help: 'Time to apply one log record, with all the events in it, to the state.',
    labels: [],
    buckets: [...MICROSECONDS, ...SUB_MILLISECOND, ...MILLISECONDS, 0.1],
  },
  beckon_decision_latency_seconds: {
    kind: 'histogram',
    help: 'From the time the log gave a record to the moment its decisions are made and handed on, to the decision log or to JetStream.',
    labels: [],
    buckets: [...SUB_MILLISECOND, ...MILLISECONDS, ...SECONDS],
  },
  beckon_log_lag_records: {
    kind: 'gauge',
    help: 'Records in the log that are not applied yet.',
    labels: ['partition'],
  },
  beckon_timer_lag_seconds: {
    kind: 'histogram',
    help: 'From the moment that something fell due (a wait, a deferral, a chunk of a schedule) until it happened. Its count is how many did. Wall clock only.',
    labels: [],
    buckets: [...MILLISECONDS, ...SECONDS],
  },
  beckon_messages_total: {
    kind: 'counter',
    help: 'Messages between partitions about units of budgets and limits, by direction (sent, taken).',
    labels: ['direction'],
  },
  beckon_wal_fsync_seconds: {
    kind: 'histogram',
    help: 'Time of one group commit: one write and one fdatasync for every record that was waiting.',
    labels: [],
    buckets: [5e-5, ...SUB_MILLISECOND, ...MILLISECONDS, 0.1, 0.25, 0.5, 1],
  },
  beckon_wal_bytes_total: { kind: 'counter', help: 'Bytes written to the write-ahead log.', labels: [] },
  beckon_snapshot_seconds: {
    kind: 'histogram',
    help: 'From the start of a partition snapshot until it is valid; records go on being applied meanwhile.',
    labels: [],
    buckets: [1e-2, 2.5e-2, 5e-2, ...SECONDS, 25, 60],
  },
  beckon_customers: { kind: 'gauge', help: 'Customers with a profile.', labels: ['partition'] },
  beckon_memory_bytes: {
    kind: 'gauge',
    help: 'State memory in use (reserved memory that was never touched is not counted).',
    labels: ['partition'],
  },
  beckon_workspace_version: { kind: 'gauge', help: 'Version of the active workspace.', labels: [] },
  beckon_http_responses_total: {
    kind: 'counter',
    help: 'HTTP answers, by route pattern and status.',
    labels: ['route', 'status'],
  },
  beckon_subscribers: { kind: 'gauge', help: 'Open decision streams.', labels: [] },
  beckon_subscriber_lag_decisions: {
    kind: 'gauge',
    help: 'Decisions that the slowest subscriber has not been sent yet.',
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof catalogue;
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;
/** The labels of a metric, each with a value: `{partition: 7}`; `{}` for a metric without labels. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof catalogue)[Name]['labels'][number], string | number>
>;

type NamesOf<Kind extends MetricDefinition['kind']> = {
  [Name in MetricName]: (typeof catalogue)[Name]['kind'] extends Kind ? Name : never;
}[MetricName];

/** In the order of exposition. */
export const metricNames = Object.keys(catalogue) as readonly MetricName[];

export function definitionOf(name: MetricName): MetricDefinition {
  return catalogue[name];
}
