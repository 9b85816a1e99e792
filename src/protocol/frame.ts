/**
 * Frames: the values that rules, aggregates and templates read, in typed slots. A decoder fills the event's frame, the profile table
 * fills the customer's; both are reused from event to event, so that an event costs no garbage. Rules know frames only: neither bytes nor columns.
 */
import type { EventSchema, Schema } from './schema.ts';

export interface ListColumn {
  number: Float64Array;
  text: string[];
  /** 1 where the element has the field. */
  present: Uint8Array;
}

export interface ListFrame {
  length: number;
  readonly columns: ListColumn[];
}

/** One event. For each slot exactly one of number (bool, int, double, timestamp) or text (string) is meaningful, and only if present. */
export interface EventFrame {
  /** Index into Schema.events. */
  type: number;
  typeName: string;
  /** '' when the producer gave none. */
  id: string;
  /** '' for an anonymous event. */
  customer: string;
  /** Epoch milliseconds; the event's own time (defaults to the log's; never later than the log's under the wall clock). */
  ts: number;
  readonly number: Float64Array;
  readonly text: string[];
  readonly present: Uint8Array;
  /** 1 where the list field was given. An absent list has length 0. */
  readonly listPresent: Uint8Array;
  readonly lists: ListFrame[];
}

/** One customer at one log time. Only the slots asked for when gathering are meaningful. */
export interface ProfileFrame {
  readonly number: Float64Array;
  readonly text: string[];
  /** Dictionary code of a string slot; -1 when absent. */
  readonly code: Int32Array;
  readonly present: Uint8Array;
  readonly list: (readonly string[])[];
}

const LIST_ROOM = 16;

function createListColumn(): ListColumn {
  return { number: new Float64Array(LIST_ROOM), text: [], present: new Uint8Array(LIST_ROOM) };
}

/** Makes room for element `index`, keeping what is there. */
export function growListColumn(column: ListColumn, index: number): void {
  if (index < column.number.length) return;
  const room = Math.max(index + 1, column.number.length * 2);
  const number = new Float64Array(room);
  number.set(column.number);
  column.number = number;
  const present = new Uint8Array(room);
  present.set(column.present);
  column.present = present;
}

export function createEventFrame(event: EventSchema): EventFrame {
  const slots = event.fields.length;
  return {
    type: event.index,
    typeName: event.type,
    id: '',
    customer: '',
    ts: 0,
    number: new Float64Array(slots),
    text: new Array<string>(slots).fill(''),
    present: new Uint8Array(slots),
    listPresent: new Uint8Array(event.lists.length),
    lists: event.lists.map((list) => ({ length: 0, columns: list.columns.map(createListColumn) })),
  };
}

export function createProfileFrame(schema: Schema): ProfileFrame {
  const slots = schema.profile.length;
  return {
    number: new Float64Array(slots),
    text: new Array<string>(slots).fill(''),
    code: new Int32Array(slots).fill(-1),
    present: new Uint8Array(slots),
    list: new Array<readonly string[]>(slots).fill([]),
  };
}
