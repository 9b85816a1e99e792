import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena, reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import { BLOCK_UNITS_MAX, BlockHeap, classOf, unitsOf } from '../../../src/state/block-heap.ts';

function heap(bytes: number): BlockHeap {
  const limits: StateLimits = {
    customersMax: 1,
    dictionaryEntriesMax: 1,
    dictionaryBytesMax: 1,
    blockBytesMax: bytes,
    eventIdsMax: 1,
  };
  return new BlockHeap(new Arena(reserveMemory(limits), limits), bytes);
}

/** Fills the heap with blocks of each size in turn, and frees them. */
function exhaust(blocks: BlockHeap, sizes: readonly number[]): void {
  for (const units of sizes) {
    const held: number[] = [];
    for (let ref = blocks.allocate(units); ref !== 0; ref = blocks.allocate(units)) held.push(ref);
    for (const ref of held) blocks.free(ref);
  }
}

describe('BlockHeap', () => {
  it('has for every size the smallest class that holds it', () => {
    const wrong = [];
    for (let units = 1; units <= BLOCK_UNITS_MAX; units++) {
      const blockClass = classOf(units);
      if (unitsOf(blockClass) < units || (blockClass > 0 && unitsOf(blockClass - 1) >= units)) wrong.push(units);
    }
    expect(wrong).toEqual([]);
  });

  it('never gives the same memory twice, and answers hasRoom and hasSpare truthfully', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ units: fc.integer({ min: 1, max: 60 }), free: fc.nat(20) })), (steps) => {
        const blocks = heap(1600);
        const held: { ref: number; units: number; mark: number }[] = [];
        let mark = 1;
        for (const { units, free } of steps) {
          const room = blocks.hasRoom(units, 0);
          const spare = blocks.hasSpare(1, units);
          const ref = blocks.allocate(units);
          expect(ref !== 0).toBe(room);
          if (spare) expect(ref).not.toBe(0);
          if (ref !== 0) {
            expect(blocks.units(ref)).toBeGreaterThanOrEqual(units);
            expect(blocks.count(ref)).toBe(0);
            blocks.doubles.fill(mark, ref + 1, ref + blocks.units(ref));
            blocks.setCount(ref, mark);
            held.push({ ref, units: blocks.units(ref), mark: mark++ });
          }
          const gone = held[free];
          if (gone !== undefined) {
            held.splice(free, 1);
            blocks.free(gone.ref);
          }
          for (const { ref: kept, units: size, mark: own } of held) {
            expect(blocks.count(kept)).toBe(own);
            expect(blocks.units(kept)).toBe(size);
            expect(blocks.doubles.subarray(kept + 1, kept + size).every((value) => value === own)).toBe(true);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('keeps two sizes apart when both come from the last room', () => {
    const blocks = heap(16 * 8);
    expect(blocks.hasRoom(8, 7)).toBe(true);
    expect(blocks.hasRoom(8, 8)).toBe(false);
    expect(blocks.hasRoom(0, 0)).toBe(true);
  });

  it('has room again after a peak, also for other sizes', () => {
    const blocks = heap(8000);
    const small: number[] = [];
    for (let ref = blocks.allocate(2); ref !== 0; ref = blocks.allocate(2)) small.push(ref);
    expect(small.length).toBe(499);
    expect(blocks.hasSpare(1, 5)).toBe(false);
    for (const ref of small) blocks.free(ref);
    expect(blocks.hasSpare(100, 5)).toBe(true);
    let large = 0;
    while (blocks.allocate(5) !== 0) large++;
    expect(large).toBe(199);
  });

  it('refuses at the same allocation with the counts of a snapshot, though its blocks lie elsewhere', () => {
    const blocks = heap(8000);
    exhaust(blocks, [2, 5, 6, 8]);
    const restored = heap(8000);
    restored.restoreCarved(blocks.carved);
    for (const each of [blocks, restored]) {
      for (let i = 0; i < 100; i++) expect(each.allocate(5)).not.toBe(0);
      let count = 0;
      while (each.allocate(7) !== 0) count++;
      // 998 + 995 + 996 + 992 of 4,000 units are carved: what is left has room for two.
      expect(count).toBe(2);
    }
  });

  it('says that it is full when all its places are those of other sizes', () => {
    const blocks = heap(8000);
    exhaust(blocks, [2, 5, 6, 8, 1]);
    expect([blocks.hasRoom(7, 0), blocks.hasRoom(0, 7), blocks.hasRoom(5, 7), blocks.hasSpare(1, 7)]).toEqual(
      new Array(4).fill(false),
    );
    expect(blocks.allocate(7)).toBe(0);
    expect(blocks.hasRoom(5, 2)).toBe(true);
    expect(blocks.allocate(5)).not.toBe(0);
  });
});
