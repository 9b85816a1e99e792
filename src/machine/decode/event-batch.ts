/**
 * Events on their way from a message into the machine: what a BatchDecoder read of up to BATCH_EVENTS of them. Ids stay
 * where they are, as ranges of `bytes`, and are looked up by their bytes; data is in frames. All of it is valid until
 * the decoder goes on or opens another message.
 */
import { BATCH_EVENTS } from '../../constants.ts';
import { createEventFrame, type EventFrame, growListColumn, type ListFrame } from '../../protocol/frame.ts';
import type { EventSchema, Schema } from '../../protocol/schema.ts';

export class EventBatch {
  count = 0;
  /** What the ranges below refer to. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Index into Schema.events. */
  readonly type = new Int32Array(BATCH_EVENTS);
  /** Epoch ms as given, 0 … TIMESTAMP_MS_MAX; NaN where the producer gave none. */
  readonly givenTs = new Float64Array(BATCH_EVENTS);
  /** ASCII, 1 to ID_BYTES_MAX long; start and end are equal for an anonymous event. */
  readonly customerStart = new Int32Array(BATCH_EVENTS);
  readonly customerEnd = new Int32Array(BATCH_EVENTS);
  /** Likewise; start and end are equal where the producer gave none. */
  readonly idStart = new Int32Array(BATCH_EVENTS);
  readonly idEnd = new Int32Array(BATCH_EVENTS);
  /** Of the event within the message. */
  readonly index = new Int32Array(BATCH_EVENTS);
  #schema: Schema | null = null;
  /** By type and place. Made when first needed. */
  #frames: (EventFrame | undefined)[] = [];

  /** Its type, fields and lists are set; id, customer and ts are for the machine to set. */
  frame(place: number): EventFrame {
    return this.#frames[(this.type[place] as number) * BATCH_EVENTS + place] as EventFrame;
  }

  /** For the decoder. Frames of another schema are dropped. */
  begin(schema: Schema, bytes: Uint8Array): void {
    this.count = 0;
    this.bytes = bytes;
    if (this.#schema === schema) return;
    this.#schema = schema;
    this.#frames = new Array<EventFrame | undefined>(schema.events.length * BATCH_EVENTS).fill(undefined);
  }

  /** For the decoder: an empty frame for an event of this type in this place. */
  emptyFrame(event: EventSchema, place: number): EventFrame {
    const at = event.index * BATCH_EVENTS + place;
    let frame = this.#frames[at];
    if (frame === undefined) {
      frame = createEventFrame(event);
      this.#frames[at] = frame;
      return frame;
    }
    // Loops: `fill` costs a call, and most events have a few fields.
    const { present, listPresent, lists } = frame;
    for (let i = 0; i < present.length; i++) present[i] = 0;
    for (let i = 0; i < lists.length; i++) {
      listPresent[i] = 0;
      (lists[i] as ListFrame).length = 0;
    }
    return frame;
  }
}

/** Room for the elements `from … to − 1` of a list, none of which has anything yet. */
export function emptyElements(into: ListFrame, from: number, to: number): void {
  if (from === to) return;
  for (const column of into.columns) {
    growListColumn(column, to - 1);
    const { present } = column;
    for (let i = from; i < to; i++) present[i] = 0;
  }
}
