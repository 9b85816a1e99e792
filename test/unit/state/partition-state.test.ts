import { describe, expect, it } from 'vitest';
import type { ProfileFrame } from '../../../src/protocol/frame.ts';
import { reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import { createIdSeed } from '../../../src/state/id-hash.ts';
import type { ProfileLayout } from '../../../src/state/layout.ts';
import { PartitionState } from '../../../src/state/partition-state.ts';

const RECEIPT = createIdSeed('receipt');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LIMITS: StateLimits = {
  customersMax: 3000,
  dictionaryEntriesMax: 1000,
  dictionaryBytesMax: 20_000,
  blockBytesMax: 1 << 20,
  eventIdsMax: 1000,
};

const LAYOUT: ProfileLayout = {
  attributes: [
    { name: 'country', slot: 0, type: 'string', default: null },
    { name: 'loyalty', slot: 1, type: 'bool', default: false },
    { name: 'age', slot: 2, type: 'int', default: null },
    { name: 'score', slot: 3, type: 'double', default: 1.5 },
    { name: 'tags', slot: 4, type: 'list<string>', default: null },
    { name: 'tier', slot: 5, type: 'string', default: 'basic' },
  ],
  aggregates: [
    aggregate('receipts_30d', 6, 'count', null, 30 * DAY),
    aggregate('spend', 7, 'sum', 'double', null),
    aggregate('last_store', 8, 'last', 'string', null),
    aggregate('skus_7d', 9, 'distinct', 'string', 7 * DAY),
  ],
};

function aggregate(
  name: string,
  slot: number,
  fn: ProfileLayout['aggregates'][number]['fn'],
  valueType: ProfileLayout['aggregates'][number]['valueType'],
  windowMs: number | null,
): ProfileLayout['aggregates'][number] {
  const resolutionMs = windowMs === null ? 0 : DAY;
  return { name, slot, fn, valueType, windowMs, resolutionMs, signature: `${fn}:${valueType}:${windowMs}` };
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

function fresh(limits = LIMITS, layout = LAYOUT): PartitionState {
  const state = new PartitionState(reserveMemory(limits), limits);
  expect(state.configure(layout)).toBeNull();
  return state;
}

const ALL = LAYOUT.attributes.map((_, i) => i).concat(LAYOUT.aggregates.map((a) => a.slot));
const T = Date.UTC(2026, 0, 15, 12);

describe('PartitionState', () => {
  it('finds customers that were ensured, and no others', () => {
    const state = fresh();
    expect(state.find('a')).toBe(-1);
    expect(state.ensure('a')).toBe(1);
    expect(state.ensure('b')).toBe(2);
    expect(state.ensure('a')).toBe(1);
    expect(state.find('b')).toBe(2);
    expect(state.customerOf(2)).toBe('b');
    expect(state.customers).toBe(2);
  });

  it('reads defaults where nothing was set, and absence where there is none', () => {
    const state = fresh();
    const row = state.ensure('a');
    const into = frame(10);
    state.gather(row, ALL, T, into);
    expect([...into.present]).toEqual([0, 1, 0, 1, 0, 1, 1, 1, 0, 1]);
    expect([into.number[1], into.number[3], into.text[5]]).toEqual([0, 1.5, 'basic']);
    expect(into.code[5]).toBe(state.codeOf('basic'));
    expect(into.code[0]).toBe(-1);
    expect([into.number[6], into.number[7], into.number[9]]).toEqual([0, 0, 0]);
  });

  it('keeps what was set, and forgets what was unset', () => {
    const state = fresh();
    const row = state.ensure('a');
    state.beginChange(row);
    expect(state.setText(0, row, 'FR')).toBe(true);
    state.setNumber(1, row, 1);
    state.setNumber(2, row, 2 ** 40);
    state.setNumber(3, row, -0);
    expect(state.setList(4, row, ['x', 'y', 'x'])).toBe(true);
    const into = frame(10);
    state.gather(row, ALL, T, into);
    expect([into.text[0], into.number[1], into.number[2], into.list[4]]).toEqual(['FR', 1, 2 ** 40, ['x', 'y', 'x']]);
    expect(Object.is(into.number[3], 0)).toBe(true);
    state.unset(2, row);
    state.unset(4, row);
    state.gather(row, ALL, T, into);
    expect([into.present[2], into.present[4]]).toEqual([0, 0]);
    expect(into.list[4]).toEqual([]);
  });

  it('counts an event in the bucket of its own time, and a future one at the log time', () => {
    const state = fresh();
    const row = state.ensure('a');
    const into = frame(10);
    const count = (logTime: number): number => {
      state.gather(row, [6], logTime, into);
      return into.number[6] as number;
    };
    expect(state.observe(6, row, T, T, 0, '')).toBe(true);
    expect(state.observe(6, row, T - 29 * DAY, T, 0, '')).toBe(true);
    expect(state.observe(6, row, T - 30 * DAY, T, 0, '')).toBe(true);
    expect(state.observe(6, row, T + 5 * DAY, T, 0, '')).toBe(true);
    expect(count(T)).toBe(3);
    expect(count(T + 12 * HOUR)).toBe(2);
    expect(count(T + 29 * DAY)).toBe(2);
    expect(count(T + 30 * DAY)).toBe(0);
  });

  it('refuses a layout that changes a type or cannot be kept, and stays as it was', () => {
    const state = fresh();
    const row = state.ensure('a');
    state.setNumber(2, row, 41);
    const digest = state.digest(T);
    const retyped = LAYOUT.attributes.map((entry) =>
      entry.name === 'age' ? { ...entry, type: 'double' as const } : entry,
    );
    expect(state.configure({ ...LAYOUT, attributes: retyped })).toBe(
      'attribute age: its type is int and cannot become double; use another name',
    );
    const fine = { ...aggregate('fine', 10, 'count', null, 10_000 * DAY), resolutionMs: HOUR };
    expect(state.configure({ ...LAYOUT, aggregates: [...LAYOUT.aggregates, fine] })).toContain('240000 buckets');
    const odd = { ...fine, windowMs: 90_000, resolutionMs: 60_000 };
    expect(state.configure({ ...LAYOUT, aggregates: [odd] })).toContain('multiple of its resolution');
    const many = Array.from(
      { length: 400 },
      (_, slot) => ({ name: `m${slot}`, slot, type: 'double', default: null }) as const,
    );
    expect(state.configure({ attributes: many, aggregates: [] })).toContain('more attributes and aggregates than fit');
    const wordy = [{ name: 'w', slot: 0, type: 'string', default: 'x'.repeat(30_000) } as const];
    expect(state.configure({ attributes: wordy, aggregates: [] })).toContain('no room for its default');
    expect(state.digest(T)).toBe(digest);
    const into = frame(10);
    state.gather(row, ALL, T, into);
    expect(into.number[2]).toBe(41);
  });

  it('keeps what stays under a new layout, in whatever slot, and starts the rest empty', () => {
    const state = fresh();
    const row = state.ensure('a');
    state.setText(0, row, 'FR');
    state.setNumber(2, row, 41);
    state.observe(7, row, T, T, 2.5, '');
    state.observe(6, row, T, T, 0, '');
    const spend = { ...aggregate('spend', 1, 'sum', 'double', null) };
    const changed = { ...aggregate('receipts_30d', 2, 'count', null, 20 * DAY) };
    expect(
      state.configure({
        attributes: [{ name: 'country', slot: 0, type: 'string', default: 'GB' }],
        aggregates: [spend, changed],
      }),
    ).toBeNull();
    const into = frame(10);
    state.gather(row, [0, 1, 2], T, into);
    expect([into.text[0], into.number[1], into.number[2]]).toEqual(['FR', 2.5, 0]);
    expect(state.configure(LAYOUT)).toBeNull();
    state.gather(row, ALL, T, into);
    expect([...into.present]).toEqual([1, 1, 0, 1, 0, 1, 1, 1, 0, 1]);
    expect([into.number[6], into.number[7]]).toEqual([0, 2.5]);
  });

  it('shows whole columns to scans', () => {
    const state = fresh();
    for (let i = 0; i < 20; i++) {
      const row = state.ensure(`customer-${i}`);
      state.setNumber(3, row, i / 2);
      state.setNumber(1, row, i & 1);
      state.observe(7, row, T, T, i, '');
    }
    const { buffer } = state.scanMemory.memory;
    const rows = state.customers + 1;
    const [score, loyal, spend] = [state.scanColumn(3), state.scanColumn(1), state.scanColumn(7)];
    if (score.kind !== 'double' || loyal.kind !== 'bool' || spend.kind !== 'double') throw new Error('wrong kinds');
    const bit = (offset: number, row: number): number =>
      ((new Uint8Array(buffer, offset, rows)[row >>> 3] as number) >>> (row & 7)) & 1;
    let sum = 0;
    for (let row = 1; row < rows; row++) {
      expect(bit(score.presence, row)).toBe(1);
      expect(bit(loyal.values, row)).toBe((row - 1) & 1);
      for (const { values } of [score, spend]) sum += new Float64Array(buffer, values, rows)[row] as number;
    }
    expect(sum).toBe(190 * 1.5);
    expect([2, 0, 4, 6].map((slot) => state.scanColumn(slot).kind)).toEqual(['int', 'code', 'other', 'blocks']);
  });

  it('restores a snapshot to the same digest, though changes went on while it was taken', () => {
    const state = fresh();
    for (let i = 0; i < 2500; i++) {
      const row = state.ensure(`customer-${i}`);
      state.beginChange(row);
      state.setNumber(2, row, i);
      state.setText(0, row, `country-${i % 50}`);
      state.observe(6, row, T - (i % 40) * DAY, T, 0, '');
      state.observe(7, row, T, T, i / 7, '');
      state.observe(9, row, T, T, 0, `sku-${i % 10}`);
      state.observe(8, row, T, T, 0, `store-${i % 10}`);
      state.remember(row, RECEIPT, `id-${i}`, i, 2);
    }
    const before = state.digest(T);
    const snapshot = state.beginSnapshot(T);
    const sections: Uint8Array[] = [];
    for (let i = 2499, next = snapshot.step(); next !== null; i--, next = snapshot.step()) {
      sections.push(...next.map((section) => section.slice()));
      const row = state.ensure(`customer-${i}`);
      state.beginChange(row);
      state.setNumber(2, row, -i);
      state.observe(6, row, T + DAY, T + DAY, 0, '');
      state.ensure(`new-${i}`);
      state.remember(row, RECEIPT, `later-${i}`, i, 2);
    }
    expect(snapshot.digest).toBe(before);
    expect(state.digest(T)).not.toBe(before);
    const restored = new PartitionState(reserveMemory(LIMITS), LIMITS);
    for (const section of sections) restored.restore(section);
    restored.finishRestore();
    expect(restored.digest(T)).toBe(before);
    expect(restored.recall(restored.find('customer-2000'), RECEIPT, 'id-2000')).toBeGreaterThanOrEqual(0);
    expect(restored.recall(restored.find('customer-1499'), RECEIPT, 'id-1499')).toBe(-1);
  });
});
