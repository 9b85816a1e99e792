/**
 * From a customer's id to their row, at random, at 10⁴ to 10⁷ customers; beside it a Map of strings, which is what a program would use otherwise.
 * Ids come as bytes of a message and become a string first, on both sides: a string that was looked up before remembers its hash, in V8, and an
 * event's never was. What that alone takes is the case `id`.
 */

import { assert } from '../../src/stdx/assert.ts';
import { Prng } from '../../src/stdx/prng.ts';
import type { Bench, Suite } from '../suite.ts';
import { customerId } from '../workload/kernel.ts';
import { runCases } from './cases.ts';
import { partitionsOf } from './partitions.ts';

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];
/** A Map of ten million strings takes more than a gigabyte and half a minute. */
const MAP_CUSTOMERS_MAX = 1_000_000;
const LOOKUPS = 1000;
/** Ids that are looked up in turn: so many that what one of them touched is in no cache when its turn comes again. */
const IDS = 1_000_000;
const ID_BYTES = 12;

export const suite: Suite = {
  name: 'keys',
  about: 'customer id to row, at 10,000 to 10,000,000 customers',
  ratios: [],
  async run(bench) {
    const points: Record<'hit' | 'miss' | 'Map', { x: number; y: number }[]> = { hit: [], miss: [], Map: [] };
    for (const customers of bench.quick ? [1000] : SIZES) {
      bench.progress(`${customers} customers`);
      await measure(bench, customers, points);
    }
    for (const [name, series] of Object.entries(points))
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
      'Lookups of random customers, one after the other; the id as a string is made anew each time (case "id") and its time included.',
    );
  },
};

async function measure(
  bench: Bench,
  customers: number,
  points: Record<string, { x: number; y: number }[]>,
): Promise<void> {
  const states = partitionsOf(customers);
  const random = new Prng(7);
  const numbers = Int32Array.from({ length: IDS }, () => random.below(customers));
  const ids = Buffer.from(Array.from(numbers, customerId).join(''), 'latin1');
  // Of the same length, and unknown.
  const strangers = Buffer.from(ids.toString('latin1').replaceAll('c', 'x'), 'latin1');
  const partitionOf = Uint8Array.from(numbers, (number) => number % states.length);

  let next = 0;
  /** What a turn returns is used, or the compiler might leave the work out. */
  let sink = 0;
  const turn = (look: (i: number) => number) => () => {
    for (let i = 0; i < LOOKUPS; i++) {
      sink += look(next);
      next = next + 1 === IDS ? 0 : next + 1;
    }
  };
  const text = (bytes: Buffer, i: number) => bytes.toString('latin1', i * ID_BYTES, (i + 1) * ID_BYTES);
  const size = `${customers.toLocaleString('en')} customers`;
  const names = {
    id: `id, ${size}`,
    hit: `find, known, ${size}`,
    miss: `find, unknown, ${size}`,
    map: `Map, known, ${size}`,
  };
  const cases = [
    { name: names.id, operations: LOOKUPS, run: turn((i) => text(ids, i).length) },
    {
      name: names.hit,
      operations: LOOKUPS,
      run: turn((i) => (states[partitionOf[i] as number] as (typeof states)[0]).find(text(ids, i))),
    },
    {
      name: names.miss,
      operations: LOOKUPS,
      run: turn((i) => (states[partitionOf[i] as number] as (typeof states)[0]).find(text(strangers, i))),
    },
  ];
  const withMap = customers <= MAP_CUSTOMERS_MAX;
  if (withMap) {
    const map = new Map(Array.from({ length: customers }, (_, n) => [customerId(n), n + 1]));
    cases.push({ name: names.map, operations: LOOKUPS, run: turn((i) => map.get(text(ids, i)) ?? -1) });
  }
  const measured = await runCases(bench, cases);
  assert(sink > 0, 'lookups found nothing');
  points['hit']?.push({ x: customers, y: measured.spread(names.hit).median });
  points['miss']?.push({ x: customers, y: measured.spread(names.miss).median });
  if (!withMap) return;
  points['Map']?.push({ x: customers, y: measured.spread(names.map).median });
  bench.ratio({
    key: null,
    name: `lookup against Map, ${size}`,
    detail: 'lookups/s of find by those of Map.get, making the string included on both sides',
    ...measured.ratio(names.map, names.hit),
  });
}
