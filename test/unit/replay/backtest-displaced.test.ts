/** To whom a backtest says that a decision was lost: in small histories of one customer, where it can be told by hand, and in longer ones by a count. */
import { describe, expect, test } from 'vitest';
import type { Decision } from '../../../src/protocol/decision.ts';
import { Prng } from '../../../src/stdx/prng.ts';
import { type WorkspaceFiles, workspaceOf } from '../../support/machine-fixture.ts';
import { RecordedCluster } from '../../support/recorded-cluster.ts';
import { backtest } from '../../support/run-backtest.ts';

const HOUR_MS = 3_600_000;

/** By id: what sets it off, and where it is sent. */
type Campaigns = Readonly<Record<string, string>>;

/** Each event is a campaign's own: `tea` happens, and the campaign tea is sent. */
const SENT: Campaigns = { milk: 'channels: [push]', scones: 'channels: [push]', tea: 'channels: [push]' };

function filesOf(campaigns: Campaigns, policy: string): WorkspaceFiles {
  return {
    'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [push, email]\n',
    'events.yaml': 'milk: {}\nscones: {}\ntea: {}\nnews: {}\n',
    'policy.yaml': `consent: {push: none-needed, email: none-needed}\n${policy}\n`,
    ...Object.fromEntries(
      Object.entries(campaigns).map(([id, more]) => [`campaigns/${id}.yaml`, `id: ${id}\non: ${id}\n${more}\n`]),
    ),
  };
}

const pushes = (max: number, more = ''): string =>
  `caps: [{name: pushes, channels: [push], max: ${max}, per: 1d${more}}]`;
const exclusion = (...campaigns: string[]): string =>
  `exclusions: [{name: one, campaigns: [${campaigns.join(', ')}], per: 1d}]`;

interface Case {
  readonly what: string;
  /** An hour apart. */
  readonly events: readonly string[];
  readonly before: string;
  readonly after: string;
  /** The campaign that only the world after has. */
  readonly news: string;
  /** Lost decisions by campaign: the reason, and who took the place. */
  readonly lost: Readonly<Record<string, readonly [reason: string, taker: string | null]>>;
}

const PUSH = 'channels: [push]';

const CASES: readonly Case[] = [
  {
    what: 'the new one that fills the cap',
    ...{ events: ['scones', 'news', 'tea'], before: pushes(2), after: pushes(2), news: PUSH },
    lost: { tea: ['cap', 'news'] },
  },
  {
    what: 'the new one, though another one came behind it',
    ...{ events: ['news', 'milk', 'tea'], before: pushes(2), after: pushes(2), news: PUSH },
    lost: { tea: ['cap', 'news'] },
  },
  {
    what: 'nobody: what is new went out by a channel that the cap does not count',
    ...{ events: ['scones', 'news', 'tea'], before: pushes(2), after: pushes(1), news: 'channels: [email]' },
    lost: { tea: ['cap', null] },
  },
  {
    what: 'nobody: the cap is lower, and full without the new one',
    events: ['scones', 'news', 'tea'],
    ...{ before: pushes(3), after: pushes(3, ', reserved: {max: 2, priority: 50}'), news: `${PUSH}\npriority: 90` },
    lost: { tea: ['cap', null] },
  },
  {
    what: 'nobody: one that was made before as well fills the lower cap',
    ...{ events: ['scones', 'tea', 'news'], before: pushes(2), after: pushes(1), news: PUSH },
    lost: { tea: ['cap', null] },
  },
  {
    what: 'the new one, within the gap',
    ...{ events: ['news', 'tea'], before: 'gap: {min: 2h}', after: 'gap: {min: 2h}', news: PUSH },
    lost: { tea: ['gap', 'news'] },
  },
  {
    what: 'nobody: the new one lies in the gap, and does not count for it',
    events: ['scones', 'news', 'tea'],
    ...{ before: 'gap: {min: 90m}', after: 'gap: {min: 3h, channels: [push]}', news: 'channels: [email]' },
    lost: { tea: ['gap', null] },
  },
  {
    what: 'the new one of those that exclude each other',
    events: ['scones', 'news', 'tea'],
    ...{ before: exclusion('news', 'tea'), after: exclusion('news', 'tea'), news: PUSH },
    lost: { tea: ['excluded', 'news'] },
  },
  {
    what: 'nobody: another one excludes it as well',
    ...{ events: ['scones', 'news', 'tea'], before: '', news: PUSH },
    after: 'exclusions: [{name: a, campaigns: [news, tea], per: 1d}, {name: b, campaigns: [scones, tea], per: 1d}]',
    lost: { tea: ['excluded', null] },
  },
  {
    // Nobody else would have made room for milk: news took the place of scones, which had kept milk away.
    what: 'the one that took the place, though it is there only because another was lost',
    events: ['news', 'scones', 'milk', 'tea'],
    before: `gap: {min: 2h, channels: [push]}\n${exclusion('milk', 'tea')}`,
    ...{ after: `gap: {min: 2h, channels: [push]}\n${exclusion('milk', 'tea')}`, news: PUSH },
    lost: { scones: ['gap', 'news'], tea: ['excluded', 'milk'] },
  },
];

test.each(CASES)('names $what', ({ events, before, after, news, lost }) => {
  const cluster = new RecordedCluster(1);
  cluster.publish(workspaceOf(filesOf({ ...SENT, news: `${news}\nstatus: draft` }, before)));
  for (const [i, type] of events.entries()) {
    cluster.event('ann', { type, id: `e-${i}`, data: {} });
    cluster.pass(HOUR_MS);
  }
  const report = backtest(cluster.close(), workspaceOf(filesOf({ ...SENT, news }, after)));
  const told = report.campaigns.flatMap(({ campaign, lostBy, displacedBy }) =>
    Object.keys(lostBy).map((reason) => [campaign, [reason, Object.keys(displacedBy)[0] ?? null]] as const),
  );
  expect(Object.fromEntries(told)).toEqual(lost);
});

describe('outranked in a round', () => {
  /** All at one event, the first of them ranks first. */
  const round = (pick: number, campaigns: Readonly<Record<string, string>>): WorkspaceFiles => ({
    'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [pos, push]\n',
    'policy.yaml': `consent: {pos: none-needed, push: none-needed}\narbitration: {pick: ${pick}, slots: {pos: [one, two]}}\n`,
    ...Object.fromEntries(
      Object.entries(campaigns).map(([id, more], rank) => [
        `campaigns/${id}.yaml`,
        `id: ${id}\non: receipt\npriority: ${90 - rank}\n${more === '' ? PUSH : more}\n`,
      ]),
    ),
  });
  const displaced = (before: WorkspaceFiles, after: WorkspaceFiles, partitions = 1): Record<string, object> => {
    const cluster = new RecordedCluster(partitions);
    cluster.publish(workspaceOf(before));
    for (const customer of ['ann', 'bob', 'cy', null]) {
      cluster.event(customer, { type: 'receipt', id: `r-${customer}`, data: { total: 1 } });
      cluster.deliver();
      cluster.pass(HOUR_MS);
    }
    const { campaigns } = backtest(cluster.close(), workspaceOf(after));
    const lost = campaigns.filter((each) => each.lost > 0);
    expect(lost.map(({ lost: count, lostBy }) => count === lostBy.outranked)).not.toContain(false);
    return Object.fromEntries(lost.map(({ campaign, displacedBy }) => [campaign, displacedBy]));
  };

  test.each([1, 3])('by the newcomer that pushed everybody down, over %i partitions', (partitions) => {
    const others = { milk: '', scones: '', tea: '' };
    const told = displaced(round(3, others), round(3, { news: '', ...others }), partitions);
    expect(told).toEqual({ tea: { news: 4 } });
  });

  test('by the higher one of two, and each lost decision names one', () => {
    const others = { milk: '', scones: '', tea: '' };
    const told = displaced(round(3, others), round(3, { bread: '', milk: '', cake: '', scones: '', tea: '' }));
    expect(told).toEqual({ tea: { bread: 4 }, scones: { bread: 4 } });
  });

  test('by nobody where fewer win, or others rank higher among those that won before', () => {
    const others = { milk: '', scones: '', tea: '' };
    expect(displaced(round(3, others), round(2, others))).toEqual({ tea: {} });
    expect(displaced(round(3, others), round(2, { tea: '', milk: '', scones: '' }))).toEqual({ scones: {} });
  });

  test('by one that waited before, and now wins at once', () => {
    const others = { milk: '', tea: '' };
    const told = displaced(
      round(2, { news: `${PUSH}\nwait: {for: 30d}`, ...others }),
      round(2, { news: '', ...others }),
    );
    expect(told).toEqual({ tea: { news: 4 } });
  });

  test.each([1, 3])('by one that has its place while it waits for units, over %i partitions', (partitions) => {
    const files = (more: Readonly<Record<string, string>>): WorkspaceFiles => ({
      ...round(2, { ...more, milk: `${PUSH}\nlimits: {total: 9}`, tea: '' }),
    });
    const told = displaced(files({}), files({ news: `${PUSH}\nlimits: {total: 9}` }), partitions);
    expect(told).toEqual({ tea: { news: 4 } });
  });

  test('by the newcomer that has one of the slots, not by one elsewhere', () => {
    const pos = (slots: string): string => `channels: [pos]\nslots: [${slots}]`;
    const old = { milk: pos('one, two'), tea: pos('one, two'), scones: pos('two') };
    expect(displaced(round(9, old), round(9, { news: '', bread: pos('one'), ...old }))).toEqual({ tea: { bread: 4 } });
  });
});

const CAP = { max: 2, perMs: 24 * HOUR_MS };

/** Who took the places of lost decisions, by campaign: counted from the decisions of two nodes, one of which had the workspace of the world after. */
function takers(before: readonly Decision[], after: readonly Decision[]): Record<string, Record<string, number>> {
  const keyOf = ({ customer, campaign, event }: Decision): string => `${customer} ${campaign} ${event.id}`;
  const [was, is] = [new Set(before.map(keyOf)), new Set(after.map(keyOf))];
  const counts: Record<string, Record<string, number>> = {};
  for (const lost of before.filter((decision) => !is.has(keyOf(decision)))) {
    const ms = Date.parse(lost.ts);
    const own = after.filter(({ customer }) => customer === lost.customer);
    const counted = own.filter(({ ts }) => Date.parse(ts) < ms && ms - Date.parse(ts) < CAP.perMs);
    const old = counted.filter((contact) => was.has(keyOf(contact))).length;
    const fresh = counted.filter((contact) => !was.has(keyOf(contact)));
    const isCapped = counted.length >= CAP.max;
    const taker = isCapped ? (old < CAP.max ? fresh.at(-1) : undefined) : own.find(({ ts }) => ts === lost.ts);
    const names = counts[lost.campaign] ?? {};
    if (taker !== undefined) names[taker.campaign] = (names[taker.campaign] ?? 0) + 1;
    counts[lost.campaign] = names;
  }
  return counts;
}

test.each([1, 3])('names in weeks of receipts over %i partitions whom a count of contacts names', (partitions) => {
  const files = (max: number, status: string): WorkspaceFiles => ({
    'policy.yaml': `consent: {push: opt-out}\n${pushes(max)}\narbitration: {pick: 1}\n`,
    'campaigns/news.yaml': `id: news\non: receipt\nwhen: event.total > 14.0\n${PUSH}\npriority: 30\nstatus: ${status}\n`,
    'campaigns/scones.yaml': `id: scones\non: receipt\nwhen: event.total > 8.0 && event.total < 17.0\n${PUSH}\npriority: 20\n`,
    'campaigns/tea.yaml': `id: tea\non: receipt\nwhen: event.total < 6.0\n${PUSH}\n`,
  });
  const played = (max: number, status: string): RecordedCluster => {
    const random = new Prng(partitions);
    const cluster = new RecordedCluster(partitions);
    cluster.publish(workspaceOf(files(max, status)));
    for (let i = 0; i < 300; i++) {
      cluster.pass(1 + random.below(2 * HOUR_MS));
      const data = { total: random.below(20) };
      cluster.event(`c-${random.below(6)}`, { type: 'receipt', id: `r-${i}`, data });
    }
    return cluster.close();
  };
  const [before, twin] = [played(CAP.max + 1, 'draft'), played(CAP.max, 'live')];
  const { campaigns } = backtest(before, workspaceOf(files(CAP.max, 'live')));
  const lost = campaigns.filter((each) => each.lost > 0);
  // Where the cap is lower and full without the new one, there is nobody to name.
  for (const { lostBy, displacedBy } of lost) {
    const named = Object.values(displacedBy).reduce((sum, count) => sum + count, 0) - (lostBy.outranked ?? 0);
    expect(named).toBeGreaterThan(0);
    expect(named).toBeLessThan(lostBy.cap ?? 0);
  }
  expect(Object.fromEntries(lost.map(({ campaign, displacedBy }) => [campaign, displacedBy]))).toEqual(
    takers(before.decisions, twin.decisions),
  );
});
