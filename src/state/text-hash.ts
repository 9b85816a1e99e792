/**
 * 64-bit hash of a string, or of several in a row, over UTF-16 units; the same on every machine. Two 32-bit lanes,
 * because JavaScript has no 64-bit integers without garbage. The result is left in the fields: one instance per
 * owner, used at once.
 */
import { fmix32 } from '../stdx/hash.ts';

export class TextHash {
  /** The hash: `low` chooses a slot, `high` tells entries apart. Unsigned. */
  low = 0;
  high = 0;
  readonly #seed: number;

  constructor(seed = 0) {
    this.#seed = seed;
  }

  begin(): void {
    this.low = this.#seed ^ 0x2545f491;
    this.high = this.#seed ^ 0x5bd1e995;
  }

  /** Adds a string and its length (so that "ab","c" and "a","bc" differ). */
  add(text: string): void {
    let a = this.low;
    let b = this.high;
    const length = text.length;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(((a << 5) | (a >>> 27)) ^ unit, 0x27d4eb2f);
      b = Math.imul(b ^ unit, 0x165667b1);
      b ^= b >>> 15;
    }
    this.low = a ^ length;
    this.high = Math.imul(b ^ length, 0x9e3779b1);
  }

  /** Adds a string of `length` units that is stored as in text-index.ts, one or two bytes each. */
  addStored(bytes: Uint8Array, start: number, length: number, wide: boolean): void {
    let a = this.low;
    let b = this.high;
    for (let i = 0; i < length; i++) {
      const at = wide ? start + i * 2 : start + i;
      const unit = wide ? (bytes[at] as number) | ((bytes[at + 1] as number) << 8) : (bytes[at] as number);
      a = Math.imul(((a << 5) | (a >>> 27)) ^ unit, 0x27d4eb2f);
      b = Math.imul(b ^ unit, 0x165667b1);
      b ^= b >>> 15;
    }
    this.low = a ^ length;
    this.high = Math.imul(b ^ length, 0x9e3779b1);
  }

  end(): void {
    const a = fmix32(this.low ^ (this.high >>> 16));
    this.high = fmix32(this.high + a);
    this.low = fmix32(a + this.high);
  }

  of(text: string): void {
    this.begin();
    this.add(text);
    this.end();
  }
}
