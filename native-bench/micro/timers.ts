/**
 * What waits and schedules take: a workload in which one event in ten begins a wait against the same without waits, and the pieces one by one. All under the event
 * clock, where what is due fires between events.
 */
import { assert } from '../../src/stdx/assert.ts';
import { measureValues, type Side } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { BASKET_EVERY, basketMessages, basketWorkspace } from '../workload/baskets.ts';
import { customerId, EVENT_EVERY_MS, EVENTS_PER_BATCH, KernelEvents, profilePayloads } from '../workload/kernel.ts';
import { machineUnder, workspaceOf } from './compiled-workspace.ts';
import { timerCases } from './timer-cases.ts';

interface Sizes {
  readonly customers: number;
  readonly events: number;
  readonly rounds: number;
}

const FULL: Sizes = { customers: 10_000, events: 100_000, rounds: 7 };
const QUICK: Sizes = { customers: 500, events: 1000, rounds: 1 };

/** Of the waits, the share that no receipt of their customer cancels; of the side without waits, the share of baskets that is decided at once. */
const FIRING = 0.115;

export const suite: Suite = {
  name: 'timers',
  about: 'waits that begin, are cancelled and fire, beside the same events without; a schedule, per customer',
  ratios: [],
  async run(bench) {
    await compare(bench, bench.quick ? QUICK : FULL);
    await measurePieces(bench);
  },
};

async function compare(bench: Bench, { customers, events, rounds }: Sizes): Promise<void> {
  const receiptEveryMs = (EVENT_EVERY_MS * customers * BASKET_EVERY) / (BASKET_EVERY - 1);
  const waitSeconds = Math.round((-Math.log(FIRING) * receiptEveryMs) / 1000);
  const workspaces = {
    'with waits': basketWorkspace(`wait: {for: ${waitSeconds}s, unless: [receipt]}\n`),
    'without waits': basketWorkspace(`when: event.total > ${(500 * (1 - FIRING)).toFixed(1)}\n`),
  };
  const source = new KernelEvents(customers, 1);
  const machines = Object.entries(workspaces).map(([name, files]) => {
    const machine = machineUnder(workspaceOf(files), customers);
    for (const profiles of profilePayloads(customers, 'messagepack')) machine.send(profiles);
    return { name, machine };
  });
  let messages: readonly Uint8Array[] = [];
  const sides: Side[] = machines.map(({ name, machine }) => ({
    name,
    run: () => (events * 1e9) / machine.cpuNs(messages),
  }));
  // The first rounds fill the partition with waits, too.
  const onRound = (round: number): void => {
    bench.progress(`round ${round + 1} of ${rounds}`);
    messages = basketMessages(source, events);
  };
  const measured = await measureValues(sides, { rounds, warmUps: bench.quick ? 1 : 4, onRound });
  const [waiting, plain] = machines.map(({ machine }) => machine.campaign('basket'));
  assert(waiting !== undefined && plain !== undefined, 'two sides');
  const { cancelled = 0 } = waiting.suppressed;
  assert(cancelled > 0 && (waiting.decided['mail'] ?? 0) > 0, 'some waits were cancelled, some fired');
  const share = (count: number): string => ((100 * count) / waiting.matched).toFixed(1);
  const detail =
    `${customers} customers, 100 rules, every ${BASKET_EVERY}th event begins a wait of ${waitSeconds} s; ${share(cancelled)} % of them were cancelled by a receipt, ` +
    `${share(waiting.decided['mail'] ?? 0)} % decided, ${share(waiting.waiting)} % are waiting; without waits ${share(plain.decided['mail'] ?? 0)} % of these events decide at once; CPU time`;
  for (const { name } of sides) bench.measurement({ name, unit: 'events/s', detail, ...measured.spread(name) });
  bench.ratio({
    key: null,
    name: 'with waits ÷ without',
    detail: `events/s; ${detail}`,
    ...measured.ratio('with waits', 'without waits'),
  });
}

async function measurePieces(bench: Bench): Promise<void> {
  const cases = timerCases(bench.quick);
  const rounds = bench.quick ? 1 : 5;
  const measured = await measureValues(
    cases.map(({ name, prepare, machine, operations }) => {
      let messages: readonly Uint8Array[] = [];
      return {
        name,
        prepare: () => {
          messages = prepare();
        },
        run: () => machine.cpuNs(messages) / operations,
      };
    }),
    { rounds, warmUps: bench.quick ? 0 : 2, onRound: (round) => bench.progress(`pieces, ${round + 1} of ${rounds}`) },
  );
  for (const { name, detail } of cases) bench.measurement({ name, unit: 'ns', detail, ...measured.spread(name) });
  bench.note(
    `Messages of ${EVENTS_PER_BATCH} events without ids. A wait keeps its event as JSON; customers are ${customerId(0)} and so on.`,
  );
}
