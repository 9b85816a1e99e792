/** Lists of waiting customers, one per partition, put together. */
import { expect, test } from 'vitest';
import type { WaitingCustomer } from '../../../src/protocol/waiting.ts';
import { mergeWaiting } from '../../../src/worker/waiting-lists.ts';

function waiting(customer: string, since: number, until: number | null): WaitingCustomer {
  const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
  const event = { id: null, type: 'view' };
  return {
    customer,
    for: until === null ? 'budget' : 'wait',
    since: at(since),
    until: until === null ? null : at(until),
    event,
  };
}

test('the earliest due come first, then those that began first; without a due time last', () => {
  const lists = [
    { total: 30, customers: [waiting('a', 3, 10), waiting('b', 1, 20), waiting('c', 2, null)] },
    { total: 0, customers: [] },
    { total: 2, customers: [waiting('d', 2, 10), waiting('e', 1, null)] },
  ];
  const names = (limit: number): unknown[] => mergeWaiting(lists, limit).customers.map(({ customer }) => customer);
  expect(names(10)).toEqual(['d', 'a', 'b', 'e', 'c']);
  expect(names(2)).toEqual(['d', 'a']);
  expect(mergeWaiting(lists, 0)).toEqual({ total: 32, customers: [] });
});
