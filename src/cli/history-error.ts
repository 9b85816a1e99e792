/** Errors of reading history that say themselves where and what to do, for whoever typed the command. */
import { InputError } from './exit.ts';

const EXPLAINED = new Set([
  'RefusedFileError',
  'CorruptFileError',
  'HistoryForgottenError',
  'BacktestError',
  'WhyError',
  'NatsRefusedError',
  'StreamRefusedError',
]);

/** As an InputError; what nobody expected stays as it is. */
export function explainedHistoryError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // The system's own messages name the path: no folder, another user's, a disk that cannot be read.
  if ('syscall' in error) return new InputError(`cannot read the history: ${error.message}`);
  return EXPLAINED.has(error.name) ? new InputError(error.message) : error;
}
