import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Arena, reserveMemory } from '../../../src/state/arena.ts';
import { RememberedDecisions } from '../../../src/state/remembered-decisions.ts';
import { ByteReader, ByteWriter } from '../../../src/stdx/bytes.ts';

const MAX = 20_000;
const LIMITS = {
  customersMax: 1,
  dictionaryEntriesMax: 1,
  dictionaryBytesMax: 1,
  blockBytesMax: 64,
  eventIdsMax: MAX,
};

function decisions(): RememberedDecisions {
  return new RememberedDecisions(new Arena(reserveMemory(LIMITS), LIMITS), MAX);
}

it('finds the decisions of the last ids, of however many and wherever the ring is when it grows, and after runs were read', () => {
  const steps = fc.array(
    fc.record({
      ids: fc.integer({ min: 1, max: 4000 }),
      every: fc.integer({ min: 1, max: 9 }),
      kept: fc.integer({ min: 1, max: MAX }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5000 }), (turns, runLength) => {
      const ring = decisions();
      const twin = new Map<number, number>();
      let entry = 0;
      let oldest = 0;
      const agrees = (held: RememberedDecisions): boolean => {
        for (let at = oldest; at < entry; at++)
          if (held.firstOf(at) !== (twin.get(at) ?? 0) || held.countOf(at) !== (twin.has(at) ? at + 1 : 0))
            return false;
        return true;
      };
      for (const { ids, every, kept } of turns) {
        for (let i = 0; i < ids; i++, entry++) {
          oldest = Math.max(oldest, entry + 1 - kept);
          ring.dropBefore(oldest);
          if (entry % every !== 0) continue;
          ring.add(entry, entry * 3 + 1, entry + 1);
          twin.set(entry, entry * 3 + 1);
        }
        expect(agrees(ring)).toBe(true);
      }
      const copy = decisions();
      for (let first = oldest; first < entry; first += runLength) {
        const writer = new ByteWriter();
        ring.writeRun(writer, first, Math.min(entry, first + runLength));
        const reader = new ByteReader(writer.copy());
        copy.readRun(reader, first);
        expect(reader.remaining).toBe(0);
      }
      expect(agrees(copy)).toBe(true);
    }),
    { numRuns: 60 },
  );
});
