/** Expressions over two events: names, messages, and that programs find in a frame of the pair's schema what was put there. */
import { describe, expect, test } from 'vitest';
import { createEventFrame, createProfileFrame, type EventFrame } from '../../../src/protocol/frame.ts';
import type { EventSchema, Schema } from '../../../src/protocol/schema.ts';
import { checkExpression } from '../../../src/rules/check-expression.ts';
import { columnKey, readsOfPair } from '../../../src/rules/event-reads.ts';
import type { Program } from '../../../src/rules/program.ts';
import { ScalarProgram } from '../../../src/rules/scalar-program.ts';
import { pairSchema } from '../../../src/workspace/pair-schema.ts';

const VIEW: EventSchema = {
  type: 'view',
  index: 0,
  fields: [
    { path: 'sku', type: 'string', slot: 0 },
    { path: 'price', type: 'double', slot: 1 },
    // Not to be taken for the second event's.
    { path: 'trigger.id', type: 'string', slot: 2 },
  ],
  lists: [{ path: 'tags', list: 0, ofObjects: false, columns: [{ name: '', type: 'string', column: 0 }] }],
};

const BASKET: EventSchema = {
  type: 'basket',
  index: 1,
  fields: [
    { path: 'sku', type: 'string', slot: 0 },
    { path: 'shop.city', type: 'string', slot: 1 },
    { path: 'total', type: 'double', slot: 2 },
  ],
  lists: [
    { path: 'codes', list: 0, ofObjects: false, columns: [{ name: '', type: 'int', column: 0 }] },
    {
      path: 'items',
      list: 1,
      ofObjects: true,
      columns: [
        { name: 'sku', type: 'string', column: 0 },
        { name: 'qty', type: 'int', column: 1 },
      ],
    },
  ],
};

const SCHEMA: Schema = { events: [VIEW, BASKET], profile: [], segments: [] };

function checked(source: string, trigger?: EventSchema | null): { program: Program } | { lines: string[] } {
  const scope = trigger === undefined ? { schema: SCHEMA, event: VIEW } : { schema: SCHEMA, event: VIEW, trigger };
  const result = checkExpression(source, scope, ['bool']);
  return 'program' in result
    ? result
    : { lines: result.issues.map(({ line, column, message }) => `${line}:${column} ${message}`) };
}

function problems(source: string, trigger?: EventSchema | null): string[] {
  const result = checked(source, trigger);
  return 'lines' in result ? result.lines : [];
}

function programOf(source: string, trigger?: EventSchema | null): Program {
  const result = checked(source, trigger);
  if ('lines' in result) throw new Error(`${source}: ${result.lines.join('; ')}`);
  return result.program;
}

describe('the schema of two events', () => {
  test('has the first as it is, the second behind it, and the second’s envelope last', () => {
    const pair = pairSchema(VIEW, BASKET);
    expect(pair).toMatchObject({ type: 'view', index: 0 });
    expect(pair.fields.map(({ path, type, slot }) => `${slot} ${path} ${type}`)).toEqual([
      '0 sku string',
      '1 price double',
      '2 trigger.id string',
      '3 trigger.sku string',
      '4 trigger.shop.city string',
      '5 trigger.total double',
      '6 trigger.id string',
      '7 trigger.type string',
      '8 trigger.ts timestamp',
    ]);
    expect(pair.lists.map(({ path, list, columns }) => `${list} ${path} ${columns.length}`)).toEqual([
      '0 tags 1',
      '1 trigger.codes 1',
      '2 trigger.items 2',
    ]);
  });
});

/** A frame filled by the paths of the pair's schema; of two fields with the same path, the last. */
function frameOf(
  values: Readonly<Record<string, string | number | readonly (readonly (string | number)[])[]>>,
): EventFrame {
  const schema = pairSchema(VIEW, BASKET);
  const frame = createEventFrame(schema);
  frame.id = 'v1';
  frame.ts = 1000;
  for (const { path, slot } of new Map(schema.fields.map((field) => [field.path, field])).values()) {
    const value = values[path];
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    frame.present[slot] = 1;
    if (typeof value === 'string') frame.text[slot] = value;
    else frame.number[slot] = value;
  }
  for (const { path, list } of schema.lists) {
    const rows = values[path];
    const target = frame.lists[list];
    if (!Array.isArray(rows) || target === undefined) continue;
    frame.listPresent[list] = 1;
    target.length = rows.length;
    rows.forEach((row: readonly (string | number)[], i) => {
      row.forEach((value, column) => {
        const into = target.columns[column];
        if (into === undefined) return;
        into.present[i] = 1;
        if (typeof value === 'string') into.text[i] = value;
        else into.number[i] = value;
      });
    });
  }
  return frame;
}

function truth(source: string, frame: EventFrame, trigger?: EventSchema | null): boolean | 'error' {
  const program = new ScalarProgram(programOf(source, trigger), null);
  if (!program.evaluate(frame, createProfileFrame(SCHEMA), 5000)) return 'error';
  return program.number === 1;
}

describe('expressions over two events', () => {
  const frame = frameOf({
    sku: 'A',
    price: 3,
    tags: [['x']],
    'trigger.sku': 'B',
    'trigger.total': 7,
    'trigger.type': 'basket',
    'trigger.ts': 400,
    'trigger.codes': [[4], [5]],
    'trigger.items': [
      ['A', 1],
      ['C', 2],
    ],
  });

  test.each([
    ['event.sku == "A" && trigger.sku == "B"', true],
    ['event.sku == trigger.sku', false],
    ['event.price < trigger.total', true],
    ['event.type == "view" && trigger.type == "basket"', true],
    ['event.ts - trigger.ts == duration("600ms")', true],
    ['now > trigger.ts', true],
    ['has(trigger.id)', false],
    ['trigger.id == "b1"', 'error'],
    ['has(event.trigger.id) || event.id == "v1"', true],
    ['has(trigger.type) && has(trigger.ts)', true],
    ['has(trigger.shop.city)', false],
    ['trigger.shop.city == "x"', 'error'],
    ['trigger.items.exists(i, i.sku == event.sku && i.qty == 1)', true],
    ['trigger.items[1].sku == "C" && size(trigger.items) == 2', true],
    ['5 in trigger.codes && event.tags == ["x"]', true],
    ['has(event.tags) && has(trigger.items)', true],
  ])('%s', (source, result) => {
    expect(truth(source, frame, BASKET)).toBe(result);
  });

  test('the id of the second is a field of the frame', () => {
    expect(truth('trigger.id == "b1" && event.id == "v1"', frameOf({ 'trigger.id': 'b1' }), BASKET)).toBe(true);
  });

  test.each([
    ['trigger.totl > 1.0', '1:9 trigger "basket" has no field "totl"; did you mean "total"?'],
    ['trigger.price > 1.0', '1:9 trigger "basket" has no field "price"'],
    ['event.total > 1.0', '1:7 event "view" has no field "total"'],
    ['trigger.shop == "x"', '1:9 "trigger.shop" is an object: name one of its fields, as in trigger.shop.city'],
    ['trigger == event', '1:1 "trigger" has no value of its own: name one of its fields, as in trigger.sku'],
    [
      'trigger.items.exists(i, i.skku == "a")',
      '1:27 an element of trigger.items has no field "skku"; did you mean "sku"?',
    ],
  ])('%s: %s', (source, message) => {
    expect(problems(source, BASKET)[0]).toBe(message);
  });

  test('may cost no more than those over one', () => {
    expect(problems('trigger.items.exists(i, trigger.items.exists(j, i.sku == j.sku))', BASKET)[0]).toMatch(
      /too expensive/,
    );
  });
});

describe('where there is no second event', () => {
  test('`trigger` is another name for `event`', () => {
    expect(programOf('trigger.price > 1.0 && has(trigger.id) && trigger.tags[0] == "x"')).toEqual({
      ...programOf('event.price > 1.0 && has(event.id) && event.tags[0] == "x"'),
      source: 'trigger.price > 1.0 && has(trigger.id) && trigger.tags[0] == "x"',
    });
    expect(problems('trigger.totl > 1')).toEqual(['1:9 trigger "view" has no field "totl"']);
  });

  test('or not available', () => {
    expect(problems('trigger.price > 1.0', null)).toEqual([
      '1:9 "trigger" is not available here: this expression is about `event` alone',
    ]);
    expect(problems('event.price > 1.0', null)).toEqual([]);
    const profileOnly = checkExpression('trigger.x == 1', { schema: SCHEMA, event: null }, ['bool']);
    expect('issues' in profileOnly && profileOnly.issues[0]?.message).toBe(
      '"trigger" is not available here: this expression is about the profile only',
    );
  });
});

describe('what is read of each', () => {
  test('texts by the slots of their own event', () => {
    const { event, trigger } = readsOfPair(
      programOf(
        'event.sku == trigger.shop.city && trigger.items.exists(i, i.sku == "x") && "y" in event.tags && trigger.total > 1.0 && has(trigger.sku)',
        BASKET,
      ),
      VIEW,
      BASKET,
    );
    expect({ ...event }).toEqual({ id: false, fields: new Set([0]), columns: new Set([columnKey(0, 0)]) });
    expect({ ...trigger }).toEqual({ id: false, fields: new Set([1]), columns: new Set([columnKey(1, 0)]) });
  });

  test.each([
    ['event.id == "a"', true, false],
    ['trigger.id == "a"', false, true],
    ['has(trigger.id)', false, true],
    ['trigger.type == "a" && trigger.ts < now && event.type == "b"', false, false],
  ])('ids: %s', (source, ofEvent, ofTrigger) => {
    const reads = readsOfPair(programOf(source, BASKET), VIEW, BASKET);
    expect([reads.event.id, reads.trigger.id]).toEqual([ofEvent, ofTrigger]);
  });
});
