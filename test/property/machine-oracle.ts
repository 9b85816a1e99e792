/**
 * The machine's dumb twin: the interface's rules over arrays of everything that ever happened, recomputed from scratch
 * for each event, with the platform's dates and zones. It shares no code with src (types of decisions aside) and is
 * meant to be read against INTERFACE, sentence by sentence.
 */

import { AGGREGATES, HOUR, type Observation, sum } from './machine-oracle-aggregates.ts';

export type Channel = 'pos' | 'push' | 'sms' | 'email';
export const CHANNELS: readonly Channel[] = ['pos', 'push', 'sms', 'email'];

/** A predicate or value as CEL, and what it means. Throwing is CEL's error. */
export interface Expression<T> {
  readonly cel: string;
  readonly mean: (event: OracleEvent, profile: OracleProfile) => T;
}

export interface OracleCap {
  readonly name: string;
  readonly max: number;
  readonly perMs: number;
  readonly channels: readonly Channel[] | null;
}

/** Days of the workspace's zone, both ends included. */
export interface OracleDays {
  readonly from: string | null;
  readonly to: string | null;
}

export interface OracleOffer {
  readonly id: string;
  readonly perCustomer: { readonly max: number; readonly perMs: number | null } | null;
  readonly valid: OracleDays;
}

export interface OracleCampaign {
  readonly id: string;
  readonly on: string;
  readonly when: Expression<boolean>;
  readonly value: Expression<number> | null;
  readonly channels: readonly Channel[];
  readonly offer: string | null;
  readonly priority: number;
  readonly cooldownMs: number;
  readonly holdoutPercent: number;
  readonly variants: readonly { readonly name: string; readonly weight: number }[];
  readonly valid: OracleDays;
  readonly status: 'live' | 'paused' | 'draft';
}

export interface OraclePolicy {
  readonly timezone: string;
  readonly latenessMs: number;
  readonly consent: Readonly<Record<Channel, 'opt-in' | 'opt-out' | 'none-needed'>>;
  readonly caps: readonly OracleCap[];
  readonly quietHours: { readonly from: string; readonly to: string; readonly channels: readonly Channel[] } | null;
  readonly pick: number;
}

export interface OracleWorkspace {
  readonly policy: OraclePolicy;
  readonly offers: readonly OracleOffer[];
  readonly campaigns: readonly OracleCampaign[];
}

export interface OracleEvent {
  readonly type: string;
  readonly customer: string | null;
  readonly id: string | null;
  readonly ts: number | null;
  readonly total?: number | string;
  readonly store?: string;
  /** $profile and $consent. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface OracleProfile {
  readonly now: number;
  /** Throws when absent. */
  attribute(name: string): unknown;
  has(name: string): boolean;
  aggregate(name: string): number;
}

export interface OracleDecision {
  readonly ts: number;
  readonly customer: string | null;
  readonly campaign: string;
  readonly variant: string | null;
  readonly offer: string | null;
  readonly channel: string;
  readonly value: number;
  readonly eventId: string | null;
  readonly workspace: number;
}

interface Customer {
  readonly observations: Observation[];
  readonly attributes: Map<string, unknown>;
  readonly consent: Map<string, string>;
  readonly contacts: { ts: number; campaign: string; channel: string; offer: string | null }[];
}

export class Oracle {
  readonly decisions: OracleDecision[] = [];
  /** `campaign matched`, `campaign reason`, `campaign channel`, `campaign errors`, … → how often. */
  readonly counts = new Map<string, number>();
  readonly customers = new Map<string, Customer>();
  readonly #clock: 'wall' | 'event';
  readonly #seen = new Set<string>();
  #workspace: OracleWorkspace | null = null;
  #version = 0;
  logTime = 0;
  repeated = 0;
  rejected: string[] = [];

  constructor(clock: 'wall' | 'event') {
    this.#clock = clock;
  }

  publish(workspace: OracleWorkspace): void {
    this.#workspace = workspace;
    this.#version++;
  }

  time(recordTs: number): void {
    if (this.#clock === 'wall') this.logTime = Math.max(this.logTime, recordTs);
  }

  apply(event: OracleEvent, recordTs: number): void {
    const key = JSON.stringify([event.customer, event.type, event.id]);
    if (event.id !== null && this.#seen.has(key)) {
      this.repeated++;
      return;
    }
    const reason = this.#reject(event, recordTs);
    if (reason !== null) {
      this.rejected.push(reason);
      return;
    }
    if (event.id !== null) this.#seen.add(key);
    if (this.#clock === 'event') this.logTime = Math.max(this.logTime, event.ts ?? 0);
    const customer = this.#customer(event.customer);
    if (event.type === '$profile') this.#setProfile(customer, event);
    else if (event.type === '$consent')
      customer.consent.set(event.data?.['channel'] as string, event.data?.['state'] as string);
    else this.#decide(event, customer);
  }

  profileOf(id: string): OracleProfile {
    return this.#profile(this.#customer(id));
  }

  #reject(event: OracleEvent, recordTs: number): string | null {
    if (!['receipt', 'refund', '$profile', '$consent'].includes(event.type)) return 'unknown_type';
    if (event.type.startsWith('$') && event.customer === null) return 'missing_field';
    if (this.#clock === 'event' && event.ts !== null && event.ts > this.logTime && event.ts > recordTs + HOUR)
      return 'future';
    if (!event.type.startsWith('$') && typeof event.total === 'string') return 'field_type';
    if (event.type === '$consent' && event.data?.['channel'] === undefined) return 'missing_field';
    if (event.type === '$consent' && !CHANNELS.includes(event.data?.['channel'] as Channel)) return 'field_type';
    if (event.type === '$profile' && typeof event.data?.['country'] === 'number') return 'field_type';
    return null;
  }

  #customer(id: string | null): Customer {
    const known = id === null ? undefined : this.customers.get(id);
    if (known !== undefined) return known;
    const customer: Customer = { observations: [], attributes: new Map(), consent: new Map(), contacts: [] };
    if (id !== null) this.customers.set(id, customer);
    return customer;
  }

  #setProfile(customer: Customer, event: OracleEvent): void {
    for (const [name, value] of Object.entries(event.data ?? {})) {
      if (value === null) customer.attributes.delete(name);
      else customer.attributes.set(name, value);
    }
  }

  #decide(event: OracleEvent, customer: Customer): void {
    const workspace = this.#workspace as OracleWorkspace;
    const now = this.logTime;
    const ts = Math.min(event.ts ?? now, now);
    customer.observations.push({
      type: event.type,
      ts,
      total: typeof event.total === 'number' ? event.total : null,
      store: event.store ?? null,
    });
    const profile = this.#profile(customer);
    const matching = workspace.campaigns.filter(
      (campaign) => campaign.status === 'live' && campaign.on === event.type && this.#matches(campaign, event, profile),
    );
    for (const campaign of matching) this.#count(campaign.id, 'matched');
    const late = now - ts > workspace.policy.latenessMs;
    const anonymous = event.customer === null;
    const candidates: { campaign: OracleCampaign; value: number }[] = [];
    for (const campaign of matching) {
      const reason = late
        ? 'late'
        : (this.#standing(campaign, event.customer) ?? this.#channel(campaign, customer, anonymous).reason);
      if (reason !== null) this.#count(campaign.id, reason);
      else candidates.push({ campaign, value: this.#value(campaign, event, profile) });
    }
    candidates.sort(
      (a, b) =>
        b.campaign.priority - a.campaign.priority || b.value - a.value || (a.campaign.id < b.campaign.id ? -1 : 1),
    );
    let winners = 0;
    for (const { campaign, value } of candidates) {
      const { reason, channel } = this.#channel(campaign, customer, anonymous);
      if (winners === workspace.policy.pick) this.#count(campaign.id, 'outranked');
      else if (reason !== null) this.#count(campaign.id, reason);
      else {
        winners++;
        this.#count(campaign.id, channel);
        if (!anonymous) customer.contacts.push({ ts: now, campaign: campaign.id, channel, offer: campaign.offer });
        this.decisions.push({
          ts: now,
          customer: event.customer,
          campaign: campaign.id,
          variant: variantOf(campaign, event.customer ?? event.id ?? `0-${this.decisions.length + 1}`),
          offer: campaign.offer,
          channel,
          value,
          eventId: event.id,
          workspace: this.#version,
        });
      }
    }
  }

  #matches(campaign: OracleCampaign, event: OracleEvent, profile: OracleProfile): boolean {
    try {
      return campaign.when.mean(event, profile);
    } catch {
      this.#count(campaign.id, 'errors');
      return false;
    }
  }

  #value(campaign: OracleCampaign, event: OracleEvent, profile: OracleProfile): number {
    try {
      return campaign.value === null ? 0 : campaign.value.mean(event, profile);
    } catch {
      this.#count(campaign.id, 'valueErrors');
      return 0;
    }
  }

  #standing(campaign: OracleCampaign, customer: string | null): string | null {
    const offer = this.#offer(campaign);
    const { timezone } = (this.#workspace as OracleWorkspace).policy;
    const offered = offer === null || isValid(offer.valid, this.logTime, timezone);
    if (!offered || !isValid(campaign.valid, this.logTime, timezone)) return 'expired';
    if (customer !== null && hashed('holdout', campaign.id, customer) < campaign.holdoutPercent / 100) return 'holdout';
    return null;
  }

  #channel(
    campaign: OracleCampaign,
    customer: Customer,
    anonymous: boolean,
  ): { reason: string; channel: '' } | { reason: null; channel: string } {
    const { policy } = this.#workspace as OracleWorkspace;
    const now = this.logTime;
    const limit = this.#offer(campaign)?.perCustomer ?? null;
    if (!anonymous && limit !== null) {
      const given = customer.contacts.filter(
        (contact) => contact.offer === campaign.offer && (limit.perMs === null || now - contact.ts < limit.perMs),
      );
      if (given.length >= limit.max) return { reason: 'offer', channel: '' };
    }
    if (
      !anonymous &&
      customer.contacts.some((contact) => contact.campaign === campaign.id && now - contact.ts < campaign.cooldownMs)
    )
      return { reason: 'cooldown', channel: '' };
    const reached: string[] = [];
    for (const channel of campaign.channels) {
      const rule = policy.consent[channel];
      const said = customer.consent.get(channel);
      const allowed = rule === 'opt-in' ? said === 'granted' : said !== 'denied';
      const capped = policy.caps.some((cap) => {
        const counts = (name: string): boolean => cap.channels === null || cap.channels.includes(name as Channel);
        return (
          counts(channel) &&
          customer.contacts.filter((contact) => counts(contact.channel) && now - contact.ts < cap.perMs).length >=
            cap.max
        );
      });
      if (!allowed) reached.push('consent');
      else if (this.#isQuiet(channel, customer)) reached.push('quiet_hours');
      else if (!anonymous && capped) reached.push('cap');
      else return { reason: null, channel };
    }
    const reason = ['cap', 'quiet_hours', 'consent'].find((step) => reached.includes(step)) as string;
    return { reason, channel: '' };
  }

  #isQuiet(channel: Channel, customer: Customer): boolean {
    const { quietHours, timezone } = (this.#workspace as OracleWorkspace).policy;
    if (quietHours === null || !quietHours.channels.includes(channel)) return false;
    const local =
      localTime(this.logTime, customer.attributes.get('timezone') as string | undefined) ??
      (localTime(this.logTime, timezone) as string);
    const { from, to } = quietHours;
    return from <= to ? from <= local && local < to : from <= local || local < to;
  }

  #offer(campaign: OracleCampaign): OracleOffer | null {
    return (this.#workspace as OracleWorkspace).offers.find(({ id }) => id === campaign.offer) ?? null;
  }

  #profile(customer: Customer): OracleProfile {
    const now = this.logTime;
    return {
      now,
      has: (name) => customer.attributes.has(name),
      attribute: (name) => {
        if (!customer.attributes.has(name)) throw new Error('absent');
        return customer.attributes.get(name);
      },
      aggregate: (name) => AGGREGATES[name as keyof typeof AGGREGATES].mean(customer.observations, now),
    };
  }

  #count(campaign: string, what: string): void {
    const key = `${campaign} ${what}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}

function isValid({ from, to }: OracleDays, now: number, timeZone: string): boolean {
  // Canadians write their dates as ISO 8601 does.
  const day = new Intl.DateTimeFormat('en-CA', { timeZone }).format(now);
  return (from === null || from <= day) && (to === null || day <= to);
}

/** HH:MM:SS in a zone; null for a zone that there is not. */
function localTime(ms: number, timeZone: string | undefined): string | null {
  if (timeZone === undefined) return null;
  try {
    return new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    }).format(ms);
  } catch {
    return null;
  }
}

function variantOf(campaign: OracleCampaign, customer: string): string | null {
  const total = sum(campaign.variants.map(({ weight }) => weight));
  const u = hashed('variant', campaign.id, customer);
  let cumulative = 0;
  for (const { name, weight } of campaign.variants) {
    cumulative += weight;
    if (cumulative / total > u) return name;
  }
  return null;
}

/** u(salt) with 64-bit integers and the platform's UTF-8. */
function hashed(salt: string, campaign: string, customer: string): number {
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
