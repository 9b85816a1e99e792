import { describe, expect, it } from 'vitest';
import { METRIC_SERIES_MAX } from '../../../src/constants.ts';
import { definitionOf, metricNames } from '../../../src/telemetry/catalogue.ts';
import { MetricsExposition } from '../../../src/telemetry/metrics-exposition.ts';
import { createSharedSeries, type SeriesRegistration } from '../../../src/telemetry/shared-series.ts';
import { WorkerMetrics } from '../../../src/telemetry/worker-metrics.ts';

function exposition(threads: number): { metrics: WorkerMetrics[]; scrape: () => Promise<string> } {
  const reader = new MetricsExposition({ processMetrics: false });
  const metrics = Array.from({ length: threads }, (_, thread) => {
    const shared = createSharedSeries();
    reader.attachWorker(thread, shared);
    return new WorkerMetrics(shared, (registration) => reader.register(thread, structuredClone(registration)));
  });
  return { metrics, scrape: async () => (await reader.scrape()).body };
}

/** The lines of one metric, without blank ones. */
function block(body: string, name: string): string[] {
  return body
    .split('\n')
    .filter(
      (line) => line.startsWith(`# HELP ${name} `) || line.startsWith(`# TYPE ${name} `) || line.startsWith(name),
    );
}

describe('catalogue', () => {
  it('holds every metric that INTERFACE promises, with these labels', () => {
    const promised: Record<string, string[]> = {
      beckon_events_total: ['type', 'outcome'],
      beckon_decisions_total: ['campaign', 'channel'],
      beckon_suppressed_total: ['campaign', 'reason'],
      beckon_waiting: ['campaign'],
      beckon_apply_seconds: [],
      beckon_decision_latency_seconds: [],
      beckon_log_lag_records: ['partition'],
      beckon_wal_fsync_seconds: [],
      beckon_snapshot_seconds: [],
      beckon_customers: ['partition'],
      beckon_memory_bytes: ['partition'],
      beckon_subscribers: [],
      beckon_subscriber_lag_decisions: [],
    };
    for (const [name, labels] of Object.entries(promised)) {
      const known = metricNames.find((candidate) => candidate === name);
      expect(known, name).toBeDefined();
      if (known) expect([...definitionOf(known).labels], name).toEqual(labels);
    }
  });

  it('follows the naming rules: base units, _total on counters only, ascending buckets on histograms only', () => {
    for (const name of metricNames) {
      const { kind, buckets, labels } = definitionOf(name);
      expect(name).toMatch(/^beckon_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(kind === 'counter');
      expect(buckets !== undefined, name).toBe(kind === 'histogram');
      if (kind === 'histogram') expect(name).toMatch(/_seconds$/);
      expect([...(buckets ?? [])]).toEqual([...new Set(buckets ?? [])].sort((a, b) => a - b));
      for (const label of labels) expect(['customer', 'id']).not.toContain(label);
    }
  });
});

describe('counting and exposition', () => {
  it('writes HELP, TYPE and every series, adding up the threads that count the same', async () => {
    const { metrics, scrape } = exposition(2);
    metrics[0]?.counter('beckon_events_total', { type: 'receipt', outcome: 'accepted' }).add(3);
    metrics[1]?.counter('beckon_events_total', { type: 'receipt', outcome: 'accepted' }).add(4);
    metrics[1]?.counter('beckon_events_total', { type: 'receipt', outcome: 'field_type' }).add(1);
    expect(block(await scrape(), 'beckon_events_total')).toEqual([
      '# HELP beckon_events_total Events read from the log, by event type and outcome (accepted, repeated, or the reason of a rejection).',
      '# TYPE beckon_events_total counter',
      'beckon_events_total{type="receipt",outcome="accepted"} 7',
      'beckon_events_total{type="receipt",outcome="field_type"} 1',
    ]);
  });

  it('shows unlabelled metrics from the start, as 0, and labelled ones once they are used', async () => {
    const { scrape } = exposition(1);
    const body = await scrape();
    expect(block(body, 'beckon_subscribers')).toContain('beckon_subscribers 0');
    expect(block(body, 'beckon_customers')).toEqual([
      '# HELP beckon_customers Customers with a profile.',
      '# TYPE beckon_customers gauge',
    ]);
  });

  it('keeps gauges per label set, and drops one that was cleared until it is set again', async () => {
    const { metrics, scrape } = exposition(2);
    const moved = metrics[0]?.gauge('beckon_customers', { partition: 3 });
    moved?.set(10);
    metrics[0]?.gauge('beckon_customers', { partition: 4 }).set(5);
    moved?.clear();
    expect(block(await scrape(), 'beckon_customers').slice(2)).toEqual(['beckon_customers{partition="4"} 5']);
    metrics[1]?.gauge('beckon_customers', { partition: 3 }).set(11);
    expect(block(await scrape(), 'beckon_customers').slice(2)).toEqual([
      'beckon_customers{partition="3"} 11',
      'beckon_customers{partition="4"} 5',
    ]);
  });

  it('makes cumulative buckets, with bounds included and +Inf equal to the count', async () => {
    const { metrics, scrape } = exposition(2);
    const first = metrics[0]?.histogram('beckon_snapshot_seconds', {});
    for (const seconds of [0.001, 0.01, 0.0100001, 59]) first?.observe(seconds);
    metrics[1]?.histogram('beckon_snapshot_seconds', {}).observe(1000);
    const lines = block(await scrape(), 'beckon_snapshot_seconds');
    expect(lines[1]).toBe('# TYPE beckon_snapshot_seconds histogram');
    expect(lines).toContain('beckon_snapshot_seconds_bucket{le="0.01"} 2');
    expect(lines).toContain('beckon_snapshot_seconds_bucket{le="0.025"} 3');
    expect(lines).toContain('beckon_snapshot_seconds_bucket{le="60"} 4');
    expect(lines).toContain('beckon_snapshot_seconds_bucket{le="+Inf"} 5');
    expect(lines).toContain('beckon_snapshot_seconds_count 5');
    expect(Number(lines.find((line) => line.startsWith('beckon_snapshot_seconds_sum'))?.split(' ')[1])).toBeCloseTo(
      1059.0210001,
      9,
    );
    const cumulative = lines.filter((line) => line.includes('_bucket')).map((line) => Number(line.split(' ')[1]));
    expect(cumulative).toEqual([...cumulative].sort((a, b) => a - b));
  });

  it('counts from the first observation, even when the registration arrives later', async () => {
    const shared = createSharedSeries();
    const onTheWay: SeriesRegistration[] = [];
    const metrics = new WorkerMetrics(shared, (registration) => onTheWay.push(registration));
    const counter = metrics.counter('beckon_decisions_total', { campaign: 'hearts', channel: 'push' });
    counter.add(2);
    const reader = new MetricsExposition({ processMetrics: false });
    reader.attachWorker(0, shared);
    expect(block((await reader.scrape()).body, 'beckon_decisions_total').slice(2)).toEqual([]);
    for (const registration of onTheWay) reader.register(0, registration);
    counter.add(1);
    expect(block((await reader.scrape()).body, 'beckon_decisions_total').slice(2)).toEqual([
      'beckon_decisions_total{campaign="hearts",channel="push"} 3',
    ]);
  });

  it('registers a series once, and escapes label values', async () => {
    const { metrics, scrape } = exposition(1);
    for (let i = 0; i < 3; i++)
      metrics[0]?.counter('beckon_decisions_total', { campaign: 'say "hi"\\\n', channel: 'push' }).add(1);
    expect(block(await scrape(), 'beckon_decisions_total').slice(2)).toEqual([
      'beckon_decisions_total{campaign="say \\"hi\\"\\\\\\n",channel="push"} 3',
    ]);
  });

  it('bounds the number of series: what comes after goes to one overflow series, and the total stays right', async () => {
    const { metrics, scrape } = exposition(1);
    const total = METRIC_SERIES_MAX + 50;
    for (let i = 0; i < total; i++) metrics[0]?.counter('beckon_rule_errors_total', { campaign: `c${i}` }).add(1);
    metrics[0]?.counter('beckon_rule_errors_total', { campaign: 'c0' }).add(1);
    const samples = block(await scrape(), 'beckon_rule_errors_total').slice(2);
    expect(samples).toHaveLength(METRIC_SERIES_MAX + 1);
    expect(samples).toContain('beckon_rule_errors_total{campaign="c0"} 2');
    expect(samples).toContain('beckon_rule_errors_total{campaign="_other"} 50');
    expect(samples.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(total + 1);
  });

  it('overflows when the slots run out as well, without touching other metrics', async () => {
    const { metrics, scrape } = exposition(1);
    let written = 0;
    for (const name of [
      'beckon_rule_errors_total',
      'beckon_decisions_total',
      'beckon_suppressed_total',
      'beckon_events_total',
      'beckon_http_responses_total',
    ] as const) {
      for (let i = 0; i < METRIC_SERIES_MAX; i++, written++) {
        const label = `${i}`;
        metrics[0]
          ?.counter(name, {
            campaign: label,
            channel: label,
            reason: label,
            type: label,
            outcome: label,
            route: label,
            status: label,
          })
          .add(1);
      }
    }
    const body = await scrape();
    const counted = body
      .split('\n')
      .filter((line) => line.startsWith('beckon_') && line.includes('{'))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    expect(counted).toBe(written);
    expect(body).toContain('_other');
    expect(block(body, 'beckon_subscribers')).toContain('beckon_subscribers 0');
  });

  it('refuses a negative step of a counter: that is a bug of ours', () => {
    const { metrics } = exposition(1);
    expect(() => metrics[0]?.counter('beckon_wal_bytes_total', {}).add(-1)).toThrow(/only goes up/);
  });

  it('adds process metrics and answers with the exposition content type', async () => {
    const { contentType, body } = await new MetricsExposition().scrape();
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(body).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(body).toMatch(/^nodejs_eventloop_lag_seconds /m);
  });
});
