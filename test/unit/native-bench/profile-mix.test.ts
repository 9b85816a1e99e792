/** The mix's messages are patched into templates: they must say what the functions of the customer's number say. */
import { unpack } from 'msgpackr';
import { expect, it } from 'vitest';
import { customerId } from '../../../native-bench/workload/kernel.ts';
import {
  boolOf,
  doubleOf,
  intOf,
  isActive,
  profileMixBatches,
  profileMixEvents,
  purchasesOf,
  wordOf,
} from '../../../native-bench/workload/profile-mix.ts';
import { partitionOf } from '../../../src/stdx/hash.ts';

interface MixEvent {
  readonly id: string;
  readonly type: string;
  readonly ts: number;
  readonly customer: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const CUSTOMERS = 1234;
const PARTITIONS = 3;
const DAY_MS = 86_400_000;

it('gives every customer a profile and the active ones their purchases, in the order of time, each in its partition', () => {
  const events: MixEvent[] = [];
  const lastTs = new Array<number>(PARTITIONS).fill(0);
  for (const { partition, payload, events: count } of profileMixBatches(CUSTOMERS, PARTITIONS)) {
    const batch = unpack(payload) as MixEvent[];
    expect(batch.length).toBe(count);
    for (const event of batch) {
      expect(partitionOf(event.customer, PARTITIONS)).toBe(partition);
      expect(event.ts).toBeGreaterThanOrEqual(lastTs[partition] as number);
      lastTs[partition] = event.ts;
    }
    events.push(...batch);
  }
  expect(events.length).toBe(profileMixEvents(CUSTOMERS));
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);

  for (let customer = 0; customer < CUSTOMERS; customer++) {
    const own = events.filter((event) => event.customer === customerId(customer));
    const kinds = [0, 1, 2, 3, 4, 5];
    const profile = Object.fromEntries([
      ...kinds.map((k) => [`d${k}`, doubleOf(customer, k)]),
      ...kinds.map((k) => [`s${k}`, wordOf(customer, k)]),
      ...kinds.map((k) => [`n${k}`, intOf(customer, k)]),
      ...kinds.map((k) => [`b${k}`, boolOf(customer, k)]),
    ]);
    expect(own[0]).toMatchObject({ type: '$profile', data: profile });
    const purchases = own.slice(1).map(({ ts, data }) => ({ day: Math.floor(Number(ts) / DAY_MS), ...data }));
    expect(purchases).toEqual(isActive(customer) ? purchasesOf(customer) : []);
  }
});
