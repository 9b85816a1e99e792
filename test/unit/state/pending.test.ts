import { describe, expect, it } from 'vitest';
import { PENDING_BYTES_MAX, PENDING_MAX, WAITS_ANONYMOUS_MAX, WAITS_PER_CUSTOMER_MAX } from '../../../src/constants.ts';
import { reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import { PartitionState } from '../../../src/state/partition-state.ts';

const LIMITS: StateLimits = {
  customersMax: 100,
  dictionaryEntriesMax: 10,
  dictionaryBytesMax: 100,
  blockBytesMax: 1 << 20,
  eventIdsMax: 1,
};
const NEVER = Number.POSITIVE_INFINITY;
const NONE = new Uint8Array();

function fresh(limits = LIMITS): PartitionState {
  return new PartitionState(reserveMemory(limits), limits);
}

function restored(state: PartitionState): PartitionState {
  const snapshot = state.beginSnapshot(0);
  const copy = fresh();
  for (let sections = snapshot.step(); sections !== null; sections = snapshot.step()) {
    for (const section of sections) copy.restore(section);
  }
  copy.finishRestore();
  expect(copy.digest(0)).toBe(state.digest(0));
  return copy;
}

/** Takes all entries in the order of their firing. */
function drain({ pending }: PartitionState): [number, number][] {
  const fired: [number, number][] = [];
  for (let next = pending.first(); next !== null; next = pending.first()) {
    expect(pending.nextDue).toBe(next.dueMs);
    fired.push([next.dueMs, next.number]);
    pending.remove(next.row, next.number);
  }
  return fired;
}

describe('pending entries', () => {
  it('keeps all of an entry, by row and ascending', () => {
    const state = fresh();
    const { pending } = state;
    const [a, b] = [state.ensure('a'), state.ensure('b')];
    expect(pending.has(a)).toBe(false);
    expect(pending.add(a, 1, 500, 3, 7, Uint8Array.of(1, 2, 3))).toBe(true);
    expect(pending.add(b, 2, 400, 255, -1, NONE)).toBe(true);
    expect(pending.add(a, 2 ** 40, NEVER, 0, 0, new Uint8Array(PENDING_BYTES_MAX).fill(9))).toBe(true);
    for (const { pending: held } of [state, restored(state)]) {
      expect(held.has(a)).toBe(true);
      expect(held.count).toBe(3);
      expect(held.list(a)).toEqual([
        { number: 1, row: a, dueMs: 500, kind: 3, campaign: 7, payload: Uint8Array.of(1, 2, 3) },
        {
          number: 2 ** 40,
          row: a,
          dueMs: NEVER,
          kind: 0,
          campaign: 0,
          payload: new Uint8Array(PENDING_BYTES_MAX).fill(9),
        },
      ]);
      expect(held.list(b)).toEqual([{ number: 2, row: b, dueMs: 400, kind: 255, campaign: -1, payload: NONE }]);
      expect([...held.entries()].map(({ number }) => number)).toEqual([1, 2, 2 ** 40]);
      expect(held.dueOf(a, 500).map(({ number }) => number)).toEqual([1]);
      expect(held.find(a, 2)).toBeNull();
      expect(held.find(b, 2)?.dueMs).toBe(400);
      expect(held.first()).toEqual({ row: b, number: 2, dueMs: 400 });
    }
  });

  it('fires by due time, then by number, and never what has no due time', () => {
    const state = fresh();
    const dues = [30, 10, 20, 10, NEVER, 10, 30, 5];
    dues.forEach((due, i) => {
      expect(state.pending.add(state.ensure(`customer-${i % 3}`), i + 1, due, 1, -1, NONE)).toBe(true);
    });
    state.pending.remove(state.find('customer-0'), 4);
    const order = [
      [5, 8],
      [10, 2],
      [10, 6],
      [20, 3],
      [30, 1],
      [30, 7],
    ];
    expect(drain(restored(state))).toEqual(order);
    expect(drain(state)).toEqual(order);
    expect(state.pending.nextDue).toBe(NEVER);
    expect(state.pending.count).toBe(1);
  });

  it('refuses without a trace what exceeds a bound', () => {
    const state = fresh();
    const { pending } = state;
    const row = state.ensure('a');
    expect(pending.add(row, 1, 1, 1, 1, new Uint8Array(PENDING_BYTES_MAX + 1))).toBe(false);
    expect(pending.has(row)).toBe(false);
    for (let number = 1; number <= WAITS_PER_CUSTOMER_MAX; number++) {
      expect(pending.add(row, number, number, 1, 1, NONE)).toBe(true);
    }
    const digest = state.digest(0);
    expect(pending.add(row, 5000, 1, 1, 1, NONE)).toBe(false);
    expect(state.digest(0)).toBe(digest);
    pending.remove(row, 7);
    expect(pending.add(row, 5000, 1, 1, 1, NONE)).toBe(true);
    expect(pending.count).toBe(WAITS_PER_CUSTOMER_MAX);
  });

  it('keeps what is pending for anonymous events while row 0 is cleared, and counts it in the digest', () => {
    const state = fresh();
    const before = state.digest(0);
    expect(state.recent.add(0, 1, 1, NONE, 4, 0)).toBe(true);
    expect(state.digest(0)).toBe(before);
    expect(state.pending.add(0, 1, NEVER, 3, 1, Uint8Array.of(5))).toBe(true);
    const digest = state.digest(0);
    expect(digest).not.toBe(before);
    state.clearAnonymous();
    expect(state.recent.list(0, 1)).toEqual([]);
    expect(state.pending.list(0)).toHaveLength(1);
    expect(state.digest(0)).toBe(digest);
    for (let number = 2; number <= WAITS_ANONYMOUS_MAX; number++) {
      expect(state.pending.add(0, number, NEVER, 3, 1, NONE)).toBe(true);
    }
    expect(state.pending.add(0, 9999, NEVER, 3, 1, NONE)).toBe(false);
    restored(state);
    for (const { number } of state.pending.entries()) state.pending.remove(0, number);
    expect(state.digest(0)).toBe(before);
  });

  it('holds so many in all, and has room again for one that goes', () => {
    const customers = Math.ceil(PENDING_MAX / WAITS_PER_CUSTOMER_MAX);
    const state = fresh({ ...LIMITS, customersMax: customers + 1, blockBytesMax: 1 << 27 });
    const { pending } = state;
    for (let i = 0; i <= customers; i++) state.ensure(`${i}`);
    for (let number = 1; number <= PENDING_MAX; number++) {
      if (!pending.add(1 + (number % customers), number, PENDING_MAX - number, 1, 1, NONE)) expect.unreachable();
    }
    const free = customers + 1;
    expect(pending.add(free, PENDING_MAX + 1, 1, 1, 1, NONE)).toBe(false);
    expect(pending.first()?.number).toBe(PENDING_MAX);
    pending.remove(1 + (PENDING_MAX % customers), PENDING_MAX);
    expect(pending.first()?.number).toBe(PENDING_MAX - 1);
    expect(pending.add(free, PENDING_MAX + 1, 1, 1, 1, NONE)).toBe(true);
  });

  it('keeps the queue small while entries come and go before they are due', () => {
    const state = fresh();
    const { pending } = state;
    const row = state.ensure('a');
    expect(pending.add(row, 1, 10, 1, 1, NONE)).toBe(true);
    for (let number = 2; number < 30_000; number++) {
      if (!pending.add(row, number, 1000 + (number % 7), 1, 1, Uint8Array.of(1))) expect.unreachable();
      pending.remove(row, number);
    }
    expect(pending.queueBytes).toBeLessThan(100_000);
    expect(drain(state)).toEqual([[10, 1]]);
    expect(pending.has(row)).toBe(false);
  });

  it('leaves out what goes, and what comes, while all entries are walked', () => {
    const state = fresh();
    const { pending } = state;
    for (let number = 1; number <= 9; number++) {
      expect(pending.add(state.ensure(`${number % 4}`), number, 100 - number, 1, 1, NONE)).toBe(true);
    }
    const seen: number[] = [];
    for (const { row, number } of pending.entries()) {
      seen.push(number);
      if (number === 3) {
        pending.remove(state.find('1'), 5);
        pending.remove(row, 3);
        expect(pending.add(row, 10, 1, 1, 1, NONE)).toBe(true);
      }
    }
    expect(seen).toEqual([1, 2, 3, 4, 6, 7, 8, 9]);
  });
});
