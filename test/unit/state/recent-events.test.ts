import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEQUENCE_EVENT_BYTES_MAX, SEQUENCE_EVENTS_MAX, SEQUENCE_RETENTION_MS } from '../../../src/constants.ts';
import { reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import { PartitionState } from '../../../src/state/partition-state.ts';

const LIMITS: StateLimits = {
  customersMax: 100,
  dictionaryEntriesMax: 10,
  dictionaryBytesMax: 100,
  blockBytesMax: 1 << 20,
  eventIdsMax: 1,
};
const T = 20_000 * 86_400_000;

function fresh(limits = LIMITS): PartitionState {
  return new PartitionState(reserveMemory(limits), limits);
}

describe('recent events', () => {
  it('holds what a plain list holds, in order of application, whatever is dropped', () => {
    const event = fc.record({
      ts: fc.integer({ min: 0, max: 1000 }),
      length: fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: SEQUENCE_EVENT_BYTES_MAX })),
      max: fc.oneof(fc.constant(SEQUENCE_EVENTS_MAX), fc.integer({ min: 1, max: 8 })),
      back: fc.oneof(fc.constant(2000), fc.integer({ min: 0, max: 1000 })),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200, size: 'max' }), (events) => {
        const state = fresh();
        const row = state.ensure('a');
        let twin: { ts: number; type: number; payload: Uint8Array }[] = [];
        events.forEach(({ ts, length, max, back }, n) => {
          const payload = new Uint8Array(length).fill(n);
          expect(state.recent.add(row, T + ts, n, payload, max, T + ts - back)).toBe(true);
          twin = twin.filter((held) => held.ts >= T + ts - back).slice(1 - max || twin.length);
          twin.push({ ts: T + ts, type: n, payload });
          if (n % 16 === 0 || n === events.length - 1) expect(state.recent.list(row, T)).toEqual(twin);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('refuses what is too large, and what finds no room, without a trace', () => {
    const limits = { ...LIMITS, blockBytesMax: 4000 };
    const state = fresh(limits);
    const row = state.ensure('a');
    expect(state.recent.add(row, T, 1, new Uint8Array(SEQUENCE_EVENT_BYTES_MAX + 1), 64, 0)).toBe(false);
    expect(state.recent.list(row, T)).toEqual([]);
    let added = 0;
    while (state.recent.add(row, T + added, 1, new Uint8Array(500), 64, 0)) added++;
    expect(added).toBeGreaterThan(1);
    expect(added).toBeLessThan(8);
    expect(state.recent.list(row, T)).toHaveLength(added);
    // Where the bound lets an old one go, its place is enough.
    expect(state.recent.add(row, T + added, 2, new Uint8Array(500), added, 0)).toBe(true);
    expect(state.recent.list(row, T).map(({ ts }) => ts - T)).toEqual(Array.from({ length: added }, (_, i) => i + 1));
  });

  it('finds nothing that no sequence can reach, and gives its memory back', () => {
    const state = fresh();
    const row = state.ensure('a');
    const empty = state.digest(T);
    expect(state.recent.add(row, T, 1, Uint8Array.of(1), 64, 0)).toBe(true);
    expect(state.recent.add(row, T + 1, -1, Uint8Array.of(2), 64, 0)).toBe(true);
    expect(state.recent.list(row, T + SEQUENCE_RETENTION_MS)).toHaveLength(2);
    expect(state.recent.list(row, T + SEQUENCE_RETENTION_MS + 1)).toHaveLength(1);
    const later = T + SEQUENCE_RETENTION_MS + 2;
    expect(state.recent.list(row, later)).toEqual([]);
    expect(state.digest(later)).toBe(empty);
    expect(state.digest(later - 1)).not.toBe(state.digest(later - 2));
    // An aggregate's observations pace the sweep.
    const aggregate = { name: 'n', slot: 0, fn: 'count', valueType: null, windowMs: null, resolutionMs: 0 } as const;
    expect(state.configure({ attributes: [], aggregates: [{ ...aggregate, signature: 'n' }] })).toBeNull();
    state.recent.expire(row, later - 1);
    expect(state.recent.list(row, T)).toHaveLength(2);
    for (let i = 0; i < 300; i++) state.observe(0, 0, later, later, 0, '');
    expect(state.recent.list(row, T)).toEqual([]);
  });
});
