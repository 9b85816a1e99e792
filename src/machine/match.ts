/**
 * Step 4, match: which live campaigns' predicates hold for this event and this customer, now. The event is already
 * counted in the customer's aggregates. Only those slots of the profile are gathered that the rules of this event type,
 * and the segments that they reach, can read.
 */
import type { EventFrame } from '../protocol/frame.ts';
import type { Gather, PartitionState } from '../state/partition-state.ts';
import type { ActiveCampaign } from './active-campaign.ts';
import type { ActiveEvent, ActiveWorkspace } from './active-workspace.ts';

export class MatchStep {
  readonly #active: ActiveWorkspace;
  /** By event type; null where no live campaign listens. */
  readonly #gathers: readonly (Gather | null)[];

  /** `state` must have the workspace's layout. */
  constructor(state: PartitionState, active: ActiveWorkspace) {
    this.#active = active;
    this.#gathers = active.events.map(({ rules }) => (rules === null ? null : state.compileGather(rules.profileSlots)));
  }

  /** Loads what `run` reads of these rows for events of this type: changes nothing, and saves each a wait. */
  touch(type: number, rows: Int32Array, count: number): void {
    this.#gathers[type]?.touch(rows, count);
  }

  /**
   * Fills `active.hits` with the indices of the campaigns (of this event type) that match; returns how many. Each is
   * counted as matched.
   */
  run(active: ActiveEvent, event: EventFrame, row: number, now: number): number {
    const { rules, hits } = active;
    const gather = this.#gathers[event.type];
    if (rules === null || gather === null || gather === undefined) return 0;
    const { profile, segments } = this.#active;
    gather(row, now, profile);
    segments.begin(profile, now);
    const count = rules.match(event, profile, now, hits);
    for (let i = 0; i < count; i++) (active.campaigns[hits[i] as number] as ActiveCampaign).account.matched++;
    return count;
  }
}

/** Moves the rules' own counts of errors to the campaigns' accounts. */
export function collectErrors(active: ActiveEvent): void {
  const errors = active.rules?.errors;
  if (errors === undefined) return;
  for (let i = 0; i < errors.length; i++) {
    const count = errors[i] as number;
    if (count === 0) continue;
    (active.campaigns[i] as ActiveCampaign).account.errors += count;
    errors[i] = 0;
  }
}
