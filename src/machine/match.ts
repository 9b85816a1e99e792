/**
 * Step 4, match: which campaigns' predicates hold for this event and this customer, now, and whether what they want
 * to have come before did. The event is already counted in the customer's aggregates. An event without a customer has
 * nobody to wait for: campaigns with a wait or a sequence do not listen to it. Only those slots of the profile are gathered that the rules of this event type,
 * and the segments that they reach, can read.
 */
import type { EventFrame } from '../protocol/frame.ts';
import type { Gather, PartitionState } from '../state/partition-state.ts';
import type { ActiveCampaign } from './active-campaign.ts';
import type { ActiveWorkspace, Listeners } from './active-workspace.ts';
import type { SequenceStep } from './time/sequences.ts';
import type { Tracer } from './trace/tracer.ts';

export class MatchStep {
  readonly #active: ActiveWorkspace;
  readonly #anonymousRow: number;
  readonly #sequences: SequenceStep;
  readonly #tracer: Tracer | null;
  /** By event type; null where no campaign listens. */
  readonly #gathers: readonly (Gather | null)[];

  /** For the campaigns of this status. `state` must have the workspace's layout. */
  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    sequences: SequenceStep,
    status: 'live' | 'shadow',
    tracer: Tracer | null,
  ) {
    this.#tracer = tracer;
    this.#active = active;
    this.#anonymousRow = state.anonymousRow;
    this.#sequences = sequences;
    this.#gathers = active.events.map((event) => {
      const rules = (status === 'live' ? event : event.shadow)?.rules ?? null;
      return rules === null ? null : state.compileGather(rules.profileSlots);
    });
  }

  /** Loads what `run` reads of these rows for events of this type: changes nothing, and saves each a wait. */
  touch(type: number, rows: Int32Array, count: number): void {
    this.#gathers[type]?.touch(rows, count);
  }

  /**
   * Fills `active.hits` with the indices of the campaigns (of this event type) that match; returns how many. Each is
   * counted as matched.
   */
  run(active: Listeners, event: EventFrame, row: number, now: number): number {
    const { rules, hits } = active;
    const gather = this.#gathers[event.type];
    if (rules === null || gather === null || gather === undefined) return 0;
    const { profile, segments } = this.#active;
    gather(row, now, profile);
    segments.begin(profile, now);
    let count = rules.match(event, profile, now, hits);
    if (active.takesTime && count > 0) count = this.#inTime(active, event, row, now, count);
    for (let i = 0; i < count; i++) (active.campaigns[hits[i] as number] as ActiveCampaign).account.matched++;
    return count;
  }

  /** Keeps of the first `count` hits those that match in time, too. */
  #inTime({ campaigns, hits }: Listeners, event: EventFrame, row: number, now: number, count: number): number {
    const known = row !== this.#anonymousRow;
    this.#sequences.begin();
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const hit = hits[i] as number;
      const campaign = campaigns[hit] as ActiveCampaign;
      const { wait, after } = campaign.campaign;
      if (!known && (wait !== null || after !== null)) {
        this.#tracer?.moment?.beforehand(campaign, { step: 'customer', passed: false });
        continue;
      }
      if (after === null || this.#sequences.holds(campaign, event, row, now)) hits[kept++] = hit;
    }
    return kept;
  }
}
