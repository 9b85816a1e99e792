/**
 * What audiences cost a shard: the customers that a scan in the task pool left open, because columns alone do not tell (windows, lists), are looked at here, a bounded
 * number at a time, between batches, so that no audience holds up an event however many customers there are.
 */
import { AUDIENCE_ROWS_PER_STEP } from '../constants.ts';
import { AudienceScan } from '../machine/audience-scan.ts';
import type { OpenRows, ShardQuery } from './messages.ts';
import type { Shard } from './shard.ts';

/** A scan under way. */
export interface SteppedScan {
  /** Moves on by a bounded amount of work; false when it has ended and answered. */
  step(): boolean;
}

export class AudienceScans {
  readonly #running: SteppedScan[] = [];

  get busy(): boolean {
    return this.#running.length > 0;
  }

  start(scan: SteppedScan): void {
    this.#running.push(scan);
  }

  /** Each in turn, so that a long one does not keep a short one waiting. */
  step(): void {
    const scan = this.#running.shift();
    if (scan?.step()) this.#running.push(scan);
  }
}

/** Looks at open rows, partition by partition. Answers with how many the predicate holds for; null: the workspace changed. */
export class OpenRowsScan implements SteppedScan {
  readonly #shard: Shard;
  readonly #query: Extract<ShardQuery, { kind: 'audienceRest' }>;
  readonly #answer: (matched: number | null) => void;
  /** Still to be looked at; the last one is by `current`. */
  readonly #parts: OpenRows[];
  #current: AudienceScan | null = null;
  #matched = 0;

  constructor(
    shard: Shard,
    query: Extract<ShardQuery, { kind: 'audienceRest' }>,
    answer: (matched: number | null) => void,
  ) {
    this.#shard = shard;
    this.#query = query;
    this.#answer = answer;
    this.#parts = [...query.parts];
  }

  step(): boolean {
    const part = this.#parts.at(-1);
    if (part === undefined) {
      this.#answer(this.#matched);
      return false;
    }
    this.#current ??= this.#begin(part);
    if (this.#current === null) return this.#stale();
    if (this.#current.step(AUDIENCE_ROWS_PER_STEP)) return true;
    if (this.#current.stale) return this.#stale();
    this.#matched += this.#current.matched;
    this.#current = null;
    this.#parts.pop();
    return true;
  }

  #begin({ partition, undecided, matched }: OpenRows): AudienceScan | null {
    const { machine, state } = this.#shard.host(partition);
    const active = machine.activeWorkspace;
    if (active === null || machine.workspaceVersion !== this.#query.workspaceVersion) return null;
    const rows = { undecided: new Uint8Array(undecided), matched: matched === null ? null : new Uint8Array(matched) };
    return new AudienceScan(this.#query.where, active, machine, state, rows);
  }

  #stale(): false {
    this.#answer(null);
    return false;
  }
}
