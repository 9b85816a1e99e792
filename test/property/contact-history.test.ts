/** What a customer's contacts stand in the way of, against arrays and loops over the whole history. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Accounting } from '../../src/machine/accounting.ts';
import { ActiveWorkspace } from '../../src/machine/active-workspace.ts';
import { ContactFlag } from '../../src/machine/decide/contact-flags.ts';
import { Capped, ContactHistory } from '../../src/machine/decide/contact-history.ts';
import { reserveMemory } from '../../src/state/arena.ts';
import { PartitionState } from '../../src/state/partition-state.ts';
import type { Cap, Exclusion, Workspace } from '../../src/workspace/workspace.ts';
import { SMALL_LIMITS, workspaceOf } from '../support/machine-fixture.ts';

const T = Date.UTC(2010, 11, 1);
const CHANNELS = [0, 1];
const GROUPS = ['g', 'h'];
const CATEGORIES = ['x', 'y'];
const IDS = ['a', 'b', 'c', 'd'];

const some = <Item>(items: readonly Item[]) => fc.option(fc.subarray([...items], { minLength: 1 }), { nil: null });
const perMs = fc.integer({ min: 1, max: 12 });

const cap: fc.Arbitrary<Cap> = fc.record({
  name: fc.constant('cap'),
  max: fc.integer({ min: 1, max: 3 }),
  perMs,
  channels: some(CHANNELS),
  groups: some(GROUPS),
  categories: some(CATEGORIES),
  reserved: fc.option(fc.record({ max: fc.integer({ min: 1, max: 2 }), priority: fc.integer({ min: 0, max: 3 }) }), {
    nil: null,
  }),
  isGap: fc.boolean(),
});
const exclusion: fc.Arbitrary<Exclusion> = fc.record({
  name: fc.constant('exclusion'),
  perMs,
  campaigns: fc.subarray(IDS),
  groups: fc.subarray(GROUPS),
});
const campaigns = fc.tuple(
  ...IDS.map(() =>
    fc.record({
      group: fc.constantFrom(null, ...GROUPS),
      category: fc.constantFrom(null, ...CATEGORIES),
      priority: fc.integer({ min: 0, max: 3 }),
      cooldownMs: fc.integer({ min: 0, max: 9 }),
    }),
  ),
);
const contacts = fc.array(
  fc.record({
    campaign: fc.nat({ max: IDS.length - 1 }),
    channel: fc.constantFrom(...CHANNELS),
    afterMs: fc.nat({ max: 4 }),
    failed: fc.boolean(),
  }),
  { maxLength: 12 },
);
const limits = fc.record({ max: fc.integer({ min: 1, max: 2 }), perMs: fc.option(perMs, { nil: null }) });

const base = workspaceOf({
  'offers.yaml': 'o: {title: O}\np: {title: P}',
  ...Object.fromEntries(
    IDS.map((id, i) => [
      `campaigns/${id}.yaml`,
      `{id: ${id}, on: receipt, channels: [pos, push], offer: ${i % 2 === 0 ? 'o' : 'p'}}`,
    ]),
  ),
});

/** Any contact that counts, as the rules see it. */
interface Known {
  readonly ts: number;
  readonly id: string;
  readonly channel: number;
  readonly offer: number;
  readonly group: string | null;
  readonly category: string | null;
}

const within = (names: readonly string[] | null, name: string | null): boolean =>
  names === null || (name !== null && names.includes(name));

function slowlyCapped(
  { policy, campaigns }: Workspace,
  known: readonly Known[],
  index: number,
  channel: number,
  now: number,
) {
  const { group, category, priority } = campaigns[index] as Workspace['campaigns'][number];
  const full = policy.caps.filter((rule) => {
    const counts = (on: number, itsGroup: string | null, itsCategory: string | null): boolean =>
      (rule.channels === null || rule.channels.includes(on)) &&
      within(rule.groups, itsGroup) &&
      within(rule.categories, itsCategory);
    const used = known.filter(
      (one) => now - one.ts < rule.perMs && counts(one.channel, one.group, one.category),
    ).length;
    const room = rule.max - (rule.reserved !== null && priority < rule.reserved.priority ? rule.reserved.max : 0);
    return counts(channel, group, category) && used >= room;
  });
  return full.length === 0 ? Capped.no : full.every(({ isGap }) => isGap) ? Capped.gap : Capped.cap;
}

test('caps, gaps, cooldowns, offers and exclusions are those of the whole history', () => {
  fc.assert(
    fc.property(
      fc.array(cap, { maxLength: 3 }),
      fc.array(exclusion, { maxLength: 2 }),
      campaigns,
      fc.tuple(limits, limits),
      contacts,
      fc.integer({ min: 0, max: 12 }),
      contacts,
      (caps, exclusions, made, offerLimits, history, laterMs, during) => {
        const workspace: Workspace = {
          ...base,
          policy: { ...base.policy, caps, exclusions },
          offers: base.offers.map((offer, i) => ({ ...offer, perCustomer: offerLimits[i] ?? null })),
          campaigns: base.campaigns.map((campaign, i) => ({ ...campaign, ...made[i] })),
        };
        const state = new PartitionState(reserveMemory(SMALL_LIMITS), SMALL_LIMITS);
        const active = new ActiveWorkspace(workspace, state, new Accounting());
        state.configure({ attributes: [], aggregates: [] });
        const row = state.ensure('ann');
        const asked = new ContactHistory(state, active);
        const known: Known[] = [];
        const add = (ts: number, one: (typeof history)[number], number: number): void => {
          const campaign = active.campaigns[one.campaign] as (typeof active.campaigns)[number];
          asked.open(row, ts, active.campaigns, active.campaigns.length);
          expect(asked.add(campaign, one.channel, number, -1)).toBe(true);
          if (one.failed) state.setContactFlags(row, number, ContactFlag.failed);
          const { group, category } = campaign.campaign;
          const { channel } = one;
          if (!one.failed) known.push({ ts, id: campaign.id, channel, offer: campaign.offerIndex, group, category });
        };
        let ts = T;
        history.forEach((one, i) => {
          ts += one.afterMs;
          add(ts, one, i + 1);
        });
        const now = ts + laterMs;
        asked.open(row, now, active.campaigns, active.campaigns.length);
        const check = (): void => {
          for (const campaign of active.campaigns) {
            const { id, index, cooldownMs, offerIndex } = campaign;
            for (const channel of CHANNELS)
              expect(asked.capped(campaign, channel)).toBe(slowlyCapped(workspace, known, index, channel, now));
            expect(asked.coolingDown(campaign)).toBe(known.some((one) => one.id === id && now - one.ts < cooldownMs));
            const limit = workspace.offers[offerIndex]?.perCustomer ?? null;
            const given = known.filter((one) => one.offer === offerIndex && now - one.ts < (limit?.perMs ?? Infinity));
            expect(asked.offerUsedUp(campaign)).toBe(limit !== null && given.length >= limit.max);
            const member = (rule: Exclusion, its: string, group: string | null): boolean =>
              rule.campaigns.includes(its) || (group !== null && rule.groups.includes(group));
            const excludedBy = exclusions.findIndex(
              (rule) =>
                member(rule, id, campaign.campaign.group) &&
                known.some((one) => one.id !== id && member(rule, one.id, one.group) && now - one.ts < rule.perMs),
            );
            expect(asked.excludedBy(campaign)).toBe(excludedBy);
          }
        };
        check();
        // Winners of the same round.
        during.forEach(({ campaign: place, channel }, i) => {
          const campaign = active.campaigns[place] as (typeof active.campaigns)[number];
          expect(asked.add(campaign, channel, history.length + i + 1, -1)).toBe(true);
          asked.note(campaign, channel);
          const { group, category } = campaign.campaign;
          known.push({ ts: now, id: campaign.id, channel, offer: campaign.offerIndex, group, category });
          check();
        });
      },
    ),
    { numRuns: 300 },
  );
});
