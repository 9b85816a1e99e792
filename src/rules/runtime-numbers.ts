/**
 * Integer arithmetic of compiled rules. A static int is a number while it is within ±(2^53 − 1) and a bigint beyond (normal form, so that === and < hold across
 * both); the fast paths are small enough to be inlined. undefined: overflow or division by zero.
 */
import type { Failure } from './values.ts';

export type Wide = number | bigint;

const SAFE = Number.MAX_SAFE_INTEGER;
/** As doubles, both exact. */
const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;
export const INT_MIN = -(2n ** 63n);
export const INT_MAX = 2n ** 63n - 1n;
export const UINT_MAX = 2n ** 64n - 1n;

export function inInt(value: bigint): boolean {
  return value >= INT_MIN && value <= INT_MAX;
}
export function inUint(value: bigint): boolean {
  return value >= 0n && value <= UINT_MAX;
}

/** Normal form of an int64 or uint64 that is in range. */
export function toWide(value: bigint): Wide {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

function wideInt(value: bigint): Wide | Failure {
  return inInt(value) ? toWide(value) : undefined;
}
function wideUint(value: bigint): Wide | Failure {
  return inUint(value) ? toWide(value) : undefined;
}

export function addInt(a: Wide, b: Wide): Wide | Failure {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (sum <= SAFE && sum >= -SAFE) return sum;
  }
  return wideInt(BigInt(a) + BigInt(b));
}
export function subtractInt(a: Wide, b: Wide): Wide | Failure {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (difference <= SAFE && difference >= -SAFE) return difference;
  }
  return wideInt(BigInt(a) - BigInt(b));
}
/** The sum with 0 turns −0, which no int is, into 0. */
export function multiplyInt(a: Wide, b: Wide): Wide | Failure {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (product <= SAFE && product >= -SAFE) return product + 0;
  }
  return wideInt(BigInt(a) * BigInt(b));
}
/** Truncates towards zero. (a − a % b) / b is exact where a / b could round. */
export function divideInt(a: Wide, b: Wide): Wide | Failure {
  if (b === 0) return undefined;
  if (typeof a === 'number' && typeof b === 'number') return (a - (a % b)) / b + 0;
  return wideInt(BigInt(a) / BigInt(b));
}
export function remainderInt(a: Wide, b: Wide): Wide | Failure {
  if (b === 0) return undefined;
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0;
  return wideInt(BigInt(a) % BigInt(b));
}
export function negateInt(a: Wide): Wide | Failure {
  return typeof a === 'number' ? 0 - a : wideInt(-a);
}

export function addUint(a: Wide, b: Wide): Wide | Failure {
  return wideUint(BigInt(a) + BigInt(b));
}
export function subtractUint(a: Wide, b: Wide): Wide | Failure {
  return wideUint(BigInt(a) - BigInt(b));
}
export function multiplyUint(a: Wide, b: Wide): Wide | Failure {
  return wideUint(BigInt(a) * BigInt(b));
}

/** Towards zero; undefined beyond int64. Both ends are excluded: as doubles they are 2^63 itself and a neighbour of −2^63. */
export function doubleToInt(value: number): Wide | Failure {
  if (!(value > -TWO_63 && value < TWO_63)) return undefined;
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? whole + 0 : BigInt(whole);
}
export function doubleToUint(value: number): Wide | Failure {
  if (!(value >= 0 && value < TWO_64)) return undefined;
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? whole + 0 : BigInt(whole);
}
