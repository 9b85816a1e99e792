/** The demo's month through a running node, as `npm run demo` plays it: each evening waits for the day's decisions, and answers them. */
import { expect } from 'vitest';
import { DecisionWatch } from '../../src/demo/decision-watch.ts';
import { type readSample, replayMonth } from '../../src/demo/replay.ts';
import { isBalanced } from '../../src/demo/summary.ts';

/** @returns how many decisions were made, follow-ups of cascades among them. */
export async function playDemo(url: string, sample: Awaited<ReturnType<typeof readSample>>): Promise<number> {
  const watch = await DecisionWatch.open(url, () => {});
  const { sent, campaigns, rejects } = await replayMonth(url, sample, null, watch, null);
  watch.close();
  expect(rejects).toEqual([]);
  expect(sent).toMatchObject({ accepted: sample.length, rejected: 0 });
  expect(sent.answers).toBeGreaterThan(1000);
  expect(campaigns.every((row) => isBalanced(row, watch))).toBe(true);
  return campaigns
    .flatMap(({ decided, followUps }) => [...Object.values(decided), ...Object.values(followUps.decided)])
    .reduce((sum, count) => sum + count, 0);
}
