/** A small schema and helpers for the tests of rules. */
import {
  createEventFrame,
  createProfileFrame,
  type EventFrame,
  type ProfileFrame,
} from '../../../src/protocol/frame.ts';
import type { EventSchema, Schema } from '../../../src/protocol/schema.ts';
import { checkExpression } from '../../../src/rules/check-expression.ts';
import type { Program, ProgramResult } from '../../../src/rules/program.ts';
import { RuleSet } from '../../../src/rules/rule-set.ts';
import { SegmentSet } from '../../../src/rules/segment-set.ts';
import { ReadableFrames } from '../../../src/rules/verify-reads.ts';

export const RECEIPT: EventSchema = {
  type: 'receipt',
  index: 0,
  fields: [
    { path: 'total', type: 'double', slot: 0 },
    { path: 'store', type: 'string', slot: 1 },
    { path: 'qty', type: 'int', slot: 2 },
    { path: 'gift', type: 'bool', slot: 3 },
    { path: 'at', type: 'timestamp', slot: 4 },
    { path: 'address.city', type: 'string', slot: 5 },
    { path: 'address.zip', type: 'string', slot: 6 },
  ],
  lists: [
    {
      path: 'items',
      list: 0,
      ofObjects: true,
      columns: [
        { name: 'sku', type: 'string', column: 0 },
        { name: 'qty', type: 'int', column: 1 },
      ],
    },
    { path: 'tags', list: 1, ofObjects: false, columns: [{ name: '', type: 'string', column: 0 }] },
  ],
};

export const SCHEMA: Schema = {
  events: [RECEIPT],
  profile: [
    { name: 'country', kind: 'attribute', type: 'string', slot: 0, optional: true },
    { name: 'likes', kind: 'attribute', type: 'list<string>', slot: 1, optional: true },
    { name: 'spend_30d', kind: 'aggregate', type: 'double', slot: 2, optional: false },
    { name: 'last_seen', kind: 'aggregate', type: 'timestamp', slot: 3, optional: true },
  ],
  segments: ['vip', 'known'],
};

export const SEGMENTS: readonly string[] = ['profile.spend_30d > 1000.0', 'profile.country == "GB" || segment.vip'];

/** Messages with their places: `line:column message`. */
export function problems(
  source: string,
  expected: readonly ProgramResult[] = ['bool'],
  event: EventSchema | null = RECEIPT,
): string[] {
  const outcome = checkExpression(source, { schema: SCHEMA, event }, expected);
  return 'issues' in outcome ? outcome.issues.map(({ line, column, message }) => `${line}:${column} ${message}`) : [];
}

/** Whatever is compiled passes the check of what comes in records. */
export function compile(
  source: string,
  expected: readonly ProgramResult[] = ['bool'],
  event: EventSchema | null = RECEIPT,
): Program {
  const outcome = checkExpression(source, { schema: SCHEMA, event }, expected);
  if ('issues' in outcome) throw new Error(`${source}: ${outcome.issues.map(({ message }) => message).join('; ')}`);
  new ReadableFrames(SCHEMA, event).verify(outcome.program);
  return outcome.program;
}

export function segmentSet(): SegmentSet {
  return new SegmentSet(
    SEGMENTS.map((source) => compile(source, ['bool'], null)),
    SCHEMA,
  );
}

const codes = new Map<string, number>();

export function dictionaryCode(text: string): number {
  const code = codes.get(text) ?? codes.size;
  codes.set(text, code);
  return code;
}

export interface EventValues {
  readonly id?: string;
  readonly ts?: number;
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
  readonly items?: readonly { readonly sku?: string; readonly qty?: number }[];
  readonly tags?: readonly string[];
}

export function eventFrame(values: EventValues): EventFrame {
  const frame = createEventFrame(RECEIPT);
  frame.id = values.id ?? '';
  frame.ts = values.ts ?? 0;
  for (const { path, slot } of RECEIPT.fields) {
    const value = values.fields?.[path];
    if (value === undefined) continue;
    frame.present[slot] = 1;
    if (typeof value === 'string') frame.text[slot] = value;
    else frame.number[slot] = Number(value);
  }
  fillList(
    frame,
    0,
    values.items?.map(({ sku, qty }) => [sku, qty]),
  );
  fillList(
    frame,
    1,
    values.tags?.map((tag) => [tag]),
  );
  return frame;
}

function fillList(
  frame: EventFrame,
  list: number,
  rows: readonly (readonly (string | number | undefined)[])[] | undefined,
): void {
  const target = frame.lists[list];
  if (rows === undefined || target === undefined) return;
  frame.listPresent[list] = 1;
  target.length = rows.length;
  rows.forEach((row, i) => {
    row.forEach((value, index) => {
      const column = target.columns[index];
      if (column === undefined || value === undefined) return;
      column.present[i] = 1;
      if (typeof value === 'string') column.text[i] = value;
      else column.number[i] = value;
    });
  });
}

export function profileFrame(values: Readonly<Record<string, string | number | readonly string[]>>): ProfileFrame {
  const frame = createProfileFrame(SCHEMA);
  for (const { name, slot, optional } of SCHEMA.profile) {
    const value = values[name];
    frame.present[slot] = value !== undefined || !optional ? 1 : 0;
    if (typeof value === 'string') {
      frame.text[slot] = value;
      frame.code[slot] = dictionaryCode(value);
    } else if (typeof value === 'number') frame.number[slot] = value;
    else if (value !== undefined) frame.list[slot] = value;
  }
  return frame;
}

export interface Outcome {
  readonly hits: readonly number[];
  readonly errors: readonly number[];
}

/** All rules at once. */
export function match(sources: readonly string[], event: EventFrame, profile = profileFrame({}), nowMs = 0): Outcome {
  const segments = segmentSet();
  const rules = new RuleSet(
    sources.map((source) => compile(source)),
    segments,
    dictionaryCode,
  );
  segments.begin(profile, nowMs);
  const hits = new Int32Array(sources.length);
  const count = rules.match(event, profile, nowMs, hits);
  return { hits: [...hits.subarray(0, count)], errors: [...rules.errors] };
}

/** One predicate: true, false, or an error. */
export function truth(
  source: string,
  event = eventFrame({}),
  profile = profileFrame({}),
  nowMs = 0,
): boolean | 'error' {
  const { hits, errors } = match([source], event, profile, nowMs);
  return errors[0] === 1 ? 'error' : hits.length === 1;
}
