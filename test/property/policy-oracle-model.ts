/** What the policy oracle reads: a workspace and events as plain values, each rule as CEL beside what it means. */

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export type Channel = 'pos' | 'push' | 'sms' | 'email';
export const CHANNELS: readonly Channel[] = ['pos', 'push', 'sms', 'email'];

export const OUTCOMES = ['delivered', 'opened', 'clicked', 'converted', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** An event as rules see it. `ts` is the time at which it counts. */
export interface Fact {
  readonly id: string | null;
  readonly type: string;
  readonly ts: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What an expression may read. In all but meetings both names are the same event. */
export interface Scope {
  readonly event: Fact;
  readonly trigger: Fact;
  readonly now: number;
  /** Throws when absent. */
  attribute(name: string): unknown;
  has(name: string): boolean;
  /** Throws when absent. */
  aggregate(name: string): number;
}

/** As CEL, and what it means. Throwing is CEL's error. */
export interface Rule<T> {
  readonly cel: string;
  readonly mean: (scope: Scope) => T;
}

/** The parts of a score, which has no other names for them. */
export interface ScoreParts {
  readonly value: number;
  readonly propensity: number;
  readonly weight: number;
  readonly priority: number;
}

export interface Days {
  readonly from: string | null;
  readonly to: string | null;
}

/** null in days: any. */
export interface CronTimes {
  readonly cron: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[] | null;
  readonly daysOfWeek: readonly number[] | null;
}

export interface Due {
  readonly times: CronTimes;
  readonly offsetMs: number;
}

export type Until = { readonly forMs: number } | { readonly due: Due };

export interface Meeting {
  readonly event: string;
  readonly when: Rule<boolean> | null;
}

export interface OracleOffer {
  readonly id: string;
  readonly perCustomer: { readonly max: number; readonly perMs: number | null } | null;
  readonly valid: Days;
  readonly budget: number | null;
  readonly expires: Until | null;
  readonly returnsUnused: boolean;
}

export interface OracleCampaign {
  readonly id: string;
  readonly on: string | Due;
  readonly when: Rule<boolean>;
  readonly value: Rule<number> | null;
  readonly propensity: Rule<number> | 'model' | null;
  readonly weight: number;
  readonly channels: readonly Channel[];
  readonly offer: string | null;
  readonly priority: number;
  readonly group: string | null;
  readonly category: string | null;
  readonly slots: readonly string[] | null;
  readonly cooldownMs: number;
  readonly holdoutPercent: number;
  readonly variants: readonly { readonly name: string; readonly weight: number }[];
  readonly valid: Days;
  readonly status: 'live' | 'shadow' | 'paused' | 'draft';
  readonly wait: {
    readonly until: Until;
    readonly unless: readonly Meeting[];
    readonly restart: boolean | Rule<boolean>;
    readonly when: Rule<boolean> | null;
  } | null;
  readonly after: { readonly events: readonly Meeting[]; readonly withinMs: number } | null;
  readonly cascade: { readonly afterMs: number; readonly unless: Outcome } | null;
  readonly limits: { readonly total: number | null; readonly perDay: number | null };
  readonly goal: (Meeting & { readonly withinMs: number }) | null;
}

export interface OracleCap {
  readonly name: string;
  readonly max: number;
  readonly perMs: number;
  readonly channels: readonly Channel[] | null;
  readonly groups: readonly string[] | null;
  readonly categories: readonly string[] | null;
  readonly reserved: { readonly max: number; readonly priority: number } | null;
}

export interface OraclePolicy {
  readonly timezone: string;
  readonly latenessMs: number;
  readonly consent: Readonly<Record<Channel, 'opt-in' | 'opt-out' | 'none-needed'>>;
  readonly caps: readonly OracleCap[];
  readonly gap: {
    readonly minMs: number;
    readonly channels: readonly Channel[] | null;
    readonly categories: readonly string[] | null;
  } | null;
  readonly exclusions: readonly {
    readonly name: string;
    readonly campaigns: readonly string[];
    readonly groups: readonly string[];
    readonly perMs: number;
  }[];
  readonly holdout: { readonly percent: number; readonly categories: readonly string[] | null };
  readonly quietHours: {
    readonly from: string;
    readonly to: string;
    readonly channels: readonly Channel[];
    readonly defer: boolean;
  } | null;
  readonly pick: number;
  readonly score: { readonly cel: string; readonly mean: (parts: ScoreParts) => number } | null;
  readonly slots: Readonly<Partial<Record<Channel, readonly string[]>>>;
}

/** By profile.country. */
export interface OracleModel {
  readonly table: Readonly<Record<string, number>>;
  readonly fallback: number;
}

export interface OracleWorkspace {
  readonly policy: OraclePolicy;
  readonly offers: readonly OracleOffer[];
  readonly model: OracleModel;
  readonly campaigns: readonly OracleCampaign[];
}

/** What a producer sends. */
export interface OracleEvent {
  readonly type: string;
  readonly customer: string | null;
  readonly id: string | null;
  readonly ts: number | null;
  readonly data: Readonly<Record<string, unknown>>;
}
