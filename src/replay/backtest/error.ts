/** A backtest that cannot be made: the message says why and what would help. `issues`: what is wrong with the workspace, at its places. */
import type { WorkspaceIssue } from '../../workspace/workspace.ts';

export class BacktestError extends Error {
  override readonly name = 'BacktestError';
  readonly issues: readonly WorkspaceIssue[];

  constructor(message: string, issues: readonly WorkspaceIssue[] = []) {
    super(message);
    this.issues = issues;
  }
}
