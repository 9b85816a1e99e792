/** What the engine makes of the shards' counts. */
import { expect, test } from 'vitest';
import { NO_RESPONSES } from '../../../src/machine/aftermath/campaign-responses.ts';
import type { CampaignTally } from '../../../src/worker/messages.ts';
import { type EngineParts, NodeEngine } from '../../../src/worker/node-engine.ts';

const TALLY: CampaignTally = {
  ...{ id: 'a', matched: 40, decided: { push: 30 }, suppressed: { holdout: 10 }, waiting: 0 },
  ...{
    outrankedBy: {},
    shadow: { decided: {}, displaced: {} },
    skippedRuns: 0,
    errors: 0,
    valueErrors: 0,
    messageErrors: 0,
  },
  ...NO_RESPONSES,
  goal: { treated: { exposed: 30, converted: 6 }, held: { exposed: 10, converted: 1 } },
};

test('campaigns come with their lift, and those that nothing was counted for with zeros', async () => {
  const campaigns = [
    { id: 'a', status: 'live' },
    { id: 'b', status: 'draft' },
  ];
  const parts = { partitions: 1, shards: { campaigns: async () => [TALLY] }, publication: { current: { campaigns } } };
  const engine = new NodeEngine({ groups: null, ...parts } as unknown as EngineParts);
  const [a, b] = await engine.campaigns();
  expect(a).toMatchObject({ id: 'a', status: 'live', goal: { treated: { exposed: 30 }, held: { converted: 1 } } });
  expect(a?.goal.lift).toBeCloseTo(1, 10);
  expect(a?.goal.low).toBeLessThan(0);
  expect(a?.goal.high).toBeGreaterThan(1);
  expect(b).toMatchObject({ id: 'b', status: 'draft', matched: 0, goal: { lift: null, low: null, high: null } });
});
