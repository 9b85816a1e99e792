/**
 * A compiled workspace version: what `beckon check` validates, `publish` sends, a `workspace` log record carries, and the machine activates.
 * Plain JSON, with everything resolved that a machine could otherwise only ask the runtime for (time zones, calendar days).
 */
import type { Schema, ValueType } from '../protocol/schema.ts';
import type { Program } from '../rules/program.ts';
import type { ZoneTable } from './zones.ts';

export interface Workspace {
  readonly format: 1;
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
}

export const Consent = { optIn: 'opt-in', optOut: 'opt-out', noneNeeded: 'none-needed' } as const;
export type Consent = (typeof Consent)[keyof typeof Consent];

export interface Cap {
  readonly name: string;
  readonly max: number;
  readonly perMs: number;
  /** Indices into Workspace.channels; null: all. */
  readonly channels: readonly number[] | null;
}

export interface QuietHours {
  /** Minutes after local midnight; from > to spans midnight. from inclusive, to exclusive. */
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly channels: readonly number[];
}

export interface Policy {
  /** By channel index; opt-in where policy.yaml says nothing. */
  readonly consent: readonly Consent[];
  readonly caps: readonly Cap[];
  readonly quietHours: QuietHours | null;
  /** Winners per event. */
  readonly pick: number;
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
  readonly status: 'draft' | 'live' | 'paused';
}

/** A problem in a workspace, printed as `file:line:column message`. line and column are 1-based. */
export interface WorkspaceIssue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}
