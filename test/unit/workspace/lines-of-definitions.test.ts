/** The exact lines that a person sees for a wrong workspace: keys, values, events and profiles. */
import { describe, expect, test } from 'vitest';
import { edited, issueLines, smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const CAMPAIGN = 'campaigns/hearts.yaml';
const PROFILE = 'profile.yaml';
const POLICY = 'policy.yaml';
const EVENTS = 'events.yaml';
const WORKSPACE = 'workspace.yaml';

/** A message of the rule checker: at its place, about what it is about; its words are tested with the rules. */
function at(place: string, about: string): unknown {
  return expect.stringMatching(new RegExp(`^${place} .*\\b${about}\\b`));
}

type Case = readonly [what: string, changes: Readonly<Record<string, string | null>>, lines: readonly unknown[]];

function holds(cases: readonly Case[]): void {
  test.each(cases)('%s', (_, changes, lines) => {
    expect(issueLines(smallWorkspace(changes))).toEqual(lines);
  });
}

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
        'campaigns/hearts.yaml:2:5 expected an event type, or {schedule: …}, got a list',
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
    [
      'names that every object inherits',
      edited(EVENTS, 'store: string', 'constructor: {name: string}\n  toString: string'),
      [
        'events.yaml:3:3 `constructor` cannot be a name: it is reserved',
        'events.yaml:4:3 `toString` cannot be a name: it is reserved',
      ],
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
      [at('profile.yaml:7:43', 'string')],
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
      [at('profile.yaml:10:14', 'event')],
    ],
    [
      'an unknown segment',
      edited(PROFILE, 'vip: profile.spend > 1000.0', 'vip: segment.vop'),
      [at('profile.yaml:10:16', 'vop')],
    ],
  ]);
});
