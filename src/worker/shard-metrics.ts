/** What a shard counts, with the handles kept where they are used often. */
import type { EventCounts } from '../machine/effects.ts';
import type { SeriesRegistration } from '../telemetry/shared-series.ts';
import { type Counter, type Histogram, WorkerMetrics } from '../telemetry/worker-metrics.ts';
import type { CampaignTally } from './messages.ts';

/** Of one partition, since its beginning. */
interface PartitionTotals {
  readonly observationErrors: number;
  readonly invalidTimezones: number;
  readonly unmatchedFeedback: number;
}

export class ShardMetrics {
  readonly apply: Histogram;
  readonly decisionLatency: Histogram;
  readonly walFsync: Histogram;
  readonly walBytes: Counter;
  readonly snapshot: Histogram;
  readonly messagesSent: Counter;
  readonly messagesTaken: Counter;
  readonly #timerLag: Histogram;
  readonly #metrics: WorkerMetrics;
  readonly #events = new Map<string, Counter>();
  /** Counts already exposed, by series: tallies are totals, counters take differences. */
  readonly #exposed = new Map<string, number>();

  constructor(shared: SharedArrayBuffer, register: (registration: SeriesRegistration) => void) {
    this.#metrics = new WorkerMetrics(shared, register);
    this.apply = this.#metrics.histogram('beckon_apply_seconds', {});
    this.decisionLatency = this.#metrics.histogram('beckon_decision_latency_seconds', {});
    this.walFsync = this.#metrics.histogram('beckon_wal_fsync_seconds', {});
    this.walBytes = this.#metrics.counter('beckon_wal_bytes_total', {});
    this.snapshot = this.#metrics.histogram('beckon_snapshot_seconds', {});
    this.#timerLag = this.#metrics.histogram('beckon_timer_lag_seconds', {});
    this.messagesSent = this.#metrics.counter('beckon_messages_total', { direction: 'sent' });
    this.messagesTaken = this.#metrics.counter('beckon_messages_total', { direction: 'taken' });
  }

  /** What fell due at these times has happened. On NATS the server's clock says when: where it is ahead of this one's, that is no time less than nothing. */
  countFired(dueTimes: readonly number[], nowMs: number): void {
    for (const dueMs of dueTimes) this.#timerLag.observe(Math.max(0, nowMs - dueMs) / 1000);
  }

  countEvents(counts: EventCounts): void {
    counts.drain((type, outcome, count) => {
      const key = `${type}\n${outcome}`;
      let counter = this.#events.get(key);
      if (counter === undefined) {
        counter = this.#metrics.counter('beckon_events_total', { type, outcome });
        this.#events.set(key, counter);
      }
      counter.add(count);
    });
  }

  /** Brings the counters of campaigns up to the shard's books. Totals since the data began: they go on after a restart. */
  exposeCampaigns(tallies: readonly CampaignTally[]): void {
    for (const tally of tallies) {
      const { id: campaign, decided, suppressed, waiting, errors, valueErrors, messageErrors } = tally;
      for (const [channel, count] of Object.entries(decided)) {
        this.#raise(`decided\n${campaign}\n${channel}`, count, () =>
          this.#metrics.counter('beckon_decisions_total', { campaign, channel }),
        );
      }
      for (const [reason, count] of Object.entries(suppressed)) {
        this.#raise(`suppressed\n${campaign}\n${reason}`, count, () =>
          this.#metrics.counter('beckon_suppressed_total', { campaign, reason }),
        );
      }
      this.#raise(`errors\n${campaign}`, errors, () => this.#metrics.counter('beckon_rule_errors_total', { campaign }));
      this.#raise(`valueErrors\n${campaign}`, valueErrors, () =>
        this.#metrics.counter('beckon_value_errors_total', { campaign }),
      );
      this.#raise(`messageErrors\n${campaign}`, messageErrors, () =>
        this.#metrics.counter('beckon_message_errors_total', { campaign }),
      );
      this.#metrics.gauge('beckon_waiting', { campaign }).set(waiting);
      this.#exposeResponses(tally);
    }
  }

  #exposeResponses({ id: campaign, followUps, feedback }: CampaignTally): void {
    for (const [channel, count] of Object.entries(followUps.decided)) {
      this.#raise(`followUps\n${campaign}\n${channel}`, count, () =>
        this.#metrics.counter('beckon_follow_ups_total', { campaign, channel }),
      );
    }
    for (const [channel, variants] of Object.entries(feedback)) {
      // Variants are for GET /v1/campaigns: as a label they would multiply the series.
      const sums = new Map<string, number>();
      for (const counts of Object.values(variants))
        for (const [outcome, count] of Object.entries(counts)) sums.set(outcome, (sums.get(outcome) ?? 0) + count);
      for (const [outcome, count] of sums) {
        this.#raise(`feedback\n${campaign}\n${channel}\n${outcome}`, count, () =>
          this.#metrics.counter('beckon_feedback_total', { campaign, channel, outcome }),
        );
      }
    }
  }

  /** The same for what is counted by partition and belongs to no campaign. */
  exposeTotals(partitions: readonly PartitionTotals[]): void {
    let observationErrors = 0;
    let invalidTimezones = 0;
    let unmatchedFeedback = 0;
    for (const totals of partitions) {
      unmatchedFeedback += totals.unmatchedFeedback;
      observationErrors += totals.observationErrors;
      invalidTimezones += totals.invalidTimezones;
    }
    this.#raise('observationErrors', observationErrors, () =>
      this.#metrics.counter('beckon_observation_errors_total', {}),
    );
    this.#raise('invalidTimezones', invalidTimezones, () =>
      this.#metrics.counter('beckon_invalid_timezones_total', {}),
    );
    this.#raise('unmatchedFeedback', unmatchedFeedback, () =>
      this.#metrics.counter('beckon_unmatched_feedback_total', {}),
    );
  }

  exposePartition(partition: number, customers: number, memoryBytes: number, lagRecords: number): void {
    this.#metrics.gauge('beckon_customers', { partition }).set(customers);
    this.#metrics.gauge('beckon_memory_bytes', { partition }).set(memoryBytes);
    this.#metrics.gauge('beckon_log_lag_records', { partition }).set(lagRecords);
  }

  #raise(key: string, total: number, counter: () => Counter): void {
    const before = this.#exposed.get(key) ?? 0;
    if (total === before) return;
    counter().add(total - before);
    this.#exposed.set(key, total);
  }
}
