/**
 * Brings an event down to what JSON and MessagePack both can say: null, booleans, finite numbers, strings, arrays, objects. Members that are undefined are left
 * out and dates become RFC 3339, as in JSON; whatever else has no meaning to the engine is refused by name, because JSON would turn it into null in silence,
 * and null unsets attributes.
 */
import { EVENT_DEPTH_MAX } from '../constants.ts';
import { EventRefusedError } from './event.ts';

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** Returns the value itself where nothing has to change. Throws EventRefusedError, which names the place. */
export function toPlain(value: unknown, place: string, depth = 1): Plain {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      break;
    case 'object':
      if (value === null) return null;
      if (depth > EVENT_DEPTH_MAX) throw new EventRefusedError(`${place}: more than ${EVENT_DEPTH_MAX} levels deep`);
      if (Array.isArray(value)) return plainList(value, place, depth);
      if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
      if (isRecord(value)) return plainRecord(value, place, depth);
      break;
  }
  throw new EventRefusedError(`${place}: ${described(value)} cannot be sent`);
}

function plainList(list: readonly unknown[], place: string, depth: number): readonly Plain[] {
  let changed: Plain[] | null = null;
  for (let i = 0; i < list.length; i++) {
    const plain = toPlain(list[i], `${place}[${i}]`, depth + 1);
    if (changed === null && plain !== list[i]) changed = list.slice(0, i) as Plain[];
    changed?.push(plain);
  }
  return changed ?? (list as readonly Plain[]);
}

function plainRecord(record: Readonly<Record<string, unknown>>, place: string, depth: number): Plain {
  let changed: Record<string, Plain> | null = null;
  for (const [key, value] of Object.entries(record)) {
    const isAbsent = value === undefined;
    const plain = isAbsent ? null : toPlain(value, place === '' ? key : `${place}.${key}`, depth + 1);
    if (!isAbsent && plain === value) continue;
    changed ??= { ...record } as Record<string, Plain>;
    if (isAbsent) delete changed[key];
    else changed[key] = plain;
  }
  return changed ?? (record as { readonly [key: string]: Plain });
}

function isRecord(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function described(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  return value instanceof Date ? 'an invalid date' : `a ${value.constructor?.name ?? 'special object'}`;
}
