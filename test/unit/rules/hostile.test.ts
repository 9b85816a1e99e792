/** Rules written to do harm: they are refused when checked, or cost what any rule may cost. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXPRESSION_STEPS_MAX } from '../../../src/constants.ts';
import { checkExpression } from '../../../src/rules/check-expression.ts';
import { evaluationCost } from '../../../src/rules/evaluation-cost.ts';
import { RuleSet } from '../../../src/rules/rule-set.ts';
import {
  compile,
  dictionaryCode,
  eventFrame,
  problems,
  profileFrame,
  RECEIPT,
  SCHEMA,
  segmentSet,
  truth,
} from './fixture.ts';

describe('size', () => {
  test.each([
    ['a megabyte', 'a'.repeat(1_000_000), 'expression too long'],
    ['a megabyte of brackets', '('.repeat(1_000_000), 'expression too long'],
    ['brackets', `${'('.repeat(5000)}1${')'.repeat(5000)}`, 'expression nested too deeply'],
    ['lists', `${'['.repeat(300)}1${']'.repeat(300)} == []`, 'expression nested too deeply'],
    ['conditions', `${'event.gift ? true : '.repeat(200)}false`, 'expression nested too deeply'],
    ['fields', `event${'.a'.repeat(5000)}`, 'expression nested too deeply'],
    ['literals', `1 in [${'1,'.repeat(5000)}1]`, 'expression too large'],
  ])('%s', (_, source, message) => {
    expect(problems(source)).toHaveLength(1);
    expect(problems(source)[0]).toContain(message);
  });

  test('a long list of values is none', () => {
    const skus = Array.from({ length: 1500 }, (_, i) => `"${i}"`).join(',');
    expect(problems(`event.store in [${skus}]`)).toEqual([]);
    expect(truth(`event.store in [${skus}]`, eventFrame({ fields: { store: '1499' } }))).toBe(true);
  });

  test('a long chain of || is none', () => {
    const chain = Array.from({ length: 700 }, (_, i) => `event.qty == ${i}`).join(' || ');
    expect(truth(chain, eventFrame({ fields: { qty: 699 } }))).toBe(true);
  });
});

describe('depth', () => {
  const nest = (before: string, inner: string, after: string, levels: number): string =>
    `${before.repeat(levels)}${inner}${after.repeat(levels)}`;

  /** As deep as the checker lets each be: what it accepts can be activated. */
  test.each<(levels: number) => string>([
    (levels) => nest('!(', 'event.gift', ')', levels),
    (levels) => `${nest('-(', 'event.qty', ')', levels)} == 1`,
    (levels) => `${nest('[', '1', '][0]', levels)} == 1`,
    (levels) => `${nest('{"a": ', '1', '}.a', levels)} == 1`,
    (levels) => `${nest('dyn([', 'event.total', '])[0]', levels)} == 1.0`,
    (levels) => nest('(event.gift && (false || ', 'event.gift', '))', levels),
    (levels) => `${nest('(event.gift ? dyn(', 'event.gift', ') : dyn(false))', levels)} == true`,
    (levels) => `${nest('string(', 'event.store', '.size())', levels)} == "1"`,
    (levels) => `${nest('timestamp(string(', 'event.at', '))', levels)} < now`,
  ])('%#', (source) => {
    let levels = 128;
    while (problems(source(levels)).length > 0) levels--;
    expect(levels).toBeGreaterThan(20);
    expect(() => truth(source(levels))).not.toThrow();
  });
});

describe('loops', () => {
  test.each([
    'event.items.exists(i, event.items.exists(j, i.sku == j.sku))',
    'event.tags.all(a, event.tags.map(b, a + b).size() > 0)',
    'event.tags.all(a, event.tags.filter(b, event.tags.exists(c, a == c)).size() > 1)',
    'event.items.exists(i, profile.likes.exists(l, l == i.sku))',
    'event.store.split("").exists(a, event.store.split("").exists(b, a == b))',
    'event.items.exists(i, event.store.matches("a.*b"))',
    'event.items.map(i, event.tags).size() > 1',
    'event.items.map(i, event.store + i.sku).exists(t, t.contains("x") || t.contains("y"))',
    'event.items.exists(i, "%s".format([event.tags]) == i.sku)',
    'event.items.exists(i, event.tags == ["a"])',
  ])('%s is too expensive', (source) => {
    expect(problems(source)[0]).toMatch(/^1:1 too expensive: up to \d+ steps/);
  });

  test('more than three inside each other', () => {
    const four = '[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))';
    expect(problems(four)[0]).toContain('not supported: more than 3 macros inside each other');
  });

  test.each([
    'event.items.exists(i, ["A", "B", "C"].exists(s, i.sku.startsWith(s)))',
    'event.items.exists(i, i.sku.lowerAscii().contains("heart") && !i.sku.trim().endsWith("x"))',
    'event.items.filter(i, i.qty > 1).map(i, i.sku + "!").exists(s, s.matches("^A.*!$"))',
    'event.items.exists(i, event.store.contains(i.sku))',
    'event.tags.exists(t, t.matches("^(a|b|c)[0-9]{1,4}$")) && event.store.matches("^(a|b|c)[0-9]{1,4}$")',
    'profile.likes.exists(l, l in ["tea", "coffee"]) && event.tags.all(t, t != "x") && event.items.size() > 3',
  ])('%s is fine', (source) => {
    expect(problems(source)).toEqual([]);
  });

  test('what is accepted stays within its budget', () => {
    expect(evaluationCost(compile('event.items.exists(i, i.sku.matches("^(A|B)[0-9]+$"))').ir)).toBeLessThan(
      EXPRESSION_STEPS_MAX,
    );
  });
});

describe('patterns', () => {
  test('that blow up elsewhere are linear here', () => {
    const event = eventFrame({ fields: { store: `${'a'.repeat(60_000)}!` } });
    expect(truth('event.store.matches("(a+)+$")', event)).toBe(false);
    expect(truth('event.store.matches("^(a|aa)+$")', event)).toBe(false);
    expect(truth('event.store.matches("(.*)(.*)(.*)(.*)[^!]$")', event)).toBe(false);
  });

  test.each([
    ['((a{10}){10}){10}', 'pattern too large'],
    ['a{1000}', 'pattern too large'],
    [`(${'a?'.repeat(200)})`, 'pattern too large'],
    ['x'.repeat(600), 'pattern too long'],
    ['(?=a)', 'bad pattern'],
    ['(a)\\\\1', 'bad pattern'],
    ['a**', 'bad pattern'],
  ])('%s is refused', (pattern, message) => {
    expect(problems(`event.store.matches("${pattern}")`)[0]).toContain(message);
  });
});

describe('prototypes', () => {
  test.each([
    'event.__proto__ == 1',
    'event.constructor.name == "x"',
    'event.items.exists(i, i.__proto__ == "")',
    'profile.__proto__ == 1',
    'segment.constructor',
    'constructor(1, 2)',
    'toString(1, 2)',
    'event.store.constructor("x")',
    'event.store.__proto__()',
    '__proto__',
    'hasOwnProperty("a")',
  ])('%s is refused', (source) => {
    expect(problems(source)).toHaveLength(1);
  });

  test('names in maps are keys and nothing else', () => {
    expect(truth('has({"a": 1}.__proto__) || has({"a": 1}.constructor)')).toBe(false);
    expect(truth('{"a": 1}.constructor == 1')).toBe('error');
    expect(truth('{"a": true}["__proto__"]')).toBe('error');
    expect(truth('{"__proto__": 1}.__proto__ == 1 && {"constructor": 2}["constructor"] == 2')).toBe(true);
    expect(truth('{"a": 1}.map(k, k) == ["a"]')).toBe(true);
  });
});

describe('generated source', () => {
  /** Source texts of all functions that are made meanwhile. */
  function sourcesOf(make: () => void): string[] {
    const sources: string[] = [];
    const original = globalThis.Function;
    globalThis.Function = new Proxy(original, {
      construct(target, args) {
        sources.push(args.join('\n'));
        return Reflect.construct(target, args);
      },
    });
    try {
      make();
    } finally {
      globalThis.Function = original;
    }
    return sources;
  }

  test('holds nothing that a person wrote', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that it is no template here is the point.
    const evil = '`${globalThis.hacked = 1}`"\\n; globalThis.hacked = 1; //\'*/ \\u2028 hacked';
    const rules = [
      `event.store == ${JSON.stringify(evil)} || event.store.contains("hacked")`,
      `profile.country in ["hacked", ${JSON.stringify(evil)}]`,
      'event.items.exists(hacked, hacked.sku == "hacked")',
      '{"hacked": 31337}.hacked == 31337 && event.store.matches("hacked")',
      '"hacked %s".format(["hacked"]) == "hacked" && now > timestamp("2010-01-01T00:00:00Z") && event.qty + 31337 > 0',
    ].map((source) => compile(source));
    const sources = sourcesOf(() => {
      const set = new RuleSet(rules, segmentSet(), dictionaryCode);
      set.match(eventFrame({ fields: { store: evil, qty: 1 } }), profileFrame({}), 0, new Int32Array(rules.length));
    });
    // Shapes share functions; each is a part of one.
    const parts = sources.reduce((count, source) => count + (source.match(/^PART\d+:/gm)?.length ?? 0), 0);
    expect(parts).toBe(rules.length);
    for (const source of sources) {
      expect(source).not.toMatch(/hacked|31337|2010/);
      expect(source).not.toMatch(/throw|catch|Date|Math\.pow|Intl|prototype|constructor/);
    }
    expect('hacked' in globalThis).toBe(false);
  });
});

describe('any text', () => {
  const words = [
    'event',
    'profile',
    'segment',
    'now',
    '.',
    'total',
    'items',
    'sku',
    'tags',
    'store',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '?',
    '!',
    '-',
    '&&',
    '||',
    '==',
    '<',
    '+',
    '%',
    'in',
    '1',
    '2.5',
    '3u',
    '"a"',
    "b'x'",
    'null',
    'true',
    'exists',
    'map',
    'filter',
    'has',
    'size',
    'x',
    'x.sku',
    'dyn',
    'type',
    'duration("1h")',
    'matches',
    '`',
    '\\',
    '\ud800',
    '\n',
    ' ',
  ];

  test('is checked without an exception, and what is accepted evaluates without one', () => {
    const text = fc.array(fc.constantFrom(...words), { maxLength: 14 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (source) => {
        const outcome = checkExpression(source, { schema: SCHEMA, event: RECEIPT }, ['bool']);
        if ('program' in outcome)
          truth(source, eventFrame({ fields: { total: 1, store: 'a' }, items: [{}], tags: ['a'] }));
        else expect(outcome.issues.length).toBeGreaterThan(0);
      }),
      { numRuns: 3000 },
    );
  });
});
