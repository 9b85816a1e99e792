import { describe, expect, it } from 'vitest';
import { DISTINCT_EXACT_MAX, DISTINCT_REGISTERS } from '../../../src/constants.ts';
import { Arena, reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import { BlockHeap } from '../../../src/state/block-heap.ts';
import { DistinctSets } from '../../../src/state/distinct-set.ts';
import { addToRegisters, estimateCardinality, mergeRegisters } from '../../../src/state/hyperloglog.ts';
import { RowDigest } from '../../../src/state/row-digest.ts';
import { TextHash } from '../../../src/state/text-hash.ts';
import { Prng } from '../../../src/stdx/prng.ts';

/** Four standard errors: a right estimator fails one in 16,000 seeds, and these seeds are fixed. */
const TOLERANCE = (4 * 1.04) / Math.sqrt(DISTINCT_REGISTERS);

describe('HyperLogLog', () => {
  it.each([300, 1000, 5000, 20_000, 200_000, 2_000_000])('estimates %i values within its error', (count) => {
    const registers = new Uint8Array(DISTINCT_REGISTERS);
    const random = new Prng(count);
    for (let i = 0; i < count; i++) addToRegisters(registers, 0, random.uint32(), random.uint32());
    expect(Math.abs(estimateCardinality(registers, 0) / count - 1)).toBeLessThan(TOLERANCE);
  });

  it('spreads values that are not mixed: small integers as doubles', () => {
    const registers = new Uint8Array(DISTINCT_REGISTERS);
    const value = new Float64Array(1);
    const words = new Uint32Array(value.buffer);
    for (let i = 0; i < 10_000; i++) {
      value[0] = i;
      addToRegisters(registers, 0, words[0] as number, words[1] as number);
    }
    expect(Math.abs(estimateCardinality(registers, 0) / 10_000 - 1)).toBeLessThan(TOLERANCE);
  });

  it('estimates nothing for nothing, and the union for two', () => {
    const one = new Uint8Array(DISTINCT_REGISTERS);
    const two = new Uint8Array(DISTINCT_REGISTERS);
    expect(estimateCardinality(one, 0)).toBe(0);
    const both = new Uint8Array(DISTINCT_REGISTERS);
    for (let i = 0; i < 6000; i++) {
      if (i < 4000) addToRegisters(one, 0, i, 7);
      if (i >= 2000) addToRegisters(two, 0, i, 7);
      addToRegisters(both, 0, i, 7);
    }
    mergeRegisters(one, two, 0);
    expect(one).toEqual(both);
  });
});

describe('DistinctSets', () => {
  const limits: StateLimits = {
    customersMax: 1,
    dictionaryEntriesMax: 1,
    dictionaryBytesMax: 1,
    blockBytesMax: 1 << 16,
    eventIdsMax: 1,
  };
  const fresh = (): { heap: BlockHeap; sets: DistinctSets } => {
    const heap = new BlockHeap(new Arena(reserveMemory(limits), limits), limits.blockBytesMax);
    return { heap, sets: new DistinctSets(heap) };
  };
  const fill = (sets: DistinctSets, values: Iterable<number>): number => {
    let set = sets.create();
    for (const value of values) {
      set = sets.add(set, value, value * 7);
      expect(set).not.toBe(0);
    }
    return set;
  };
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  const digestOf = (sets: DistinctSets, set: number): number => {
    const digest = new RowDigest();
    digest.begin();
    digest.beginField(new TextHash());
    sets.digest(set, digest);
    digest.endField();
    return digest.low[0] as number;
  };

  it('is exact to the bound, and an estimate beyond it', () => {
    const { sets } = fresh();
    expect(sets.size(fill(sets, [...range(0, DISTINCT_EXACT_MAX), ...range(0, 50)]))).toBe(DISTINCT_EXACT_MAX);
    const beyond = sets.size(fill(sets, range(0, 3000)));
    expect(Math.abs(beyond / 3000 - 1)).toBeLessThan(TOLERANCE);
  });

  it('counts a union exactly to the bound, whatever overlaps', () => {
    const { heap, sets } = fresh();
    const at = heap.allocate(8);
    const put = (...list: number[]): number => {
      for (let i = 0; i < list.length; i++) heap.doubles[at + 1 + i] = list[i] as number;
      return sets.unionSize(at + 1, list.length);
    };
    expect(put(fill(sets, range(0, 200)), 0, fill(sets, range(100, 256)))).toBe(256);
    const estimate = put(fill(sets, range(0, 200)), fill(sets, range(100, 400)), fill(sets, range(390, 1000)));
    expect(Math.abs(estimate / 1000 - 1)).toBeLessThan(TOLERANCE);
    expect(put(0, 0)).toBe(0);
  });

  it('does not depend on the order of arrival', () => {
    const { sets } = fresh();
    for (const size of [10, DISTINCT_EXACT_MAX, 1000]) {
      const values = range(0, size);
      expect(digestOf(sets, fill(sets, values))).toBe(digestOf(sets, fill(sets, [...values].reverse())));
      expect(digestOf(sets, fill(sets, values))).not.toBe(digestOf(sets, fill(sets, range(1, size + 1))));
    }
  });

  it('refuses without a change when the heap is full', () => {
    const { heap, sets } = fresh();
    const set = fill(sets, range(0, 3));
    while (heap.allocate(2) !== 0 || heap.allocate(1) !== 0) {}
    const before = digestOf(sets, set);
    let refused = false;
    for (let value = 100; !refused; value++) refused = sets.add(set, value, 0) === 0;
    expect(refused).toBe(true);
    expect(sets.size(set)).toBeGreaterThanOrEqual(3);
    if (sets.size(set) === 3) expect(digestOf(sets, set)).toBe(before);
    for (const value of range(0, 3)) expect(sets.add(set, value, value * 7)).toBe(set);
  });
});
