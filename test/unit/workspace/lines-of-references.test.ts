/** The exact lines that a person sees for a wrong workspace: references, expressions, refused keys and warnings. */
import { describe, expect, test } from 'vitest';
import { edited, issueLines, smallWorkspace, warningLines } from '../../support/workspaces/small-workspace.ts';

const CAMPAIGN = 'campaigns/hearts.yaml';
const PROFILE = 'profile.yaml';
const POLICY = 'policy.yaml';
const EVENTS = 'events.yaml';
const OFFERS = 'offers.yaml';

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

describe('references', () => {
  holds([
    [
      'an unknown event',
      edited(CAMPAIGN, 'on: receipt', 'on: recept'),
      ['campaigns/hearts.yaml:2:5 unknown event type `recept`; did you mean `receipt`?'],
    ],
    [
      'an event of the engine',
      edited(CAMPAIGN, 'on: receipt', 'on: $profile'),
      [
        "campaigns/hearts.yaml:2:5 `$profile` is the engine's own: only events of events.yaml and `$feedback` can be named here",
      ],
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
      [at('campaigns/hearts.yaml:3:37', 'receipts_30')],
    ],
    [
      'plain over several lines',
      edited(CAMPAIGN, when, 'event.total > 10.0 &&\n   profile.receipts_30 >= 2'),
      [at('campaigns/hearts.yaml:4:12', 'receipts_30')],
    ],
    [
      'folded',
      edited(
        CAMPAIGN,
        when,
        '>-  # folded\n  event.total > 10.0 &&\n\n    event.stor == "x" &&\n  profile.receipts_30 >= 2',
      ),
      [at('campaigns/hearts.yaml:6:11', 'stor'), at('campaigns/hearts.yaml:7:11', 'receipts_30')],
    ],
    [
      'literal',
      edited(CAMPAIGN, when, '|\n    event.total > 10.0 &&\n      event.stor == "x"'),
      [at('campaigns/hearts.yaml:5:13', 'stor')],
    ],
    [
      'in single quotes',
      edited(CAMPAIGN, when, "'event.store == ''a'' && profile.receipts_30 >= 2'"),
      [at('campaigns/hearts.yaml:3:40', 'receipts_30')],
    ],
    [
      'in double quotes, with escapes and a joined line',
      edited(CAMPAIGN, when, '"event.store == \\"\\u00e9\\" &&\\\n     profile.receipts_30 >= 2"'),
      [at('campaigns/hearts.yaml:4:14', 'receipts_30')],
    ],
    ['a type error', edited(CAMPAIGN, '10.0', '10.0 + 1'), [at('campaigns/hearts.yaml:3:26', 'double and int')]],
    [
      'a value that is no number',
      edited(CAMPAIGN, 'priority: 50', 'value: event.store'),
      [at('campaigns/hearts.yaml:6:8', 'string')],
    ],
    ['an empty one', edited(CAMPAIGN, when, '""'), ['campaigns/hearts.yaml:3:7 must not be empty']],
    ['a list instead', edited(CAMPAIGN, when, '[a]'), ['campaigns/hearts.yaml:3:7 expected an expression, got a list']],
  ]);
});

describe('what must be said', () => {
  holds([
    [
      'quiet hours that do not say what happens',
      edited(POLICY, ', then: drop', ''),
      [
        'policy.yaml:4:1 missing `then`: write `then: defer`, so that messages wait until quiet hours end, or `then: drop`, so that they are not decided at all',
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
      [
        'campaigns/hearts.yaml:6:11 template `hearts` reads `offer`, but this campaign has none: it will be empty there',
      ],
    ],
    [
      'an offer read by variants where there is none',
      {
        'campaigns/hearts.yaml':
          'id: hearts\non: receipt\nchannels: [push]\nvariants:\n  a: {weight: 1, template: hearts}\n  b: {weight: 1, template: plain}\n  c:\n    template: hearts\n    weight: 1\n',
        'templates/plain.yaml': 'push: {title: Hello}\n',
      },
      [
        'campaigns/hearts.yaml:5:28 template `hearts` reads `offer`, but this campaign has none: it will be empty there',
        'campaigns/hearts.yaml:8:15 template `hearts` reads `offer`, but this campaign has none: it will be empty there',
      ],
    ],
    [
      'a default that is no time zone',
      edited(
        PROFILE,
        'country: {type: string}',
        'country: {type: string}\n  timezone: {type: string, default: Europe/Pari}',
      ),
      ['profile.yaml:3:37 unknown time zone `Europe/Pari`; did you mean `Europe/Paris`?'],
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
