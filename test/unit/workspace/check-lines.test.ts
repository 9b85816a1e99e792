/** What a person sees for each kind of wrong workspace: the exact lines. */
import { describe, expect, test } from 'vitest';
import { edited, issueLines, smallWorkspace, warningLines } from '../../support/workspaces/small-workspace.ts';

const CAMPAIGN = 'campaigns/hearts.yaml';
const PROFILE = 'profile.yaml';
const POLICY = 'policy.yaml';
const EVENTS = 'events.yaml';
const OFFERS = 'offers.yaml';
const WORKSPACE = 'workspace.yaml';

type Case = readonly [what: string, changes: Readonly<Record<string, string | null>>, lines: readonly string[]];

function holds(cases: readonly Case[]): void {
  test.each(cases)('%s', (_, changes, lines) => {
    expect(issueLines(smallWorkspace(changes))).toEqual(lines);
  });
}

test('the small workspace has nothing to say against', () => {
  expect(issueLines(smallWorkspace())).toEqual([]);
  expect(warningLines(smallWorkspace())).toEqual([]);
});

describe('files', () => {
  holds([
    [
      'no workspace.yaml',
      { [WORKSPACE]: null },
      ['workspace.yaml:1:1 missing file: it names the workspace, its time zone and its channels'],
    ],
    [
      'an empty file',
      { [WORKSPACE]: '' },
      [
        'workspace.yaml:1:1 missing `channels`',
        'workspace.yaml:1:1 missing `name`',
        'workspace.yaml:1:1 missing `timezone`',
      ],
    ],
    [
      'a folder misspelt',
      { 'campaign/x.yaml': 'id: x' },
      ['campaign/x.yaml:1:1 unknown file; did you mean `campaigns/x.yaml`?'],
    ],
    [
      'a stranger',
      { 'notes.txt': 'x' },
      [
        'notes.txt:1:1 unknown file: a workspace holds workspace.yaml, profile.yaml, events.yaml, offers.yaml, policy.yaml, campaigns/*.yaml and templates/*.yaml',
      ],
    ],
    ['.yml', { 'campaigns/x.yml': 'id: x' }, ['campaigns/x.yml:1:1 a file of a workspace ends in .yaml, not .yml']],
    [
      'a folder too deep',
      { 'templates/a/b.yaml': 'x' },
      ['templates/a/b.yaml:1:1 folders inside templates/ are not supported: put the file into templates/ itself'],
    ],
    [
      'a template whose name is no id',
      { 'templates/a b.yaml': 'push: {a: b}' },
      ['templates/a b.yaml:1:1 `a b` cannot be an id: letters, digits, - and _ only'],
    ],
    [
      'a file too large',
      { [OFFERS]: `# ${'x'.repeat(1024 * 1024)}` },
      ['offers.yaml:1:1 the file is too large: 1048578 bytes, at most 1048576'],
    ],
  ]);

  test('a workspace too large', () => {
    const text = `# ${'x'.repeat(1024 * 1000)}\npush: {a: b}\n`;
    const changes = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`templates/t${i}.yaml`, text]));
    expect(issueLines(smallWorkspace(changes))).toContain(
      'templates/t8.yaml:1:1 the workspace is too large: with this file more than 8388608 bytes',
    );
  });
});

describe('YAML', () => {
  holds([
    [
      'a tab',
      { [WORKSPACE]: 'name: a\n\ttimezone: x\n' },
      ['workspace.yaml:2:1 a tab cannot indent in YAML: use spaces'],
    ],
    [
      'a key twice',
      { [OFFERS]: 'a: {title: x}\nb: {title: x}\n"a": {title: y}\n' },
      ['offers.yaml:3:1 `a` is given twice; first on line 1'],
    ],
    ['an open quote', { [OFFERS]: 'a: {title: "x}\n' }, ['offers.yaml:2:1 a quote is opened and never closed']],
    [
      'two colons',
      { [OFFERS]: 'a: title: x\n' },
      ['offers.yaml:1:4 a second `: ` on the line: put a text that contains `: ` into quotes'],
    ],
    [
      'a reserved character',
      { [OFFERS]: 'a: {title: @x}\n' },
      ['offers.yaml:1:12 a text that starts with this character must be in quotes'],
    ],
    [
      'an anchor',
      { [OFFERS]: 'a: &x {title: x}\nb: *x\n' },
      [
        'offers.yaml:1:7 anchors (`&x`) are not supported: write the value out where it is needed',
        'offers.yaml:2:4 aliases (`*x`) are not supported: write the value out',
      ],
    ],
    ['a tag', { [OFFERS]: 'a: !!set {title}\n' }, ['offers.yaml:1:10 tags (`!!set`) are not supported']],
    ['a key that is no name', { [OFFERS]: '? [a]\n: {title: x}\n' }, ['offers.yaml:1:3 a key must be a plain name']],
    [
      'a key that would be a prototype',
      { [OFFERS]: '__proto__: {title: x}\n' },
      ['offers.yaml:1:1 `__proto__` cannot be a name'],
    ],
    [
      'two documents',
      { [OFFERS]: '---\na: {title: x}\n---\nb: {title: x}\n' },
      ['offers.yaml:3:1 several documents (`---`) in one file are not supported'],
    ],
    [
      'nesting without end',
      { [OFFERS]: `a: {title: ${'['.repeat(100_000)}` },
      ['offers.yaml:1:1 nested too deeply: at most 24 levels'],
    ],
    [
      'nesting beyond the limit',
      { [EVENTS]: `a: ${'{a: '.repeat(30)}int${'}'.repeat(30)}\n` },
      ['events.yaml:1:100 nested too deeply: at most 24 levels'],
    ],
    [
      'a byte order mark is no column',
      { [OFFERS]: '\ufeffa: {titel: x}\r\n' },
      ['offers.yaml:1:1 missing `title`', 'offers.yaml:1:5 unknown key `titel`; did you mean `title`?'],
    ],
    [
      'columns count code points',
      { [OFFERS]: 'a: {title: "👍👍", x: 1}\n' },
      ['offers.yaml:1:18 unknown key `x`; there are `title`, `budget`, `perCustomer`, `valid`'],
    ],
  ]);
});

describe('keys and values', () => {
  holds([
    [
      'an unknown key',
      edited(CAMPAIGN, 'priority', 'prioritty'),
      ['campaigns/hearts.yaml:6:1 unknown key `prioritty`; did you mean `priority`?'],
    ],
    [
      'a missing key',
      edited(CAMPAIGN, 'channels: [push, sms]\n', ''),
      ['campaigns/hearts.yaml:1:1 missing `channels`'],
    ],
    [
      'nothing behind a key',
      edited(CAMPAIGN, 'channels: [push, sms]', 'channels:'),
      ['campaigns/hearts.yaml:5:10 expected a list, got nothing'],
    ],
    [
      'a text instead of a list',
      edited(CAMPAIGN, '[push, sms]', 'push'),
      ['campaigns/hearts.yaml:5:11 expected a list, got "push"'],
    ],
    ['an empty list', edited(CAMPAIGN, '[push, sms]', '[]'), ['campaigns/hearts.yaml:5:11 needs at least one channel']],
    [
      'a fraction',
      edited(CAMPAIGN, 'priority: 50', 'priority: 0.5'),
      ['campaigns/hearts.yaml:6:11 expected a whole number from -1,000,000 to 1,000,000, got 0.5'],
    ],
    [
      'a duration without a unit',
      edited(CAMPAIGN, 'priority: 50', 'cooldown: 7'),
      ['campaigns/hearts.yaml:6:11 expected a duration such as 90s, 30m, 24h or 7d, got 7'],
    ],
    [
      'a duration in words',
      edited(CAMPAIGN, 'priority: 50', 'cooldown: 7 days'),
      ['campaigns/hearts.yaml:6:11 expected a duration such as 90s, 30m, 24h or 7d, got "7 days"'],
    ],
    [
      'a duration without end',
      edited(CAMPAIGN, 'priority: 50', 'cooldown: 9999d'),
      ['campaigns/hearts.yaml:6:11 expected a duration of at most 3653d, got "9999d"'],
    ],
    [
      'a window of nothing',
      edited(PROFILE, 'window: 30d', 'window: 0d'),
      ['profile.yaml:6:53 expected a duration longer than nothing, such as 30m or 7d, got "0d"'],
    ],
    [
      'a share instead of a percentage',
      edited(CAMPAIGN, 'priority: 50', 'holdout: 0.1'),
      ['campaigns/hearts.yaml:6:10 expected a percentage such as 10%, got 0.1'],
    ],
    [
      'too many percent',
      edited(CAMPAIGN, 'priority: 50', 'holdout: 110%'),
      ['campaigns/hearts.yaml:6:10 expected a percentage such as 10%, got "110%"'],
    ],
    [
      'a day that is none',
      edited(CAMPAIGN, 'priority: 50', 'valid: {from: 2011-02-29}'),
      ['campaigns/hearts.yaml:6:15 there is no day "2011-02-29"'],
    ],
    [
      'a date in another order',
      edited(CAMPAIGN, 'priority: 50', 'valid: {to: 31.12.2011}'),
      ['campaigns/hearts.yaml:6:13 expected a date such as 2011-12-31, got "31.12.2011"'],
    ],
    [
      'days in the wrong order',
      edited(CAMPAIGN, 'priority: 50', 'valid: {from: 2011-02-02, to: 2011-02-01}'),
      ['campaigns/hearts.yaml:6:8 `from` is after `to`'],
    ],
    [
      'no day at all',
      edited(CAMPAIGN, 'priority: 50', 'valid: {}'),
      ['campaigns/hearts.yaml:6:8 needs `from` or `to`'],
    ],
    [
      'a time without its zero',
      edited(POLICY, '"09:00"', '9:00'),
      ['policy.yaml:4:33 expected a time of day such as "21:00", got "9:00"'],
    ],
    [
      'a misspelt status',
      edited(CAMPAIGN, 'priority: 50', 'status: lvie'),
      ['campaigns/hearts.yaml:6:9 expected `draft`, `shadow`, `live` or `paused`, got "lvie"; did you mean `live`?'],
    ],
    [
      'an id that is no subject token',
      edited(CAMPAIGN, 'id: hearts', 'id: hearts.companion'),
      ['campaigns/hearts.yaml:1:5 `hearts.companion` cannot be an id: letters, digits, - and _ only'],
    ],
    [
      'an id too long',
      edited(CAMPAIGN, 'id: hearts', `id: ${'h'.repeat(101)}`),
      ['campaigns/hearts.yaml:1:5 an id may have at most 100 characters'],
    ],
    [
      'a channel that is no subject token',
      edited(WORKSPACE, 'pos', '"p s"'),
      ['workspace.yaml:3:12 `p s` cannot be an id: letters, digits, - and _ only'],
    ],
    ['a channel twice', edited(WORKSPACE, 'email]', 'email, push]'), ['workspace.yaml:3:35 `push` is given twice']],
    [
      'too many channels',
      edited(WORKSPACE, '[pos, push', `[${Array.from({ length: 30 }, (_, i) => `c${i}`).join(', ')}, pos, push`),
      ['workspace.yaml:3:11 at most 32 channels'],
    ],
    [
      'an unknown time zone',
      edited(WORKSPACE, 'Europe/London', 'Europe/Londn'),
      ['workspace.yaml:2:11 unknown time zone `Europe/Londn`; did you mean `Europe/London`?'],
    ],
    [
      'all at once, in order',
      { [CAMPAIGN]: 'id: a b\non: [x]\nchannels: [push, 5]\nholdout: 10\nvariants: {a: {weight: -1, tmplate: x}}\n' },
      [
        'campaigns/hearts.yaml:1:5 `a b` cannot be an id: letters, digits, - and _ only',
        'campaigns/hearts.yaml:2:5 expected an event type, got a list',
        'campaigns/hearts.yaml:3:18 expected an id, got 5',
        'campaigns/hearts.yaml:4:10 expected a percentage such as 10%, got 10',
        'campaigns/hearts.yaml:5:24 expected a whole number from 0 to 1,000,000, got -1',
        'campaigns/hearts.yaml:5:28 unknown key `tmplate`; did you mean `template`?',
      ],
    ],
  ]);
});

describe('events', () => {
  holds([
    [
      'a misspelt type',
      edited(EVENTS, 'total: double', 'total: doubel'),
      [
        'events.yaml:2:10 expected a type (`string`, `int`, `double`, `bool` or `timestamp`), fields, or a list of one of them, got "doubel"; did you mean `double`?',
      ],
    ],
    [
      'a misspelt type in a list',
      edited(EVENTS, 'qty: int', 'qty: integer'),
      ['events.yaml:5:44 expected `string`, `int`, `double`, `bool` or `timestamp`, got "integer"'],
    ],
    [
      'a list of two types',
      edited(EVENTS, '[{sku', '[string, {sku'),
      ['events.yaml:5:10 expected a list of exactly one type, got a list'],
    ],
    [
      'a list in a list',
      edited(EVENTS, 'qty: int', 'qty: [int]'),
      ['events.yaml:5:44 expected `string`, `int`, `double`, `bool` or `timestamp`, got a list'],
    ],
    [
      'a type of the engine',
      { [EVENTS]: 'receipt: {total: double}\n$link: {a: int}\n' },
      ["events.yaml:2:1 `$link` cannot be declared: types that start with $ are the engine's own"],
    ],
    [
      'a field of the event itself',
      edited(EVENTS, 'store: string', 'id: string'),
      ["events.yaml:3:3 `id` cannot be declared: event.id is the event's own"],
    ],
    [
      'a field that rules cannot name',
      edited(EVENTS, 'store: string', 'my-store: string'),
      ['events.yaml:3:3 `my-store` cannot be a name: letters, digits and _ only, not starting with a digit'],
    ],
    [
      'a word of CEL',
      edited(EVENTS, 'store: string', 'in: string'),
      ['events.yaml:3:3 `in` cannot be a name: it is a word of the expression language'],
    ],
    ['an object without fields', edited(EVENTS, '{city: string}', '{}'), ['events.yaml:4:3 `address` has no fields']],
    [
      'too many fields',
      {
        [EVENTS]: `receipt: {total: double}\nmany: {${Array.from({ length: 513 }, (_, i) => `f${i}: int`).join(', ')}}\n`,
      },
      ['events.yaml:2:1 too many fields in `many`: at most 512'],
    ],
  ]);
});

describe('profile', () => {
  holds([
    [
      'a default of the wrong type',
      edited(PROFILE, 'default: false', 'default: "no"'),
      ['profile.yaml:3:34 expected `true` or `false` (the attribute is a bool), got "no"'],
    ],
    [
      'a name twice',
      edited(PROFILE, '  spend:', '  country:'),
      ['profile.yaml:7:3 `country` is an attribute already: both are read as profile.country'],
    ],
    [
      'an unknown event',
      edited(PROFILE, '{fn: count, event: receipt', '{fn: count, event: recipt'),
      ['profile.yaml:6:36 unknown event type `recipt`; did you mean `receipt`?'],
    ],
    [
      'count of something',
      edited(PROFILE, '{fn: count, event', '{fn: count, value: event.total, event'),
      ['profile.yaml:6:29 count takes no `value`: it counts events; use `when` to count only some'],
    ],
    [
      'sum of nothing',
      edited(PROFILE, ', value: event.total}', '}'),
      ['profile.yaml:7:3 `sum` needs a `value`: what of the event it is taken of'],
    ],
    [
      'sum of a text',
      edited(PROFILE, 'value: event.total}', 'value: event.store}'),
      ['profile.yaml:7:43 expected int or double, but this is string'],
    ],
    [
      'an aggregate over the profile',
      edited(PROFILE, 'value: event.total}', 'value: event.total + profile.spend}'),
      ['profile.yaml:7:65 an aggregate is taken of the event alone: `profile` and `segment` are not available here'],
    ],
    [
      'a window between two steps',
      edited(PROFILE, 'window: 30d', 'window: 49h'),
      ['profile.yaml:6:45 the window of 49h is not a multiple of the default resolution of 1d; give a `resolution`'],
    ],
    [
      'a window between two given steps',
      edited(PROFILE, 'window: 30d', 'window: 30d, resolution: 7d'),
      ['profile.yaml:6:45 the window of 30d is not a multiple of its resolution of 7d'],
    ],
    [
      'too many buckets',
      edited(PROFILE, 'window: 30d', 'window: 365d, resolution: 1h'),
      ['profile.yaml:6:45 a window of 365d in steps of 1h has 8760 buckets, at most 4096: give a coarser `resolution`'],
    ],
    [
      'a resolution without a window',
      edited(PROFILE, 'window: 30d', 'resolution: 1h'),
      ["profile.yaml:6:45 `resolution` is the width of a window's buckets: it needs a `window`"],
    ],
    [
      'segments in a circle',
      edited(
        PROFILE,
        'vip: profile.spend > 1000.0',
        'vip: segment.b\n  b: segment.c || segment.c\n  c: segment.vip && segment.c',
      ),
      [
        'profile.yaml:10:3 segments refer to each other in a circle: vip → b → c → vip',
        'profile.yaml:12:3 segments refer to each other in a circle: c → c',
      ],
    ],
    [
      'a segment over an event',
      edited(PROFILE, 'vip: profile.spend', 'vip: event.total'),
      ['profile.yaml:10:14 "event" is not available here: this expression is about the profile only'],
    ],
    [
      'an unknown segment',
      edited(PROFILE, 'vip: profile.spend > 1000.0', 'vip: segment.vop'),
      ['profile.yaml:10:16 unknown segment "vop"; did you mean "vip"?'],
    ],
  ]);
});

describe('references', () => {
  holds([
    [
      'an unknown event',
      edited(CAMPAIGN, 'on: receipt', 'on: recept'),
      ['campaigns/hearts.yaml:2:5 unknown event type `recept`; did you mean `receipt`?'],
    ],
    [
      'an unknown offer',
      edited(CAMPAIGN, 'offer: flowers-20', 'offer: flower-20'),
      ['campaigns/hearts.yaml:4:8 unknown offer `flower-20`; did you mean `flowers-20`?'],
    ],
    [
      'no offers at all',
      { [OFFERS]: null },
      ['campaigns/hearts.yaml:4:8 unknown offer `flowers-20`: offers.yaml declares none'],
    ],
    [
      'an unknown template',
      edited(CAMPAIGN, 'template: hearts', 'template: herats'),
      ['campaigns/hearts.yaml:7:11 unknown template `herats`; did you mean `hearts`?'],
    ],
    [
      'an unknown channel',
      edited(CAMPAIGN, '[push, sms]', '[psh, sms, sms]'),
      [
        'campaigns/hearts.yaml:5:12 unknown channel `psh`; did you mean `push`?',
        'campaigns/hearts.yaml:5:22 `sms` is given twice',
      ],
    ],
    [
      'an unknown channel of a cap',
      edited(POLICY, 'per: 1d}', 'per: 1d, channels: [fax]}'),
      ['policy.yaml:3:49 unknown channel `fax`; there are `pos`, `push`, `sms`, `email`'],
    ],
    [
      'an unknown channel of quiet hours',
      edited(POLICY, '[push, sms]', '[smss]'),
      ['policy.yaml:4:53 unknown channel `smss`; did you mean `sms`?'],
    ],
    [
      'an unknown channel of consent',
      edited(POLICY, '{sms: opt-in', '{smss: opt-in'),
      ['policy.yaml:1:11 unknown channel `smss`; did you mean `sms`?'],
    ],
    [
      'an unknown channel of a template',
      edited('templates/hearts.yaml', 'sms: {text', 'smss: {text'),
      ['templates/hearts.yaml:2:1 unknown channel `smss`; did you mean `sms`?'],
    ],
    [
      'a channel that the template lacks',
      edited(CAMPAIGN, '[push, sms]', '[push, email]'),
      ['campaigns/hearts.yaml:7:11 template `hearts` has no message for channel `email`, which this campaign uses'],
    ],
    [
      'a campaign id twice',
      { 'campaigns/a.yaml': 'id: hearts\non: login\nchannels: [pos]\n' },
      ['campaigns/hearts.yaml:1:5 `hearts` is already the id of campaigns/a.yaml'],
    ],
    [
      'a cap name twice',
      edited(
        POLICY,
        '  - {name: any-day, max: 2, per: 1d}',
        '  - {name: any-day, max: 2, per: 1d}\n  - {name: any-day, max: 3, per: 7d}',
      ),
      ['policy.yaml:4:12 `any-day` is already the name of the cap on line 3'],
    ],
    [
      'variants beside a template',
      edited(CAMPAIGN, 'template: hearts', 'template: hearts\nvariants: {a: {weight: 1}}'),
      ['campaigns/hearts.yaml:7:1 `template` is for a campaign without variants: give each variant its own'],
    ],
    [
      'variants without weight',
      edited(CAMPAIGN, 'template: hearts', 'variants: {a: {weight: 0}, b: {weight: 0}}'),
      ['campaigns/hearts.yaml:7:1 all variants have weight 0: none could be drawn'],
    ],
    [
      'no variants',
      edited(CAMPAIGN, 'template: hearts', 'variants: {}'),
      ['campaigns/hearts.yaml:7:1 `variants` is empty'],
    ],
    [
      'what hangs on a faulty file is not judged',
      edited(EVENTS, 'store: string', 'store: strin'),
      [
        'events.yaml:3:10 expected a type (`string`, `int`, `double`, `bool` or `timestamp`), fields, or a list of one of them, got "strin"; did you mean `string`?',
      ],
    ],
  ]);
});

describe('expressions, wherever and however they stand', () => {
  const when = 'event.total > 10.0 && profile.receipts_30d >= 2';
  holds([
    [
      'plain',
      edited(CAMPAIGN, 'profile.receipts_30d', 'profile.receipts_30'),
      ['campaigns/hearts.yaml:3:37 unknown attribute or aggregate "receipts_30"; did you mean "receipts_30d"?'],
    ],
    [
      'plain over several lines',
      edited(CAMPAIGN, when, 'event.total > 10.0 &&\n   profile.receipts_30 >= 2'),
      ['campaigns/hearts.yaml:4:12 unknown attribute or aggregate "receipts_30"; did you mean "receipts_30d"?'],
    ],
    [
      'folded',
      edited(
        CAMPAIGN,
        when,
        '>-  # folded\n  event.total > 10.0 &&\n\n    event.stor == "x" &&\n  profile.receipts_30 >= 2',
      ),
      [
        'campaigns/hearts.yaml:6:11 unknown field of event "receipt" "stor"; did you mean "store"?',
        'campaigns/hearts.yaml:7:11 unknown attribute or aggregate "receipts_30"; did you mean "receipts_30d"?',
      ],
    ],
    [
      'literal',
      edited(CAMPAIGN, when, '|\n    event.total > 10.0 &&\n      event.stor == "x"'),
      ['campaigns/hearts.yaml:5:13 unknown field of event "receipt" "stor"; did you mean "store"?'],
    ],
    [
      'in single quotes',
      edited(CAMPAIGN, when, "'event.store == ''a'' && profile.receipts_30 >= 2'"),
      ['campaigns/hearts.yaml:3:40 unknown attribute or aggregate "receipts_30"; did you mean "receipts_30d"?'],
    ],
    [
      'in double quotes, with escapes and a joined line',
      edited(CAMPAIGN, when, '"event.store == \\"\\u00e9\\" &&\\\n     profile.receipts_30 >= 2"'),
      ['campaigns/hearts.yaml:4:14 unknown attribute or aggregate "receipts_30"; did you mean "receipts_30d"?'],
    ],
    [
      'a type error',
      edited(CAMPAIGN, '10.0', '10.0 + 1'),
      [
        'campaigns/hearts.yaml:3:26 no operator + between double and int; convert one side, as in double(x), or write the literal as 1.0 instead of 1',
      ],
    ],
    [
      'a value that is no number',
      edited(CAMPAIGN, 'priority: 50', 'value: event.store'),
      ['campaigns/hearts.yaml:6:8 expected int or double, but this is string'],
    ],
    ['an empty one', edited(CAMPAIGN, when, '""'), ['campaigns/hearts.yaml:3:7 must not be empty']],
    ['a list instead', edited(CAMPAIGN, when, '[a]'), ['campaigns/hearts.yaml:3:7 expected an expression, got a list']],
  ]);
});

describe('what is not supported yet is refused by name', () => {
  holds([
    [
      'wait',
      edited(CAMPAIGN, 'priority: 50', 'wait: {for: 30m, unless: [login]}'),
      ['campaigns/hearts.yaml:6:1 `wait` is not supported yet: the campaign would decide at once; leave it out'],
    ],
    [
      'cascade',
      edited(CAMPAIGN, 'priority: 50', 'cascade: {after: 2h, unless: opened}'),
      [
        'campaigns/hearts.yaml:6:1 `cascade` is not supported yet: only the first channel that consent and policy allow is tried',
      ],
    ],
    [
      'limits',
      edited(CAMPAIGN, 'priority: 50', 'limits: {total: 5000, perDay: 500}'),
      [
        'campaigns/hearts.yaml:6:1 `limits` is not supported yet: use `perCustomer` of an offer, `cooldown` or caps for what is counted per customer',
      ],
    ],
    [
      'schedule',
      edited(CAMPAIGN, 'on: receipt', 'on: {schedule: "0 10 * * *"}'),
      ['campaigns/hearts.yaml:2:6 `on: {schedule: …}` is not supported yet: name an event type'],
    ],
    [
      'shadow',
      edited(CAMPAIGN, 'priority: 50', 'status: shadow'),
      ['campaigns/hearts.yaml:6:9 `status: shadow` is not supported yet: use draft, live or paused'],
    ],
    [
      'defer',
      edited(POLICY, 'then: drop', 'then: defer'),
      ['policy.yaml:4:71 `then: defer` is not supported yet: use drop'],
    ],
    [
      'budget',
      edited(OFFERS, 'perCustomer', 'budget: 100, perCustomer'),
      ['offers.yaml:1:39 `budget` is not supported yet: use `perCustomer` for what is counted per customer'],
    ],
    [
      'quiet hours that do not say what happens',
      edited(POLICY, ', then: drop', ''),
      [
        'policy.yaml:4:1 missing `then`: write `then: drop`, so that nothing is decided on these channels in quiet hours',
      ],
    ],
  ]);
});

describe('warnings', () => {
  const warned: readonly Case[] = [
    [
      'a cap that never binds',
      edited(POLICY, 'per: 1d}', 'per: 1d}\n  - {name: sms-day, max: 3, per: 12h, channels: [sms]}'),
      ['policy.yaml:4:5 cap `sms-day` never binds: `any-day` is at least as strict'],
    ],
    [
      'quiet hours of no length',
      edited(POLICY, 'to: "09:00"', 'to: "21:00"'),
      ['policy.yaml:4:1 `from` equals `to`: there are no quiet hours'],
    ],
    [
      'everyone held out',
      edited(CAMPAIGN, 'priority: 50', 'holdout: 100%'),
      ['campaigns/hearts.yaml:6:10 everyone is held out: the campaign never decides'],
    ],
    [
      'never valid together',
      {
        ...edited(CAMPAIGN, 'priority: 50', 'valid: {from: 2011-01-01}'),
        ...edited(OFFERS, 'per: 30d}}', 'per: 30d}, valid: {to: 2010-12-31}}'),
      },
      [
        'campaigns/hearts.yaml:4:8 the campaign and its offer `flowers-20` are never valid at the same time: it never decides',
      ],
    ],
    [
      'a channel behind one that is always allowed',
      { [POLICY]: 'consent: {push: none-needed}\n' },
      [
        'campaigns/hearts.yaml:5:18 `sms` is never chosen: `push` before it needs no consent and has neither caps nor quiet hours',
      ],
    ],
    [
      'nothing live',
      edited(CAMPAIGN, 'priority: 50', 'status: paused'),
      ['workspace.yaml:1:1 no campaign is live: nothing will be decided'],
    ],
    [
      'a template that nobody uses',
      { 'templates/other.yaml': 'push: {a: b}\n' },
      ['templates/other.yaml:1:1 no campaign uses the template `other`'],
    ],
    [
      'an offer read where there is none',
      edited(CAMPAIGN, 'offer: flowers-20\n', ''),
      ['campaigns/hearts.yaml:1:1 template `hearts` reads `offer`, but this campaign has none: it will be empty there'],
    ],
    [
      'a timezone that is no text',
      edited(PROFILE, 'country: {type: string}', 'country: {type: string}\n  timezone: {type: int}'),
      ["profile.yaml:3:20 quiet hours go by a customer's `timezone` only if it is a string such as Europe/Paris"],
    ],
  ];
  test.each(warned)('%s', (_, changes, lines) => {
    expect(issueLines(smallWorkspace(changes))).toEqual([]);
    expect(warningLines(smallWorkspace(changes))).toEqual(lines);
  });
});
