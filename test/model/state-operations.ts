/** The operations that the model test runs on PartitionState and its twin, and the layouts under which it does. */
import fc from 'fast-check';
import type { AggregateLayout, AttributeLayout, ProfileLayout } from '../../src/state/layout.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const ATTRIBUTES: Omit<AttributeLayout, 'slot'>[] = [
  { name: 'country', type: 'string', default: null },
  { name: 'tier', type: 'string', default: 'basic' },
  { name: 'loyal', type: 'bool', default: true },
  { name: 'age', type: 'int', default: null },
  { name: 'score', type: 'double', default: 2.5 },
  { name: 'joined', type: 'timestamp', default: null },
  { name: 'tags', type: 'list<string>', default: null },
  { name: 'likes', type: 'list<string>', default: ['x', 'basic'] },
];

const FUNCTIONS: [AggregateLayout['fn'], AggregateLayout['valueType']][] = [
  ['count', null],
  ['sum', 'double'],
  ['sum', 'int'],
  ['min', 'double'],
  ['max', 'int'],
  ['avg', 'double'],
  ['first', 'string'],
  ['last', 'string'],
  ['first', 'double'],
  ['last', 'bool'],
  ['distinct', 'string'],
  ['distinct', 'double'],
];
const WINDOWS: [number | null, number][] = [
  [null, 0],
  [4 * HOUR, HOUR],
  [7 * DAY, DAY],
];
const AGGREGATES: Omit<AggregateLayout, 'slot'>[] = FUNCTIONS.flatMap(([fn, valueType]) =>
  WINDOWS.map(([windowMs, resolutionMs]) => {
    const signature = `${fn}/${valueType}/${windowMs}`;
    return { name: `a_${signature}`, fn, valueType, windowMs, resolutionMs, signature };
  }),
);

const customer = fc.constantFrom('a', 'b', 'c', 'é', '\u4e2d\ud800', 'customer-6', 'customer-7');
const text = fc.constantFrom(
  'x',
  'y',
  'basic',
  'Ünïcode',
  '\u4e2d\u6587',
  '',
  'a rather long string of forty characters',
  'z1',
  'z2',
  'z3',
  'z4',
);
const number = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(0.1, -0, 1e300, 2 ** 53 - 1, -(2 ** 31), 2 ** 31, 0.7, 1 / 3),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
/** How far an event lies behind (or before) the log time. */
const lag = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  fc.integer({ min: 0, max: 5 * HOUR }),
  fc.integer({ min: -DAY, max: 9 * DAY }),
);
export const layoutChoice = fc.record({
  attributes: fc.uniqueArray(fc.integer({ min: 0, max: ATTRIBUTES.length - 1 })),
  aggregates: fc.uniqueArray(fc.integer({ min: 0, max: AGGREGATES.length - 1 }), { maxLength: 14 }),
});

export type Operation =
  | { op: 'attribute'; customer: string; pick: number; value: number; text: string; list: string[]; unset: boolean }
  | { op: 'observe'; customer: string; pick: number; lag: number; number: number; text: string; times: number }
  | { op: 'consent'; customer: string; channel: string; state: number }
  | { op: 'contact'; customer: string; campaign: string; offer: string | null; group: string | null }
  | { op: 'flags'; customer: string; pick: number; flags: number }
  | { op: 'pend'; customer: string; campaign: string; delay: number; kind: number; payload: number[] }
  | { op: 'drop'; customer: string; pick: number }
  | { op: 'fire' }
  | { op: 'recall'; customer: string; lag: number; type: string; payload: number[]; max: number; keepMs: number }
  | { op: 'forget'; customer: string; ageMs: number }
  | { op: 'remember'; customer: string; id: number }
  | { op: 'anonymous'; pick: number; number: number; text: string }
  | { op: 'time'; ms: number }
  | { op: 'layout'; layout: { attributes: number[]; aggregates: number[] } }
  | { op: 'snapshot' }
  | { op: 'step' }
  | { op: 'read' };

const pick = fc.nat({ max: 50 });
const payload = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.nat({ max: 255 }), { maxLength: 30 }) },
  fc.integer({ min: 0, max: 900 }).map((length) => new Array<number>(length).fill(7)),
);
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('attribute' as const),
      customer,
      pick,
      value: number,
      text,
      list: fc.array(text, { maxLength: 6 }),
      unset: fc.boolean(),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      op: fc.constant('observe' as const),
      customer,
      pick,
      lag,
      number,
      text,
      times: fc.constantFrom(1, 1, 1, 9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('consent' as const),
      customer,
      channel: fc.constantFrom('sms', 'push'),
      state: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('contact' as const),
      customer,
      campaign: fc.constantFrom('hearts', 'roses'),
      offer: fc.option(fc.constant('20-off')),
      group: fc.option(fc.constant('draws')),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('flags' as const), customer, pick, flags: fc.nat({ max: 255 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('pend' as const),
      customer: fc.oneof({ weight: 5, arbitrary: customer }, fc.constant('')),
      campaign: fc.constantFrom('hearts', 'roses'),
      delay: fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 2 * DAY }), fc.constant(Number.POSITIVE_INFINITY)),
      kind: fc.nat({ max: 255 }),
      payload,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('drop' as const), customer, pick }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('fire' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('recall' as const),
      customer,
      lag,
      type: fc.constantFrom('receipt', 'visit'),
      payload,
      max: fc.integer({ min: 1, max: 5 }),
      keepMs: fc.constantFrom(HOUR, 7 * DAY, 30 * DAY),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('forget' as const), customer, ageMs: fc.nat({ max: 3 * DAY }) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('remember' as const), customer, id: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('anonymous' as const), pick, number, text }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('time' as const),
      ms: fc.oneof(fc.nat({ max: 3 * HOUR }), fc.nat({ max: 3 * DAY }), fc.constant(40 * DAY)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('layout' as const), layout: layoutChoice }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('snapshot' as const) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('step' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('read' as const) }) },
);

export function layoutOf(choice: { attributes: number[]; aggregates: number[] }): ProfileLayout {
  const attributes = choice.attributes.map((index, slot) => ({ ...(ATTRIBUTES[index] as AttributeLayout), slot }));
  const aggregates = choice.aggregates.map((index, i) => ({
    ...(AGGREGATES[index] as AggregateLayout),
    slot: attributes.length + i,
  }));
  return { attributes, aggregates };
}
