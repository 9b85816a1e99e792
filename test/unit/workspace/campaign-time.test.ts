/** What campaigns say of time: waits, sequences, cascades, limits, goals, schedules; what becomes of it, and the exact lines for what is wrong. */
import { describe, expect, test } from 'vitest';
import { childrenOf } from '../../../src/rules/ir-traits.ts';
import type { Program } from '../../../src/rules/program.ts';
import type { Campaign, Workspace } from '../../../src/workspace/workspace.ts';
import { compiled, issueLines, smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const EVENTS = `view: {sku: string, price: double}
basket: {sku: string, total: double, items: [{sku: string}]}
purchase: {sku: string}
`;

/** The small workspace with other events and one campaign, of which these lines are given. */
function files(lines: string, more: Readonly<Record<string, string | null>> = {}): Record<string, string> {
  return smallWorkspace({
    'events.yaml': EVENTS,
    'profile.yaml': 'attributes: {country: {type: string}}\nsegments: {british: profile.country == "GB"}\n',
    'workspace.yaml': 'name: a\ntimezone: UTC\nchannels: [pos, push, sms]\nschedules: {draw: "0 20 * * wed,sat"}\n',
    'policy.yaml': null,
    'templates/hearts.yaml': null,
    'campaigns/hearts.yaml': null,
    'campaigns/c.yaml': `id: c\n${lines}`,
    ...more,
  }) as Record<string, string>;
}

/** Issues of a campaign on `view` over two channels; its own lines begin with the fourth. */
function issuesOf(lines: string, more: Readonly<Record<string, string | null>> = {}): string[] {
  return issueLines(files(`on: view\nchannels: [push, sms]\n${lines}`, more));
}

function workspaceOf(lines: string, more: Readonly<Record<string, string | null>> = {}): Workspace {
  return compiled(files(lines, more));
}

function campaignOf(lines: string): Campaign {
  return workspaceOf(`on: view\nchannels: [push, sms]\n${lines}`).campaigns[0] as Campaign;
}

/** Slots of the frame that a program reads. */
function slotsOf(program: Program | null | undefined): number[] {
  const slots: number[] = [];
  const visit = (ir: Program['ir']): void => {
    if (ir.op === 'slot' && ir.from === 'event') slots.push(ir.slot);
    childrenOf(ir).forEach(visit);
  };
  if (program != null) visit(program.ir);
  return slots;
}

describe('a campaign that says nothing of time', () => {
  test('has nothing of it', () => {
    expect(campaignOf('')).toMatchObject({
      group: null,
      category: null,
      slots: null,
      schedule: null,
      wait: null,
      after: null,
      cascade: null,
      limits: { total: null, perDay: null },
      goal: null,
    });
  });
});

describe('waits', () => {
  test('for a time, unless something comes', () => {
    const { wait } = campaignOf(
      'wait: {for: 1h30m, unless: [purchase, {event: basket, when: event.sku == trigger.sku}, {event: view}]}',
    );
    expect(wait).toMatchObject({
      deadline: { afterMs: 90 * MINUTE },
      unless: [
        { event: 2, when: null },
        { event: 1, when: { source: 'event.sku == trigger.sku', result: 'bool' } },
        { event: 0, when: null },
      ],
      restart: null,
      when: null,
    });
    // A basket has two fields: those of the view lie behind them.
    expect(slotsOf(wait?.unless[1]?.when)).toEqual([0, 2]);
  });

  test('until a schedule is due, or so long before or after', () => {
    expect(campaignOf('wait: {until: draw}').wait?.deadline).toMatchObject({
      schedule: { hours: [20], minutes: [0], daysOfWeek: [3, 6], offsetMs: 0 },
    });
    expect(campaignOf('wait: {until: draw, offset: -3h}').wait?.deadline).toMatchObject({
      schedule: { hours: [20], offsetMs: -3 * HOUR },
    });
    expect(campaignOf('wait: {until: "30 9 * * *", offset: 10m}').wait?.deadline).toMatchObject({
      schedule: { hours: [9], minutes: [30], offsetMs: 10 * MINUTE },
    });
  });

  test('restart all, none, or those for which a rule holds', () => {
    expect(campaignOf('wait: {for: 1h, restart: true}').wait?.restart).toEqual({ event: 0, when: null });
    expect(campaignOf('wait: {for: 1h, restart: false}').wait?.restart).toBeNull();
    const { wait } = campaignOf('wait: {for: 1h, restart: event.sku == trigger.sku}');
    expect(wait?.restart).toMatchObject({ event: 0, when: { source: 'event.sku == trigger.sku' } });
    expect(slotsOf(wait?.restart?.when)).toEqual([0, 2]);
  });

  test('ask a rule of their own at the end, in which both names are the same event', () => {
    const { wait } = campaignOf('wait: {for: 1h, when: trigger.price > 5.0 && event.price < 9.0 && segment.british}');
    expect(slotsOf(wait?.when)).toEqual([1, 1]);
    expect(wait?.when?.segments).toEqual([0]);
  });

  test('may be cancelled by feedback', () => {
    const { wait } = campaignOf(
      'wait: {for: 1h, unless: [{event: $feedback, when: event.outcome == "opened" && event.campaign != "x"}]}',
    );
    expect(wait?.unless[0]?.event).toBe(3);
  });

  test.each([
    ['wait: {unless: [purchase]}', '4:1 needs `for`, how long it waits (such as 30m), or `until`, a schedule'],
    ['wait: {for: 1h, until: draw}', '4:17 `until` beside `for`: keep the one that is meant'],
    ['wait: {for: 1h, offset: -3h}', '4:17 `offset` moves the due times of `until`, and there is none'],
    ['wait: {for: 367d}', '4:13 expected a duration of at most 366d, got "367d"'],
    ['wait: {for: 0s}', '4:13 expected a duration longer than nothing, such as 30m or 7d, got "0s"'],
    ['wait: {for: soon}', '4:13 expected a duration such as 90s, 30m, 24h or 7d, got "soon"'],
    ['wait: {until: drwa}', '4:15 unknown schedule `drwa`; did you mean `draw`?'],
    ['wait: {for: 1h, unless: []}', '4:25 needs at least one event type'],
    ['wait: {for: 1h, unless: [purchse]}', '4:26 unknown event type `purchse`; did you mean `purchase`?'],
    [
      'wait: {for: 1h, unless: [{event: purchse, when: event.sku == trigger.sku}]}',
      '4:34 unknown event type `purchse`; did you mean `purchase`?',
    ],
    [
      'wait: {for: 1h, unless: [$profile]}',
      "4:26 `$profile` is the engine's own: only events of events.yaml and `$feedback` can be named here",
    ],
    [
      'wait: {for: 1h, unless: [{event: purchase, when: event.sku == trigger.skku}]}',
      '4:71 trigger "view" has no field "skku"; did you mean "sku"?',
    ],
    [
      'wait: {for: 1h, unless: [{event: purchase, when: event.price == trigger.price}]}',
      '4:56 event "purchase" has no field "price"',
    ],
    ['wait: {for: 1h, unless: [{event: purchase, when: trigger.sku}]}', '4:50 expected bool, but this is string'],
    ['wait: {for: 1h, unless: [5]}', '4:26 expected an event type, or {event: …, when: …}, got 5'],
    ['wait: {for: 1h, unless: [{evnt: purchase}]}', '4:27 unknown key `evnt`; did you mean `event`?'],
    [
      'wait: {for: 1h, restart: event.skku == trigger.sku}',
      '4:32 event "view" has no field "skku"; did you mean "sku"?',
    ],
    ['wait: {for: 1h, unless: [$feedbck]}', '4:26 `$feedbck` is no event type; did you mean `$feedback`?'],
    ['wait: {for: 1h, restart: yes}', '4:26 `yes` is a text here: write `restart: true`'],
    ['wait: {for: 1h, restart: Off}', '4:26 `Off` is a text here: write `restart: false`'],
    ['wait: {for: 1h, restart: event.price}', '4:26 expected bool, but this is double'],
    ['wait: {for: 1h, restart: 1}', '4:26 expected true, false or an expression, got 1'],
    ['wait: {for: 1h, when: event.price}', '4:23 expected bool, but this is double'],
    ['wait: {for: 1h, untill: draw}', '4:17 unknown key `untill`; did you mean `until`?'],
    ['wait: 30m', '4:7 expected a mapping, got "30m"'],
  ])('%s: %s', (lines, message) => {
    expect(issuesOf(lines)).toContain(`campaigns/c.yaml:${message}`);
  });

  test('are cancelled by at most sixteen types', () => {
    expect(issuesOf(`wait: {for: 1h, unless: [${Array(17).fill('purchase').join(', ')}]}`)).toEqual([
      'campaigns/c.yaml:4:25 at most 16 event types',
    ]);
    expect(issuesOf(`wait: {for: 1h, unless: [${Array(16).fill('purchase').join(', ')}]}`)).toEqual([]);
  });

  test('of a campaign on an unknown type are not held against it', () => {
    expect(
      issueLines(
        files('on: vew\nchannels: [push]\nwait: {for: 1h, unless: [{event: purchse, when: event.x == trigger.y}]}\n'),
      ),
    ).toEqual([
      'campaigns/c.yaml:2:5 unknown event type `vew`; did you mean `view`?',
      'campaigns/c.yaml:4:34 unknown event type `purchse`; did you mean `purchase`?',
    ]);
  });
});

describe('sequences', () => {
  test('have events in order, and how far back they may lie', () => {
    const { after } = campaignOf(
      'after: {events: [purchase, {event: view, when: event.sku == trigger.sku}], within: 2d}',
    );
    expect(after).toMatchObject({
      events: [
        { event: 2, when: null },
        { event: 0, when: { source: 'event.sku == trigger.sku' } },
      ],
      withinMs: 2 * DAY,
    });
    expect(slotsOf(after?.events[1]?.when)).toEqual([0, 2]);
  });

  test.each([
    ['after: {events: [view]}', '4:1 missing `within`: say how far back the events may lie, such as `within: 1h`'],
    ['after: {within: 1h}', '4:1 missing `events`'],
    ['after: {events: [], within: 1h}', '4:17 needs at least one event type'],
    ['after: {events: [view], within: 31d}', '4:33 expected a duration of at most 30d, got "31d"'],
    ['after: {events: [vew], within: 1h}', '4:18 unknown event type `vew`; did you mean `view`?'],
    [
      'after: {events: [{event: view, when: event.sku == triger.sku}], within: 1h}',
      '4:51 unknown name "triger"; did you mean "trigger"?',
    ],
    [`after: {events: [${Array(9).fill('view').join(', ')}], within: 1h}`, '4:17 at most 8 events'],
  ])('%s: %s', (lines, message) => {
    expect(issuesOf(lines)).toEqual([`campaigns/c.yaml:${message}`]);
  });
});

describe('cascades, limits, groups and slots', () => {
  const SLOTS = {
    'policy.yaml': 'consent: {pos: none-needed}\narbitration: {slots: {pos: [line-1, line-2], push: [banner]}}\n',
  };

  test('are as they are written', () => {
    expect(
      workspaceOf(
        'on: view\nchannels: [pos, push]\ngroup: hearts\ncategory: marketing\ncascade: {after: 2h, unless: clicked}\nlimits: {total: 10, perDay: 0}\nslots: [line-2, banner]\n',
        SLOTS,
      ).campaigns[0],
    ).toMatchObject({
      group: 'hearts',
      category: 'marketing',
      cascade: { afterMs: 2 * HOUR, unless: 'clicked' },
      limits: { total: 10, perDay: 0 },
      slots: ['line-2', 'banner'],
    });
    expect(campaignOf('cascade: {after: 2h}\nlimits: {perDay: 5}')).toMatchObject({
      cascade: { unless: 'opened' },
      limits: { total: null, perDay: 5 },
    });
  });

  test.each([
    [
      'cascade: {unless: opened}',
      '4:1 missing `after`: say how long it waits for feedback before the next channel, such as `after: 2h`',
    ],
    ['cascade: {after: 2h, unless: open}', '4:30 expected `delivered`, `opened`, `clicked` or `converted`, got "open"'],
    ['cascade: {after: 400d}', '4:18 expected a duration of at most 366d, got "400d"'],
    ['limits: {}', '4:9 needs `total` or `perDay`'],
    ['limits: {total: -1}', '4:17 expected a whole number from 0 to 1,000,000,000, got -1'],
    ['group: a b', '4:8 `a b` cannot be an id: letters, digits, - and _ only'],
    [
      'slots: [line-1]',
      '4:9 no channel of this campaign has slots: policy.yaml gives them, as in `arbitration: {slots: {pos: [line-1]}}`',
    ],
  ])('%s: %s', (lines, message) => {
    expect(issuesOf(lines)).toEqual([`campaigns/c.yaml:${message}`]);
  });

  test('a cascade needs a channel to go on to', () => {
    expect(issueLines(files('on: view\nchannels: [push]\ncascade: {after: 2h}\n'))).toEqual([
      'campaigns/c.yaml:4:1 `cascade` has nothing to go on to: name a second channel, or leave it out',
    ]);
  });

  test('slots are those of its channels', () => {
    const slots = (names: string): string[] =>
      issueLines(files(`on: view\nchannels: [pos, sms]\nslots: [${names}]\n`, SLOTS));
    expect(slots('line-1, line-2')).toEqual([]);
    expect(slots('banner')).toEqual([
      'campaigns/c.yaml:4:9 no channel of this campaign has a slot `banner`; there are `line-1`, `line-2`',
    ]);
    expect(slots('line-1, line-1')).toEqual(['campaigns/c.yaml:4:17 `line-1` is given twice']);
  });

  test('slots are not judged against a faulty policy', () => {
    const [issue, ...others] = issueLines(
      files('on: view\nchannels: [pos]\nslots: [line-1]\n', { 'policy.yaml': 'arbitration: {slots: 5}\n' }),
    );
    expect(issue).toMatch(/^policy\.yaml:/);
    expect(others).toEqual([]);
  });
});

describe('goals', () => {
  test('are an event within a time, which may be held against the trigger', () => {
    const { goal } = campaignOf('goal: {event: purchase, when: event.sku == trigger.sku, within: 7d}');
    expect(goal).toMatchObject({ event: 2, when: { source: 'event.sku == trigger.sku' }, withinMs: 7 * DAY });
    expect(slotsOf(goal?.when)).toEqual([0, 1]);
    expect(campaignOf('goal: {event: $feedback, within: 1d}').goal).toEqual({ event: 3, when: null, withinMs: DAY });
  });

  test.each([
    ['goal: {event: purchase}', '4:1 missing `within`: say how long after the contact it counts, such as `within: 7d`'],
    ['goal: {within: 7d}', '4:1 missing `event`'],
    ['goal: {event: purchse, within: 7d}', '4:15 unknown event type `purchse`; did you mean `purchase`?'],
    ['goal: {event: purchase, when: event.sku, within: 7d}', '4:31 expected bool, but this is string'],
    ['goal: {event: purchase, within: 3650d}', '4:33 expected a duration of at most 366d, got "3650d"'],
  ])('%s: %s', (lines, message) => {
    expect(issuesOf(lines)).toEqual([`campaigns/c.yaml:${message}`]);
  });
});

describe('a campaign on a schedule', () => {
  const ON = 'on: {schedule: "0 10 * * mon"}\nchannels: [push, sms]\n';

  test('looks at customers when it is due, and has no event', () => {
    const [campaign] = workspaceOf(
      'on: {schedule: draw, offset: -3h}\nchannels: [push, sms]\nwhen: segment.british\nvalue: 5\ncascade: {after: 1h}\ngoal: {event: purchase, when: event.sku == "a", within: 1d}\n',
    ).campaigns;
    expect(campaign).toMatchObject({
      event: -1,
      schedule: { hours: [20], daysOfWeek: [3, 6], offsetMs: -3 * HOUR },
      when: { segments: [0] },
      value: { result: 'int' },
      cascade: { afterMs: HOUR },
      goal: { event: 2, when: { source: 'event.sku == "a"' } },
    });
    expect(workspaceOf(ON).campaigns[0]).toMatchObject({ when: { source: 'true' } });
  });

  test.each([
    [
      'wait: {for: 1h, unless: [purchase]}',
      '4:1 `wait` needs an event to wait after: on a schedule leave it out, and move the due times with `offset`',
    ],
    [
      'after: {events: [view], within: 1h}',
      '4:1 `after` needs an event to come before: on a schedule use an aggregate of the profile in `when`',
    ],
    ['when: event.price > 5.0', '4:13 "event" is not available here: this expression is about the profile only'],
    ['value: trigger.price', '4:16 "trigger" is not available here: this expression is about the profile only'],
    [
      'goal: {event: purchase, when: event.sku == trigger.sku, within: 1d}',
      '4:52 "trigger" is not available here: this expression is about `event` alone',
    ],
  ])('%s: %s', (lines, message) => {
    expect(issueLines(files(ON + lines))).toEqual([`campaigns/c.yaml:${message}`]);
  });

  test.each([
    ['{schedule: draww}', '2:16 unknown schedule `draww`; did you mean `draw`?'],
    ['{schedule: draw, offset: 3}', '2:30 expected an offset such as -3h or 30m, got 3'],
    ['{offset: -3h}', '2:1 missing `schedule`'],
    ['{shedule: draw}', '2:6 unknown key `shedule`; did you mean `schedule`?'],
  ])('on: %s: %s', (on, message) => {
    expect(issueLines(files(`on: ${on}\nchannels: [push]\n`))).toContain(`campaigns/c.yaml:${message}`);
  });

  test('has no template that reads the event', () => {
    const template = (body: string): string[] =>
      issueLines(
        files(`${ON}template: t\n`, {
          'templates/t.yaml': `push: {body: "${body}"}\nsms: {text: Hello}\n`,
          'campaigns/d.yaml': 'id: d\non: view\nchannels: [push]\ntemplate: t\n',
        }),
      );
    expect(template('{{ profile.country }}')).toEqual([]);
    const line =
      'campaigns/c.yaml:4:11 template `t` reads `event`, and on a schedule there is none: use `profile`, or another template';
    expect(template('{{ event.sku }}')).toEqual([line]);
    expect(template('{% if trigger.price > 5 %}x{% endif %}')).toEqual([line]);
  });
});

describe('$feedback', () => {
  test('is the last event type, with what rules may read of it', () => {
    const { schema, feedbackEvent } = workspaceOf('on: view\nchannels: [push]\n');
    expect(schema.events[feedbackEvent]).toEqual({
      type: '$feedback',
      index: 3,
      fields: ['decision', 'outcome', 'campaign', 'channel', 'variant', 'offer'].map((path, slot) => ({
        path,
        type: 'string',
        slot,
      })),
      lists: [],
    });
    expect(compiled({ 'workspace.yaml': 'name: a\ntimezone: UTC\nchannels: [push]\n' })).toMatchObject({
      feedbackEvent: 0,
      schema: { events: [{ type: '$feedback', index: 0 }] },
    });
  });

  test('sets campaigns off, and feeds aggregates', () => {
    const workspace = workspaceOf(
      'on: $feedback\nwhen: event.outcome == "clicked" && profile.opened_30d > 2\nchannels: [push]\ntemplate: t\n',
      {
        'profile.yaml':
          'aggregates: {opened_30d: {fn: count, event: $feedback, when: event.outcome == "opened", window: 30d}}\n',
        'templates/t.yaml': 'push: {body: "{{ event.campaign }}"}\n',
      },
    );
    expect(workspace.campaigns[0]).toMatchObject({ event: 3, schedule: null });
    expect(workspace.aggregates[0]).toMatchObject({ event: 3 });
  });

  test('is not to be declared', () => {
    expect(
      issueLines(files('on: view\nchannels: [push]\n', { 'events.yaml': 'view:\n$feedback: {a: int}\n' })),
    ).toEqual(["events.yaml:2:1 `$feedback` cannot be declared: types that start with $ are the engine's own"]);
  });

  test('has the fields that it has', () => {
    expect(issuesOf('wait: {for: 1h, unless: [{event: $feedback, when: event.outcom == "x"}]}')).toEqual([
      'campaigns/c.yaml:4:57 event "$feedback" has no field "outcom"; did you mean "outcome"?',
    ]);
  });
});

describe('`trigger`', () => {
  test('is another name for the event in `when`, `value` and messages', () => {
    const { when, value } = campaignOf('when: trigger.price > 5.0\nvalue: trigger.price\n');
    expect(slotsOf(when)).toEqual([1]);
    expect(slotsOf(value)).toEqual([1]);
  });

  test('is unknown to aggregates', () => {
    expect(issuesOf('', { 'profile.yaml': 'aggregates: {a: {fn: sum, event: view, value: trigger.price}}\n' })).toEqual(
      ['profile.yaml:1:55 "trigger" is not available here: this expression is about `event` alone'],
    );
  });
});
