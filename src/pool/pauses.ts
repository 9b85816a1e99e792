/**
 * Pauses of a synchronous process that gives way. Even one of the idle class is noticed where all cores are busy: who wakes up goes before it, but a core on which it runs counts as taken, so that of two
 * who wake up one waits behind the other until the scheduler looks around (a tick, 4 ms). A core that is free every half millisecond takes him at once.
 *
 * It pauses only where somebody wanted the core: the system took it away since the last pause. On a machine with cores to spare it goes on without.
 */
import { PAUSE_MS_MAX, PAUSE_PER_RUN, RUN_MS_MIN } from '../constants.ts';

interface System {
  readonly nowMs: () => number;
  /** How often a core was taken away from this process. */
  readonly taken: () => number;
  readonly sleep: (ms: number) => void;
}

const NEVER = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

const SYSTEM: System = {
  nowMs: () => performance.now(),
  taken: () => process.resourceUsage().involuntaryContextSwitches,
  sleep: (ms) => void Atomics.wait(NEVER, 0, 0, ms),
};

export class Pauses {
  readonly #system: System;
  #sinceMs: number;
  #taken: number;

  constructor(system: System = SYSTEM) {
    this.#system = system;
    this.#sinceMs = system.nowMs();
    this.#taken = system.taken();
  }

  /** For a place that is passed often: pauses if it has run for a while. */
  consider(): void {
    const { nowMs, taken, sleep } = this.#system;
    const ranMs = nowMs() - this.#sinceMs;
    if (ranMs < RUN_MS_MIN) return;
    if (taken() !== this.#taken) sleep(Math.min(PAUSE_PER_RUN * ranMs, PAUSE_MS_MAX));
    this.#taken = taken();
    this.#sinceMs = nowMs();
  }
}
