/** Customers in as many partitions as the engine would have for them by default, without a machine: for pieces of the state alone. */
import { CUSTOMERS_PER_PARTITION_DEFAULT } from '../../src/constants.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import type { ProfileLayout } from '../../src/state/layout.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { stateLimits } from '../../src/state/state-limits.ts';
import { assert } from '../../src/stdx/assert.ts';
import { customerId } from '../workload/kernel.ts';

/** Customer `n` is in partition `n % partitions`, as row `floor(n / partitions) + 1`. */
export function partitionsOf(
  customers: number,
  layout: ProfileLayout = { attributes: [], aggregates: [] },
): PartitionState[] {
  const limits = stateLimits(Math.min(customers, CUSTOMERS_PER_PARTITION_DEFAULT));
  const states = Array.from({ length: Math.ceil(customers / CUSTOMERS_PER_PARTITION_DEFAULT) }, () => {
    const state = new PartitionState(reserveMemory(limits), limits);
    const problem = state.configure(layout);
    assert(problem === null, problem ?? '');
    return state;
  });
  for (let n = 0; n < customers; n++) {
    const row = (states[n % states.length] as PartitionState).ensure(customerId(n));
    assert(row === Math.floor(n / states.length) + 1, `customer ${n} is in row ${row}`);
  }
  return states;
}
