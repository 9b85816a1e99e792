/**
 * Fixed arrival rates. Item i is due at start + i / rate, whatever became of the items before it; latency is counted from when it was due, so that a
 * stall of the engine, or of the generator itself, shows in every item that it kept waiting (no coordinated omission).
 *
 * Node's timers have a millisecond: items go out up to about one late, in small bunches. That lateness is part of every latency told here, on both sides of a
 * ratio, and is also told by itself.
 */
import type { Histogram } from './histogram.ts';

/** Microseconds of the machine's monotonic clock: the same for every thread and process. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** When item `index` is due. */
export function dueUs(startUs: number, perSecond: number, index: number): number {
  return startUs + (index * 1e6) / perSecond;
}

export interface Pace {
  readonly startUs: number;
  readonly perSecond: number;
  readonly count: number;
  /** Gets how late each item went out. */
  readonly lateness: Histogram;
}

/** Calls `send` for each item once it is due; resolves after the last. */
export function openLoop({ startUs, perSecond, count, lateness }: Pace, send: (index: number) => void): Promise<void> {
  return new Promise((resolve) => {
    let next = 0;
    const tick = (): void => {
      const now = nowUs();
      while (next < count) {
        const due = dueUs(startUs, perSecond, next);
        if (due > now) break;
        lateness.record(now - due);
        send(next);
        next += 1;
      }
      if (next === count) resolve();
      else setTimeout(tick, Math.max(0, (dueUs(startUs, perSecond, next) - nowUs()) / 1000));
    };
    tick();
  });
}
