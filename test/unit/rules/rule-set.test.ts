/** Sets of rules: what shares a function, what the index reaches, what is counted, and in which order hits come out. */
import { describe, expect, test } from 'vitest';
import type { Program } from '../../../src/rules/program.ts';
import { RuleSet } from '../../../src/rules/rule-set.ts';
import { SegmentSet } from '../../../src/rules/segment-set.ts';
import {
  compile,
  dictionaryCode,
  eventFrame,
  match,
  type Outcome,
  profileFrame,
  SCHEMA,
  segmentSet,
} from './fixture.ts';

function ruleSet(sources: readonly string[], code = dictionaryCode): RuleSet {
  const programs = sources.map((source) => compile(source));
  return new RuleSet(programs, segmentSet(), code);
}

describe('shapes', () => {
  test('rules that differ in constants share one function', () => {
    const rules = ruleSet([
      'event.total > 1.0 && profile.country in ["GB", "FR"]',
      'event.total > 2.0 && profile.country in ["DE"]',
      'event.total > 3.0 && profile.country in ["GB", "FR", "DE", "IT", "ES"]',
    ]);
    expect(rules.shapeCount).toBe(1);
    expect(ruleSet(['event.total > 1.0', 'event.total >= 1.0']).shapeCount).toBe(2);
  });

  test('each keeps its own constants', () => {
    const sources = ['GB', 'FR', 'DE'].flatMap((country) => [
      `profile.country == "${country}"`,
      `profile.country != "${country}"`,
    ]);
    const lists = ['["GB", "X"]', '["Y"]', `[${Array.from({ length: 40 }, (_, i) => `"c${i}"`).join(', ')}, "GB"]`];
    const all = [
      ...sources,
      ...lists.map((list) => `profile.country in ${list}`),
      ...lists.map((list) => `!(profile.country in ${list})`),
    ];
    expect(match(all, eventFrame({}), profileFrame({ country: 'GB' })).hits).toEqual([0, 3, 5, 6, 8, 10]);
  });

  test('a constant that the dictionary cannot take equals nothing', () => {
    const rules = ruleSet(
      ['profile.country == "GB"', 'profile.country != "GB"', 'profile.country in ["GB"]'],
      () => -1,
    );
    const hits = new Int32Array(3);
    expect(rules.match(eventFrame({}), profileFrame({ country: 'FR' }), 0, hits)).toBe(1);
    expect(hits[0]).toBe(1);
  });

  test('a program survives JSON', () => {
    const source =
      'event.total > -0.0 && event.qty != 9223372036854775807 && 1u < 18446744073709551615u && b"\\xff" != b"" && now > timestamp("2010-01-01T00:00:00.000000001Z") && event.store.matches("^w") && 1e999 > event.total';
    const program = JSON.parse(JSON.stringify(compile(source))) as Program;
    const rules = new RuleSet([program], segmentSet(), dictionaryCode);
    const event = eventFrame({ fields: { total: 1, qty: 1, store: 'web' } });
    expect(rules.match(event, profileFrame({}), Date.UTC(2010, 1), new Int32Array(1))).toBe(1);
  });
});

describe('the index', () => {
  const sku = (n: number): string => `event.items.exists(i, i.sku == "S${n}")`;

  test('reaches rules by a field, by a list of values, and by any element', () => {
    const sources = [
      ...[0, 1, 2, 3].map((n) => `event.store == "store${n}" && event.total > 1.0`),
      ...[0, 1, 2, 3].map((n) => `event.qty in [${n}, ${n + 1}]`),
      ...[0, 1, 2, 3].map((n) => `event.total > 1.0 && ${sku(n)}`),
    ];
    expect(ruleSet(sources).indexedCount).toBe(12);
    const event = eventFrame({
      fields: { store: 'store2', qty: 3, total: 5 },
      items: [{ sku: 'S1' }, { sku: 'S0' }, { sku: 'S1' }],
    });
    expect(match(sources, event).hits).toEqual([2, 6, 7, 8, 9]);
  });

  test('does not take what another operand of || could make true', () => {
    const sources = [0, 1, 2, 3].map((n) => `event.store == "s${n}" || event.total > 1.0`);
    expect(ruleSet(sources).indexedCount).toBe(0);
    const both = [0, 1, 2, 3].map((n) => `event.store == "s${n}" || (event.store in ["t${n}"] && event.total > 1.0)`);
    expect(ruleSet(both).indexedCount).toBe(4);
    expect(match(both, eventFrame({ fields: { store: 't1', total: 2 } })).hits).toEqual([1]);
  });

  test('takes the demand that the fewest rules share', () => {
    const sources = Array.from({ length: 20 }, (_, n) => `event.store == "web" && ${sku(n)}`);
    const event = eventFrame({ fields: { store: 'web' }, items: [{ sku: 'S7' }] });
    // Had they been entered under "web", every rule would have been tried, and those before the seventh item's sku counted no error either way.
    const absent = eventFrame({ fields: { store: 'web' }, items: [{ qty: 1 }] });
    expect(match(sources, event).hits).toEqual([7]);
    expect(match(sources, absent).errors).toEqual(sources.map(() => 0));
  });

  test('is asked unless no rule could hold or fail', () => {
    const sources = [0, 1, 2, 3].map((n) => `event.store == "s${n}" && event.total > ${n}.5 && event.gift`);
    const outcome = (fields: Readonly<Record<string, string | number | boolean>>): Outcome =>
      match(sources, eventFrame({ fields }));
    const none = [0, 0, 0, 0];
    expect(outcome({ store: 's2', total: 3, gift: true })).toEqual({ hits: [2], errors: none });
    expect(outcome({ store: 's2', total: 0, gift: true })).toEqual({ hits: [], errors: none });
    expect(outcome({ store: 's2', total: 3, gift: false })).toEqual({ hits: [], errors: none });
    expect(outcome({ store: 's2', gift: false })).toEqual({ hits: [], errors: none });
    expect(outcome({ store: 's2', gift: true })).toEqual({ hits: [], errors: [0, 0, 1, 0] });
    expect(outcome({ store: 's2', total: 3 })).toEqual({ hits: [], errors: [0, 0, 1, 0] });
    expect(outcome({ store: 's2', total: 2 })).toEqual({ hits: [], errors: none });
  });

  test('leaves places that few rules share to the scan', () => {
    expect(ruleSet(['event.store == "a"', 'event.store == "b"']).indexedCount).toBe(0);
  });

  test('an absent field reaches nothing, and what was in the frame before does not match', () => {
    const sources = ['a', 'b', 'c', 'd'].map((store) => `event.store == "${store}"`);
    const event = eventFrame({ fields: { store: 'b' } });
    event.present[1] = 0;
    expect(match(sources, event)).toEqual({ hits: [], errors: [0, 0, 0, 0] });
  });
});

describe('thresholds', () => {
  const hitsOf = (sources: readonly string[], total: number, spend = 0): readonly number[] =>
    match(sources, eventFrame({ fields: { total } }), profileFrame({ spend_30d: spend })).hits;

  test('are passed as each rule says, on the constant itself too', () => {
    const numbers = [5, 1, 3, 3, 9, 0, -2, 7, 3, 1];
    const operators = {
      '>': (a: number, b: number) => a > b,
      '>=': (a: number, b: number) => a >= b,
      '<': (a: number, b: number) => a < b,
      '<=': (a: number, b: number) => a <= b,
    };
    for (const [operator, holds] of Object.entries(operators)) {
      for (const total of [-3, -2, -0, 0, 1, 2, 3, 8, 9, 10, Number.NaN, Number.POSITIVE_INFINITY]) {
        const right = numbers.map((number) => `event.total ${operator} ${number}.0`);
        expect(hitsOf(right, total), `${total} ${operator}`).toEqual(
          [...numbers.keys()].filter((i) => holds(total, numbers[i] as number)),
        );
        const left = numbers.map((number) => `${number}.0 ${operator} event.total`);
        expect(hitsOf(left, total), `${operator} ${total}`).toEqual(
          [...numbers.keys()].filter((i) => holds(numbers[i] as number, total)),
        );
      }
    }
  });

  test('of two, either may decide', () => {
    const count = 50;
    const sources = Array.from({ length: count }, (_, n) => `event.total > ${n}.5 && profile.spend_30d < ${n * 2}.5`);
    for (const [total, spend] of [
      [0, 0],
      [49, 90],
      [3, 0],
      [1000, 0],
      [1000, 1000],
      [25, 20],
    ] as const)
      expect(hitsOf(sources, total, spend), `${total} ${spend}`).toEqual(
        Array.from(sources.keys()).filter((n) => total > n + 0.5 && spend < n * 2 + 0.5),
      );
  });

  test('on an absent field are errors of the rules that nothing else makes false', () => {
    const sources = Array.from(
      { length: 20 },
      (_, n) => `event.total > ${n}.5 && profile.country in ["c${n % 4}", "GB"]`,
    );
    const absent = match(sources, eventFrame({}), profileFrame({ country: 'c1' }));
    expect(absent.hits).toEqual([]);
    expect(absent.errors).toEqual(sources.map((_, n) => (n % 4 === 1 ? 1 : 0)));
    const nowhere = match(sources, eventFrame({ fields: { total: 4 } }), profileFrame({}));
    expect(nowhere.errors, 'below the threshold a rule is false').toEqual(sources.map((_, n) => (n < 4 ? 1 : 0)));
  });
});

describe('match', () => {
  test('gives hits ascending, however the rules are grouped', () => {
    const sources = Array.from({ length: 300 }, (_, n) => {
      const kinds = [
        `event.total > ${n % 7}.0`,
        `event.qty == ${n % 5}`,
        `event.store != "s${n}"`,
        `event.qty < ${n % 11}`,
      ];
      return kinds[n % 4] as string;
    });
    const { hits } = match(sources, eventFrame({ fields: { total: 4, qty: 2, store: 'x' } }));
    expect(hits.length).toBeGreaterThan(100);
    expect(hits).toEqual([...hits].sort((a, b) => a - b));
    expect(new Set(hits).size).toBe(hits.length);
  });

  test('counts errors by rule until they are taken', () => {
    const rules = ruleSet(['event.total > 1.0', 'true', 'event.qty > 1']);
    const hits = new Int32Array(3);
    expect(rules.match(eventFrame({}), profileFrame({}), 0, hits)).toBe(1);
    rules.match(eventFrame({ fields: { qty: 2 } }), profileFrame({}), 0, hits);
    expect([...rules.errors]).toEqual([2, 0, 1]);
  });

  test('no rules match nothing', () => {
    expect(ruleSet([]).match(eventFrame({}), profileFrame({}), 0, new Int32Array(0))).toBe(0);
  });

  test('names all slots of the profile, those of segments included', () => {
    expect([...ruleSet(['segment.known', 'has(profile.last_seen)']).profileSlots]).toEqual([0, 2, 3]);
    expect([...ruleSet(['event.total > 1.0']).profileSlots]).toEqual([]);
  });
});

describe('segments', () => {
  test('are evaluated once for each profile, and their errors are errors', () => {
    const segments = segmentSet();
    const profile = profileFrame({ spend_30d: 2000 });
    segments.begin(profile, 0);
    expect([segments.evaluate(0), segments.evaluate(1)]).toEqual([1, 1]);
    profile.number[2] = 0;
    expect(segments.evaluate(0), 'remembered until begin').toBe(1);
    segments.begin(profile, 0);
    expect([segments.evaluate(0), segments.evaluate(1)]).toEqual([0, 2]);
  });

  test('cannot be asked before a profile is given', () => {
    expect(() => segmentSet().evaluate(0)).toThrow('begun');
  });

  test('in a circle are a programmer’s error', () => {
    const circular = ['segment.known', 'segment.vip'].map((source) => compile(source, ['bool'], null));
    const segments = new SegmentSet(circular, SCHEMA);
    segments.begin(profileFrame({}), 0);
    expect(() => segments.evaluate(0)).toThrow('circle');
  });
});
