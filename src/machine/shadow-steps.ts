/** What an event means to campaigns in shadow: the steps of the live ones, beside them, over what is kept for shadow campaigns. */
import type { EventFrame } from '../protocol/frame.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { ActiveEvent, ActiveWorkspace } from './active-workspace.ts';
import { MatchStep } from './match.ts';
import type { PendingWaits } from './time/pending-waits.ts';
import type { Predicates } from './time/predicates.ts';
import { SequenceStep } from './time/sequences.ts';
import type { Triggers } from './time/triggers.ts';
import { WaitStep } from './time/waits.ts';
import type { Tracer } from './trace/tracer.ts';

export class ShadowSteps {
  readonly pending: PendingWaits;
  readonly waits: WaitStep;
  readonly sequences: SequenceStep;
  readonly #state: PartitionState;
  readonly #match: MatchStep;

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    pending: PendingWaits,
    predicates: Predicates,
    triggers: Triggers,
    tracer: Tracer | null,
  ) {
    this.#state = state;
    this.pending = pending;
    this.waits = new WaitStep(state, active, pending, predicates, triggers, 'shadow', tracer);
    this.sequences = new SequenceStep(state, active, predicates, 'shadow', tracer);
    this.#match = new MatchStep(state, active, this.sequences, 'shadow', tracer);
  }

  /** Cancels what an event that was just stored ends. */
  meet(event: EventFrame, row: number, now: number): void {
    if (this.pending.store.has(row)) this.waits.meet(event, row, now);
  }

  /** How many match: the first so many of active.shadow.hits. */
  match({ shadow }: ActiveEvent, event: EventFrame, row: number, now: number): number {
    return shadow === null ? 0 : this.#match.run(shadow, event, row, now);
  }

  remember({ shadow, schema }: ActiveEvent, event: EventFrame, row: number, now: number): void {
    if (shadow !== null && this.#state.shadow?.hasRoom === true)
      this.sequences.remember(shadow, schema, event, row, now);
  }
}
