/**
 * The program of a backtest's process: history of a data folder by another workspace → the report, or why there is none. Its parent (backtest-process.ts) sends a BacktestInput, hears how far it is,
 * and is sent the outcome. It ends when that is sent, or when it notices that its parent is gone.
 */
import type { BacktestReport } from '../protocol/backtest.ts';
import { runBacktest } from '../replay/backtest/backtest.ts';
import { BacktestError } from '../replay/backtest/error.ts';
import { History, HistoryForgottenError } from '../replay/history.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import type { Workspace } from '../workspace/workspace.ts';

export interface BacktestInput {
  readonly dataDirectory: string;
  readonly candidate: Workspace;
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

export type BacktestOutcome = { readonly report: BacktestReport } | { readonly error: string };

/** What the parent is sent: any number of shares of the records that are behind, then one of the others. */
export type FromBacktest =
  | { readonly progress: number }
  | { readonly outcome: BacktestOutcome }
  /** What nobody expected: the stack. */
  | { readonly failure: string };

/** A replay is synchronous: no event would tell that the parent is gone, but its number does. */
const parent = process.ppid;

process.once('message', (input: BacktestInput) => {
  send(outcomeOf(input), () => process.exit());
});

function outcomeOf(input: BacktestInput): FromBacktest {
  try {
    return { outcome: backtest(input) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function backtest({ dataDirectory, candidate, fromMs, toMs }: BacktestInput): BacktestOutcome {
  const history = History.open(nodeFileSystem, dataDirectory);
  let told = 0;
  try {
    const report = runBacktest(history, {
      candidate,
      fromMs,
      toMs,
      monotonicMs: () => performance.now(),
      onProgress: (share) => {
        if (process.ppid !== parent) process.exit();
        if (share - told < PROGRESS_STEP) return;
        told = share;
        send({ progress: share });
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

/** A message costs the main thread of the node a moment: a hundred and some in all. */
const PROGRESS_STEP = 0.01;

function send(message: FromBacktest, then: () => void = () => {}): void {
  process.send?.(message, then);
}
