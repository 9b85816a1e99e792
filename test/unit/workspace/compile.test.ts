/** What a right workspace becomes. */
import { describe, expect, test } from 'vitest';
import { LATENESS_DEFAULT_MS } from '../../../src/constants.ts';
import { compileWorkspace } from '../../../src/workspace/compile.ts';
import type { Aggregate, Workspace } from '../../../src/workspace/workspace.ts';
import { INTERFACE_WORKSPACE } from '../../support/workspaces/interface-workspace.ts';
import { compiled, edited, issueLines, smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const workspace = compiled(INTERFACE_WORKSPACE);

function aggregate(name: string, of: Workspace = workspace): Aggregate {
  return of.aggregates.find((candidate) => candidate.name === name) as Aggregate;
}

describe('a description', () => {
  const campaign = (description: string): Record<string, string> =>
    edited('campaigns/hearts.yaml', 'priority: 50', `priority: 50\ndescription: ${description}`);

  test('may stand in campaigns and offers, and changes nothing', () => {
    const { files: _, ...plain } = compiled(smallWorkspace());
    const described = smallWorkspace({
      ...campaign('|\n  Candles for hearts.\n\n  Ask Ann.'),
      ...edited('offers.yaml', 'title:', 'description: "", title:'),
    });
    expect(compiled(described)).toEqual({ ...plain, files: described });
  });

  test('is a text', () => {
    expect(issueLines(smallWorkspace(campaign('[a]')))).toEqual([
      'campaigns/hearts.yaml:7:14 expected a text, got a list',
    ]);
  });
});

describe('the workspace of the interface', () => {
  test('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(workspace))).toEqual(workspace);
    expect(workspace.files).toEqual(INTERFACE_WORKSPACE);
  });

  test('has its settings', () => {
    expect(workspace).toMatchObject({
      format: 3,
      name: 'retail',
      timezone: 'Europe/London',
      latenessMs: HOUR,
      channels: ['pos', 'push', 'sms', 'email'],
    });
    expect(compiled(smallWorkspace()).latenessMs).toBe(LATENESS_DEFAULT_MS);
  });

  test('has its events: scalars by dotted path, lists by column', () => {
    const [receipt, purchase] = workspace.schema.events;
    expect(receipt).toEqual({
      type: 'receipt',
      index: 0,
      fields: [
        { path: 'total', type: 'double', slot: 0 },
        { path: 'store', type: 'string', slot: 1 },
        { path: 'till.id', type: 'string', slot: 2 },
        { path: 'till.opened', type: 'timestamp', slot: 3 },
        { path: 'till.training', type: 'bool', slot: 4 },
        { path: 'till.place.city', type: 'string', slot: 5 },
      ],
      lists: [
        {
          path: 'items',
          list: 0,
          ofObjects: true,
          columns: [
            { name: 'sku', type: 'string', column: 0 },
            { name: 'name', type: 'string', column: 1 },
            { name: 'qty', type: 'int', column: 2 },
            { name: 'price', type: 'double', column: 3 },
          ],
        },
        { path: 'tags', list: 1, ofObjects: false, columns: [{ name: '', type: 'string', column: 0 }] },
      ],
    });
    expect(purchase).toEqual({ type: 'purchase', index: 1, fields: [], lists: [] });
  });

  test('has its attributes, with defaults of their types', () => {
    expect(workspace.attributes).toEqual([
      { name: 'country', slot: 0, type: 'string', default: null },
      { name: 'loyalty', slot: 1, type: 'bool', default: false },
      { name: 'born', slot: 2, type: 'timestamp', default: Date.UTC(2000, 0, 1) },
      { name: 'tags', slot: 3, type: 'list<string>', default: ['new'] },
      { name: 'level', slot: 4, type: 'int', default: 1 },
      { name: 'score', slot: 5, type: 'double', default: 0.5 },
      { name: 'name', slot: 6, type: 'string', default: 'friend' },
    ]);
  });

  test('has its aggregates, behind the attributes', () => {
    expect(workspace.aggregates.map(({ name, slot }) => `${slot} ${name}`)).toEqual([
      '7 receipts_30d',
      '8 spend_30d',
      '9 spend',
      '10 last_seen',
      '11 big',
      '12 first_total',
      '13 least',
      '14 mean',
      '15 stores',
    ]);
    expect(aggregate('receipts_30d')).toMatchObject({
      fn: 'count',
      event: 0,
      value: null,
      when: null,
      valueType: null,
      windowMs: 30 * DAY,
      resolutionMs: DAY,
    });
    expect(aggregate('spend')).toMatchObject({ fn: 'sum', valueType: 'double', windowMs: null, resolutionMs: 0 });
    expect(aggregate('big')).toMatchObject({
      fn: 'max',
      windowMs: DAY,
      resolutionMs: HOUR / 2,
      when: { source: 'event.total > 100.0', result: 'bool' },
    });
    expect(aggregate('last_seen')).toMatchObject({ valueType: 'timestamp' });
    expect(aggregate('stores')).toMatchObject({ valueType: 'string' });
  });

  test('types them for rules: never absent but min, max, avg, first and last', () => {
    expect(
      workspace.schema.profile.map(
        ({ name, kind, type, optional }) => `${name} ${kind} ${type}${optional ? ' optional' : ''}`,
      ),
    ).toEqual([
      'country attribute string optional',
      'loyalty attribute bool',
      'born attribute timestamp',
      'tags attribute list<string>',
      'level attribute int',
      'score attribute double',
      'name attribute string',
      'receipts_30d aggregate int',
      'spend_30d aggregate double',
      'spend aggregate double',
      'last_seen aggregate timestamp optional',
      'big aggregate double optional',
      'first_total aggregate double optional',
      'least aggregate double optional',
      'mean aggregate double optional',
      'stores aggregate int',
    ]);
  });

  test('has its offers and policy', () => {
    const valid = { fromMs: Date.UTC(2010, 11, 1), toMs: Date.UTC(2012, 0, 1) };
    expect(workspace.offers).toEqual([
      {
        id: 'flowers-20',
        title: '20 % off flowers',
        perCustomer: { max: 1, perMs: 30 * DAY },
        valid,
        budget: 10_000,
        expires: null,
        returnsUnused: false,
      },
    ]);
    const plainCap = { groups: null, categories: null, reserved: null, isGap: false };
    expect(workspace.policy).toEqual({
      consent: ['none-needed', 'opt-out', 'opt-in', 'opt-in'],
      caps: [
        { name: 'any-day', max: 2, perMs: DAY, channels: null, ...plainCap },
        { name: 'sms-week', max: 1, perMs: 7 * DAY, channels: [2], ...plainCap },
      ],
      quietHours: { fromMinute: 21 * 60, toMinute: 9 * 60, channels: [1, 2], defer: true },
      exclusions: [],
      holdout: { share: 0, categories: null },
      pick: 1,
      slots: [null, null, null, null],
      timezoneSlot: -1,
    });
  });

  test('has its campaigns', () => {
    expect(workspace.campaigns).toHaveLength(2);
    expect(workspace.campaigns[0]).toMatchObject({
      id: 'hearts-companion',
      index: 0,
      event: 0,
      when: { result: 'bool', profileSlots: [7] },
      offer: 0,
      channels: [1, 2, 3],
      priority: 50,
      value: { source: 'event.total * 0.05       '.trim(), result: 'double' },
      cooldownMs: 7 * DAY,
      holdout: 0.1,
      variants: [
        { name: 'a', weight: 50, template: 0 },
        { name: 'b', weight: 50, template: 1 },
      ],
      template: -1,
      status: 'live',
      schedule: null,
      wait: { deadline: { afterMs: HOUR / 2 }, unless: [{ event: 1, when: null }], restart: null, when: null },
      cascade: { afterMs: 2 * HOUR, unless: 'opened' },
      limits: { total: 5000, perDay: 500 },
    });
    expect(workspace.campaigns[1]).toMatchObject({
      id: 'mornings',
      event: -1,
      schedule: { minutes: [0], hours: [10], offsetMs: 0 },
      when: { segments: [0] },
    });
  });

  test('knows what its templates read', () => {
    expect(
      workspace.templates.map(({ name, profileSlots, segments, readsEvent }) => ({
        name,
        profileSlots,
        segments,
        readsEvent,
      })),
    ).toEqual([
      { name: 'hearts-a', profileSlots: [0], segments: [], readsEvent: false },
      { name: 'hearts-b', profileSlots: [], segments: [], readsEvent: false },
    ]);
    const reading = compiled(
      smallWorkspace(edited('templates/hearts.yaml', 'Candles', '{% if segment.vip %}{{ event.total }}{% endif %}')),
    );
    // country is read itself, spend through the segment.
    expect(reading.templates[0]).toMatchObject({ profileSlots: [0, 4], segments: [0], readsEvent: true });
  });
});

describe('defaults', () => {
  test('of a campaign that says little', () => {
    const [campaign] = compiled(
      smallWorkspace({ 'campaigns/hearts.yaml': 'id: x\non: login\nchannels: [pos]\n', 'templates/hearts.yaml': null }),
    ).campaigns;
    expect(campaign).toMatchObject({
      event: 1,
      when: { source: 'true', result: 'bool' },
      offer: -1,
      priority: 0,
      value: null,
      cooldownMs: 0,
      holdout: 0,
      variants: [],
      template: -1,
      valid: { fromMs: null, toMs: null },
      status: 'live',
    });
  });

  test('of a workspace that is workspace.yaml alone', () => {
    const alone = compiled({ 'workspace.yaml': 'name: a\ntimezone: UTC\nchannels: [push, sms]\n' });
    expect(alone.policy).toEqual({
      consent: ['opt-in', 'opt-in'],
      caps: [],
      quietHours: null,
      exclusions: [],
      holdout: { share: 0, categories: null },
      pick: 1,
      slots: [null, null],
      timezoneSlot: -1,
    });
    expect(alone.campaigns).toEqual([]);
  });

  test('quiet hours without channels are for all', () => {
    expect(
      compiled(smallWorkspace(edited('policy.yaml', ' channels: [push, sms],', ''))).policy.quietHours?.channels,
    ).toEqual([0, 1, 2, 3]);
  });
});

describe('defaults of attributes', () => {
  test.each([
    ['bool', 'true', true],
    ['int', '9007199254740991', 9007199254740991],
    ['int', '9007199254740992', null],
    ['int', '0.5', null],
    ['double', '3', 3],
    ['double', '.inf', null],
    ['double', '"3"', null],
    ['string', '""', ''],
    ['string', '5', null],
    ['timestamp', '2010-12-01T08:26:00+01:00', Date.UTC(2010, 11, 1, 7, 26)],
    ['timestamp', '1291191960000', 1291191960000],
    ['timestamp', '2010-12-01', null],
    ['timestamp', '2011-02-30T00:00:00Z', null],
    ['timestamp', '2011-02-28T25:00:00Z', null],
    ['list<string>', '[a, b]', ['a', 'b']],
    ['list<string>', '[]', []],
    ['list<string>', 'a', null],
    ['list<string>', '[1]', null],
  ])('a %s of %s', (type, text, value) => {
    const files = smallWorkspace(edited('profile.yaml', '  tags:', `  x: {type: ${type}, default: ${text}}\n  tags:`));
    if (value === null) expect(issueLines(files).join()).toMatch(/^profile\.yaml:4:\d+ expected .*, got /);
    else expect(compiled(files).attributes.find(({ name }) => name === 'x')?.default).toEqual(value);
  });
});

describe('days', () => {
  test('are days of the zone of the workspace, both included', () => {
    const files = smallWorkspace({
      ...edited('workspace.yaml', 'Europe/London', 'America/New_York'),
      ...edited('campaigns/hearts.yaml', 'priority: 50', 'valid: {from: 2010-03-14, to: 2010-03-14}'),
    });
    // The day that summer time began: 23 hours.
    expect(compiled(files).campaigns[0]?.valid).toEqual({
      fromMs: Date.UTC(2010, 2, 14, 5),
      toMs: Date.UTC(2010, 2, 15, 4),
    });
  });

  test('one end may be open', () => {
    const files = smallWorkspace(edited('campaigns/hearts.yaml', 'priority: 50', 'valid: {to: 2010-12-31}'));
    expect(compiled(files).campaigns[0]?.valid).toEqual({ fromMs: null, toMs: Date.UTC(2011, 0, 1) });
  });
});

test('campaigns are sorted by id, whatever their files are called', () => {
  const campaign = (id: string): string => `id: ${id}\non: login\nchannels: [pos]\n`;
  const files = smallWorkspace({
    'campaigns/1.yaml': campaign('b'),
    'campaigns/2.yaml': campaign('Z'),
    'campaigns/3.yaml': campaign('a_1'),
  });
  expect(compiled(files).campaigns.map(({ id, index }) => `${index} ${id}`)).toEqual([
    '0 Z',
    '1 a_1',
    '2 b',
    '3 hearts',
  ]);
});

test('variants and offers keep the order of the file, numbers too', () => {
  const files = smallWorkspace({
    ...edited(
      'campaigns/hearts.yaml',
      'template: hearts',
      'variants: {b: {weight: 1}, 10: {weight: 1}, 9: {weight: 1}}',
    ),
    'offers.yaml': 'flowers-20: {title: x}\n7: {title: y}\n',
    'templates/hearts.yaml': null,
  });
  expect(compiled(files).campaigns[0]?.variants.map(({ name }) => name)).toEqual(['b', '10', '9']);
  expect(compiled(files).offers.map(({ id }) => id)).toEqual(['flowers-20', '7']);
});

test('numbers and truth may stand as expressions without quotes', () => {
  const files = smallWorkspace(
    edited('campaigns/hearts.yaml', 'when: event.total > 10.0 && profile.receipts_30d >= 2', 'when: true\nvalue: 5.0'),
  );
  expect(compiled(files).campaigns[0]).toMatchObject({
    when: { source: 'true' },
    value: { source: '5.0', result: 'double' },
  });
});

test('numbers and truth may stand as texts of messages', () => {
  const files = smallWorkspace({
    'templates/hearts.yaml': 'push: {badge: 1, silent: true, version: 1.0}\nsms: {text: a}\n',
  });
  expect(compiled(files).templates[0]?.channels[1]).toEqual({ badge: '1', silent: 'true', version: '1.0' });
});

describe('signatures of aggregates', () => {
  const before = compiled(smallWorkspace());
  const signature = (changes: Record<string, string>): string =>
    aggregate('spend', compiled(smallWorkspace(changes))).signature;

  test('stay when the workspace changes elsewhere', () => {
    const moved = signature({
      ...edited('events.yaml', 'receipt:\n', 'first:\nreceipt:\n  added: int\n'),
      ...edited('profile.yaml', 'aggregates:\n', '  new: {type: int}\naggregates:\n'),
    });
    expect(moved).toBe(aggregate('spend', before).signature);
  });

  test.each([
    ['function', edited('profile.yaml', '{fn: sum', '{fn: max')],
    ['event', edited('profile.yaml', 'sum, event: receipt, value: event.total', 'sum, event: login, value: 1')],
    ['value', edited('profile.yaml', 'value: event.total', 'value: event.total * 2.0')],
    ['predicate', edited('profile.yaml', 'value: event.total', 'value: event.total, when: event.total > 0.0')],
    ['window', edited('profile.yaml', 'value: event.total', 'value: event.total, window: 30d')],
    ['resolution', edited('profile.yaml', 'value: event.total', 'value: event.total, window: 1d, resolution: 2h')],
    ['type of the value', edited('events.yaml', 'total: double', 'total: int')],
  ])('change with the %s', (what, changes) => {
    const campaign =
      what === 'type of the value' ? edited('campaigns/hearts.yaml', 'event.total > 10.0', 'event.total > 10') : {};
    expect(signature({ ...changes, ...campaign })).not.toBe(aggregate('spend', before).signature);
  });
});

test('compiling is a function of the files', () => {
  const files = smallWorkspace();
  const reversed = Object.fromEntries(Object.entries(files).toReversed());
  const [a, b] = [compileWorkspace(files), compileWorkspace(reversed)].map((result) =>
    'workspace' in result ? { ...result.workspace, files: {} } : result,
  );
  expect(JSON.stringify(a)).toBe(JSON.stringify(b));
});

test('a thousand campaigns compile', () => {
  const files: Record<string, string> = { ...smallWorkspace() };
  for (let i = 0; i < 1000; i++)
    files[`campaigns/c${i}.yaml`] =
      `id: c${i}\non: receipt\nwhen: event.items.exists(i, i.sku == "S${i}") && event.total > ${i}.0\nchannels: [push]\ntemplate: hearts\noffer: flowers-20\n`;
  expect(compiled(files).campaigns).toHaveLength(1001);
});
