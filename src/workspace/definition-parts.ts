/** The small values that the workspace's definitions are made of, with the messages that people get when one is wrong. */
import { z } from 'zod';
import { DURATION_MS_MAX, NAME_LENGTH_MAX, SCHEDULE_OFFSET_MS_MAX, TITLE_LENGTH_MAX } from '../constants.ts';
import { DATE_PATTERN, parseDate } from './calendar.ts';
import { DURATION_PATTERN, formatDuration, OFFSET_PATTERN, parseDuration, parseOffset } from './duration.ts';
import { didYouMean } from './suggest.ts';

/** Read as `event.name` or `profile.name` in rules: an identifier of CEL. */
export const IDENTIFIER_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Part of a NATS subject, a metric label, a URL: letters, digits, - and _. */
export const ID_PATTERN = /^[A-Za-z0-9_-]+$/;
const EVENT_REFERENCE_PATTERN = /^(?:\$feedback|[A-Za-z0-9_-]+)$/;
/** Words that CEL does not take as a name, even behind a dot. */
const CEL_KEYWORDS = new Set(['true', 'false', 'null', 'in']);

/**
 * What every object inherits (`constructor`, `toString` …) is no name: somewhere between here and a customer there may be a plain object keyed by it.
 */
const INHERITED = new Set(Object.getOwnPropertyNames(Object.prototype));

/** A wrong value as people wrote it, shortened. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string') return value.length > 40 ? `"${value.slice(0, 40)}…"` : `"${value}"`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : String(value);
}

type Message = (issue: { readonly input?: unknown }) => string | undefined;

/** `expected …, got …`; a missing value is left to the message for missing keys. */
export function expected(what: string): Message {
  return ({ input }) => (input === undefined ? undefined : `expected ${what}, got ${show(input)}`);
}

/** Why a name is not one, or null. */
export function identifierFault(name: string): string | null {
  if (!IDENTIFIER_PATTERN.test(name))
    return `\`${name}\` cannot be a name: letters, digits and _ only, not starting with a digit`;
  if (CEL_KEYWORDS.has(name)) return `\`${name}\` cannot be a name: it is a word of the expression language`;
  if (INHERITED.has(name)) return `\`${name}\` cannot be a name: it is reserved`;
  return name.length > NAME_LENGTH_MAX ? `a name may have at most ${NAME_LENGTH_MAX} characters` : null;
}

/** Why an id is not one, or null. */
export function idFault(id: string): string | null {
  if (!ID_PATTERN.test(id)) return `\`${id}\` cannot be an id: letters, digits, - and _ only`;
  if (INHERITED.has(id)) return `\`${id}\` cannot be an id: it is reserved`;
  return id.length > NAME_LENGTH_MAX ? `an id may have at most ${NAME_LENGTH_MAX} characters` : null;
}

const faultOf =
  (fault: (text: string) => string | null, what: string): Message =>
  ({ input }) =>
    typeof input === 'string' ? (fault(input) ?? undefined) : expected(what)({ input });

/** A key that rules read. */
export const identifier = z
  .string({ error: expected('a name') })
  .regex(IDENTIFIER_PATTERN, { error: faultOf(identifierFault, 'a name') })
  .refine((name) => identifierFault(name) === null, { error: faultOf(identifierFault, 'a name') });

export const id = z
  .string({ error: expected('an id') })
  .regex(ID_PATTERN, { error: faultOf(idFault, 'an id') })
  .refine((text) => idFault(text) === null, { error: faultOf(idFault, 'an id') });

const eventTypeFault = (type: string): string | null =>
  type.startsWith('$') ? `\`${type}\` cannot be declared: types that start with $ are the engine's own` : idFault(type);

/** Type of an event: it becomes part of a subject. */
export const eventType = z
  .string({ error: expected('an event type') })
  .regex(ID_PATTERN, { error: faultOf(eventTypeFault, 'an event type') })
  .refine((type) => eventTypeFault(type) === null, { error: faultOf(eventTypeFault, 'an event type') });

const eventReferenceFault = (type: string): string | null => {
  if (type === '$feedback') return null;
  return type.startsWith('$')
    ? `\`${type}\` is ${didYouMean(type, ['$feedback']) === '' ? "the engine's own: only events of events.yaml and `$feedback` can be named here" : 'no event type; did you mean `$feedback`?'}`
    : idFault(type);
};

/** An event type where it is referred to: of events.yaml, or `$feedback`. */
export const eventReference = z
  .string({ error: expected('an event type') })
  .regex(EVENT_REFERENCE_PATTERN, { error: faultOf(eventReferenceFault, 'an event type') })
  .refine((type) => eventReferenceFault(type) === null, { error: faultOf(eventReferenceFault, 'an event type') });

const CRON = 'cron text such as "0 10 * * *"';
/** Cron text; parseCron reads it. */
export const cron = z
  .string({ error: expected(CRON) })
  .min(1, { error: 'must not be empty' })
  .max(TITLE_LENGTH_MAX, { error: `at most ${TITLE_LENGTH_MAX} characters` })
  .meta({
    description:
      'Minute, hour, day of month, month, day of week, in the time zone of the workspace: "0 10 * * mon-fri".',
  });

/** When something is due: cron text, or the name of a schedule. */
export const schedule = z
  .string({ error: expected('a schedule such as "0 10 * * *", or the name of one') })
  .min(1, { error: 'must not be empty' })
  .max(TITLE_LENGTH_MAX, { error: `at most ${TITLE_LENGTH_MAX} characters` })
  .meta({
    description:
      'Cron in the time zone of the workspace (minute, hour, day of month, month, day of week; "0 10 * * mon-fri"), or a name from `schedules` in workspace.yaml.',
  });

export const text = z
  .string({ error: expected('a text') })
  .min(1, { error: 'must not be empty' })
  .max(TITLE_LENGTH_MAX, { error: `may have at most ${TITLE_LENGTH_MAX} characters` });

const durationFault: Message = ({ input }) => {
  if (typeof input === 'string') {
    const ms = parseDuration(input);
    if (ms !== null && ms > DURATION_MS_MAX)
      return `expected a duration of at most ${formatDuration(DURATION_MS_MAX)}, got ${show(input)}`;
  }
  return expected('a duration such as 90s, 30m, 24h or 7d')({ input });
};

/** Kept as text; parseDuration gives its milliseconds. */
export const duration = z
  .string({ error: durationFault })
  .regex(DURATION_PATTERN, { error: durationFault })
  .refine((value) => (parseDuration(value) ?? 0) <= DURATION_MS_MAX, { error: durationFault })
  .meta({ description: 'A duration: 90s, 30m, 24h, 7d, or a combination such as 1d12h.' });

const POSITIVE_DURATION = 'a duration longer than nothing, such as 30m or 7d';
export const positiveDuration = duration.refine((value) => parseDuration(value) !== 0, {
  error: expected(POSITIVE_DURATION),
});

/** The same within a bound of its own. `missing`: what to say where there is none. */
export function durationUpTo(maxMs: number, missing?: string) {
  const error: Message = ({ input }) => {
    if (input === undefined) return missing;
    const ms = typeof input === 'string' ? parseDuration(input) : null;
    if (ms !== null && ms > maxMs) return `expected a duration of at most ${formatDuration(maxMs)}, got ${show(input)}`;
    return expected(ms === 0 ? POSITIVE_DURATION : 'a duration such as 90s, 30m, 24h or 7d')({ input });
  };
  return z
    .string({ error })
    .regex(DURATION_PATTERN, { error })
    .refine(
      (value) => {
        const ms = parseDuration(value) ?? 0;
        return ms > 0 && ms <= maxMs;
      },
      { error },
    )
    .meta({
      description: `A duration of at most ${formatDuration(maxMs)}: 90s, 30m, 24h, 7d, or a combination such as 1d12h.`,
    });
}

const offsetFault: Message = ({ input }) => {
  if (typeof input === 'string') {
    const ms = parseOffset(input);
    if (ms !== null && Math.abs(ms) > SCHEDULE_OFFSET_MS_MAX)
      return `expected an offset of at most ${formatDuration(SCHEDULE_OFFSET_MS_MAX)}, got ${show(input)}`;
  }
  return expected('an offset such as -3h or 30m')({ input });
};

/** Kept as text; parseOffset gives its milliseconds. */
export const offset = z
  .string({ error: offsetFault })
  .regex(OFFSET_PATTERN, { error: offsetFault })
  .refine((value) => Math.abs(parseOffset(value) ?? 0) <= SCHEDULE_OFFSET_MS_MAX, { error: offsetFault })
  .meta({ description: 'How much later than the schedule says: 30m; with a minus sign, earlier: -3h.' });

const PERCENTAGE_PATTERN = /^(?:100(?:\.0+)?|\d{1,2}(?:\.\d+)?)%$/;
const PERCENTAGE = 'a percentage such as 10%';
/** Kept as text; parsePercentage gives its share. */
export const percentage = z
  .string({ error: expected(PERCENTAGE) })
  .regex(PERCENTAGE_PATTERN, { error: expected(PERCENTAGE) })
  .meta({ description: 'A percentage from 0% to 100%.' });

/** `10%` → 0.1, the nearest double: decimal digits are moved, not divided. */
export function parsePercentage(value: string): number {
  return Number(`${value.slice(0, -1)}e-2`);
}

const DATE = 'a date such as 2011-12-31';
export const date = z
  .string({ error: expected(DATE) })
  .regex(DATE_PATTERN, { error: expected(DATE) })
  .refine((value) => parseDate(value) !== null, { error: ({ input }) => `there is no day ${show(input)}` })
  .meta({ description: 'A day in the time zone of the workspace: 2011-12-31.' });

const TIME_PATTERN = /^([01]\d|2[0-3]):([0-5]\d)$/;
const TIME = 'a time of day such as "21:00"';
export const timeOfDay = z
  .string({ error: expected(TIME) })
  .regex(TIME_PATTERN, { error: expected(TIME) })
  .meta({ description: 'A time of day, 00:00 to 23:59.' });

/** `21:00` → minutes after midnight. */
export function parseTimeOfDay(value: string): number {
  return Number(value.slice(0, 2)) * 60 + Number(value.slice(3, 5));
}

/** A CEL expression; `true` and plain numbers may stand without quotes. */
export const expression = z
  .union([z.string().min(1, { error: 'must not be empty' }), z.boolean(), z.number()], {
    error: expected('an expression'),
  })
  .meta({ description: 'An expression in CEL.' });

/** `expected … or …, got …`. */
export function choiceFault(input: unknown, words: readonly string[]): string {
  const list = words.map((word) => `\`${word}\``);
  const choice = `${list.slice(0, -1).join(', ')} or ${list.at(-1)}`;
  return `expected ${choice}, got ${show(input)}${typeof input === 'string' ? didYouMean(input, words) : ''}`;
}

/** One of a few words. */
export function oneOf<const T extends readonly [string, string, ...string[]]>(...words: T) {
  return z.enum(words, { error: ({ input }) => (input === undefined ? undefined : choiceFault(input, words)) });
}

/** Both ends included; at least one of them. */
export const validity = z
  .strictObject({ from: date.optional(), to: date.optional() })
  .refine(({ from, to }) => from !== undefined || to !== undefined, { error: 'needs `from` or `to`' })
  .refine(
    ({ from, to }) =>
      from === undefined || to === undefined || from <= to || parseDate(from) === null || parseDate(to) === null,
    { error: '`from` is after `to`' },
  )
  .meta({ description: 'First and last day, both included, in the time zone of the workspace.' });

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A whole number within bounds. */
export function wholeNumber(from: number, to: number) {
  const message = expected(`a whole number from ${grouped(from)} to ${grouped(to)}`);
  return z.int({ error: message }).min(from, { error: message }).max(to, { error: message });
}
