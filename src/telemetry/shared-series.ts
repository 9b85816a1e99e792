/**
 * Where series live: one SharedArrayBuffer of Float64 slots per counting thread, laid out from the catalogue alone, so that the thread that counts and
 * the thread that reads agree without talking.
 *
 *   [ for every metric in the catalogue's order: its fixed series ][ series with label values, in the order they were first used ]
 *
 * The fixed series of a metric without labels is its only one. That of a metric with labels is its overflow: where observations go once the
 * metric has METRIC_SERIES_MAX series or the slots are used up, exposed with every label `_other`. Nothing is ever lost, only detail.
 *
 * A series is one slot (counter, gauge), or for a histogram one slot per bucket, one for +Inf, and one for the sum. Buckets are not cumulative here:
 * an observation touches two slots whatever the number of buckets; the reader adds them up.
 *
 * No Atomics: each buffer has exactly one writer, and an aligned 8-byte load or store is a single instruction on every platform that
 * Node runs on, so a reader sees the old or the new value and never half of one. (Atomics do not work on Float64Array anyway, and BigInt64 slots would make
 * garbage.) A reader may see a histogram's bucket before its sum; the next scrape has both.
 */
import { METRIC_SLOTS } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { definitionOf, type MetricName, metricNames } from './catalogue.ts';

/** A series with label values that a thread began to write; sent to whoever reads its buffer. Plain data. */
export interface SeriesRegistration {
  readonly name: MetricName;
  /** In the order of the definition's labels. */
  readonly labelValues: readonly string[];
  readonly slot: number;
}

export const OVERFLOW_LABEL = '_other';

/** Slots of one series. */
export function seriesSlots(name: MetricName): number {
  const { kind, buckets } = definitionOf(name);
  return kind === 'histogram' ? (buckets?.length ?? 0) + 2 : 1;
}

const fixedSlots = new Map<MetricName, number>();
let slotsUsed = 0;
for (const name of metricNames) {
  fixedSlots.set(name, slotsUsed);
  slotsUsed += seriesSlots(name);
}

/** First slot after the fixed series. */
export const FIRST_FREE_SLOT = slotsUsed;
assert(FIRST_FREE_SLOT < METRIC_SLOTS, 'the catalogue must leave room for labelled series');

/** Slot of a metric's fixed series. */
export function fixedSlot(name: MetricName): number {
  const slot = fixedSlots.get(name);
  assert(slot !== undefined, `no such metric: ${name}`);
  return slot;
}

/** The shared memory of one counting thread, zeroed; a gauge that was never set reads as 0 only once it is registered. */
export function createSharedSeries(): SharedArrayBuffer {
  return new SharedArrayBuffer(METRIC_SLOTS * Float64Array.BYTES_PER_ELEMENT);
}
