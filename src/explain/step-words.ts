/** One sentence for each step of a campaign, passed or not: the question and the numbers that answered it. */
import type { ExplainedStep } from '../protocol/explanation.ts';
import { countText, durationText, KEEP, numberText, ofText, percentText, placeText, shorten } from './quantities.ts';
import type { Wording } from './wording.ts';

type Step<S extends ExplainedStep['step']> = Extract<ExplainedStep, { readonly step: S }>;
/** Of one channel: contacts in a time before. */
type Contacts = Extract<ExplainedStep, { readonly room: number }>;

const CONDITION_LENGTH_MAX = 96;

export function stepText(step: ExplainedStep, wording: Wording): string {
  return 'channel' in step && step.step !== 'shadow'
    ? `${step.channel}: ${answerText(step, wording)}`
    : answerText(step, wording);
}

/** Several of them: channels with the same answer are told together. */
export function stepTexts(steps: readonly ExplainedStep[], wording: Wording): readonly string[] {
  const channels = new Map<string, string[]>();
  for (const step of steps) {
    const answer = answerText(step, wording);
    const named = 'channel' in step && step.step !== 'shadow' ? [step.channel] : [];
    channels.set(answer, [...(channels.get(answer) ?? []), ...named]);
  }
  return [...channels].map(([answer, names]) => (names.length === 0 ? answer : `${names.join(', ')}: ${answer}`));
}

function answerText(step: ExplainedStep, wording: Wording): string {
  switch (step.step) {
    case 'late':
      return lateText(step, wording);
    case 'validity':
      return validityText(step, wording);
    case 'holdout':
      return holdoutText(step);
    case 'sequence':
      return sequenceText(step, wording);
    case 'units':
      return unitsText(step);
    case 'offer':
      return offerText(step, wording);
    case 'cooldown':
      return cooldownText(step, wording);
    case 'excluded':
      return excludedText(step, wording);
    case 'consent':
      return consentText(step);
    case 'quiet_hours':
      return quietHoursText(step, wording);
    case 'cap':
    case 'gap':
      return step.step === 'cap' ? capText(step, wording) : gapText(step, wording);
    case 'rank':
      return rankText(step);
    case 'slot':
      return slotText(step);
    case 'wait':
      return waitText(step, wording);
    case 'ended':
      return endedText(step, wording);
    case 'full':
      return `no room to wait: ${ofText(step.waiting, step.max)} places are taken`;
    case 'room':
      return `no room for another contact: ${ofText(step.contacts, step.max)} are kept`;
    case 'customer':
      return 'the event names no customer, and this campaign needs one';
    case 'follow_up':
      return `follows decision ${step.decision}`;
    case 'shadow':
      return shadowText(step);
  }
}

function lateText({ passed, ts, latenessMs, lateMs }: Step<'late'>, wording: Wording): string {
  const [late, most] = [durationText(lateMs), durationText(latenessMs)];
  if (passed) return lateMs === 0 ? 'not late' : `not late: it came ${late} after it happened, ${most} is the most`;
  // It may have been a moment more.
  const before = late === most ? `more than ${late}` : late;
  return `late: it happened at ${wording.when(ts)}, ${before} before it came; ${most} is the most`;
}

function validityText({ passed, of, from, to }: Step<'validity'>, wording: Wording): string {
  const begin = from === null ? '' : ` from ${wording.dated(from)}`;
  const end = to === null ? '' : ` until ${wording.dated(to)}`;
  const times = begin + end === '' ? ' at any time' : begin + end;
  return passed ? `the ${of} is valid${times}` : `not valid now: the ${of} runs${times}`;
}

function holdoutText({ passed, of, share, u }: Step<'holdout'>): string {
  const limit = ['draw', placeText(u), passed ? '≥' : '<', numberText(share)].join(KEEP);
  const what = of === 'campaign' ? 'this campaign' : 'campaigns of this kind';
  if (passed) return `not held out of ${what} (${limit})`;
  return `held out: ${percentText(share)} of customers never get ${what}, to compare (${limit})`;
}

function sequenceText({ withinMs, events }: Step<'sequence'>, wording: Wording): string {
  const missing = events.findIndex(({ at }) => at === null);
  const told = events.slice(0, missing < 0 ? undefined : missing + 1).map(({ type, when, at }) => {
    const what = when === null ? type : `${type} where ${shorten(when, CONDITION_LENGTH_MAX)}`;
    return at === null ? `${what} did not come` : `${what} came at ${wording.when(at)}`;
  });
  const more = events.length - told.length;
  const rest = more === 0 ? '' : ` (${countText(more)} more ${more === 1 ? 'was' : 'were'} to follow)`;
  return `in the ${durationText(withinMs)} before: ${told.join(', then ')}${rest}`;
}

function unitsText({ passed, key, reason, limit, inHand }: Step<'units'>): string {
  const what =
    reason === 'budget'
      ? `the budget of offer ${key.slice(key.indexOf('/') + 1)}`
      : `the campaign's limit${key.startsWith('day/') ? ' of the day' : ''}`;
  if (!passed) return `${what} is used up: all ${countText(limit)}`;
  return `${what}: ${countText(limit)}, of which ${countText(inHand)} in hand here`;
}

function offerText({ passed, offer, max, perMs, contacts }: Step<'offer'>, wording: Wording): string {
  const had = contacts.length === 0 ? '' : `: ${wording.contacts(contacts)}`;
  if (contacts.length > max) return `offer ${offer}: ${mostText(max, perMs)}; had it ${timesText(contacts)}${had}`;
  const times = `${ofText(contacts.length, max)}${perMs === null ? '' : ` in the ${durationText(perMs)} before`}`;
  return `offer ${offer}: ${passed ? '' : 'had it already, '}${times}${had}`;
}

function cooldownText({ passed, cooldownMs, last, until }: Step<'cooldown'>, wording: Wording): string {
  const what = `cooldown of ${durationText(cooldownMs)}`;
  if (last === null) return `${what}: not contacted by it`;
  if (passed) return `${what}: last contact ${wording.contact(last)}`;
  return `${what}: had it at ${wording.when(last.at)} (${last.channel})${wording.until('again from', until)}`;
}

function excludedText({ passed, exclusion, perMs, last, until }: Step<'excluded'>, wording: Wording): string {
  const what = `exclusion ${exclusion}`;
  if (last === null) return `${what}: no other of them in the ${durationText(perMs)} before`;
  if (passed) return `${what}: last contact ${wording.contact(last)}`;
  return `${what}: another of them in the ${durationText(perMs)} before, at ${wording.contact(last)}${wording.until('free again', until)}`;
}

function consentText({ passed, rule, said }: Step<'consent'>): string {
  if (said === 'denied') return 'no consent: the customer said no';
  if (said === 'granted') return 'consent given';
  return passed ? `needs no consent (${rule})` : `no consent: ${rule}, and the customer never said yes`;
}

function quietHoursText(step: Step<'quiet_hours'>, wording: Wording): string {
  const { passed, from, to, timezone, localTime, until } = step;
  const clock = `it is ${localTime} in ${timezone}`;
  if (passed) return `no quiet hours (${from} to ${to}; ${clock})`;
  // The customer's clock is another one than that of all other times.
  const where = until === null || timezone === wording.zone ? '' : ` in ${wording.zone}`;
  return `quiet hours from ${from} to ${to}: ${clock}${wording.until('over', until)}${where}`;
}

function capText({ passed, name, max, room, perMs, contacts, until }: Contacts, wording: Wording): string {
  const reserved = room < max ? ` and ${max - room} kept for others` : '';
  const count =
    contacts.length > max
      ? `${mostText(max, perMs)}; heard from us ${timesText(contacts)}`
      : `${ofText(contacts.length, max)} in the ${durationText(perMs)} before${reserved}`;
  const times = `cap ${name}: ${count}`;
  if (contacts.length === 0) return times;
  return `${times}, at ${wording.contacts(contacts)}${passed ? '' : wording.until('free again', until)}`;
}

/** Of more than there may be: a cascade's next channel counts and does not ask the offer, and a later version may allow less. */
function mostText(max: number, perMs: number | null): string {
  return `${countText(max)} is the most${perMs === null ? '' : ` in ${durationText(perMs)}`}`;
}

function timesText({ length }: readonly unknown[]): string {
  return length === 1 ? 'once' : `${countText(length)} times`;
}

function gapText({ passed, perMs, contacts, until }: Contacts, wording: Wording): string {
  const what = `gap of ${durationText(perMs)}`;
  if (contacts.length === 0) return `${what}: nothing in it`;
  return `${what}: ${passed ? '' : 'just heard from us '}at ${wording.contacts(contacts)}${passed ? '' : wording.until('free again', until)}`;
}

function rankText({ rank, of, score, priority, value, winner }: Step<'rank'>): string {
  const numbers = `score ${numberText(score)}, priority ${numberText(priority)}, value ${numberText(value)}`;
  const place = `place${KEEP}${ofText(rank, of)} (${numbers})`;
  return winner === null ? place : `outranked by ${winner}: ${place}`;
}

function slotText({ passed, slot, taker }: Step<'slot'>): string {
  if (passed) return slot === null ? 'has no placements' : `placement ${slot}`;
  if (taker === null) return 'outranked: none of its placements is there';
  return `outranked by ${taker}, which took the last placement for it${slot === null ? '' : `, ${slot}`}`;
}

const WAITED_FOR = {
  wait: '',
  quiet_hours: ' for quiet hours to end',
  units: ' for a unit of a budget or limit',
  cascade: ' for its turn',
} as const;

function waitText({ passed, for: what, since, until }: Step<'wait'>, wording: Wording): string {
  if (passed)
    return `waited${WAITED_FOR[what]} since ${wording.when(since)}${until === null ? '' : `, due ${wording.when(until)}`}`;
  if (until === null) return `waits${WAITED_FOR[what]}`;
  if (what === 'quiet_hours') return `waits until quiet hours end, ${wording.when(until)}`;
  if (what === 'units') return `waits${WAITED_FOR[what]}, until ${wording.when(until)} at most`;
  const when = `${wording.when(until)} (${durationText(Date.parse(until) - Date.parse(since))})`;
  return what === 'cascade'
    ? `the next channel has its turn at ${when}, unless feedback ends it`
    : `waits until ${when}`;
}

function endedText({ reason, by }: Step<'ended'>, wording: Wording): string {
  switch (reason) {
    case 'cancelled':
      return by === null ? 'cancelled' : `cancelled by ${wording.event(by)}`;
    case 'superseded':
      return by === null
        ? 'superseded: a newer wait took its place'
        : `superseded: waits anew from ${wording.event(by)}`;
    case 'withdrawn':
      return 'withdrawn: the campaign went away while it waited';
    case 'lapsed':
      return 'lapsed: after the wait it was true no more';
  }
}

function shadowText({ channel, displaced }: Step<'shadow'>): string {
  const instead = displaced.length === 0 ? '' : ` in place of ${displaced.join(' and ')}`;
  return `in shadow: would have gone out by ${channel}${instead}`;
}
