/**
 * What one event costs the machine, in CPU time, over customers and over rules: one partition in this process, messages of 50 events of plain MessagePack, as a shard
 * applies them. Nothing is read or written.
 */
import { BeckonKernel } from '../ceiling/beckon-kernel.ts';
import { collectGarbage, spreadOf } from '../measure.ts';
import type { Bench, Spread } from '../suite.ts';
import { KernelEvents, kernelRules, profilePayloads } from '../workload/kernel.ts';

const EVENTS_PER_MESSAGE = 50;
const ROUNDS = 3;
const RULES_OF_CUSTOMERS = 100;
const CUSTOMERS_OF_RULES = 100_000;

interface Sizes {
  readonly customers: readonly number[];
  readonly rules: readonly number[];
  readonly customersOfRules: number;
  readonly events: number;
}

const FULL: Sizes = {
  customers: [100_000, 300_000, 1_000_000],
  rules: [1, 10, 100, 1000, 10_000],
  customersOfRules: CUSTOMERS_OF_RULES,
  events: 100_000,
};
const QUICK: Sizes = { customers: [1000, 3000], rules: [1, 10], customersOfRules: 1000, events: 2000 };

interface Point {
  readonly x: number;
  readonly ns: Spread;
}

export function measureCosts(bench: Bench): void {
  const sizes = bench.quick ? QUICK : FULL;
  const overCustomers = sizes.customers.map((customers) => {
    bench.progress(`cost per event, ${customers} customers`);
    return { x: customers, ns: costs(customers, [RULES_OF_CUSTOMERS], sizes.events)[0] as Spread };
  });
  report(bench, 'customers', `${RULES_OF_CUSTOMERS} rules`, overCustomers);
  bench.progress(`cost per event, ${sizes.rules.join(', ')} rules`);
  const byRules = costs(sizes.customersOfRules, sizes.rules, sizes.events);
  const overRules = sizes.rules.map((x, i) => ({ x, ns: byRules[i] as Spread }));
  report(bench, 'rules', `${sizes.customersOfRules} customers`, overRules);
}

/** CPU nanoseconds per event under each number of rules, one after another on the same customers. */
function costs(customers: number, rules: readonly number[], events: number): Spread[] {
  const kernel = new BeckonKernel(customers);
  const source = new KernelEvents(customers, 4);
  return rules.map((count, i) => {
    kernel.publish(kernelRules(count));
    if (i === 0) kernel.apply([...profilePayloads(customers, 'messagepack')]);
    const rounds: number[] = [];
    // The first teaches the compiler the version's predicates.
    for (let round = -1; round < ROUNDS; round++) {
      const messages = Array.from({ length: events / EVENTS_PER_MESSAGE }, () => source.batch('messagepack'));
      collectGarbage();
      const { cpuNs } = kernel.apply(messages);
      if (round >= 0) rounds.push(cpuNs / events);
    }
    return spreadOf(rounds);
  });
}

function report(bench: Bench, over: 'customers' | 'rules', others: string, points: readonly Point[]): void {
  for (const { x, ns } of points) {
    bench.measurement({
      name: `machine, ${x.toLocaleString('en')} ${over}`,
      unit: 'ns/event',
      detail: `CPU time of Machine.apply, ${others}, one partition, messages of ${EVENTS_PER_MESSAGE} events`,
      ...ns,
    });
  }
  bench.series({
    chart: `CPU time per event over ${over}`,
    name: 'Machine.apply',
    xLabel: over,
    yLabel: 'ns per event',
    logX: true,
    logY: false,
    points: points.map(({ x, ns }) => ({ x, y: ns.median })),
  });
}
