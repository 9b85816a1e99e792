/**
 * The counting side: one per thread that counts (every shard worker, and the main thread for the gateway). Asking for a series with label values costs a map
 * lookup; keep the handle where it is used often. A handle's methods write one or two float slots: no message, no lock, no garbage.
 */
import { METRIC_SERIES_MAX, METRIC_SLOTS } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import {
  type CounterName,
  definitionOf,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricName,
} from './catalogue.ts';
import { FIRST_FREE_SLOT, fixedSlot, OVERFLOW_LABEL, type SeriesRegistration, seriesSlots } from './shared-series.ts';

export interface Counter {
  /** `count` ≥ 0. */
  add(count: number): void;
}

export interface Gauge {
  set(value: number): void;
  /** Not this thread's any more (a partition that moved away): the series disappears until it is set again. */
  clear(): void;
}

export interface Histogram {
  observe(seconds: number): void;
}

export class WorkerMetrics {
  readonly #slots: Float64Array;
  readonly #register: (registration: SeriesRegistration) => void;
  readonly #series = new Map<string, number>();
  readonly #seriesOf = new Map<MetricName, number>();
  #next = FIRST_FREE_SLOT;

  /**
   * @param shared from createSharedSeries(); this instance is its only writer.
   * @param register told of each new series, once; hands it to MetricsExposition.register (by message, from a worker).
   */
  constructor(shared: SharedArrayBuffer, register: (registration: SeriesRegistration) => void) {
    this.#slots = new Float64Array(shared);
    assert(this.#slots.length === METRIC_SLOTS, 'metrics memory of another size');
    this.#register = register;
  }

  counter<Name extends CounterName>(name: Name, labels: LabelsOf<Name>): Counter {
    const slots = this.#slots;
    const slot = this.#slotOf(name, labels);
    return {
      add(count) {
        assert(count >= 0, 'a counter only goes up');
        slots[slot] = (slots[slot] as number) + count;
      },
    };
  }

  gauge<Name extends GaugeName>(name: Name, labels: LabelsOf<Name>): Gauge {
    const slots = this.#slots;
    const slot = this.#slotOf(name, labels);
    return {
      set(value) {
        slots[slot] = value;
      },
      clear() {
        slots[slot] = Number.NaN;
      },
    };
  }

  histogram<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>): Histogram {
    const slots = this.#slots;
    const slot = this.#slotOf(name, labels);
    const bounds = Float64Array.from(definitionOf(name).buckets ?? []);
    const sumSlot = slot + bounds.length + 1;
    return {
      observe(seconds) {
        let bucket = 0;
        while (bucket < bounds.length && seconds > (bounds[bucket] as number)) bucket++;
        slots[slot + bucket] = (slots[slot + bucket] as number) + 1;
        slots[sumSlot] = (slots[sumSlot] as number) + seconds;
      },
    };
  }

  #slotOf(name: MetricName, labels: Readonly<Record<string, string | number>>): number {
    const definition = definitionOf(name);
    if (definition.labels.length === 0) return fixedSlot(name);
    const labelValues = definition.labels.map((label) => {
      const value = labels[label];
      assert(value !== undefined, `${name}: label ${label} is missing`);
      return String(value);
    });
    const key = `${name}\n${labelValues.join('\n')}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    return this.#open(name, labelValues, key);
  }

  /** A full metric answers with its overflow series, and remembers nothing about the label values: memory stays bounded whatever they are. */
  #open(name: MetricName, labelValues: readonly string[], key: string): number {
    const width = seriesSlots(name);
    const opened = this.#seriesOf.get(name) ?? 0;
    if (opened >= METRIC_SERIES_MAX || this.#next + width > METRIC_SLOTS) return this.#overflow(name);
    const slot = this.#next;
    this.#next += width;
    this.#seriesOf.set(name, opened + 1);
    this.#series.set(key, slot);
    this.#register({ name, labelValues, slot });
    return slot;
  }

  #overflow(name: MetricName): number {
    const slot = fixedSlot(name);
    const key = `${name}\n${OVERFLOW_LABEL}`;
    if (!this.#series.has(key)) {
      this.#series.set(key, slot);
      this.#register({ name, labelValues: definitionOf(name).labels.map(() => OVERFLOW_LABEL), slot });
    }
    return slot;
  }
}
