/** What is wrong with campaign tests is said before any of them runs, at its place, with the remedy. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { readTrials } from '../../../src/trials/read-trials.ts';
import type { WorkspaceIssue } from '../../../src/workspace/workspace.ts';
import { compiled } from '../../support/workspaces/small-workspace.ts';
import { TRIAL_SHOP, TRIAL_SHOP_TESTS } from '../../support/workspaces/trial-shop.ts';

const SHOP = compiled(TRIAL_SHOP);

const lines = (issues: readonly WorkspaceIssue[]): string[] =>
  issues.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`);

/** Where each ^ stands in a text, as `line:column`, and the text without them. */
function marked(text: string): { text: string; places: string[] } {
  const places: string[] = [];
  const rows = text.split('\n').map((row, i) => {
    let rest = row;
    for (let at = rest.indexOf('^'); at >= 0; at = rest.indexOf('^')) {
      places.push(`${i + 1}:${at + 1}`);
      rest = rest.slice(0, at) + rest.slice(at + 1);
    }
    return rest;
  });
  return { text: rows.join('\n'), places };
}

/** A file is refused with these messages, each at its ^. */
function expectIssues(source: string, messages: readonly string[]): void {
  const { text, places } = marked(source);
  const { issues, warnings } = readTrials({ 'tests/a.yaml': text }, SHOP);
  expect(lines(issues)).toEqual(messages.map((message, i) => `tests/a.yaml:${places[i]} ${message}`));
  expect(warnings).toEqual([]);
}

type Path = (string | number)[];

/** Of all parts of a value, and its own. */
function placesOf(value: unknown, path: Path): Path[] {
  const part = path.reduce((at, step) => (at as Record<string | number, unknown>)[step], value);
  const keys = typeof part === 'object' && part !== null ? Object.keys(part) : [];
  const steps = Array.isArray(part) ? keys.map(Number) : keys;
  return [path, ...steps.flatMap((step) => placesOf(value, [...path, step]))];
}

/** As far as there is such a place still. */
function replace(value: unknown, path: Path, by: unknown): void {
  const holder = path
    .slice(0, -1)
    .reduce((at, step) => (at as Record<string | number, unknown> | null | undefined)?.[step], value);
  if (typeof holder === 'object' && holder !== null)
    (holder as Record<string | number, unknown>)[path.at(-1) as string] = structuredClone(by);
}

const NOON = 'at: 2010-12-01 12:00';

test('tests that use everything have nothing wrong with them, and no warnings', () => {
  const { trials, issues, warnings } = readTrials({ 'tests/all.yaml': TRIAL_SHOP_TESTS }, SHOP);
  expect([...lines(issues), ...lines(warnings)]).toEqual([]);
  expect(trials.map(({ name, place }) => [place.line, name])).toEqual([
    [2, 'the till offers tea, and nothing to who buys little'],
    [11, 'thanks, with history, until the phone is quiet'],
    [36, 'a basket is paid, and one is not'],
    [50, 'a draft is tested before it is live'],
    [56, 'a campaign in shadow changes nothing, and can be looked at'],
    [61, 'and is tested as if it were live'],
    [68, 'the Monday letter'],
    [74, 'a budget of two is used up by the third'],
  ]);
});

describe('what a step expects could come', () => {
  test.each([
    ['decided: ^thank', 'unknown campaign `thank`; did you mean `thanks`?'],
    ['decided: [tea, ^thank]', 'unknown campaign `thank`; did you mean `thanks`?'],
    ['suppressed: {^thank: cap}', 'unknown campaign `thank`; did you mean `thanks`?'],
    ['waiting: [^bascet]', 'unknown campaign `bascet`; did you mean `basket`?'],
    ['suppressed: {thanks: ^caps}', 'there is no reason `caps`; did you mean `cap`?'],
    ['decided: [{campaign: thanks, channel: ^pus}]', 'unknown channel `pus`; did you mean `pos`?'],
    ['decided: [{campaign: thanks, channel: ^sms}]', '`sms` cannot come: the campaign goes by `push`, `email`'],
    ['decided: {campaign: thanks, variant: ^s}', '`s` cannot come: the campaign has the variants `short`, `long`'],
    ['decided: {campaign: tea, variant: ^s}', '`tea` has no variants'],
    ['decided: {campaign: thanks, offer: ^tea}', '`thanks` has no offer'],
    ['decided: {campaign: tea, offer: ^null}', '`tea` has the offer `tea`'],
    ['decided: {campaign: tea, expires: ^2010-02-30 12:00}', 'there is no such time since 1970: 2010-02-30 12:00'],
    ['decided: ^coming', '`coming` is a draft, so it is never asked: to test it, give the case `live: [coming]`'],
    [
      'decided: ^shade',
      '`shade` is in shadow, so it is never decided: expect `suppressed: {shade: shadow}`, or give the case `live: [shade]`',
    ],
    ['^decide: tea', 'unknown key `decide`; did you mean `decided`?'],
    ['decided: ^{thanks: push}', 'expected a campaign, {campaign: …, channel: …}, or a list of them, got a mapping'],
    ['^nothing: true, decided: tea', 'nothing and something: leave one of them out'],
    ['waiting: ^[]', 'needs at least one campaign'],
    ['unmatched: ^basket', "`basket` is not asked here: it listens for `added`, and this step's event is `receipt`"],
    ['unmatched: [^letter]', '`letter` is not asked here: its schedule is due next on Mon 6 Dec 2010 09:30'],
  ])('%s', (expected, message) => {
    expectIssues(`- {name: a, steps: [{${NOON}, event: {type: receipt}, expect: {${expected}}}]}\n`, [message]);
  });

  test('something, at all', () => {
    expectIssues(`- {name: a, steps: [{${NOON}, expect: ^{customer: ann}}]}\n`, [
      'needs something that is expected: `decided`, `suppressed`, `waiting`, `unmatched` or `nothing`',
    ]);
    expectIssues(`- {name: a, steps: [{${NOON}, expect: {unmatched: ^tea}}]}\n`, [
      '`tea` is not asked here: it listens for `receipt`, and this step has no event',
    ]);
  });
});

describe('events are such as the machine takes', () => {
  test.each([
    ['{type: ^reciept}', 'unknown event type `reciept`; did you mean `receipt`?'],
    ['^receipt', 'expected an event such as {type: receipt, data: {…}}, got "receipt"'],
    ['{type: ^$erase}', 'unknown event type `$erase`; there are `receipt`'],
    ['{type: receipt, data: {total: ^"12"}}', 'expected double, got "12"'],
    ['{type: receipt, data: {items: [{sku: ^85123, qty: 1}]}}', 'expected string, got 85123: put it into quotes'],
    ['{type: receipt, data: {items: [{sku: a, qty: ^1.5}]}}', 'expected int, got 1.5'],
    ['{type: receipt, data: {items: ^a}}', 'expected a list, got "a"'],
    ['{type: receipt, data: {items: [^a]}}', 'expected a mapping, got "a"'],
    ['{type: receipt, data: {tags: [^1]}}', 'expected string, got 1: put it into quotes'],
    ['{type: receipt, data: {till: ^a}}', 'expected a mapping, got "a"'],
    ['{type: receipt, data: {paid: ^1}}', 'expected bool, got 1'],
    ['{type: receipt, data: {at: ^2010-12-01}}', 'expected timestamp, got "2010-12-01"'],
    ['{type: receipt, data: ^a}', 'expected a mapping, got "a"'],
    ['{type: receipt, ts: ^2010-12-01 12:01}', 'after the time of the step: it happens later'],
    ['{type: $profile, data: {^teir: gold}}', 'unknown attribute `teir`; did you mean `tier`?'],
    ['{type: $profile, data: {age: ^old}}', 'expected int, got "old"'],
    ['{type: $consent, data: {channel: ^pigeon, state: granted}}', 'unknown channel `pigeon`; there are `pos`'],
    ['{type: $consent, ^data: {channel: push}}', 'missing `state`'],
    [
      '{type: $feedback, data: {decision: ^thank, outcome: opened}}',
      'unknown campaign `thank`; did you mean `thanks`?',
    ],
    [
      '{type: $feedback, data: {decision: thanks, outcome: ^open}}',
      'unknown outcome `open`; there are `delivered`, `opened`',
    ],
    ['{type: receipt, ^custommer: ann}', 'unknown key `custommer`; did you mean `customer`?'],
  ])('%s', (event, message) => {
    const { text, places } = marked(`- {name: a, given: {customer: ann}, steps: [{${NOON}, event: ${event}}]}\n`);
    const { issues } = readTrials({ 'tests/a.yaml': text }, SHOP);
    expect(lines(issues)).toEqual([expect.stringContaining(`tests/a.yaml:${places[0]} ${message}`)]);
  });

  test('and fields that nothing reads are warned of', () => {
    const text = `- {name: a, steps: [{${NOON}, event: {type: receipt, data: {totl: 1, till: {name: a}, items: [{sku: a, qt: 1}]}}, expect: {nothing: true}}]}\n`;
    const { issues, warnings } = readTrials({ 'tests/a.yaml': text }, SHOP);
    expect(issues).toEqual([]);
    expect(lines(warnings)).toEqual([
      'tests/a.yaml:1:74 `receipt` declares no field `totl`, so nothing reads it; did you mean `total`?',
      'tests/a.yaml:1:90 `receipt` declares no field `name`, so nothing reads it; there is only `id`',
      'tests/a.yaml:1:117 `receipt` declares no field `qt`, so nothing reads it; did you mean `qty`?',
    ]);
  });
});

test('a case that expects nothing is warned of', () => {
  const { issues, warnings } = readTrials({ 'tests/a.yaml': `- {name: a, steps: [{${NOON}}]}\n` }, SHOP);
  expect(issues).toEqual([]);
  expect(lines(warnings)).toEqual([
    'tests/a.yaml:1:13 nothing is expected, so the case shows nothing: give a step `expect`',
  ]);
});

describe('customers and times make sense', () => {
  test.each([
    ['- {name: a, steps: [^{after: 1h}]}\n', 'the first step needs a time: `at: 2010-12-01 12:00`'],
    [
      `- {name: a, steps: [{${NOON}}, {at: ^2010-12-01 11:59}]}\n`,
      'before the step above: that is at Wed 1 Dec 2010 12:00',
    ],
    [`- {name: a, steps: [{at: ^2010-02-30 12:00}]}\n`, 'there is no such time since 1970: 2010-02-30 12:00'],
    [`- {name: a, steps: [{at: ^noon}]}\n`, 'expected a time such as 2010-12-01 12:00, got "noon"'],
    [`- {name: a, steps: [^{${NOON}, after: 1h}]}\n`, 'either `at` or `after`, not both'],
    [`- {name: a, steps: [{${NOON}}, ^{}]}\n`, 'nothing happens in this step: give it `event`, `at` or `after`'],
    [
      `- {name: a, steps: [{${NOON}, ^event: {type: $consent, data: {channel: push, state: denied}}}]}\n`,
      'needs `customer`: $consent is about somebody',
    ],
    [
      `- {name: a, given: [{customer: a}, {customer: b}], steps: [{${NOON}, ^event: {type: added}}]}\n`,
      'needs `customer`: one of `a`, `b`',
    ],
    [`- {name: a, given: [{customer: a}, {^customer: a}], steps: [{${NOON}}]}\n`, '`a` is given twice'],
    [
      `- {name: a, given: {customer: a, attributes: {^receipts_30d: 2}}, steps: [{${NOON}}]}\n`,
      '`receipts_30d` is an aggregate, which is counted from events: give the events themselves',
    ],
    [
      `- {name: a, given: {customer: a, attributes: {tags: [^1]}}, steps: [{${NOON}}]}\n`,
      'expected string, got 1: put it into quotes',
    ],
    [
      `- {name: a, given: {customer: a, consent: {^pusj: granted}}, steps: [{${NOON}}]}\n`,
      'unknown channel `pusj`; did you mean `push`?',
    ],
    [
      `- {name: a, given: {customer: a, events: [{type: added, at: ^2010-12-01 12:00}]}, steps: [{${NOON}}]}\n`,
      'not before the first step: history is',
    ],
    [
      `- {name: a, given: {customer: a, events: [^{type: added}]}, steps: [{${NOON}}]}\n`,
      'needs `ago`, such as 3d before the first step, or `at`',
    ],
    [
      `- {name: a, live: ^come, steps: [{${NOON}}]}\n`,
      'unknown campaign `come`; there are `basket`, `coming`, `letter`',
    ],
    [
      `- {name: a, steps: [{${NOON}, expect: {nothing: true}}]}\n- {name: ^a, steps: [{${NOON}}]}\n`,
      'another case has this name: the one on line 1',
    ],
    ['^name: a\n', 'expected a list of cases, each with `name` and `steps`, got a mapping'],
    ['^', 'needs at least one case'],
  ])('%j', (source, message) => {
    const { text, places } = marked(source);
    const { issues } = readTrials({ 'tests/a.yaml': text }, SHOP);
    expect(lines(issues)).toEqual([expect.stringContaining(`tests/a.yaml:${places[0]} ${message}`)]);
  });
});

describe('everything that is wrong is said at once', () => {
  test('what one case lacks hides nothing of the others, nor of other files', () => {
    const faulty = marked(`- name: first
  ^stops: []
  steps:
    - {${NOON}, event: {type: ^reciept}, expect: {decided: ^nobody}}
- name: second
  campaigns: [^nowhere, tea]
  steps:
    - {${NOON}, event: {type: receipt, ^custommer: ann, data: {total: ^a}}, expect: {^decide: tea, waiting: ^nobody}}
    - {after: ^soon, expect: {decided: [^{channel: push}, ^nobody], suppressed: {tea: ^caps, ^thank: cap}}}
- ^third
- name: ^first
  steps: [{${NOON}, expect: {decided: ^nobody}}]
`);
    const other = marked(`- {name: a, steps: [{${NOON}, event: {type: ^reciept}}]}\n`);
    const { issues } = readTrials({ 'tests/b.yaml': other.text, 'tests/a.yaml': faulty.text }, SHOP);
    expect(lines(issues)).toEqual([
      ...[
        'unknown key `stops`; did you mean `steps`?',
        'unknown event type `reciept`; did you mean `receipt`?',
        'unknown campaign `nobody`; there are `basket`, `coming`, `letter`, `shade`, `tea`, `thanks`',
        'unknown campaign `nowhere`; there are `basket`, `coming`, `letter`, `shade`, `tea`, `thanks`',
        'unknown key `custommer`; did you mean `customer`?',
        'expected double, got "a"',
        'unknown key `decide`; did you mean `decided`?',
        'unknown campaign `nobody`; there are `basket`, `coming`, `letter`, `shade`, `tea`, `thanks`',
        'expected a duration such as 90s, 30m, 24h or 7d, got "soon"',
        'missing `campaign`',
        'unknown campaign `nobody`; there are `basket`, `coming`, `letter`, `shade`, `tea`, `thanks`',
        'there is no reason `caps`; did you mean `cap`?',
        'unknown campaign `thank`; did you mean `thanks`?',
        'expected a mapping, got "third"',
        'another case has this name: the one on line 1',
        'unknown campaign `nobody`; there are `basket`, `coming`, `letter`, `shade`, `tea`, `thanks`',
      ].map((message, i) => `tests/a.yaml:${faulty.places[i]} ${message}`),
      `tests/b.yaml:${other.places[0]} unknown event type \`reciept\`; did you mean \`receipt\`?`,
    ]);
  });

  test.each([
    // The time of a step is not known.
    [
      `- {name: a, given: {customer: a, events: [{type: added, ago: 3d}]}, steps: [{at: ^noon}, {${NOON}, expect: {unmatched: letter}}]}\n`,
      'expected a time such as 2010-12-01 12:00, got "noon"',
    ],
    [
      `- {name: a, given: {customer: a, events: [{type: added, ago: 3d}]}, steps: [{at: ^2010-02-30 12:00, expect: {unmatched: letter}}]}\n`,
      'there is no such time since 1970: 2010-02-30 12:00',
    ],
    [`- {name: a, steps: [{${NOON}}, {^afetr: 1h}]}\n`, 'unknown key `afetr`; did you mean `after`?'],
    [`- {name: a, steps: [^{${NOON}, after: 1h}, {at: 2010-12-01 11:00}]}\n`, 'either `at` or `after`, not both'],
    [`- {name: a, steps: [^noon, {after: 1h}]}\n`, 'expected a mapping, got "noon"'],
    // What happens is not known.
    [
      `- {name: a, steps: [{${NOON}, event: {type: ^reciept}, expect: {unmatched: tea}}]}\n`,
      'unknown event type `reciept`; did you mean `receipt`?',
    ],
    [`- {name: a, steps: [{${NOON}, event: ^receipt, expect: {unmatched: tea}}]}\n`, 'expected an event such as'],
    [
      `- {name: a, given: {customer: a}, steps: [{${NOON}, event: {type: $consent, data: ^no}}]}\n`,
      'expected a mapping, got "no"',
    ],
    // Who the customer is, is not known.
    [
      `- {name: a, given: {customer: a, ^custommer: a}, steps: [{${NOON}, event: {type: $profile, data: {tier: gold}}}]}\n`,
      'unknown key `custommer`; did you mean `customer`?',
    ],
    [
      `- {name: a, ^givn: {customer: a}, steps: [{${NOON}, event: {type: $profile, data: {tier: gold}}}]}\n`,
      'unknown key `givn`; did you mean `given`?',
    ],
    [
      `- {name: a, given: [{customer: a}, {customer: b}], steps: [{${NOON}, event: {type: added, ^custommer: b}}]}\n`,
      'unknown key `custommer`; did you mean `customer`?',
    ],
    // Which campaigns are meant is not known.
    [
      `- {name: a, live: ^comin, steps: [{${NOON}, expect: {decided: [coming, shade]}}]}\n`,
      'unknown campaign `comin`; did you mean `coming`?',
    ],
    [
      `- {name: a, ^lve: coming, steps: [{${NOON}, expect: {decided: coming}}]}\n`,
      'unknown key `lve`; did you mean `live`?',
    ],
    [
      `- {name: a, campaigns: [tea, ^thank], steps: [{${NOON}, expect: {decided: thanks}}]}\n`,
      'unknown campaign `thank`; did you mean `thanks`?',
    ],
    [
      `- {name: a, campaigns: [tea, ^a.b], steps: [{${NOON}, expect: {decided: thanks}}]}\n`,
      '`a.b` cannot be an id: letters, digits, - and _ only',
    ],
    // Nothing of it can be read.
    [`- ^{name: a}\n`, 'missing `steps`'],
    [`- {name: a, steps: ^[]}\n`, 'needs at least one step'],
    [`- ^{steps: [{${NOON}}]}\n`, 'missing `name`'],
  ])('and nothing that only follows from it: %s', (source, message) => {
    const { text, places } = marked(source);
    const { issues } = readTrials({ 'tests/a.yaml': text }, SHOP);
    const said = lines(issues).map((line) => line.slice(0, `tests/a.yaml:${places[0]} ${message}`.length));
    expect(said).toEqual([`tests/a.yaml:${places[0]} ${message}`]);
  });

  test('whatever is refused, the rest is read, and what is wrong in another case is found', () => {
    const cases = parse(TRIAL_SHOP_TESTS) as unknown[];
    const places = cases.flatMap((_, i) => placesOf(cases, [i])).filter((path) => path.length > 1);
    const junk = fc.constantFrom(null, 7, 'no', '', [], {}, [7], { no: 7 }, [{}], [null], true);
    const change = fc.record({ path: fc.constantFrom(...places), junk, adds: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = structuredClone(cases);
        for (const { path, junk, adds } of changes) replace(changed, adds ? [...path, 'no'] : path, junk);
        const last = { name: 'last', steps: [{ at: '2010-12-01 12:00', expect: { decided: 'nobody' } }] };
        const text = stringify([...changed, last], { aliasDuplicateObjects: false });
        const { issues } = readTrials({ 'tests/a.yaml': text }, SHOP);
        expect(issues.filter(({ message }) => message.startsWith('unknown campaign `nobody`')).length).toBe(1);
      }),
      { numRuns: 300 },
    );
  });

  test('a case that is told what it lacks is not warned of it', () => {
    const { text } = marked(`- {name: a, steps: [{${NOON}, ^expct: {nothing: true}}]}\n`);
    const { issues, warnings } = readTrials({ 'tests/a.yaml': text }, SHOP);
    expect([lines(issues).length, lines(warnings)]).toEqual([1, []]);
  });
});

test('of a workspace that is faulty itself only what stands in the tests is judged', () => {
  const { trials, issues } = readTrials(
    { 'tests/a.yaml': `- {name: a, stops: [], steps: [{at: 2010-12-01 12:00, expect: {decided: nobody}}]}\n` },
    null,
  );
  expect(trials).toEqual([]);
  expect(lines(issues)).toEqual(['tests/a.yaml:1:13 unknown key `stops`; did you mean `steps`?']);
});

test('files that are not tests are refused by name', () => {
  const { issues } = readTrials({ 'tests/a.yml': '', 'tests/till/a.yaml': '', 'tests/b.yaml': 'a: &b c' }, SHOP);
  expect(lines(issues)).toEqual([
    'tests/a.yml:1:1 a file of tests ends in .yaml, not .yml',
    expect.stringContaining('tests/b.yaml:1:7 anchors (`&b`) are not supported'),
    'tests/till/a.yaml:1:1 folders inside tests/ are not supported: put the file into tests/ itself',
  ]);
});
