/**
 * The filters that templates may use, all our own: what a template prints must follow from its input alone, on every machine. So none reads a clock, a locale or a random
 * number, none recurses, none uses a regular expression that can run away, and what each makes is counted before it is made.
 */
import { escapeHtml, escapeHtmlOnce, lowerCase, truncate, upperCase } from './liquid-text.ts';
import {
  isBlank,
  propertyOf,
  RenderFault,
  toFinite,
  toList,
  toNumber,
  toText,
  type WorkMeter,
} from './liquid-values.ts';

export interface LiquidFilter {
  /** Least and most arguments behind the colon. */
  readonly arguments: readonly [number, number];
  /** `work` is told the size of what is made, in characters or entries. */
  readonly apply: (input: unknown, args: readonly unknown[], work: WorkMeter) => unknown;
}

type NumberOperation = (input: number, argument: number) => number;
type TextOperation = (input: string, args: readonly string[]) => string;

function numeric(argumentCount: 0 | 1, operation: NumberOperation): LiquidFilter {
  return {
    arguments: [argumentCount, argumentCount],
    apply: (input, args) => toFinite(operation(toNumber(input), toNumber(args[0]))),
  };
}

/** For operations whose result is no longer than about six times their input and arguments. */
function textual(range: readonly [number, number], operation: TextOperation): LiquidFilter {
  return {
    arguments: range,
    apply: (input, args, work) => {
      const text = toText(input);
      const texts = args.map(toText);
      work.use(6 * texts.reduce((sum, argument) => sum + argument.length, text.length));
      return operation(text, texts);
    },
  };
}

type ListOperation = (list: readonly unknown[], args: readonly unknown[]) => unknown;

function listing(range: readonly [number, number], operation: ListOperation): LiquidFilter {
  return {
    arguments: range,
    apply: (input, args, work) => {
      const list = toList(input);
      work.use(16 * list.length);
      return operation(list, args);
    },
  };
}

/** Literals: `**` with variables is not the same in every version of the runtime. */
const SCALES = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12] as const;

function digitsOf(value: unknown): number {
  return Math.min(Math.max(Math.trunc(toNumber(value)), 0), SCALES.length - 1);
}

/** Halves away from zero. */
function round(value: number, digits: number): number {
  const scale = SCALES[digits] as number;
  const scaled = Math.abs(value) * scale;
  // Beyond 2^52 a double has no fraction left.
  if (!(scaled < 4_503_599_627_370_496)) return value;
  return (Math.sign(value) * Math.floor(scaled + 0.5)) / scale;
}

function divisor(value: number): number {
  if (value === 0) throw new RenderFault('division by zero');
  return value;
}

/** How often `pattern` is replaced decides the size of the result, so it is counted first. */
function replacing(range: readonly [number, number], which: 'all' | 'first' | 'last'): LiquidFilter {
  return {
    arguments: range,
    apply: (input, args, work) => {
      const [text, pattern, replacement] = [toText(input), toText(args[0]), toText(args[1])];
      work.use(text.length);
      if (pattern === '') return text;
      if (which === 'all') {
        const parts = text.split(pattern);
        work.use(parts.length * (replacement.length + 16));
        return parts.join(replacement);
      }
      const at = which === 'first' ? text.indexOf(pattern) : text.lastIndexOf(pattern);
      work.use(replacement.length);
      return at < 0 ? text : text.slice(0, at) + replacement + text.slice(at + pattern.length);
    },
  };
}

/** `begin` may count from the end. On texts by code point. */
function slice(input: unknown, args: readonly unknown[], work: WorkMeter): unknown {
  const list = Array.isArray(input) ? input : Array.from(toText(input));
  work.use(16 * list.length);
  const begin = Math.trunc(toNumber(args[0]));
  const length = args.length < 2 ? 1 : Math.max(0, Math.trunc(toNumber(args[1])));
  const from = begin < 0 ? list.length + begin : begin;
  const part = from < 0 ? [] : list.slice(from, from + length);
  return Array.isArray(input) ? part : part.join('');
}

/** Numbers by value, then texts by UTF-16 unit, then everything else in its own order. */
function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return rank(a) - rank(b);
}

function rank(value: unknown): number {
  return typeof value === 'number' ? 0 : typeof value === 'string' ? 1 : 2;
}

function sort(list: readonly unknown[], args: readonly unknown[]): unknown {
  if (args.length === 0) return list.toSorted(compare);
  const property = toText(args[0]);
  return list.toSorted((a, b) => compare(propertyOf(a, property), propertyOf(b, property)));
}

function where(list: readonly unknown[], args: readonly unknown[]): unknown {
  const property = toText(args[0]);
  if (args.length > 1) return list.filter((item) => propertyOf(item, property) === args[1]);
  return list.filter((item) => !isBlank(propertyOf(item, property)));
}

function sum(list: readonly unknown[], args: readonly unknown[]): unknown {
  return toFinite(
    list.reduce(
      (total: number, item) => total + toNumber(args.length === 0 ? item : propertyOf(item, toText(args[0]))),
      0,
    ),
  );
}

/** `default: x, allow_false: true` arrives as the value and a pair. */
function defaultTo(input: unknown, args: readonly unknown[]): unknown {
  const option = args[1];
  if (input === false && Array.isArray(option) && option[0] === 'allow_false' && option[1] === true) return input;
  return isBlank(input) ? args[0] : input;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function truncateWords(text: string, count: number, ending: string): string {
  const all = words(text);
  return all.length <= count ? text : all.slice(0, Math.max(1, count)).join(' ') + ending;
}

export const LIQUID_FILTERS: ReadonlyMap<string, LiquidFilter> = new Map<string, LiquidFilter>([
  // Numbers.
  ['abs', numeric(0, Math.abs)],
  ['ceil', numeric(0, Math.ceil)],
  ['floor', numeric(0, Math.floor)],
  ['plus', numeric(1, (a, b) => a + b)],
  ['minus', numeric(1, (a, b) => a - b)],
  ['times', numeric(1, (a, b) => a * b)],
  ['divided_by', numeric(1, (a, b) => a / divisor(b))],
  ['modulo', numeric(1, (a, b) => a % divisor(b))],
  ['at_least', numeric(1, (a, b) => Math.max(a, b))],
  ['at_most', numeric(1, (a, b) => Math.min(a, b))],
  ['round', { arguments: [0, 1], apply: (input, args) => toFinite(round(toNumber(input), digitsOf(args[0]))) }],
  // Ours: `5.1 | fixed: 2` is 5.10. The language defines every digit of toFixed.
  [
    'fixed',
    {
      arguments: [0, 1],
      apply: (input, args) => toFinite(toNumber(input)).toFixed(args.length === 0 ? 2 : digitsOf(args[0])),
    },
  ],
  // Texts.
  ['append', textual([1, 1], (text, [end = '']) => text + end)],
  ['prepend', textual([1, 1], (text, [start = '']) => start + text)],
  ['upcase', textual([0, 0], upperCase)],
  ['downcase', textual([0, 0], lowerCase)],
  [
    'capitalize',
    textual([0, 0], (text) => upperCase(text.slice(0, firstLength(text))) + lowerCase(text.slice(firstLength(text)))),
  ],
  ['strip', textual([0, 0], (text) => text.trim())],
  ['lstrip', textual([0, 0], (text) => text.trimStart())],
  ['rstrip', textual([0, 0], (text) => text.trimEnd())],
  ['strip_newlines', textual([0, 0], (text) => text.replace(/\r?\n/g, ''))],
  ['newline_to_br', textual([0, 0], (text) => text.replace(/\r?\n/g, '<br />\n'))],
  ['escape', textual([0, 0], escapeHtml)],
  ['escape_once', textual([0, 0], escapeHtmlOnce)],
  [
    'url_encode',
    textual([0, 0], (text) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')).replaceAll('%20', '+')),
  ],
  ['truncate', { arguments: [0, 2], apply: (input, args, work) => truncating(input, args, work, 50, truncate) }],
  [
    'truncatewords',
    { arguments: [0, 2], apply: (input, args, work) => truncating(input, args, work, 15, truncateWords) },
  ],
  ['replace', replacing([2, 2], 'all')],
  ['replace_first', replacing([2, 2], 'first')],
  ['replace_last', replacing([2, 2], 'last')],
  ['remove', replacing([1, 1], 'all')],
  ['remove_first', replacing([1, 1], 'first')],
  ['remove_last', replacing([1, 1], 'last')],
  ['split', { arguments: [1, 1], apply: (input, args, work) => split(toText(input), toText(args[0]), work) }],
  // Lists.
  [
    'join',
    {
      arguments: [0, 1],
      apply: (input, args, work) => join(toList(input), args.length === 0 ? ' ' : toText(args[0]), work),
    },
  ],
  ['first', listing([0, 0], (list) => list[0])],
  ['last', listing([0, 0], (list) => list.at(-1))],
  ['reverse', listing([0, 0], (list) => list.toReversed())],
  ['sort', listing([0, 1], sort)],
  ['uniq', listing([0, 0], (list) => [...new Set(list)])],
  ['compact', listing([0, 0], (list) => list.filter((item) => item !== undefined && item !== null))],
  ['map', listing([1, 1], (list, args) => list.map((item) => propertyOf(item, toText(args[0]))))],
  ['where', listing([1, 2], where)],
  ['sum', listing([0, 1], sum)],
  // Both.
  ['size', { arguments: [0, 0], apply: (input, _args, work) => sizeOf(input, work) }],
  ['slice', { arguments: [1, 2], apply: slice }],
  ['default', { arguments: [1, 2], apply: defaultTo }],
]);

/** UTF-16 units of the first code point. */
function firstLength(text: string): number {
  return (text.codePointAt(0) ?? 0) > 0xffff ? 2 : 1;
}

function truncating(
  input: unknown,
  args: readonly unknown[],
  work: WorkMeter,
  countDefault: number,
  cut: (text: string, count: number, ending: string) => string,
): string {
  const text = toText(input);
  const ending = args.length > 1 ? toText(args[1]) : '...';
  work.use(2 * text.length + ending.length);
  return cut(text, args.length === 0 ? countDefault : Math.trunc(toNumber(args[0])), ending);
}

/** An empty separator gives the code points. Empty texts at the end are dropped, as in every Liquid. */
function split(text: string, separator: string, work: WorkMeter): string[] {
  work.use(16 * text.length);
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  while (parts.length > 0 && parts.at(-1) === '') parts.pop();
  return parts;
}

function join(list: readonly unknown[], separator: string, work: WorkMeter): string {
  const texts = list.map(toText);
  work.use(texts.reduce((length, text) => length + text.length + separator.length + 16, 0));
  return texts.join(separator);
}

function sizeOf(input: unknown, work: WorkMeter): number {
  if (Array.isArray(input)) return input.length;
  if (typeof input !== 'string') return 0;
  work.use(input.length);
  return Array.from(input).length;
}
