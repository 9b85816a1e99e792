/** What policy and time may say, but hardly mean. Each is warned of where it stands, and its neighbour that is meant is not. */
import { describe, expect, test } from 'vitest';
import { issueLines, warningLines } from '../../support/workspaces/small-workspace.ts';

interface Parts {
  readonly workspace?: string;
  readonly offers?: string;
  readonly policy?: string;
  /** Behind id, on and channels of campaign `a`. */
  readonly a?: string;
  readonly on?: string;
  readonly channels?: string;
  readonly b?: string;
  readonly models?: string;
}

/** Two campaigns `a` (group winter, category marketing) and `b` over three channels, with nothing to be warned of. */
function files({
  workspace = '',
  offers,
  policy,
  a = '',
  on = 'receipt',
  channels = 'sms, email',
  b = '',
  models,
}: Parts) {
  return {
    'workspace.yaml': `name: x\ntimezone: Europe/London\nchannels: [pos, sms, email]\n${workspace}`,
    'profile.yaml': 'attributes: {tier: {type: string}, affinity: {type: double, default: 0}}\n',
    'events.yaml': 'receipt: {total: double}\nlogin:\n',
    ...(offers === undefined ? {} : { 'offers.yaml': offers }),
    ...(policy === undefined ? {} : { 'policy.yaml': policy }),
    ...(models === undefined ? {} : { 'models.yaml': models }),
    'campaigns/a.yaml': `id: a\non: ${on}\nchannels: [${channels}]\ngroup: winter\ncategory: marketing\npriority: 50\n${a}`,
    'campaigns/b.yaml': `id: b\non: login\nchannels: [email]\npriority: 10\n${b}`,
  };
}

type Case = readonly [what: string, parts: Parts, warnings: readonly string[]];

function warns(cases: readonly Case[]): void {
  test.each(cases)('%s', (_, parts, warnings) => {
    expect(issueLines(files(parts))).toEqual([]);
    expect(warningLines(files(parts))).toEqual(warnings);
  });
}

describe('names that no campaign has', () => {
  warns([
    [
      'of a cap, a gap, an exclusion and a holdout',
      {
        policy: `caps:
  - {name: x, max: 2, per: 7d, groups: [wintr], categories: [marketing, service]}
gap: {min: 2h, categories: [marketin]}
exclusions:
  - {name: y, campaigns: [a, b], groups: [summer], per: 1d}
holdout: {share: 5%, categories: [marketing, markting]}
`,
      },
      [
        'policy.yaml:2:41 no campaign has the group `wintr`; did you mean `winter`?',
        'policy.yaml:2:73 no campaign has the category `service`',
        'policy.yaml:3:29 no campaign has the category `marketin`; did you mean `marketing`?',
        'policy.yaml:5:43 no campaign has the group `summer`',
        'policy.yaml:6:46 no campaign has the category `markting`; did you mean `marketing`?',
      ],
    ],
    [
      'but some campaign has these',
      {
        policy:
          'caps: [{name: x, max: 2, per: 7d, groups: [winter], categories: [marketing]}]\nholdout: {share: 5%, categories: [marketing]}\n',
        b: 'status: live\n',
      },
      [],
    ],
  ]);
});

describe('caps', () => {
  warns([
    [
      'all reserved',
      { policy: 'caps: [{name: x, max: 2, per: 7d, reserved: {max: 2, priority: 50}}]\n' },
      ['policy.yaml:1:51 all of `x` is reserved: campaigns of a lower priority than 50 never decide'],
    ],
    [
      'reserved for nobody',
      { policy: 'caps: [{name: x, max: 2, per: 7d, reserved: {max: 1, priority: 80}}]\n' },
      ['policy.yaml:1:64 no campaign has priority 80 or more: what is reserved is never used'],
    ],
    ['reserved for some', { policy: 'caps: [{name: x, max: 2, per: 7d, reserved: {max: 1, priority: 50}}]\n' }, []],
    [
      'a gap within a cap',
      { policy: 'caps: [{name: x, max: 1, per: 7d}]\ngap: {min: 2h}\n' },
      ['policy.yaml:2:1 the gap never binds: `x` is at least as strict'],
    ],
    [
      'a cap within a gap',
      { policy: 'caps: [{name: x, max: 1, per: 2h, channels: [sms]}]\ngap: {min: 2h}\n' },
      ['policy.yaml:1:8 cap `x` never binds: the gap is at least as strict'],
    ],
    [
      'of which one keeps fewer places free',
      {
        policy:
          'caps:\n  - {name: x, max: 2, per: 7d}\n  - {name: y, max: 2, per: 7d, reserved: {max: 1, priority: 50}}\n',
      },
      ['policy.yaml:2:5 cap `x` never binds: `y` is at least as strict'],
    ],
    [
      'that each stop something',
      {
        policy:
          'caps:\n  - {name: x, max: 2, per: 7d}\n  - {name: y, max: 3, per: 7d, reserved: {max: 2, priority: 50}}\n  - {name: z, max: 1, per: 7d, groups: [winter]}\ngap: {min: 1h}\n',
      },
      [],
    ],
  ]);
});

describe('exclusions, holdouts and slots', () => {
  warns([
    [
      'an exclusion of one',
      { policy: 'exclusions: [{name: x, groups: [winter], per: 1d}]\n' },
      ['policy.yaml:1:14 `x` excludes nothing: it needs two campaigns, and only `a` is one of them'],
    ],
    ['an exclusion of two', { policy: 'exclusions: [{name: x, campaigns: [b], groups: [winter], per: 1d}]\n' }, []],
    [
      'everyone held out',
      { policy: 'holdout: 100%\n' },
      ['policy.yaml:1:10 everyone is held out: nothing will be decided'],
    ],
    [
      'more slots than winners',
      { policy: 'arbitration: {pick: 2, slots: {email: [a, b], sms: [a, b, c]}}\n' },
      ['policy.yaml:1:52 2 campaigns win per event, so at most 2 of these 3 slots are taken: raise `pick`'],
    ],
    [
      'two slots and one winner',
      { policy: 'arbitration: {slots: {pos: [line-1, line-2]}}\n' },
      ['policy.yaml:1:28 one campaign wins per event, so at most one of these 2 slots is taken: raise `pick`'],
    ],
  ]);
});

describe('scores', () => {
  const TIERS = 'tiers: {key: profile.tier, table: {gold: 0.5}, default: 0.1}\n';
  warns([
    [
      'that nobody feeds',
      { policy: 'arbitration: {score: value * weight + priority}\n' },
      ['policy.yaml:1:22 no campaign has `value` or `weight`: the score cannot tell them apart by it'],
    ],
    ['that somebody feeds', { policy: 'arbitration: {score: value * weight}\n', b: 'weight: 2\n' }, []],
    ['of the profile', { policy: 'arbitration: {score: profile.affinity}\n' }, []],
    [
      'that are not there',
      { a: 'weight: 2\n', b: 'propensity: {model: tiers}\n', models: TIERS },
      [
        'campaigns/a.yaml:7:9 `weight` changes nothing: policy.yaml has no `score`',
        'campaigns/b.yaml:5:13 `propensity` changes nothing: policy.yaml has no `score`',
      ],
    ],
    [
      'that name something else',
      { policy: 'arbitration: {score: value * propensity}\n', a: 'weight: 2\npropensity: 0.5\n' },
      ['campaigns/a.yaml:7:9 `weight` changes nothing: the `score` of policy.yaml does not name it'],
    ],
  ]);
});

describe('offers', () => {
  warns([
    ['never given', { offers: 'x: {title: X, budget: 0}\n' }, ['offers.yaml:1:23 the budget is 0: it is never given']],
    [
      'unused without an end',
      { offers: 'x: {title: X, budget: 5, unused: return}\n' },
      ['offers.yaml:1:34 nothing comes back: the offer has no `expires`'],
    ],
    [
      'unused without a limit',
      { offers: 'x: {title: X, expires: 7d, unused: return}\n' },
      ['offers.yaml:1:36 nothing comes back: neither the offer nor a campaign with it is limited'],
    ],
    [
      'unused within limits',
      {
        offers: 'x: {title: X, expires: 7d, unused: return}\ny: {title: Y, budget: 5, expires: 7d, unused: return}\n',
        a: 'offer: x\nlimits: {total: 5}\n',
      },
      [],
    ],
  ]);
});

describe('schedules that never fall due', () => {
  const never = 'it never falls due: no such day is in the months that it names';
  warns([
    [
      'named: once, where they are declared',
      {
        workspace: 'schedules: {never: "0 0 30 2 *", leap: "0 0 29 2 *"}\n',
        offers: 'x: {title: X, expires: {until: never}}\ny: {title: Y, expires: {until: leap}}\n',
        on: '{schedule: never}',
      },
      [`workspace.yaml:4:20 ${never}`],
    ],
    [
      'in place',
      {
        offers: 'x: {title: X, expires: {until: 0 0 31 4 *}}\n',
        on: '{schedule: "0 0 31 2,4,6 *"}',
        b: 'wait: {until: "0 0 31 9 *"}\n',
      },
      [`campaigns/a.yaml:2:16 ${never}`, `campaigns/b.yaml:5:15 ${never}`, `offers.yaml:1:32 ${never}`],
    ],
    ['but this does', { on: '{schedule: "0 0 31 2 mon"}' }, []],
  ]);
});

describe('campaigns', () => {
  warns([
    [
      'limits of nothing',
      { a: 'limits: {total: 0, perDay: 5}\n' },
      ['campaigns/a.yaml:7:17 the limit is 0: the campaign never decides'],
    ],
    [
      'a daily limit of nothing',
      { a: 'limits: {perDay: 0}\n' },
      ['campaigns/a.yaml:7:18 the limit is 0: the campaign never decides'],
    ],
    [
      'a daily limit beyond the total',
      { a: 'limits: {total: 5, perDay: 6}\n', b: 'limits: {total: 5, perDay: 5}\n' },
      [
        'campaigns/a.yaml:7:28 `perDay` never binds: `total` is more strict',
        'campaigns/b.yaml:5:28 `perDay` never binds: `total` is as strict',
      ],
    ],
    ['limits that both bind', { a: 'limits: {total: 5, perDay: 4}\n' }, []],
    [
      'a wait beyond its days',
      { a: 'valid: {from: 2011-01-01, to: 2011-01-07}\nwait: {for: 7d}\n' },
      ['campaigns/a.yaml:8:13 it waits longer than the campaign is valid: it never decides'],
    ],
    ['a wait within its days', { a: 'valid: {from: 2011-01-01, to: 2011-01-07}\nwait: {for: 6d}\n' }, []],
    [
      'a cascade within the gap',
      { policy: 'gap: {min: 1d}\n', a: 'cascade: {after: 2h}\n' },
      [
        'campaigns/a.yaml:7:18 `email` comes only where the message before it failed: the gap of policy.yaml allows one in 1d',
      ],
    ],
    [
      'a cascade within a cap of one',
      { policy: 'caps: [{name: x, max: 1, per: 7d, groups: [winter]}]\n', a: 'cascade: {after: 2h}\n' },
      ['campaigns/a.yaml:7:18 `email` comes only where the message before it failed: cap `x` allows one in 7d'],
    ],
    ['a cascade as long as the gap', { policy: 'gap: {min: 2h}\n', a: 'cascade: {after: 2h}\n' }, []],
    ['a cascade on another channel', { policy: 'gap: {min: 1d, channels: [sms]}\n', a: 'cascade: {after: 2h}\n' }, []],
    [
      'a cascade that quiet hours may put off',
      {
        policy: 'gap: {min: 3h}\nquietHours: {from: "21:00", to: "09:00", then: defer}\n',
        a: 'cascade: {after: 2h}\n',
      },
      [],
    ],
    [
      'a channel behind one that is always allowed',
      {
        policy: 'consent: {sms: none-needed}\ncaps: [{name: x, max: 1, per: 1d, groups: [summer]}]\n',
        b: 'group: summer\n',
      },
      [
        'campaigns/a.yaml:3:17 `email` is never chosen: `sms` before it needs no consent and has neither caps nor quiet hours',
      ],
    ],
    ['a channel that a cascade comes to', { policy: 'consent: {sms: none-needed}\n', a: 'cascade: {after: 2h}\n' }, []],
    [
      'a channel behind one with slots',
      { policy: 'consent: {sms: none-needed}\narbitration: {slots: {sms: [only]}}\n' },
      [],
    ],
  ]);
});

describe('propensities that are no shares', () => {
  const SCORED = 'arbitration: {score: propensity}\n';
  warns([
    [
      'of a model, used or not',
      {
        policy: SCORED,
        a: 'propensity: 0.5\n',
        models: 'm:\n  key: profile.tier\n  table:\n    gold: 30\n    silver: 1\n  default: 1.5\n',
      },
      [
        'models.yaml:4:11 a propensity is a share from 0 to 1, and this is 30',
        'models.yaml:6:12 a propensity is a share from 0 to 1, and this is 1.5',
      ],
    ],
    [
      'of a campaign',
      { policy: SCORED, a: 'propensity: 3\n', b: 'propensity: "-0.5"\n' },
      [
        'campaigns/a.yaml:7:13 a propensity is a share from 0 to 1, and this is 3',
        'campaigns/b.yaml:5:13 a propensity is a share from 0 to 1, and this is -0.5',
      ],
    ],
    ['at both ends', { policy: SCORED, a: 'propensity: 0\n', b: 'propensity: 1.0\n' }, []],
    ['that is computed', { policy: SCORED, a: 'propensity: profile.affinity * 30.0\n' }, []],
  ]);
});

describe('outcomes that there are not', () => {
  warns([
    [
      'in a rule of a campaign',
      { on: '$feedback', a: 'when: event.outcome == "opend" || event.outcome in ["clicked", "seen"]\n' },
      [
        'campaigns/a.yaml:7:24 no outcome is called `opend`; did you mean `opened`?',
        'campaigns/a.yaml:7:64 no outcome is called `seen`; there are `delivered`, `opened`, `clicked`, `converted`, `failed`',
      ],
    ],
    [
      'in what ends a wait',
      { a: 'wait: {for: 1h, unless: [{event: $feedback, when: \'"cliked" != event.outcome\'}]}\n' },
      ['campaigns/a.yaml:7:52 no outcome is called `cliked`; did you mean `clicked`?'],
    ],
    [
      'of the trigger of a goal',
      { on: '$feedback', a: 'goal: {event: login, when: trigger.outcome == "clickd", within: 1d}\n' },
      ['campaigns/a.yaml:7:47 no outcome is called `clickd`; did you mean `clicked`?'],
    ],
    [
      'that are right, or compared with other fields',
      {
        on: '$feedback',
        a: 'when: event.outcome == "failed" && event.channel == "sms" && event.campaign != "opend"\n',
      },
      [],
    ],
  ]);
});
