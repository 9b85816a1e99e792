/** What a person is told who wrote a rule that cannot be published. */
import { describe, expect, test } from 'vitest';
import { problems } from './fixture.ts';

const OBJECTS =
  'objects of a list can only be walked over, counted and indexed: name one of their fields, as in list.exists(x, x.field == 1)';

function table(rows: readonly (readonly [string, ...string[]])[]): void {
  test.each(rows.map(([source, ...messages]) => [source, messages] as const))('%s', (source, messages) => {
    expect(problems(source)).toEqual(messages);
  });
}

describe('unknown names', () => {
  table([
    ['event.totl > 1.0', '1:7 event "receipt" has no field "totl"; did you mean "total"?'],
    ['profile.contry == "x"', '1:9 the profile has no attribute or aggregate "contry"; did you mean "country"?'],
    ['segment.vp', '1:9 there is no segment "vp"; did you mean "vip"?'],
    ['evnt.total > 1', '1:1 unknown name "evnt"; did you mean "event"?'],
    ['event.items.exists(i, i.skku == "a")', '1:25 an element of event.items has no field "skku"; did you mean "sku"?'],
    ['event.address.cty == "x"', '1:15 event.address has no field "cty"; did you mean "city"?'],
    ['event.address > 1', '1:7 "event.address" is an object: name one of its fields, as in event.address.city'],
    ['event.store.size > 1', '1:13 "event.store" has no fields'],
    ['event == 1', '1:1 "event" has no value of its own: name one of its fields, as in event.total'],
    ['event["total"] > 1', '1:1 "event" has no value of its own: name one of its fields, as in event.total'],
    ['has(event.totl)', '1:11 event "receipt" has no field "totl"; did you mean "total"?'],
    ['event.quite_another_thing == 1', '1:7 event "receipt" has no field "quite_another_thing"'],
    ['event.type == "receipt" &&\n  event.totl > 1', '2:9 event "receipt" has no field "totl"; did you mean "total"?'],
    ['"😀" == event.stor', '1:14 event "receipt" has no field "stor"; did you mean "store"?'],
    [
      'evnt.total > 1 && event.gft',
      '1:1 unknown name "evnt"; did you mean "event"?',
      '1:25 event "receipt" has no field "gft"; did you mean "gift"?',
    ],
  ]);

  test('the event, where there is none', () => {
    expect(problems('event.total > 1', ['bool'], null)).toEqual([
      '1:7 "event" is not available here: this expression is about the profile only',
    ]);
    expect(problems('profile.spend_30d > 1', ['bool'], null)).toEqual([]);
  });
});

describe('types', () => {
  table([
    ['event.total', '1:1 expected bool, but this is double'],
    ['event.total == "a"', '1:13 no operator == between double and string'],
    ['event.store > 1', '1:13 no operator > between string and int'],
    [
      'event.total + 1 > 2.0',
      '1:13 no operator + between double and int; convert one side, as in double(x), or write the literal as 1.0 instead of 1',
    ],
    ['"a" + 1 == "a1"', '1:4 no operator + between string and int'],
    ['-event.store == ""', '1:1 no operator - for string'],
    ['event.gift && event.qty', '1:20 an operand of && must be a bool, not int'],
    ['!event.qty', '1:7 the operand of ! must be a bool, not int'],
    ['event.total ? true : false', '1:6 the condition before ? must be a bool, not double'],
    ['(true ? 1 : "a") == 1', '1:2 the branches of ?: differ in type: int and string'],
    [
      'event.store == null',
      '1:13 no operator == between string and null; to ask whether a field is there, write has(…)',
    ],
    ['event.qty in 3', '1:11 "in" needs a list or a map on its right, not int'],
    ['event.qty in ["a"]', '1:11 a value of type int is never in list<string>'],
    ['event.tags["a"] == "b"', '1:12 the index of a list must be an int, not string'],
    ['event.store[0] == "a"', '1:12 a value of type string cannot be indexed'],
    ['event.items.exists(i, i.qty)', '1:25 the condition of exists() must be a bool, not int'],
    [
      'event.total.exists(x, true)',
      '1:13 exists() walks over a list or the keys of a map, not over a value of type double',
    ],
    ['event.items == event.items', `1:6 ${OBJECTS}`],
    ['[event.items].size() == 1', `1:7 ${OBJECTS}`],
    ['dyn(event.items) == 1', `1:10 ${OBJECTS}`],
    ['event.items.map(i, i).size() == 1', `1:20 ${OBJECTS}`],
    ['"%s".format([event.items[0]]) == ""', `1:25 ${OBJECTS}`],
    ['{1.5: 2}.size() == 1', "1:2 a map's key cannot be of type double"],
    ['99999999999999999999 > 1', '1:1 integer 99999999999999999999 is out of range (64 bits, signed)'],
    ['event.store.contains(1)', '1:13 no function contains(int) on string'],
    ['size(event.total) == 1', '1:1 size() is of strings, bytes, lists and maps, not of double'],
  ]);

  test('several results may be allowed', () => {
    expect(problems('event.store', ['int', 'double'])).toEqual(['1:1 expected int or double, but this is string']);
    expect(problems('event.total * 0.05', ['int', 'double'])).toEqual([]);
  });

  test('numbers of different types may be compared', () => {
    expect(problems('event.total > 100 && event.qty <= 2.5 && event.total == 3')).toEqual([]);
  });
});

describe('functions', () => {
  table([
    ['event.store.foo()', '1:13 unknown function "foo"'],
    ['event.store.contain("x")', '1:13 unknown function "contain"; did you mean "contains"?'],
    ['event.items.sum(i, i.qty) > 1', '1:13 unknown function "sum"'],
    ['contains(event.store, "a")', '1:1 no function contains(string, string)'],
    ['event.items.exists(true)', '1:13 exists() takes a variable and an expression, as in list.exists(x, x > 0)'],
    ['has(event)', '1:1 has() takes a field, as in has(event.total)'],
    ['event.store.matches("(")', '1:21 bad pattern: error parsing regexp: missing closing ): `(`'],
    ['event.store.matches(event.store)', '1:26 not supported: a pattern of matches() that is not a literal'],
    [
      'now - event.ts > duration("2d")',
      '1:27 "2d" is no duration such as 90s, 30m or 24h (CEL has no days: write 168h for a week)',
    ],
    ['event.at > timestamp("2010-12-01")', '1:22 "2010-12-01" is no timestamp such as 2010-12-01T08:26:00Z'],
    [
      'event.at.getHours("Europe/London") > 9',
      '1:19 not supported: the time zone "Europe/London": write UTC or a fixed offset such as +02:00',
    ],
    ['event.at.getHours(event.store) > 9', '1:24 not supported: a time zone that is not a literal'],
    ['Foo{a: 1} == null', '1:1 not supported: messages (Foo{…})'],
  ]);
});

describe('syntax', () => {
  table([
    ['', '1:1 empty expression'],
    [' \n ', '1:1 empty expression'],
    ['event.total > ', '1:13 syntax error: something is missing after ">"'],
    ['event.total > 1 ||', '1:17 syntax error: something is missing after "||"'],
    ["event.store = 'a'", '1:13 syntax error at "=": to compare, write =='],
    ['event.gift and true', '1:12 syntax error at "and": write && for "and"'],
    ['"abc', '1:1 syntax error at ""abc": a string begins here and does not end'],
    [
      'event.total > 1,5',
      '1:16 syntax error at ",5": a decimal point is written ".", and "," stands between arguments only',
    ],
    ['event.gift\n&& é', '2:1 syntax error at "&&"'],
    ['"\\ud800" == ""', '1:1 syntax error: surrogate code points are not allowed'],
    ['event.`total` > 1', '1:6 not supported: field names in back quotes'],
  ]);
});
