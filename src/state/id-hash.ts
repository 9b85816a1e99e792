/**
 * 96-bit hash of an event id under its type, for EventIds: three lanes that differ in their multipliers only, over
 * words of four units, as in text-hash.ts. The type is hashed once, into the seed that the lanes start from.
 */
import { fmix32 } from '../stdx/hash.ts';
import { TextHash } from './text-hash.ts';

/** What ids of one event type start from. */
export interface IdSeed {
  readonly first: number;
  readonly second: number;
  readonly third: number;
}

export function createIdSeed(type: string): IdSeed {
  const hash = new TextHash();
  hash.of(type);
  return { first: hash.low, second: hash.high, third: fmix32(hash.low ^ 0x3c6ef372) | 0 };
}

const PRIME_A = 0x9e3779b1;
const PRIME_B = 0x85ebca77;
const PRIME_C = 0xc2b2ae3d;
/** Added to the length of ids with units beyond eight bits, whose words are one unit each. */
const WIDE_MARK = 0x40000000;

export class IdHash {
  /** Signed, see TextHash. */
  first = 0;
  second = 0;
  third = 0;

  of(seed: IdSeed, id: string): void {
    let { first: a, second: b, third: c } = seed;
    const { length } = id;
    let units = 0;
    for (let i = 0; i < length; ) {
      let word = 0;
      for (const end = Math.min(length, i + 4), start = i; i < end; i++) {
        const unit = id.charCodeAt(i);
        units |= unit;
        word |= unit << ((i - start) * 8);
      }
      a = Math.imul(a ^ word, PRIME_A);
      b = Math.imul(b ^ word, PRIME_B);
      c = Math.imul(c ^ word, PRIME_C);
      a ^= a >>> 15;
      b ^= b >>> 13;
      c ^= c >>> 14;
    }
    if (units > 0xff) this.#ofWide(seed, id);
    else this.#close(a, b, c, length);
  }

  /** Of an id that stands in bytes, one per unit: for ASCII the same as `of`. */
  ofBytes(seed: IdSeed, bytes: Uint8Array, start: number, end: number): void {
    let { first: a, second: b, third: c } = seed;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word =
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24);
      a = Math.imul(a ^ word, PRIME_A);
      b = Math.imul(b ^ word, PRIME_B);
      c = Math.imul(c ^ word, PRIME_C);
      a ^= a >>> 15;
      b ^= b >>> 13;
      c ^= c >>> 14;
    }
    if (at < end) {
      let word = 0;
      for (let shift = 0; at < end; at++, shift += 8) word |= (bytes[at] as number) << shift;
      a = Math.imul(a ^ word, PRIME_A);
      b = Math.imul(b ^ word, PRIME_B);
      c = Math.imul(c ^ word, PRIME_C);
      a ^= a >>> 15;
      b ^= b >>> 13;
      c ^= c >>> 14;
    }
    this.#close(a, b, c, end - start);
  }

  #ofWide(seed: IdSeed, id: string): void {
    let { first: a, second: b, third: c } = seed;
    for (let i = 0; i < id.length; i++) {
      const unit = id.charCodeAt(i);
      a = Math.imul(a ^ unit, PRIME_A);
      b = Math.imul(b ^ unit, PRIME_B);
      c = Math.imul(c ^ unit, PRIME_C);
      a ^= a >>> 15;
      b ^= b >>> 13;
      c ^= c >>> 14;
    }
    this.#close(a, b, c, id.length | WIDE_MARK);
  }

  #close(a: number, b: number, c: number, length: number): void {
    const first = fmix32(a ^ length);
    const second = fmix32((b ^ length) + first);
    this.first = first | 0;
    this.second = second | 0;
    this.third = fmix32((c ^ length) + second) | 0;
  }
}
