/** The digest sees content and nothing else; a snapshot of many groups holds the moment at which it began. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reserveMemory, type StateLimits } from '../../src/state/arena.ts';
import { createIdSeed } from '../../src/state/id-hash.ts';
import type { AggregateLayout, ProfileLayout } from '../../src/state/layout.ts';
import { PartitionState } from '../../src/state/partition-state.ts';

const RECEIPT = createIdSeed('receipt');
const DAY = 86_400_000;
const T = 20_000 * DAY + 7 * 3_600_000;
const LIMITS: StateLimits = {
  customersMax: 6000,
  dictionaryEntriesMax: 200,
  dictionaryBytesMax: 4000,
  blockBytesMax: 1 << 21,
  eventIdsMax: 9000,
};
const NAMES = ['x', 'y', 'z', 'sms', 'push', 'hearts'];
const CUSTOMERS = ['a', 'b', 'c', 'd'];

const FIELDS = ['country:string', 'age:int', 'loyal:bool', 'score:double', 'tags:list<string>'] as const;
const AGGREGATES: [AggregateLayout['fn'], AggregateLayout['valueType'], number | null][] = [
  ['count', null, 7 * DAY],
  ['sum', 'double', null],
  ['avg', 'double', 3 * DAY],
  ['last', 'string', 7 * DAY],
  ['first', 'double', null],
  ['distinct', 'string', 7 * DAY],
  ['distinct', 'double', null],
];

/** `order` puts the fields in other slots. */
function layoutOf(order: (count: number, index: number) => number): ProfileLayout {
  const attributes = FIELDS.map((field, i) => {
    const [name, type] = field.split(':') as [string, ProfileLayout['attributes'][number]['type']];
    return { name, type, slot: order(FIELDS.length, i), default: null };
  });
  const aggregates = AGGREGATES.map(([fn, valueType, windowMs], i) => {
    const name = `${fn}-${valueType}-${windowMs}`;
    const slot = FIELDS.length + order(AGGREGATES.length, i);
    return { name, slot, fn, valueType, windowMs, resolutionMs: windowMs === null ? 0 : DAY, signature: name };
  });
  return { attributes, aggregates };
}

const operation = fc.record({
  customer: fc.constantFrom(...CUSTOMERS),
  kind: fc.nat(18),
  number: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, min: -1000, max: 1000 })),
  text: fc.constantFrom(...NAMES),
  days: fc.nat(9),
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** The last number given to a pending entry. */
const numbers = new WeakMap<PartitionState, number>();

function applyLater(state: PartitionState, row: number, { kind, number, text, days }: Operation): void {
  if (kind === 15) {
    const next = (numbers.get(state) ?? 0) + 1;
    numbers.set(state, next);
    const due = days === 0 ? Number.POSITIVE_INFINITY : T + days * DAY;
    state.pending.add(row, next, due, days, state.intern(text), Uint8Array.of(days, days + 1));
  } else if (kind === 16) {
    const [first] = state.pending.list(row);
    if (first !== undefined) state.pending.remove(row, first.number);
  } else if (kind === 17) {
    const payload = new Uint8Array(days * 3).fill(days);
    state.recent.add(row, T - days * 4 * DAY, state.intern(text), payload, 5, T - 30 * DAY);
  } else if (state.contacts.open(row))
    state.setContactFlags(row, state.contacts.decision, Math.abs(Math.trunc(number)));
}

function apply(state: PartitionState, layout: ProfileLayout, operation: Operation): void {
  const { customer, kind, number, text, days } = operation;
  const row = state.ensure(customer);
  state.beginChange(row);
  const attribute = layout.attributes[kind];
  const aggregate = layout.aggregates[kind - FIELDS.length];
  if (attribute !== undefined) {
    const { type, slot } = attribute;
    if (type === 'string') state.setText(slot, row, text);
    else if (type === 'list<string>') state.setList(slot, row, NAMES.slice(0, days));
    else if (type === 'bool') state.setNumber(slot, row, number > 0 ? 1 : 0);
    else state.setNumber(slot, row, type === 'int' ? Math.trunc(number % 2 ** 52) : number);
  } else if (aggregate !== undefined) state.observe(aggregate.slot, row, T - days * DAY, T, number, text);
  else if (kind === 12) state.setConsent(row, state.intern(text), 1 + (days % 2));
  else if (kind === 13) state.addContact(row, T, state.intern('hearts'), state.intern(text), -1, days, -1, -1, -1);
  else if (kind > 14) applyLater(state, row, operation);
  else state.unset(layout.attributes[days % FIELDS.length]?.slot ?? 0, row);
}

function build(operations: readonly Operation[], layout: ProfileLayout, before: (state: PartitionState) => void) {
  const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
  expect(state.configure(layout)).toBeNull();
  before(state);
  for (const each of operations) apply(state, layout, each);
  return state;
}

describe('the digest', () => {
  it('does not depend on rows, codes, slots or what has expired', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const plain = build(
          operations,
          layoutOf((_, i) => i),
          () => {},
        );
        const other = build(
          operations,
          layoutOf((count, i) => count - 1 - i),
          (state) => {
            for (const name of [...NAMES].reverse()) state.intern(`not ${name}`);
            for (const name of [...NAMES].reverse()) state.intern(name);
            const used = new Set(operations.map(({ customer }) => customer));
            for (const customer of [...CUSTOMERS].reverse()) if (used.has(customer)) state.ensure(customer);
            state.remember(0, RECEIPT, '1', 1, 1);
          },
        );
        expect(other.digest(T)).toBe(plain.digest(T));
        expect(other.digest(T + 4 * DAY)).toBe(plain.digest(T + 4 * DAY));
        // The sweep goes over everything at the later time: no read from then on may tell.
        const later = T + 4 * DAY;
        const digest = plain.digest(later);
        plain.observe(FIELDS.length, plain.anonymousRow, 0, later, 0, '');
        for (let i = 0; i < 200; i++) plain.observe(FIELDS.length, plain.anonymousRow, 0, later, 0, '');
        expect(plain.digest(later)).toBe(digest);
        expect(plain.digest(later + DAY)).toBe(other.digest(later + DAY));
      }),
      { numRuns: 150 },
    );
  });

  it('sees every change of content', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 20 }), fc.constantFrom(...CUSTOMERS), (operations, customer) => {
        const layout = layoutOf((_, i) => i);
        const state = build(operations, layout, (fresh) => fresh.ensure(customer));
        const seen = new Set([state.digest(T)]);
        const row = state.find(customer);
        const changes: (() => void)[] = [
          () => state.setText(0, row, 'a country of its own'),
          () => state.setNumber(1, row, 2 ** 52 + 1),
          () => state.setNumber(3, row, 1.2345678901234567),
          () => state.setList(4, row, ['y', 'x', 'y', 'y', 'y', 'y', 'y', 'y', 'y', 'y', 'y']),
          () => state.setList(4, row, ['x', 'y', 'y', 'y', 'y', 'y', 'y', 'y', 'y', 'y', 'y']),
          () => state.unset(0, row),
          () => state.observe(5, row, T, T, 0, ''),
          () => state.observe(5, row, T - 3 * DAY, T, 0, ''),
          () => state.observe(6, row, T, T, 0.125, ''),
          () => state.observe(7, row, T, T, 77, ''),
          () => state.observe(8, row, T, T, 0, 'a text of its own'),
          () => state.observe(9, row, T - 100 * DAY, T, 5.5, ''),
          () => state.observe(10, row, T, T, 0, 'another text of its own'),
          () => state.observe(11, row, T, T, 99.5, ''),
          () => state.setConsent(row, state.intern('fax'), 1),
          () => state.setConsent(row, state.intern('fax'), 2),
          () => state.addContact(row, T, state.intern('hearts'), state.intern('sms'), -1, 4711, -1, -1, -1),
          () =>
            state.addContact(row, T, state.intern('hearts'), state.intern('sms'), state.intern('x'), 4711, -1, -1, -1),
          () => state.setContactFlags(row, 4711, 1),
          () => state.setContactFlags(row, 4711, 2),
          () => state.pending.add(row, 9001, T, 1, state.intern('hearts'), Uint8Array.of(1)),
          () => state.pending.add(row, 9002, T, 1, state.intern('hearts'), Uint8Array.of(1)),
          () => state.pending.add(row, 9003, T + 1, 2, state.intern('x'), Uint8Array.of(1)),
          () => state.pending.add(row, 9004, T + 1, 2, state.intern('x'), Uint8Array.of(1, 2)),
          () => state.pending.remove(row, 9003),
          () => state.pending.add(0, 9005, T + 1, 2, state.intern('x'), Uint8Array.of(1, 2)),
          () => state.pending.add(0, 9006, T + 1, 2, -1, new Uint8Array()),
          () => state.recent.add(row, T, state.intern('x'), Uint8Array.of(1), 64, 0),
          () => state.recent.add(row, T, state.intern('x'), Uint8Array.of(2), 64, 0),
          () => state.recent.add(row, T, state.intern('y'), Uint8Array.of(2), 2, 0),
          () => state.ensure('someone new'),
        ];
        for (const change of changes) {
          change();
          expect(seen.has(state.digest(T)), `change ${seen.size}`).toBe(false);
          seen.add(state.digest(T));
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a snapshot of many groups', () => {
  it('holds the moment at which it began, wherever changes fall while it is taken', () => {
    const change = fc.record({ row: fc.integer({ min: 1, max: 5200 }), kind: fc.nat(18), steps: fc.nat(2) });
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 10, maxLength: 40 }),
        fc.integer({ min: 1, max: 4000 }),
        (changes, prefill) => {
          const layout = layoutOf((_, i) => i);
          const limits = { ...LIMITS, eventIdsMax: 4500 };
          const state = new PartitionState(reserveMemory(limits), limits);
          expect(state.configure(layout)).toBeNull();
          const at = (i: number, kind: number): void =>
            apply(state, layout, {
              customer: `p${i}`,
              kind,
              number: i / 7,
              text: NAMES[i % 6] as string,
              days: i % 10,
            });
          for (let i = 0; i < prefill; i++) {
            at(i, i % 18);
            state.remember(state.find(`p${i}`), RECEIPT, `${i}`, i, 1);
          }
          const digest = state.digest(T);
          const snapshot = state.beginSnapshot(T);
          const sections: Uint8Array[] = [];
          const step = (): boolean => {
            const next = snapshot.step();
            if (next !== null) sections.push(...next.map((section) => section.slice()));
            return next !== null;
          };
          changes.forEach(({ row, kind, steps }, n) => {
            if (n !== 6 && n !== 7) at(row, kind);
            for (let i = 0; i < 50; i++) state.remember(0, RECEIPT, `${n}-${i}`, n, 1);
            // Another layout gives columns away while the snapshot still reads them.
            if (n === 5) state.configure({ attributes: layout.attributes.slice(2), aggregates: [] });
            if (n === 7) state.configure(layout);
            for (let i = 0; i < steps; i++) step();
          });
          while (step()) {}
          expect(snapshot.digest).toBe(digest);
          const restored = new PartitionState(reserveMemory(limits), limits);
          for (const section of sections) restored.restore(section);
          restored.finishRestore();
          expect(restored.customers).toBe(prefill);
          expect(restored.digest(T)).toBe(digest);
          expect([...restored.pending.entries()].length).toBe(restored.pending.count);
          for (let i = 0; i < prefill; i += 97) {
            const entry = restored.recall(restored.find(`p${i}`), RECEIPT, `${i}`);
            expect(entry).toBeGreaterThanOrEqual(0);
            expect(restored.recalledDecision(entry).first).toBe(i);
          }
          expect(restored.recall(0, RECEIPT, '0-0')).toBe(-1);
          // Into more room, too: the same content.
          const larger = {
            ...limits,
            customersMax: 9000,
            dictionaryEntriesMax: 400,
            eventIdsMax: 9999,
            blockBytesMax: 1 << 22,
          };
          const resized = new PartitionState(reserveMemory(larger), larger);
          for (const section of sections) resized.restore(section);
          resized.finishRestore();
          expect(resized.digest(T)).toBe(digest);
        },
      ),
      { numRuns: 20 },
    );
  });
});
