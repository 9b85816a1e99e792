/**
 * What an event costs in aggregates: folding it into those of its type, and reading them for the rules, as the machine's profile step does both. Events come
 * every 20 ms for random customers, so that buckets begin and expire as they would.
 */
import { createProfileFrame } from '../../src/protocol/frame.ts';
import { OBSERVATION_TAKEN } from '../../src/state/observations.ts';
import { assert } from '../../src/stdx/assert.ts';
import { Prng } from '../../src/stdx/prng.ts';
import type { Bench, Suite } from '../suite.ts';
import { EVENT_EVERY_MS, FIRST_TS } from '../workload/kernel.ts';
import { type Case, runCases } from './cases.ts';
import { workspaceOf } from './compiled-workspace.ts';
import { partitionsOf } from './partitions.ts';

const CUSTOMERS = 100_000;
const EVENTS = 1000;
/** Random customers, used in turn. */
const ROWS = 1 << 18;
const TOTALS = 1000;

const ALL_TIME = '{fn: sum, event: receipt, value: event.total}';
const windowed = (fn: 'sum' | 'count' | 'max', days: number) =>
  `{fn: ${fn}, event: receipt, ${fn === 'count' ? '' : 'value: event.total, '}window: ${days}d}`;

/** By name: the aggregates of one event type. The last is the profile of DESIGN.md's bar. */
const PROFILES: Readonly<Record<string, readonly string[]>> = {
  'a sum for all time': [ALL_TIME],
  'a sum over 2 days of 48 hours': [windowed('sum', 2)],
  'a sum over 30 days': [windowed('sum', 30)],
  'count and sum over 30 days': [windowed('count', 30), windowed('sum', 30)],
  '2 for all time, 4 over 7 days, 4 over 30 days': [
    ALL_TIME,
    '{fn: count, event: receipt}',
    ...[7, 30].flatMap((days) => [
      windowed('count', days),
      windowed('sum', days),
      windowed('max', days),
      windowed('sum', days),
    ]),
  ],
};

export const suite: Suite = {
  name: 'windows',
  about: 'aggregates: an event folded in, and read again',
  ratios: [],
  async run(bench) {
    const cases = Object.entries(PROFILES).flatMap(([name, aggregates]) => casesOf(bench, name, aggregates));
    const measured = await runCases(bench, cases);
    bench.ratio({
      key: null,
      name: 'a window against a plain sum',
      detail: 'time to fold an event into a sum over 30 days by that into a sum for all time',
      ...measured.ratio('fold into a sum over 30 days', 'fold into a sum for all time'),
    });
    bench.note(
      'Per event, whatever the number of its aggregates. Random customers of 100,000, all active: most of it is waiting for memory.',
    );
  },
};

function casesOf(bench: Bench, name: string, aggregates: readonly string[]): Case[] {
  const profile = aggregates.map((aggregate, index) => `  a${index}: ${aggregate}\n`).join('');
  const workspace = workspaceOf({
    'workspace.yaml': 'name: windows\ntimezone: UTC\nchannels: [push]\n',
    'events.yaml': 'receipt: {total: double}\n',
    'profile.yaml': `aggregates:\n${profile}`,
  });
  const customers = bench.quick ? 1000 : CUSTOMERS;
  const state = partitionsOf(customers, workspace)[0];
  assert(state !== undefined, 'customers are in a partition');
  const random = new Prng(11);
  const rows = Int32Array.from({ length: ROWS }, () => 1 + random.below(customers));
  const totals = Float64Array.from({ length: TOTALS }, () => random.float() * 500);
  const slots = workspace.aggregates.map(({ slot }) => slot);
  const observations = state.compileObservations(slots);
  const gather = state.compileGather(slots);
  const outcomes = new Uint8Array(slots.length).fill(OBSERVATION_TAKEN);
  const numbers = new Float64Array(slots.length);
  const texts = slots.map(() => '');
  const frame = createProfileFrame(workspace.schema);
  let next = 0;
  let time = FIRST_TS;
  const fold = () => {
    for (let i = 0; i < EVENTS; i++) {
      const row = rows[next++ % ROWS] as number;
      time += EVENT_EVERY_MS;
      numbers.fill(totals[i % TOTALS] as number);
      state.beginChange(row);
      assert(observations.store(row, time, time, outcomes, numbers, texts), 'no room for an observation');
    }
  };
  /** Read, or the compiler might leave the reading out. */
  let sink = 0;
  const read = () => {
    for (let i = 0; i < EVENTS; i++) {
      gather(rows[next++ % ROWS] as number, time, frame);
      sink += frame.number[slots[0] as number] as number;
    }
    assert(sink > 0, 'aggregates hold something');
  };
  fold();
  return [
    { name: `fold into ${name}`, operations: EVENTS, run: fold },
    { name: `read ${name}`, operations: EVENTS, run: read },
  ];
}
