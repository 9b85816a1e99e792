/** Random workspaces for the machine and its policy oracle: few names, few durations, small limits, so that rules meet and limits bind. */
import fc from 'fast-check';
import type { WorkspaceFiles } from '../support/machine-fixture.ts';
import {
  CHANNELS,
  type CronTimes,
  DAY,
  type Days,
  type Due,
  HOUR,
  type Meeting,
  MINUTE,
  type OracleCampaign,
  type OracleOffer,
  type OraclePolicy,
  type OracleWorkspace,
  type Until,
} from './policy-oracle-model.ts';
import { AGGREGATES } from './policy-oracle-profile.ts';
import { ALWAYS, meetingsOf, PROPENSITIES, predicatesOf, SCORES, valuesOf } from './policy-rules.ts';

export const DURATIONS: readonly number[] = [30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY];
const durations = fc.constantFrom(...DURATIONS);

const every = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
/** Among them times that summer time skips or repeats in London. */
const CRONS: readonly CronTimes[] = [
  { cron: '0 10 * * *', minutes: [0], hours: [10], daysOfMonth: null, daysOfWeek: null },
  { cron: '30 1 * * *', minutes: [30], hours: [1], daysOfMonth: null, daysOfWeek: null },
  { cron: '15 */6 * * *', minutes: [15], hours: every(0, 18, 6), daysOfMonth: null, daysOfWeek: null },
  { cron: '0,20,40 1-2 * * 0', minutes: [0, 20, 40], hours: [1, 2], daysOfMonth: null, daysOfWeek: [0] },
  { cron: '0 20 28 * tue,sun', minutes: [0], hours: [20], daysOfMonth: [28], daysOfWeek: [2, 0] },
];
const due: fc.Arbitrary<Due> = fc.record({
  times: fc.constantFrom(...CRONS),
  offsetMs: fc.constantFrom(0, 0, -3 * HOUR, 30 * MINUTE),
});
const until: fc.Arbitrary<Until> = fc.oneof(
  { weight: 4, arbitrary: durations.map((forMs) => ({ forMs })) },
  { weight: 1, arbitrary: due.map((each) => ({ due: each })) },
);

const rarely = <T>(arbitrary: fc.Arbitrary<T>, freq = 3): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: freq, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
const often = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 2, arbitrary });
const someChannels = fc.shuffledSubarray([...CHANNELS], { minLength: 1 });
const someGroup = fc.constantFrom('g1', 'g1', 'g2', null);
const someCategory = fc.constantFrom('k1', 'k1', 'k2', null);
const consent = fc.constantFrom('opt-in' as const, 'opt-out' as const, 'none-needed' as const, 'none-needed' as const);
const validity: fc.Arbitrary<Days> = fc.oneof(
  { weight: 9, arbitrary: fc.constant({ from: null, to: null }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { from: '2011-03-27', to: null },
      { from: null, to: '2011-03-27' },
      { from: '2011-10-30', to: null },
    ),
  },
);

const TYPES = ['receipt', 'receipt', 'receipt', 'receipt', 'view', 'view', '$feedback'] as const;

const meeting = (trigger: string | null, mayFail: boolean): fc.Arbitrary<Meeting> =>
  fc
    .constantFrom('receipt', 'view', '$feedback')
    .chain((event) =>
      fc.record({ event: fc.constant(event), when: fc.constantFrom(...meetingsOf(event, trigger, mayFail)) }),
    );

const waitOf = (type: string): fc.Arbitrary<OracleCampaign['wait']> =>
  fc.record({
    until,
    unless: fc.array(meeting(type, true), { maxLength: 2 }).map((list) => onePerType(list)),
    restart: fc.oneof(
      fc.constantFrom(false, true),
      fc.constantFrom(...meetingsOf(type, type, true)).map((rule) => rule ?? false),
    ),
    when: rarely(fc.constantFrom(...predicatesOf(type))),
  });

function onePerType(list: readonly Meeting[]): Meeting[] {
  return list.filter(({ event }, i) => list.findIndex((other) => other.event === event) === i);
}

const campaignOn = (id: string, on: OracleCampaign['on']): fc.Arbitrary<OracleCampaign> => {
  const type = typeof on === 'string' ? on : null;
  const none = fc.constant(null);
  return fc.record({
    id: fc.constant(id),
    on: fc.constant(on),
    when: fc.constantFrom(...predicatesOf(type)),
    value: often(fc.constantFrom(...valuesOf(type))),
    propensity: rarely(fc.oneof(fc.constantFrom(...PROPENSITIES), fc.constant('model' as const)), 1),
    weight: fc.constantFrom(1, 1, 2, 0.5),
    channels: someChannels,
    offer: often(fc.constantFrom('o1', 'o2')),
    priority: fc.integer({ min: 0, max: 2 }),
    group: someGroup,
    category: someCategory,
    slots: rarely(fc.constantFrom(['s1'], ['s2', 's1'], ['s3'])),
    cooldownMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: durations }),
    holdoutPercent: fc.constantFrom(0, 0, 0, 30, 60),
    variants: fc.constantFrom(
      [],
      [],
      [
        { name: 'x', weight: 1 },
        { name: 'y', weight: 2 },
      ],
    ),
    valid: validity,
    status: fc.constantFrom(
      'live' as const,
      'live' as const,
      'live' as const,
      'live' as const,
      'shadow' as const,
      'paused' as const,
    ),
    wait: type === null ? none : rarely(waitOf(type), 1),
    after:
      type === null
        ? none
        : rarely(
            fc.record({ events: fc.array(meeting(type, false), { minLength: 1, maxLength: 3 }), withinMs: durations }),
            4,
          ),
    cascade: often(
      fc.record({
        afterMs: durations,
        unless: fc.constantFrom('delivered' as const, 'opened' as const, 'clicked' as const),
      }),
    ),
    limits: fc.record({
      total: rarely(fc.integer({ min: 1, max: 4 })),
      perDay: rarely(fc.integer({ min: 1, max: 2 })),
    }),
    goal: rarely(
      fc.tuple(meeting(type, true), durations).map(([each, withinMs]) => ({ ...each, withinMs })),
      1,
    ),
  });
};

const campaign = (id: string): fc.Arbitrary<OracleCampaign> =>
  fc
    .oneof({ weight: 5, arbitrary: fc.constantFrom<OracleCampaign['on']>(...TYPES) }, { weight: 1, arbitrary: due })
    .chain((on) => campaignOn(id, on));

const cap = fc.record({
  max: fc.integer({ min: 1, max: 3 }),
  perMs: durations,
  channels: rarely(someChannels, 1),
  groups: rarely(fc.constantFrom(['g1'], ['g2', 'g1'])),
  categories: rarely(fc.constantFrom(['k1'], ['k2'])),
  reserved: rarely(fc.record({ max: fc.constant(1), priority: fc.constantFrom(1, 2) })),
});

const policy: fc.Arbitrary<OraclePolicy> = fc.record({
  timezone: fc.constantFrom('Europe/London', 'Europe/London', 'America/New_York'),
  latenessMs: fc.constantFrom(HOUR, 6 * HOUR, 30 * DAY),
  consent: fc.record({ pos: consent, push: consent, sms: consent, email: consent }),
  caps: fc
    .array(cap, { maxLength: 3 })
    .map((caps) => caps.map((each, i) => ({ name: `cap-${i}`, ...each })))
    .map((caps) => caps.map((each) => (each.max > 1 ? each : { ...each, reserved: null }))),
  gap: rarely(
    fc.record({
      minMs: durations,
      channels: rarely(someChannels, 1),
      categories: rarely(fc.constantFrom(['k1'], ['k1', 'k2'])),
    }),
  ),
  exclusions: rarely(
    fc.record({
      name: fc.constant('either'),
      campaigns: fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
      groups: fc.constantFrom(['g1'], []),
      perMs: durations,
    }),
    1,
  ).map((exclusion) => (exclusion === null ? [] : [exclusion])),
  holdout: fc.record({
    percent: fc.constantFrom(0, 0, 0, 20),
    categories: rarely(fc.constantFrom(['k1'], ['k2']), 1),
  }),
  quietHours: rarely(
    fc.record({
      from: fc.constantFrom('21:00', '01:30', '12:15'),
      to: fc.constantFrom('09:00', '02:30', '13:00'),
      channels: someChannels,
      defer: fc.constantFrom(true, true, false),
    }),
    1,
  ),
  pick: fc.constantFrom(1, 1, 2, 3),
  score: rarely(fc.constantFrom(...SCORES), 1),
  slots: rarely(
    fc.constantFrom<OraclePolicy['slots']>({ push: ['s1', 's2'], pos: ['s1'] }, { sms: ['s1', 's3'], push: ['s2'] }),
    1,
  ).map((slots) => slots ?? {}),
});

const offer = (id: string): fc.Arbitrary<OracleOffer> =>
  fc.record({
    id: fc.constant(id),
    perCustomer: rarely(fc.record({ max: fc.integer({ min: 1, max: 2 }), perMs: rarely(durations, 1) })),
    valid: validity,
    budget: rarely(fc.integer({ min: 1, max: 5 }), 1),
    expires: rarely(until, 1),
    returnsUnused: fc.boolean(),
  });

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];

const workspaces: fc.Arbitrary<OracleWorkspace> = fc
  .record({
    policy,
    offers: fc.tuple(offer('o1'), offer('o2')),
    model: fc.record({ table: fc.constantFrom({ FR: 0.5 }, { FR: 0.25, DE: 2 }), fallback: fc.constantFrom(1, 0.1) }),
    campaigns: fc
      .tuple(...IDS.map((id) => fc.option(campaign(id), { freq: 3 })))
      .map((all) => all.filter((each) => each !== null)),
  })
  .map(sensible);

/** What the compiler refuses is not meant. */
export function sensible(workspace: OracleWorkspace): OracleWorkspace {
  const { slots } = workspace.policy;
  const named = Object.values(slots).flat();
  const ids = workspace.campaigns.map(({ id }) => id);
  const exclusions = workspace.policy.exclusions.map((each) => ({
    ...each,
    campaigns: each.campaigns.filter((id) => ids.includes(id)),
    groups: workspace.campaigns.some(({ group }) => group === 'g1') ? each.groups : [],
  }));
  return {
    ...workspace,
    policy: {
      ...workspace.policy,
      exclusions: exclusions.filter((each) => each.campaigns.length > 0 || each.groups.length > 0),
    },
    offers: workspace.offers.map((each) => (each.expires === null ? { ...each, returnsUnused: false } : each)),
    campaigns: workspace.campaigns.map((each) => {
      const own = each.slots?.filter((slot) => each.channels.some((channel) => slots[channel]?.includes(slot))) ?? [];
      return {
        ...each,
        slots: own.length === 0 || named.length === 0 ? null : own,
        cascade: each.channels.length > 1 ? each.cascade : null,
      };
    }),
  };
}

/** A version and the next: some campaigns stay as they are, others are changed, stopped or gone. */
export const versions: fc.Arbitrary<[OracleWorkspace, OracleWorkspace]> = fc
  .tuple(
    workspaces,
    workspaces,
    fc.array(fc.constantFrom('stay', 'stay', 'change', 'pause', 'shadow', 'live'), { minLength: 6, maxLength: 6 }),
    fc.boolean(),
  )
  .map(([first, second, fates, keepPolicy]) => {
    const campaigns = IDS.flatMap((id, i) => {
      const old = first.campaigns.find((each) => each.id === id);
      const fresh = second.campaigns.find((each) => each.id === id);
      if (old === undefined || fresh === undefined || fates[i] === 'change') return fresh === undefined ? [] : [fresh];
      const status = { stay: old.status, pause: 'paused', shadow: 'shadow', live: 'live' }[
        fates[i] as string
      ] as 'live';
      return [{ ...old, status }];
    });
    return [first, sensible({ ...second, campaigns, policy: keepPolicy ? first.policy : second.policy })];
  });

/** All wait for long, so that there is no room any more. */
function patient(workspace: OracleWorkspace): OracleWorkspace {
  const campaigns = workspace.campaigns.map((each, i) => ({
    ...each,
    ...{ status: 'live' as const, on: 'receipt', when: ALWAYS, value: null, propensity: null, after: null },
    wait: { until: { forMs: i === 0 ? 6 * HOUR : 20 * DAY }, unless: [], restart: false, when: null },
  }));
  return { ...workspace, campaigns };
}

export const patientVersions: typeof versions = versions.map(([first, second]) => [patient(first), patient(second)]);

const duration = (ms: number): string => (ms % DAY === 0 ? `${ms / DAY}d` : `${ms / MINUTE}m`);
const given = (parts: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== null && value !== undefined));
const validOf = ({ from, to }: Days): object | null => (from === null && to === null ? null : given({ from, to }));
const dueParts = ({ times, offsetMs }: Due, name: string): object => ({
  [name]: times.cron,
  ...(offsetMs === 0 ? {} : { offset: `${offsetMs < 0 ? '-' : ''}${duration(Math.abs(offsetMs))}` }),
});
const meetingOf = ({ event, when }: Meeting): unknown => (when === null ? event : { event, when: when.cel });

/** The files that say the same. JSON is YAML. */
export function filesOf({ policy: rules, offers, model, campaigns }: OracleWorkspace): WorkspaceFiles {
  const files: Record<string, object> = {
    'workspace.yaml': {
      name: 'random',
      timezone: rules.timezone,
      channels: CHANNELS,
      lateness: duration(rules.latenessMs),
    },
    'events.yaml': { receipt: { total: 'double', sku: 'string' }, view: { sku: 'string' } },
    'profile.yaml': {
      attributes: { country: { type: 'string' }, timezone: { type: 'string' } },
      aggregates: Object.fromEntries(Object.entries(AGGREGATES).map(([name, { yaml }]) => [name, yaml])),
      segments: { buyer: 'profile.n >= 1' },
    },
    'models.yaml': { likes: { key: 'profile.country', table: model.table, default: model.fallback } },
    'offers.yaml': Object.fromEntries(offers.map((each) => [each.id, offerFile(each)])),
    'policy.yaml': policyFile(rules),
  };
  for (const each of campaigns) files[`campaigns/${each.id}.yaml`] = campaignFile(each);
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [name, JSON.stringify(content)]));
}

function offerFile({ id, perCustomer, valid, budget, expires, returnsUnused }: OracleOffer): object {
  return given({
    title: id,
    budget,
    perCustomer: perCustomer && given({ max: perCustomer.max, per: perCustomer.perMs && duration(perCustomer.perMs) }),
    valid: validOf(valid),
    expires: expires && ('forMs' in expires ? duration(expires.forMs) : dueParts(expires.due, 'until')),
    unused: returnsUnused ? 'return' : null,
  });
}

function policyFile(rules: OraclePolicy): object {
  const { consent: said, caps, gap, exclusions, holdout, quietHours, pick, score, slots } = rules;
  const share = `${holdout.percent}%`;
  return given({
    consent: said,
    caps: caps.map(({ perMs, ...each }) => given({ ...each, per: duration(perMs) })),
    gap: gap && given({ ...gap, minMs: null, min: duration(gap.minMs) }),
    exclusions: exclusions.map(({ name, campaigns, groups, perMs }) =>
      given({
        ...{ name, per: duration(perMs) },
        campaigns: campaigns.length === 0 ? null : campaigns,
        groups: groups.length === 0 ? null : groups,
      }),
    ),
    holdout: holdout.categories === null ? share : { share, categories: holdout.categories },
    // biome-ignore lint/suspicious/noThenProperty: the key's name in the interface
    quietHours: quietHours && given({ ...quietHours, defer: null, then: quietHours.defer ? 'defer' : 'drop' }),
    arbitration: given({ pick, score: score?.cel, slots: Object.keys(slots).length === 0 ? null : slots }),
  });
}

function campaignFile(campaign: OracleCampaign): object {
  const { id, on, when, value, propensity, weight, channels, offer: o, priority, group, category, slots } = campaign;
  const { cooldownMs, holdoutPercent, variants, valid, status, wait, after, cascade, limits, goal } = campaign;
  return given({
    ...{ id, when: when.cel, weight, channels, offer: o, priority, group, category, slots, status },
    on: typeof on === 'string' ? on : dueParts(on, 'schedule'),
    value: value?.cel,
    propensity: propensity === 'model' ? { model: 'likes' } : propensity?.cel,
    cooldown: cooldownMs === 0 ? null : duration(cooldownMs),
    holdout: `${holdoutPercent}%`,
    variants:
      variants.length === 0 ? null : Object.fromEntries(variants.map((each) => [each.name, { weight: each.weight }])),
    valid: validOf(valid),
    wait:
      wait &&
      given({
        ...('forMs' in wait.until ? { for: duration(wait.until.forMs) } : dueParts(wait.until.due, 'until')),
        unless: wait.unless.length === 0 ? null : wait.unless.map(meetingOf),
        restart: typeof wait.restart === 'boolean' ? wait.restart : wait.restart.cel,
        when: wait.when?.cel,
      }),
    after: after && { events: after.events.map(meetingOf), within: duration(after.withinMs) },
    cascade: cascade && { after: duration(cascade.afterMs), unless: cascade.unless },
    limits: limits.total === null && limits.perDay === null ? null : given(limits),
    goal: goal && given({ event: goal.event, when: goal.when?.cel, within: duration(goal.withinMs) }),
  });
}
