/** Arbitration's score with a campaign's own parts put in, and tables of propensities: what they evaluate to, and what is said where they are wrong. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MODEL_ROWS_MAX } from '../../../src/constants.ts';
import { createEventFrame, createProfileFrame } from '../../../src/protocol/frame.ts';
import type { EventSchema } from '../../../src/protocol/schema.ts';
import { ScalarProgram } from '../../../src/rules/scalar-program.ts';
import { SegmentSet } from '../../../src/rules/segment-set.ts';
import type { Workspace } from '../../../src/workspace/workspace.ts';
import { compiled, issueLines } from '../../support/workspaces/small-workspace.ts';

type Data = Readonly<Record<string, string | number | boolean>>;

const BASE = {
  'workspace.yaml': 'name: a\ntimezone: UTC\nchannels: [push]\n',
  'profile.yaml': `attributes:
  tier: {type: string}
  level: {type: int, default: 0}
  loyal: {type: bool}
  affinity: {type: double}
  seen: {type: timestamp}
segments:
  top: profile.level > 5
`,
  'events.yaml': 'receipt:\n  total: double\n  qty: int\n  store: string\n  items: [{price: double, n: int}]\nlogin:\n',
};

function files(score: string | null, campaign: string, models = ''): Record<string, string> {
  return {
    ...BASE,
    ...(score === null ? {} : { 'policy.yaml': `arbitration:\n  score: ${score}\n` }),
    ...(models === '' ? {} : { 'models.yaml': models }),
    'campaigns/a.yaml': `id: a\non: receipt\nchannels: [push]\n${campaign}`,
  };
}

/** What a campaign's score comes to; null: an error. */
function scoreOf(workspace: Workspace, event: Data, profile: Data, prices: readonly number[] = []): number | null {
  const score = workspace.campaigns[0]?.score;
  if (score === null || score === undefined) throw new Error('no score');
  const { schema } = workspace;
  const segments = new SegmentSet(
    workspace.segments.map((segment) => segment.when),
    schema,
  );
  const eventFrame = createEventFrame(schema.events[workspace.campaigns[0]?.event ?? 0] as EventSchema);
  const profileFrame = createProfileFrame(schema);
  const fill = (
    frame: { number: Float64Array; text: string[]; present: Uint8Array },
    fields: readonly { slot: number; name: string }[],
    data: Data,
  ): void => {
    for (const { slot, name } of fields) {
      const value = data[name];
      if (value === undefined) continue;
      frame.present[slot] = 1;
      if (typeof value === 'string') frame.text[slot] = value;
      else frame.number[slot] = Number(value);
    }
  };
  fill(eventFrame, schema.events[0]?.fields.map(({ path, slot }) => ({ slot, name: path })) ?? [], event);
  fill(profileFrame, schema.profile, { level: 0, ...profile });
  const list = eventFrame.lists[0];
  if (list !== undefined) {
    eventFrame.listPresent[0] = 1;
    list.length = prices.length;
    prices.forEach((price, i) => {
      for (const column of list.columns) {
        column.number[i] = price;
        column.present[i] = 1;
      }
    });
  }
  segments.begin(profileFrame, 0);
  const program = new ScalarProgram(score, segments);
  return program.evaluate(eventFrame, profileFrame, 0) ? program.number : null;
}

const TIERS = 'tiers: {key: profile.tier, table: {gold: 0.5, silver: 0.25, "": 0.125, lead: 0.25}, default: 0.0625}\n';

describe('a score', () => {
  test("is made of the campaign's value, propensity, weight and priority, all doubles", () => {
    const workspace = compiled(
      files(
        'value * propensity * weight + priority',
        'value: event.qty\npropensity: profile.affinity\nweight: 1.5\npriority: 3\n',
      ),
    );
    expect(workspace.campaigns[0]?.score).toMatchObject({
      source: 'value * propensity * weight + priority',
      result: 'double',
      profileSlots: [3],
    });
    expect(scoreOf(workspace, { qty: 4 }, { affinity: 0.5 })).toBe(6);
    expect(scoreOf(workspace, {}, { affinity: 0.5 })).toBeNull();
    expect(scoreOf(workspace, { qty: 4 }, {})).toBeNull();
  });

  test('has parts of its own where the campaign says nothing: value 0, propensity 1, weight 1, priority 0', () => {
    const score = '1000.0 * value + 100.0 * propensity + 10.0 * weight + priority';
    expect(scoreOf(compiled(files(score, '')), {}, {})).toBe(110);
  });

  test('may read event, profile, segments and now, and be an int', () => {
    const workspace = compiled(files('"segment.top ? int(event.total) : profile.level"', ''));
    expect(scoreOf(workspace, { total: 7 }, { level: 9 })).toBe(7);
    expect(scoreOf(workspace, {}, { level: 2 })).toBe(2);
  });

  test('is there only if the policy has one', () => {
    expect(compiled(files(null, 'weight: 2\npropensity: 0.5\n')).campaigns[0]?.score).toBeNull();
  });

  test('keeps the loops of its parts apart from its own', () => {
    const workspace = compiled(
      files(
        '"[1.0, 2.0, 3.0].filter(i, value * 2.0 > i && i > propensity).size()"',
        'value: event.items.filter(i, i.price > 2.0).size()\npropensity: "event.items.exists(i, i.price == 3.0) ? 1.5 : 0.5"\n',
      ),
    );
    expect(scoreOf(workspace, {}, {}, [1, 2, 3, 4])).toBe(2);
    expect(scoreOf(workspace, {}, {}, [4, 5])).toBe(3);
    expect(scoreOf(workspace, {}, {}, [1, 4])).toBe(1);
  });

  test('is refused where its loops and those of its parts multiply', () => {
    const value = 'value: event.items.filter(i, i.price > 2.0).size()\n';
    expect(issueLines(files('"event.items.filter(i, i.price > value).size()"', value))).toEqual([
      expect.stringMatching(/^policy\.yaml:2:11 too expensive: .* at most 16777216; loops inside loops/),
    ]);
  });

  test('plain numbers of any kind are doubles in it', () => {
    expect(scoreOf(compiled(files('value / propensity', 'value: 7\npropensity: 2\n')), {}, {})).toBe(3.5);
    expect(scoreOf(compiled(files('value / propensity', 'value: 7.0\npropensity: 0.5\n')), {}, {})).toBe(14);
  });
});

describe('a model', () => {
  test.each([
    ['gold', 0.5],
    ['silver', 0.25],
    ['lead', 0.25],
    ['', 0.125],
    ['Gold', 0.0625],
    [undefined, 0.0625],
  ])('tier %s gives %d', (tier, expected) => {
    const workspace = compiled(files('propensity', 'propensity: {model: tiers}\n', TIERS));
    expect(scoreOf(workspace, {}, tier === undefined ? {} : { tier })).toBe(expected);
  });

  test('goes by whole numbers, flags and fields of the event too', () => {
    const of = (models: string) => compiled(files('propensity', 'propensity: {model: m}\n', models));
    const levels = of('m: {key: profile.level, table: {1: 0.5, -2: 0.25}, default: 0}\n');
    expect([1, -2, 0].map((level) => scoreOf(levels, {}, { level }))).toEqual([0.5, 0.25, 0]);
    const loyal = of('m: {key: profile.loyal, table: {true: 0.5}, default: 0.25}\n');
    expect([{ loyal: true }, { loyal: false }, {}].map((profile) => scoreOf(loyal, {}, profile))).toEqual([
      0.5, 0.25, 0.25,
    ]);
    const top = of('m: {key: segment.top, table: {true: 0.5, false: 0.125}, default: 0.25}\n');
    expect([9, 1].map((level) => scoreOf(top, {}, { level }))).toEqual([0.5, 0.125]);
    const stores = of('m: {key: event.store, table: {web: 0.5}, default: 0.25}\n');
    expect([{ store: 'web' }, { store: 'x' }, {}].map((event) => scoreOf(stores, event, {}))).toEqual([
      0.5, 0.25, 0.25,
    ]);
    const none = of('m: {key: profile.tier, table: {}, default: 0.25}\n');
    expect([{ tier: 'gold' }, {}].map((profile) => scoreOf(none, {}, profile))).toEqual([0.25, 0.25]);
  });

  test('gives what a map would, whatever its rows', () => {
    const rows = fc.dictionary(fc.stringMatching(/^[a-z]{0,3}$/), fc.integer({ min: 0, max: 40 }), {
      maxKeys: MODEL_ROWS_MAX,
      size: 'max',
    });
    fc.assert(
      fc.property(rows, fc.stringMatching(/^[a-z]{1,3}$/), (table, other) => {
        const text = `m: {key: profile.tier, table: ${JSON.stringify(table)}, default: 99}\n`;
        const workspace = compiled(files('propensity', 'propensity: {model: m}\n', text));
        for (const tier of [...Object.keys(table).slice(0, 20), other])
          expect(scoreOf(workspace, {}, { tier })).toBe(Object.hasOwn(table, tier) ? table[tier] : 99);
      }),
      { numRuns: 25 },
    );
  });

  test('of the most rows still makes a score of moderate size', () => {
    const rows = Array.from({ length: MODEL_ROWS_MAX }, (_, i) => `tier-${i}: ${(i + 1) / 1024}`);
    const of = (extra: readonly string[]) =>
      files(
        'propensity',
        'propensity: {model: m}\n',
        `m: {key: profile.tier, table: {${[...rows, ...extra].join(', ')}}, default: 0}\n`,
      );
    const workspace = compiled(of([]));
    expect(scoreOf(workspace, {}, { tier: 'tier-200' })).toBe(201 / 1024);
    expect(JSON.stringify(workspace.campaigns[0]?.score).length).toBeLessThan(100_000);
    expect(issueLines(of(['more: 1']))).toEqual([expect.stringMatching(/too many rows: at most 256$/)]);
  });
});

/** A second campaign, on another event. */
const LOGIN = { 'campaigns/b.yaml': 'id: b\non: login\nchannels: [push]\npropensity: {model: m}\n' };

describe('what is wrong is said where it is', () => {
  const OTHER = { 'campaigns/b.yaml': 'id: b\non: login\nchannels: [push]\n' };

  test.each<[string, Record<string, string>, unknown[]]>([
    [
      'a name',
      { ...files('value * wieght', ''), ...OTHER },
      ['policy.yaml:2:18 unknown name "wieght"; did you mean "weight"?'],
    ],
    [
      'a field that only some events have',
      { ...files('value * event.total', ''), ...OTHER },
      ['policy.yaml:2:24 event "login" has no field "total" (for campaign `b`)'],
    ],
    [
      'an event in a campaign on a schedule',
      {
        ...files('value * event.total', ''),
        'campaigns/b.yaml': 'id: b\non: {schedule: "0 10 * * *"}\nchannels: [push]\n',
      },
      [expect.stringMatching(/^policy\.yaml:2:\d+ "event" is not available here: .* \(for campaign `b`\)$/)],
    ],
    ['a field of a number', files('value.total', ''), ['policy.yaml:2:16 "value" has no fields']],
    ['a type', files('value > 2.0', ''), ['policy.yaml:2:10 expected double or int, but this is bool']],
    [
      'a propensity',
      files('value', 'propensity: profile.tier\n'),
      ['campaigns/a.yaml:4:13 expected int or double, but this is string'],
    ],
    [
      'a propensity that no score asks for',
      files(null, 'propensity: profile.affinty\n'),
      ['campaigns/a.yaml:4:21 the profile has no attribute or aggregate "affinty"; did you mean "affinity"?'],
    ],
    [
      'a model',
      files('value', 'propensity: {model: tier}\n', TIERS),
      ['campaigns/a.yaml:4:21 unknown model `tier`; did you mean `tiers`?'],
    ],
    [
      'no models',
      files('value', 'propensity: {model: tier}\n'),
      ['campaigns/a.yaml:4:21 unknown model `tier`: models.yaml declares none'],
    ],
    [
      'a key',
      files('value', 'propensity: {model: m}\n', 'm: {key: profile.teir, table: {}, default: 0}\n'),
      ['models.yaml:1:10 the profile has no attribute or aggregate "teir"; did you mean "tier"?'],
    ],
    [
      'a key that is no name',
      files('value', '', 'm: {key: profile.level + 1, table: {}, default: 0}\n'),
      ['models.yaml:1:10 expected the name of a field such as profile.tier'],
    ],
    [
      'a key of another type',
      files('value', 'propensity: {model: m}\n', 'm: {key: profile.affinity, table: {}, default: 0}\n'),
      ["models.yaml:1:10 a model's key is a text, a whole number, true or false; profile.affinity is none"],
    ],
    [
      'a row',
      files('value', 'propensity: {model: m}\n', 'm: {key: profile.level, table: {1: 0, a: 1}, default: 0}\n'),
      ['models.yaml:1:39 profile.level is a whole number, never `a`'],
    ],
    [
      'a default that is missing',
      files('value', '', 'm: {key: profile.level, table: {}}\n'),
      ['models.yaml:1:1 missing `default`'],
    ],
    [
      'a row that is no number',
      files('value', '', 'm: {key: profile.level, table: {a: high}, default: -1}\n'),
      ['models.yaml:1:36 expected a number such as 0.05, got "high"', 'models.yaml:1:52 must not be negative'],
    ],
    ['a weight', files('value', 'weight: -1\n'), ['campaigns/a.yaml:4:9 must not be negative']],
    [
      'a key of a model that no campaign uses',
      files('value', '', 'm: {key: profile.teir, table: {}, default: 0}\n'),
      ['models.yaml:1:10 the profile has no attribute or aggregate "teir"; did you mean "tier"?'],
    ],
    [
      'a row of a model that no campaign uses',
      files('value', '', 'm:\n  key: event.qty\n  table:\n    1: 0.5\n    two: 0.5\n  default: 0\n'),
      ['models.yaml:5:5 event.qty is a whole number, never `two`'],
    ],
    [
      'a key that no event type has',
      files('value', 'propensity: {model: m}\n', 'm: {key: event.shop, table: {}, default: 0}\n'),
      ['models.yaml:1:10 no event type has a field `event.shop` that a model could go by'],
    ],
    [
      "a key that the campaign's event lacks",
      { ...files('value', 'propensity: {model: m}\n', 'm: {key: event.store, table: {}, default: 0}\n'), ...LOGIN },
      ['models.yaml:1:10 event "login" has no field "store" (for campaign `b`)'],
    ],
    [
      'neither expression nor model',
      files('value', 'propensity: {modell: a}\n'),
      ['campaigns/a.yaml:4:1 missing `model`', 'campaigns/a.yaml:4:14 unknown key `modell`; did you mean `model`?'],
    ],
  ])('%s', (_, workspaceFiles, lines) => {
    expect(issueLines(workspaceFiles)).toEqual(lines);
  });
});

/** Sums nest, and may only do so much. */
function sumOf(term: string, doublings: number): string {
  return doublings === 0 ? term : `(${sumOf(term, doublings - 1)} + ${sumOf(term, doublings - 1)})`;
}

test('a version that would not fit the log is refused, however short its files are', () => {
  const rows = Array.from({ length: MODEL_ROWS_MAX }, (_, i) => `"a tier with a name ${i}": ${i / 1000}`);
  const score = sumOf('propensity', 8);
  const all = files(
    score,
    'propensity: {model: m}\n',
    `m: {key: profile.tier, table: {${rows.join(', ')}}, default: 0}\n`,
  );
  const campaign = all['campaigns/a.yaml'] as string;
  for (const id of ['b', 'c', 'd', 'e']) all[`campaigns/${id}.yaml`] = campaign.replace('id: a', `id: ${id}`);
  expect(issueLines(all)).toEqual([
    expect.stringMatching(
      /^campaigns\/[b-e].yaml:1:1 the workspace is too large: compiled, the campaigns up to this one take more than 58720256 bytes; name /,
    ),
  ]);
});
