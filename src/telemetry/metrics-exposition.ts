/**
 * The reading side: at every scrape, walks the shared memory of all counting threads, adds up the series that have the same labels, and lets prom-client
 * write the text. Between scrapes it costs nothing. Counters are sums of counters that only go up, so they only go up.
 */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { assert } from '../stdx/assert.ts';
import { definitionOf, type MetricName, metricNames } from './catalogue.ts';
import { fixedSlot, type SeriesRegistration, seriesSlots } from './shared-series.ts';

/** What prom-client's registry asks of a metric when it writes the exposition. */
interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface Series {
  readonly slots: Float64Array;
  readonly slot: number;
}

interface LabelledSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** One per thread that has it. */
  readonly parts: Series[];
}

export interface MetricsOptions {
  /** Node's own metrics (CPU, memory, event loop, garbage collection) beside ours. Default true. */
  readonly processMetrics?: boolean;
}

export class MetricsExposition {
  readonly #registry = new Registry();
  readonly #threads = new Map<number, Float64Array>();
  readonly #series = new Map<MetricName, Map<string, LabelledSeries>>();

  constructor(options: MetricsOptions = {}) {
    for (const name of metricNames) {
      this.#series.set(name, new Map());
      this.#registry.registerMetric(this.#collector(name));
    }
    if (options.processMetrics ?? true) collectDefaultMetrics({ register: this.#registry });
  }

  /** `thread` names the writer of `shared`: worker indices, and any other number (−1) for the main thread. */
  attachWorker(thread: number, shared: SharedArrayBuffer): void {
    assert(!this.#threads.has(thread), `metrics of thread ${thread} are attached already`);
    const slots = new Float64Array(shared);
    this.#threads.set(thread, slots);
    for (const name of metricNames) {
      if (definitionOf(name).labels.length === 0) this.#add(name, [], { slots, slot: fixedSlot(name) });
    }
  }

  /** A series that `thread` began; a series counts from its first observation, however late this is called. */
  register(thread: number, registration: SeriesRegistration): void {
    const slots = this.#threads.get(thread);
    assert(slots, `metrics of thread ${thread} are not attached`);
    assert(registration.slot + seriesSlots(registration.name) <= slots.length, 'metric slot out of range');
    this.#add(registration.name, registration.labelValues, { slots, slot: registration.slot });
  }

  async scrape(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #add(name: MetricName, labelValues: readonly string[], part: Series): void {
    const seriesOfMetric = this.#series.get(name);
    assert(seriesOfMetric, `no such metric: ${name}`);
    const key = labelValues.join('\n');
    const known = seriesOfMetric.get(key);
    if (known) {
      known.parts.push(part);
      return;
    }
    const labels = Object.fromEntries(definitionOf(name).labels.map((label, i) => [label, labelValues[i] ?? '']));
    seriesOfMetric.set(key, { labels, parts: [part] });
  }

  /** prom-client's metric classes keep their values themselves; ours are elsewhere, so this is the part of a metric that its registry reads. */
  #collector(name: MetricName): Metric {
    const { kind, help } = definitionOf(name);
    const metric = {
      name,
      help,
      type: kind,
      aggregator: 'sum',
      get: async () => ({ name, help, type: kind, values: this.#samples(name) }),
    };
    return metric as unknown as Metric;
  }

  #samples(name: MetricName): Sample[] {
    const samples: Sample[] = [];
    for (const { labels, parts } of this.#series.get(name)?.values() ?? []) {
      if (definitionOf(name).kind === 'histogram') samples.push(...histogramSamples(name, labels, parts));
      else samples.push(...plainSample(labels, parts));
    }
    return samples;
  }
}

function plainSample(labels: Sample['labels'], parts: readonly Series[]): Sample[] {
  const values = parts.map(({ slots, slot }) => slots[slot] as number).filter((value) => !Number.isNaN(value));
  return values.length === 0 ? [] : [{ labels, value: values.reduce((sum, value) => sum + value, 0) }];
}

function histogramSamples(name: MetricName, labels: Sample['labels'], parts: readonly Series[]): Sample[] {
  const bounds = definitionOf(name).buckets ?? [];
  const at = (offset: number): number =>
    parts.reduce((sum, { slots, slot }) => sum + (slots[slot + offset] as number), 0);
  const samples: Sample[] = [];
  let count = 0;
  for (let i = 0; i <= bounds.length; i++) {
    count += at(i);
    samples.push({ metricName: `${name}_bucket`, labels: { le: bounds[i] ?? '+Inf', ...labels }, value: count });
  }
  samples.push({ metricName: `${name}_sum`, labels, value: at(bounds.length + 1) });
  samples.push({ metricName: `${name}_count`, labels, value: count });
  return samples;
}
