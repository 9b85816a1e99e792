/**
 * Cascades, feedback, goals and units that come back, under random histories: the same on the fast way, on the thorough
 * one, and after a snapshot in the middle; and by rules that anyone can check from the decisions and the feedback alone.
 */
import { describe, expect, it } from 'vitest';
import { share } from '../../src/machine/decide/policy.ts';
import type { MadeDecision } from '../../src/machine/effects.ts';
import type { Decision } from '../../src/protocol/decision.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { MachineFixture } from '../support/machine-fixture.ts';

const BUDGET = 6;
const CHANNELS = ['push', 'sms', 'email'];
const AFTER_MS = 2 * 3_600_000;
const EXPIRES_MS = 6 * 3_600_000;
/** Not held out of `gift`. */
const ASKING = ['ann', 'ben', 'cid', 'dot'].find((customer) => share('holdout', 'gift', customer) >= 0.2) as string;
const STRENGTH = ['delivered', 'opened', 'clicked', 'converted'];
const OUTCOMES = [...STRENGTH, 'failed'];

const FILES = {
  'workspace.yaml': `name: test\ntimezone: Europe/Berlin\nchannels: [${CHANNELS.join(', ')}]\n`,
  'events.yaml': 'receipt: {total: double}\nvisit: {page: int}\n',
  'profile.yaml': `
aggregates:
  opened: {fn: count, event: $feedback, when: event.outcome == "opened"}
  last_channel: {fn: last, event: $feedback, value: event.channel, window: 30d}
`,
  'policy.yaml': `
consent: {push: none-needed, sms: none-needed, email: opt-out}
caps: [{name: texts, max: 2, per: 1d, channels: [sms]}]
`,
  'offers.yaml': `gift: {title: A gift, budget: ${BUDGET}, expires: 6h, unused: return}\n`,
  'campaigns/gift.yaml': `
id: gift
on: visit
offer: gift
holdout: 20%
channels: [push, sms, email]
cascade: {after: 2h, unless: opened}
goal: {event: receipt, when: event.total > 20.0 && trigger.page > 2, within: 2d}
variants: {a: {weight: 1, template: t}, b: {weight: 1, template: t}}
`,
  'campaigns/thanks.yaml': `
id: thanks
on: $feedback
when: event.outcome == "converted" && profile.opened > 0
channels: [email]
goal: {event: $feedback, when: event.outcome == "clicked" && event.decision != trigger.decision, within: 1d}
`,
  'templates/t.yaml': `push: {body: "{{ event.page }}"}\nsms: {body: x}\nemail: {body: x}\n`,
};

interface TimedEvent {
  readonly ts: number;
  readonly [key: string]: unknown;
}

interface Told {
  readonly ts: number;
  readonly decision: string;
  readonly outcome: string;
  /** Decisions made before it was told. */
  readonly after: number;
}

/** One history: what was sent, what was told, what was decided. */
class History {
  readonly clock: 'event' | 'wall';
  readonly events: TimedEvent[] = [];
  readonly told: Told[] = [];
  readonly fixture: MachineFixture;

  constructor(random: Prng, clock: 'event' | 'wall') {
    this.clock = clock;
    this.fixture = MachineFixture.with(FILES, { fast: false, clock });
    let ts = Date.parse('2010-12-01T10:00:00Z');
    for (let i = 0; i < 120; i++) {
      ts += random.below(3) === 0 ? random.below(5 * 3_600_000) : random.below(60_000);
      const event = this.#event(random, ts, i);
      this.events.push(event);
      this.fixture.send([event], clock === 'wall' ? ts : undefined);
    }
  }

  #event(random: Prng, ts: number, i: number): TimedEvent {
    const { decisions } = this.fixture;
    const envelope = { id: `e${i}`, ts };
    const kind = random.below(4);
    if (kind < 2 && decisions.length > 0) {
      const { decision } = decisions[Math.max(0, decisions.length - 1 - random.below(6))] as MadeDecision;
      const outcome = OUTCOMES[random.below(3) === 0 ? 4 : random.below(OUTCOMES.length)] as string;
      // Sometimes somebody else's, or one that was never made.
      const right = random.below(12) > 0;
      const id = right ? decision.id : random.below(2) === 0 ? '0-999' : '1-1';
      const customer = right || id !== decision.id ? decision.customer : 'nobody';
      if (right) this.told.push({ ts, decision: id, outcome, after: decisions.length });
      return { ...envelope, type: '$feedback', customer, data: { decision: id, outcome } };
    }
    const customer = `c${random.below(8)}`;
    if (kind === 2) return { ...envelope, type: 'receipt', customer, data: { total: random.below(50) } };
    return { ...envelope, type: 'visit', customer, data: { page: random.below(6) } };
  }

  get decisions(): Decision[] {
    return this.fixture.decisions.map(({ decision }) => decision);
  }
}

/**
 * The same events the fast way, going on from a snapshot half-way; in messages of other sizes where log time is the
 * events' own.
 */
function playAgain({ events, clock }: History, random: Prng): MachineFixture {
  let fixture = MachineFixture.with(FILES, { clock });
  let restored = false;
  for (let at = 0; at < events.length; ) {
    const size = clock === 'wall' ? 1 : 1 + random.below(30);
    fixture.send(events.slice(at, at + size), clock === 'wall' ? events[at]?.ts : undefined);
    at += size;
    if (restored || at < events.length / 2) continue;
    fixture = fixture.clone();
    restored = true;
  }
  return fixture;
}

/** A decision and its follow-ups. */
interface Chain {
  /** The decision whose failure gives the unit back; null: none does. */
  holder: string | null;
  back: boolean;
  /** One of them converted in time. */
  used: boolean;
  expiresMs: number;
}

/** How many units of the budget are out, from the decisions and the feedback alone. */
function unitsOut({ decisions, told, fixture }: History): number {
  const now = fixture.machine.logTime;
  const chains = new Map<string, Chain>();
  const failed = new Set<string>();
  const converted = new Set<string>();
  const follow = (decision: Decision): void => {
    if (decision.campaign !== 'gift') return;
    const first: Chain = { holder: decision.id, back: false, used: false, expiresMs: 0 };
    const chain = decision.follows === null ? first : chains.get(decision.follows);
    if (chain === undefined) return;
    chain.expiresMs = Date.parse(decision.ts) + EXPIRES_MS;
    const before = decisions.find(({ id }) => id === decision.follows);
    // Before its time only a failure lets a follow-up be made: it holds the unit then. Otherwise nobody does.
    if (before !== undefined && chain.holder === before.id)
      chain.holder = Date.parse(decision.ts) - Date.parse(before.ts) < AFTER_MS ? decision.id : null;
    chains.set(decision.id, chain);
  };
  let made = 0;
  for (const { ts, decision, outcome, after } of told) {
    // Those that came before it, and what fell due with it, at an earlier time.
    while (made < after || Date.parse(decisions[made]?.ts ?? '9999') < ts) follow(decisions[made++] as Decision);
    const chain = chains.get(decision);
    if (chain !== undefined) expire(chain, ts);
    if (outcome === 'converted') {
      converted.add(decision);
      if (chain !== undefined) chain.used = true;
    }
    if (outcome !== 'failed' || failed.has(decision)) continue;
    failed.add(decision);
    // What follows at once comes next among the decisions.
    const at = decisions.findIndex(({ follows }) => follows === decision);
    if (at >= 0) continue;
    if (chain !== undefined && chain.holder === decision && !converted.has(decision)) chain.back = true;
  }
  while (made < decisions.length) follow(decisions[made++] as Decision);
  for (const chain of chains.values()) expire(chain, now);
  return new Set([...chains.values()].filter(({ back }) => !back)).size;
}

/** What is due at a time comes before the events of that time. */
function expire(chain: Chain, now: number): void {
  if (now >= chain.expiresMs && !chain.used) chain.back = true;
}

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

describe(`what follows from decisions, seed ${seed}`, () => {
  const random = new Prng(seed);
  const histories = Array.from({ length: 24 }, (_, i) => new History(random, i % 2 === 0 ? 'event' : 'wall'));

  it('is the same whatever the way, the messages and the snapshots', () => {
    for (const history of histories) {
      const again = playAgain(history, random);
      expect(again.decisions.map(({ decision }) => decision)).toEqual(history.decisions);
      expect(again.machine.campaigns()).toEqual(history.fixture.machine.campaigns());
      expect(again.machine.digest()).toBe(history.fixture.machine.digest());
    }
  });

  it('goes on to later channels only, about the same, in time, and not after an answer', () => {
    let count = 0;
    for (const { decisions, told } of histories) {
      const byId = new Map(decisions.map((decision) => [decision.id, decision]));
      for (const decision of decisions) {
        if (decision.follows === null) continue;
        count++;
        const { channel, ts, follows, ...own } = decision;
        const before = byId.get(follows) as Decision;
        expect(decisions.filter((other) => other.follows === follows)).toHaveLength(1);
        expect(CHANNELS.indexOf(channel)).toBeGreaterThan(CHANNELS.indexOf(before.channel));
        const { customer, campaign, variant, offer, value, event } = before;
        expect(own).toMatchObject({ customer, campaign, variant, offer, value, event });
        const made = Date.parse(ts);
        const heard = told.filter(({ decision: of }) => of === follows);
        // What is due at a time comes before the events of that time.
        const answers = heard.filter(
          (one) => one.ts < made && STRENGTH.indexOf(one.outcome) >= STRENGTH.indexOf('opened'),
        );
        expect(answers).toEqual([]);
        const failed = heard.some((one) => one.ts === made && one.outcome === 'failed');
        const waited = made - Date.parse(before.ts);
        if (failed) expect(waited).toBeLessThanOrEqual(AFTER_MS);
        else expect(waited).toBe(AFTER_MS);
      }
    }
    expect(count).toBeGreaterThan(20);
  });

  it('never gives out more units than there are, and says no only when all are out', () => {
    let suppressed = 0;
    for (const history of histories) {
      const row = history.fixture.machine.campaigns().find(({ id }) => id === 'gift');
      expect(unitsOut(history)).toBeLessThanOrEqual(BUDGET);
      if ((row?.suppressed['budget'] ?? 0) === 0) continue;
      suppressed++;
      // Ask once more: the answer says whether a unit is left.
      const { fixture } = history;
      const ts = fixture.machine.logTime;
      const out = unitsOut(history);
      const visit = { type: 'visit', customer: ASKING, ts, data: { page: 1 } };
      const { decisions } = fixture.send([visit], history.clock === 'wall' ? ts : undefined);
      expect(decisions).toHaveLength(out < BUDGET ? 1 : 0);
    }
    expect(suppressed).toBeGreaterThan(3);
  });

  it('counts each outcome once, and nobody meets a goal who was not watched', () => {
    for (const { fixture, told } of histories) {
      const rows = fixture.machine.campaigns();
      const counted = rows
        .flatMap(({ feedback }) => Object.values(feedback).flatMap((variants) => Object.values(variants)))
        .flatMap((outcomes) => Object.values(outcomes))
        .reduce((sum, count) => sum + count, 0);
      expect(counted).toBe(new Set(told.map(({ decision, outcome }) => decision + outcome)).size);
      for (const { goal, decided } of rows) {
        expect(goal.treated.converted).toBeLessThanOrEqual(goal.treated.exposed);
        expect(goal.held.converted).toBeLessThanOrEqual(goal.held.exposed);
        const contacts = Object.values(decided).reduce((sum, count) => sum + count, 0);
        expect(goal.treated.exposed).toBeLessThanOrEqual(contacts);
      }
    }
    const met = histories
      .flatMap(({ fixture }) => fixture.machine.campaigns())
      .filter(({ goal }) => goal.treated.converted > 0);
    expect(met.length).toBeGreaterThan(0);
  });
});
