/**
 * Beckon's side against rule libraries: the RuleSet that the machine runs, over one frame that is filled for every event, as a decoder does. Decoding itself is
 * left out, as it is for the others, which get objects.
 */
import { createEventFrame, createProfileFrame, growListColumn, type ListColumn } from '../../src/protocol/frame.ts';
import type { EventSchema, Schema } from '../../src/protocol/schema.ts';
import { checkExpression } from '../../src/rules/check-expression.ts';
import { RuleSet } from '../../src/rules/rule-set.ts';
import { SegmentSet } from '../../src/rules/segment-set.ts';
import { assert } from '../../src/stdx/assert.ts';
import { type BasketContext, type BasketRule, celOf } from '../workload/rules.ts';
import type { RuleEngine } from './rule-engines.ts';

const EVENT: EventSchema = {
  type: 'basket',
  index: 0,
  fields: [{ path: 'amount', type: 'double', slot: 0 }],
  lists: [
    {
      path: 'items',
      list: 0,
      ofObjects: true,
      columns: [
        { name: 'sku', type: 'string', column: 0 },
        { name: 'quantity', type: 'int', column: 1 },
      ],
    },
  ],
};

const SCHEMA: Schema = {
  events: [EVENT],
  profile: [{ name: 'tier', kind: 'attribute', type: 'string', slot: 0, optional: true }],
  segments: [],
};

export function beckonRules(rules: readonly BasketRule[]): RuleEngine {
  const codes = new Map<string, number>();
  const codeOf = (text: string): number => {
    const code = codes.get(text) ?? codes.size;
    codes.set(text, code);
    return code;
  };
  const programs = rules.map((rule) => {
    const outcome = checkExpression(celOf(rule), { schema: SCHEMA, event: EVENT }, ['bool']);
    assert('program' in outcome, 'the rules are well-formed');
    return outcome.program;
  });
  const segments = new SegmentSet([], SCHEMA);
  const set = new RuleSet(programs, segments, codeOf);
  const event = createEventFrame(EVENT);
  const profile = createProfileFrame(SCHEMA);
  const hits = new Int32Array(rules.length);
  const items = event.lists[0] as (typeof event.lists)[number];
  const [sku, quantity] = items.columns as [ListColumn, ListColumn];
  event.present.fill(1);
  event.listPresent.fill(1);
  profile.present.fill(1);

  const fill = (context: BasketContext): void => {
    const { amount, items: given } = context.event;
    event.number[0] = amount;
    items.length = given.length;
    given.forEach((item, i) => {
      growListColumn(sku, i);
      growListColumn(quantity, i);
      sku.text[i] = item.sku;
      quantity.number[i] = item.quantity;
      sku.present[i] = quantity.present[i] = 1;
    });
    profile.text[0] = context.profile.tier;
    profile.code[0] = codeOf(context.profile.tier);
  };
  return {
    match: (context, hit) => {
      fill(context);
      segments.begin(profile, 0);
      const count = set.match(event, profile, 0, hits);
      for (let i = 0; i < count; i++) hit(hits[i] as number);
    },
  };
}
