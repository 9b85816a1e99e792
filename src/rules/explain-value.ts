/** Values as an explanation shows them: JSON that people can read. What JSON cannot write is text. */
import type { ExplainedValue } from '../protocol/explanation.ts';
import { formatDouble, formatTimestamp } from './runtime-notation.ts';
import { CelMap, Duration, Timestamp, TypeValue, Uint, type Value } from './values.ts';

/** A list of a few short items is written out. */
const LIST_TEXT_LENGTH_MAX = 60;

const MS_NS = 1_000_000n;

export function explainValue(value: Value): ExplainedValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : formatDouble(value);
  if (typeof value === 'bigint') return whole(value);
  if (value instanceof Uint) return whole(value.value);
  if (value instanceof Timestamp) return timestampText(value.ns);
  if (value instanceof Duration) return durationText(value.ns);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Uint8Array) return counted(value.length, 'byte', 'bytes');
  if (value instanceof CelMap) return counted(value.size, 'entry', 'entries');
  return listText(value);
}

export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function whole(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** With milliseconds, as all times of an explanation; with more digits where there are more. */
function timestampText(ns: bigint): string {
  const text = formatTimestamp(ns);
  if (ns % MS_NS !== 0n) return text;
  const [seconds, fraction = ''] = text.slice(0, -1).split('.') as [string, string?];
  return `${seconds}.${fraction.padEnd(3, '0')}Z`;
}

/** As it is written in duration('…'): 25h30m. */
function durationText(ns: bigint): string {
  const [sign, absolute] = ns < 0n ? ['-', -ns] : ['', ns];
  const seconds = absolute / 1_000_000_000n;
  const fraction = absolute % 1_000_000_000n;
  const [hours, minutes, rest] = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n];
  const decimals = fraction === 0n ? '' : `.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}`;
  const last = rest === 0n && decimals === '' ? '' : `${rest}${decimals}s`;
  const text = `${hours === 0n ? '' : `${hours}h`}${minutes === 0n ? '' : `${minutes}m`}${last}`;
  return text === '' ? '0s' : `${sign}${text}`;
}

/** `["a", "b"]`, or `14 items`. */
function listText(items: readonly Value[]): string {
  const parts: string[] = [];
  let length = 0;
  for (const item of items) {
    const part =
      typeof item === 'string' ? JSON.stringify(item) : Array.isArray(item) ? null : String(explainValue(item));
    length += part?.length ?? 0;
    if (part === null || length > LIST_TEXT_LENGTH_MAX) return counted(items.length, 'item', 'items');
    parts.push(part);
  }
  return `[${parts.join(', ')}]`;
}
