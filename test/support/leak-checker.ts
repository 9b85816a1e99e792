/**
 * Looks for leaks in what was decided: an auditor's view, over decisions and the customers' own words, by nothing but what is promised. Shares no code with src.
 *
 * Times are log times. What was said (consent, feedback) is taken to hold from the log time at which the engine accepted it on, so a history whose log times are not
 * known exactly must leave a margin: `said` entries may give an interval, in which either is right.
 */

export interface AuditedDecision {
  readonly id: string;
  readonly ts: string;
  readonly customer: string | null;
  readonly campaign: string;
  readonly offer: string | null;
  readonly channel: string;
  readonly slot: string | null;
  readonly follows: string | null;
  readonly expires: string | null;
  readonly event: { readonly id: string | null; readonly type: string };
}

export interface AuditedCampaign {
  readonly id: string;
  readonly priority?: number;
  readonly group?: string;
  readonly category?: string;
  readonly cooldownMs?: number;
  /** 0 … 1. */
  readonly holdout?: number;
  readonly total?: number;
  readonly perDay?: number;
}

export interface AuditedCap {
  readonly name: string;
  readonly max: number;
  readonly perMs: number;
  readonly channels?: readonly string[];
  readonly groups?: readonly string[];
  readonly categories?: readonly string[];
  readonly reserved?: { readonly max: number; readonly priority: number };
}

/** What must hold, as the workspace under test says it. A gap is a cap of one. */
export interface AuditedRules {
  readonly timezone: string;
  readonly campaigns: readonly AuditedCampaign[];
  readonly caps: readonly AuditedCap[];
  readonly exclusions: readonly {
    readonly name: string;
    readonly campaigns: readonly string[];
    readonly groups: readonly string[];
    readonly perMs: number;
  }[];
  readonly offers: readonly {
    readonly id: string;
    readonly budget?: number;
    readonly perCustomer?: { readonly max: number; readonly perMs: number };
  }[];
  readonly globalHoldout: { readonly share: number; readonly categories: readonly string[] | null };
  readonly consent: Readonly<Record<string, 'opt-in' | 'opt-out' | 'none-needed'>>;
  readonly quietHours: {
    readonly fromMinute: number;
    readonly toMinute: number;
    readonly channels: readonly string[];
  } | null;
  /** Placements by channel, one winner each per event. */
  readonly slots: Readonly<Record<string, readonly string[]>>;
}

/** From some moment of [fromMs, byMs] on; `byMs` is when whoever said it was answered. */
export interface Said<Value> {
  readonly value: Value;
  readonly fromMs: number;
  readonly byMs: number;
}

export interface AuditedHistory {
  readonly decisions: readonly AuditedDecision[];
  /** By customer and channel, in order. */
  readonly consents: ReadonlyMap<string, readonly Said<'granted' | 'denied'>[]>;
  /** Decision id → when its delivery was reported to have failed. */
  readonly failed: ReadonlyMap<string, Said<true>>;
  /** Customer → the zone of the profile. */
  readonly timezones: ReadonlyMap<string, string>;
}

export interface Audit {
  /** One line per leak, with the decisions that prove it. */
  readonly leaks: readonly string[];
  /** Rules that were reached exactly: a rule that is not among them was not put to the test. */
  readonly binding: ReadonlySet<string>;
}

interface Contact {
  readonly decision: AuditedDecision;
  readonly ms: number;
  readonly campaign: AuditedCampaign;
  readonly failed: Said<true> | undefined;
}

export const consentKey = (customer: string, channel: string): string => `${customer}\u0000${channel}`;

export function audit(rules: AuditedRules, history: AuditedHistory): Audit {
  const auditor = new Auditor(rules, history);
  return auditor.run();
}

class Auditor {
  readonly #rules: AuditedRules;
  readonly #history: AuditedHistory;
  readonly #leaks: string[] = [];
  readonly #binding = new Set<string>();
  readonly #campaigns: ReadonlyMap<string, AuditedCampaign>;
  readonly #localTimes = new Map<string, Intl.DateTimeFormat>();

  constructor(rules: AuditedRules, history: AuditedHistory) {
    this.#rules = rules;
    this.#history = history;
    this.#campaigns = new Map(rules.campaigns.map((campaign) => [campaign.id, campaign]));
  }

  run(): Audit {
    const contacts = this.#history.decisions.map((decision) => this.#contact(decision));
    this.#numbers();
    const byCustomer = new Map<string, Contact[]>();
    for (const contact of contacts) {
      this.#moment(contact);
      const { customer } = contact.decision;
      if (customer === null) continue;
      const own = byCustomer.get(customer) ?? [];
      own.push(contact);
      byCustomer.set(customer, own);
    }
    for (const [customer, own] of byCustomer) this.#customer(customer, own);
    this.#units(contacts);
    this.#placements(contacts);
    return { leaks: this.#leaks, binding: this.#binding };
  }

  #contact(decision: AuditedDecision): Contact {
    const campaign = this.#campaigns.get(decision.campaign) ?? { id: decision.campaign };
    if (!this.#campaigns.has(decision.campaign)) this.#leak(`${decision.id}: no such campaign, ${decision.campaign}`);
    return { decision, ms: Date.parse(decision.ts), campaign, failed: this.#history.failed.get(decision.id) };
  }

  #leak(line: string): void {
    this.#leaks.push(line);
  }

  /** Per partition: 1, 2, 3 … without gaps, none twice, times never going back. */
  #numbers(): void {
    const last = new Map<string, { number: number; ts: string }>();
    for (const { id, ts } of this.#history.decisions) {
      const [partition = '', digits = ''] = id.split('-');
      const number = Number(digits);
      const before = last.get(partition) ?? { number: 0, ts: '' };
      if (number !== before.number + 1)
        this.#leak(`${id} follows ${partition}-${before.number}: numbers have a gap or come twice`);
      if (ts < before.ts) this.#leak(`${id} at ${ts} comes after ${before.ts}`);
      last.set(partition, { number, ts });
    }
  }

  /** What concerns one decision alone: consent, quiet hours, holdouts. */
  #moment({ decision, ms, campaign }: Contact): void {
    const { customer, channel, id } = decision;
    const rule = this.#rules.consent[channel] ?? 'opt-in';
    if (customer === null) {
      if (rule === 'opt-in') this.#leak(`${id}: ${channel} needs consent, and nobody knows whose`);
    } else {
      if (!this.#mayContact(customer, channel, rule, ms))
        this.#leak(`${id}: ${customer} did not allow ${channel} at ${decision.ts}`);
      if (heldOut(campaign.id, customer) < (campaign.holdout ?? 0))
        this.#leak(`${id}: ${customer} is held out of ${campaign.id}`);
      const { share, categories } = this.#rules.globalHoldout;
      const covered = categories === null || categories.includes(campaign.category ?? '');
      if (covered && heldOut('', customer) < share) this.#leak(`${id}: ${customer} is held out of everything`);
    }
    const quiet = this.#rules.quietHours;
    if (quiet?.channels.includes(channel) !== true) return;
    const zone = (customer === null ? undefined : this.#history.timezones.get(customer)) ?? this.#rules.timezone;
    const minute = this.#localMinute(zone, ms);
    const within =
      quiet.fromMinute <= quiet.toMinute
        ? minute >= quiet.fromMinute && minute < quiet.toMinute
        : minute >= quiet.fromMinute || minute < quiet.toMinute;
    if (within) this.#leak(`${id}: ${channel} at ${decision.ts} is in quiet hours in ${zone}`);
  }

  /** Right if any state that may have held then allows it. */
  #mayContact(customer: string, channel: string, rule: string, ms: number): boolean {
    const said = this.#history.consents.get(consentKey(customer, channel)) ?? [];
    let possible: ('granted' | 'denied' | 'unset')[] = ['unset'];
    for (const { value, fromMs, byMs } of said) {
      if (byMs < ms) possible = [value];
      else if (fromMs <= ms) possible.push(value);
    }
    return possible.some((state) => state === 'granted' || (state === 'unset' && rule !== 'opt-in'));
  }

  #localMinute(zone: string, ms: number): number {
    let format = this.#localTimes.get(zone);
    if (format === undefined) {
      format = new Intl.DateTimeFormat('en-GB', {
        timeZone: zone,
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      });
      this.#localTimes.set(zone, format);
    }
    const [hour, minute] = format.format(ms).split(':').map(Number);
    return (hour as number) * 60 + (minute as number);
  }

  /** Rolling windows over one customer's contacts, which come in the order in which they were decided. */
  #customer(customer: string, contacts: readonly Contact[]): void {
    for (const [at, contact] of contacts.entries()) {
      const { decision, ms, campaign } = contact;
      // Contacts before this one that certainly still counted: what may have failed by then is given the benefit of the doubt.
      const before = contacts.slice(0, at).filter(({ failed }) => failed === undefined || failed.fromMs > ms);
      for (const cap of this.#rules.caps) {
        if (!counts(cap, contact)) continue;
        const used = before.filter((other) => counts(cap, other) && ms - other.ms < cap.perMs);
        const reserved = cap.reserved !== undefined && (campaign.priority ?? 0) < cap.reserved.priority;
        const max = cap.max - (reserved ? (cap.reserved?.max ?? 0) : 0);
        this.#window(`cap ${cap.name}`, customer, contact, used, max);
        if (used.length + 1 === cap.max) this.#binding.add(`cap ${cap.name}`);
      }
      // A cascade's next channel is the same contact made once more: cooldown, offer and exclusion were asked when it began.
      if (decision.follows !== null) continue;
      const firsts = before.filter(
        (other) => other.decision.follows === null || other.decision.campaign !== decision.campaign,
      );
      if (campaign.cooldownMs !== undefined) {
        const { cooldownMs } = campaign;
        const used = before.filter((other) => other.campaign === campaign && ms - other.ms < cooldownMs);
        this.#window(`cooldown of ${campaign.id}`, customer, contact, used, 1);
      }
      const offer = this.#rules.offers.find(({ id }) => id === decision.offer);
      if (offer?.perCustomer !== undefined) {
        const { max, perMs } = offer.perCustomer;
        const used = before.filter(
          (other) => other.decision.offer === offer.id && other.decision.follows === null && ms - other.ms < perMs,
        );
        this.#window(`offer ${offer.id} per customer`, customer, contact, used, max);
        if (used.length + 1 === max) this.#binding.add(`offer ${offer.id} per customer`);
      }
      for (const exclusion of this.#rules.exclusions) {
        if (!isMember(exclusion, campaign)) continue;
        const used = firsts.filter(
          (other) =>
            other.campaign !== campaign && isMember(exclusion, other.campaign) && ms - other.ms < exclusion.perMs,
        );
        this.#window(`exclusion ${exclusion.name}`, customer, contact, used, 1);
      }
    }
  }

  #window(rule: string, customer: string, { decision }: Contact, used: readonly Contact[], max: number): void {
    if (used.length < max) return;
    const others = used.map((other) => other.decision.id).join(', ');
    this.#leak(`${rule}: ${decision.id} for ${customer} at ${decision.ts} comes within the window of ${others}`);
  }

  /** Budgets and limits, over all partitions. A follow-up goes on with its first decision's unit; one that failed gave it back. */
  #units(contacts: readonly Contact[]): void {
    const used = new Map<string, number>();
    const take = (key: string, max: number | undefined): void => {
      if (max === undefined) return;
      const count = (used.get(key) ?? 0) + 1;
      used.set(key, count);
      if (count === max) this.#binding.add(key.replace(/ on .*/, ''));
      if (count === max + 1) this.#leak(`${key}: more than ${max}`);
    };
    for (const { decision, ms, campaign, failed } of contacts) {
      if (decision.follows !== null || failed !== undefined) continue;
      take(`budget of ${decision.offer}`, this.#rules.offers.find(({ id }) => id === decision.offer)?.budget);
      take(`total of ${campaign.id}`, campaign.total);
      const day = new Intl.DateTimeFormat('en-CA', { timeZone: this.#rules.timezone }).format(ms);
      take(`perDay of ${campaign.id} on ${day}`, campaign.perDay);
    }
  }

  /** One winner per placement and event: decisions of one event stand in one partition, at one time. */
  #placements(contacts: readonly Contact[]): void {
    const taken = new Set<string>();
    for (const { decision } of contacts) {
      const { channel, slot, event, id, ts, follows } = decision;
      const names = this.#rules.slots[channel];
      if (names === undefined || follows !== null) {
        if (names === undefined && slot !== null) this.#leak(`${id}: ${channel} has no slots, it says ${slot}`);
        continue;
      }
      if (slot === null || !names.includes(slot)) this.#leak(`${id}: ${channel} has no slot ${slot}`);
      if (event.id === null) continue;
      const key = [id.split('-')[0], decision.customer, event.type, event.id, ts, channel, slot].join('\u0000');
      if (taken.has(key)) this.#leak(`${id}: ${channel} ${slot} was taken already for ${event.type} ${event.id}`);
      taken.add(key);
    }
  }
}

function counts(cap: AuditedCap, { decision, campaign }: Contact): boolean {
  return (
    (cap.channels === undefined || cap.channels.includes(decision.channel)) &&
    (cap.groups === undefined || cap.groups.includes(campaign.group ?? '')) &&
    (cap.categories === undefined || cap.categories.includes(campaign.category ?? ''))
  );
}

function isMember(
  exclusion: { readonly campaigns: readonly string[]; readonly groups: readonly string[] },
  campaign: AuditedCampaign,
): boolean {
  return exclusion.campaigns.includes(campaign.id) || exclusion.groups.includes(campaign.group ?? '');
}

/** u("holdout") as the interface gives it: FNV-1a and MurmurHash3's finalizer, written out once more with whole numbers. */
export function heldOut(campaign: string, customer: string): number {
  const mask = 0xffff_ffffn;
  let hash = 0x811c_9dc5n;
  for (const byte of new TextEncoder().encode(`holdout:${campaign}:${customer}`))
    hash = ((hash ^ BigInt(byte)) * 0x0100_0193n) & mask;
  hash = ((hash ^ (hash >> 16n)) * 0x85eb_ca6bn) & mask;
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2_ae35n) & mask;
  return Number(hash ^ (hash >> 16n)) / 2 ** 32;
}
