// Cron text: `minute hour day-of-month month day-of-week`, each `*`, a number, a range `1-5`, a step `*/15` or `9-17/2`, or a list of these. Months and days of the week have
// names as well (`jan`, `mon`, in any case); 7 is Sunday like 0. What other crons read in other ways (`?`, `L`, `@daily`, seconds, `5/15`) is refused with what to write instead.
import { didYouMean } from './suggest.ts';

/** Values that each field allows, ascending. */
export interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  /** 0 (Sunday) … 6. */
  readonly daysOfWeek: readonly number[];
}

/** offset: into the text, in UTF-16 units. */
export interface CronFault {
  readonly offset: number;
  readonly message: string;
}

interface Field {
  readonly what: string;
  readonly from: number;
  readonly to: number;
  /** names[i] is from + i. */
  readonly names: readonly string[];
}

const MONTH_NAMES = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAY_NAMES = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const SUNDAY_AGAIN = 7;

const FIELDS = [
  { what: 'minute', from: 0, to: 59, names: [] },
  { what: 'hour', from: 0, to: 23, names: [] },
  { what: 'day of month', from: 1, to: 31, names: [] },
  { what: 'month', from: 1, to: 12, names: MONTH_NAMES },
  { what: 'day of week', from: 0, to: SUNDAY_AGAIN, names: DAY_NAMES },
] as const satisfies readonly Field[];

const SHAPE = 'five fields, minute, hour, day of month, month and day of week, such as "0 10 * * mon-fri"';

/** Never throws, whatever the text. The first fault is enough: those behind it are mostly its consequences. */
export function parseCron(text: string): CronFields | CronFault {
  const parts = [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], offset: match.index }));
  if (parts.length !== FIELDS.length) {
    const hint = parts.length === 6 ? ': there are no seconds here' : '';
    return { offset: 0, message: `a schedule has ${SHAPE}; this has ${parts.length}${hint}` };
  }
  const values: number[][] = [];
  for (const [i, part] of parts.entries()) {
    const allowed = parseField(part.text, part.offset, FIELDS[i] as Field);
    if (!Array.isArray(allowed)) return allowed;
    values.push(allowed);
  }
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = values as [
    number[],
    number[],
    number[],
    number[],
    number[],
  ];
  return { minutes, hours, daysOfMonth, months, daysOfWeek: ascending(daysOfWeek.map((day) => day % SUNDAY_AGAIN)) };
}

function parseField(text: string, start: number, field: Field): number[] | CronFault {
  const values: number[] = [];
  let offset = start;
  for (const item of text.split(',')) {
    const range = parseItem(item, field);
    if (typeof range === 'string') return { offset, message: range };
    for (let value = range.from; value <= range.to; value += range.step) values.push(value);
    offset += item.length + 1;
  }
  return ascending(values);
}

function ascending(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

/** One item of a list, or what is wrong with it. */
function parseItem(item: string, field: Field): { from: number; to: number; step: number } | string {
  const match = /^(?:(\*)|([^-/*]+)(?:-([^-/*]+))?)(?:\/(.*))?$/.exec(item);
  if (match === null) return itemFault(item, field);
  const [, star, first = '', last, stepText] = match;
  const step = stepText === undefined ? 1 : stepOf(stepText);
  if (step === null) return `expected a step such as */15, got "${item}"`;
  if (star !== undefined) return { from: field.from, to: dayEnd(field), step };
  const from = numberOf(first, field);
  if (from === null) return itemFault(first, field);
  if (last === undefined) {
    if (stepText !== undefined) return `a step is taken in a range: write ${first}-${dayEnd(field)}/${stepText}`;
    return { from, to: from, step };
  }
  const end = numberOf(last, field);
  if (end === null) return itemFault(last, field);
  // fri-sun ends with the Sunday after Friday.
  const to = field.to === SUNDAY_AGAIN && end === 0 && from > 0 ? SUNDAY_AGAIN : end;
  if (from > to)
    return `the range ${item} runs backwards: write it as two, ${first}-${dayEnd(field)},${field.from}-${last}`;
  return { from, to, step };
}

/** Last value of a full range: Sunday is not in it twice. */
function dayEnd(field: Field): number {
  return field.to === SUNDAY_AGAIN ? SUNDAY_AGAIN - 1 : field.to;
}

function stepOf(text: string): number | null {
  return /^\d{1,4}$/.test(text) && Number(text) > 0 ? Number(text) : null;
}

function numberOf(text: string, field: Field): number | null {
  if (/^\d{1,4}$/.test(text)) {
    const value = Number(text);
    return value >= field.from && value <= field.to ? value : null;
  }
  const name = field.names.indexOf(text.toLowerCase());
  return name < 0 ? null : field.from + name;
}

function itemFault(text: string, { what, from, to, names }: Field): string {
  if (text === '?') return `\`?\` is not supported: write \`*\` for any ${what}`;
  if (text === '') return `the ${what} has an empty entry`;
  const [firstName, lastName] = [names[0], names.at(-1)];
  const choice = firstName === undefined ? '' : ` or a name ${firstName} … ${lastName}`;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  const near = names.length > 0 && /^[a-z]/i.test(text) ? didYouMean(text.toLowerCase(), names) : '';
  return `expected ${what === 'hour' ? 'an' : 'a'} ${what} from ${from} to ${to}${choice}, got "${shown}"${near}`;
}
