/**
 * An event as a pending entry keeps it: JSON of {id, type, ts, data} with those fields that somebody may still read. It
 * is decoded again by the schema in force when it is needed, under the same rules as any event that comes in, so that a
 * version published meanwhile may have changed what it does not name. `ts` is the time at which the event counted.
 */
import { createEventFrame, type EventFrame, type ListFrame } from '../../protocol/frame.ts';
import type { EventList, EventSchema, Schema } from '../../protocol/schema.ts';
import { EventFields } from '../decode/event-fields.ts';
import { Fault } from '../fault.ts';
import type { KeptFields } from './kept-fields.ts';

/** Plain JSON. `id` is left out where the producer gave none. */
export interface StoredEvent {
  readonly id?: string;
  readonly type: string;
  /** Epoch ms. */
  readonly ts: number;
  readonly data: object;
}

type Scalar = boolean | number | string;
type Fields = Record<string, unknown>;

/** What is kept of an event of this type; its strings must have been read. */
export function storeEvent(schema: EventSchema, kept: KeptFields, event: EventFrame): StoredEvent {
  const data: Fields = {};
  for (const { path, type, slot } of schema.fields) {
    if (event.present[slot] === 1 && kept.field(slot))
      setPath(data, path, scalar(type, event.number[slot] as number, event.text[slot] as string));
  }
  for (const list of schema.lists) {
    if (event.listPresent[list.list] === 1 && kept.list(list.list))
      setPath(data, list.path, elements(list, kept, event.lists[list.list] as ListFrame));
  }
  return { ...(event.id === '' ? {} : { id: event.id }), type: event.typeName, ts: event.ts, data };
}

function elements(list: EventList, kept: KeptFields, frame: ListFrame): unknown[] {
  const columns = list.columns.filter(({ column }) => kept.column(list.list, column));
  return Array.from({ length: frame.length }, (_, i) => {
    const element: Fields = {};
    for (const { name, type, column } of columns) {
      const { number, text, present } = frame.columns[column] as ListFrame['columns'][number];
      if (present[i] !== 1) continue;
      const value = scalar(type, number[i] as number, text[i] as string);
      if (!list.ofObjects) return value;
      element[name] = value;
    }
    return element;
  });
}

/** Timestamps stay epoch milliseconds. */
function scalar(type: string, number: number, text: string): Scalar {
  if (type === 'string') return text;
  return type === 'bool' ? number === 1 : number;
}

/** Declared names are identifiers: none of them is a prototype's key. */
function setPath(root: Fields, path: string, value: unknown): void {
  const keys = path.split('.');
  let object = root;
  for (let i = 0; i < keys.length - 1; i++) {
    const key = keys[i] as string;
    object[key] ??= {};
    object = object[key] as Fields;
  }
  object[keys[keys.length - 1] as string] = value;
}

/** Reads stored events by one workspace's schema. */
export class StoredEvents {
  readonly #schemas: ReadonlyMap<string, EventSchema>;
  readonly #fields = new Map<string, EventFields>();
  readonly #fault = new Fault();

  constructor(schema: Schema) {
    this.#schemas = new Map(schema.events.map((event) => [event.type, event]));
  }

  /** A frame for `read`; null: the schema does not know the type. */
  createFrame(type: string): EventFrame | null {
    const schema = this.#schemas.get(type);
    return schema === undefined ? null : createEventFrame(schema);
  }

  /** Into a frame of the event's type. False: the schema in force does not accept what was stored, and the frame is half filled. */
  read({ id, type, ts, data }: StoredEvent, customer: string, into: EventFrame): boolean {
    const schema = this.#schemas.get(type);
    if (schema === undefined) return false;
    let fields = this.#fields.get(type);
    if (fields === undefined) {
      fields = new EventFields(schema, this.#fault);
      this.#fields.set(type, fields);
    }
    into.id = id ?? '';
    into.customer = customer;
    into.ts = ts;
    return fields.fill(data, into);
  }
}
