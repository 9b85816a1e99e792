/** Wakes the host of some partitions when something falls due in one of them, under the wall clock. Under the event clock nobody uses it. */
import { TICK_INTERVAL_MS } from '../constants.ts';
import type { Clock } from '../stdx/clock.ts';

export class DueTimer {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #armedForMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** From now on it waits for this time alone, epoch ms; Infinity: for nothing. Cheap where nothing changed: asked after every batch. */
  arm(dueMs: number): void {
    if (dueMs === this.#armedForMs) return;
    clearTimeout(this.#timer);
    this.#armedForMs = dueMs;
    if (dueMs !== Number.POSITIVE_INFINITY) this.#sleep();
  }

  stop(): void {
    this.arm(Number.POSITIVE_INFINITY);
  }

  /** The clock may be set meanwhile: it looks again now and then. Timers may also come a little early. */
  #sleep(): void {
    const leftMs = Math.ceil(this.#armedForMs - this.#clock.nowMs());
    this.#timer = setTimeout(
      () => {
        if (this.#clock.nowMs() < this.#armedForMs) {
          this.#sleep();
          return;
        }
        this.#armedForMs = Number.POSITIVE_INFINITY;
        this.#onDue();
      },
      Math.min(Math.max(leftMs, 0), TICK_INTERVAL_MS),
    );
  }
}
