/** Strings of compiled rules, by code point: JavaScript's own comparison and length count UTF-16 units. */
import { EXPRESSION_TEXT_LENGTH_MAX } from '../constants.ts';
import type { Failure } from './values.ts';

export function countCodePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i + 1 < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--;
      i++;
    }
  }
  return count;
}

/** Negative, 0 or positive. Surrogates are moved above the rest of the basic plane, which is where their code points sort. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** undefined if the result is longer than an expression may build. */
export function concatenate(a: string, b: string): string | Failure {
  return a.length + b.length > EXPRESSION_TEXT_LENGTH_MAX ? undefined : a + b;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
