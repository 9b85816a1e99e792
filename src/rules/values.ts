/**
 * Boxed values: what a value of type dyn, an element of a list and a key or value of a map are at run time. An int is a bigint and a double a number, so that
 * the two differ; statically typed code keeps both as plain numbers (see ir.ts). undefined is never a value: it is CEL's error.
 */

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint
  | Uint8Array
  | Timestamp
  | Duration
  | TypeValue
  | CelMap
  | readonly Value[];

/** A run-time error, as a value. */
export type Failure = undefined;

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

export class Timestamp {
  /** Nanoseconds since the Unix epoch. */
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
}

export class Duration {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
}

/** What type() gives. */
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** Keys are bool, int, uint or string; an int and a uint of equal value are the same key, and a double finds the integer that it equals. */
export class CelMap {
  readonly #values = new Map<string | boolean | bigint, Value>();
  readonly keys: Value[] = [];

  /** False if the key is there already or is of a type that cannot be one. */
  add(key: Value, value: Value): boolean {
    const normal = normalKey(key);
    if (normal === undefined || typeof key === 'number' || this.#values.has(normal)) return false;
    this.#values.set(normal, value);
    this.keys.push(key);
    return true;
  }

  get size(): number {
    return this.keys.length;
  }

  get(key: Value): Value | Failure {
    const normal = normalKey(key);
    return normal === undefined ? undefined : this.#values.get(normal);
  }

  has(key: Value): boolean {
    const normal = normalKey(key);
    return normal !== undefined && this.#values.has(normal);
  }
}

function normalKey(key: Value): string | boolean | bigint | undefined {
  if (typeof key === 'string' || typeof key === 'boolean' || typeof key === 'bigint') return key;
  if (key instanceof Uint) return key.value;
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key);
  return undefined;
}
