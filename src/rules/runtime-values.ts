/** What compiled rules do with boxed values: equality, order, boxing, indexing and iteration. Never throws; undefined is an error. */

import { toWide, type Wide } from './runtime-numbers.ts';
import { compareBytes, compareText, countCodePoints } from './runtime-text.ts';
import { CelMap, Duration, type Failure, Timestamp, TypeValue, Uint, type Value } from './values.ts';

export type ValueKind =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'list'
  | 'map';

export function kindOf(value: Value): ValueKind {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Uint) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Timestamp) return 'timestamp';
  if (value instanceof Duration) return 'duration';
  if (value instanceof TypeValue) return 'type';
  return 'map';
}

/** The number behind an int, uint or double; undefined for anything else. */
function numeric(value: Value): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  return value instanceof Uint ? value.value : undefined;
}

/** CEL's ==: numbers across types, values of different types are unequal, never an error. */
export function equals(a: Value, b: Value): boolean {
  if (a === b) return true;
  const x = numeric(a);
  if (x !== undefined) {
    const y = numeric(b);
    return y !== undefined && compareNumbers(x, y) === 0;
  }
  if (a === null || b === null) return false;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.ns === b.ns;
  if (a instanceof Duration) return b instanceof Duration && a.ns === b.ns;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!equals(a[i] as Value, b[i] as Value)) return false;
    return true;
  }
  if (a instanceof CelMap) {
    if (!(b instanceof CelMap) || a.size !== b.size) return false;
    for (const key of a.keys) {
      const other = b.get(key);
      if (other === undefined || !equals(a.get(key) as Value, other)) return false;
    }
    return true;
  }
  return false;
}

/**
 * An integer meets a double as a double, as in cel-go: beyond 2^53 the two may be equal without being the same number. NaN is unequal to all (the result NaN).
 */
function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  const x = Number(a);
  const y = Number(b);
  if (x === y) return 0;
  return x < y ? -1 : x > y ? 1 : Number.NaN;
}

/** Negative, 0, positive; NaN if not ordered (NaN itself); undefined if the two types have no order. */
export function compare(a: Value, b: Value): number | Failure {
  const x = numeric(a);
  if (x !== undefined) {
    const y = numeric(b);
    return y === undefined ? undefined : compareNumbers(x, y);
  }
  if (typeof a === 'string') return typeof b === 'string' ? compareText(a, b) : undefined;
  if (typeof a === 'boolean') return typeof b === 'boolean' ? Number(a) - Number(b) : undefined;
  if (a instanceof Timestamp) return b instanceof Timestamp ? compareNumbers(a.ns, b.ns) : undefined;
  if (a instanceof Duration) return b instanceof Duration ? compareNumbers(a.ns, b.ns) : undefined;
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? compareBytes(a, b) : undefined;
  return undefined;
}

export function boxUint(value: Wide): Uint {
  return new Uint(BigInt(value));
}
export function boxMs(ms: number): Timestamp {
  return new Timestamp(BigInt(ms) * 1_000_000n);
}
export function boxNs(ns: bigint): Timestamp {
  return new Timestamp(ns);
}
export function boxSpanMs(ms: number): Duration {
  return new Duration(BigInt(ms) * 1_000_000n);
}
export function boxSpanNs(ns: bigint): Duration {
  return new Duration(ns);
}

export function unboxBool(value: Value): boolean | Failure {
  return typeof value === 'boolean' ? value : undefined;
}
export function unboxInt(value: Value): Wide | Failure {
  return typeof value === 'bigint' ? toWide(value) : undefined;
}
export function unboxUint(value: Value): Wide | Failure {
  return value instanceof Uint ? toWide(value.value) : undefined;
}
export function unboxDouble(value: Value): number | Failure {
  return typeof value === 'number' ? value : undefined;
}
export function unboxText(value: Value): string | Failure {
  return typeof value === 'string' ? value : undefined;
}
export function unboxBytes(value: Value): Uint8Array | Failure {
  return value instanceof Uint8Array ? value : undefined;
}
export function unboxNs(value: Value): bigint | Failure {
  return value instanceof Timestamp ? value.ns : undefined;
}
export function unboxSpanNs(value: Value): bigint | Failure {
  return value instanceof Duration ? value.ns : undefined;
}
export function unboxList(value: Value): readonly Value[] | Failure {
  return Array.isArray(value) ? value : undefined;
}
export function unboxMap(value: Value): CelMap | Failure {
  return value instanceof CelMap ? value : undefined;
}
export function unboxType(value: Value): TypeValue | Failure {
  return value instanceof TypeValue ? value : undefined;
}
export function unboxNull(value: Value): null | Failure {
  return value === null ? null : undefined;
}

/** What a macro walks over: a list's items or a map's keys. */
export function iterate(value: Value): readonly Value[] | Failure {
  if (Array.isArray(value)) return value;
  return value instanceof CelMap ? value.keys : undefined;
}

/** list[index] or map[key]. A list may be indexed by any number that is whole. */
export function index(container: Value, key: Value): Value | Failure {
  if (container instanceof CelMap) return container.get(key);
  if (!Array.isArray(container)) return undefined;
  const at = numeric(key);
  if (at === undefined) return undefined;
  const i = Number(at);
  return i >= 0 && i < container.length && Number.isInteger(i) ? (container[i] as Value) : undefined;
}

/** operand.field on a map. */
export function select(operand: Value, field: string): Value | Failure {
  return operand instanceof CelMap ? operand.get(field) : undefined;
}
export function hasField(operand: Value, field: string): boolean | Failure {
  return operand instanceof CelMap ? operand.has(field) : undefined;
}

export function contains(container: Value, item: Value): boolean | Failure {
  if (Array.isArray(container)) {
    for (let i = 0; i < container.length; i++) if (equals(container[i] as Value, item)) return true;
    return false;
  }
  return container instanceof CelMap ? container.has(item) : undefined;
}

/** From alternating keys and values; undefined on a repeated key or one that cannot be a key. */
export function makeMap(entries: readonly Value[]): CelMap | Failure {
  const map = new CelMap();
  for (let i = 0; i < entries.length; i += 2) {
    if (!map.add(entries[i] as Value, entries[i + 1] as Value)) return undefined;
  }
  return map;
}

/** Indices of all objects of a list. */
export function range(length: number): number[] {
  const indices = new Array<number>(length);
  for (let i = 0; i < length; i++) indices[i] = i;
  return indices;
}

export function less(a: Value, b: Value): boolean | Failure {
  const order = compare(a, b);
  return order === undefined ? undefined : order < 0;
}
export function lessEqual(a: Value, b: Value): boolean | Failure {
  const order = compare(a, b);
  return order === undefined ? undefined : order <= 0;
}
export function greater(a: Value, b: Value): boolean | Failure {
  const order = compare(a, b);
  return order === undefined ? undefined : order > 0;
}
export function greaterEqual(a: Value, b: Value): boolean | Failure {
  const order = compare(a, b);
  return order === undefined ? undefined : order >= 0;
}

export function sizeOf(value: Value): number | Failure {
  if (typeof value === 'string') return countCodePoints(value);
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  return value instanceof CelMap ? value.size : undefined;
}

/** The index itself if the list has it. */
export function checkIndex(index: Wide, length: number): number | Failure {
  return typeof index === 'number' && index >= 0 && index < length ? index : undefined;
}
export function elementAt(elements: readonly number[], index: Wide): number | Failure {
  return typeof index === 'number' ? elements[index] : undefined;
}

/** Whether items[from … to − 1] has the item. One function for each kind of array, so that each stays monomorphic. */
export function amongTexts(items: readonly string[], from: number, to: number, item: string): boolean {
  for (let i = from; i < to; i++) if (items[i] === item) return true;
  return false;
}
export function amongNumbers(items: Float64Array, from: number, to: number, item: number): boolean {
  for (let i = from; i < to; i++) if (items[i] === item) return true;
  return false;
}
export function amongCodes(items: Int32Array, from: number, to: number, item: number): boolean {
  for (let i = from; i < to; i++) if (items[i] === item) return true;
  return false;
}
export function anySeen(codes: Int32Array, from: number, to: number, seen: Uint8Array): boolean {
  for (let i = from; i < to; i++) if (seen[codes[i] as number] !== 0) return true;
  return false;
}
