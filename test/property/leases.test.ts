/**
 * Units of budgets and limits over a network of partitions: random demand, delays, repeated deliveries, crashes, units that come back, limits that change. Never one unit
 * too many, and none left over while somebody wants it.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { baseOf, dayKey, offerKey, totalKey } from '../../src/machine/leases/lease-key.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { type LeaseCampaign, LeaseNetwork } from '../support/lease-network.ts';

const A: LeaseCampaign = { id: 'a', offer: 'x' };
const B: LeaseCampaign = { id: 'b', offer: 'x' };
const C: LeaseCampaign = { id: 'c', offer: 'y' };
const D: LeaseCampaign = { id: 'd', offer: null };
const CAMPAIGNS = [A, B, C, D];
const BASES = ['total/a', 'day/a', 'total/b', 'offer/x', 'day/c', 'offer/y', 'total/d'];

function someLimits(random: Prng, max: number): Map<string, number> {
  return new Map(BASES.filter(() => random.below(5) > 0).map((base) => [base, random.below(max + 1)]));
}

function limited(network: LeaseNetwork, id: string, offer: string | null): boolean {
  const limits = network.node(0).terms?.limits;
  return ['total/' + id, 'day/' + id, 'offer/' + offer].some((base) => limits?.has(base));
}

/** All partitions want units of everything until nobody gets any. */
function flood(network: LeaseNetwork): void {
  for (let before = -1; before !== network.count('decided'); ) {
    before = network.count('decided');
    for (const campaign of CAMPAIGNS.filter(({ id, offer }) => limited(network, id, offer)))
      for (let p = 0; p < network.partitions; p++) {
        network.demand(p, campaign);
        network.demand(p, campaign);
      }
    network.deliverAll();
    expect(network.waiting).toBe(0);
  }
}

const seeds = fc.integer();
const partitionCounts = fc.constantFrom(1, 2, 3, 5, 8);

test('one budget: exactly all units are decided where that many are wanted, and no more', () => {
  fc.assert(
    fc.property(
      seeds,
      partitionCounts,
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 90 }),
      (...drawn) => {
        const [seed, partitions, limit, wanted] = drawn;
        const random = new Prng(seed);
        const network = new LeaseNetwork(partitions, random);
        network.publish(new Map([['offer/x', limit]]));
        for (let p = 0; p < partitions; p++) network.activate(p);
        for (let i = 0; i < wanted; i++) {
          network.demand(random.below(partitions), A);
          while (random.below(3) > 0) network.deliver();
          network.check();
          if (random.below(10) === 0) network.snapshot(random.below(partitions));
          if (random.below(10) === 0) network.crash(random.below(partitions));
        }
        network.deliverAll();
        network.check();
        expect(network.waiting).toBe(0);
        expect(network.count('decided')).toBe(Math.min(limit, wanted));
        expect(network.count('denied')).toBe(wanted - Math.min(limit, wanted));
        // Every ask that finds nothing may call everybody back, but somebody waits then, and ends by it.
        expect(network.messages).toBeLessThanOrEqual((2 * partitions + 4) * (wanted + partitions));
      },
    ),
    { numRuns: 400 },
  );
});

test('several limits together, units that come back, versions, days, crashes', () => {
  fc.assert(
    fc.property(
      seeds,
      partitionCounts,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 150 }),
      (...drawn) => {
        const [seed, partitions, limitMax, steps] = drawn;
        const random = new Prng(seed);
        const network = new LeaseNetwork(partitions, random);
        network.publish(someLimits(random, limitMax));
        // Versions reach the partitions one by one, in between everything else.
        const somebody = (): number => random.below(partitions);
        for (let p = 0; p < partitions; p++) if (p === 0 || random.below(2) === 0) network.activate(p);
        const ways: (() => void)[] = [
          () => network.deliver(),
          () => network.deliver(),
          () => network.deliver(),
          () => network.demand(somebody(), random.pick(CAMPAIGNS), random.below(5) === 0),
          () => network.demand(somebody(), random.pick(CAMPAIGNS), random.below(5) === 0),
          () => network.demand(0, random.pick(CAMPAIGNS)),
          () => network.giveBack(somebody()),
          () => network.withdraw(somebody()),
          () => network.activate(somebody()),
          () => network.snapshot(somebody()),
          () => network.crash(somebody()),
          () => {
            if (random.below(6) === 0) network.publish(someLimits(random, limitMax));
          },
          () => {
            if (random.below(4) === 0) network.nextDay(somebody());
          },
        ];
        for (let i = 0; i < steps; i++) {
          random.pick(ways)();
          network.check();
        }
        for (let p = 0; p < partitions; p++) while (network.activate(p));
        network.deliverAll();
        expect(network.waiting).toBe(0);
        network.check();
        const days = Array.from({ length: partitions }, (_, p) => network.node(p).day);
        for (let p = 0; p < partitions; p++) while (network.node(p).day < Math.max(...days)) network.nextDay(p);
        flood(network);
        network.check();
        // No campaign could have been decided once more.
        const limits = network.node(0).terms?.limits as ReadonlyMap<string, number>;
        for (const { id, offer } of CAMPAIGNS) {
          const keys: [string, string][] = [
            [totalKey(id), totalKey(id)],
            ['day/' + id, dayKey(id, Math.max(...days))],
            ['offer/' + offer, offerKey(offer ?? '')],
          ];
          const limited = keys.filter(([base]) => limits.has(base));
          if (limited.length === 0) continue;
          expect(
            limited.some(([base, key]) => (network.used.get(key) ?? 0) >= (limits.get(base) as number)),
            `${id}: ${JSON.stringify(limited.map(([base, key]) => [key, network.used.get(key), limits.get(base)]))}`,
          ).toBe(true);
        }
      },
    ),
    { numRuns: 250 },
  );
});

test('nobody is denied while a unit is left, however many keys, versions and delays there are', () => {
  fc.assert(
    fc.property(
      seeds,
      partitionCounts,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 0, max: 250 }),
      (...drawn) => {
        const [seed, partitions, limitMax, steps] = drawn;
        const random = new Prng(seed);
        const network = new LeaseNetwork(partitions, random);
        network.denialsAreFinal = true;
        // The first version limits fewer things, and lower.
        const second = someLimits(random, limitMax);
        network.publish(
          new Map(
            [...second].flatMap(([base, limit]) => (random.below(3) === 0 ? [] : [[base, random.below(limit + 1)]])),
          ),
        );
        for (let p = 0; p < partitions; p++) network.activate(p);
        network.publish(second);
        const somebody = (): number => random.below(partitions);
        const demand = (): void => network.demand(somebody(), random.pick(CAMPAIGNS), random.below(5) === 0);
        const hurry = random.below(4);
        const ways: (() => void)[] = [
          ...Array.from({ length: 1 + hurry }, () => () => void network.deliver()),
          demand,
          demand,
          () => network.withdraw(somebody()),
          () => {
            if (random.below(4) === 0) network.activate(somebody());
          },
          () => network.snapshot(somebody()),
          () => network.crash(somebody()),
        ];
        for (let i = 0; i < steps; i++) random.pick(ways)();
        for (let p = 0; p < partitions; p++) while (network.activate(p));
        network.deliverAll();
        network.check();
        expect(network.waiting).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

test('a limit that was lowered holds from the moment every partition has read of it', () => {
  fc.assert(
    fc.property(
      seeds,
      partitionCounts,
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 60 }),
      (...drawn) => {
        const [seed, partitions, limitMax, steps] = drawn;
        const random = new Prng(seed);
        const network = new LeaseNetwork(partitions, random);
        const first = new Map(BASES.map((base) => [base, random.below(limitMax + 1)]));
        network.publish(first);
        for (let p = 0; p < partitions; p++) network.activate(p);
        const somebody = (): number => random.below(partitions);
        const demand = (): void => network.demand(somebody(), random.pick(CAMPAIGNS));
        for (let i = 0; i < steps; i++) random.pick([demand, demand, () => network.deliver()])();
        const second = new Map([...first].map(([base, limit]) => [base, random.below(limit + 1)]));
        network.publish(second);
        for (let p = 0; p < partitions; p++) network.activate(p);
        // What was decided, or set aside for decisions, stays.
        const settled = new Map(network.keys().map((key) => [key, network.usedOrAside(key)]));
        for (let i = 0; i < 3 * steps; i++) random.pick([demand, () => network.deliver()])();
        network.deliverAll();
        network.check();
        for (const [key, used] of network.used)
          expect(used, key).toBeLessThanOrEqual(Math.max(settled.get(key) ?? 0, second.get(baseOf(key)) as number));
      },
    ),
    { numRuns: 400 },
  );
});
