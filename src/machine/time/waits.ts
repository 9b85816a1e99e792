/**
 * A, then not B within a time: a campaign's wait begins with its trigger, is cancelled by what `unless` names, replaced
 * by a new trigger where `restart` says so, and falls due at its deadline (due-moments.ts takes it from there). Known
 * customers only.
 */
import type { EventFrame } from '../../protocol/frame.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { PendingEntry } from '../../state/pending.ts';
import { assert } from '../../stdx/assert.ts';
import { nextDueTime } from '../../workspace/schedule-times.ts';
import type { Deadline } from '../../workspace/workspace.ts';
import { Reason } from '../accounting.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import type { Tracer } from '../trace/tracer.ts';
import { PendingKind } from './pending-kind.ts';
import { type PendingWaits, readPayload } from './pending-waits.ts';
import type { ActiveMeeting, Predicates } from './predicates.ts';
import type { StoredEvent } from './stored-event.ts';
import type { Trigger } from './trigger.ts';
import type { Triggers } from './triggers.ts';

/** Still waiting after its time: whoever buys at night, while quiet hours hold a reminder back, is not reminded in the morning. */
const isWaiting = ({ kind }: PendingEntry): boolean => kind === PendingKind.wait || kind === PendingKind.quietHours;

interface ActiveWait {
  readonly deadline: Deadline;
  readonly unless: readonly ActiveMeeting[];
  readonly restart: ActiveMeeting | null;
}

export class WaitStep {
  readonly #state: PartitionState;
  readonly #active: ActiveWorkspace;
  readonly #pending: PendingWaits;
  readonly #predicates: Predicates;
  readonly #triggers: Triggers;
  readonly #tracer: Tracer | null;
  /** By campaign index. */
  readonly #waits: readonly (ActiveWait | null)[];
  /** By event type: 1 where such an event may cancel a wait. */
  readonly #cancels: Uint8Array;

  /** For the campaigns of this status. */
  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    pending: PendingWaits,
    predicates: Predicates,
    triggers: Triggers,
    status: 'live' | 'shadow',
    tracer: Tracer | null,
  ) {
    this.#tracer = tracer;
    this.#state = state;
    this.#active = active;
    this.#pending = pending;
    this.#predicates = predicates;
    this.#triggers = triggers;
    this.#cancels = new Uint8Array(active.events.length);
    this.#waits = active.campaigns.map(({ campaign: { wait, event, status: own } }) => {
      if (wait === null || own !== status) return null;
      const { deadline, unless, restart } = wait;
      for (const meeting of unless) this.#cancels[meeting.event] = 1;
      return {
        deadline,
        unless: unless.map((meeting) => predicates.compileMeeting(meeting, event)),
        restart: restart === null ? null : predicates.compileMeeting(restart, event),
      };
    });
  }

  /** Cancels what this event, which was just stored, ends; something is pending for its row. */
  meet(event: EventFrame, row: number, now: number): void {
    if (this.#cancels[event.type] !== 1 || row === this.#state.anonymousRow) return;
    for (const entry of this.#pending.store.list(row)) {
      if (isWaiting(entry) && this.#isCancelled(entry, event, row, now))
        this.#pending.suppress(entry, Reason.cancelled, now);
    }
  }

  /** A campaign with a wait has just matched: it waits, or there is no room. */
  start(campaign: ActiveCampaign, trigger: Trigger, row: number, now: number): void {
    const wait = this.#waits[campaign.index];
    assert(wait !== null && wait !== undefined, 'a campaign with a wait');
    if (wait.restart !== null) this.#supersede(campaign, wait.restart, trigger.frame(), row, now);
    const dueMs = this.#dueOf(wait.deadline, now);
    const waits = this.#pending.enter(PendingKind.wait, campaign, row, now, dueMs, trigger);
    if (!waits) campaign.account.suppress(Reason.full, trigger, now);
  }

  #supersede(campaign: ActiveCampaign, restart: ActiveMeeting, event: EventFrame, row: number, now: number): void {
    if (!this.#pending.store.has(row)) return;
    for (const entry of this.#pending.store.list(row)) {
      if (!isWaiting(entry) || entry.campaign !== campaign.campaignCode) continue;
      const { event: stored } = readPayload(entry);
      if (stored !== null && this.#meets(entry, restart, campaign, stored, event, row, now))
        this.#pending.suppress(entry, Reason.superseded, now);
    }
  }

  #isCancelled(entry: PendingEntry, event: EventFrame, row: number, now: number): boolean {
    const campaign = this.#active.campaigns[this.#active.campaignOfCode.get(entry.campaign) ?? -1];
    const unless = campaign === undefined ? null : this.#waits[campaign.index];
    if (campaign === undefined || unless === null || unless === undefined) return false;
    const meetings = unless.unless.filter((meeting) => meeting.event === event.type);
    if (meetings.length === 0) return false;
    const { event: stored } = readPayload(entry);
    if (stored === null || event.ts < stored.ts) return false;
    return meetings.some((meeting) => this.#meets(entry, meeting, campaign, stored, event, row, now));
  }

  #meets(
    entry: PendingEntry,
    meeting: ActiveMeeting,
    campaign: ActiveCampaign,
    stored: StoredEvent,
    event: EventFrame,
    row: number,
    now: number,
  ): boolean {
    if (meeting.program === null) return true;
    // A version published meanwhile may read the trigger differently, or have another: then nothing can be said of it.
    const trigger = this.#triggers.ofStored(stored, event.customer)?.frame();
    if (trigger === undefined || trigger.type !== campaign.campaign.event) return false;
    const meets = this.#predicates.meets(meeting, event, trigger, row, now, campaign.account);
    if (meets) this.#tracer?.moment?.ends(entry, meeting, event, trigger);
    return meets;
  }

  /** Infinity: the schedule never falls due again. */
  #dueOf(deadline: Deadline, now: number): number {
    if ('afterMs' in deadline) return now + deadline.afterMs;
    const { workspace, zones } = this.#active;
    return nextDueTime(deadline.schedule, zones, workspace.timezone, now) ?? Number.POSITIVE_INFINITY;
  }
}
