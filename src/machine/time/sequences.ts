/**
 * What came before: a campaign's `after` names earlier events of the customer, in the order in which they were applied,
 * within a time before the trigger. Conditions speak of one earlier event and the trigger only, so that taking the
 * first event that fits each of them in turn finds a sequence wherever there is one.
 *
 * Remembered are the last SEQUENCE_EVENTS_MAX events per customer of the types that some live campaign names (apart from them: some campaign in shadow), with the
 * fields that these campaigns read, for as long as the longest of them reaches and a week at least: a version
 * published later finds something to look back at. What does not fit is left out, and counted as an observation error.
 */
import { SEQUENCE_EVENTS_MAX, SEQUENCE_KEPT_MS_MIN } from '../../constants.ts';
import { createEventFrame, type EventFrame } from '../../protocol/frame.ts';
import type { EventSchema } from '../../protocol/schema.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import type { RecentEvent, RecentEvents } from '../../state/recent-events.ts';
import { assert } from '../../stdx/assert.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import type { ActiveEvent, ActiveWorkspace, Listeners } from '../active-workspace.ts';
import type { Tracer } from '../trace/tracer.ts';
import type { ActiveMeeting, Predicates } from './predicates.ts';
import { StoredEvents, storeEvent } from './stored-event.ts';

/** `after` of a campaign, made ready. */
export interface ActiveSequence {
  readonly events: readonly ActiveMeeting[];
  readonly withinMs: number;
}

/** A remembered event; decoded when a condition first asks. */
interface Earlier {
  readonly recent: RecentEvent;
  /** Index into Schema.events; -1 where the schema does not have the type. */
  readonly type: number;
  /** null: the schema in force cannot read it. undefined: not decoded yet. */
  frame: EventFrame | null | undefined;
}

/** What is remembered; the type and the time stand beside it. */
interface Remembered {
  readonly id?: string;
  readonly data: object;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export class SequenceStep {
  readonly #state: PartitionState;
  readonly #recent: RecentEvents;
  readonly #active: ActiveWorkspace;
  readonly #predicates: Predicates;
  readonly #tracer: Tracer | null;
  readonly #stored: StoredEvents;
  /** By campaign index. */
  readonly #sequences: readonly (ActiveSequence | null)[];
  readonly #typeOfCode: ReadonlyMap<number, number>;
  readonly #keepMs: number;
  #earlier: readonly Earlier[] | null = null;
  /** Events that could not be remembered. Of live campaigns the owner reads and zeroes it; what those in shadow miss is nobody's error. */
  errors = 0;

  /** For the campaigns of this status. */
  constructor(
    state: PartitionState,
    active: ActiveWorkspace,
    predicates: Predicates,
    status: 'live' | 'shadow',
    tracer: Tracer | null,
  ) {
    const recent = status === 'live' ? state.recent : state.shadow?.recent;
    assert(recent !== undefined, 'a campaign is in shadow');
    this.#tracer = tracer;
    this.#state = state;
    this.#recent = recent;
    this.#active = active;
    this.#predicates = predicates;
    this.#stored = new StoredEvents(active.workspace.schema);
    let keepMs = SEQUENCE_KEPT_MS_MIN;
    this.#sequences = active.campaigns.map(({ campaign: { after, event, status: own } }) => {
      if (after === null || own !== status) return null;
      keepMs = Math.max(keepMs, after.withinMs);
      const events = after.events.map((meeting) => predicates.compileMeeting(meeting, event));
      return { events, withinMs: after.withinMs };
    });
    this.#keepMs = keepMs;
    const types = active.events.flatMap((event) => {
      const code = (status === 'live' ? event : event.shadow)?.typeCode ?? -1;
      return code < 0 ? [] : [[code, event.schema.index] as const];
    });
    this.#typeOfCode = new Map(types);
  }

  /** Begins an event: nothing of the one before is looked at any more. */
  begin(): void {
    this.#earlier = null;
  }

  /** Whether what the campaign asks for came before this trigger, an event of this row. */
  holds(campaign: ActiveCampaign, trigger: EventFrame, row: number, now: number): boolean {
    const sequence = this.#sequences[campaign.index];
    assert(sequence !== null && sequence !== undefined, 'a campaign with a sequence');
    const moment = this.#tracer?.moment ?? null;
    const came: number[] | null = moment === null ? null : [];
    const passed = this.#find(sequence, campaign, trigger, row, now, came);
    if (came !== null) moment?.sequence(campaign, sequence, came);
    return passed;
  }

  /** Whether the events are found, one after the other; the times of those that are go to `came`, where there is one. */
  #find(
    sequence: ActiveSequence,
    { account }: ActiveCampaign,
    trigger: EventFrame,
    row: number,
    now: number,
    came: number[] | null,
  ): boolean {
    this.#earlier ??= this.#earlierOf(row, now);
    let at = 0;
    for (const meeting of sequence.events) {
      for (; ; at++) {
        const earlier = this.#earlier[at];
        if (earlier === undefined) return false;
        if (earlier.type !== meeting.event || trigger.ts - earlier.recent.ts >= sequence.withinMs) continue;
        if (meeting.program === null) break;
        const event = this.#frameOf(earlier, trigger.customer);
        if (event !== null && this.#predicates.meets(meeting, event, trigger, row, now, account)) break;
      }
      came?.push((this.#earlier[at] as Earlier).recent.ts);
      at++;
    }
    return true;
  }

  /** Remembers an event that was just applied, if its type is one to be remembered. */
  remember(
    { remembered, typeCode }: Listeners,
    schema: EventSchema,
    event: EventFrame,
    row: number,
    now: number,
  ): void {
    if (remembered === null || row === this.#state.anonymousRow) return;
    const { id, data } = storeEvent(schema, remembered, event);
    const kept: Remembered = remembered.id && id !== undefined ? { id, data } : { data };
    const payload = encoder.encode(JSON.stringify(kept));
    const dropBefore = now - this.#keepMs + 1;
    if (!this.#recent.add(row, event.ts, typeCode, payload, SEQUENCE_EVENTS_MAX, dropBefore)) this.errors++;
  }

  #earlierOf(row: number, now: number): Earlier[] {
    const list = this.#recent.list(row, now);
    return list.map((recent) => ({ recent, type: this.#typeOfCode.get(recent.type) ?? -1, frame: undefined }));
  }

  #frameOf(earlier: Earlier, customer: string): EventFrame | null {
    if (earlier.frame !== undefined) return earlier.frame;
    const { schema } = this.#active.events[earlier.type] as ActiveEvent;
    const { ts, payload } = earlier.recent;
    const kept = JSON.parse(decoder.decode(payload)) as Remembered;
    const frame = createEventFrame(schema);
    const read = this.#stored.read({ ...kept, type: schema.type, ts }, customer, frame);
    earlier.frame = read ? frame : null;
    return earlier.frame;
  }
}
