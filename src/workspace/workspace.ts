/**
 * A compiled workspace version: what `beckon check` validates, `publish` sends, a `workspace` log record carries, and the machine activates.
 * Plain JSON, with everything resolved that a machine could otherwise only ask the runtime for (time zones, calendar days).
 */
import type { Schema, ValueType } from '../protocol/schema.ts';
import type { Program } from '../rules/program.ts';
import type { ZoneTable } from './zones.ts';

/** Version of this shape. One that fields are added to or mean something else in gets another, and so do the data folder and the streams that keep it. */
export const WORKSPACE_FORMAT = 3;

export interface Workspace {
  readonly format: typeof WORKSPACE_FORMAT;
  /** 1, 2, 3 …; given by the control plane when it is published. */
  readonly version: number;
  readonly name: string;
  /** Path within the folder → text, as published: the sources of this version. */
  readonly files: Readonly<Record<string, string>>;
  readonly timezone: string;
  readonly latenessMs: number;
  /** UTC offsets of every zone, so that the machine never asks the runtime. */
  readonly zones: ZoneTable;
  readonly channels: readonly string[];
  readonly schema: Schema;
  /** For each attribute, in slot order (slots 0 … attributes.length − 1 of Schema.profile). */
  readonly attributes: readonly Attribute[];
  /** For each aggregate, in slot order (the slots after the attributes). */
  readonly aggregates: readonly Aggregate[];
  /** In the order of Schema.segments. */
  readonly segments: readonly Segment[];
  readonly offers: readonly Offer[];
  readonly policy: Policy;
  readonly templates: readonly Template[];
  /** Sorted by id (UTF-16 order); a campaign's index here is its index everywhere in this version. */
  readonly campaigns: readonly Campaign[];
  /** Index into Schema.events of the engine's own `$feedback`, which rules may read as any other type. */
  readonly feedbackEvent: number;
  /**
   * By lease key (`offer/<id>`, `total/<campaign>`, `day/<campaign>`): units that every partition has in hand from the start, without asking. The publisher sets a
   * key's share once and carries it on into every later version, so that all partitions know the same one whichever versions they have seen.
   */
  readonly shares: Readonly<Record<string, number>>;
}

export interface Attribute {
  readonly name: string;
  readonly slot: number;
  readonly type: ValueType;
  /** null: absent until set. bool as boolean, timestamp as epoch ms. */
  readonly default: boolean | number | string | readonly string[] | null;
}

export const AggregateFunction = {
  count: 'count',
  sum: 'sum',
  min: 'min',
  max: 'max',
  avg: 'avg',
  first: 'first',
  last: 'last',
  distinct: 'distinct',
} as const;
export type AggregateFunction = (typeof AggregateFunction)[keyof typeof AggregateFunction];

export interface Aggregate {
  readonly name: string;
  readonly slot: number;
  readonly fn: AggregateFunction;
  /** Index into Schema.events. */
  readonly event: number;
  /** What is aggregated, over the event; null for count. */
  readonly value: Program | null;
  /** Only events for which this holds are counted; null: all. */
  readonly when: Program | null;
  /** Type of `value` (what first, last and distinct keep); null for count. */
  readonly valueType: 'int' | 'double' | 'string' | 'timestamp' | 'bool' | null;
  /** null: all time. Otherwise a multiple of resolutionMs. */
  readonly windowMs: number | null;
  /** Bucket width, 0 where windowMs is null. */
  readonly resolutionMs: number;
  /** Equal signatures mean the same definition: the aggregate survives publishing. */
  readonly signature: string;
}

export interface Segment {
  readonly name: string;
  readonly when: Program;
}

/** Half-open, UTC epoch ms, from days of the workspace's zone; null: unbounded. */
export interface Validity {
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

export interface RollingLimit {
  readonly max: number;
  /** null: for ever. */
  readonly perMs: number | null;
}

export interface Offer {
  readonly id: string;
  readonly title: string;
  readonly perCustomer: RollingLimit | null;
  readonly valid: Validity;
  /** Decisions that it may be given in, over all partitions; null: any number. */
  readonly budget: number | null;
  /** How long a decision with it is good for; null: no end. */
  readonly expires: Deadline | null;
  /** A decision that expired without feedback `converted` gives its units of budget and limits back. */
  readonly returnsUnused: boolean;
}

/** So long after the moment in question, or a schedule's next due time after it. */
export type Deadline = { readonly afterMs: number } | { readonly schedule: Schedule };

/**
 * Due times by the wall clock of the workspace's zone: minutes that all five fields allow, as cron has it (if both days of month and days of week are restricted, either
 * may match), moved by `offsetMs`. A time that daylight saving skips falls due when the gap ends; one that comes twice, at its first.
 */
export interface Schedule {
  /** As people wrote it, for people. */
  readonly source: string;
  /** Ascending. 0 … 59, 0 … 23, 1 … 31, 1 … 12, 0 (Sunday) … 6. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  readonly daysOfWeek: readonly number[];
  /** Added to every due time; negative: before it. */
  readonly offsetMs: number;
}

export const Consent = { optIn: 'opt-in', optOut: 'opt-out', noneNeeded: 'none-needed' } as const;
export type Consent = (typeof Consent)[keyof typeof Consent];

export interface Cap {
  readonly name: string;
  readonly max: number;
  readonly perMs: number;
  /** Indices into Workspace.channels; null: all. */
  readonly channels: readonly number[] | null;
  /** Names of campaigns' groups and categories; null: all. A contact counts if it is of all that is named. */
  readonly groups: readonly string[] | null;
  readonly categories: readonly string[] | null;
  /** The last `max` of the cap's places are for campaigns of at least this priority; null: none is. */
  readonly reserved: { readonly max: number; readonly priority: number } | null;
  /** It comes from `gap`: max is 1, and who loses by it is counted as `gap`. */
  readonly isGap: boolean;
}

/** Of these campaigns a customer hears from one at most within perMs (half-open, rolling). */
export interface Exclusion {
  readonly name: string;
  readonly perMs: number;
  /** Ids of campaigns, and names of groups: either makes a campaign one of them. */
  readonly campaigns: readonly string[];
  readonly groups: readonly string[];
}

export interface QuietHours {
  /** Minutes after local midnight; from > to spans midnight. from inclusive, to exclusive. */
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly channels: readonly number[];
  /** Who would be decided but for quiet hours waits until they end. */
  readonly defer: boolean;
}

export interface Policy {
  /** By channel index; opt-in where policy.yaml says nothing. */
  readonly consent: readonly Consent[];
  readonly caps: readonly Cap[];
  readonly quietHours: QuietHours | null;
  readonly exclusions: readonly Exclusion[];
  /** Held out of all campaigns of these categories (null: of all campaigns): u("holdout") with an empty campaign. 0: nobody. */
  readonly holdout: { readonly share: number; readonly categories: readonly string[] | null };
  /** Winners per event. */
  readonly pick: number;
  /** By channel index: names of its placements, one winner each per event, in their order; null: the channel has none. */
  readonly slots: readonly (readonly string[] | null)[];
  /** Slot of the string attribute `timezone`, -1 where the profile has none. */
  readonly timezoneSlot: number;
}

/** Message fields by channel index: Liquid sources, e.g. {title, body}; a channel without a message has null. */
export interface Template {
  readonly name: string;
  readonly channels: readonly (Readonly<Record<string, string>> | null)[];
  /** Slots of the profile that rendering may read: of the sources, and of the segments that they name. */
  readonly profileSlots: readonly number[];
  /** Indices of the segments that they read. */
  readonly segments: readonly number[];
  /** They read fields of the event. */
  readonly readsEvent: boolean;
}

export interface Variant {
  readonly name: string;
  readonly weight: number;
  /** Index into Workspace.templates, -1 for none. */
  readonly template: number;
}

export interface Campaign {
  readonly id: string;
  readonly index: number;
  /** Index into Schema.events. */
  readonly event: number;
  readonly when: Program;
  /** Index into Workspace.offers, -1 for none. */
  readonly offer: number;
  /** Indices into Workspace.channels, in order of preference. */
  readonly channels: readonly number[];
  readonly priority: number;
  /** null: 0. */
  readonly value: Program | null;
  /** 0: none. */
  readonly cooldownMs: number;
  /** 0 … 1. */
  readonly holdout: number;
  readonly variants: readonly Variant[];
  /** Where there are no variants: index into Workspace.templates, -1 for none. */
  readonly template: number;
  readonly valid: Validity;
  /** shadow: takes part beside what is live, without any effect on it. draft, paused: never asked. */
  readonly status: 'draft' | 'shadow' | 'live' | 'paused';
  /** Names for caps and exclusions; null: none. */
  readonly group: string | null;
  readonly category: string | null;
  /** What arbitration ranks by, before priority: policy.yaml's score with this campaign's value, propensity and weight put in; null: nothing. */
  readonly score: Program | null;
  /** Names of the placements that it takes; null: any. */
  readonly slots: readonly string[] | null;
  /** Due times at which it looks at every customer; null: it listens for `event`, which is -1 otherwise. */
  readonly schedule: Schedule | null;
  readonly wait: Wait | null;
  readonly after: Sequence | null;
  readonly cascade: Cascade | null;
  readonly limits: { readonly total: number | null; readonly perDay: number | null };
  readonly goal: Goal | null;
}

/** Rules over two events: `event`, the one that comes, and `trigger`, the campaign's own. */
export interface Meeting {
  /** Index into Schema.events of the one that comes. */
  readonly event: number;
  /** Over pairSchema(event, trigger); null: always. */
  readonly when: Program | null;
}

/** A, then not B within a time. */
export interface Wait {
  /** From the trigger's log time on. */
  readonly deadline: Deadline;
  readonly unless: readonly Meeting[];
  /** A new trigger takes the place of waits of the same customer for which this holds (`trigger`: the waiting one); null: they wait side by side. */
  readonly restart: Meeting | null;
  /** Asked at the end in the place of the campaign's `when`; null: `when` is asked again. */
  readonly when: Program | null;
}

/** What must have come before the trigger, in this order, within withinMs before it. */
export interface Sequence {
  readonly events: readonly Meeting[];
  readonly withinMs: number;
}

export const FeedbackOutcome = {
  delivered: 'delivered',
  opened: 'opened',
  clicked: 'clicked',
  converted: 'converted',
  failed: 'failed',
} as const;
export type FeedbackOutcome = (typeof FeedbackOutcome)[keyof typeof FeedbackOutcome];

/** The next channel is tried after afterMs unless there was feedback of this kind, or a stronger one. */
export interface Cascade {
  readonly afterMs: number;
  readonly unless: Exclude<FeedbackOutcome, 'failed'>;
}

/** What a campaign is to achieve: counted for those it contacted and for those it held out, once each. */
export interface Goal extends Meeting {
  readonly withinMs: number;
}

/** A problem in a workspace, printed as `file:line:column message`. line and column are 1-based. */
export interface WorkspaceIssue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
