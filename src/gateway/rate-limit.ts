/** So many per second, and so many at once after a quiet time (a token bucket). */
import type { Clock } from '../stdx/clock.ts';

export class RateLimit {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #available: number;
  #atMs: number;

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#clock = clock;
    this.#available = burst;
    this.#atMs = clock.monotonicMs();
  }

  /** False: too many. */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#available = Math.min(this.#burst, this.#available + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    if (this.#available < 1) return false;
    this.#available -= 1;
    return true;
  }
}
