/** int(), uint(), double(), string(), bool(), bytes(), timestamp(), duration() and type() over boxed values. */
import type { Overload } from './functions.ts';
import { formatDouble, formatDuration, formatTimestamp, parseDuration, parseTimestamp } from './runtime-notation.ts';
import { doubleToInt, doubleToUint, inInt, inUint } from './runtime-numbers.ts';
import { checkTimestampNs } from './runtime-time.ts';
import { kindOf } from './runtime-values.ts';
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, TYPE, UINT } from './types.ts';
import { Duration, type Failure, Timestamp, TypeValue, Uint, type Value } from './values.ts';

function conversion(from: CelType, to: CelType, run: (value: never) => Value | Failure): Overload {
  return {
    id: `${from.kind}_to_${to.kind}`,
    name: to.kind,
    member: false,
    params: [from],
    result: to,
    run: run as Overload['run'],
  };
}

function same(type: CelType): Overload {
  return conversion(type, type, (value: Value) => value);
}

function textToInt(text: string): bigint | Failure {
  if (!/^[+-]?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return inInt(value) ? value : undefined;
}

function textToUint(text: string): Uint | Failure {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return inUint(value) ? new Uint(value) : undefined;
}

/** As Go reads numbers: decimal with an exponent, Inf and NaN in any case. */
function textToDouble(text: string): number | Failure {
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const match = /^([+-]?)(nan|inf|infinity)$/i.exec(text);
  if (match === null) return undefined;
  if ((match[2] as string).toLowerCase() === 'nan') return match[1] === '' ? Number.NaN : undefined;
  return match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const TRUE = new Set(['1', 't', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'false', 'FALSE', 'False']);

function textToBool(text: string): boolean | Failure {
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** Strict UTF-8: what does not encode back to the same bytes is an error. (The fatal decoder would throw.) */
export function decodeText(bytes: Uint8Array): string | Failure {
  const text = decoder.decode(bytes);
  if (!text.includes('\ufffd')) return text;
  const back = encoder.encode(text);
  return back.length === bytes.length && back.every((byte, i) => byte === bytes[i]) ? text : undefined;
}

function timestampOf(ns: bigint | Failure): Timestamp | Failure {
  return ns === undefined || checkTimestampNs(ns) === undefined ? undefined : new Timestamp(ns);
}

/** Whole seconds, rounded towards the past. */
function seconds(ns: bigint): bigint {
  const whole = ns / 1_000_000_000n;
  return ns % 1_000_000_000n < 0n ? whole - 1n : whole;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  null: 'null_type',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
};

export function typeOf(value: Value): TypeValue {
  const kind = kindOf(value);
  return new TypeValue(TYPE_NAMES[kind] ?? kind);
}

export const CONVERSIONS: readonly Overload[] = [
  same(INT),
  conversion(UINT, INT, (value: Uint) => (inInt(value.value) ? value.value : undefined)),
  conversion(DOUBLE, INT, (value: number) => {
    const whole = doubleToInt(value);
    return whole === undefined ? undefined : BigInt(whole);
  }),
  conversion(STRING, INT, textToInt),
  conversion(TIMESTAMP, INT, (value: Timestamp) => seconds(value.ns)),
  same(UINT),
  conversion(INT, UINT, (value: bigint) => (inUint(value) ? new Uint(value) : undefined)),
  conversion(DOUBLE, UINT, (value: number) => {
    const whole = doubleToUint(value);
    return whole === undefined ? undefined : new Uint(BigInt(whole));
  }),
  conversion(STRING, UINT, textToUint),
  same(DOUBLE),
  conversion(INT, DOUBLE, (value: bigint) => Number(value)),
  conversion(UINT, DOUBLE, (value: Uint) => Number(value.value)),
  conversion(STRING, DOUBLE, textToDouble),
  same(STRING),
  conversion(BOOL, STRING, (value: boolean) => (value ? 'true' : 'false')),
  conversion(INT, STRING, (value: bigint) => value.toString()),
  conversion(UINT, STRING, (value: Uint) => value.value.toString()),
  conversion(DOUBLE, STRING, formatDouble),
  conversion(BYTES, STRING, decodeText),
  conversion(TIMESTAMP, STRING, (value: Timestamp) => formatTimestamp(value.ns)),
  conversion(DURATION, STRING, (value: Duration) => formatDuration(value.ns)),
  same(BOOL),
  conversion(STRING, BOOL, textToBool),
  same(BYTES),
  conversion(STRING, BYTES, (value: string) => encoder.encode(value)),
  same(TIMESTAMP),
  conversion(STRING, TIMESTAMP, (value: string) => timestampOf(parseTimestamp(value))),
  conversion(INT, TIMESTAMP, (value: bigint) => timestampOf(value * 1_000_000_000n)),
  same(DURATION),
  conversion(STRING, DURATION, (value: string) => {
    const ns = parseDuration(value);
    return ns === undefined ? undefined : new Duration(ns);
  }),
  {
    id: 'type_named',
    name: '@type',
    member: false,
    params: [STRING],
    result: TYPE,
    run: ((name: string) => new TypeValue(name)) as Overload['run'],
  },
  { id: 'type_of', name: 'type', member: false, params: [DYN], result: TYPE, run: typeOf as Overload['run'] },
];
