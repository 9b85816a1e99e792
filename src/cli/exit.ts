/** What a command's exit code tells a script. */
export const ExitCode = { done: 0, input: 1, usage: 2, internal: 70 } as const;

/** The input is at fault: the message names the place and the remedy. Exit code 1. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** The command was called wrongly. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
