/** Where triggers come from: an event just applied, a pending entry, a schedule. Made for one workspace version. */
import { STORED_EVENT_BYTES_MAX } from '../../constants.ts';
import { createEventFrame, type EventFrame } from '../../protocol/frame.ts';
import type { EventSchema, Schema } from '../../protocol/schema.ts';
import { assert } from '../../stdx/assert.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import type { ActiveCampaign } from '../active-campaign.ts';
import { formatRfc3339 } from '../decode/rfc3339.ts';
import { type KeptFields, keptFields } from './kept-fields.ts';
import { type StoredEvent, StoredEvents, storeEvent } from './stored-event.ts';
import type { Trigger } from './trigger.ts';

/** The type of what a schedule sets off; its id is the due time. */
export const SCHEDULE_TYPE = '$schedule';

const encoder = new TextEncoder();

export class Triggers {
  readonly #stored: StoredEvents;
  readonly #event: EventTrigger;
  #schedule: ScheduleTrigger | null = null;
  /** Frames of stored events by type, each filled by the trigger that asked last. */
  readonly #frames = new Map<string, StoredFrame>();

  constructor(workspace: Workspace) {
    this.#stored = new StoredEvents(workspace.schema);
    this.#event = new EventTrigger(
      workspace.schema,
      workspace.campaigns.map((campaign) => keptFields(workspace, campaign)),
    );
  }

  /** An event that is being applied. One object: it is good until the next call. */
  ofEvent(frame: EventFrame, eventIndex: number): Trigger {
    return this.#event.set(frame, eventIndex);
  }

  /** What an entry keeps; null: the schema in force cannot read it. */
  ofStored(stored: StoredEvent, customer: string): Trigger | null {
    if (stored.type === SCHEDULE_TYPE) return new ScheduleTrigger(stored.ts).of(customer);
    let frame = this.#frames.get(stored.type);
    if (frame === undefined) {
      const created = this.#stored.createFrame(stored.type);
      if (created === null) return null;
      frame = new StoredFrame(this.#stored, created);
      this.#frames.set(stored.type, frame);
    }
    return frame.of(stored, customer) === null ? null : new StoredTrigger(frame, stored, customer);
  }

  /** For a customer in a schedule's run. One object: it is good until the next call. */
  ofSchedule(dueMs: number, customer: string): Trigger {
    if (this.#schedule?.dueMs !== dueMs) this.#schedule = new ScheduleTrigger(dueMs);
    return this.#schedule.of(customer);
  }
}

class EventTrigger implements Trigger {
  eventIndex = -1;
  readonly #schema: Schema;
  /** By campaign index. */
  readonly #kept: readonly KeptFields[];
  #frame: EventFrame | null = null;

  constructor(schema: Schema, kept: readonly KeptFields[]) {
    this.#schema = schema;
    this.#kept = kept;
  }

  set(frame: EventFrame, eventIndex: number): this {
    this.#frame = frame;
    this.eventIndex = eventIndex;
    return this;
  }

  frame(): EventFrame {
    assert(this.#frame !== null, 'an event was set');
    return this.#frame;
  }

  stored({ index }: ActiveCampaign): string | null {
    const frame = this.frame();
    return encode(storeEvent(this.#schema.events[frame.type] as EventSchema, this.#kept[index] as KeptFields, frame));
  }
}

/** One frame for all stored events of a type. */
class StoredFrame {
  readonly #events: StoredEvents;
  readonly #frame: EventFrame;
  #holds: StoredEvent | null = null;

  constructor(events: StoredEvents, frame: EventFrame) {
    this.#events = events;
    this.#frame = frame;
  }

  of(stored: StoredEvent, customer: string): EventFrame | null {
    if (this.#holds === stored) return this.#frame;
    this.#holds = null;
    if (!this.#events.read(stored, customer, this.#frame)) return null;
    this.#holds = stored;
    return this.#frame;
  }
}

class StoredTrigger implements Trigger {
  readonly eventIndex = -1;
  readonly #from: StoredFrame;
  readonly #stored: StoredEvent;
  readonly #customer: string;

  constructor(from: StoredFrame, stored: StoredEvent, customer: string) {
    this.#from = from;
    this.#stored = stored;
    this.#customer = customer;
  }

  frame(): EventFrame {
    return this.#from.of(this.#stored, this.#customer) as EventFrame;
  }

  /** As it was stored: it may have come to this campaign under another version. */
  stored(): string | null {
    return encode(this.#stored);
  }
}

class ScheduleTrigger implements Trigger {
  readonly eventIndex = -1;
  readonly dueMs: number;
  readonly #frame: EventFrame;

  constructor(dueMs: number) {
    this.dueMs = dueMs;
    this.#frame = createEventFrame({ type: SCHEDULE_TYPE, index: -1, fields: [], lists: [] });
    this.#frame.id = formatRfc3339(dueMs);
    this.#frame.ts = dueMs;
  }

  of(customer: string): this {
    this.#frame.customer = customer;
    return this;
  }

  frame(): EventFrame {
    return this.#frame;
  }

  stored(): string | null {
    const { id, ts } = this.#frame;
    return encode({ id, type: SCHEDULE_TYPE, ts, data: {} });
  }
}

/** null: too large to be kept. */
function encode(event: StoredEvent): string | null {
  const text = JSON.stringify(event);
  // A UTF-16 unit takes three bytes at most: nearly all are known to fit without being encoded.
  const fits = text.length * 3 <= STORED_EVENT_BYTES_MAX || encoder.encode(text).length <= STORED_EVENT_BYTES_MAX;
  return fits ? text : null;
}
