import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena, reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import { EventIds } from '../../../src/state/event-ids.ts';
import { createIdSeed } from '../../../src/state/id-hash.ts';
import { ByteReader, ByteWriter } from '../../../src/stdx/bytes.ts';

const TYPE = createIdSeed('receipt');

function eventIds(max: number): EventIds {
  const limits: StateLimits = {
    customersMax: 1,
    dictionaryEntriesMax: 1,
    dictionaryBytesMax: 1,
    blockBytesMax: 64,
    eventIdsMax: max,
  };
  return new EventIds(new Arena(reserveMemory(limits), limits), max);
}

describe('EventIds', () => {
  it('tells rows, types and ids apart, wherever their letters are', () => {
    const ids = eventIds(10);
    ids.add(7, createIdSeed('bc'), 'd', 1, 1);
    expect(ids.find(7, createIdSeed('bc'), 'd')).toBe(0);
    expect(ids.find(7, createIdSeed('b'), 'cd')).toBe(-1);
    expect(ids.find(0, createIdSeed('bc'), 'd')).toBe(-1);
    expect(ids.find(-1, createIdSeed('bc'), 'd')).toBe(-1);
    expect(ids.find(0, createIdSeed(''), '')).toBe(-1);
  });

  it('remembers the last max ids in a table with long chains, and survives writing and reading, also into a larger memory', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 11 }),
        fc.array(fc.nat(40), { maxLength: 120 }),
        fc.nat(9),
        (max, numbers, more) => {
          const ids = eventIds(max);
          const twin: number[] = [];
          const known = (number: number): number => twin.lastIndexOf(number);
          for (const number of numbers) {
            if (known(number) >= 0) continue;
            ids.add(3, TYPE, `${number}`, number, number % 3);
            twin.push(number);
            if (twin.length > max) twin.shift();
            for (let other = 0; other <= 40; other++) {
              const place = ids.find(3, TYPE, `${other}`);
              expect(place >= 0, `${other} of ${twin}`).toBe(known(other) >= 0);
              if (place >= 0) expect([ids.firstDecision(place), ids.decisionCount(place)]).toEqual([other, other % 3]);
            }
          }
          const writer = new ByteWriter();
          ids.writeRun(writer, ids.oldestHeld, ids.total);
          const copy = eventIds(max + more);
          copy.readRun(new ByteReader(writer.copy()));
          copy.total = ids.total;
          copy.rebuild(ids.oldestHeld);
          for (let other = 0; other <= 40; other++) {
            const place = copy.find(3, TYPE, `${other}`);
            expect(place >= 0).toBe(known(other) >= 0);
            if (place >= 0) expect([copy.firstDecision(place), copy.decisionCount(place)]).toEqual([other, other % 3]);
          }
          for (let number = 100; number < 100 + max + more; number++) copy.add(3, TYPE, `${number}`, 0, 0);
          for (const number of twin) expect(copy.find(3, TYPE, `${number}`)).toBe(-1);
          for (let number = 100; number < 100 + max + more; number++) {
            expect(copy.find(3, TYPE, `${number}`)).toBeGreaterThanOrEqual(0);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
