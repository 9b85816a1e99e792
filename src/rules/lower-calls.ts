/** Calls of known overloads: operations on unboxed values for those that rules use most, boxed calls for the rest. */
import type { Overload } from './functions.ts';
import { TIME_ACCESSORS } from './functions-time.ts';
import { type Ir, type Rep, repOf } from './ir.ts';
import type { Lowerer } from './lower.ts';
import { box, coerce, constant, constantOf, type Interval, operation, repOfType, toDouble } from './lower-values.ts';
import type { OperationName } from './operations.ts';
import { parseDuration, parseTimestamp } from './runtime-notation.ts';
import { checkTimestampNs, parseOffset } from './runtime-time.ts';
import type { Typed } from './typed.ts';

const SAFE = Number.MAX_SAFE_INTEGER;

export function lowerCall(lowerer: Lowerer, overload: Overload, args: readonly Typed[]): Ir {
  const folded = foldLiteral(overload, args);
  if (folded !== null) return folded;
  const values = args.map((arg) => lowerer.lower(arg));
  const unboxed =
    lowerInt(lowerer, overload.id, values) ?? lowerPlain(overload.id, values) ?? lowerTime(overload, values, args);
  if (unboxed !== null) return unboxed;
  const call: Ir = { op: 'overload', id: overload.id, args: values.map(box), rep: 'dyn' };
  return coerce(call, repOfType(overload.result));
}

/** duration('…') and timestamp('…') of whole milliseconds become numbers. */
function foldLiteral(overload: Overload, args: readonly Typed[]): Ir | null {
  const [arg] = args;
  if (arg?.node !== 'literal' || typeof arg.value !== 'string') return null;
  if (overload.id === 'string_to_duration') return foldNs(parseDuration(arg.value), 'spanMs', 'spanNs');
  if (overload.id !== 'string_to_timestamp') return null;
  const ns = parseTimestamp(arg.value);
  return foldNs(ns === undefined ? undefined : checkTimestampNs(ns), 'ms', 'ns');
}

function foldNs(ns: bigint | undefined, msRep: Rep, nsRep: Rep): Ir | null {
  if (ns === undefined) return null;
  return ns % 1_000_000n === 0n ? constantOf(msRep, Number(ns / 1_000_000n)) : constant(nsRep, ns.toString());
}

const INT_OPERATIONS: Readonly<Record<string, { safe: OperationName | null; checked: OperationName }>> = {
  add_int: { safe: 'addSafe', checked: 'addInt' },
  subtract_int: { safe: 'subtractSafe', checked: 'subtractInt' },
  multiply_int: { safe: 'multiplySafe', checked: 'multiplyInt' },
  negate_int: { safe: 'negateSafe', checked: 'negateInt' },
  divide_int: { safe: null, checked: 'divideInt' },
  remainder_int: { safe: null, checked: 'remainderInt' },
};

/** Plain arithmetic where the interval of the result stays within ±(2^53 − 1), checked arithmetic elsewhere. */
function lowerInt(lowerer: Lowerer, id: string, values: readonly Ir[]): Ir | null {
  const names = INT_OPERATIONS[id];
  if (names === undefined) return null;
  if (values.some((value) => repOf(value) !== 'int')) return operation(names.checked, values, 'wide');
  const result = intervalOf(
    id,
    values.map((value) => lowerer.interval(value)),
  );
  if (result[0] < -SAFE || result[1] > SAFE) return operation(names.checked, values, 'wide');
  return lowerer.within(operation(names.safe ?? names.checked, values, 'int'), result);
}

function intervalOf(id: string, [a, b = [0, 0]]: readonly Interval[]): Interval {
  const [x, y] = a as Interval;
  const [u, v] = b;
  switch (id) {
    case 'add_int':
      return [x + u, y + v];
    case 'subtract_int':
      return [x - v, y - u];
    case 'multiply_int': {
      const corners = [x * u, x * v, y * u, y * v];
      return [Math.min(...corners), Math.max(...corners)];
    }
    case 'negate_int':
      return [-y, -x];
    case 'divide_int': {
      const most = Math.max(Math.abs(x), Math.abs(y));
      return [-most, most];
    }
    default: {
      const most = Math.max(0, Math.max(Math.abs(u), Math.abs(v)) - 1);
      return [x < 0 ? -most : 0, y > 0 ? most : 0];
    }
  }
}

const PLAIN: Readonly<Record<string, readonly [OperationName, Rep]>> = {
  add_uint: ['addUint', 'uint'],
  subtract_uint: ['subtractUint', 'uint'],
  multiply_uint: ['multiplyUint', 'uint'],
  divide_uint: ['divideInt', 'uint'],
  remainder_uint: ['remainderInt', 'uint'],
  add_double: ['addDouble', 'double'],
  subtract_double: ['subtractDouble', 'double'],
  multiply_double: ['multiplyDouble', 'double'],
  divide_double: ['divideDouble', 'double'],
  negate_double: ['negateDouble', 'double'],
  add_string: ['concatenate', 'string'],
  string_string_contains: ['contains', 'bool'],
  string_string_startsWith: ['startsWith', 'bool'],
  string_string_endsWith: ['endsWith', 'bool'],
  double_to_int: ['doubleToInt', 'wide'],
};

function lowerPlain(id: string, values: readonly Ir[]): Ir | null {
  const plain = PLAIN[id];
  if (plain !== undefined) return operation(plain[0], values, plain[1]);
  const [value] = values as [Ir];
  if (/^(\w+)_to_\1$/.test(id)) return value;
  if (id === 'int_to_double' || id === 'uint_to_double') return operation('toDouble', [value], 'double');
  if (id === 'int_to_string' || id === 'uint_to_string') return operation('intText', [value], 'string');
  return id === 'uint_to_int' && repOf(toDouble(value)) === 'int' ? value : null;
}

const MS_OPERATIONS: Readonly<Record<string, readonly [OperationName, OperationName, Rep, Rep]>> = {
  subtract_timestamp: ['spanMs', 'spanNs', 'spanMs', 'spanNs'],
  subtract_duration: ['spanMs', 'spanNs', 'spanMs', 'spanNs'],
  add_duration: ['addSpansMs', 'addSpansNs', 'spanMs', 'spanNs'],
  add_timestamp_duration: ['addSpanMs', 'addSpanNs', 'ms', 'ns'],
  add_duration_timestamp: ['addSpanMs', 'addSpanNs', 'ms', 'ns'],
  subtract_timestamp_duration: ['subtractSpanMs', 'subtractSpanNs', 'ms', 'ns'],
};

function lowerTime(overload: Overload, values: readonly Ir[], args: readonly Typed[]): Ir | null {
  const names = MS_OPERATIONS[overload.id];
  if (names !== undefined) {
    const inMs = values.every((value) => repOf(value) === 'ms' || repOf(value) === 'spanMs');
    if (inMs) return operation(names[0], values, names[2]);
    return operation(names[1], values.map(inNs), names[3]);
  }
  if (!overload.id.startsWith('timestamp_get')) return null;
  const part = TIME_ACCESSORS.get(overload.name);
  const zone = args[1];
  const offset = zone === undefined ? 0 : zone.node === 'literal' ? parseOffset(zone.value as string) : undefined;
  if (part === undefined || offset === undefined) return null;
  const [time] = values as [Ir];
  const ms = repOf(time) === 'ms' ? time : operation('nsToMs', [time], 'ms');
  return operation('timePart', [ms, constant('int', offset), constant('int', part)], 'int');
}

function inNs(value: Ir): Ir {
  const rep = repOf(value);
  return coerce(value, rep === 'ms' ? 'ns' : rep === 'spanMs' ? 'spanNs' : rep);
}
