/**
 * 64-bit hash of a string, or of several in a row, over UTF-16 units; the same on every machine. Two 32-bit lanes,
 * because JavaScript has no 64-bit integers without garbage. The result is left in the fields: one instance per
 * owner, used at once.
 *
 * Four units at a time make a word where all of a string's units fit eight bits, so that a string of ASCII hashes like
 * its bytes (`addBytes`); of other strings two.
 */
import { fmix32 } from '../stdx/hash.ts';

/** Odd, and without pattern: the primes of xxHash (Collet, BSD). */
const PRIME_A = 0x9e3779b1;
const PRIME_B = 0x85ebca77;

/** Told apart from narrow strings of the same words by their length. */
const WIDE_MARK = 0x40000000;

export class TextHash {
  /**
   * The hash: `low` chooses a slot, `high` tells entries apart. Signed: a field with numbers beyond 31 bits would hold
   * them as doubles, at half of the whole cost.
   */
  low = 0;
  high = 0;

  begin(): void {
    this.low = 0x2545f491;
    this.high = 0x5bd1e995;
  }

  /** Adds a string and its length (so that "ab","c" and "a","bc" differ). */
  add(text: string): void {
    const { length } = text;
    let a = this.low;
    let b = this.high;
    let units = 0;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      const first = text.charCodeAt(i);
      const second = text.charCodeAt(i + 1);
      const third = text.charCodeAt(i + 2);
      const fourth = text.charCodeAt(i + 3);
      units |= first | second | third | fourth;
      const word = first | (second << 8) | (third << 16) | (fourth << 24);
      a = Math.imul(a ^ word, PRIME_A);
      b = Math.imul(b ^ word, PRIME_B);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    if (i < length) {
      let word = 0;
      for (let shift = 0; i < length; i++, shift += 8) {
        const unit = text.charCodeAt(i);
        units |= unit;
        word |= unit << shift;
      }
      a = Math.imul(a ^ word, PRIME_A);
      b = Math.imul(b ^ word, PRIME_B);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    if (units > 0xff) this.#addWide(text);
    else this.#close(a, b, length);
  }

  /** Adds a string that stands in bytes, one per unit: for ASCII the same as `add`. */
  addBytes(bytes: Uint8Array, start: number, end: number): void {
    let a = this.low;
    let b = this.high;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word =
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24);
      a = Math.imul(a ^ word, PRIME_A);
      b = Math.imul(b ^ word, PRIME_B);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    if (at < end) {
      let word = 0;
      for (let shift = 0; at < end; at++, shift += 8) word |= (bytes[at] as number) << shift;
      a = Math.imul(a ^ word, PRIME_A);
      b = Math.imul(b ^ word, PRIME_B);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    this.#close(a, b, end - start);
  }

  /** Adds a string of `length` units that stands in bytes, two per unit; of which one at least exceeds eight bits. */
  addWideBytes(bytes: Uint8Array, start: number, length: number): void {
    let a = this.low;
    let b = this.high;
    const end = start + length * 2;
    for (let at = start; at < end; at += 4) {
      let word = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
      if (at + 2 < end) word |= ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
      a = Math.imul(a ^ word, PRIME_A);
      b = Math.imul(b ^ word, PRIME_B);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    this.#close(a, b, length | WIDE_MARK);
  }

  end(): void {
    const a = fmix32(this.low ^ (this.high >>> 16));
    const b = fmix32(this.high + a);
    this.high = b | 0;
    this.low = fmix32(a + b) | 0;
  }

  of(text: string): void {
    this.begin();
    this.add(text);
    this.end();
  }

  ofBytes(bytes: Uint8Array, start: number, end: number): void {
    this.begin();
    this.addBytes(bytes, start, end);
    this.end();
  }

  #addWide(text: string): void {
    let a = this.low;
    let b = this.high;
    for (let i = 0; i < text.length; i += 2) {
      const word = text.charCodeAt(i) | (i + 1 < text.length ? text.charCodeAt(i + 1) << 16 : 0);
      a = Math.imul(a ^ word, PRIME_A);
      b = Math.imul(b ^ word, PRIME_B);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    this.#close(a, b, text.length | WIDE_MARK);
  }

  #close(a: number, b: number, length: number): void {
    this.low = a ^ length;
    this.high = Math.imul(b ^ length, 0x27d4eb2f);
  }
}
