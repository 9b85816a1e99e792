/**
 * Budgets and limits of real workspaces over several machines: every unit is decided where that many are wanted, never one more, through crashes, versions and days; and
 * the books balance.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prng } from '../../src/stdx/prng.ts';
import { MachineCluster } from '../support/machine-cluster.ts';
import type { WorkspaceFiles } from '../support/machine-fixture.ts';

interface Limits {
  readonly budget: number;
  readonly total: number;
  readonly perDay: number;
}

const DAY_MS = 86_400_000;
const CAMPAIGNS = ['both', 'coupon', 'daily', 'few'];

function filesOf({ budget, total, perDay }: Limits): WorkspaceFiles {
  return {
    'workspace.yaml': 'name: cluster\ntimezone: Europe/Berlin\nchannels: [pos, push, sms, email]\n',
    'events.yaml': 'receipt: {total: double}\n',
    'offers.yaml': `tea: {title: Tea, budget: ${budget}}\n`,
    'policy.yaml': 'consent: {pos: none-needed}\narbitration: {pick: 4}\n',
    'campaigns/both.yaml': `id: both\non: receipt\nchannels: [pos]\noffer: tea\nlimits: {total: ${total}, perDay: ${perDay}}\n`,
    'campaigns/coupon.yaml': 'id: coupon\non: receipt\nwhen: event.total > 10.0\nchannels: [pos]\noffer: tea\n',
    'campaigns/daily.yaml': `id: daily\non: receipt\nchannels: [pos]\nlimits: {perDay: ${perDay}}\n`,
    'campaigns/few.yaml': `id: few\non: receipt\nwhen: event.total > 10.0\nchannels: [pos]\nlimits: {total: ${total}}\n`,
  };
}

/** Decided less what failed. By key; days in Berlin, which is an hour ahead of UTC in the weeks of this test. */
function used(cluster: MachineCluster, failed: ReadonlyMap<string, number>): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (key: string): void => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  const dayOf = (ms: number): number => Math.floor((ms + 3_600_000) / DAY_MS);
  for (const { id, ts, campaign, offer } of cluster.decisions) {
    const day = dayOf(Date.parse(ts));
    const failedMs = failed.get(id);
    if (failedMs === undefined || dayOf(failedMs) !== day) add(`day/${campaign}/${day}`);
    if (failedMs !== undefined) continue;
    add('total/' + campaign);
    if (offer !== null) add('offer/' + offer);
  }
  return counts;
}

function limitOf(key: string, { budget, total, perDay }: Limits): number {
  if (key.startsWith('offer/')) return budget;
  const campaign = key.split('/')[1];
  if (key.startsWith('day/')) return campaign === 'both' || campaign === 'daily' ? perDay : Number.POSITIVE_INFINITY;
  return campaign === 'both' || campaign === 'few' ? total : Number.POSITIVE_INFINITY;
}

/** The same with campaigns in shadow that want the same units, and a limit of their own. */
function withShadows(files: WorkspaceFiles): WorkspaceFiles {
  return {
    ...files,
    'campaigns/ambitious.yaml':
      'id: ambitious\non: receipt\nchannels: [pos]\npriority: 9\noffer: tea\nstatus: shadow\n',
    'campaigns/bounded.yaml':
      'id: bounded\non: receipt\nchannels: [pos]\npriority: 9\noffer: tea\nlimits: {total: 3, perDay: 2}\nstatus: shadow\n',
  };
}

const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const limits = fc.record({ budget: upTo(25), total: upTo(15), perDay: upTo(12) });

test('several machines use up budgets and limits exactly', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 2, 3, 5),
      upTo(80),
      limits,
      limits,
      (seed, partitions, steps, ...versions) => {
        const random = new Prng(seed);
        const cluster = new MachineCluster(partitions, random);
        const [first, second] = versions;
        cluster.publish(filesOf(first));
        for (let p = 0; p < partitions; p++) cluster.activate(p);
        const failed = new Map<string, number>();
        // Nothing is taken back from decisions when a limit is lowered.
        let allowed: readonly Limits[] = [first];
        const somebody = (): number => random.below(partitions);
        const receipt = (): void => {
          const customer = random.below(5) === 0 ? null : `c-${random.below(40)}`;
          cluster.event(customer, { type: 'receipt', data: { total: random.below(30) } });
        };
        const fail = (): void => {
          const known = cluster.decisions.filter(({ customer, id }) => customer !== null && !failed.has(id));
          if (known.length === 0) return;
          const { id, customer } = random.pick(known);
          failed.set(id, cluster.nowMs);
          cluster.event(customer, { type: '$feedback', data: { decision: id, outcome: 'failed' } });
        };
        const ways: (() => void)[] = [
          receipt,
          receipt,
          receipt,
          () => cluster.deliver(),
          () => cluster.deliver(),
          () => {
            if (random.below(3) === 0) fail();
          },
          () => cluster.tick(somebody()),
          () => cluster.snapshot(somebody()),
          () => {
            if (random.below(2) === 0) cluster.crash(somebody());
          },
          () => cluster.pass(random.below(12) === 0 ? DAY_MS : random.below(1000)),
          () => {
            if (allowed.length > 1 || random.below(8) > 0) return;
            allowed = [first, second];
            cluster.publish(filesOf(second));
            cluster.activate(somebody());
          },
        ];
        const check = (): void => {
          for (const [key, count] of used(cluster, failed)) {
            const limit = Math.max(...allowed.map((each) => limitOf(key, each)));
            expect(count, key).toBeLessThanOrEqual(limit);
          }
        };
        for (let i = 0; i < steps; i++) {
          random.pick(ways)();
          check();
        }
        // All partitions come to the last version and to today; then everybody wants everything until nobody gets it.
        for (let p = 0; p < partitions; p++) {
          cluster.activate(p);
          cluster.tick(p);
        }
        cluster.deliverAll();
        for (let before = -1; before !== cluster.decisions.length; ) {
          before = cluster.decisions.length;
          for (let i = 0; i < 8; i++) cluster.event(`c-${i}`, { type: 'receipt', data: { total: 20 } });
          cluster.event(null, { type: 'receipt', data: { total: 20 } });
          cluster.deliverAll();
          check();
        }
        const last = allowed.at(-1) as Limits;
        const counts = used(cluster, failed);
        const isUsedUp = (key: string): boolean => (counts.get(key) ?? 0) >= limitOf(key, last);
        const today = Math.floor((cluster.nowMs + 3_600_000) / DAY_MS);
        for (const campaign of CAMPAIGNS) {
          const keys = [`total/${campaign}`, `day/${campaign}/${today}`];
          if (campaign === 'both' || campaign === 'coupon') keys.push('offer/tea');
          expect(keys.some(isUsedUp), campaign).toBe(true);
          const { matched, decided, suppressed, waiting } = cluster.counts(campaign);
          expect(waiting).toBe(0);
          expect(matched).toBe(decided + Object.values(suppressed).reduce((a, b) => a + b, 0));
          expect(decided).toBe(cluster.decisions.filter((decision) => decision.campaign === campaign).length);
          expect(Object.keys(suppressed).filter((reason) => reason !== 'limit' && reason !== 'budget')).toEqual([]);
        }
        expect(cluster.deadLetters).toBe(0);
        for (let p = 0; p < partitions; p++) cluster.crash(p);
      },
    ),
    {
      numRuns: 60,
      // A unit comes back between a waiter's refusal and the moment that it is told.
      examples: [[2147483633, 2, 50, { budget: 2, total: 2, perDay: 8 }, { budget: 0, total: 0, perDay: 0 }]],
    },
  );
});

test('campaigns in shadow take no units, and ask for none', () => {
  let shadows = 0;
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 2, 3, 5),
      upTo(60),
      limits,
      limits,
      (seed, partitions, steps, ...two) => {
        const play = (filesFor: (each: Limits) => WorkspaceFiles): MachineCluster => {
          const random = new Prng(seed);
          const cluster = new MachineCluster(partitions, random);
          cluster.publish(filesFor(two[0]));
          for (let p = 0; p < partitions; p++) cluster.activate(p);
          for (let i = 0; i < steps; i++) {
            const customer = random.below(5) === 0 ? null : `c-${random.below(20)}`;
            cluster.event(customer, { type: 'receipt', data: { total: random.below(30) } });
            if (random.below(3) === 0) cluster.deliver();
            if (random.below(10) === 0) cluster.crash(random.below(partitions));
            if (i === 30) cluster.publish(filesFor(two[1]));
            if (i >= 30) cluster.activate(i % partitions);
            cluster.pass(random.below(20) === 0 ? DAY_MS : random.below(1000));
          }
          cluster.deliverAll();
          return cluster;
        };
        const without = play(filesOf);
        const beside = play((each) => withShadows(filesOf(each)));
        expect(beside.decisions).toEqual(without.decisions);
        for (const campaign of CAMPAIGNS) expect(beside.counts(campaign)).toEqual(without.counts(campaign));
        for (let from = 0; from < partitions; from++)
          for (let to = 0; to < partitions; to++)
            expect(beside.machine(from).sentTo(to)).toBe(without.machine(from).sentTo(to));
        for (const campaign of ['ambitious', 'bounded']) {
          const { decided, suppressed } = beside.counts(campaign);
          expect(decided).toBe(0);
          shadows += suppressed['shadow'] ?? 0;
        }
      },
    ),
    { numRuns: 60 },
  );
  expect(shadows).toBeGreaterThan(0);
});
