/**
 * A small seeded generator for tests, the demo and load generation (never used by the machine).
 * splitmix32: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, in its 32-bit form.
 */
export class Prng {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform over 0 … 2^32 − 1. */
  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** Uniform over [0, 1). */
  float(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Uniform over 0 … bound − 1. */
  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
