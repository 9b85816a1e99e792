/** Task: history of a data folder by another workspace → the report, or why there is none. */
import type { BacktestReport } from '../protocol/backtest.ts';
import { runBacktest } from '../replay/backtest/backtest.ts';
import { BacktestError } from '../replay/backtest/error.ts';
import { History, HistoryForgottenError } from '../replay/history.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { type BackgroundTask, backgroundTask } from './background-pool.ts';

export interface BacktestInput {
  readonly dataDirectory: string;
  readonly candidate: Workspace;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** One number, shared: the share of the records that are behind. */
  readonly progress: Float64Array;
}

export type BacktestOutcome = { readonly report: BacktestReport } | { readonly error: string };

export const backtestTask: BackgroundTask<BacktestInput, BacktestOutcome> = backgroundTask('backtest-task');

export default function backtest({ dataDirectory, candidate, fromMs, toMs, progress }: BacktestInput): BacktestOutcome {
  const history = History.open(nodeFileSystem, dataDirectory);
  try {
    const report = runBacktest(history, {
      candidate,
      fromMs,
      toMs,
      monotonicMs: () => performance.now(),
      onProgress: (share) => {
        progress[0] = share;
      },
    });
    return { report };
  } catch (error) {
    if (error instanceof BacktestError) {
      const issues = error.issues.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`);
      return { error: [error.message, ...issues].join('\n') };
    }
    // The node goes on and removes what its --history no longer covers.
    if (error instanceof HistoryForgottenError) return { error: error.message };
    throw error;
  } finally {
    history.close();
  }
}
