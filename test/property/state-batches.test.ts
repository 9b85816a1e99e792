/**
 * The calls that take batches and bytes against those that take one string at a time, and against Maps; the compiled
 * observations and reads against `observe` and `gather`.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProfileFrame } from '../../src/protocol/frame.ts';
import { Arena, reserveMemory, type StateLimits } from '../../src/state/arena.ts';
import { EventIds } from '../../src/state/event-ids.ts';
import { createIdSeed, IdHash } from '../../src/state/id-hash.ts';
import type { AggregateLayout, AttributeLayout, ProfileLayout } from '../../src/state/layout.ts';
import { OBSERVATION_TAKEN } from '../../src/state/observations.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import { TextHash } from '../../src/state/text-hash.ts';

const DAY = 86_400_000;
const T = 20_000 * DAY + 5 * 3_600_000;
const LIMITS: StateLimits = {
  customersMax: 45,
  dictionaryEntriesMax: 400,
  dictionaryBytesMax: 40_000,
  blockBytesMax: 1 << 20,
  eventIdsMax: 11,
};
const RECEIPT = createIdSeed('receipt');
const VISIT = createIdSeed('visit');

/** Ids with common beginnings, of every length up to the longest. */
const id = fc.oneof(
  fc.nat(60).map((n) => `customer-${String(n).padStart(4, '0')}`),
  fc
    .tuple(fc.constantFrom('', 'a', 'customer-', 'x'.repeat(250)), fc.string({ maxLength: 6 }))
    .map((parts) => parts.join('')),
  fc.nat(256).map((length) => 'y'.repeat(length)),
);
const asciiId = id.filter((text) => text !== '' && text.length <= 256 && /^[\x20-\x7e]*$/.test(text));

interface Packed {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Strings one behind another at odd places, with other bytes between them. */
function pack(texts: readonly string[]): Packed {
  const starts = new Int32Array(texts.length);
  const ends = new Int32Array(texts.length);
  let all = '#';
  texts.forEach((text, i) => {
    starts[i] = all.length;
    all += text;
    ends[i] = all.length;
    all += '"}'.repeat(i % 3);
  });
  return { bytes: new TextEncoder().encode(all), starts, ends };
}

function frame(slots: number): ProfileFrame {
  return {
    number: new Float64Array(slots),
    text: new Array<string>(slots).fill(''),
    code: new Int32Array(slots).fill(-1),
    present: new Uint8Array(slots),
    list: new Array<readonly string[]>(slots).fill([]),
  };
}

describe('customers by batch', () => {
  it('finds what a Map finds, in tables that are full and wrap around, before and after a snapshot', () => {
    fc.assert(
      fc.property(fc.array(asciiId, { maxLength: 70 }), fc.array(asciiId, { maxLength: 150 }), (known, asked) => {
        const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
        const twin = new Map<string, number>();
        const packed = pack(known);
        known.forEach((customer, i) => {
          const fits = twin.has(customer) || twin.size < LIMITS.customersMax;
          if (fits && !twin.has(customer)) twin.set(customer, twin.size + 1);
          const row =
            i % 2 === 0
              ? state.ensureBytes(packed.bytes, packed.starts[i] as number, packed.ends[i] as number)
              : state.ensure(customer);
          expect(row).toBe(fits ? twin.get(customer) : -1);
        });
        const restored = new PartitionState(reserveMemory(LIMITS), LIMITS);
        const snapshot = state.beginSnapshot(T);
        for (let next = snapshot.step(); next !== null; next = snapshot.step())
          for (const section of next) restored.restore(section);
        restored.finishRestore();
        const questions = [...asked, ...known, ''];
        const { bytes, starts, ends } = pack(questions);
        for (const subject of [state, restored]) {
          const rows = new Int32Array(questions.length + 1).fill(77);
          subject.findBatch(bytes, starts, ends, questions.length, rows);
          expect([...rows]).toEqual([...questions.map((text) => (text === '' ? 0 : (twin.get(text) ?? -1))), 77]);
          for (const text of questions) if (text !== '') expect(subject.find(text)).toBe(twin.get(text) ?? -1);
          subject.touchRows(rows, questions.length);
        }
        expect([...twin].map(([, row]) => state.customerOf(row))).toEqual([...twin.keys()]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('event ids by batch', () => {
  it('remembers what a Map remembers, whichever form the ids come in', () => {
    const event = fc.record({ row: fc.nat(3), visit: fc.boolean(), id: fc.oneof(fc.nat(12).map(String), asciiId) });
    fc.assert(
      fc.property(fc.array(fc.array(event, { maxLength: 20 }), { maxLength: 12 }), (batches) => {
        const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
        for (const customer of ['a', 'b', 'c']) state.ensure(customer);
        const twin = new Map<string, number>();
        let number = 0;
        batches.forEach((events, n) => {
          const packed = pack(events.map((one) => one.id));
          const seeds = events.map(({ visit }) => (visit ? VISIT : RECEIPT));
          // What the batch is prepared with is only a hint.
          const rows = Int32Array.from(events, ({ row }, i) => (i % 5 === 4 ? -1 : row));
          state.prepareIds(rows, seeds, packed.bytes, packed.starts, packed.ends, events.length);
          events.forEach(({ row, visit, id: text }, i) => {
            const seed = visit ? VISIT : RECEIPT;
            const key = `${row} ${visit} ${text}`;
            const places = [state.recall(row, seed, text), state.recallPrepared(i, row)];
            expect(new Set(places).size).toBe(1);
            const place = places[0] as number;
            expect(place >= 0).toBe(twin.has(key));
            if (place >= 0) {
              expect(state.recalledDecision(place).first).toBe(twin.get(key));
              return;
            }
            number++;
            if (twin.size === LIMITS.eventIdsMax) twin.delete(twin.keys().next().value as string);
            twin.set(key, number);
            if (n % 2 === 0) state.remember(row, seed, text, number, 1);
            else state.rememberPrepared(i, row, number, 1);
          });
        });
      }),
      { numRuns: 200 },
    );
  });

  it('finds and forgets in chains longer than a slot can say, around the end of the table', () => {
    const max = 300;
    const slots = 512;
    const limits = { ...LIMITS, eventIdsMax: max };
    const ids = new EventIds(new Arena(reserveMemory(limits), limits), max);
    const hash = new IdHash();
    // Ids of row 0 that all begin their search in the last three slots.
    const crowded: string[] = [];
    for (let n = 0; crowded.length < 900; n++) {
      hash.of(RECEIPT, `${n}`);
      if ((hash.first & (slots - 1)) >= slots - 3) crowded.push(`${n}`);
    }
    const twin: string[] = [];
    crowded.forEach((text, n) => {
      expect(ids.find(0, RECEIPT, text)).toBe(-1);
      ids.add(0, RECEIPT, text, n, 1);
      twin.push(text);
      if (twin.length > max) expect(ids.find(0, RECEIPT, twin.shift() as string)).toBe(-1);
      if (n % 50 !== 0) return;
      for (const held of twin) expect(ids.firstDecision(ids.find(0, RECEIPT, held))).toBe(crowded.indexOf(held));
    });
  });
});

describe('hashes', () => {
  it('are the same of a string and of its bytes', () => {
    const [one, two, three, four] = [new TextHash(), new TextHash(), new IdHash(), new IdHash()];
    fc.assert(
      fc.property(asciiId, (text) => {
        const { bytes, starts, ends } = pack([text]);
        one.of(text);
        two.ofBytes(bytes, starts[0] as number, ends[0] as number);
        expect([two.low, two.high]).toEqual([one.low, one.high]);
        three.of(VISIT, text);
        four.ofBytes(VISIT, bytes, starts[0] as number, ends[0] as number);
        expect([four.first, four.second, four.third]).toEqual([three.first, three.second, three.third]);
      }),
    );
  });

  it('tell sequential ids apart, and change every bit for every bit', () => {
    const hash = new TextHash();
    const idHash = new IdHash();
    const seen = new Set<bigint>();
    const seenIds = new Set<bigint>();
    const home = new Uint32Array(1 << 12);
    const count = 200_000;
    for (let n = 0; n < count; n++) {
      hash.of(`c${String(n).padStart(11, '0')}`);
      seen.add((BigInt(hash.high) << 32n) ^ BigInt(hash.low >>> 0));
      const slot = hash.low & 0xfff;
      home[slot] = (home[slot] as number) + 1;
      idHash.of(RECEIPT, `receipt-${n}`);
      seenIds.add((BigInt(idHash.first) << 32n) ^ BigInt(idHash.second >>> 0));
    }
    expect(seen.size).toBe(count);
    expect(seenIds.size).toBe(count);
    // Slots hold 48.8 each; ten standard deviations are 70.
    expect(Math.max(...home)).toBeLessThan(119);
    const flips = new Float64Array(64);
    let trials = 0;
    for (let n = 0; n < 300; n++) {
      const bytes = new TextEncoder().encode(`customer-${n * 7919}`);
      hash.ofBytes(bytes, 0, bytes.length);
      const [low, high] = [hash.low, hash.high];
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >>> 3] = (bytes[bit >>> 3] as number) ^ (1 << (bit & 7));
        hash.ofBytes(bytes, 0, bytes.length);
        bytes[bit >>> 3] = (bytes[bit >>> 3] as number) ^ (1 << (bit & 7));
        trials++;
        for (let out = 0; out < 32; out++) {
          flips[out] = (flips[out] as number) + (((low ^ hash.low) >>> out) & 1);
          flips[out + 32] = (flips[out + 32] as number) + (((high ^ hash.high) >>> out) & 1);
        }
      }
    }
    for (const flipped of flips) expect(Math.abs(flipped / trials - 0.5)).toBeLessThan(0.02);
  });
});

const ATTRIBUTES: Omit<AttributeLayout, 'slot'>[] = [
  { name: 'tier', type: 'string', default: 'basic' },
  { name: 'country', type: 'string', default: null },
  { name: 'score', type: 'double', default: 2.5 },
  { name: 'age', type: 'int', default: null },
  { name: 'loyal', type: 'bool', default: true },
  { name: 'tags', type: 'list<string>', default: ['x'] },
];
const FUNCTIONS: [AggregateLayout['fn'], AggregateLayout['valueType']][] = [
  ['count', null],
  ['sum', 'double'],
  ['min', 'double'],
  ['max', 'double'],
  ['avg', 'double'],
  ['first', 'string'],
  ['last', 'double'],
  ['distinct', 'string'],
];
const WINDOWS = [
  [null, 0],
  [4 * 3_600_000, 3_600_000],
  [7 * DAY, DAY],
  [30 * DAY, DAY],
] as const;

function layoutOf(): ProfileLayout {
  const attributes = ATTRIBUTES.map((attribute, slot) => ({ ...attribute, slot }));
  let slot = attributes.length;
  const aggregates = FUNCTIONS.flatMap(([fn, valueType]) =>
    WINDOWS.map(([windowMs, resolutionMs]) => {
      const name = `${fn} ${valueType} ${windowMs}`;
      return { name, slot: slot++, fn, valueType, windowMs, resolutionMs, signature: name };
    }),
  );
  return { attributes, aggregates };
}

describe('compiled observations and reads', () => {
  const layout = layoutOf();
  const slots = layout.aggregates.map(({ slot }) => slot);
  const all = [...layout.attributes, ...layout.aggregates].map(({ slot }) => slot);
  const operation = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('event' as const),
        row: fc.nat(4),
        lag: fc.oneof(fc.constant(0), fc.integer({ min: -DAY, max: 40 * DAY })),
        outcomes: fc.array(fc.constantFrom(0, 1, 1, 1, 2), { minLength: 1, maxLength: 5 }),
        number: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.1, -0, 1 / 3), fc.double({ noNaN: true })),
        text: fc.constantFrom('x', 'y', 'basic', ''),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('attributes' as const),
        row: fc.nat(4),
        number: fc.constantFrom(0, 1, 2 ** 31, -(2 ** 31), 2 ** 40, -7),
        unset: fc.nat(6),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.nat(9 * DAY) }) },
  );

  it('do what observe and gather do, event after event', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const [one, two] = [0, 1].map(() => {
          const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
          expect(state.configure(layout)).toBeNull();
          for (let i = 0; i < 4; i++) state.ensure(`customer-${i}`);
          return state;
        }) as [PartitionState, PartitionState];
        const observations = two.compileObservations(slots);
        const gather = two.compileGather(all);
        const numbers = new Float64Array(slots.length);
        const texts = new Array<string>(slots.length).fill('');
        const [expected, found] = [frame(all.length), frame(all.length)];
        let logTime = T;
        for (const given of operations) {
          if (given.kind === 'time') logTime += given.ms;
          else if (given.kind === 'attributes') {
            for (const state of [one, two]) change(state, given.row, given.number, given.unset);
          } else {
            const outcomes = Uint8Array.from(slots, (_, i) => given.outcomes[i % given.outcomes.length] as number);
            slots.forEach((slot, i) => {
              numbers[i] = given.number * (1 + (i % 3));
              texts[i] = given.text;
              if (outcomes[i] !== OBSERVATION_TAKEN) return;
              const [number, text] = [numbers[i] as number, given.text];
              expect(one.observe(slot, given.row, logTime - given.lag, logTime, number, text)).toBe(true);
            });
            const { row, lag } = given;
            const eventTs = Math.min(logTime - lag, logTime);
            expect(observations.store(row, eventTs, logTime, outcomes, numbers, texts)).toBe(true);
          }
          for (let row = 0; row < 5; row++) {
            one.gather(row, all, logTime, expected);
            gather(row, logTime, found);
            expect(found).toEqual(expected);
          }
          gather.touch(Int32Array.of(0, 4, -1), 3);
        }
        expect(two.digest(logTime)).toBe(one.digest(logTime));
      }),
      { numRuns: 150 },
    );
  });

  function change(state: PartitionState, row: number, number: number, unset: number): void {
    state.setText(0, row, `tier-${number}`);
    state.setText(1, row, 'basic');
    state.setNumber(2, row, number / 3);
    state.setNumber(3, row, number);
    state.setNumber(4, row, number & 1);
    state.setList(5, row, ['x', `${number}`]);
    if (unset < ATTRIBUTES.length) state.unset(unset, row);
  }

  it('say that there is no room, and keep the promise of hasRoom', () => {
    const limits = { ...LIMITS, customersMax: 2000, blockBytesMax: 30_000 };
    const windowed = layout.aggregates.filter(({ windowMs }) => windowMs !== null);
    const state = new PartitionState(reserveMemory(limits), limits);
    expect(state.configure({ attributes: [], aggregates: windowed })).toBeNull();
    state.intern('x');
    const observations = state.compileObservations(windowed.map(({ slot }) => slot));
    const outcomes = new Uint8Array(windowed.length).fill(OBSERVATION_TAKEN);
    const answers = Array.from({ length: 60 }, (_, i) => {
      const promised = state.hasRoom(windowed.length);
      const numbers = new Float64Array(windowed.length).fill(i);
      const texts = windowed.map(() => 'x');
      const stored = observations.store(state.ensure(`customer-${i}`), T, T, outcomes, numbers, texts);
      if (promised) expect(stored).toBe(true);
      return stored;
    });
    expect(new Set(answers)).toEqual(new Set([true, false]));
  });
});
