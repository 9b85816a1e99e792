/** Members of an audience as text. */

import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { headerOf, renderRows } from '../../../src/worker/audience-rows.ts';
import type { AudienceField, RowsChunk } from '../../../src/worker/messages.ts';
import { MachineFixture } from '../../support/machine-fixture.ts';

const FILES = {
  'profile.yaml': `attributes:
  name: {type: string}
  tier: {type: string, default: basic}
  likes: {type: list<string>}
  loyal: {type: bool}
  joined: {type: timestamp}
aggregates:
  spend: {fn: sum, event: receipt, value: event.total}
  highest: {fn: max, event: receipt, value: event.total, window: 30d}
segments:
  buyer: profile.spend > 10.0
`,
};
const FIELDS: readonly AudienceField[] = [
  { name: 'name', type: 'string' },
  { name: 'tier', type: 'string' },
  { name: 'likes', type: 'list<string>' },
  { name: 'loyal', type: 'bool' },
  { name: 'joined', type: 'timestamp' },
  { name: 'spend', type: 'double' },
  { name: 'highest', type: 'double' },
  { name: 'segment.buyer', type: 'segment' },
];
const TS = '2026-01-01T00:00:00Z';

function fixtureOf(profiles: Readonly<Record<string, object>>): MachineFixture {
  const fixture = MachineFixture.with(FILES);
  for (const [customer, data] of Object.entries(profiles)) fixture.send({ type: '$profile', customer, ts: TS, data });
  return fixture;
}

function render(fixture: MachineFixture, format: 'ndjson' | 'csv' | 'csv-raw', fields = FIELDS): string {
  const rows = new SharedArrayBuffer(Math.ceil((fixture.state.customers + 1) / 64) * 8);
  const bitmap = new Uint8Array(rows);
  for (let row = 1; row <= fixture.state.customers; row++)
    bitmap[row >>> 3] = (bitmap[row >>> 3] as number) | (1 << (row & 7));
  const query = { kind: 'audienceRows', partition: 0, rows, from: 0, limit: 1e9, fields, format } as const;
  let text = headerOf(fields, format);
  for (let from = 0; from >= 0; ) {
    const chunk = renderRows(fixture, { ...query, from }) as RowsChunk;
    text += new TextDecoder().decode(chunk.bytes);
    from = chunk.next;
  }
  return text;
}

describe('rows of an audience', () => {
  it('are objects with every field, null where there is nothing', () => {
    const fixture = fixtureOf({ a: { name: 'Zoë "Z"', likes: ['x', 'y'], loyal: true, joined: TS }, b: {} });
    fixture.send({ type: 'receipt', customer: 'a', ts: TS, data: { total: 12.5 } });
    const lines = render(fixture, 'ndjson').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        id: 'a',
        name: 'Zoë "Z"',
        tier: 'basic',
        likes: ['x', 'y'],
        loyal: true,
        joined: '2026-01-01T00:00:00.000Z',
        spend: 12.5,
        highest: 12.5,
        'segment.buyer': true,
      },
      {
        id: 'b',
        name: null,
        tier: 'basic',
        likes: null,
        loyal: null,
        joined: null,
        spend: 0,
        highest: null,
        'segment.buyer': false,
      },
    ]);
  });

  it('are lines of a table whose cells say what they said', () => {
    const names = ['plain', '', 'a,b', 'say "hi"', 'two\nlines', ' space ', '\r', 'Zoë', '=1+1'];
    const fixture = fixtureOf(Object.fromEntries(names.map((name, i) => [`c${i}`, { name }])));
    const table = parse(render(fixture, 'csv-raw')) as string[][];
    expect(table[0]).toEqual(['id', ...FIELDS.map((field) => field.name)]);
    expect(table.slice(1).map((cells) => cells[1])).toEqual(names);
    expect(table[1]).toEqual(['c0', 'plain', 'basic', '', '', '', '0', '', 'false']);
  });

  it('do not let a text become a formula', () => {
    const names = ['=1+1', '+1', '-1', '@x', '\tx', 'a=b'];
    const fixture = fixtureOf({ ...Object.fromEntries(names.map((name, i) => [`c${i}`, { name }])), '=id': {} });
    fixture.send({ type: 'receipt', customer: 'c0', ts: TS, data: { total: -3 } });
    const table = parse(render(fixture, 'csv')) as string[][];
    expect(table.slice(1).map((cells) => cells[1])).toEqual(["'=1+1", "'+1", "'-1", "'@x", "'\tx", 'a=b', '']);
    expect([table[7]?.[0], table[1]?.[6]]).toEqual(["'=id", '-3']);
  });

  it('come in chunks, and end where a field has gone', () => {
    const fixture = fixtureOf({});
    for (let i = 0; i < 1000; i++) fixture.state.ensure(`c${i}`);
    expect(render(fixture, 'ndjson', []).trimEnd().split('\n')).toEqual(
      Array.from({ length: 1000 }, (_, i) => `{"id":"c${i}"}`),
    );
    const rows = new SharedArrayBuffer(8);
    const query = { kind: 'audienceRows', partition: 0, rows, from: 0, limit: 10, format: 'csv' } as const;
    expect(renderRows(fixture, { ...query, fields: [{ name: 'gone', type: 'int' }] })).toBeNull();
    expect(renderRows(fixture, { ...query, fields: [{ name: 'name', type: 'int' }] })).toBeNull();
    expect(renderRows(fixture, { ...query, fields: [] })).toEqual({ bytes: new Uint8Array(0), rows: 0, next: -1 });
  });
});
