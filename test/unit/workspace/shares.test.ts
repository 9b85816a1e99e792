/** Units that partitions have in hand from the start. */
import { expect, test } from 'vitest';
import { leaseTerms } from '../../../src/machine/leases/lease-terms.ts';
import { sharesOf } from '../../../src/workspace/shares.ts';
import type { Campaign, Offer } from '../../../src/workspace/workspace.ts';
import { compiled, smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const small = compiled(smallWorkspace());
const offer = (id: string, budget: number | null): Offer => ({ ...(small.offers[0] as Offer), id, budget });
const campaign = (id: string, total: number | null, perDay: number | null): Campaign => ({
  ...(small.campaigns[0] as Campaign),
  id,
  limits: { total, perDay },
});

test('are half of each limit, dealt to all partitions, rounded down', () => {
  const workspace = {
    offers: [offer('a', 1000), offer('free', null), offer('none', 0), offer('few', 7)],
    campaigns: [campaign('c', 500, 90), campaign('d', null, 16), campaign('e', null, null)],
  };
  expect(sharesOf(workspace, {}, 4)).toEqual({
    'offer/a': 125,
    'offer/none': 0,
    'offer/few': 0,
    'total/c': 62,
    'day/c': 11,
    'day/d': 2,
  });
  expect(sharesOf(workspace, {}, 1)).toMatchObject({ 'offer/a': 500, 'offer/few': 3 });
});

test('never change, whether the limit does or its key goes and comes back', () => {
  const first = sharesOf({ offers: [offer('a', 1000)], campaigns: [campaign('c', 500, null)] }, {}, 4);
  const lowered = sharesOf({ offers: [offer('a', 10)], campaigns: [] }, first, 4);
  expect(lowered).toEqual(first);
  const back = sharesOf(
    { offers: [offer('a', null), offer('b', 80)], campaigns: [campaign('c', 9000, 8)] },
    lowered,
    4,
  );
  expect(back).toEqual({ ...first, 'offer/b': 10, 'day/c': 1 });
});

test('never exceed the limit that they were made from', () => {
  for (const partitions of [1, 3, 16, 256])
    for (const limit of [0, 1, 5, 31, 32, 1000]) {
      const shares = sharesOf({ offers: [offer('a', limit)], campaigns: [] }, {}, partitions);
      expect((shares['offer/a'] as number) * partitions).toBeLessThanOrEqual(limit / 2);
    }
});

test('go by the keys that are limited', () => {
  const workspace = { ...small, offers: [offer('a', 8)], campaigns: [campaign('c', 8, 8)] };
  expect(Object.keys(sharesOf(workspace, {}, 2))).toEqual([...leaseTerms(workspace).limits.keys()]);
});
