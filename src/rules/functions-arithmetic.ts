/** + − * / % and unary − over boxed values. */
import { EXPRESSION_LIST_LENGTH_MAX, EXPRESSION_TEXT_LENGTH_MAX } from '../constants.ts';
import type { Overload } from './functions.ts';
import { inInt, inUint } from './runtime-numbers.ts';
import { concatenate } from './runtime-text.ts';
import { checkSpanNs, checkTimestampNs } from './runtime-time.ts';
import { BYTES, type CelType, DOUBLE, DURATION, DYN, INT, listOf, STRING, TIMESTAMP, UINT } from './types.ts';
import { Duration, type Failure, Timestamp, Uint, type Value } from './values.ts';

const LIST = listOf(DYN);

function binary(
  id: string,
  name: string,
  left: CelType,
  right: CelType,
  result: CelType,
  run: (a: never, b: never) => Value | Failure,
): Overload {
  return { id, name, member: false, params: [left, right], result, run: run as Overload['run'] };
}

function int(value: bigint): bigint | Failure {
  return inInt(value) ? value : undefined;
}
function uint(value: bigint): Uint | Failure {
  return inUint(value) ? new Uint(value) : undefined;
}
function timestamp(ns: bigint): Timestamp | Failure {
  return checkTimestampNs(ns) === undefined ? undefined : new Timestamp(ns);
}
function duration(ns: bigint): Duration | Failure {
  return checkSpanNs(ns) === undefined ? undefined : new Duration(ns);
}

function concatenateBytes(a: Uint8Array, b: Uint8Array): Uint8Array | Failure {
  if (a.length + b.length > EXPRESSION_TEXT_LENGTH_MAX) return undefined;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function concatenateLists(a: readonly Value[], b: readonly Value[]): readonly Value[] | Failure {
  return a.length + b.length > EXPRESSION_LIST_LENGTH_MAX ? undefined : [...a, ...b];
}

export const ARITHMETIC: readonly Overload[] = [
  binary('add_int', '_+_', INT, INT, INT, (a: bigint, b: bigint) => int(a + b)),
  binary('add_uint', '_+_', UINT, UINT, UINT, (a: Uint, b: Uint) => uint(a.value + b.value)),
  binary('add_double', '_+_', DOUBLE, DOUBLE, DOUBLE, (a: number, b: number) => a + b),
  binary('add_string', '_+_', STRING, STRING, STRING, (a: string, b: string) => concatenate(a, b)),
  binary('add_bytes', '_+_', BYTES, BYTES, BYTES, concatenateBytes),
  binary('add_list', '_+_', LIST, LIST, LIST, concatenateLists),
  binary('add_duration', '_+_', DURATION, DURATION, DURATION, (a: Duration, b: Duration) => duration(a.ns + b.ns)),
  binary('add_timestamp_duration', '_+_', TIMESTAMP, DURATION, TIMESTAMP, (a: Timestamp, b: Duration) =>
    timestamp(a.ns + b.ns),
  ),
  binary('add_duration_timestamp', '_+_', DURATION, TIMESTAMP, TIMESTAMP, (a: Duration, b: Timestamp) =>
    timestamp(a.ns + b.ns),
  ),
  binary('subtract_int', '_-_', INT, INT, INT, (a: bigint, b: bigint) => int(a - b)),
  binary('subtract_uint', '_-_', UINT, UINT, UINT, (a: Uint, b: Uint) => uint(a.value - b.value)),
  binary('subtract_double', '_-_', DOUBLE, DOUBLE, DOUBLE, (a: number, b: number) => a - b),
  binary('subtract_duration', '_-_', DURATION, DURATION, DURATION, (a: Duration, b: Duration) => duration(a.ns - b.ns)),
  binary('subtract_timestamp', '_-_', TIMESTAMP, TIMESTAMP, DURATION, (a: Timestamp, b: Timestamp) =>
    duration(a.ns - b.ns),
  ),
  binary('subtract_timestamp_duration', '_-_', TIMESTAMP, DURATION, TIMESTAMP, (a: Timestamp, b: Duration) =>
    timestamp(a.ns - b.ns),
  ),
  binary('multiply_int', '_*_', INT, INT, INT, (a: bigint, b: bigint) => int(a * b)),
  binary('multiply_uint', '_*_', UINT, UINT, UINT, (a: Uint, b: Uint) => uint(a.value * b.value)),
  binary('multiply_double', '_*_', DOUBLE, DOUBLE, DOUBLE, (a: number, b: number) => a * b),
  binary('divide_int', '_/_', INT, INT, INT, (a: bigint, b: bigint) => (b === 0n ? undefined : int(a / b))),
  binary('divide_uint', '_/_', UINT, UINT, UINT, (a: Uint, b: Uint) =>
    b.value === 0n ? undefined : uint(a.value / b.value),
  ),
  binary('divide_double', '_/_', DOUBLE, DOUBLE, DOUBLE, (a: number, b: number) => a / b),
  binary('remainder_int', '_%_', INT, INT, INT, (a: bigint, b: bigint) => (b === 0n ? undefined : int(a % b))),
  binary('remainder_uint', '_%_', UINT, UINT, UINT, (a: Uint, b: Uint) =>
    b.value === 0n ? undefined : uint(a.value % b.value),
  ),
  {
    id: 'negate_int',
    name: '-_',
    member: false,
    params: [INT],
    result: INT,
    run: ((a: bigint) => int(-a)) as Overload['run'],
  },
  {
    id: 'negate_double',
    name: '-_',
    member: false,
    params: [DOUBLE],
    result: DOUBLE,
    run: ((a: number) => -a) as Overload['run'],
  },
];
