import { expect, test } from 'vitest';
import { ReadQueue } from '../../../src/gateway/read-queue.ts';
import type { EncodedDecision } from '../../../src/protocol/decision.ts';
import type { DecisionSource } from '../../../src/protocol/decision-source.ts';

/** A source whose readings end when the test says so. */
function heldSource(): { source: DecisionSource; started: number[]; end: (failure?: Error) => void } {
  const started: number[] = [];
  const open: ((failure?: Error) => void)[] = [];
  const source: DecisionSource = {
    identity: 'x',
    positions: () => ({ first: [1], next: [100] }),
    subscribe: () => () => {},
    read: (_, from) => {
      started.push(from);
      return new Promise<readonly EncodedDecision[]>((resolve, reject) => {
        open.push((failure) => (failure === undefined ? resolve([]) : reject(failure)));
      });
    },
  };
  return { source, started, end: (failure) => open.shift()?.(failure) };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('so many at once, the others in the order in which they came; failures pass their place on too', async () => {
  const { source, started, end } = heldSource();
  const queue = new ReadQueue(source, 2);
  const outcomes = [1, 2, 3, 4].map((from) =>
    queue.read(0, from, 100, () => true).catch((error: Error) => error.message),
  );
  await settle();
  expect(started).toEqual([1, 2]);
  end();
  await settle();
  expect(started).toEqual([1, 2, 3]);
  end(new Error('EIO'));
  await settle();
  expect(started).toEqual([1, 2, 3, 4]);
  end();
  end();
  expect(await Promise.all(outcomes)).toEqual([[], 'EIO', [], []]);
  // All places are free again.
  void queue.read(0, 5, 100, () => true);
  void queue.read(0, 6, 100, () => true);
  await settle();
  expect(started).toEqual([1, 2, 3, 4, 5, 6]);
});

test('one whose subscriber has gone is not read', async () => {
  const { source, started, end } = heldSource();
  const queue = new ReadQueue(source, 1);
  void queue.read(0, 1, 100, () => true);
  const gone = queue.read(0, 2, 100, () => false);
  const next = queue.read(0, 3, 100, () => true);
  await settle();
  end();
  expect(await gone).toEqual([]);
  await settle();
  expect(started).toEqual([1, 3]);
  end();
  await next;
});
