/**
 * From a customer's id to their row, at random, at 10⁴ to 10⁷ customers: one by one, and by the batch as messages come, which the machine does; beside it a Map
 * of strings, which is what a program would use otherwise. Ids are bytes of a message. A Map needs a string made of them first, which is timed with it: a string
 * that was looked up before remembers its hash, in V8, and an event's never was. What making it takes is the case `id`.
 */
import { assert } from '../../src/stdx/assert.ts';
import { Prng } from '../../src/stdx/prng.ts';
import type { Bench, Suite } from '../suite.ts';
import { customerId, EVENTS_PER_BATCH } from '../workload/kernel.ts';
import { runCases } from './cases.ts';
import { partitionsOf } from './partitions.ts';

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];
/** A Map of ten million strings takes more than a gigabyte and half a minute. */
const MAP_CUSTOMERS_MAX = 1_000_000;
const BATCHES_PER_CALL = 20;
/** Batches that are looked up in turn, a million ids: what one of them touched is in no cache when its turn comes again. */
const BATCHES = 20_000;
const ID_BYTES = 12;

type Points = Map<string, { x: number; y: number }[]>;

export const suite: Suite = {
  name: 'keys',
  about: 'customer id to row, at 10,000 to 10,000,000 customers',
  ratios: [],
  async run(bench) {
    const points: Points = new Map();
    for (const customers of bench.quick ? [1000] : SIZES) {
      bench.progress(`${customers} customers`);
      await measure(bench, customers, points);
    }
    for (const [name, series] of points)
      bench.series({
        chart: 'lookup',
        name,
        xLabel: 'customers',
        yLabel: 'ns',
        logX: true,
        logY: false,
        points: series,
      });
    bench.note(
      'Random customers, in partitions of at most a million. "One by one" and "Map" make a string of the id first, "batch" reads its bytes.',
    );
  },
};

/** The ids of BATCHES batches as bytes, and how they are looked up; batch b is of partition b mod their number. */
class Lookups {
  readonly bytes: Buffer;
  readonly #starts = Int32Array.from({ length: EVENTS_PER_BATCH }, (_, i) => i * ID_BYTES);
  readonly #ends = this.#starts.map((start) => start + ID_BYTES);
  readonly #rows = new Int32Array(EVENTS_PER_BATCH);
  readonly #batches: readonly Uint8Array[];

  constructor(customers: number, partitions: number, prefix: 'c' | 'x') {
    const random = new Prng(7);
    const ids = Array.from({ length: BATCHES * EVENTS_PER_BATCH }, (_, i) => {
      const partition = Math.floor(i / EVENTS_PER_BATCH) % partitions;
      return customerId(partition + partitions * random.below(Math.floor(customers / partitions))).replace('c', prefix);
    });
    this.bytes = Buffer.from(ids.join(''), 'latin1');
    this.#batches = Array.from({ length: BATCHES }, (_, b) => this.bytes.subarray(this.#at(b), this.#at(b + 1)));
  }

  /** The sum of what `find` says to every id of a batch. */
  each(batch: number, find: (id: string) => number): number {
    let sum = 0;
    for (let at = this.#at(batch); at < this.#at(batch + 1); at += ID_BYTES)
      sum += find(this.bytes.toString('latin1', at, at + ID_BYTES));
    return sum;
  }

  together(batch: number, state: ReturnType<typeof partitionsOf>[0]): number {
    const rows = this.#rows;
    state.findBatch(this.#batches[batch] as Uint8Array, this.#starts, this.#ends, EVENTS_PER_BATCH, rows);
    return (rows[0] as number) + (rows[EVENTS_PER_BATCH - 1] as number);
  }

  #at(batch: number): number {
    return batch * EVENTS_PER_BATCH * ID_BYTES;
  }
}

async function measure(bench: Bench, customers: number, points: Points): Promise<void> {
  const states = partitionsOf(customers);
  const known = new Lookups(customers, states.length, 'c');
  const unknown = new Lookups(customers, states.length, 'x');
  const stateOf = (batch: number) => states[batch % states.length] as (typeof states)[0];
  const size = `${customers.toLocaleString('en')} customers`;
  /** What calls return is used, or the compiler might leave the work out. */
  let sink = 0;
  let next = 0;
  const caseOf = (what: string, look: (batch: number) => number) => ({
    name: `${what}, ${size}`,
    operations: BATCHES_PER_CALL * EVENTS_PER_BATCH,
    run: () => {
      for (let i = 0; i < BATCHES_PER_CALL; i++) {
        sink += look(next);
        next = (next + 1) % BATCHES;
      }
    },
  });
  const cases = [
    caseOf('id', (batch) => known.each(batch, (id) => id.length)),
    caseOf('one by one', (batch) => {
      const state = stateOf(batch);
      return known.each(batch, (id) => state.find(id));
    }),
    caseOf('batch', (batch) => known.together(batch, stateOf(batch))),
    caseOf('batch, unknown', (batch) => unknown.together(batch, stateOf(batch))),
  ];
  if (customers <= MAP_CUSTOMERS_MAX) {
    const map = new Map(Array.from({ length: customers }, (_, n) => [customerId(n), n + 1]));
    cases.push(caseOf('Map', (batch) => known.each(batch, (id) => map.get(id) as number)));
  }
  const measured = await runCases(bench, cases);
  assert(sink !== 0, 'lookups found nothing');
  for (const what of ['one by one', 'batch', 'batch, unknown', 'Map']) {
    if (what === 'Map' && customers > MAP_CUSTOMERS_MAX) continue;
    const line = points.get(what) ?? [];
    points.set(what, line);
    line.push({ x: customers, y: measured.spread(`${what}, ${size}`).median });
  }
  if (customers > MAP_CUSTOMERS_MAX) return;
  bench.ratio({
    key: null,
    name: `lookup against Map, ${size}`,
    detail: 'lookups/s in batches of 50, from bytes, by those of Map.get, from bytes by way of a string',
    ...measured.ratio(`Map, ${size}`, `batch, ${size}`),
  });
}
