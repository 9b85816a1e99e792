/** Records of compiled programs that no compiler made: none of their text becomes code, they are refused as data, and the machine goes on. */
import { afterEach, describe, expect, test } from 'vitest';
import { encodeBegin } from '../../../src/machine/fill/fill-record.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { compileAggregate, newAggregates } from '../../../src/replay/fill/extended-workspace.ts';
import type { Aggregate, Workspace } from '../../../src/workspace/workspace.ts';
import { MachineFixture, workspaceOf } from '../../support/machine-fixture.ts';

const encoder = new TextEncoder();
const AT = Date.UTC(2010, 11, 1, 10);
const FILES = {
  'events.yaml': 'receipt: {total: double, store: string, items: [{sku: string}]}\ncart: {total: double}',
  'policy.yaml': 'consent: {pos: none-needed}',
  'campaigns/thanks.yaml': '{id: thanks, on: receipt, when: event.total > 0.0, channels: [pos]}',
};
/** A program in each place that a version has for one. */
const FULL = {
  ...FILES,
  'profile.yaml':
    'aggregates:\n  spent: {fn: sum, event: receipt, value: event.total, when: event.total > 1.0}\nsegments: {rich: profile.spent > 100.0}\n',
  'policy.yaml': 'consent: {pos: none-needed}\narbitration: {score: value * 2.0}',
  'campaigns/full.yaml': `id: full
on: receipt
when: event.total > 2.0
value: event.total
channels: [pos]
after: {events: [{event: cart, when: event.total > 3.0}], within: 1d}
wait: {for: 1h, unless: [{event: cart, when: event.total > 4.0}], restart: event.total > 5.0, when: event.total > 6.0}
goal: {event: cart, when: event.total > 7.0, within: 1d}
`,
  'campaigns/daily.yaml': '{id: daily, on: {schedule: "0 9 * * *"}, when: profile.spent > 8.0, channels: [pos]}',
};

const CODE = 'globalThis.forged = true';
const rep = 'double';
const bool = 'bool';
const sku = {
  op: 'column',
  list: 0,
  column: 0,
  element: { op: 'local', local: 0, rep: 'int' },
  rep: 'string',
  sure: true,
};
const loop = {
  op: 'loop',
  kind: 'exists',
  range: { over: 'objects', list: 0 },
  local: 0,
  predicate: null,
  transform: null,
  rep: bool,
};

const FORGED: readonly (readonly [string, object])[] = [
  ['code in a variable', { op: 'local', local: `0; ${CODE}; //`, rep: bool }],
  ['code in the variable of a loop', { ...loop, local: `0 = (${CODE}, 0)` }],
  ['a variable of no loop', { op: 'local', local: 0, rep: bool }],
  ['code in a slot', { op: 'slot', from: 'event', slot: `0], (${CODE}), E.number[0`, rep, sure: true }],
  ['code in a list', { op: 'listLength', list: `0].x, (${CODE}), E.lists[0`, sure: true }],
  ['code in a column', { ...loop, predicate: { ...sku, column: `0], (${CODE}), [0` } }],
  ['code in a segment', { op: 'segment', index: `(${CODE}, 0)` }],
  [
    'code in a kind of constants',
    {
      op: 'member',
      item: { op: 'const', rep, value: 1 },
      values: { op: 'constants', rep: `\n${CODE};//`, values: [] },
    },
  ],
  [
    'constants behind a range',
    { ...loop, range: { over: 'objects', list: 0, value: { op: 'constants', rep: `\n${CODE};//`, values: [] } } },
  ],
  ['a lifted constant', { op: 'lifted', vector: `0, (${CODE})`, rep: bool }],
  ['a place', { op: 'noGaps', place: `0].gaps, (${CODE}), K.columns[0` }],
  [
    'code in an overload',
    { op: 'unbox', rep: bool, value: { op: 'overload', id: `x'); ${CODE}; ('`, args: [], rep: 'dyn' } },
  ],
  ['an overload of the prototype', { op: 'overload', id: 'constructor', args: [], rep: 'dyn' }],
  ['code in the name of an operation', { op: 'call', name: CODE, args: [], rep: bool }],
  ['an operation of the prototype', { op: 'call', name: 'constructor', args: [], rep: bool }],
  [
    'a representation of the prototype',
    { op: 'unbox', value: { op: 'box', value: { op: 'hasId' }, rep: 'dyn' }, rep: 'constructor' },
  ],
  ['a node of the prototype', { op: '__proto__' }],
  ['a negative slot', { op: 'has', from: 'event', slot: -1 }],
  ['a slot beyond all bounds', { op: 'has', from: 'event', slot: 2 ** 53 }],
  ['an operand too few', { op: 'call', name: 'not', args: [], rep: bool }],
  ['no operand', { op: 'call', name: 'not', args: [null], rep: bool }],
  ['a constant of another type', { op: 'const', rep: 'string', value: [CODE] }],
  [
    'a bad pattern',
    {
      op: 'matches',
      text: { op: 'const', rep: 'string', value: '' },
      pattern: { op: 'pattern', source: '(', instructions: 1, rep: 'pattern' },
    },
  ],
  [
    'depth',
    Array.from({ length: 2000 }).reduce((ir: object) => ({ op: 'call', name: 'not', args: [ir], rep: bool }), {
      op: 'hasId',
    }),
  ],
  ['nothing', { ...[] }],
];

/** Paths of all programs in a version. */
function programsOf(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('ir' in value) return [path];
  return Object.entries(value).flatMap(([key, child]) => programsOf(child, path === '' ? key : `${path}.${key}`));
}

function withIr<T>(root: T, path: string, ir: object): T {
  const copy = JSON.parse(JSON.stringify(root)) as T;
  const program = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], copy);
  (program as { ir: object }).ir = ir;
  return copy;
}

afterEach(() => {
  const forged = 'forged' in globalThis;
  Reflect.deleteProperty(globalThis, 'forged');
  expect(forged).toBe(false);
});

const receipt = { type: 'receipt', customer: 'ann', ts: AT, data: { total: 1, store: 's', items: [{ sku: 'a' }] } };

function expectRefused(forged: Workspace): void {
  const fixture = MachineFixture.with(FILES);
  const before = fixture.machine.digest();
  const { workspaceError } = fixture.append(RecordKind.workspace, encoder.encode(JSON.stringify(forged)));
  expect(workspaceError).toMatch(/cannot be activated: ./);
  expect(fixture.machine.workspaceVersion).toBe(1);
  expect(fixture.machine.digest()).toBe(before);
  expect(fixture.send(receipt).decisions).toHaveLength(1);
}

const full = workspaceOf(FULL, 2);
const places = programsOf(full, '');

describe('a version', () => {
  test('with nothing forged is taken', () => {
    expect(places.length).toBeGreaterThanOrEqual(14);
    MachineFixture.with(FILES).publish(full);
  });

  test.each(FORGED)('with %s in a rule', (_, ir) => {
    expectRefused(withIr(full, `campaigns.${full.campaigns.findIndex(({ id }) => id === 'full')}.when`, ir));
  });

  test.each(places)('with a forged program at %s', (place) => {
    for (const [, ir] of FORGED.slice(0, 6)) expectRefused(withIr(full, place, ir));
  });
});

test('a filling with a forged program fails', () => {
  const first = workspaceOf(FILES);
  const [added] = newAggregates(first, full).map((each, i) => compileAggregate(first, each, i) as Aggregate);
  for (const part of ['value', 'when']) {
    for (const [, ir] of FORGED) {
      const fixture = MachineFixture.with(FILES);
      const aggregates = [withIr(added as Aggregate, part, ir)];
      const { fillError } = fixture.append(RecordKind.fill, encodeBegin('f', { version: 1, aggregates }));
      expect(fillError).toMatch(/cannot be compiled: ./);
      expect(fixture.machine.filling.busy).toBe(false);
      expect(fixture.send(receipt).decisions).toHaveLength(1);
    }
  }
});

/** It asks a number whether it contains a text. */
const illTyped = (rep: string) => ({
  op: 'if',
  condition: {
    op: 'call',
    name: 'contains',
    args: [
      { op: 'const', rep: 'double', value: 1 },
      { op: 'const', rep: 'string', value: 'x' },
    ],
    rep: 'bool',
  },
  whenTrue: { op: 'fail', rep },
  whenFalse: { op: 'fail', rep },
  rep,
});

test('an ill-typed program ends in errors wherever it is asked, and in nothing else', () => {
  for (const place of places) {
    const fixture = MachineFixture.with(FILES);
    const forged = withIr(
      full,
      place,
      illTyped(place.endsWith('value') || place.endsWith('score') ? 'double' : 'bool'),
    );
    fixture.publish(forged);
    const before = fixture.machine.totals.accepted;
    fixture.send([
      { ...receipt, data: { ...receipt.data, total: 500 } },
      { type: 'cart', customer: 'ann', ts: AT, data: { total: 9 } },
      { ...receipt, ts: AT + 1, data: { ...receipt.data, total: 500 } },
      { type: 'cart', customer: 'ann', ts: AT + 2, data: { total: 9 } },
      { type: 'cart', customer: 'bob', ts: AT + 100 * 3_600_000, data: { total: 9 } },
    ]);
    expect(fixture.machine.totals.accepted).toBe(before + 5);
    expect(fixture.clone().machine.digest()).toBe(fixture.machine.digest());
  }
});
