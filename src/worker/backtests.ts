/**
 * Backtests of a running node: one at a time, in a process of its own, over the files that the node writes. What is live does not know of it. The last reports are kept until the node
 * ends.
 */
import { BACKTESTS_KEPT } from '../constants.ts';
import type { BacktestReport, BacktestRequest, BacktestStatus } from '../protocol/backtest.ts';
import { withLive } from '../replay/backtest/candidate.ts';
import { BacktestError } from '../replay/backtest/error.ts';
import type { CompiledWorkspace } from '../workspace/compile.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';

export interface BacktestRun {
  readonly candidate: Workspace;
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

export interface BacktestsParts {
  readonly compile: (files: Readonly<Record<string, string>>) => Promise<CompiledWorkspace>;
  /** Rejects once it is aborted, and with what nobody expected. */
  readonly run: (
    run: BacktestRun,
    signal: AbortSignal,
    onProgress: (share: number) => void,
  ) => Promise<{ readonly report: BacktestReport } | { readonly error: string }>;
  readonly nowMs: () => number;
  readonly onFailure: (error: unknown) => void;
}

export type BacktestStart =
  | { readonly id: string }
  | { readonly issues: readonly WorkspaceIssue[] }
  /** What is wrong with the request. */
  | { readonly refused: string };

interface Kept {
  readonly id: string;
  readonly startedMs: number;
  readonly abort: AbortController;
  status: BacktestStatus['status'];
  /** The share of the records that are behind. */
  progress: number;
  endedMs: number | null;
  error: string | null;
  report: BacktestReport | null;
}

export class Backtests {
  readonly #parts: BacktestsParts;
  /** In the order in which they began. */
  readonly #kept = new Map<string, Kept>();
  #count = 0;
  /** One is being compiled, or running. */
  #busy = false;

  constructor(parts: BacktestsParts) {
    this.#parts = parts;
  }

  /** null: one is running. */
  start(request: BacktestRequest): Promise<BacktestStart> | null {
    if (this.#busy) return null;
    this.#busy = true;
    return this.#start(request).then(
      (start) => {
        if (!('id' in start)) this.#busy = false;
        return start;
      },
      (error: unknown) => {
        this.#busy = false;
        throw error;
      },
    );
  }

  /** The newest first, without their reports. */
  list(): readonly BacktestStatus[] {
    return [...this.#kept.values()].reverse().map((kept) => ({ ...statusOf(kept), report: null }));
  }

  /** null: there is none of this id, or it was forgotten. */
  find(id: string): BacktestStatus | null {
    const kept = this.#kept.get(id);
    return kept === undefined ? null : statusOf(kept);
  }

  /** Ends it if it is running, and forgets it if it is not. False: there is none of this id. */
  remove(id: string): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined) return false;
    if (kept.status === 'running') kept.abort.abort();
    else this.#kept.delete(id);
    return true;
  }

  async #start({ files, fromMs, toMs, live }: BacktestRequest): Promise<BacktestStart> {
    const compiled = await this.#parts.compile(files);
    if ('issues' in compiled) return { issues: compiled.issues };
    let candidate: Workspace;
    try {
      candidate = withLive(compiled.workspace, live);
    } catch (error) {
      if (error instanceof BacktestError) return { refused: error.message };
      throw error;
    }
    const kept: Kept = {
      id: String(++this.#count),
      startedMs: this.#parts.nowMs(),
      progress: 0,
      abort: new AbortController(),
      status: 'running',
      endedMs: null,
      error: null,
      report: null,
    };
    this.#keep(kept);
    this.#run(kept, { candidate, fromMs, toMs });
    return { id: kept.id };
  }

  async #run(kept: Kept, run: BacktestRun): Promise<void> {
    try {
      const outcome = await this.#parts.run(run, kept.abort.signal, (share) => {
        kept.progress = share;
      });
      if ('report' in outcome) kept.report = outcome.report;
      else kept.error = outcome.error;
      kept.status = kept.report === null ? 'failed' : 'done';
    } catch (error) {
      kept.status = kept.abort.signal.aborted ? 'cancelled' : 'failed';
      if (kept.status === 'failed') {
        kept.error = `internal error: ${error instanceof Error ? error.message : String(error)}`;
        this.#parts.onFailure(error);
      }
    }
    kept.endedMs = this.#parts.nowMs();
    this.#busy = false;
  }

  #keep(kept: Kept): void {
    this.#kept.set(kept.id, kept);
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= BACKTESTS_KEPT) return;
      this.#kept.delete(id);
    }
  }
}

function statusOf({ id, status, progress, startedMs, endedMs, error, report }: Kept): BacktestStatus {
  return {
    id,
    status,
    progress: status === 'done' ? 1 : progress,
    started: new Date(startedMs).toISOString(),
    ended: endedMs === null ? null : new Date(endedMs).toISOString(),
    error,
    report,
  };
}
