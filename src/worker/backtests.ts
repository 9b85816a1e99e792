/**
 * Backtests of a running node: one at a time, in a process of its own, over the files that the node writes. What is live does not know of it. The last reports are kept until the node
 * ends.
 */
import { BACKTESTS_KEPT } from '../constants.ts';
import type { BacktestReport, BacktestRequest, BacktestStatus } from '../protocol/backtest.ts';
import type { BegunBacktest, RefusedBacktest } from '../replay/backtest/outcome.ts';

export interface BacktestsParts {
  /** Resolves once it is known whether the request can be met; rejects as `outcome` does. */
  readonly begin: (request: BacktestRequest, signal: AbortSignal) => Promise<BegunBacktest | RefusedBacktest>;
  readonly nowMs: () => number;
  readonly onFailure: (error: unknown) => void;
}

export type BacktestStart = { readonly id: string } | RefusedBacktest;

interface Kept {
  readonly id: string;
  readonly startedMs: number;
  readonly abort: AbortController;
  readonly run: BegunBacktest;
  status: BacktestStatus['status'];
  endedMs: number | null;
  error: string | null;
  report: BacktestReport | null;
}

export class Backtests {
  readonly #parts: BacktestsParts;
  /** In the order in which they began. */
  readonly #kept = new Map<string, Kept>();
  #count = 0;
  /** One is beginning, or running. */
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

  async #start(request: BacktestRequest): Promise<BacktestStart> {
    const startedMs = this.#parts.nowMs();
    const abort = new AbortController();
    const run = await this.#parts.begin(request, abort.signal);
    if (!('outcome' in run)) return run;
    const kept: Kept = {
      id: String(++this.#count),
      startedMs,
      abort,
      run,
      status: 'running',
      endedMs: null,
      error: null,
      report: null,
    };
    this.#keep(kept);
    this.#follow(kept);
    return { id: kept.id };
  }

  async #follow(kept: Kept): Promise<void> {
    try {
      const outcome = await kept.run.outcome;
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

function statusOf({ id, status, run, startedMs, endedMs, error, report }: Kept): BacktestStatus {
  return {
    id,
    status,
    progress: status === 'done' ? 1 : run.progress(),
    started: new Date(startedMs).toISOString(),
    ended: endedMs === null ? null : new Date(endedMs).toISOString(),
    error,
    report,
  };
}
