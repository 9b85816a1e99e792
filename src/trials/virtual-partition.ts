/**
 * A partition of its own for one case: a real machine, alone, under a wall clock that nobody waits for. What falls due on the way has a record of its own, at its own time, as it has on a
 * node that is idle. Alone it is the keeper of all budgets and limits, and has every unit in hand.
 */
import { TRIAL_MOMENTS_MAX } from '../constants.ts';
import { Effects } from '../machine/effects.ts';
import { Machine } from '../machine/machine.ts';
import type { Trace } from '../machine/trace/trace.ts';
import type { Decision } from '../protocol/decision.ts';
import { RecordKind } from '../protocol/record.ts';
import { reserveMemory, type StateLimits } from '../state/arena.ts';
import { PartitionState } from '../state/partition-state.ts';
import { assert } from '../stdx/assert.ts';

/** For a case as people write it; its text is bounded long before these are. */
const LIMITS: StateLimits = {
  customersMax: 10_000,
  dictionaryEntriesMax: 100_000,
  dictionaryBytesMax: 8 * 1024 * 1024,
  blockBytesMax: 32 * 1024 * 1024,
  eventIdsMax: 10_000,
};

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

export class VirtualPartition {
  readonly #machine: Machine;
  readonly #effects = new Effects();
  readonly #onDecision: (decision: Decision) => void;
  #moments = 0;

  /** `workspace`: the payload of its record. `startMs`: when it is published. */
  constructor(workspace: Uint8Array, startMs: number, trace: Trace, onDecision: (decision: Decision) => void) {
    const state = new PartitionState(reserveMemory(LIMITS), LIMITS);
    this.#machine = new Machine({ partition: 0, partitions: 1, clock: 'wall', state, trace });
    this.#onDecision = onDecision;
    this.#append(RecordKind.workspace, workspace, startMs);
    const { workspaceError } = this.#effects;
    assert(workspaceError === null, `a workspace that compiles has room in a case: ${workspaceError}`);
  }

  get logTime(): number {
    return this.#machine.logTime;
  }

  /** Whom a campaign waits for: ids, null for an anonymous event, and until when, RFC 3339; null: as long as it takes. */
  waitingFor(campaign: string): readonly { readonly customer: string | null; readonly until: string | null }[] {
    return this.#machine.waitingFor(campaign, LIMITS.customersMax).customers;
  }

  /** Everything that is due by then happens. False: that would take too many moments; it has stopped on the way. */
  passTo(ms: number): boolean {
    for (let due = this.#machine.nextDue; due <= ms; due = this.#machine.nextDue) {
      if (++this.#moments > TRIAL_MOMENTS_MAX) return false;
      this.#append(RecordKind.tick, NOTHING, Math.max(due, this.logTime));
    }
    if (ms > this.logTime) this.#append(RecordKind.tick, NOTHING, ms);
    return true;
  }

  /** An event, as a producer writes it, arrives now. Why it was refused, or null. */
  send(event: object): string | null {
    this.#append(RecordKind.events, encoder.encode(JSON.stringify(event)), this.logTime);
    const [rejection] = this.#effects.rejections;
    return rejection === undefined ? null : rejection.error;
  }

  #append(kind: RecordKind, payload: Uint8Array, ts: number): void {
    this.#effects.clear();
    this.#machine.apply({ seq: this.#machine.position + 1, ts, kind, payload }, this.#effects);
    for (const { decision } of this.#effects.decisions) this.#onDecision(decision);
  }
}
