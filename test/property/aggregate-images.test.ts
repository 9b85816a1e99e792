/**
 * Images of aggregates: another partition's memory, with other codes and rows, that takes over what one has seen so far and then sees the rest, holds the same to the bit as one that saw
 * everything; and whatever bytes it is given, it says what is wrong with them and can still be cleared.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ImageOutcome } from '../../src/state/aggregate-image.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import type { ProfileLayout } from '../../src/state/layout.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { ByteReader, ByteWriter } from '../../src/stdx/bytes.ts';
import { layoutOf } from '../model/state-operations.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = 1_800_000_000_000;
const LIMITS = {
  customersMax: 100,
  dictionaryEntriesMax: 4000,
  dictionaryBytesMax: 1 << 20,
  blockBytesMax: 8 << 20,
  eventIdsMax: 100,
};
/** Every function over every kind of window. */
const ALL = Array.from({ length: 36 }, (_, index) => index);

interface Observation {
  readonly customer: string;
  readonly pick: number;
  readonly lagMs: number;
  readonly passMs: number;
  readonly number: number;
  readonly text: string;
  /** How many different values: sketches begin at 257. */
  readonly times: number;
}

const observation: fc.Arbitrary<Observation> = fc.record({
  customer: fc.constantFrom('a', 'b', 'ç', 'd'),
  pick: fc.nat({ max: 1000 }),
  lagMs: fc.oneof(fc.constant(0), fc.nat({ max: 9 * DAY })),
  passMs: fc.oneof(fc.constant(0), fc.nat({ max: 3 * HOUR }), fc.nat({ max: 3 * DAY })),
  number: fc.oneof(
    fc.integer({ min: -5, max: 5 }),
    fc.constantFrom(-0, 0.1, 1e300, 2 ** 53),
    fc.double({ noNaN: true }),
  ),
  text: fc.constantFrom('x', 'y', '', 'Ünïcode', '中文'),
  times: fc.constantFrom(1, 1, 1, 2, 40, 300),
});

function stateWith(layout: ProfileLayout): PartitionState {
  const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
  expect(state.configure(layout)).toBeNull();
  return state;
}

/** Returns the log time behind it. */
function observe(state: PartitionState, layout: ProfileLayout, each: Observation, before: number): number {
  const logTime = before + each.passMs;
  const row = state.ensure(each.customer);
  state.beginChange(row);
  const { slot } = layout.aggregates[each.pick % layout.aggregates.length] as { slot: number };
  for (let i = 0; i < each.times; i++)
    expect(state.observe(slot, row, logTime - each.lagMs, logTime, each.number + i, `${each.text}${i}`)).toBe(true);
  return logTime;
}

const choices = fc.uniqueArray(fc.constantFrom(...ALL), { minLength: 1, maxLength: 20 });

test('whoever takes over images goes on as if it had seen everything', () => {
  fc.assert(
    fc.property(
      choices,
      fc.array(observation, { maxLength: 40 }),
      fc.array(observation, { maxLength: 20 }),
      fc.nat({ max: 2 * DAY }),
      (aggregates, seen, rest, laterMs) => {
        const layout = layoutOf({ attributes: [0], aggregates });
        const slots = layout.aggregates.map(({ slot }) => slot);
        const twin = stateWith(layout);
        let logTime = START;
        for (const each of seen) logTime = observe(twin, layout, each, logTime);
        const images = twin.aggregateImages(slots);

        const other = stateWith(layout);
        other.ensure('somebody else');
        for (const text of ['q', 'x1', 'y0']) other.intern(text);
        for (const customer of ['d', 'ç', 'b', 'a']) {
          const row = twin.find(customer);
          const writer = new ByteWriter();
          if (row < 0 || !images.write(row, logTime, writer)) {
            expect(writer.length).toBe(0);
            continue;
          }
          const reader = new ByteReader(writer.bytes());
          // As it may be a while before they are taken over.
          const outcome = other.aggregateImages(slots).read(other.ensure(customer), logTime + laterMs, reader);
          expect([outcome, reader.remaining]).toEqual([ImageOutcome.stored, 0]);
        }
        for (const customer of ['somebody else', 'd', 'ç', 'b', 'a']) {
          twin.ensure(customer);
          other.ensure(customer);
        }
        logTime += laterMs;
        expect(other.digest(logTime)).toBe(twin.digest(logTime));
        for (const each of rest) {
          observe(other, layout, each, logTime);
          logTime = observe(twin, layout, each, logTime);
          expect(other.digest(logTime)).toBe(twin.digest(logTime));
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('whatever the bytes, they are refused or taken, and the columns can be cleared', () => {
  fc.assert(
    fc.property(
      choices,
      fc.array(observation, { minLength: 1, maxLength: 20 }),
      fc.infiniteStream(fc.nat()),
      (aggregates, seen, noise) => {
        const layout = layoutOf({ attributes: [], aggregates });
        const slots = layout.aggregates.map(({ slot }) => slot);
        const source = stateWith(layout);
        let logTime = START;
        for (const each of seen) logTime = observe(source, layout, each, logTime);
        const state = stateWith(layout);
        const empty = state.digest(logTime);
        for (let row = 1; row <= source.customers; row++) {
          const writer = new ByteWriter();
          if (!source.aggregateImages(slots).write(row, logTime, writer)) continue;
          const bytes = writer.copy();
          const random = (): number => noise.next().value as number;
          for (let i = 0; i < 3; i++) bytes[random() % bytes.length] = random() & 255;
          const cut = random() % 3 === 0 ? bytes.subarray(0, random() % bytes.length) : bytes;
          const target = state.ensure(source.customerOf(row));
          try {
            state.aggregateImages(slots).read(target, logTime, new ByteReader(cut));
          } catch (error) {
            expect(error instanceof RangeError || error instanceof TypeError).toBe(true);
          }
        }
        state.digest(logTime);
        // The columns go, with all that was put into them.
        expect(state.configure({ attributes: [], aggregates: [] })).toBeNull();
        const again = stateWith(layout);
        for (let row = 1; row <= state.customers; row++) again.ensure(state.customerOf(row));
        expect(state.configure(layout)).toBeNull();
        expect(state.digest(logTime)).toBe(again.digest(logTime));
        if (state.customers === 0) expect(state.digest(logTime)).toBe(empty);
        for (const each of seen) observe(state, layout, each, logTime);
      },
    ),
    { numRuns: 150 },
  );
});

test('a full memory is told', () => {
  const layout = layoutOf({ attributes: [], aggregates: ALL });
  const slots = layout.aggregates.map(({ slot }) => slot);
  const source = stateWith(layout);
  for (let pick = 0; pick < ALL.length; pick++)
    observe(source, layout, { customer: 'a', pick, lagMs: 0, passMs: 0, number: 1, text: 'x', times: 300 }, START);
  const writer = new ByteWriter();
  expect(source.aggregateImages(slots).write(1, START, writer)).toBe(true);
  for (const limits of [
    { ...LIMITS, blockBytesMax: 1024 },
    { ...LIMITS, dictionaryEntriesMax: 1 },
  ]) {
    const state = new PartitionState(reserveMemory(limits), limits);
    expect(state.configure(layout)).toBeNull();
    const outcome = state.aggregateImages(slots).read(state.ensure('a'), START, new ByteReader(writer.bytes()));
    expect(outcome).toBe(ImageOutcome.full);
  }
});
