/** Expressions taken apart: what is told of each part. */
import { expect, it } from 'vitest';
import { PairFrame } from '../../../src/machine/time/pair-frame.ts';
import type { ExplainedExpression } from '../../../src/protocol/explanation.ts';
import { checkExpression } from '../../../src/rules/check-expression.ts';
import { ExpressionExplainer } from '../../../src/rules/explain-expression.ts';
import { SegmentSet } from '../../../src/rules/segment-set.ts';
import { compile, eventFrame, profileFrame, RECEIPT, SCHEMA, SEGMENTS } from './fixture.ts';

const NOW = Date.parse('2010-12-01T08:26:00.000Z');
const EVENT = eventFrame({
  id: 'e1',
  ts: NOW - 90_000,
  fields: { total: 42.5, store: 'web', qty: 3, gift: true, 'address.city': 'Leeds' },
  items: [{ sku: 'tea', qty: 2 }, { sku: 'cup' }, { sku: 'hat', qty: 1 }],
  tags: ['a', 'b'],
});
const PROFILE = profileFrame({ spend_30d: 1200, likes: ['tea', 'cake'] });

const programs = SEGMENTS.map((source) => compile(source, ['bool'], null));
const segments = new SegmentSet(programs, SCHEMA);
const explainer = new ExpressionExplainer(SCHEMA, programs, segments);

function explain(source: string): ExplainedExpression {
  const program = compile(source, ['bool', 'int', 'double', 'string', 'timestamp']);
  segments.begin(PROFILE, NOW);
  return explainer.compile(program, RECEIPT).explain(EVENT, PROFILE, NOW);
}

/** One line for each part, indented: `text → value (count of elements)`, or the error. */
function lines({ text, value, error, held, parts }: ExplainedExpression): string[] {
  const told = error === null ? value : `error: ${error}`;
  const counted = held === null ? '' : ` (${held.count} of ${held.of})`;
  return [`${text} → ${told}${counted}`, ...parts.flatMap(lines).map((line) => `  ${line}`)];
}

it.each([
  [
    'event.total > 20.0 && (event.store == "shop" || !event.gift) → false',
    '  event.total > 20.0 → true',
    '    event.total → 42.5',
    '  event.store == "shop" || !event.gift → false',
    '    event.store == "shop" → false',
    '      event.store → web',
    '    !event.gift → false',
    '      event.gift → true',
  ],
  [
    'event.qty + 1 > 2 && event.store in ["web", "x)"] → true',
    '  event.qty + 1 > 2 → true',
    '    event.qty + 1 → 4',
    '      event.qty → 3',
    '  event.store in ["web", "x)"] → true',
    '    event.store → web',
  ],
  ['event.items.exists(i, i.qty > 1) → true (1 of 3)', '  event.items → 3 items'],
  [
    'event.items.all(i, i.qty > event.qty && profile.spend_30d > 1.0) → false (0 of 3)',
    '  event.items → 3 items',
    '  event.qty → 3',
    '  profile.spend_30d > 1.0 → true',
    '    profile.spend_30d → 1200',
  ],
  ['event.items.exists_one(i, has(i.qty) && i.qty > 1) → true (1 of 3)', '  event.items → 3 items'],
  [
    'size(event.items.filter(i, has(i.qty))) >= 2 → true',
    '  size(event.items.filter(i, has(i.qty))) → 2',
    '    event.items.filter(i, has(i.qty)) → 2 items (2 of 3)',
    '      event.items → 3 items',
  ],
  [
    'event.items.map(i, i.sku) == ["a"] → false',
    '  event.items.map(i, i.sku) → ["tea", "cup", "hat"]',
    '    event.items → 3 items',
  ],
  [
    'segment.known → true',
    '  profile.country == "GB" || segment.vip → true',
    '    profile.country == "GB" → error: profile.country has no value for this customer',
    '      profile.country → error: profile.country has no value for this customer',
    '    segment.vip → true',
    '      profile.spend_30d > 1000.0 → true',
    '        profile.spend_30d → 1200',
  ],
  [
    'now - event.ts < duration("25h") → true',
    '  now - event.ts → 1m30s',
    '    now → 2010-12-01T08:26:00.000Z',
    '    event.ts → 2010-12-01T08:24:30.000Z',
  ],
  [
    'has(event.at) ? event.at > now : event.items[1].qty > 1 → error: event.items[1].qty: there is no such field',
    '  has(event.at) → false',
    '  event.at > now → error: event.at is not in the event',
    '    event.at → error: event.at is not in the event',
    '    now → 2010-12-01T08:26:00.000Z',
    '  event.items[1].qty > 1 → error: event.items[1].qty: there is no such field',
    '    event.items[1].qty → error: event.items[1].qty: there is no such field',
    '      event.items → 3 items',
  ],
  [
    'event.tags[5] == "a" → error: event.tags[5]: there is no such element',
    '  event.tags[5] → error: event.tags[5]: there is no such element',
    '    event.tags → ["a", "b"]',
  ],
  [
    'event.qty / 0 == 1 → error: event.qty / 0: divided by zero, or out of range',
    '  event.qty / 0 → error: event.qty / 0: divided by zero, or out of range',
    '    event.qty → 3',
  ],
  [
    'int(event.store) == 3 → error: int(event.store): cannot be read as int',
    '  int(event.store) → error: int(event.store): cannot be read as int',
    '    event.store → web',
  ],
  [
    'event.store.matches("^w.b$") && size(event.tags) == -1 && - event.qty < -1 → false',
    '  event.store.matches("^w.b$") → true',
    '    event.store → web',
    '  size(event.tags) == -1 → false',
    '    size(event.tags) → 2',
    '      event.tags → ["a", "b"]',
    '  - event.qty < -1 → true',
    '    - event.qty → -3',
    '      event.qty → 3',
  ],
  [
    'event.qty * (event.qty + 1) % 2 == 0 → true',
    '  event.qty * (event.qty + 1) % 2 → 0',
    '    event.qty * (event.qty + 1) → 12',
    '      event.qty → 3',
    '      event.qty + 1 → 4',
    '        event.qty → 3',
  ],
  [
    'profile.spend_30d > 1.0 && profile.spend_30d > 1.0 → true',
    '  profile.spend_30d > 1.0 → true',
    '    profile.spend_30d → 1200',
  ],
  ['strings.quote(event.store) → "web"', '  event.store → web'],
  ['"tea" in profile.likes → true', '  profile.likes → ["tea", "cake"]'],
  ['9007199254740993 → 9007199254740993'],
  ['1.0 / 0.0 → Infinity'],
  ['true → true'],
])('%s', (...expected) => {
  expect(lines(explain((expected[0] as string).replace(/ → .*/, '')))).toEqual(expected);
});

it('puts what is folded on one line, without comments and brackets around the whole', () => {
  const { text, parts } = explain('(\n  (event.total)\n    > 3.0 // tea\n  && ! ( event.gift )\n)  ');
  expect([text, ...parts.map((part) => part.text)]).toEqual([
    '(event.total) > 3.0 && !(event.gift)',
    '(event.total) > 3.0',
    '!(event.gift)',
  ]);
  expect(explain('!!event.gift && !(!(!event.gift)) || --event.qty > 2').parts.map((part) => part.text)).toEqual([
    '!!event.gift && !(!(!event.gift))',
    '--event.qty > 2',
  ]);
  expect(explain("event.store == '''a\nb'''").text).toBe("event.store == '''a\\nb'''");
});

it('says what a part is, and of which type', () => {
  const kinds = ({ kind, type, parts }: ExplainedExpression): unknown[] => [`${kind} ${type}`, ...parts.map(kinds)];
  expect(kinds(explain('(segment.vip || !has(profile.country)) && event.tags.exists(t, t != "a")'))).toEqual([
    'and bool',
    ['or bool', ['segment bool', ['call bool', ['field double']]], ['not bool', ['field bool']]],
    ['loop bool', ['field list<string>']],
  ]);
});

it('explains over two events, and over the profile alone', () => {
  const checked = checkExpression('event.qty > trigger.qty', { schema: SCHEMA, event: RECEIPT, trigger: RECEIPT }, [
    'bool',
  ]);
  if ('issues' in checked) throw new Error(checked.issues[0]?.message);
  const frame = new PairFrame(RECEIPT, RECEIPT).fill(EVENT, eventFrame({ fields: { qty: 1 } }));
  segments.begin(PROFILE, NOW);
  expect(lines(explainer.compile(checked.program, RECEIPT, RECEIPT).explain(frame, PROFILE, NOW))).toEqual([
    'event.qty > trigger.qty → true',
    '  event.qty → 3',
    '  trigger.qty → 1',
  ]);
  const alone = explainer.compile(compile('segment.vip && !has(profile.country)', ['bool'], null), null);
  expect([...alone.profileSlots]).toEqual([0, 2]);
  expect(alone.explain(null, PROFILE, NOW).value).toBe(true);
});
