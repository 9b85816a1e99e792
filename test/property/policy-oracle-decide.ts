/** Arbitration as the policy oracle sees it: who of an event's candidates wins, what the others are counted as, and what a decision sets going. */
import { dayOf, nextDue } from './policy-oracle-calendar.ts';
import type { Channel, Fact, OracleCampaign, Scope, Until } from './policy-oracle-model.ts';
import {
  askedOf,
  channelsFor,
  isExpired,
  isHeldOut,
  keysOf,
  offerOf,
  quietUntil,
  standing,
  variantOf,
} from './policy-oracle-policy.ts';
import type { Asked, Contact, Entry, Unit, World } from './policy-oracle-world.ts';

/** Pending for one customer at most. */
export const ENTRIES_MAX = 64;

export interface Candidate {
  readonly campaign: OracleCampaign;
  readonly trigger: Fact;
}

export function dueOf(world: World, until: Until): number {
  return 'forMs' in until
    ? world.logTime + until.forMs
    : nextDue(until.due, world.logTime, world.workspace.policy.timezone);
}

/** What an entry keeps of its trigger: the fields that its campaign reads. */
function kept(campaign: OracleCampaign | null, trigger: Fact): Fact {
  const own = JSON.stringify([campaign?.when, campaign?.value, campaign?.wait?.when]);
  const text = own + JSON.stringify(campaign).replaceAll('event.', '');
  const named = (name: string): boolean => text.includes(`event.${name}`) || text.includes(`trigger.${name}`);
  const fields = Object.fromEntries(Object.entries(trigger.fields).filter(([name]) => named(name)));
  return { ...trigger, fields };
}

/** False: no room. */
export function enter(
  world: World,
  entry: Pick<Entry, 'kind' | 'customer' | 'campaign' | 'dueMs' | 'trigger'> & Partial<Entry>,
): boolean {
  const { isShadow = false } = entry;
  const others = world.entriesOf(entry.customer).filter((each) => each.isShadow === isShadow);
  if (others.length >= ENTRIES_MAX) return false;
  const { logTime: since } = world;
  const trigger = kept(world.ownerOf({ ...entry, isShadow }), entry.trigger);
  const number = world.entries.length + 1;
  world.entries.push({ contacts: [], arm: null, since, ...entry, isShadow, trigger, number, isOver: false });
  return true;
}

function watch(
  world: World,
  { campaign, trigger }: Candidate,
  customer: string | null,
  arm: 'treated' | 'held',
  since: number,
): void {
  const { goal, id } = campaign;
  if (goal === null || customer === null) return;
  const open = world.entriesOf(customer).some((each) => each.campaign === id && each.arm === arm);
  if (open) return;
  const dueMs = since + goal.withinMs;
  if (enter(world, { kind: 'goal', customer, campaign: id, dueMs, trigger, arm, since }))
    world.count(id, `${arm} exposed`);
}

/** Policy has been asked about it. */
interface AskedCandidate extends Candidate {
  readonly asked: Asked;
}

interface Ranked extends AskedCandidate {
  readonly value: number;
  readonly score: number;
}

/** Candidates of one customer at one moment, in the order of their campaigns: those in shadow are played through first, with all the others. */
export function decide(world: World, candidates: readonly Candidate[], customer: string | null): void {
  const live = candidates.filter(({ campaign }) => !isShadow(campaign));
  if (live.length < candidates.length) rehearse(world, candidates, live, customer);
  for (const candidate of live) {
    const { campaign } = candidate;
    if (isExpired(world, campaign) || !isHeldOut(world, campaign, customer)) continue;
    // Compared are those who would have been contacted, now or in the morning.
    const reason = laterReason(world, campaign, customer);
    if (reason === null) watch(world, candidate, customer, 'held', world.logTime);
    else if (reason === 'quiet_hours' && world.workspace.policy.quietHours?.defer === true)
      watch(world, candidate, customer, 'held', quietUntil(world, customer));
  }
  play(world, live, customer, {
    lost: (candidate, reason) => stop(world, candidate, customer, reason),
    outranked: (candidate, by) => outrank(world, candidate, customer, by),
    worthless: (campaign) => world.count(campaign.id, 'valueErrors'),
    won: (candidate, channel, slot) => win(world, candidate, customer, channel, slot),
  });
}

const isShadow = ({ status }: OracleCampaign): boolean => status === 'shadow';

/** Who of those in shadow would have won, and in whose place. Nothing else comes of it. */
function rehearse(world: World, all: readonly Candidate[], live: readonly Candidate[], customer: string | null): void {
  const winnersOf = (candidates: readonly Candidate[], counts: boolean): { won: Ranked; channel: Channel }[] => {
    const winners: { won: Ranked; channel: Channel }[] = [];
    world.rehearsed = [];
    const heard = ({ campaign }: Candidate): boolean => counts && isShadow(campaign);
    play(world, candidates, customer, {
      lost: (each, reason) => {
        if (heard(each)) stop(world, each, customer, reason);
      },
      outranked: (each, by) => {
        if (heard(each)) outrank(world, each, customer, by);
      },
      worthless: (campaign) => {
        if (counts && isShadow(campaign)) world.count(campaign.id, 'valueErrors');
      },
      won: (won, channel) => {
        winners.push({ won, channel });
        world.rehearsed.push(contactOf(world, won, customer, channel));
      },
    });
    world.rehearsed = [];
    return winners;
  };
  const together = winnersOf(all, true);
  const alone = winnersOf(live, false);
  const displaced = alone.filter(
    ({ won }) => !together.some((each) => each.won.campaign === won.campaign && each.won.trigger === won.trigger),
  );
  for (const { won, channel } of together) {
    const { campaign, trigger, asked } = won;
    if (!isShadow(campaign)) continue;
    world.suppress(campaign.id, { customer, trigger, asked }, 'shadow');
    world.count(campaign.id, `shadow decided ${channel}`);
    for (const other of displaced) world.count(campaign.id, `shadow displaced ${other.won.campaign.id}`);
    if (customer !== null) world.shadows.push(contactOf(world, won, customer, channel));
  }
}

function contactOf(
  world: World,
  { campaign, value, trigger }: Ranked,
  customer: string | null,
  channel: Channel,
): Contact {
  const { id, group, category, offer } = campaign;
  return {
    ...{ number: 0, ts: world.logTime, customer, campaign: id, group, category, offer, channel, value, trigger },
    ...{ variant: null, slot: null, expires: null, follows: null, workspace: world.version, outcomes: [] },
  };
}

/** What becomes of candidates. */
interface Play {
  readonly lost: (candidate: AskedCandidate, reason: string) => void;
  readonly outranked: (candidate: AskedCandidate, by: string | undefined) => void;
  readonly worthless: (campaign: OracleCampaign) => void;
  readonly won: (candidate: Ranked, channel: Channel, slot: string | null) => void;
}

function stop(
  world: World,
  { campaign, trigger, asked }: AskedCandidate,
  customer: string | null,
  reason: string,
): void {
  if (reason !== 'quiet_hours' || customer === null || world.workspace.policy.quietHours?.defer !== true) {
    world.suppress(campaign.id, { customer, trigger, asked }, reason);
    return;
  }
  const dueMs = quietUntil(world, customer);
  const entry = { kind: 'quiet_hours' as const, customer, campaign: campaign.id, dueMs, trigger };
  if (enter(world, { ...entry, isShadow: isShadow(campaign) }))
    world.judge(campaign.id, { customer, trigger, asked }, 'waiting');
  else world.suppress(campaign.id, { customer, trigger, asked }, 'full');
}

function outrank(
  world: World,
  { campaign, trigger, asked }: AskedCandidate,
  customer: string | null,
  by: string | undefined,
): void {
  world.suppress(campaign.id, { customer, trigger, asked }, 'outranked', by);
  if (by !== undefined) world.count(campaign.id, `outrankedBy ${by}`);
}

function play(world: World, candidates: readonly Candidate[], customer: string | null, its: Play): void {
  const ranked: Ranked[] = [];
  for (const each of candidates) {
    const { campaign, trigger } = each;
    const candidate = { ...each, asked: askedOf(world, campaign, customer) };
    const reason = firstReason(world, candidate, customer);
    if (reason !== null) its.lost(candidate, reason);
    else {
      const worth = worthOf(world, campaign, world.scope(customer, trigger), () => its.worthless(campaign));
      ranked.push({ ...candidate, ...worth });
    }
  }
  ranked.sort((a, b) => b.score - a.score || b.campaign.priority - a.campaign.priority || b.value - a.value);
  const winners: { id: string; channel: Channel; slot: string | null }[] = [];
  for (const [i, each] of ranked.entries()) {
    const { campaign, score, value } = each;
    const { pick, slots } = world.workspace.policy;
    const place = { rank: i + 1, of: ranked.length, score, value };
    if (winners.length === pick) {
      its.outranked({ ...each, asked: { ...each.asked, place } }, winners.at(-1)?.id);
      continue;
    }
    const { units } = each.asked;
    const candidate = { ...each, asked: { ...askedOf(world, campaign, customer), units, place } };
    const reason = standing(world, campaign, customer);
    const open = reason === null ? channelsFor(world, campaign, campaign.channels, customer) : reason;
    if (typeof open === 'string') {
      its.lost(candidate, open);
      continue;
    }
    const places = open.map((channel) => ({ channel, slots: slotsFor(world, campaign, channel) }));
    const taken = (channel: Channel, slot: string): string | undefined =>
      winners.find((winner) => winner.channel === channel && winner.slot === slot)?.id;
    const seat = places.find(({ channel, slots: all }) => all === null || all.some((slot) => !taken(channel, slot)));
    if (seat === undefined) {
      const first = open[0] as Channel;
      const lastSlot = slotsFor(world, campaign, first)?.at(-1);
      its.outranked(candidate, lastSlot === undefined ? undefined : taken(first, lastSlot));
      continue;
    }
    const { channel } = seat;
    const short = shortOf(world, campaign);
    if (short !== null) {
      its.lost(candidate, short);
      continue;
    }
    const slot = slots[channel] === undefined ? null : seat.slots?.find((each) => !taken(channel, each));
    winners.push({ id: campaign.id, channel, slot: slot ?? null });
    its.won(candidate, channel, slot ?? null);
  }
}

/** Those of the channel's slots that the campaign may take; null: the channel has none. */
function slotsFor(world: World, campaign: OracleCampaign, channel: Channel): readonly string[] | null {
  const slots = world.workspace.policy.slots[channel];
  if (slots === undefined) return null;
  return slots.filter((slot) => campaign.slots === null || campaign.slots.includes(slot));
}

function firstReason(world: World, candidate: Candidate, customer: string | null): string | null {
  const { campaign } = candidate;
  if (isExpired(world, campaign)) return 'expired';
  if (isHeldOut(world, campaign, customer)) return 'holdout';
  return laterReason(world, campaign, customer);
}

/** What follows validity and holdouts. */
function laterReason(world: World, campaign: OracleCampaign, customer: string | null): string | null {
  const short = shortOf(world, campaign);
  if (short !== null) return short;
  const reason = standing(world, campaign, customer);
  if (reason !== null) return reason;
  const open = channelsFor(world, campaign, campaign.channels, customer);
  return typeof open === 'string' ? open : null;
}

function worthOf(
  world: World,
  campaign: OracleCampaign,
  scope: Scope,
  worthless: () => void,
): { value: number; score: number } {
  const meanValue = (): number => (campaign.value === null ? 0 : campaign.value.mean(scope));
  const orZero = (mean: () => number): number => {
    try {
      const number = mean();
      if (Number.isFinite(number)) return number;
    } catch {
      // Counted below.
    }
    worthless();
    return 0;
  };
  const value = orZero(meanValue);
  const { score } = world.workspace.policy;
  if (score === null) return { value, score: 0 };
  const { weight, priority, propensity } = campaign;
  const propensityOf = (): number => {
    if (propensity === null) return 1;
    if (propensity !== 'model') return propensity.mean(scope);
    const { table, fallback } = world.workspace.model;
    return scope.has('country') ? (table[scope.attribute('country') as string] ?? fallback) : fallback;
  };
  return {
    value,
    score: orZero(() => {
      const parts = { weight, priority };
      return score.mean({
        ...parts,
        get value() {
          return meanValue();
        },
        get propensity() {
          return propensityOf();
        },
      });
    }),
  };
}

/** With one partition it is known at any time what is used up. */
function shortOf(world: World, campaign: OracleCampaign): string | null {
  const used = (key: string): number => world.units.filter((unit) => unit.key === key && !unit.isBack).length;
  return keysOf(world, campaign).find(({ key, limit }) => used(key) >= limit)?.reason ?? null;
}

function win(world: World, candidate: Ranked, customer: string | null, channel: Channel, slot: string | null): void {
  const { campaign, trigger, value, asked } = candidate;
  const variant = variantOf(campaign, customer ?? trigger.id ?? `0-${world.contacts.length + 1}`);
  const contact = contacted(world, campaign, { customer, channel, slot, variant, value, trigger, follows: null });
  world.count(campaign.id, `decided ${channel}`);
  world.judge(campaign.id, { customer, trigger, asked }, 'decided', { decision: contact.number });
  const keys = keysOf(world, campaign);
  for (const { key } of keys) world.units.push({ key, first: contact, holder: contact, isBack: false });
  if (customer === null) return;
  watch(world, candidate, customer, 'treated', world.logTime);
  const { expires } = contact;
  if (offerOf(world, campaign)?.returnsUnused === true && expires !== null && keys.length > 0)
    enter(world, { kind: 'expiry', customer, campaign: campaign.id, dueMs: expires, trigger, contacts: [contact] });
}

function contacted(
  world: World,
  campaign: OracleCampaign,
  its: Pick<Contact, 'customer' | 'channel' | 'slot' | 'variant' | 'value' | 'trigger' | 'follows'>,
): Contact {
  const { group, category, id, offer, cascade } = campaign;
  const expiry = offerOf(world, campaign)?.expires ?? null;
  const contact: Contact = {
    number: world.contacts.length + 1,
    ts: world.logTime,
    ...its,
    ...{ campaign: id, group, category, offer, workspace: world.version },
    expires: expiry === null ? null : dueOf(world, expiry),
    outcomes: [],
  };
  world.contacts.push(contact);
  const { customer, trigger, channel } = its;
  if (customer !== null && cascade !== null && campaign.channels.at(-1) !== channel) {
    const dueMs = world.logTime + cascade.afterMs;
    if (
      !enter(world, {
        kind: 'cascade',
        customer,
        campaign: id,
        dueMs,
        trigger,
        contacts: [contact, ...before(world, contact)],
      })
    )
      world.count(id, 'followUps suppressed full');
  }
  return contact;
}

/** The decisions that a follow-up follows, the last one first. */
function before(world: World, { follows }: Contact): Contact[] {
  const one = world.contacts.find(({ number }) => number === follows);
  return one === undefined ? [] : [one, ...before(world, one)];
}

/** The next channel after a decision that was not answered. */
export function followUp(world: World, entry: Entry): void {
  const campaign = world.live(entry.campaign);
  const last = entry.contacts[0] as Contact;
  entry.isOver = true;
  if (campaign === null) return;
  const { customer, trigger } = entry;
  const place = campaign.channels.indexOf(last.channel);
  const remaining = place < 0 ? [] : campaign.channels.slice(place + 1);
  const open = followUpChannels(world, campaign, remaining, customer);
  if (open === 'quiet_hours' && world.workspace.policy.quietHours?.defer === true) {
    enter(world, { ...entry, dueMs: quietUntil(world, customer), since: world.logTime });
    return;
  }
  if (typeof open === 'string') {
    world.count(campaign.id, `followUps suppressed ${open}`);
    giveUp(world, last);
    return;
  }
  const channel = open[0] as Channel;
  const { value, number: follows } = last;
  // The same, unless a version published meanwhile has it no more.
  const variant = campaign.variants.find(({ name }) => name === last.variant)?.name ?? null;
  const slot = slotsFor(world, campaign, channel)?.[0] ?? null;
  const contact = contacted(world, campaign, { customer, channel, slot, variant, value, trigger, follows });
  world.count(campaign.id, `followUps decided ${channel}`);
  // After a failure it takes over; otherwise both are out, and what was used stays used until both expire.
  for (const unit of world.units)
    if (unit.holder === last) unit.holder = last.outcomes.includes('failed') ? contact : null;
  for (const expiry of world.entriesOf(customer)) {
    if (expiry.kind !== 'expiry' || !expiry.contacts.includes(last)) continue;
    expiry.isOver = true;
    if (contact.expires === null) continue;
    enter(world, { ...expiry, dueMs: contact.expires, since: world.logTime, contacts: [...expiry.contacts, contact] });
  }
}

function followUpChannels(
  world: World,
  campaign: OracleCampaign,
  remaining: readonly Channel[],
  customer: string | null,
): Channel[] | string {
  if (remaining.length === 0) return 'withdrawn';
  if (isExpired(world, campaign)) return 'expired';
  return isHeldOut(world, campaign, customer) ? 'holdout' : channelsFor(world, campaign, remaining, customer);
}

/** Nothing follows this decision any more: if it failed, and was of no use to anybody, what it holds comes back. */
export function giveUp(world: World, contact: Contact): void {
  if (!contact.outcomes.includes('failed') || contact.outcomes.includes('converted')) return;
  const held = world.units.filter((unit) => unit.holder === contact);
  const some = held.map((unit) => comeBack(world, unit)).includes(true);
  for (const entry of world.entriesOf(contact.customer))
    if (some && entry.kind === 'expiry' && entry.contacts.includes(contact)) entry.isOver = true;
}

/** An offer expired unused. */
export function expire(world: World, { campaign: id, contacts: [first] }: Entry): void {
  const campaign = world.workspace.campaigns.find((each) => each.id === id);
  if (campaign === undefined || campaign.offer === null) return;
  for (const unit of world.units) if (unit.first === first) comeBack(world, unit);
}

/** False: a unit of a day that is over is of no use. */
function comeBack(world: World, unit: Unit): boolean {
  unit.holder = null;
  const today = dayOf(world.logTime, world.workspace.policy.timezone);
  if (unit.key.startsWith('day/') && !unit.key.endsWith(today)) return false;
  unit.isBack = true;
  return true;
}
