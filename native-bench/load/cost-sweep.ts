/**
 * What one event costs the machine, in CPU time, over customers and over rules: partitions of a million customers at most in this process, which take turns as those
 * of a shard do, messages of 50 events of plain MessagePack. Nothing is read or written.
 */
import { BeckonKernel } from '../ceiling/beckon-kernel.ts';
import { collectGarbage, spreadOf } from '../measure.ts';
import type { Bench, Spread } from '../suite.ts';
import { KernelEvents, kernelRules, profilePayloads } from '../workload/kernel.ts';

const EVENTS_PER_MESSAGE = 50;
const ROUNDS = 3;
const CUSTOMERS_PER_PARTITION = 1_000_000;
/** Messages that one partition takes before the next has its turn. */
const MESSAGES_PER_TURN = 10;
const RULES_OF_CUSTOMERS = 100;
const CUSTOMERS_OF_RULES = 100_000;

interface Sizes {
  readonly customers: readonly number[];
  readonly rules: readonly number[];
  readonly customersOfRules: number;
  readonly events: number;
}

const FULL: Sizes = {
  customers: [100_000, 1_000_000, 10_000_000],
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
  const count = Math.ceil(customers / CUSTOMERS_PER_PARTITION);
  const each = customers / count;
  const partitions = Array.from({ length: count }, (_, i) => ({
    kernel: new BeckonKernel(each),
    source: new KernelEvents(each, 4 + i),
  }));
  return rules.map((ruleCount, i) => {
    for (const { kernel } of partitions) {
      kernel.publish(kernelRules(ruleCount));
      if (i === 0) kernel.apply([...profilePayloads(each, 'messagepack')]);
    }
    const rounds: number[] = [];
    // The first teaches the compiler the version's predicates.
    for (let round = -1; round < ROUNDS; round++) {
      const turns = Array.from({ length: events / EVENTS_PER_MESSAGE / MESSAGES_PER_TURN }, (_, turn) => {
        const { kernel, source } = partitions[turn % count] as (typeof partitions)[number];
        return { kernel, messages: Array.from({ length: MESSAGES_PER_TURN }, () => source.batch('messagepack')) };
      });
      collectGarbage();
      let cpuNs = 0;
      for (const { kernel, messages } of turns) cpuNs += kernel.apply(messages).cpuNs;
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
      detail: `CPU time of Machine.apply, ${others}, a partition per million customers, messages of ${EVENTS_PER_MESSAGE} events`,
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
