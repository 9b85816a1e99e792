/**
 * Two decisions of two worlds: whether they are about the same thing, and in what they differ. The same thing is the same match (customer, campaign, and the event that set it off) and,
 * in a cascade, the same step: follow-ups of one match are told apart by their order only.
 */
import { BACKTEST_TIME_TOLERANCE_MS } from '../../constants.ts';
import type { Outcome } from '../../machine/trace/trace.ts';
import type { ChangedField } from '../../protocol/backtest.ts';
import type { Decision } from '../../protocol/decision.ts';

/** Of a match. An event without an id is known by its time. */
export function matchKey({ customer, campaign, eventType, eventId, eventTs }: Outcome): string {
  return `${customer}\n${campaign}\n${eventType}\n${eventId === '' ? `@${eventTs}` : eventId}`;
}

/** Of a follow-up: neither key is ever one of the other kind. */
export function followUpKey({ customer, campaign, event }: Decision): string {
  return `${customer ?? ''}\n${campaign}\n${event.type}\n${event.id ?? ''}\nfollow-up`;
}

/** Nothing: the same but for its id, what it follows, and its version. */
export function changedFields(before: Decision, after: Decision): ChangedField[] {
  const changed: ChangedField[] = [];
  if (before.channel !== after.channel) changed.push('channel');
  if (!sameTime(before.ts, after.ts)) changed.push('time');
  if (before.variant !== after.variant) changed.push('variant');
  if (before.offer !== after.offer) changed.push('offer');
  if (!sameMessage(before.message, after.message)) changed.push('message');
  if (before.value !== after.value) changed.push('value');
  if (!sameTime(before.expires, after.expires)) changed.push('expires');
  if (before.slot !== after.slot) changed.push('slot');
  return changed;
}

/** What waits for another partition's answer is decided when that comes: milliseconds are no difference. */
function sameTime(before: string | null, after: string | null): boolean {
  if (before === after) return true;
  if (before === null || after === null) return false;
  return Math.abs(Date.parse(before) - Date.parse(after)) < BACKTEST_TIME_TOLERANCE_MS;
}

function sameMessage(before: Decision['message'], after: Decision['message']): boolean {
  if (before === null || after === null) return before === after;
  const names = Object.keys(before);
  return names.length === Object.keys(after).length && names.every((name) => before[name] === after[name]);
}
