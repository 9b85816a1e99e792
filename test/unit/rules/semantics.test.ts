/** What CEL says an expression means, over frames: absence, absorbed errors, integers, text by code point, time. */
import { describe, expect, test } from 'vitest';
import { ScalarProgram } from '../../../src/rules/scalar-program.ts';
import { compile, eventFrame, profileFrame, segmentSet, truth } from './fixture.ts';

const EMPTY = eventFrame({});

function truths(
  rows: readonly (readonly [string, boolean | 'error'])[],
  event = EMPTY,
  profile = profileFrame({}),
  nowMs = 0,
): void {
  test.each(rows)('%s is %s', (source, wanted) => {
    expect(truth(source, event, profile, nowMs)).toBe(wanted);
  });
}

/** event.gift is absent: reading it is an error. */
describe('errors in && and || are absorbed on either side', () => {
  const E = 'event.gift';
  truths([
    [`${E}`, 'error'],
    [`${E} && true`, 'error'],
    [`true && ${E}`, 'error'],
    [`${E} && false`, false],
    [`false && ${E}`, false],
    [`${E} || false`, 'error'],
    [`false || ${E}`, 'error'],
    [`${E} || true`, true],
    [`true || ${E}`, true],
    [`${E} && ${E}`, 'error'],
    [`!(${E} && false)`, true],
    [`!${E} || true`, true],
    [`(${E} || true) && true`, true],
    [`(${E} && false) || ${E}`, 'error'],
    [`${E} && ${E} && false && ${E}`, false],
    [`${E} ? true : true`, 'error'],
    [`true ? true : ${E}`, true],
    [`false ? ${E} : true`, true],
    [`has(event.gift) && ${E}`, false],
    [`!has(event.gift) || ${E}`, true],
  ]);
});

describe('absence', () => {
  truths([
    ['has(event.total)', false],
    ['has(event.address.city)', false],
    ['has(event.items)', false],
    ['has(event.id)', false],
    ['has(event.type) && event.type == "receipt"', true],
    ['has(profile.country)', false],
    ['has(profile.spend_30d)', true],
    ['profile.spend_30d == 0.0', true],
    ['event.total == 0.0', 'error'],
    ['event.items.size() == 0', 'error'],
    ['event.items.exists(i, true)', 'error'],
    ['event.items.all(i, false)', 'error'],
    ['"a" in event.tags', 'error'],
    ['event.id == ""', 'error'],
    ['segment.known', 'error'],
    ['segment.known || true', true],
    ['segment.vip', false],
  ]);
});

describe('macros over lists of objects', () => {
  const event = eventFrame({ items: [{ sku: 'A', qty: 1 }, { qty: 2 }, { sku: 'C' }], tags: ['x', 'y'] });
  truths(
    [
      ['event.items.size() == 3', true],
      ['event.items.exists(i, i.sku == "C")', true],
      // The second item has no sku: an error unless another decides.
      ['event.items.exists(i, i.sku == "Z")', 'error'],
      ['event.items.all(i, i.sku == "A")', false],
      ['event.items.all(i, i.sku != "Z")', 'error'],
      ['event.items.exists_one(i, has(i.sku) && i.sku == "A")', true],
      ['event.items.exists_one(i, i.sku == "A")', 'error'],
      ['event.items.filter(i, has(i.qty)).size() == 2', true],
      ['event.items.filter(i, i.qty > 0).size() == 2', 'error'],
      ['event.items.filter(i, has(i.qty)).exists(i, i.qty == 2)', true],
      ['event.items.filter(i, has(i.qty)).map(i, i.qty * 10) == [10, 20]', true],
      ['event.items[1].qty == 2', true],
      ['event.items[1].sku == "A"', 'error'],
      ['event.items[3].sku == "A"', 'error'],
      ['event.items[-1].sku == "A"', 'error'],
      ['has(event.items[1].sku)', false],
      ['event.items.exists(i, ["B", "C"].exists(s, has(i.sku) && i.sku == s && event.tags[1] == "y"))', true],
      ['event.tags == ["x", "y"]', true],
      ['event.tags[0] == "x" && event.tags[event.items[0].qty] == "y"', true],
      ['event.tags[2] == "x"', 'error'],
      ['event.tags[-1] == "x"', 'error'],
      ['event.tags[9223372036854775807] == "x"', 'error'],
      ['event.tags[1] == "y" && "x" in event.tags && !("z" in event.tags)', true],
      ['event.tags.map(t, t + "!").exists(t, t == "y!")', true],
      ['[1, 2, 3].filter(n, n > 1).map(n, n * n) == [4, 9]', true],
      ['{"a": 1, "b": 2}.all(k, k in event.tags)', false],
    ],
    event,
  );
});

describe('integers', () => {
  const event = eventFrame({ fields: { qty: 9007199254740991, total: 2.5 } });
  truths(
    [
      ['event.qty + 1 == 9007199254740992', true],
      ['event.qty + 2 == 9007199254740993', true],
      ['event.qty * 1024 > event.qty * 1023', true],
      ['event.qty * 1025 > 0', 'error'],
      ['event.qty * event.qty > 0', 'error'],
      ['event.qty * event.qty > 0 || true', true],
      ['-7 / 2 == -3 && 7 / -2 == -3', true],
      ['-7 % 2 == -1 && 7 % -2 == 1', true],
      ['event.qty / 0 == 1', 'error'],
      ['event.qty % 0 == 1', 'error'],
      ['-9223372036854775808 / -1 > 0', 'error'],
      ['-(-9223372036854775808) > 0', 'error'],
      ['9223372036854775807 + event.qty > 0', 'error'],
      // An int is never −0: as a double it divides to +∞.
      ['1.0 / double((event.qty - event.qty) * -1) > 0.0', true],
      ['1.0 / double(-(event.qty - event.qty)) > 0.0', true],
      ['1.0 / double(0 % -2) > 0.0 && 1.0 / double(-1 / 2) > 0.0', true],
      ['event.total == 2.5 && event.total > 2 && event.total < 3', true],
      ['event.qty > 9007199254740990.0 && 3 == 3.0 && 3u == 3 && 2 in [1.0, 2.0]', true],
      ['int(event.total) == 2 && int(-2.9) == -2', true],
      ['int(1e300) == 0', 'error'],
      ['double(event.qty) == 9007199254740991.0', true],
      ['1.0 / 0.0 > 1e308 && !(0.0 / 0.0 == 0.0 / 0.0)', true],
    ],
    event,
  );
});

describe('text counts and sorts by code point', () => {
  const event = eventFrame({ fields: { store: 'a😀b' } });
  truths(
    [
      ['event.store.size() == 3', true],
      ['size("") == 0 && size("é") == 1 && size("😀😀") == 2', true],
      // As UTF-16, 😀 (D83D DE00) would sort before U+FF5E.
      ['"\\uff5e" < "😀"', true],
      ['"a\\uff5e" < event.store && "b" > event.store && "a" < event.store', true],
      ['event.store <= event.store && !(event.store < event.store)', true],
      ['event.store.substring(1, 2) == "😀" && event.store.charAt(2) == "b"', true],
      ['event.store.indexOf("b") == 2 && event.store.lastIndexOf("b") == 2', true],
      ['event.store.reverse() == "b😀a"', true],
      ['event.store.charAt(4) == ""', 'error'],
      ['event.store.split("") == ["a", "😀", "b"]', true],
      ['event.store.matches("^a.b$") && !event.store.matches("^a..b$")', true],
      ['event.store.upperAscii() == "A😀B" && " x\\u00a0".trim() == "x"', true],
      ['event.store + "c" == "a😀bc" && event.store.contains("😀")', true],
      ['"%s has %d at %.1f".format([event.store, 3, 2.25]) == "a😀b has 3 at 2.2"', true],
    ],
    event,
  );

  test('a string that grows too long is an error', () => {
    const long = eventFrame({ fields: { store: 'x'.repeat(60_000) } });
    expect(truth('size(event.store + event.store) == 120000', long)).toBe(true);
    const sum = Array.from({ length: 10 }, () => 'event.store').join(' + ');
    expect(truth(`size(${sum}) > 0`, long)).toBe('error');
    expect(truth('size(event.store.replace("x", "123456")) > 0', long)).toBe('error');
    expect(truth('size(event.store.split("")) > 0', long)).toBe('error');
  });
});

describe('time', () => {
  const now = Date.UTC(2010, 11, 2, 9, 30, 15, 250);
  const event = eventFrame({ ts: now - 3_600_000, fields: { at: Date.UTC(2010, 11, 1) } });
  const profile = profileFrame({ last_seen: Date.UTC(2010, 10, 1) });
  truths(
    [
      ['now - event.ts == duration("1h")', true],
      ['now - profile.last_seen > duration("720h")', true],
      ['event.ts + duration("90m") > now && event.ts < now', true],
      ['event.at == timestamp("2010-12-01T00:00:00Z")', true],
      ['event.at > timestamp("2010-12-01T00:00:00.000000001Z") - duration("1ns")', false],
      ['now.getHours() == 9 && now.getHours("+02:00") == 11 && now.getMinutes("-00:45") == 45', true],
      ['now.getDayOfWeek() == 4 && now.getMonth() == 11 && now.getDate() == 2 && now.getDayOfMonth() == 1', true],
      ['now.getFullYear() == 2010 && now.getDayOfYear() == 335 && now.getMilliseconds() == 250', true],
      ['string(now) == "2010-12-02T09:30:15.250Z" && string(now - event.ts) == "3600s"', false],
      ['string(now) == "2010-12-02T09:30:15.25Z" && string(now - event.ts) == "3600s"', true],
      ['(now - event.at).getHours() == 33 && (now - event.at).getMinutes() == 2010', true],
      ['timestamp("9999-12-31T23:59:59Z") + duration("1s") > now', 'error'],
      ['timestamp("9999-12-31T23:59:59Z") - timestamp("0001-01-01T00:00:00Z") > duration("1s")', 'error'],
      ['int(event.at) == 1291161600 && timestamp(1291161600) == event.at', true],
    ],
    event,
    profile,
    now,
  );
});

describe('programs that give a value', () => {
  const event = eventFrame({ ts: 1_500, fields: { total: 10.5, store: 'web', qty: 9007199254740991, gift: true } });

  function value(source: string): number | string | 'error' {
    const program = compile(source, ['bool', 'int', 'double', 'string', 'timestamp']);
    const scalar = new ScalarProgram(program, segmentSet());
    const done = scalar.evaluate(event, profileFrame({}), 0);
    if (!done) return 'error';
    return program.result === 'string' ? scalar.text : scalar.number;
  }

  test.each([
    ['event.total * 0.05', 0.525],
    ['event.qty', 9007199254740991],
    ['event.qty + 1', 'error'],
    ['event.qty - 1', 9007199254740990],
    ['event.store + "!"', 'web!'],
    ['event.gift', 1],
    ['!event.gift', 0],
    ['event.ts', 1500],
    ['event.ts - duration("1ns")', 1499],
    ['event.at', 'error'],
    ['event.qty > 1 && event.gift', 1],
    ['[event.total, 2.0][0]', 10.5],
  ])('%s gives %s', (source, wanted) => {
    expect(value(source)).toBe(wanted);
  });

  test('without an event, over the profile alone', () => {
    const scalar = new ScalarProgram(compile('profile.spend_30d > 5.0', ['bool'], null), null);
    expect(scalar.evaluate(null, profileFrame({ spend_30d: 6 }), 0)).toBe(true);
    expect(scalar.number).toBe(1);
    expect([...scalar.profileSlots]).toEqual([2]);
  });
});
