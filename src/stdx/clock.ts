/** Time comes in as a parameter, so that tests and the simulator can own it. */
export interface Clock {
  /** Wall time, milliseconds since the Unix epoch. May jump in either direction. */
  nowMs(): number;
  /** Monotonic time in milliseconds from an arbitrary origin, with sub-millisecond digits. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
