/** What becomes of a backtest that somebody asked a node for. */
import type { BacktestReport } from '../../protocol/backtest.ts';
import type { WorkspaceIssue } from '../../workspace/workspace.ts';

/** What is wrong with the workspace, or with the rest of the request. */
export type RefusedBacktest = { readonly issues: readonly WorkspaceIssue[] } | { readonly refused: string };

export interface BegunBacktest {
  /** The share of the records that are behind. */
  progress(): number;
  /** Rejects once it is aborted, and with what nobody expected. */
  readonly outcome: Promise<BacktestOutcome>;
}

export type BacktestOutcome = { readonly report: BacktestReport } | { readonly error: string };
