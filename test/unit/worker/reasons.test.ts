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
    explain: (task, signal) => {
      tasks.push(task);
      return new Promise((resolve, reject) => {
        waiting.push(resolve);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
  });
  const leaving = new AbortController();
  const { signal } = leaving;
  const pending = Array.from({ length: WHY_WAITING_MAX }, () => reasons.why(question, 'json', signal));
  expect(reasons.why(question, 'json', signal)).toBe(null);
  await expect.poll(() => waiting.length).toBe(WHY_WAITING_MAX);
  const partition = partitionOf('ann', 16);
  expect(asked[0]).toEqual([partition, 'ann', 'thanks']);
  expect(tasks[0]).toEqual({ dataDirectory: 'data', partition, question, format: 'json', standing });
  waiting[0]?.({ body: '{}' });
  expect(await pending[0]).toEqual({ body: '{}' });
  const stays = new AbortController().signal;
  expect(reasons.why(question, 'text', stays)).not.toBe(null);
  expect(reasons.why(question, 'text', stays)).toBe(null);
  // Whoever has gone makes room.
  leaving.abort();
  await Promise.all(pending.slice(1).map((each) => expect(each).rejects.toThrow('aborted')));
  expect(reasons.why(question, 'text', stays)).not.toBe(null);
});
