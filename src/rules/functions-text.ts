/** String functions over boxed values: the standard ones and those of CEL's strings extension. Positions count code points; what would grow too long fails. */
import { EXPRESSION_LIST_LENGTH_MAX, EXPRESSION_TEXT_LENGTH_MAX } from '../constants.ts';
import type { Overload } from './functions.ts';
import { format } from './functions-format.ts';
import { countCodePoints } from './runtime-text.ts';
import { BOOL, type CelType, DYN, INT, listOf, STRING } from './types.ts';
import type { Failure, Value } from './values.ts';

const STRINGS = listOf(STRING);

function method(
  name: string,
  params: readonly CelType[],
  result: CelType,
  run: (...args: never[]) => Value | Failure,
): Overload {
  const id = `${params.map((param) => param.kind).join('_')}_${name}`;
  return { id, name, member: true, params, result, run: run as Overload['run'] };
}

/** UTF-16 offset of a code point; undefined outside of 0 … size. */
function unitOffset(text: string, position: bigint): number | Failure {
  if (position < 0n || position > BigInt(text.length)) return undefined;
  let offset = 0;
  for (let left = Number(position); left > 0; left--) {
    if (offset >= text.length) return undefined;
    offset += (text.codePointAt(offset) as number) > 0xffff ? 2 : 1;
  }
  return offset;
}

function charAt(text: string, position: bigint): string | Failure {
  const offset = unitOffset(text, position);
  if (offset === undefined) return undefined;
  return offset === text.length ? '' : String.fromCodePoint(text.codePointAt(offset) as number);
}

/** Code points before a UTF-16 offset; −1 stays −1. */
function position(text: string, offset: number): bigint {
  return offset < 0 ? -1n : BigInt(countCodePoints(text.slice(0, offset)));
}

function indexOf(text: string, part: string, from: bigint): bigint | Failure {
  const offset = unitOffset(text, from);
  if (offset === undefined) return undefined;
  if (part === '') return from;
  return offset === text.length ? undefined : position(text, text.indexOf(part, offset));
}

function lastIndexOf(text: string, part: string, from: bigint): bigint | Failure {
  const offset = unitOffset(text, from);
  if (offset === undefined) return undefined;
  if (part === '') return from;
  return offset === text.length ? undefined : position(text, text.lastIndexOf(part, offset));
}

function substring(text: string, from: bigint, to: bigint | null): string | Failure {
  const start = unitOffset(text, from);
  const end = to === null ? text.length : unitOffset(text, to);
  if (start === undefined || end === undefined || start > end) return undefined;
  return text.slice(start, end);
}

/** The first `limit` occurrences, all if it is negative. An empty `part` occurs before every code point and at the end. */
function replace(text: string, part: string, by: string, limit: bigint): string | Failure {
  let left = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
  let result = '';
  let at = 0;
  while (left > 0) {
    const found = text.indexOf(part, at);
    if (found < 0) break;
    if (part === '') {
      const next = at < text.length ? String.fromCodePoint(text.codePointAt(at) as number) : '';
      result += by + next;
      at += next.length;
      left = next === '' ? 0 : left - 1;
    } else {
      result += text.slice(at, found) + by;
      at = found + part.length;
      left--;
    }
    if (result.length > EXPRESSION_TEXT_LENGTH_MAX) return undefined;
  }
  result += text.slice(at);
  return result.length > EXPRESSION_TEXT_LENGTH_MAX ? undefined : result;
}

/** At most `limit` pieces, the last being the rest; all if it is negative. An empty separator splits between code points. */
function split(text: string, separator: string, limit: bigint): readonly string[] | Failure {
  if (limit === 0n) return [];
  const most = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
  const pieces: string[] = [];
  let at = 0;
  while (pieces.length + 1 < most && at <= text.length) {
    let end = text.indexOf(separator, at);
    if (separator === '') end = at >= text.length ? -1 : at + ((text.codePointAt(at) as number) > 0xffff ? 2 : 1);
    if (end < 0 || (separator === '' && end === text.length)) break;
    pieces.push(text.slice(at, end));
    at = end + separator.length;
    if (pieces.length >= EXPRESSION_LIST_LENGTH_MAX) return undefined;
  }
  if (separator === '' && text === '') return pieces;
  pieces.push(text.slice(at));
  return pieces;
}

function join(items: readonly Value[], separator: string): string | Failure {
  let result = '';
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item !== 'string') return undefined;
    result += i === 0 ? item : separator + item;
    if (result.length > EXPRESSION_TEXT_LENGTH_MAX) return undefined;
  }
  return result;
}

/** Go's unicode.IsSpace: not JavaScript's \s, which takes U+FEFF and leaves U+0085. */
const SPACES = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const LEADING_SPACES = new RegExp(`^${SPACES}+`);
const SPACE = new RegExp(SPACES);

function trim(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.test(text[end - 1] as string)) end--;
  return text.slice(0, end).replace(LEADING_SPACES, '');
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
]);

function quote(text: string): string | Failure {
  if (text.length * 2 > EXPRESSION_TEXT_LENGTH_MAX) return undefined;
  let result = '"';
  for (const character of text) result += ESCAPES.get(character) ?? character;
  return `${result}"`;
}

export const TEXT_FUNCTIONS: readonly Overload[] = [
  method('contains', [STRING, STRING], BOOL, (text: string, part: string) => text.includes(part)),
  method('startsWith', [STRING, STRING], BOOL, (text: string, part: string) => text.startsWith(part)),
  method('endsWith', [STRING, STRING], BOOL, (text: string, part: string) => text.endsWith(part)),
  method('charAt', [STRING, INT], STRING, charAt),
  method('indexOf', [STRING, STRING], INT, (text: string, part: string) => position(text, text.indexOf(part))),
  method('indexOf', [STRING, STRING, INT], INT, indexOf),
  method('lastIndexOf', [STRING, STRING], INT, (text: string, part: string) => position(text, text.lastIndexOf(part))),
  method('lastIndexOf', [STRING, STRING, INT], INT, lastIndexOf),
  method('substring', [STRING, INT], STRING, (text: string, from: bigint) => substring(text, from, null)),
  method('substring', [STRING, INT, INT], STRING, substring),
  method('replace', [STRING, STRING, STRING], STRING, (text: string, part: string, by: string) =>
    replace(text, part, by, -1n),
  ),
  method('replace', [STRING, STRING, STRING, INT], STRING, replace),
  method('split', [STRING, STRING], STRINGS, (text: string, separator: string) => split(text, separator, -1n)),
  method('split', [STRING, STRING, INT], STRINGS, split),
  method('join', [STRINGS], STRING, (items: readonly Value[]) => join(items, '')),
  method('join', [STRINGS, STRING], STRING, join),
  method('trim', [STRING], STRING, trim),
  method('lowerAscii', [STRING], STRING, (text: string) => text.replace(/[A-Z]+/g, (run) => run.toLowerCase())),
  method('upperAscii', [STRING], STRING, (text: string) => text.replace(/[a-z]+/g, (run) => run.toUpperCase())),
  method('reverse', [STRING], STRING, (text: string) => [...text].reverse().join('')),
  method('format', [STRING, listOf(DYN)], STRING, format),
  {
    id: 'strings.quote',
    name: 'strings.quote',
    member: false,
    params: [STRING],
    result: STRING,
    run: quote as Overload['run'],
  },
];
