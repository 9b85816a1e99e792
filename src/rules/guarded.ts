/**
 * Generated code throws nothing by itself. A program that no compiler made may be ill-typed, though (verify-program.ts), and then the JavaScript that it has become may throw what JavaScript throws: an evaluation that
 * ended in an error, like any other.
 */

/** Throws what is not of that kind: broken invariants of our own end the process. */
export function takeForError(thrown: unknown): void {
  if (!(thrown instanceof TypeError || thrown instanceof RangeError || thrown instanceof SyntaxError)) throw thrown;
}
