/**
 * A backtest of a running node has a process of its own, at the lowest priority: two worlds of all partitions make more garbage and take more memory than anything else here, and threads of one process
 * share the engine's helper threads, which have no priority of their own.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BacktestInput, BacktestOutcome, FromBacktest } from './backtest-program.ts';

const PROGRAM = fileURLToPath(new URL(`./backtest-program${import.meta.url.slice(-3)}`, import.meta.url));
/** At the lowest priority; and where the system can (Linux, with util-linux), as an idle one, before which whoever wakes up goes at once instead of after the time slice that is running. */
const GIVING_WAY =
  'if command -v chrt > /dev/null; then exec chrt --idle 0 nice -n 19 "$@"; else exec nice -n 19 "$@"; fi';

/** Ends the process and rejects once `signal` is aborted; rejects with what nobody expected, too. */
export function runBacktestProcess(
  input: BacktestInput,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<BacktestOutcome> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn('/bin/sh', ['-c', GIVING_WAY, 'sh', process.execPath, PROGRAM], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    const end = (): void => {
      child.kill('SIGKILL');
      reject(signal.reason);
    };
    signal.addEventListener('abort', end, { once: true });
    child.on('message', (message: FromBacktest) => {
      if ('progress' in message) onProgress(message.progress);
      else if ('outcome' in message) resolve(message.outcome);
      else reject(new Error(message.failure));
    });
    child.once('error', reject);
    child.once('exit', (code, killedBy) => {
      signal.removeEventListener('abort', end);
      reject(new Error(`the process of a backtest ended with ${killedBy ?? code}`));
    });
    child.send(input, (error) => {
      if (error !== null) reject(error);
    });
  });
}
