/**
 * Backtests of a running node: one at a time, in a process of its own, over the files that the node writes. What is live does not know of it. The last reports are kept until the node
 * ends.
 */
import { BACKTESTS_KEPT } from '../constants.ts';
import type { BacktestReport, BacktestRequest, BacktestStatus } from '../protocol/backtest.ts';
import type { BegunBacktest, RefusedBacktest } from '../replay/backtest/outcome.ts';

export interface BacktestsParts {
  /** Resolves once everything that was acknowledged before is in the files: on NATS an event is acknowledged before it is applied. */
  readonly applied: () => Promise<unknown>;
  /** Resolves once it is known whether the request can be met; rejects as `outcome` does. */
  readonly begin: (request: BacktestRequest, signal: AbortSignal) => Promise<BegunBacktest | RefusedBacktest>;
  readonly nowMs: () => number;
  readonly onFailure: (error: unknown) => void;
}

/** What became of the request; `cancelled`: somebody ended it before it was known. */
export type BacktestStart = { readonly id: string } | RefusedBacktest | { readonly cancelled: true };

interface Kept {
  readonly id: string;
  readonly startedMs: number;
  readonly abort: AbortController;
  /** null: it is beginning, or never began. */
  run: BegunBacktest | null;
  /** `running` from the first moment on. */
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

  constructor(parts: BacktestsParts) {
    this.#parts = parts;
  }

  /** null: one is running. It is one of the list from now on, unless `started` says otherwise. */
  start(request: BacktestRequest): { readonly id: string; readonly started: Promise<BacktestStart> } | null {
    if ([...this.#kept.values()].some(({ status }) => status === 'running')) return null;
    const kept: Kept = {
      id: String(++this.#count),
      startedMs: this.#parts.nowMs(),
      abort: new AbortController(),
      run: null,
      status: 'running',
      endedMs: null,
      error: null,
      report: null,
    };
    this.#kept.set(kept.id, kept);
    return { id: kept.id, started: this.#start(kept, request) };
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

  async #start(kept: Kept, request: BacktestRequest): Promise<BacktestStart> {
    const { id, abort } = kept;
    try {
      await this.#parts.applied();
      abort.signal.throwIfAborted();
      const run = await this.#parts.begin(request, abort.signal);
      if ('outcome' in run) {
        kept.run = run;
        void this.#follow(kept, run.outcome);
        return { id };
      }
      this.#kept.delete(id);
      return run;
    } catch (error) {
      if (abort.signal.aborted) {
        this.#end(kept, { status: 'cancelled' });
        return { cancelled: true };
      }
      this.#kept.delete(id);
      throw error;
    }
  }

  async #follow(kept: Kept, outcome: BegunBacktest['outcome']): Promise<void> {
    try {
      const ended = await outcome;
      this.#end(kept, { status: 'report' in ended ? 'done' : 'failed', ...ended });
    } catch (error) {
      if (kept.abort.signal.aborted) {
        this.#end(kept, { status: 'cancelled' });
        return;
      }
      const message = error instanceof Error ? error.message : String(error);
      this.#end(kept, { status: 'failed', error: `internal error: ${message}` });
      this.#parts.onFailure(error);
    }
  }

  #end(kept: Kept, how: Pick<Kept, 'status'> & Partial<Pick<Kept, 'report' | 'error'>>): void {
    Object.assign(kept, how, { endedMs: this.#parts.nowMs() });
    this.#forgetOldest();
  }

  #forgetOldest(): void {
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
    progress: status === 'done' ? 1 : (run?.progress() ?? 0),
    started: new Date(startedMs).toISOString(),
    ended: endedMs === null ? null : new Date(endedMs).toISOString(),
    error,
    report,
  };
}
