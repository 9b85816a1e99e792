/** A backtest over a data folder, with a clock that counts. */
import type { BacktestReport } from '../../src/protocol/backtest.ts';
import { runBacktest } from '../../src/replay/backtest.ts';
import { History } from '../../src/replay/history.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';

export function backtest(
  directory: string,
  candidate: Workspace,
  fromMs: number | null = null,
  toMs: number | null = null,
  onProgress: (share: number) => void = () => {},
): BacktestReport {
  const history = History.open(nodeFileSystem, directory);
  let clock = 0;
  try {
    return runBacktest(history, { candidate, fromMs, toMs, monotonicMs: () => clock++, onProgress });
  } finally {
    history.close();
  }
}
