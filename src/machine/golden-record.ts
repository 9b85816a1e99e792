/** The golden record: one customer as people see it, read at log time. */
import type { ProfileFrame } from '../protocol/frame.ts';
import type { ProfileField } from '../protocol/schema.ts';
import type { WaitingCustomer, WaitingFor } from '../protocol/waiting.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { assert } from '../stdx/assert.ts';
import type { ActiveWorkspace } from './active-workspace.ts';
import { ConsentState } from './decide/policy.ts';
import { formatRfc3339 } from './decode/rfc3339.ts';
import { PendingKind } from './time/pending-kind.ts';
import { type PendingEntry, readPayload } from './time/pending-waits.ts';

/** By kind of the pending entry. */
const WAITS_FOR: Readonly<Record<number, WaitingFor>> = {
  [PendingKind.wait]: 'wait',
  [PendingKind.quietHours]: 'quiet_hours',
  [PendingKind.units]: 'budget',
  [PendingKind.cascade]: 'cascade',
};

export type ProfileValue = boolean | number | string | readonly string[] | null;

export interface GoldenRecord {
  readonly id: string;
  /** Log time at which the windows were read. */
  readonly asOf: string;
  /** null: never set and without a default. Timestamps as RFC 3339. */
  readonly attributes: Readonly<Record<string, ProfileValue>>;
  /** null: min, max, avg, first or last of nothing. */
  readonly aggregates: Readonly<Record<string, ProfileValue>>;
  readonly segments: Readonly<Record<string, boolean>>;
  /** Channels on which the customer said something. */
  readonly consent: Readonly<Record<string, 'granted' | 'denied'>>;
  /** Decisions still remembered, newest first. */
  readonly decisions: readonly ContactView[];
  /** What waits, in the order in which it began. */
  readonly waiting: readonly WaitView[];
}

export interface WaitView extends Omit<WaitingCustomer, 'customer'> {
  readonly campaign: string;
}

export interface ContactView {
  readonly id: string;
  readonly ts: string;
  readonly campaign: string;
  readonly channel: string;
  readonly offer: string | null;
}

/** Reads row `row`; it must be in use. */
export function readGoldenRecord(
  state: PartitionState,
  active: ActiveWorkspace,
  row: number,
  now: number,
  partition: number,
): GoldenRecord {
  const { schema } = active.workspace;
  const { profile, segments } = active;
  state.gather(
    row,
    Int32Array.from(schema.profile, (field) => field.slot),
    now,
    profile,
  );
  segments.begin(profile, now);
  return {
    id: state.customerOf(row),
    asOf: formatRfc3339(now),
    attributes: values(
      schema.profile.filter((field) => field.kind === 'attribute'),
      profile,
    ),
    aggregates: values(
      schema.profile.filter((field) => field.kind === 'aggregate'),
      profile,
    ),
    segments: Object.fromEntries(schema.segments.map((name, index) => [name, segments.evaluate(index) === 1])),
    consent: consentOf(state, row),
    decisions: contactsOf(state, row, partition),
    waiting: waitsOf(state, row),
  };
}

function values(fields: readonly ProfileField[], profile: ProfileFrame): Record<string, ProfileValue> {
  return Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, profile)]));
}

/** A gathered field as people see it. */
export function fieldValue({ slot, type }: Pick<ProfileField, 'slot' | 'type'>, profile: ProfileFrame): ProfileValue {
  if (profile.present[slot] !== 1) return null;
  const number = profile.number[slot] as number;
  switch (type) {
    case 'string':
      return profile.text[slot] as string;
    case 'list<string>':
      return [...(profile.list[slot] as readonly string[])];
    case 'bool':
      return number === 1;
    case 'timestamp':
      return formatRfc3339(number);
    case 'int':
    case 'double':
      return number;
  }
}

function consentOf(state: PartitionState, row: number): Record<string, 'granted' | 'denied'> {
  const said = state.consentsOf(row).filter((consent) => consent.state !== ConsentState.unset);
  return Object.fromEntries(
    said.map((consent) => [
      state.textOf(consent.channelCode),
      consent.state === ConsentState.granted ? 'granted' : 'denied',
    ]),
  );
}

function waitsOf(state: PartitionState, row: number): WaitView[] {
  const shown = state.pending.list(row).filter(({ kind }) => isShown(kind));
  return shown.map((entry) => waitView(state, entry));
}

/** Goals and expiries wait for nothing that people would ask about. */
export function isShown(kind: number): boolean {
  return WAITS_FOR[kind] !== undefined;
}

/** Of an entry that is shown. */
export function waitView(state: PartitionState, entry: PendingEntry): WaitView {
  const waitsFor = WAITS_FOR[entry.kind];
  assert(waitsFor !== undefined, 'the entry is shown');
  const { since, event } = readPayload(entry);
  return {
    campaign: state.textOf(entry.campaign),
    for: waitsFor,
    since: formatRfc3339(since),
    until: Number.isFinite(entry.dueMs) ? formatRfc3339(entry.dueMs) : null,
    event: { id: event?.id ?? null, type: event?.type ?? '' },
  };
}

function contactsOf(state: PartitionState, row: number, partition: number): ContactView[] {
  const views: ContactView[] = [];
  const contacts = state.contacts;
  for (let more = contacts.open(row); more; more = contacts.older()) {
    views.push({
      id: `${partition}-${contacts.decision}`,
      ts: formatRfc3339(contacts.ts),
      campaign: state.textOf(contacts.campaign),
      channel: state.textOf(contacts.channel),
      offer: contacts.offer < 0 ? null : state.textOf(contacts.offer),
    });
  }
  return views;
}
