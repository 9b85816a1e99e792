/**
 * The program of a backtest's process: a workspace's files and a data folder → what that workspace would have decided over its history, or why that cannot be told. Its parent (backtest-process.ts) sends
 * a BacktestInput and is sent what FromBacktest says. It ends when the last of that is sent, or when it notices that its parent is gone.
 */
import type { BacktestReport, BacktestRequest } from '../protocol/backtest.ts';
import { runBacktest } from '../replay/backtest/backtest.ts';
import { withLive } from '../replay/backtest/candidate.ts';
import { BacktestError } from '../replay/backtest/error.ts';
import type { BacktestOutcome, RefusedBacktest } from '../replay/backtest/outcome.ts';
import { History, HistoryForgottenError } from '../replay/history.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { compileWorkspace } from '../workspace/compile.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { Pauses } from './pauses.ts';

export interface BacktestInput extends BacktestRequest {
  readonly dataDirectory: string;
}

/** What the parent is sent: that the request is refused; or that it has begun, any number of shares of the records that are behind, and the outcome. */
export type FromBacktest =
  | { readonly refused: RefusedBacktest }
  | { readonly begun: true }
  | { readonly progress: number }
  | { readonly outcome: BacktestOutcome }
  /** Anywhere, what nobody expected: the stack. */
  | { readonly failure: string };

/** A replay is synchronous: no event would tell that the parent is gone, but its number does. */
const parent = process.ppid;

process.once('message', (input: BacktestInput) => {
  send(lastOf(input), () => process.exit());
});

function lastOf(input: BacktestInput): FromBacktest {
  try {
    const candidate = candidateOf(input);
    if ('refused' in candidate) return candidate;
    send({ begun: true });
    return { outcome: outcomeOf(input, candidate.workspace) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function candidateOf({ files, live }: BacktestInput): { workspace: Workspace } | { refused: RefusedBacktest } {
  const compiled = compileWorkspace(files);
  if ('issues' in compiled) return { refused: { issues: compiled.issues } };
  try {
    return { workspace: withLive(compiled.workspace, live) };
  } catch (error) {
    if (error instanceof BacktestError) return { refused: { refused: error.message } };
    throw error;
  }
}

function outcomeOf({ dataDirectory, fromMs, toMs }: BacktestInput, candidate: Workspace): BacktestOutcome {
  const history = History.open(nodeFileSystem, dataDirectory);
  try {
    return { report: reportOf(history, candidate, fromMs, toMs) };
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

function reportOf(history: History, candidate: Workspace, fromMs: number | null, toMs: number | null): BacktestReport {
  const pauses = new Pauses();
  let told = 0;
  return runBacktest(history, {
    candidate,
    fromMs,
    toMs,
    monotonicMs: () => performance.now(),
    onProgress: (share) => {
      if (process.ppid !== parent) process.exit();
      pauses.consider();
      if (share - told < PROGRESS_STEP) return;
      told = share;
      send({ progress: share });
    },
  });
}

/** A message costs the main thread of the node a moment: a hundred and some in all. */
const PROGRESS_STEP = 0.01;

function send(message: FromBacktest, then: () => void = () => {}): void {
  process.send?.(message, then);
}
