/** A backtest over what a cluster has recorded, with a clock that counts. */
import type { BacktestReport } from '../../src/protocol/backtest.ts';
import { runBacktest } from '../../src/replay/backtest/backtest.ts';
import { History } from '../../src/replay/history.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';
import type { RecordedCluster } from './recorded-cluster.ts';

export function backtest(
  { fs, directory }: RecordedCluster,
  candidate: Workspace,
  fromMs: number | null = null,
  toMs: number | null = null,
  onProgress: (share: number) => void = () => {},
): BacktestReport {
  const history = History.open(fs, directory);
  let clock = 0;
  try {
    return runBacktest(history, { candidate, fromMs, toMs, monotonicMs: () => clock++, onProgress });
  } finally {
    history.close();
  }
}
