/**
 * Random workspaces and histories for the machine and its oracle, small enough that rules, limits and customers meet
 * often.
 */
import fc from 'fast-check';
import type { WorkspaceFiles } from '../support/machine-fixture.ts';
import {
  CHANNELS,
  type Expression,
  type OracleCampaign,
  type OracleEvent,
  type OracleWorkspace,
} from './machine-oracle.ts';
import { AGGREGATES, DAY, HOUR } from './machine-oracle-aggregates.ts';

function total(event: OracleEvent): number {
  if (typeof event.total !== 'number') throw new Error('absent');
  return event.total;
}

const PREDICATES: readonly Expression<boolean>[] = [
  { cel: 'true', mean: () => true },
  { cel: 'event.total > 50.0', mean: (event) => total(event) > 50 },
  { cel: "event.store == 'A'", mean: (event) => present(event.store) === 'A' },
  { cel: "event.store in ['B', 'C']", mean: (event) => ['B', 'C'].includes(present(event.store)) },
  { cel: 'profile.n >= 2', mean: (_, profile) => profile.aggregate('n') >= 2 },
  {
    cel: 'profile.n_1d >= 2 && profile.big_n >= 1',
    mean: (_, profile) => profile.aggregate('n_1d') >= 2 && profile.aggregate('big_n') >= 1,
  },
  { cel: "profile.country == 'FR'", mean: (_, profile) => profile.attribute('country') === 'FR' },
  {
    cel: "has(profile.country) && profile.country != 'FR'",
    mean: (_, profile) => profile.has('country') && profile.attribute('country') !== 'FR',
  },
  { cel: 'segment.big', mean: (_, profile) => profile.aggregate('spend_7d') >= 100 },
  {
    cel: '!segment.big && profile.mean_6h < 60.0',
    mean: (_, profile) => !(profile.aggregate('spend_7d') >= 100) && profile.aggregate('mean_6h') < 60,
  },
  {
    cel: 'profile.last_total == event.total',
    mean: (event, profile) => profile.aggregate('last_total') === total(event),
  },
  {
    cel: 'profile.stores >= 2 || profile.stores_1d == 1',
    mean: (_, profile) => profile.aggregate('stores') >= 2 || profile.aggregate('stores_1d') === 1,
  },
  {
    cel: 'profile.highest - profile.lowest_6h < 30.0',
    mean: (_, profile) => profile.aggregate('highest') - profile.aggregate('lowest_6h') < 30,
  },
];

const VALUES: readonly Expression<number>[] = [
  { cel: 'event.total * 0.5', mean: (event) => total(event) * 0.5 },
  { cel: 'profile.n', mean: (_, profile) => profile.aggregate('n') },
  { cel: 'profile.first_total', mean: (_, profile) => profile.aggregate('first_total') },
  { cel: '7', mean: () => 7 },
];

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('absent');
  return value;
}

const someChannels = fc.shuffledSubarray([...CHANNELS], { minLength: 1 });
const durations = fc.constantFrom(HOUR, 6 * HOUR, DAY, 7 * DAY);
const consent = fc.constantFrom('opt-in' as const, 'opt-out' as const, 'none-needed' as const, 'none-needed' as const);
const validity = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ from: null, to: null }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { from: '2011-03-27', to: null },
      { from: null, to: '2011-03-27' },
      { from: '2011-03-27', to: '2011-03-28' },
    ),
  },
);

const campaign = (id: string): fc.Arbitrary<OracleCampaign> =>
  fc.record({
    id: fc.constant(id),
    on: fc.constantFrom('receipt', 'receipt', 'receipt', 'refund'),
    when: fc.constantFrom(...PREDICATES),
    value: fc.option(fc.constantFrom(...VALUES)),
    channels: someChannels,
    offer: fc.option(fc.constantFrom('o1', 'o2')),
    priority: fc.integer({ min: 0, max: 2 }),
    cooldownMs: fc.oneof(fc.constant(0), durations),
    holdoutPercent: fc.constantFrom(0, 0, 30, 100),
    variants: fc.constantFrom(
      [],
      [],
      [
        { name: 'x', weight: 1 },
        { name: 'y', weight: 2 },
      ],
      [
        { name: 'p', weight: 0 },
        { name: 'q', weight: 5 },
      ],
    ),
    valid: validity,
    status: fc.constantFrom(
      'live' as const,
      'live' as const,
      'live' as const,
      'live' as const,
      'paused' as const,
      'draft' as const,
    ),
  });

export const workspaces: fc.Arbitrary<OracleWorkspace> = fc.record({
  policy: fc.record({
    timezone: fc.constant('Europe/London'),
    latenessMs: fc.constantFrom(HOUR / 2, HOUR, DAY),
    consent: fc.record({ pos: consent, push: consent, sms: consent, email: consent }),
    caps: fc
      .array(fc.record({ max: fc.integer({ min: 1, max: 3 }), perMs: durations, channels: fc.option(someChannels) }), {
        maxLength: 3,
      })
      .map((caps) => caps.map((cap, i) => ({ name: `cap-${i}`, ...cap }))),
    quietHours: fc.option(
      fc.record({
        from: fc.constantFrom('21:00', '01:30', '12:15'),
        to: fc.constantFrom('09:00', '02:30', '13:00'),
        channels: someChannels,
      }),
    ),
    pick: fc.constantFrom(1, 1, 2, 3),
  }),
  offers: fc
    .record({
      o1: fc.record({
        perCustomer: fc.option(fc.record({ max: fc.integer({ min: 1, max: 2 }), perMs: fc.option(durations) })),
        valid: validity,
      }),
      o2: fc.record({
        perCustomer: fc.option(fc.record({ max: fc.constant(1), perMs: fc.option(durations) })),
        valid: validity,
      }),
    })
    .map((offers) => Object.entries(offers).map(([id, offer]) => ({ id, ...offer }))),
  campaigns: fc
    .tuple(...['a', 'b', 'c', 'd', 'e', 'f'].map((id) => fc.option(campaign(id), { freq: 3 })))
    .map((campaigns) => campaigns.filter((each) => each !== null)),
});

const duration = (ms: number): string => (ms % DAY === 0 ? `${ms / DAY}d` : `${ms / 60_000}m`);

function validOf({ from, to }: { readonly from: string | null; readonly to: string | null }): object {
  if (from === null && to === null) return {};
  return { valid: { ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) } };
}

/** The files that say the same. JSON is YAML. */
export function filesOf({ policy, offers, campaigns }: OracleWorkspace): WorkspaceFiles {
  const files: Record<string, object> = {
    'workspace.yaml': {
      name: 'random',
      timezone: policy.timezone,
      channels: CHANNELS,
      lateness: duration(policy.latenessMs),
    },
    'events.yaml': { receipt: { total: 'double', store: 'string' }, refund: { total: 'double', store: 'string' } },
    'profile.yaml': {
      attributes: { country: { type: 'string' }, timezone: { type: 'string' } },
      aggregates: Object.fromEntries(Object.entries(AGGREGATES).map(([name, { yaml }]) => [name, yaml])),
      segments: { big: 'profile.spend_7d >= 100.0' },
    },
    'offers.yaml': Object.fromEntries(
      offers.map(({ id, perCustomer, valid }) => {
        const limit =
          perCustomer === null
            ? {}
            : {
                perCustomer: {
                  max: perCustomer.max,
                  ...(perCustomer.perMs === null ? {} : { per: duration(perCustomer.perMs) }),
                },
              };
        return [id, { title: id, ...limit, ...validOf(valid) }];
      }),
    ),
    'policy.yaml': {
      consent: policy.consent,
      caps: policy.caps.map(({ name, max, perMs, channels }) => ({
        name,
        max,
        per: duration(perMs),
        ...(channels === null ? {} : { channels }),
      })),
      // biome-ignore lint/suspicious/noThenProperty: the key's name in the interface
      ...(policy.quietHours === null ? {} : { quietHours: { ...policy.quietHours, then: 'drop' } }),
      arbitration: { pick: policy.pick },
    },
  };
  for (const {
    id,
    on,
    when,
    value,
    channels,
    offer,
    priority,
    cooldownMs,
    holdoutPercent,
    variants,
    valid,
    status,
  } of campaigns) {
    files[`campaigns/${id}.yaml`] = {
      ...{ id, on, when: when.cel, channels, priority, holdout: `${holdoutPercent}%`, status, ...validOf(valid) },
      ...(value === null ? {} : { value: value.cel }),
      ...(offer === null ? {} : { offer }),
      ...(cooldownMs === 0 ? {} : { cooldown: duration(cooldownMs) }),
      ...(variants.length === 0
        ? {}
        : { variants: Object.fromEntries(variants.map(({ name, weight }) => [name, { weight }])) }),
    };
  }
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [name, JSON.stringify(content)]));
}

/** 26 March 2011, 20:00 UTC: hours before summer time begins in London. */
const START = Date.UTC(2011, 2, 26, 20);
/** Steps between events: mostly minutes, sometimes exactly a limit's length, or a millisecond beside it. */
const steps = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: HOUR }) },
  { weight: 2, arbitrary: fc.constantFrom(0, HOUR, 6 * HOUR, DAY, HOUR - 1, DAY - 1) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 * DAY }) },
);
const lateness = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.constantFrom(HOUR / 2, HOUR / 2 + 1, HOUR, HOUR + 1, DAY, -HOUR, -HOUR - 1) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 * DAY }) },
);

const customer = fc.constantFrom('ann', 'ann', 'bob', 'cat', null);
const purchase = fc.record({
  type: fc.constantFrom('receipt', 'receipt', 'receipt', 'refund'),
  // Quarters: their sums are exact in whichever order.
  total: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 400 }).map((n) => n / 4) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, '1,5') },
  ),
  store: fc.constantFrom('A', 'B', 'C', undefined),
});
const setting = fc.oneof(
  fc.record({
    type: fc.constant('$profile'),
    data: fc.record(
      {
        country: fc.constantFrom('FR', 'DE', null, 5),
        timezone: fc.constantFrom('Asia/Tokyo', 'America/New_York', 'Nowhere/Land', null),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({
    type: fc.constant('$consent'),
    data: fc.record({
      channel: fc.constantFrom(...CHANNELS, 'fax'),
      state: fc.constantFrom('granted', 'granted', 'denied'),
    }),
  }),
);
const unknown = fc.record({ type: fc.constant('visit') });

const drafts = fc.record({
  customer,
  step: steps,
  late: lateness,
  dated: fc.constantFrom(true, true, true, false),
  what: fc.oneof(
    { weight: 12, arbitrary: purchase },
    { weight: 3, arbitrary: setting },
    { weight: 1, arbitrary: unknown },
  ),
  /** How many events before this one is repeated, 0: none. Such an event keeps its id and may have other data. */
  repeats: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) }),
  named: fc.constantFrom(true, true, false),
});

export interface HistoryEntry {
  readonly event: OracleEvent;
  /** The record's own time. */
  readonly arrives: number;
}

/** Events in the order of the log. The first has a date, so that the event clock has a time from then on. */
export const histories: fc.Arbitrary<HistoryEntry[]> = fc
  .array(drafts, { minLength: 1, maxLength: 60, size: 'max' })
  .map((list) => {
    const entries: HistoryEntry[] = [];
    let now = START;
    for (const [i, draft] of list.entries()) {
      now += draft.step;
      const original = draft.repeats > 0 ? entries[i - draft.repeats]?.event : undefined;
      const dated = draft.dated || i === 0;
      const event: OracleEvent = {
        ...(draft.what as object),
        type: original?.type ?? draft.what.type,
        customer: original === undefined ? draft.customer : original.customer,
        id: original === undefined ? (draft.named ? `e${i}` : null) : original.id,
        ts: dated ? now - draft.late : null,
      };
      entries.push({ event, arrives: now });
    }
    return entries;
  });

/** What a producer would send. */
export function wireOf({ type, customer: id, id: eventId, ts, total: amount, store, data }: OracleEvent): object {
  return {
    type,
    ...(id === null ? {} : { customer: id }),
    ...(eventId === null ? {} : { id: eventId }),
    ...(ts === null ? {} : { ts }),
    data: data ?? { total: amount, store },
  };
}
