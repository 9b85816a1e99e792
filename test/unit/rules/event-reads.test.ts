/** Which texts of an event a decoder must keep for the rules. */
import { describe, expect, test } from 'vitest';
import { columnKey, readsOf } from '../../../src/rules/event-reads.ts';
import { compile } from './fixture.ts';

function reads(...sources: readonly string[]): { id: boolean; fields: number[]; columns: string[] } {
  const { id, fields, columns } = readsOf(sources.map((source) => compile(source)));
  return { id, fields: [...fields].sort(), columns: [...columns].sort() };
}

describe('readsOf', () => {
  test('names the fields whose text is read, not those that are numbers or only asked for', () => {
    expect(reads('event.total > 1.0 && event.store == "web" && has(event.address.zip)')).toEqual({
      id: false,
      fields: [1],
      columns: [],
    });
    expect(reads('event.qty > 1', 'event.address.city.startsWith("L") || event.store in ["a"]').fields).toEqual([1, 5]);
  });

  test('names columns wherever an expression reaches them', () => {
    const sku = columnKey(0, 0);
    const tags = columnKey(1, 0);
    expect(reads('event.items.exists(i, i.sku == "S")').columns).toEqual([sku]);
    expect(reads('event.items.exists(i, i.qty > 1)').columns).toEqual([]);
    expect(reads('event.items.filter(i, i.qty > 1).map(i, i.sku) == ["a"]').columns).toEqual([sku]);
    expect(reads('event.items[0].sku == "S"').columns).toEqual([sku]);
    for (const source of [
      '"x" in event.tags',
      'event.tags.all(t, t != "x")',
      'event.tags[0] == "x"',
      'event.tags == ["x"]',
    ])
      expect(reads(source).columns, source).toEqual([tags]);
    expect(reads('size(event.tags) > 1', 'has(event.tags)').columns).toEqual([]);
  });

  test('asking for the id reads it', () => {
    expect(reads('has(event.id)').id).toBe(true);
    expect(reads('event.id == "e"').id).toBe(true);
    expect(reads('event.type == "receipt" && event.ts < now').id).toBe(false);
  });
});
