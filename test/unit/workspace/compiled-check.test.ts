/** What the compiler makes at the ends of its bounds passes the check of versions out of a log, and is in force: it would be published and never decide otherwise. */
import { describe, expect, test } from 'vitest';
import { checkedWorkspace } from '../../../src/workspace/compiled-check.ts';
import { MachineFixture, type WorkspaceFiles, workspaceOf } from '../../support/machine-fixture.ts';
import { fullWorkspace } from '../../support/workspaces/full-workspace.ts';

const FIELDS = 'd: double, n: int, s: string, b: bool, t: timestamp';
const BASE: WorkspaceFiles = {
  'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [pos, push]\n',
  'events.yaml': `receipt: {${FIELDS}, items: [{${FIELDS}}], tags: [string], ns: [int], ds: [double], ts_: [timestamp]}
other: {s: string, items: [{s: string}], tags: [string]}
`,
  'profile.yaml': `attributes: {s: {type: string}, i: {type: int}, b: {type: bool, default: false}, l: {type: "list<string>"}}
segments: {x: profile.b, y: segment.x && profile.i > 1}
`,
};

function list(count: number, item: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => item(i)).join(', ');
}

function campaign(rest: string, on = 'receipt'): WorkspaceFiles {
  return { 'campaigns/a.yaml': `id: a\non: ${on}\nchannels: [pos, push]\n${rest}\n` };
}

function expectTaken(files: WorkspaceFiles): void {
  const workspace = workspaceOf({ ...BASE, ...files });
  expect(() => checkedWorkspace(JSON.parse(JSON.stringify(workspace)))).not.toThrow();
  const fixture = new MachineFixture();
  fixture.publish(workspace);
  expect(fixture.machine.workspaceVersion).toBe(1);
}

const DURATION = '3653d';
const PAIR =
  '"event.s == trigger.s && trigger.type == event.type && trigger.ts > event.ts && trigger.id == event.id && trigger.items[0].s in trigger.tags"';

const WORKSPACES: Readonly<Record<string, WorkspaceFiles>> = {
  'that uses everything': fullWorkspace(),
  'the longest and the most': {
    'workspace.yaml': `name: n\ntimezone: UTC\nlateness: ${DURATION}\nchannels: [pos, push]\n`,
    'offers.yaml': `o: {title: ${'x'.repeat(500)}, budget: 0, perCustomer: {max: 1024, per: ${DURATION}}, expires: ${DURATION}, unused: return, valid: {from: 0000-01-01, to: 9999-12-31}}
p: {title: t, budget: 1000000000, expires: {until: "0 0 29 2 *", offset: -366d}, valid: {to: 0000-01-01}}
`,
    'policy.yaml': `caps: [${list(32, (i) => `{name: c${i}, max: 1024, per: ${DURATION}, reserved: {max: 1024, priority: -1000000}}`)}]
gap: {min: ${DURATION}}
exclusions: [${list(32, (i) => `{name: e${i}, per: ${DURATION}, campaigns: [a], groups: [g]}`)}]
holdout: {share: 100.000%, categories: [x]}
quietHours: {from: "23:59", to: "00:00", then: drop}
arbitration: {pick: 32, score: value * propensity * weight + priority, slots: {pos: [${list(32, (i) => `s${i}`)}]}}
`,
    ...campaign(`offer: o
cooldown: ${DURATION}
wait: {for: 366d, unless: [${list(16, () => 'other')}], restart: ${PAIR}, when: trigger.id == event.id}
after: {events: [${list(8, () => `{event: other, when: ${PAIR}}`)}], within: 30d}
cascade: {after: 366d, unless: converted}
goal: {event: receipt, when: ${PAIR}, within: 366d}
limits: {total: 1000000000, perDay: 0}
holdout: 100%
priority: -1000000
weight: 1000000000
variants: {${list(100, (i) => `v${i}: {weight: ${i === 99 ? 1_000_000 : 0}}`)}}`),
  },
  'the shortest and the least': {
    'workspace.yaml': 'name: n\ntimezone: UTC\nlateness: 0s\nchannels: [pos, push]\n',
    'offers.yaml': 'o: {title: " ", budget: 0, perCustomer: {max: 1}}\n',
    'policy.yaml': 'holdout: 99.99999999999999999999999%\ngap: {min: 1s}\n',
    ...campaign(`offer: o
cooldown: 0s
wait: {for: 1s}
after: {events: [other], within: 1s}
cascade: {after: 1s}
goal: {event: $feedback, within: 1s, when: event.outcome == "clicked" && has(trigger.id)}
limits: {total: 0}
holdout: 0%
priority: 1000000
weight: -0.0
valid: {from: 9999-12-31}`),
  },
  'nothing at all': { 'events.yaml': '', 'profile.yaml': '' },
  'empty parts': {
    'events.yaml': 'receipt:\n',
    'profile.yaml': '{attributes: {}, aggregates: {}, segments: {}}',
    'offers.yaml': '{}',
    'models.yaml': '{}',
    'policy.yaml': '{consent: {}, caps: [], exclusions: [], arbitration: {slots: {}}}',
    ...campaign(''),
  },
  'as many channels, slots and messages as there may be': {
    'workspace.yaml': `name: n\ntimezone: UTC\nchannels: [${list(32, (i) => `c${i}`)}]\n`,
    'policy.yaml': `arbitration: {slots: {${list(32, (i) => `c${i}: [c${i}, c]`)}}}
quietHours: {from: "00:00", to: "00:00", then: defer}
caps: [{name: gap, max: 1, per: 1s, channels: [c31]}]
gap: {min: 1s}
`,
    'templates/t.yaml': `{${list(32, (i) => `c${i}: {title: "{{ profile.i }}{{ segment.y }}{{ event.s }}{{ offer.title }}", n: 1.50}`)}}`,
    'campaigns/a.yaml': `id: a\non: other\nchannels: [${list(32, (i) => `c${i}`)}]\nslots: [c]\ncascade: {after: 1s}\ntemplate: t\n`,
  },
  'as many event types': { 'events.yaml': `{receipt: {a: int}, ${list(255, (i) => `e${i}: {a: int}`)}}` },
  'as many fields': {
    'events.yaml': `receipt: {${list(512, (i) => `f${i}: double`)}}`,
    ...campaign('wait: {for: 1s, unless: [{event: receipt, when: event.f511 == trigger.f511 && has(trigger.id)}]}'),
  },
  'as many columns': {
    'events.yaml': `receipt: {l: [{${list(512, (i) => `f${i}: double`)}}]}`,
    ...campaign('when: event.l.exists(x, x.f511 > 1.0)'),
  },
  'as many lists': {
    'events.yaml': `receipt: {${list(32, (i) => `l${i}: [{a: string}]`)}}`,
    ...campaign('goal: {event: receipt, within: 1s, when: "event.l31.exists(x, trigger.l31[0].a == x.a)"}'),
  },
  'as many attributes': { 'profile.yaml': `attributes: {${list(256, (i) => `a${i}: {type: string}`)}}` },
  'as many segments, each of those before it': {
    'profile.yaml': `segments:\n${Array.from({ length: 1000 }, (_, i) => `  a${i}: ${i === 0 ? 'true' : list(Math.min(i, 9), (j) => `segment.a${i - j - 1}`).replaceAll(', ', ' && ')}`).join('\n')}\n`,
  },
};

test.each(Object.keys(WORKSPACES))('%s', (name) => {
  expectTaken(WORKSPACES[name] as WorkspaceFiles);
});

test.each(['-', '_', '0', '1e5', 'A-Z_a-z_0-9', 'true', 'null', 'x'.repeat(100)])('everything is called %s', (name) => {
  const quoted = JSON.stringify(name);
  expectTaken({
    'workspace.yaml': `name: n\ntimezone: UTC\nchannels: [${quoted}]\nschedules: {${quoted}: "0 0 * * *"}\n`,
    'events.yaml': `${quoted}: {a: int}\n`,
    'profile.yaml': `aggregates: {c: {fn: count, event: ${quoted}}}\n`,
    'offers.yaml': `${quoted}: {title: t, budget: 1, expires: {until: ${quoted}}}\n`,
    [`templates/${name}.yaml`]: `${quoted}: {${quoted}: x}\n`,
    'campaigns/a.yaml': `id: ${quoted}\non: ${quoted}\nchannels: [${quoted}]\ngroup: ${quoted}\ncategory: ${quoted}
offer: ${quoted}\nvariants: {${quoted}: {weight: 1, template: ${quoted}}}\n`,
    'campaigns/b.yaml': `id: b\non: {schedule: ${quoted}}\nchannels: [${quoted}]\ntemplate: ${quoted}\n`,
  });
});

const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  string: ['""', '"\\U0001F600 \\0"', '"\\ud800"', JSON.stringify('é'.repeat(1000))],
  int: ['-9007199254740991', '9007199254740991', '-0', '1.0', '1e3', '0x10'],
  double: ['-0.0', '5e-324', '1.7976931348623157e308', '3'],
  bool: ['false', 'true'],
  timestamp: ['0000-01-01T00:00:00Z', '"9999-12-31T23:59:59.999999999-23:59"', '-9007199254740991', '0'],
  '"list<string>"': ['[]', '["", ""]', `[${list(100, (i) => `é${i}`)}]`],
};

test('defaults of every type', () => {
  const values = Object.entries(DEFAULTS).flatMap(([type, texts]) => texts.map((text) => ({ type, text })));
  const attributes = values.map(({ type, text }, i) => `  a${i}: {type: ${type}, default: ${text}}`);
  expectTaken({ 'profile.yaml': `attributes:\n${attributes.join('\n')}\n` });
});

test.each([
  '',
  ', window: 1s, resolution: 1s',
  ', window: 4096h, resolution: 1h',
  ', window: 48h',
  `, window: ${DURATION}`,
  `, window: ${DURATION}, resolution: ${DURATION}`,
])('every function of every type%s', (window) => {
  const types = { sum: 'nd', avg: 'nd', min: 'ndt', max: 'ndt', first: 'ndsbt', last: 'ndsbt', distinct: 'ndsbt' };
  const aggregates = Object.entries(types).flatMap(([fn, fields]) =>
    [...fields].map(
      (field) => `  ${fn}_${field}: {fn: ${fn}, event: receipt, value: event.${field}${window}, when: has(event.s)}`,
    ),
  );
  const segment =
    'profile.first_s == "" || profile.last_b || profile.min_t > now || profile.avg_n > 1.0 || profile.sum_n > 1 || profile.distinct_s > profile.c';
  expectTaken({
    'profile.yaml': `aggregates:
  c: {fn: count, event: receipt${window}}
  size: {fn: max, event: receipt, value: event.items.size()${window}}
  third: {fn: last, event: receipt, value: "event.items.filter(i, i.d > 1.0)[2].s"${window}}
  outcome: {fn: distinct, event: $feedback, value: event.outcome${window}}
${aggregates.join('\n')}
segments: {s: ${JSON.stringify(segment)}}
`,
  });
});

describe('schedules', () => {
  const CRONS = [
    '* * * * *',
    '*/59 */23 */31 */12 */7',
    '0,0,0 0-23 1-31 jan-dec sun-sat',
    '0 0 * * fri-sun',
    '0 0 * * 0,7',
    '0 0 * * 1-7/2',
    '59 23 31 12 6',
    '0 0 30 2 *',
  ];
  test.each(CRONS)('%s', (cron) => {
    const files = (status: string, offset: string): WorkspaceFiles =>
      campaign(
        `status: ${status}\nwhen: profile.b && segment.y\ngoal: {event: receipt, within: 1s, when: event.d > 1.0}`,
        `{schedule: ${JSON.stringify(cron)}, offset: ${offset}}`,
      );
    for (const [status, offset] of [
      ['draft', '-366d'],
      ['shadow', '366d'],
      ['live', '-0s'],
      ['paused', '1s'],
    ] as const)
      expectTaken(files(status, offset));
  });
});

test('days at both ends of the calendar, in every time zone of the runtime', () => {
  const compiled = workspaceOf({
    ...BASE,
    'offers.yaml': 'o: {title: t, valid: {from: 0000-01-01, to: 9999-12-31}}\n',
  });
  expect(Intl.supportedValuesOf('timeZone').filter((zone) => !Object.hasOwn(compiled.zones.zones, zone))).toEqual([]);
  for (const timezone of Object.keys(compiled.zones.zones)) {
    const copy = JSON.parse(JSON.stringify({ ...compiled, timezone }));
    expect(() => checkedWorkspace(copy)).not.toThrow();
  }
});

describe('scores by models', () => {
  const MODELS = [
    '{key: profile.s, table: {"": 0, "é": 1e308}, default: 0}',
    '{key: profile.i, table: {-9007199254740991: 0.1, 9007199254740991: 1, -0: 0.5}, default: 5e-324}',
    '{key: profile.b, table: {}, default: -0.0}',
    '{key: profile.b, table: {true: 1, false: 0}, default: 0.1}',
    '{key: segment.y, table: {true: 1}, default: 0.1}',
    '{key: event.b, table: {true: 1}, default: 0.1}',
    '{key: event.id, table: {a: 1}, default: 0.1}',
    '{key: trigger.type, table: {receipt: 1}, default: 0.1}',
    `{key: profile.s, table: {${list(256, (i) => `k${i}: ${i / 256}`)}}, default: 1}`,
  ];
  test.each(MODELS)('%s', (model) => {
    expectTaken({
      'models.yaml': `m: ${model}\n`,
      'policy.yaml':
        "arbitration: {score: 'propensity > 0.5 && value > 1.0 ? propensity : (has(event.s) ? value : priority)'}\n",
      ...campaign('propensity: {model: m}\nvalue: "event.items.filter(i, i.n > 1)[0].n"'),
    });
  });
});

/** Each makes a deeper expression of the same type. Four levels of a program for one is the most (PROGRAM_DEPTH_FACTOR_MAX), twice where a value stands inside of a score. */
const DEEPER: readonly ((inner: string) => string)[] = [
  (inner) => `int(timestamp(${inner}))`,
  (inner) => `{"a": ${inner}}.a`,
  (inner) => `int(dyn(${inner}))`,
];

test.each(DEEPER.map((deeper) => [deeper('…'), deeper] as const))(
  'the deepest value in the deepest score: %s',
  (_, deeper) => {
    const deepest = (of: string, levels: number): string =>
      Array.from({ length: levels }).reduce<string>((inner) => deeper(inner), of);
    // The levels that an expression may have, an operation of `deeper` for each that it is made of.
    const operations = deeper('').split('(').length - 1 + (deeper('').includes('{') ? 2 : 0);
    const levels = Math.floor(120 / operations);
    expectTaken({
      'policy.yaml': `arbitration: {score: ${JSON.stringify(deepest('int(value)', levels))}}\n`,
      ...campaign(`value: ${JSON.stringify(deepest('event.n', levels))}`),
    });
  },
);
