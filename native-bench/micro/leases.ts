/**
 * What a budget takes while units are in hand: the basket workload with a campaign that decides one event in ten, without limits, with its offer's budget, and with
 * every limit there is. One partition, which keeps its own budgets.
 */
import { assert } from '../../src/stdx/assert.ts';
import { measureValues } from '../measure.ts';
import type { Bench, Suite } from '../suite.ts';
import { BASKET_EVERY, basketMessages, basketWorkspace } from '../workload/baskets.ts';
import { KernelEvents, profilePayloads } from '../workload/kernel.ts';
import { machineUnder, workspaceOf } from './compiled-workspace.ts';

interface Sizes {
  readonly customers: number;
  readonly events: number;
  readonly rounds: number;
}

const FULL: Sizes = { customers: 10_000, events: 100_000, rounds: 7 };
const QUICK: Sizes = { customers: 500, events: 1000, rounds: 1 };
/** Far more than a run can use. */
const UNITS = 1_000_000_000;

const FREE = 'no limit';
const BUDGET = 'a budget of the offer';
const ALL = 'a budget, a total and a daily limit';

export const suite: Suite = {
  name: 'leases',
  about: 'decisions that take units of a budget, which are in hand, beside decisions without',
  ratios: [],
  async run(bench) {
    await compare(bench, bench.quick ? QUICK : FULL);
  },
};

async function compare(bench: Bench, { customers, events, rounds }: Sizes): Promise<void> {
  const offer = (budget: string): string => `flowers: {title: Flowers${budget}}\n`;
  const budget = offer(`, budget: ${UNITS}`);
  const workspaces = {
    [FREE]: basketWorkspace('offer: flowers\n', offer('')),
    [BUDGET]: basketWorkspace('offer: flowers\n', budget),
    [ALL]: basketWorkspace(`offer: flowers\nlimits: {total: ${UNITS}, perDay: ${UNITS}}\n`, budget),
  };
  const source = new KernelEvents(customers, 1);
  const machines = Object.entries(workspaces).map(([name, files]) => {
    const machine = machineUnder(workspaceOf(files), customers);
    for (const profiles of profilePayloads(customers, 'messagepack')) machine.send(profiles);
    return { name, machine };
  });
  let messages: readonly Uint8Array[] = [];
  const measured = await measureValues(
    machines.map(({ name, machine }) => ({ name, run: () => (events * 1e9) / machine.cpuNs(messages) })),
    {
      rounds,
      warmUps: bench.quick ? 1 : 3,
      onRound: (round) => {
        bench.progress(`round ${round + 1} of ${rounds}`);
        messages = basketMessages(source, events);
      },
    },
  );
  const counts = machines.map(({ machine }) => machine.campaign('basket'));
  for (const { matched, decided } of counts) assert(matched > 0 && decided['mail'] === matched, 'every basket decides');
  const detail = `${customers} customers, 100 rules, every ${BASKET_EVERY}th event decides for this campaign; CPU time`;
  for (const { name } of machines) bench.measurement({ name, unit: 'events/s', detail, ...measured.spread(name) });
  for (const name of [BUDGET, ALL])
    bench.ratio({ key: null, name: `${name} ÷ ${FREE}`, detail: `events/s; ${detail}`, ...measured.ratio(name, FREE) });
}
