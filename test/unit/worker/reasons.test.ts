import { expect, it } from 'vitest';
import { WHY_WAITING_MAX } from '../../../src/constants.ts';
import type { WhyOutcome } from '../../../src/protocol/why.ts';
import { partitionOf } from '../../../src/stdx/hash.ts';
import { Reasons } from '../../../src/worker/reasons.ts';
import type { Shards } from '../../../src/worker/shards.ts';

const question = { customer: 'ann', campaign: 'thanks', event: null, at: null };
const standing = { position: 7, knowsCustomer: true, otherCampaigns: null, listens: null };

it('explains up to where the shard is, so many at once, and has room again when one has ended', async () => {
  const asked: unknown[] = [];
  const waiting: ((outcome: WhyOutcome) => void)[] = [];
  const shards = {
    standing: (...about: unknown[]) => {
      asked.push(about);
      return Promise.resolve(standing);
    },
  } as unknown as Shards;
  const tasks: object[] = [];
  const reasons = new Reasons({
    shards,
    partitions: 16,
    dataDirectory: 'data',
    explain: (task) => {
      tasks.push(task);
      return new Promise((resolve) => waiting.push(resolve));
    },
  });
  const pending = Array.from({ length: WHY_WAITING_MAX }, () => reasons.why(question, 'json'));
  expect(reasons.why(question, 'json')).toBe(null);
  await expect.poll(() => waiting.length).toBe(WHY_WAITING_MAX);
  const partition = partitionOf('ann', 16);
  expect(asked[0]).toEqual([partition, 'ann', 'thanks']);
  expect(tasks[0]).toEqual({ dataDirectory: 'data', partition, question, format: 'json', standing });
  waiting[0]?.({ body: '{}' });
  expect(await pending[0]).toEqual({ body: '{}' });
  expect(reasons.why(question, 'text')).not.toBe(null);
});
