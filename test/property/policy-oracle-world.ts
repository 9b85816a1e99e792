/** Everything that ever happened to the policy oracle, in arrays, and the questions that loop over them. */
import type { Channel, Fact, OracleCampaign, OracleWorkspace, Outcome, Rule, Scope } from './policy-oracle-model.ts';
import { AGGREGATES } from './policy-oracle-profile.ts';

/** A decision, and what became of it. Its number is its place in the world's list, from 1. */
export interface Contact {
  readonly number: number;
  readonly ts: number;
  readonly customer: string | null;
  readonly campaign: string;
  readonly group: string | null;
  readonly category: string | null;
  readonly variant: string | null;
  readonly offer: string | null;
  readonly channel: Channel;
  readonly slot: string | null;
  readonly value: number;
  readonly expires: number | null;
  readonly follows: number | null;
  readonly trigger: Fact;
  readonly workspace: number;
  readonly outcomes: Outcome[];
}

/** Of a budget or limit: used by a decision. */
export interface Unit {
  readonly key: string;
  /** The decision that used it first. */
  readonly first: Contact;
  /** Whose failure brings it back; null: nobody's. */
  holder: Contact | null;
  isBack: boolean;
}

export type EntryKind = 'wait' | 'quiet_hours' | 'cascade' | 'goal' | 'expiry';

/** Something that happens later. */
export interface Entry {
  readonly number: number;
  readonly kind: EntryKind;
  readonly customer: string | null;
  readonly campaign: string;
  readonly since: number;
  dueMs: number;
  readonly trigger: Fact;
  /** Of a cascade: the decision before, and those that it follows. Of an expiry: all that offer the same. */
  readonly contacts: readonly Contact[];
  /** Of a goal. */
  readonly arm: 'treated' | 'held' | null;
  /** Its campaign was in shadow. */
  readonly isShadow: boolean;
  isOver: boolean;
}

export interface Remembered {
  readonly customer: string;
  readonly fact: Fact;
  /** For campaigns in shadow, beside what is remembered for live ones. */
  readonly isShadow: boolean;
  isForgotten: boolean;
}

/** What a campaign's `after` found when it was asked: the times of the first so many of its events. */
export interface LookedBack {
  readonly customer: string;
  readonly campaign: string;
  readonly trigger: Fact;
  readonly at: number;
  readonly came: readonly number[];
}

/** What there was when policy was asked about a match for the last time. */
export interface Asked {
  readonly campaign: OracleCampaign;
  readonly timezone: string;
  /** By channel: what the customer said last. */
  readonly consent: ReadonlyMap<Channel, unknown>;
  /** All that counted for it, however long ago, oldest first. */
  readonly contacts: readonly Contact[];
  /** What it needs, and how much of it was used before anybody had won. */
  readonly units: readonly {
    readonly key: string;
    readonly limit: number;
    readonly reason: string;
    readonly used: number;
  }[];
  /** null: it lost before they were ranked. */
  readonly place: { readonly rank: number; readonly of: number; readonly score: number; readonly value: number } | null;
}

/** What became of a match: each in its turn, so that one that waits has more than one. */
export interface Verdict {
  readonly customer: string | null;
  readonly campaign: string;
  readonly trigger: Fact;
  /** waiting, decided, or the reason why not. */
  readonly result: string;
  readonly at: number;
  /** outranked: by whom, if by anybody. */
  readonly winner: string | null;
  /** The decision's number. */
  readonly decision: number | null;
  /** null: policy was not asked. */
  readonly asked: Asked | null;
}

/** Of a match of this customer. */
type Match = Pick<Verdict, 'customer' | 'trigger'> & Partial<Pick<Verdict, 'asked'>>;

export class World {
  readonly clock: 'wall' | 'event';
  workspace: OracleWorkspace = undefined as unknown as OracleWorkspace;
  version = 0;
  /** All that were published. */
  readonly versions: OracleWorkspace[] = [];
  logTime = 0;
  /** In the order in which they were first seen. */
  readonly customers: string[] = [];
  readonly said: { customer: string; kind: 'attribute' | 'consent'; name: string; value: unknown }[] = [];
  readonly facts: { customer: string | null; fact: Fact }[] = [];
  readonly remembered: Remembered[] = [];
  readonly sequences: LookedBack[] = [];
  readonly contacts: Contact[] = [];
  /** What campaigns in shadow would have sent. */
  readonly shadows: Contact[] = [];
  /** Winners of the rehearsal that is being played. */
  rehearsed: Contact[] = [];
  readonly entries: Entry[] = [];
  readonly units: Unit[] = [];
  readonly verdicts: Verdict[] = [];
  /** `<campaign> <what>` → how often. */
  readonly counts = new Map<string, number>();

  constructor(clock: 'wall' | 'event') {
    this.clock = clock;
  }

  count(campaign: string, what: string, by = 1): void {
    const key = `${campaign} ${what}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }

  judge(
    campaign: string,
    { customer, trigger, asked = null }: Match,
    result: string,
    its: { winner?: string | undefined; decision?: number } = {},
  ): void {
    const { winner = null, decision = null } = its;
    this.verdicts.push({ customer, campaign, trigger, result, at: this.logTime, winner, decision, asked });
  }

  /** It is counted, too. */
  suppress(campaign: string, match: Match, reason: string, winner?: string): void {
    this.count(campaign, `suppressed ${reason}`);
    this.judge(campaign, match, reason, { winner });
  }

  /** null: there is none, or it is not live. */
  live(id: string): OracleCampaign | null {
    return this.workspace.campaigns.find((campaign) => campaign.id === id && campaign.status === 'live') ?? null;
  }

  /** Those that are live and those in shadow, in the order of their ids. */
  get campaigns(): OracleCampaign[] {
    return this.workspace.campaigns
      .filter(({ status }) => status === 'live' || status === 'shadow')
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The campaign that an entry belongs to; null: it is not what it was when the entry began. */
  ownerOf({ campaign: id, isShadow }: Pick<Entry, 'campaign' | 'isShadow'>): OracleCampaign | null {
    return this.campaigns.find((each) => each.id === id && (each.status === 'shadow') === isShadow) ?? null;
  }

  saidLast(customer: string | null, kind: 'attribute' | 'consent', name: string): unknown {
    let last: unknown;
    for (const each of this.said)
      if (each.customer === customer && each.kind === kind && each.name === name) last = each.value ?? undefined;
    return last;
  }

  entriesOf(customer: string | null): Entry[] {
    return this.entries.filter((entry) => entry.customer === customer && !entry.isOver);
  }

  /** An anonymous customer has no event but this one. */
  scope(customer: string | null, event: Fact, trigger: Fact = event): Scope {
    const { logTime: now } = this;
    const facts =
      customer === null ? [event] : this.facts.filter((each) => each.customer === customer).map(({ fact }) => fact);
    return {
      event,
      trigger,
      now,
      has: (name) => this.saidLast(customer, 'attribute', name) !== undefined,
      attribute: (name) => present(this.saidLast(customer, 'attribute', name)),
      aggregate: (name) => (AGGREGATES[name] as (typeof AGGREGATES)[string]).mean(facts, now),
    };
  }

  /** A rule of that campaign; an error is false, and counted. */
  holds(campaign: OracleCampaign, rule: Rule<boolean> | null, scope: Scope): boolean {
    try {
      return rule === null || rule.mean(scope);
    } catch {
      this.count(campaign.id, 'errors');
      return false;
    }
  }
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('absent');
  return value;
}
