/** Rounds, winners that wait for units, and follow-ups, with leases and waiting rooms in the test's hands. */
import { describe, expect, test } from 'vitest';
import { Accounting, Reason } from '../../../src/machine/accounting.ts';
import { ActiveWorkspace } from '../../../src/machine/active-workspace.ts';
import { ContactFlag } from '../../../src/machine/decide/contact-flags.ts';
import { DecideStep } from '../../../src/machine/decide/decide.ts';
import type { Contacted, DecidePorts } from '../../../src/machine/decide/decide-ports.ts';
import { Effects } from '../../../src/machine/effects.ts';
import { PendingKind } from '../../../src/machine/time/pending-kind.ts';
import type { PendingEntry } from '../../../src/machine/time/pending-waits.ts';
import type { Trigger } from '../../../src/machine/time/trigger.ts';
import { createEventFrame } from '../../../src/protocol/frame.ts';
import type { EventSchema } from '../../../src/protocol/schema.ts';
import { reserveMemory } from '../../../src/state/arena.ts';
import { PartitionState } from '../../../src/state/partition-state.ts';
import type { Campaign, Offer, Policy, Workspace } from '../../../src/workspace/workspace.ts';
import { SMALL_LIMITS, type WorkspaceFiles, workspaceOf } from '../../support/machine-fixture.ts';

const NOW = Date.UTC(2010, 11, 1, 12);
const HOUR = 3_600_000;
const encoder = new TextEncoder();

interface Changes {
  readonly policy?: Partial<Policy>;
  readonly offers?: Partial<Offer>;
  readonly campaigns?: Readonly<Record<string, Partial<Campaign>>>;
}

/** One decide step over one customer, ann; everything that it hands over is kept. */
class Stage {
  readonly state = new PartitionState(reserveMemory(SMALL_LIMITS), SMALL_LIMITS);
  readonly accounting = new Accounting();
  readonly numbers = { decisionCount: 0, pendingCount: 0 };
  readonly entries: (PendingEntry & { readonly body: object })[] = [];
  readonly contacted: Contacted[] = [];
  readonly held: string[] = [];
  readonly left: number[] = [];
  readonly suppressed: [number, number][] = [];
  readonly waits: [readonly string[], number][] = [];
  readonly taken: string[] = [];
  /** Keys with a unit in hand; all others have none. */
  readonly inHand = new Set<string>();
  readonly denied = new Set<string>();
  room = true;
  readonly active: ActiveWorkspace;
  readonly step: DecideStep;
  readonly effects = new Effects();
  readonly row: number;

  constructor(files: WorkspaceFiles, changes: Changes = {}) {
    const compiled = workspaceOf({ 'policy.yaml': 'consent: {pos: none-needed, push: none-needed}', ...files });
    const workspace: Workspace = {
      ...compiled,
      policy: { ...compiled.policy, ...changes.policy },
      offers: compiled.offers.map((offer) => ({ ...offer, ...changes.offers })),
      campaigns: compiled.campaigns.map((campaign) => ({ ...campaign, ...changes.campaigns?.[campaign.id] })),
    };
    this.active = new ActiveWorkspace(workspace, this.state, this.accounting);
    this.state.configure({ attributes: workspace.attributes, aggregates: workspace.aggregates });
    this.accounting.adopt(this.active.campaigns.map(({ account }) => account));
    this.row = this.state.ensure('ann');
    const ports: DecidePorts = {
      waits: {
        enter: (kind, campaign, row, now, dueMs, trigger, body = {}) => {
          if (!this.room) return false;
          const number = ++this.numbers.pendingCount;
          const stored = { since: now, event: trigger?.stored(campaign) === null ? null : {}, ...body };
          const payload = encoder.encode(JSON.stringify(stored));
          this.entries.push({ number, row, dueMs, kind, campaign: campaign.campaignCode, payload, body });
          return true;
        },
        leave: ({ number }) => this.left.push(number),
        suppress: ({ number }, reason) => this.suppressed.push([number, reason]),
      },
      shadowWaits: null,
      leases: {
        usedUp: (keys) => keys.find((key) => this.denied.has(key)) ?? null,
        seemsUsedUp: (keys) => keys.find((key) => this.denied.has(key)) ?? null,
        inHand: (key) => (this.inHand.has(key) ? 1 : 0),
        take: (keys) => {
          if (!keys.every((key) => this.inHand.delete(key))) return false;
          this.taken.push(...keys);
          return true;
        },
        wait: (keys, waiter) => this.waits.push([keys, waiter]),
      },
      aftermath: {
        contacted: (contact) => this.contacted.push(contact),
        heldOut: ({ id }) => this.held.push(id),
      },
    };
    this.step = new DecideStep(this.state, this.active, 7, this.numbers, ports, null);
  }

  readonly trigger: Trigger = {
    eventIndex: 3,
    frame: () => {
      const frame = createEventFrame(this.active.workspace.schema.events[0] as EventSchema);
      frame.id = 'r1';
      frame.ts = NOW;
      return frame;
    },
    stored: () => '{}',
  };

  campaign(id: string): ActiveWorkspace['campaigns'][number] {
    const found = this.active.campaigns.find((campaign) => campaign.id === id);
    if (found === undefined) throw new Error(`no campaign ${id}`);
    return found;
  }

  /** A round of all campaigns; what it decided, as `campaign@channel/slot`. */
  round(now = NOW, customer = 'ann'): string[] {
    this.effects.clear();
    this.step.begin(customer === '' ? 0 : this.row, customer, now);
    for (const campaign of this.active.campaigns) this.step.add(campaign, this.trigger);
    this.step.run(this.effects);
    return this.effects.decisions.map(({ decision: { campaign, channel, slot } }) => `${campaign}@${channel}/${slot}`);
  }

  /** Suppressions of a campaign by reason. */
  reasons(id: string): object {
    return this.campaign(id).account.row('').suppressed;
  }
}

const campaign = (id: string, more = ''): WorkspaceFiles => ({
  [`campaigns/${id}.yaml`]: `{id: ${id}, on: receipt, channels: [pos, push]${more === '' ? '' : `, ${more}`}}`,
});
const OFFERS = { 'offers.yaml': 'gift: {title: Gift}' };

describe('a round', () => {
  test('asks limits before the rest, in the order total, day, offer', () => {
    const stage = new Stage(
      { ...OFFERS, ...campaign('a', 'offer: gift') },
      { offers: { budget: 9 }, campaigns: { a: { limits: { total: 5, perDay: 2 } } } },
    );
    const keys = ['total/a', `day/a/${Math.floor(NOW / 86_400_000)}`, 'offer/gift'];
    for (const key of keys) stage.inHand.add(key);
    expect(stage.round()).toEqual(['a@pos/null']);
    expect(stage.taken).toEqual(keys);
    expect(stage.contacted).toMatchObject([{ leaseKeys: keys, customer: 'ann', number: 1, expiresMs: null }]);
    stage.denied.add('offer/gift');
    stage.round();
    expect(stage.reasons('a')).toEqual({ budget: 1 });
    stage.denied.add(keys[1] as string);
    stage.round();
    expect(stage.reasons('a')).toEqual({ limit: 1, budget: 1 });
    // An anonymous event needs units as well.
    stage.round(NOW, '');
    expect(stage.reasons('a')).toEqual({ limit: 2, budget: 1 });
  });

  test('a winner without its units waits, holds its place, and is no contact', () => {
    const stage = new Stage(
      { ...campaign('a', 'priority: 9'), ...campaign('b') },
      { campaigns: { a: { limits: { total: 5, perDay: null } } } },
    );
    expect(stage.round()).toEqual([]);
    expect(stage.entries).toMatchObject([
      {
        kind: PendingKind.units,
        dueMs: Number.POSITIVE_INFINITY,
        body: { channel: 'pos', value: 0 },
      },
    ]);
    expect(stage.waits).toEqual([[['total/a'], 1]]);
    expect(stage.effects.waitingUnits).toEqual([{ eventIndex: 3, number: 1, campaign: 'a' }]);
    expect(stage.campaign('b').account.row('').outrankedBy).toEqual({ a: 1 });
    expect(stage.state.contacts.open(stage.row)).toBe(false);
    // Without room it loses, and does not stand in the way of the next.
    stage.room = false;
    expect(stage.round()).toEqual(['b@pos/null']);
    expect(stage.reasons('a')).toEqual({ full: 1 });
  });

  test('quiet hours defer to their end, once nothing else stands in the way', () => {
    const quietHours = { fromMinute: 600, toMinute: 900, channels: [0, 1], defer: true };
    const stage = new Stage({ ...campaign('a'), ...campaign('b', 'cooldown: 1d') }, { policy: { quietHours } });
    expect(stage.round()).toEqual([]);
    expect(stage.entries.map(({ kind, dueMs }) => [kind, dueMs])).toEqual([
      [PendingKind.quietHours, NOW + 3 * HOUR],
      [PendingKind.quietHours, NOW + 3 * HOUR],
    ]);
    stage.room = false;
    stage.round();
    expect(stage.reasons('a')).toEqual({ full: 1 });
    // Nobody is known: nobody to wait for.
    stage.round(NOW, '');
    expect(stage.reasons('a')).toEqual({ full: 1, quiet_hours: 1 });
  });

  test('failed contacts count for nothing', () => {
    const stage = new Stage({ ...OFFERS, ...campaign('a', 'cooldown: 1d') });
    expect(stage.round()).toEqual(['a@pos/null']);
    expect(stage.round()).toEqual([]);
    stage.state.setContactFlags(stage.row, 1, ContactFlag.delivered | ContactFlag.failed);
    expect(stage.round()).toEqual(['a@pos/null']);
    expect(stage.reasons('a')).toEqual({ cooldown: 1 });
  });

  test('the held out are told to whoever watches goals', () => {
    const files = {
      'events.yaml': 'receipt: {total: double}',
      ...campaign('a', 'goal: {event: receipt, within: 1d}'),
      ...campaign('b'),
    };
    const stage = new Stage(files, { policy: { holdout: { share: 1, categories: null } } });
    stage.round();
    stage.round(NOW, '');
    expect(stage.held).toEqual(['a']);
  });

  test('decisions expire with their offer', () => {
    const stage = new Stage({ ...OFFERS, ...campaign('a', 'offer: gift') }, { offers: { expires: { afterMs: HOUR } } });
    stage.round();
    expect(stage.effects.decisions[0]?.decision.expires).toBe('2010-12-01T13:00:00.000Z');
    expect(stage.contacted[0]?.expiresMs).toBe(NOW + HOUR);
  });

  test('two matches of one campaign at one moment are two candidates', () => {
    const stage = new Stage(campaign('a', 'cooldown: 1d'), { policy: { pick: 3 } });
    stage.step.begin(stage.row, 'ann', NOW);
    for (let i = 0; i < 2; i++) stage.step.add(stage.campaign('a'), stage.trigger);
    stage.step.run(stage.effects);
    expect(stage.effects.decisions).toHaveLength(1);
    expect(stage.reasons('a')).toEqual({ cooldown: 1 });
  });
});

describe('who waited for units', () => {
  const KEYS = ['total/a'];
  const SLOTS = { policy: { slots: [['l1', 'l2'], null, null, null], pick: 2 } };
  const files = { ...OFFERS, ...campaign('a', 'offer: gift, value: event.total'), ...campaign('b', 'priority: 5') };

  function waiting(changes: Changes = SLOTS): { stage: Stage; entry: PendingEntry } {
    const stage = new Stage(files, { ...changes, campaigns: { a: { limits: { total: 1, perDay: null } } } });
    stage.round();
    return { stage, entry: stage.entries[0] as PendingEntry };
  }

  test('is decided as it won: value, slot, units', () => {
    const { stage, entry } = waiting();
    expect(entry).toMatchObject({ body: { slot: 'l2', channel: 'pos' } });
    stage.effects.clear();
    expect(stage.step.units.resume(entry, KEYS, 'ann', NOW + 5, stage.trigger, stage.effects)).toBe(true);
    expect(stage.left).toEqual([1]);
    expect(stage.effects.decisions.map(({ decision }) => decision)).toMatchObject([
      { id: '7-2', campaign: 'a', channel: 'pos', slot: 'l2', ts: '2010-12-01T12:00:00.005Z' },
    ]);
    expect(stage.effects.settled).toEqual([{ number: 1, decision: stage.effects.decisions[0] }]);
    expect(stage.contacted.at(-1)?.leaseKeys).toEqual(KEYS);
  });

  test('takes another channel, loses, or is deferred, as it is then', () => {
    const { stage, entry } = waiting();
    stage.state.setConsent(stage.row, stage.active.channelCodes[0] as number, 2);
    stage.effects.clear();
    expect(stage.step.units.resume(entry, KEYS, 'ann', NOW, stage.trigger, stage.effects)).toBe(true);
    expect(stage.effects.decisions[0]?.decision).toMatchObject({ channel: 'push', slot: null });
    stage.state.setConsent(stage.row, stage.active.channelCodes[1] as number, 2);
    expect(stage.step.units.resume(entry, KEYS, 'ann', NOW, stage.trigger, stage.effects)).toBe(false);
    expect(stage.reasons('a')).toEqual({ consent: 1 });
    expect(stage.effects.settled.at(-1)).toEqual({ number: 1, decision: null });
  });

  test('waits on when quiet hours have come', () => {
    const quietHours = { fromMinute: 780, toMinute: 900, channels: [0, 1], defer: true };
    const { stage, entry } = waiting({ policy: { quietHours, pick: 2 } });
    expect(stage.step.units.resume(entry, KEYS, 'ann', NOW + HOUR, stage.trigger, stage.effects)).toBe(false);
    expect(stage.entries[1]).toMatchObject({ kind: PendingKind.quietHours, dueMs: NOW + 3 * HOUR });
  });

  test('is withdrawn where its event cannot be read, and denied under the key that ended', () => {
    const { stage, entry } = waiting();
    expect(stage.step.units.resume(entry, KEYS, 'ann', NOW, null, stage.effects)).toBe(false);
    stage.step.units.deny(entry, 'offer/gift', NOW, stage.effects);
    stage.step.units.deny(entry, 'day/a/14000', NOW, stage.effects);
    expect(stage.suppressed.map(([, reason]) => reason)).toEqual([Reason.withdrawn, Reason.budget, Reason.limit]);
    expect(stage.effects.settled).toHaveLength(3);
  });
});

describe('a follow-up', () => {
  const followed = { id: '7-1', value: 5, variant: 'y' };
  const files = {
    ...campaign('a', 'cooldown: 9d, variants: {x: {weight: 1}, y: {weight: 0}}'),
    'policy.yaml': 'consent: {pos: none-needed, push: none-needed}\ncaps: [{name: day, max: 2, per: 1d}]',
  };

  test('goes out beside the books, with the variant that was, and counts as a contact', () => {
    const stage = new Stage(files);
    stage.round();
    stage.effects.clear();
    const followUp = (): number =>
      stage.step.followUps.run(
        stage.campaign('a'),
        [1],
        followed,
        stage.trigger,
        stage.row,
        'ann',
        NOW + HOUR,
        stage.effects,
      );
    expect(followUp()).toBe(0);
    expect(stage.effects.decisions[0]?.decision).toMatchObject({
      id: '7-2',
      channel: 'push',
      follows: '7-1',
      value: 5,
      variant: 'y',
    });
    expect(followUp()).toBe(0);
    const row = stage.campaign('a').account.row('');
    expect(row.decided).toEqual({ pos: 1 });
    expect(row.followUps).toEqual({ decided: { push: 1 }, suppressed: { cap: 1 } });
    expect(stage.contacted.map(({ follows }) => follows)).toEqual([null, '7-1']);
  });

  test('is deferred by quiet hours: the caller asks again', () => {
    const quietHours = { fromMinute: 600, toMinute: 900, channels: [1], defer: true };
    const stage = new Stage(files, { policy: { quietHours } });
    const { effects, trigger, row, step } = stage;
    const due = step.followUps.run(stage.campaign('a'), [1], followed, trigger, row, 'ann', NOW, effects);
    expect(due).toBe(NOW + 3 * HOUR);
    expect(effects.decisions).toEqual([]);
    expect(stage.campaign('a').account.row('').followUps).toEqual({ decided: {}, suppressed: {} });
  });
});

describe('accounts', () => {
  test('name a hundred winners, and count the others together; rows restore', () => {
    const accounting = new Accounting();
    const stage = new Stage(campaign('a'));
    const { account } = stage.campaign('a');
    const { trigger } = stage;
    for (let i = 0; i < 103; i++) account.outrank([`w${i}`], trigger, NOW);
    account.outrank(['w7'], trigger, NOW);
    account.outrank([], trigger, NOW);
    account.matched = 105;
    account.skippedRuns = 2;
    const row = account.row('live');
    expect(Object.keys(row.outrankedBy)).toHaveLength(101);
    expect(row.outrankedBy).toMatchObject({ w7: 2, w99: 1, _other: 3 });
    accounting.restore([row]);
    expect(accounting.rows(() => 'live')).toEqual([row]);
    accounting.find('a')?.outrank(['w102'], trigger, NOW);
    expect(accounting.find('a')?.outrankedBy.get('_other')).toBe(4);
  });
});
