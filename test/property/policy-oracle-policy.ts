/** What the policy oracle asks before anybody is contacted, each question by a loop over every contact that ever was. */
import { dayOf, endOfQuiet, isValid, isWithin, wallClock } from './policy-oracle-calendar.ts';
import {
  CHANNELS,
  type Channel,
  type OracleCampaign,
  type OracleCap,
  type OracleOffer,
} from './policy-oracle-model.ts';
import type { Asked, Contact, World } from './policy-oracle-world.ts';

export function offerOf(world: World, campaign: OracleCampaign): OracleOffer | null {
  return world.workspace.offers.find(({ id }) => id === campaign.offer) ?? null;
}

export function isExpired(world: World, campaign: OracleCampaign): boolean {
  const { timezone } = world.workspace.policy;
  const offer = offerOf(world, campaign);
  const valid = (days: OracleOffer['valid']): boolean => isValid(days, world.logTime, timezone);
  return !valid(campaign.valid) || (offer !== null && !valid(offer.valid));
}

export function isHeldOut(world: World, campaign: OracleCampaign, customer: string | null): boolean {
  if (customer === null) return false;
  const { percent, categories } = world.workspace.policy.holdout;
  const meant = categories === null || (campaign.category !== null && categories.includes(campaign.category));
  if (meant && hashed('holdout', '', customer) < percent / 100) return true;
  return hashed('holdout', campaign.id, customer) < campaign.holdoutPercent / 100;
}

/** Total, day, offer: in the order in which units are taken. */
export function keysOf(world: World, campaign: OracleCampaign): { key: string; limit: number; reason: string }[] {
  const { total, perDay } = campaign.limits;
  const offer = offerOf(world, campaign);
  const keys: { key: string; limit: number; reason: string }[] = [];
  if (total !== null) keys.push({ key: `total/${campaign.id}`, limit: total, reason: 'limit' });
  const today = dayOf(world.logTime, world.workspace.policy.timezone);
  if (perDay !== null) keys.push({ key: `day/${campaign.id}/${today}`, limit: perDay, reason: 'limit' });
  if (offer !== null && offer.budget !== null)
    keys.push({ key: `offer/${offer.id}`, limit: offer.budget, reason: 'budget' });
  return keys;
}

/** Contacts that count for this campaign: those whose delivery failed do not, and what is in shadow counts for others in shadow only. */
function contactsOf(
  world: World,
  campaign: OracleCampaign,
  customer: string | null,
  withinMs: number | null,
): Contact[] {
  const shadows = campaign.status === 'shadow' ? world.shadows : [];
  return [...world.contacts, ...shadows, ...world.rehearsed].filter(
    (contact) =>
      contact.customer === customer &&
      !contact.outcomes.includes('failed') &&
      (withinMs === null || world.logTime - contact.ts < withinMs),
  );
}

/** What stands against a known customer whichever the channel: steps 4 to 6. */
export function standing(world: World, campaign: OracleCampaign, customer: string | null): string | null {
  if (customer === null) return null;
  const limit = offerOf(world, campaign)?.perCustomer ?? null;
  if (limit !== null) {
    const given = contactsOf(world, campaign, customer, limit.perMs).filter(({ offer }) => offer === campaign.offer);
    if (given.length >= limit.max) return 'offer';
  }
  if (contactsOf(world, campaign, customer, campaign.cooldownMs).some((contact) => contact.campaign === campaign.id))
    return 'cooldown';
  for (const { campaigns, groups, perMs } of world.workspace.policy.exclusions) {
    const member = (id: string, group: string | null): boolean =>
      campaigns.includes(id) || (group !== null && groups.includes(group));
    const others = contactsOf(world, campaign, customer, perMs).filter((contact) => contact.campaign !== campaign.id);
    if (member(campaign.id, campaign.group) && others.some((contact) => member(contact.campaign, contact.group)))
      return 'excluded';
  }
  return null;
}

/** Whether a cap is about such contacts. */
export function countsFor(
  cap: Pick<OracleCap, 'channels' | 'groups' | 'categories'>,
  its: Pick<Contact, 'channel' | 'group' | 'category'>,
): boolean {
  return (
    (cap.channels === null || cap.channels.includes(its.channel)) &&
    (cap.groups === null || (its.group !== null && cap.groups.includes(its.group))) &&
    (cap.categories === null || (its.category !== null && cap.categories.includes(its.category)))
  );
}

/** Why this channel will not do; null: it will. */
export function stopOf(
  world: World,
  campaign: OracleCampaign,
  channel: Channel,
  customer: string | null,
): 'consent' | 'quiet_hours' | 'gap' | 'cap' | null {
  const { policy } = world.workspace;
  const said = world.saidLast(customer, 'consent', channel);
  if (policy.consent[channel] === 'opt-in' ? said !== 'granted' : said === 'denied') return 'consent';
  if (isQuiet(world, channel, customer)) return 'quiet_hours';
  if (customer === null) return null;
  const full = (cap: Omit<(typeof policy.caps)[number], 'name'>): boolean => {
    if (!countsFor(cap, { channel, group: campaign.group, category: campaign.category })) return false;
    const used = contactsOf(world, campaign, customer, cap.perMs).filter((its) => countsFor(cap, its)).length;
    const { reserved } = cap;
    return (
      used >= cap.max || (reserved !== null && campaign.priority < reserved.priority && used >= cap.max - reserved.max)
    );
  };
  if (policy.caps.some(full)) return 'cap';
  const { gap } = policy;
  return gap !== null && full({ ...gap, max: 1, perMs: gap.minMs, groups: null, reserved: null }) ? 'gap' : null;
}

/** The channels that will do, in order; or the reason of the one that came furthest. */
export function channelsFor(
  world: World,
  campaign: OracleCampaign,
  channels: readonly Channel[],
  customer: string | null,
): Channel[] | string {
  const stops = channels.map((channel) => stopOf(world, campaign, channel, customer));
  const open = channels.filter((_, i) => stops[i] === null);
  if (open.length > 0) return open;
  const last = stops.filter((stop) => stop === 'cap' || stop === 'gap').at(-1);
  return last ?? (stops.includes('quiet_hours') ? 'quiet_hours' : 'consent');
}

function zoneOf(world: World, customer: string | null): string {
  const own = world.saidLast(customer, 'attribute', 'timezone') as string | undefined;
  return own !== undefined && wallClock(0, own) !== null ? own : world.workspace.policy.timezone;
}

function isQuiet(world: World, channel: Channel, customer: string | null): boolean {
  const { quietHours } = world.workspace.policy;
  if (quietHours === null || !quietHours.channels.includes(channel)) return false;
  return isWithin(quietHours.from, quietHours.to, world.logTime, zoneOf(world, customer));
}

/** When quiet hours end for someone who is in them. */
export function quietUntil(world: World, customer: string | null): number {
  const { quietHours } = world.workspace.policy;
  if (quietHours === null) throw new Error('there are none');
  return endOfQuiet(quietHours.from, quietHours.to, world.logTime, zoneOf(world, customer));
}

export function variantOf(campaign: OracleCampaign, customer: string): string | null {
  const total = campaign.variants.reduce((sum, { weight }) => sum + weight, 0);
  const u = hashed('variant', campaign.id, customer);
  let cumulative = 0;
  for (const { name, weight } of campaign.variants) {
    cumulative += weight;
    if (cumulative / total > u) return name;
  }
  return null;
}

/** All that policy looks at now, kept beside what becomes of the match. */
export function askedOf(world: World, campaign: OracleCampaign, customer: string | null): Asked {
  const used = (key: string): number => world.units.filter((unit) => unit.key === key && !unit.isBack).length;
  return {
    campaign,
    timezone: zoneOf(world, customer),
    consent: new Map(CHANNELS.map((channel) => [channel, world.saidLast(customer, 'consent', channel)])),
    contacts: contactsOf(world, campaign, customer, null).sort((a, b) => a.ts - b.ts),
    units: keysOf(world, campaign).map((each) => ({ ...each, used: used(each.key) })),
    place: null,
  };
}

/** u(salt) with 64-bit integers and the platform's UTF-8. */
export function hashed(salt: string, campaign: string, customer: string): number {
  const mask = 0xffff_ffffn;
  let hash = 0x811c_9dc5n;
  for (const byte of new TextEncoder().encode(`${salt}:${campaign}:${customer}`))
    hash = ((hash ^ BigInt(byte)) * 0x0100_0193n) & mask;
  hash ^= hash >> 16n;
  hash = (hash * 0x85eb_ca6bn) & mask;
  hash ^= hash >> 13n;
  hash = (hash * 0xc2b2_ae35n) & mask;
  hash ^= hash >> 16n;
  return Number(hash) / 2 ** 32;
}
