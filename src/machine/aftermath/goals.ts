/**
 * Goals: of the customers whom a campaign contacted, and of those whom it held out, how many did what it is for? An
 * entry watches each of them for the goal's time; the first event that meets it counts one conversion and ends it. While
 * one of the same campaign and arm is open for a customer no other is opened: nobody counts twice for one thing.
 * Follow-ups open none: the exposure is the first decision's.
 */
import type { EventFrame } from '../../protocol/frame.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { PendingKind } from '../time/pending-kind.ts';
import { type PendingPayload, type PendingWaits, readPayload } from '../time/pending-waits.ts';
import type { ActiveMeeting, Predicates } from '../time/predicates.ts';
import type { Trigger } from '../time/trigger.ts';
import type { Triggers } from '../time/triggers.ts';

export type Arm = 'treated' | 'held';

interface GoalBody {
  readonly arm: Arm;
}

export class GoalStep {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #waits: PendingWaits;
  readonly #predicates: Predicates;
  readonly #triggers: Triggers;
  /** By campaign index; null: not live, or without a goal. */
  readonly #goals: readonly (ActiveMeeting | null)[];
  /** By event type: 1 where such an event may meet a goal. */
  readonly #meets: Uint8Array;

  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    waits: PendingWaits,
    predicates: Predicates,
    triggers: Triggers,
  ) {
    this.#state = state;
    this.#active = active;
    this.#waits = waits;
    this.#predicates = predicates;
    this.#triggers = triggers;
    this.#meets = new Uint8Array(active.events.length);
    this.#goals = active.campaigns.map(({ campaign: { goal, event, status } }) => {
      if (goal === null || status !== 'live') return null;
      this.#meets[goal.event] = 1;
      return predicates.compileMeeting(goal, event);
    });
  }

  /** A known customer was contacted, or would have been. Where there is no room to watch them, they are not counted. */
  open(arm: Arm, campaign: ActiveCampaign, row: number, sinceMs: number, trigger: Trigger): void {
    const { goal } = campaign.campaign;
    if (goal === null || this.#isOpen(arm, campaign, row)) return;
    const body: GoalBody = { arm };
    if (this.#waits.enter(PendingKind.goal, campaign, row, sinceMs, sinceMs + goal.withinMs, trigger, body))
      campaign.account.responses[arm].exposed++;
  }

  /** An event, just stored, of a row with something pending: before it sets anything off itself. */
  meet(event: EventFrame, row: number, now: number): void {
    if (this.#meets[event.type] !== 1 || row === this.#state.anonymousRow) return;
    for (const entry of this.#state.pending.list(row)) {
      if (entry.kind !== PendingKind.goal) continue;
      const campaign = this.#active.campaigns[this.#active.campaignOfCode.get(entry.campaign) ?? -1];
      const goal = campaign === undefined ? null : this.#goals[campaign.index];
      if (campaign === undefined || goal === null || goal === undefined || goal.event !== event.type) continue;
      const payload = readPayload<GoalBody>(entry);
      if (!this.#isMet(goal, campaign, payload, event, row, now)) continue;
      this.#waits.leave(entry);
      campaign.account.responses[payload.arm].converted++;
    }
  }

  #isMet(
    goal: ActiveMeeting,
    campaign: ActiveCampaign,
    { since, event: stored }: PendingPayload,
    event: EventFrame,
    row: number,
    now: number,
  ): boolean {
    // What came late and happened before the contact is no merit of it.
    if (event.ts < since) return false;
    if (goal.pair === null || stored === null)
      return this.#predicates.meets(goal, event, null, row, now, campaign.account);
    // A version published meanwhile may read the trigger differently, or have another: then nothing can be said of it.
    const trigger = this.#triggers.ofStored(stored, event.customer)?.frame();
    if (trigger === undefined || trigger.type !== campaign.campaign.event) return false;
    return this.#predicates.meets(goal, event, trigger, row, now, campaign.account);
  }

  #isOpen(arm: Arm, { campaignCode }: ActiveCampaign, row: number): boolean {
    if (!this.#state.pending.has(row)) return false;
    return this.#state.pending
      .list(row)
      .some(
        (entry) =>
          entry.kind === PendingKind.goal &&
          entry.campaign === campaignCode &&
          readPayload<GoalBody>(entry).arm === arm,
      );
  }
}
