/** Contact policy, budgets and expiry: what they become, and what is said where they are wrong. */
import { describe, expect, test } from 'vitest';
import { compiled, edited, issueLines, smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const SETTINGS = edited(
  'workspace.yaml',
  'timezone: Europe/London\n',
  'timezone: Europe/London\nschedules: {draw: "0 20 * * wed,sat"}\n',
);

const policyFiles = (text: string) => smallWorkspace({ 'policy.yaml': text });
const offerFiles = (text: string) =>
  smallWorkspace({ ...SETTINGS, 'offers.yaml': `flowers-20: {title: Flowers, ${text}}\n` });

describe('policy', () => {
  test('caps count groups and categories, and keep places for the urgent', () => {
    const { caps } = compiled(
      policyFiles(
        'caps:\n  - {name: a, max: 3, per: 7d, channels: [sms], groups: [winter, spring], categories: [marketing], reserved: {max: 1, priority: 80}}\n',
      ),
    ).policy;
    expect(caps).toEqual([
      {
        name: 'a',
        max: 3,
        perMs: 7 * DAY,
        channels: [2],
        groups: ['winter', 'spring'],
        categories: ['marketing'],
        reserved: { max: 1, priority: 80 },
        isGap: false,
      },
    ]);
  });

  test('a gap is a cap of one', () => {
    const { caps } = compiled(
      policyFiles(
        'caps: [{name: a, max: 3, per: 7d}]\ngap: {min: 2h, channels: [push, sms], categories: [marketing]}\n',
      ),
    ).policy;
    expect(caps[1]).toEqual({
      name: 'gap',
      max: 1,
      perMs: 2 * HOUR,
      channels: [1, 2],
      groups: null,
      categories: ['marketing'],
      reserved: null,
      isGap: true,
    });
    expect(caps).toHaveLength(2);
  });

  test('exclusions name campaigns and groups', () => {
    expect(
      compiled(
        policyFiles(
          'exclusions:\n  - {name: credit, campaigns: [hearts], groups: [loans], per: 30d}\n  - {name: b, groups: [x], per: 1d}\n',
        ),
      ).policy.exclusions,
    ).toEqual([
      { name: 'credit', campaigns: ['hearts'], groups: ['loans'], perMs: 30 * DAY },
      { name: 'b', campaigns: [], groups: ['x'], perMs: DAY },
    ]);
  });

  test.each([
    ['5%', { share: 0.05, categories: null }],
    ['{share: 5%}', { share: 0.05, categories: null }],
    ['{share: 2.5%, categories: [marketing]}', { share: 0.025, categories: ['marketing'] }],
  ])('holdout: %s', (text, holdout) => {
    expect(compiled(policyFiles(`holdout: ${text}\n`)).policy.holdout).toEqual(holdout);
  });

  test('quiet hours drop or defer', () => {
    const then = (word: string) => compiled(smallWorkspace(edited('policy.yaml', 'then: drop', `then: ${word}`)));
    expect(then('defer').policy.quietHours?.defer).toBe(true);
    expect(then('drop').policy.quietHours?.defer).toBe(false);
  });

  test('slots are by channel, in order', () => {
    const { pick, slots } = compiled(
      policyFiles('arbitration: {slots: {email: [hero], pos: [line-1, line-2]}}\n'),
    ).policy;
    expect(slots).toEqual([['line-1', 'line-2'], null, null, ['hero']]);
    expect(pick).toBe(1);
  });

  test.each([
    [
      'caps: [{name: a, max: 2, per: 1d, reserved: {max: 3, priority: 1}}]\n',
      'policy.yaml:1:51 more is reserved than there is: `max` of the cap is 2',
    ],
    ['caps: [{name: a, max: 2, per: 1d, reserved: {max: 1}}]\n', 'policy.yaml:1:35 missing `priority`'],
    ['caps: [{name: a, max: 2, per: 1d, groups: []}]\n', 'policy.yaml:1:43 needs at least one group'],
    ['caps: [{name: a, max: 2, per: 1d, groups: [x, x]}]\n', 'policy.yaml:1:47 `x` is given twice'],
    ['gap: {min: 0s}\n', 'policy.yaml:1:12 expected a duration longer than nothing, such as 30m or 7d, got "0s"'],
    ['gap: 1h\n', 'policy.yaml:1:6 write `gap: { min: 1h }`'],
    ['gap: soon\n', 'policy.yaml:1:6 expected a mapping, got "soon"'],
    ['gap: {min: 2h, channels: [smss]}\n', 'policy.yaml:1:27 unknown channel `smss`; did you mean `sms`?'],
    ['exclusions: [{name: a, per: 1d}]\n', 'policy.yaml:1:14 needs `campaigns` or `groups`'],
    [
      'exclusions: [{name: a, campaigns: [heart], per: 1d}]\n',
      'policy.yaml:1:36 unknown campaign `heart`; did you mean `hearts`?',
    ],
    [
      'exclusions:\n  - {name: a, groups: [x], per: 1d}\n  - {name: a, groups: [y], per: 1d}\n',
      'policy.yaml:3:12 `a` is already the name of the exclusion on line 2',
    ],
    ['holdout: 0.05\n', 'policy.yaml:1:10 expected a percentage such as 5%, or {share: 5%, categories: […]}, got 0.05'],
    ['holdout: 105%\n', 'policy.yaml:1:10 expected a percentage such as 10%, got "105%"'],
    ['holdout: {share: 5}\n', 'policy.yaml:1:18 expected a percentage such as 10%, got 5'],
    ['holdout: {categories: [a]}\n', 'policy.yaml:1:1 missing `share`'],
    ['arbitration: {slots: {poss: [a]}}\n', 'policy.yaml:1:23 unknown channel `poss`; did you mean `pos`?'],
    ['arbitration: {slots: {pos: [a, b, a]}}\n', 'policy.yaml:1:35 `a` is given twice'],
    ['arbitration: {slots: {pos: a}}\n', 'policy.yaml:1:28 expected a list, got "a"'],
    ['arbitration: {pick: 0}\n', 'policy.yaml:1:21 expected a whole number from 1 to 32, got 0'],
  ])('%j is refused', (text, line) => {
    expect(issueLines(policyFiles(text))).toEqual([line]);
  });

  test('a campaign that cannot be read is not unknown', () => {
    const files = {
      'policy.yaml': 'exclusions: [{name: a, campaigns: [other], per: 1d}]\n',
      'campaigns/b.yaml': 'id: [\n',
    };
    expect(issueLines(smallWorkspace(files))).toEqual([expect.stringMatching(/^campaigns\/b\.yaml:/)]);
  });
});

describe('offers', () => {
  test('have a budget, expire, and may come back', () => {
    expect(compiled(offerFiles('budget: 0, expires: 7d, unused: return')).offers[0]).toMatchObject({
      budget: 0,
      expires: { afterMs: 7 * DAY },
      returnsUnused: true,
    });
    expect(compiled(offerFiles('unused: keep')).offers[0]).toMatchObject({
      budget: null,
      expires: null,
      returnsUnused: false,
    });
  });

  test('expire with a schedule', () => {
    expect(compiled(offerFiles('expires: {until: draw, offset: -3h}')).offers[0]?.expires).toEqual({
      schedule: {
        source: 'draw (0 20 * * wed,sat), -3h',
        minutes: [0],
        hours: [20],
        daysOfMonth: Array.from({ length: 31 }, (_, i) => i + 1),
        months: Array.from({ length: 12 }, (_, i) => i + 1),
        daysOfWeek: [3, 6],
        offsetMs: -3 * HOUR,
      },
    });
    expect(compiled(offerFiles('expires: {until: "0 0 * * mon"}')).offers[0]?.expires).toMatchObject({
      schedule: { source: '0 0 * * mon', offsetMs: 0 },
    });
  });

  test.each([
    ['budget: -1', '1:38 expected a whole number from 0 to 1,000,000,000, got -1'],
    ['expires: 7', '1:39 expected a duration such as 7d, or {until: …} with a schedule, got 7'],
    ['expires: 7 days', '1:39 expected a duration such as 90s, 30m, 24h or 7d, got "7 days"'],
    ['expires: {until: drawn}', '1:47 unknown schedule `drawn`; did you mean `draw`?'],
    ['expires: {until: "0 25 * * *"}', '1:50 expected an hour from 0 to 23, got "25"'],
    ['expires: {until: draw, offset: 3}', '1:61 expected an offset such as -3h or 30m, got 3'],
    ['expires: {until: draw, offset: -400d}', '1:61 expected an offset of at most 366d, got "-400d"'],
    ['expires: {for: 3h}', '1:30 missing `until`', '1:40 unknown key `for`; there are `until`, `offset`'],
    ['unused: returns', '1:38 expected `return` or `keep`, got "returns"; did you mean `return`?'],
  ])('%s is refused', (text, ...lines) => {
    expect(issueLines(offerFiles(text))).toEqual(lines.map((line) => `offers.yaml:${line}`));
  });
});
