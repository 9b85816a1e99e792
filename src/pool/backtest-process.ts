/**
 * A backtest of a running node has a process of its own, at the lowest priority: two worlds of all partitions make more garbage and take more memory than anything else here, and threads of one process
 * share the engine's helper threads, which have no priority of their own.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BacktestOutcome, BegunBacktest, RefusedBacktest } from '../replay/backtest/outcome.ts';
import type { BacktestInput, FromBacktest } from './backtest-program.ts';

const PROGRAM = fileURLToPath(new URL(`./backtest-program${import.meta.url.slice(-3)}`, import.meta.url));
/** At the lowest priority; and where the system can (Linux, with util-linux or BusyBox), as an idle one, before which whoever wakes up goes at once instead of after the time slice that is running. */
const GIVING_WAY = `
if command -v nice > /dev/null; then set -- nice -n 19 "$@"; fi
if chrt -i 0 true 2> /dev/null; then set -- chrt -i 0 "$@"; fi
exec "$@"`;
/** One thread for everything: threads that collect garbage side by side allocate and free memory on all cores, and nobody goes before a thread that the kernel does that for. */
const ENGINE_FLAGS = ['--single-threaded'];

/** Resolves once the workspace is compiled. Ends the process once `signal` is aborted; what is waited for then rejects, as it does with what nobody expected. */
export function beginBacktest(input: BacktestInput, signal: AbortSignal): Promise<BegunBacktest | RefusedBacktest> {
  return new Promise((resolve, rejectBeginning) => {
    signal.throwIfAborted();
    let reject = rejectBeginning;
    let end: (outcome: BacktestOutcome) => void = () => {};
    let progress = 0;
    const child = spawn('/bin/sh', ['-c', GIVING_WAY, 'sh', process.execPath, ...ENGINE_FLAGS, PROGRAM], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    const abort = (): void => {
      child.kill('SIGKILL');
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    child.on('message', (message: FromBacktest) => {
      if ('progress' in message) progress = message.progress;
      else if ('outcome' in message) end(message.outcome);
      else if ('failure' in message) reject(new Error(message.failure));
      else if ('refused' in message) resolve(message.refused);
      else {
        const outcome = new Promise<BacktestOutcome>((onEnd, onFailure) => {
          end = onEnd;
          reject = onFailure;
        });
        resolve({ progress: () => progress, outcome });
      }
    });
    child.once('error', (error) => reject(error));
    // Not 'exit': what it sent last may be on its way still.
    child.once('close', (code, killedBy) => {
      signal.removeEventListener('abort', abort);
      reject(new Error(`the process of a backtest ended with ${killedBy ?? code}`));
    });
    // Where that fails it has ended, or never begun, which is told above.
    child.send(input, () => {});
  });
}
