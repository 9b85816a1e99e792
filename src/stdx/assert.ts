/** A broken invariant of our own: never caused by input, always ends the process (data errors are values, see protocol/rejection.ts). */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Stays on in production: a wrong state must not live long enough to be written down. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the `default` of a switch over a closed union. */
export function unreachable(value: never, message = 'unreachable'): never {
  throw new AssertionError(`${message}: ${String(value)}`);
}
