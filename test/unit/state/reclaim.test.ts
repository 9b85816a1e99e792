/** Blocks come back: of what expired, of what was dropped with its column, of anonymous events. */
import { describe, expect, it } from 'vitest';
import { reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import type { AggregateLayout, ProfileLayout } from '../../../src/state/layout.ts';
import { PartitionState } from '../../../src/state/partition-state.ts';
import { createStateParts } from '../../../src/state/state-parts.ts';
import { Prng } from '../../../src/stdx/prng.ts';

const DAY = 86_400_000;
const T = 20_000 * DAY;
const LIMITS: StateLimits = {
  customersMax: 500,
  dictionaryEntriesMax: 100,
  dictionaryBytesMax: 1000,
  blockBytesMax: 60_000,
  eventIdsMax: 1,
};

function windowed(slot: number, fn: AggregateLayout['fn'], valueType: AggregateLayout['valueType']): AggregateLayout {
  const name = `${fn}-${valueType}`;
  return { name, slot, fn, valueType, windowMs: 7 * DAY, resolutionMs: DAY, signature: name };
}

const WINDOWS: ProfileLayout = {
  attributes: [],
  aggregates: [
    windowed(0, 'count', null),
    windowed(1, 'avg', 'double'),
    windowed(2, 'distinct', 'double'),
    windowed(3, 'last', 'string'),
  ],
};
const NONE: ProfileLayout = { attributes: [], aggregates: [] };

/** Fills the heap with windows of many customers at log time T, until something finds no room. */
function fill(state: PartitionState): number {
  for (let i = 0; i < 500; i++) {
    const row = state.ensure(`customer-${i}`);
    state.beginChange(row);
    for (let slot = 0; slot < 4; slot++) {
      for (let day = 0; day < 1 + (i % 5); day++) {
        if (!state.observe(slot, row, T - day * DAY, T, i + day, 'x')) return i;
      }
    }
  }
  return 500;
}

/** Lets the sweep go round twice. */
function sweepAll(state: PartitionState): void {
  // Of an event from before all windows, nothing is kept.
  for (let i = 0; i < 8 * (2 * state.customers + 10); i++) state.observe(0, 0, 0, T, 0, '');
}

describe('reclaiming', () => {
  it('has all its memory again when everything has expired', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    expect(state.configure(WINDOWS)).toBeNull();
    const filled = fill(state);
    expect(filled).toBeGreaterThan(20);
    expect(filled).toBeLessThan(500);
    expect(state.hasRoom(1)).toBe(false);
    const row = state.ensure('customer-0');
    expect(state.observe(0, row, T - 30 * DAY, T + 30 * DAY, 0, '')).toBe(true);
    sweepAll(state);
    expect(state.hasRoom(4)).toBe(true);
    expect(state.observe(2, row, T + 30 * DAY, T + 30 * DAY, 1, '')).toBe(true);
  });

  it('has room again when time passes, though every event is refused meanwhile', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    expect(state.configure(WINDOWS)).toBeNull();
    fill(state);
    for (let i = 0; i < 100; i++) expect(state.hasRoom(1)).toBe(false);
    state.passTime(T + 30 * DAY);
    let refused = 0;
    while (!state.makeRoom(4) && refused < 500) refused++;
    expect(refused).toBeLessThan(500);
  });

  it('leaves no block behind, of sets in buckets and of dropped columns neither', () => {
    const parts = createStateParts(reserveMemory(LIMITS), LIMITS);
    const { profile, blocks, keys } = parts;
    profile.configure(WINDOWS, 1, () => {});
    for (let i = 0; i < 20; i++) {
      const row = keys.intern(`customer-${i}`) + 1;
      for (let slot = 0; slot < 4; slot++) {
        for (let day = 0; day < 6; day++) profile.aggregate(slot).observe(row, T - day * DAY, T, i + day, 'x');
      }
    }
    const alive = (): number => blocks.heap.live.reduce((sum, count) => sum + count, 0);
    // A directory and four rings each, and a set for every bucket of the third.
    expect(alive()).toBe(20 * (5 + 6));
    for (let row = 1; row <= 10; row++) blocks.sweep(row, T + 3 * DAY);
    expect(alive()).toBe(10 * (5 + 4) + 10 * (5 + 6));
    for (let row = 1; row <= 10; row++) blocks.sweep(row, T + 30 * DAY);
    expect(alive()).toBe(10 * (5 + 6));
    profile.configure(NONE, 21, () => {});
    for (let row = 0; row <= 20; row++) blocks.sweep(row, T);
    expect(alive()).toBe(0);
    blocks.endPass();
    blocks.endPass();
    expect(blocks.ordinals.map(({ state }) => state)).toEqual([
      ...['live', 'live', 'live'],
      ...['free', 'free', 'free', 'free'],
    ]);
  });

  it('keeps the promise of hasRoom for every store of an event, while windows come and go', () => {
    const limits = { ...LIMITS, blockBytesMax: 150_000 };
    const state = new PartitionState(reserveMemory(limits), limits);
    expect(state.configure(WINDOWS)).toBeNull();
    const random = new Prng(7);
    let promised = 0;
    let refused = 0;
    for (let i = 0; i < 30_000; i++) {
      const logTime = T + i * 60_000;
      const row = state.ensure(`customer-${random.below(490)}`);
      if (!state.makeRoom(4)) {
        refused++;
        continue;
      }
      promised++;
      const time = logTime - random.below(7 * DAY);
      for (let slot = 0; slot < 4; slot++) expect(state.observe(slot, row, time, logTime, i % 300, 'x')).toBe(true);
    }
    expect(promised).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(1000);
  });

  it('frees the block of a list that is unset, emptied or replaced', () => {
    const { profile, blocks, keys } = createStateParts(reserveMemory(LIMITS), LIMITS);
    const list = { name: 'tags', slot: 0, type: 'list<string>', default: null } as const;
    profile.configure({ attributes: [list], aggregates: [] }, 1, () => {});
    const row = keys.intern('a') + 1;
    const alive = (): number => blocks.heap.live.reduce((sum, count) => sum + count, 0);
    for (const values of [['x'], ['x', 'y', 'z', 'x', 'y', 'z', 'x', 'y', 'z'], ['y']]) {
      expect(profile.attribute(0).setList(row, values)).toBe(true);
      expect(alive()).toBe(2);
    }
    expect(profile.attribute(0).setList(row, [])).toBe(true);
    expect(alive()).toBe(0);
    expect(profile.attribute(0).setList(row, ['x'])).toBe(true);
    profile.attribute(0).unset(row);
    expect(alive()).toBe(0);
  });

  it('can drop and add windows for ever without running out', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    for (let round = 0; round < 30; round++) {
      const aggregates = WINDOWS.aggregates.map((layout) => ({ ...layout, signature: `${layout.name} ${round}` }));
      expect(state.configure({ attributes: [], aggregates })).toBeNull();
      for (let i = 0; i < 20; i++) {
        const row = state.ensure(`customer-${i}`);
        for (let slot = 0; slot < 4; slot++) expect(state.observe(slot, row, T, T, i, 'x')).toBe(true);
      }
      sweepAll(state);
    }
  });

  it('makes no directory longer for a layout that was refused', () => {
    const { profile, blocks } = createStateParts(reserveMemory(LIMITS), LIMITS);
    expect(profile.configure(WINDOWS, 1, () => {})).toBeNull();
    const before = { units: blocks.directoryUnits, store: profile.storeUnitsMax };
    const attributes = Array.from({ length: 5000 }, (_, slot) => {
      return { name: `a${slot}`, slot, type: 'double', default: null } as const;
    });
    const aggregates = Array.from({ length: 200 }, (_, i) => ({
      ...windowed(5000 + i, 'count', null),
      signature: `new ${i}`,
    }));
    expect(profile.configure({ attributes, aggregates }, 1, () => {})).toMatch('more attributes and aggregates');
    expect({ units: blocks.directoryUnits, store: profile.storeUnitsMax }).toEqual(before);
  });

  it('frees what an anonymous event left', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    expect(state.configure(WINDOWS)).toBeNull();
    for (let i = 0; i < 5000; i++) {
      state.clearAnonymous();
      for (let slot = 0; slot < 4; slot++) expect(state.observe(slot, 0, T, T, i, 'x')).toBe(true);
    }
    expect(state.customers).toBe(0);
    expect(state.digest(T)).toBe('0'.repeat(16));
  });

  it('finds no room at the same call after a restoration, whatever was there before', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    expect(state.configure(WINDOWS)).toBeNull();
    expect(fill(state)).toBeLessThan(500);
    const later = T + 30 * DAY;
    state.observe(0, state.ensure('customer-0'), T, later, 0, '');
    sweepAll(state);
    const contacts = (target: PartitionState, each: number): number => {
      let added = 0;
      for (let i = 0; i < 500; i++) {
        const row = target.ensure(`customer-${i}`);
        target.beginChange(row);
        for (let k = 0; k < each; k++) {
          const room = target.contactRoom(row);
          expect(target.addContact(row, later, 0, 0, 0, k, -1, -1, -1)).toBe(room);
          if (room) added++;
        }
      }
      return added;
    };
    // Other mixtures of sizes, and none of them left.
    for (const each of [1, 2, 7, 11, 16]) {
      expect(contacts(state, each)).toBeGreaterThan(400);
      for (let row = 1; row <= state.customers; row++) state.forgetContacts(row, Number.POSITIVE_INFINITY);
    }
    const restored = new PartitionState(reserveMemory(LIMITS), LIMITS);
    const snapshot = state.beginSnapshot(later);
    for (let next = snapshot.step(); next !== null; next = snapshot.step())
      for (const section of next) restored.restore(section);
    restored.finishRestore();
    const added = contacts(state, 4);
    expect(contacts(restored, 4)).toBe(added);
    // Empty as it is, it has places for fewer than a fresh one: that is what a restoration must not forget.
    const fresh = new PartitionState(reserveMemory(LIMITS), LIMITS);
    expect(fresh.configure(WINDOWS)).toBeNull();
    expect(contacts(fresh, 4)).toBeGreaterThan(added);
  });

  it('goes on sweeping where it was when a snapshot began', () => {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    expect(state.configure(WINDOWS)).toBeNull();
    const filled = fill(state);
    const later = T + 30 * DAY;
    // Part of the rows have been swept, and a step is half due.
    for (let i = 0; i < filled * 4 + 5; i++) state.observe(0, 0, 0, later, 0, '');
    const restored = new PartitionState(reserveMemory(LIMITS), LIMITS);
    const snapshot = state.beginSnapshot(later);
    for (let next = snapshot.step(); next !== null; next = snapshot.step()) {
      for (const section of next) restored.restore(section);
    }
    restored.finishRestore();
    const answers = (target: PartitionState): boolean[] =>
      Array.from({ length: 3000 }, (_, i) => {
        const row = target.ensure(`newcomer-${i % 200}`);
        return row >= 0 && target.observe(2, row, later - (i % 7) * DAY, later, i, '');
      });
    const expected = answers(state);
    expect(answers(restored)).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set([true, false]));
  });
});
