/** 'text %s'.format([…]) of CEL's strings extension: %s %d %f %e %b %x %X %o and %%, with a precision for %f and %e. */
import { EXPRESSION_TEXT_LENGTH_MAX } from '../constants.ts';
import { decodeText } from './functions-convert.ts';
import { formatDouble, formatDuration, formatTimestamp } from './runtime-notation.ts';
import { compareText } from './runtime-text.ts';
import { CelMap, Duration, type Failure, Timestamp, TypeValue, Uint, type Value } from './values.ts';

const PRECISION_DEFAULT = 6;
const PRECISION_MAX = 100;

export function format(template: string, args: readonly Value[]): string | Failure {
  const clause = /%(?:(%)|(?:\.(\d{1,4}))?([a-zA-Z]))?/g;
  let result = '';
  let at = 0;
  let next = 0;
  for (let match = clause.exec(template); match !== null; match = clause.exec(template)) {
    result += template.slice(at, match.index);
    at = clause.lastIndex;
    if (match[1] !== undefined) result += '%';
    else {
      const arg = next < args.length ? args[next++] : undefined;
      if (match[3] === undefined || arg === undefined) return undefined;
      const written = substitute(match[3], arg, match[2] === undefined ? PRECISION_DEFAULT : Number(match[2]));
      if (written === undefined) return undefined;
      result += written;
    }
    if (result.length > EXPRESSION_TEXT_LENGTH_MAX) return undefined;
  }
  return next < args.length ? undefined : result + template.slice(at);
}

function substitute(clause: string, arg: Value, precision: number): string | Failure {
  if (precision > PRECISION_MAX) return undefined;
  switch (clause) {
    case 's':
      return text(arg);
    case 'd':
      return typeof arg === 'number' && !Number.isFinite(arg) ? String(arg) : integer(arg, 10);
    case 'f':
      return typeof arg === 'number' ? fixed(arg, precision) : undefined;
    case 'e':
      return typeof arg === 'number' ? scientific(arg, precision) : undefined;
    case 'b':
      return typeof arg === 'boolean' ? (arg ? '1' : '0') : integer(arg, 2);
    case 'o':
      return integer(arg, 8);
    case 'x':
      return hexadecimal(arg);
    case 'X':
      return hexadecimal(arg)?.toUpperCase();
    default:
      return undefined;
  }
}

function integer(arg: Value, radix: number): string | Failure {
  if (typeof arg === 'bigint') return arg.toString(radix);
  return arg instanceof Uint ? arg.value.toString(radix) : undefined;
}

const encoder = new TextEncoder();

function hexadecimal(arg: Value): string | Failure {
  const bytes = typeof arg === 'string' ? encoder.encode(arg) : arg;
  if (!(bytes instanceof Uint8Array)) return integer(arg, 16);
  let result = '';
  for (const byte of bytes) result += byte.toString(16).padStart(2, '0');
  return result;
}

function text(arg: Value): string | Failure {
  if (typeof arg === 'string') return arg;
  if (typeof arg === 'number') return formatDouble(arg);
  if (arg === null || typeof arg === 'boolean' || typeof arg === 'bigint') return String(arg);
  if (arg instanceof Uint) return arg.value.toString();
  if (arg instanceof Uint8Array) return decodeText(arg);
  if (arg instanceof Timestamp) return formatTimestamp(arg.ns);
  if (arg instanceof Duration) return formatDuration(arg.ns);
  if (arg instanceof TypeValue) return arg.name;
  return arg instanceof CelMap ? mapText(arg) : listText(arg);
}

function listText(items: readonly Value[]): string | Failure {
  const parts: string[] = [];
  let length = 0;
  for (const item of items) {
    const part = text(item);
    length += part?.length ?? 0;
    if (part === undefined || length > EXPRESSION_TEXT_LENGTH_MAX) return undefined;
    parts.push(part);
  }
  return `[${parts.join(', ')}]`;
}

/** In the order of the keys as text. */
function mapText(map: CelMap): string | Failure {
  const parts: [string, string][] = [];
  let length = 0;
  for (const key of map.keys) {
    const [name, value] = [text(key), text(map.get(key) as Value)];
    if (name === undefined || value === undefined) return undefined;
    length += name.length + value.length;
    if (length > EXPRESSION_TEXT_LENGTH_MAX) return undefined;
    parts.push([name, value]);
  }
  parts.sort((a, b) => compareText(a[0], b[0]));
  return `{${parts.map(([name, value]) => `${name}: ${value}`).join(', ')}}`;
}

const view = new DataView(new ArrayBuffer(8));

/** A finite double is exactly digits · 10^−scale. */
function exactDecimal(value: number): { readonly digits: bigint; readonly scale: number } {
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const mantissa = biased === 0 ? bits : (bits & 0xfffffffffffffn) | 0x10000000000000n;
  const exponent = Math.max(biased, 1) - 1075;
  if (exponent >= 0) return { digits: mantissa << BigInt(exponent), scale: 0 };
  return { digits: mantissa * 5n ** BigInt(-exponent), scale: -exponent };
}

/** digits / 10^drop, to the nearest integer, halves to the even one. */
function roundHalfEven(digits: bigint, drop: number): bigint {
  if (drop <= 0) return digits * 10n ** BigInt(-drop);
  const unit = 10n ** BigInt(drop);
  const whole = digits / unit;
  const twice = (digits % unit) * 2n;
  return twice > unit || (twice === unit && whole % 2n === 1n) ? whole + 1n : whole;
}

function fixed(value: number, precision: number): string {
  if (!Number.isFinite(value)) return String(value);
  const { digits, scale } = exactDecimal(value);
  const rounded = roundHalfEven(digits, scale - precision)
    .toString()
    .padStart(precision + 1, '0');
  const point = rounded.length - precision;
  return sign(value) + rounded.slice(0, point) + (precision > 0 ? `.${rounded.slice(point)}` : '');
}

function scientific(value: number, precision: number): string {
  if (!Number.isFinite(value)) return String(value);
  const { digits, scale } = exactDecimal(value);
  let exponent = digits === 0n ? 0 : digits.toString().length - 1 - scale;
  let rounded =
    digits === 0n
      ? '0'.repeat(precision + 1)
      : roundHalfEven(digits, digits.toString().length - 1 - precision).toString();
  if (rounded.length > precision + 1) {
    rounded = rounded.slice(0, -1);
    exponent++;
  }
  const fraction = precision > 0 ? `.${rounded.slice(1)}` : '';
  const power = Math.abs(exponent).toString().padStart(2, '0');
  return `${sign(value)}${rounded[0]}${fraction}e${exponent < 0 ? '-' : '+'}${power}`;
}

function sign(value: number): string {
  return value < 0 || Object.is(value, -0) ? '-' : '';
}
