/**
 * JSON messages on the fast way: events straight from the text's bytes into a batch, guided by the schema's plans.
 */
import {
  BATCH_LIST_LENGTH_MAX,
  EVENT_DEPTH_MAX,
  EVENT_LIST_LENGTH_MAX,
  EVENT_STRING_LENGTH_MAX,
  ID_BYTES_MAX,
} from '../constants.ts';
import type { EventFrame, ListColumn, ListFrame } from '../protocol/frame.ts';
import { type EventBatch, emptyElements } from './event-batch.ts';
import { isWellFormed } from './event-fields.ts';
import {
  type EventPlan,
  type EventPlans,
  KeyKind,
  type KeyPlan,
  LAST_SCALAR_KIND,
  type ListPlan,
  type ObjectPlan,
  UNDECLARED,
} from './event-plan.ts';
import { type InputBytes, isUtf8 } from './input-bytes.ts';
import { CLOSE_LIST, CLOSE_OBJECT, COLON, COMMA, JsonValues, OPEN_LIST, OPEN_OBJECT, QUOTE } from './json-values.ts';
import { parseRfc3339Bytes, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from './rfc3339.ts';
import { BLOCKED, LATER } from './step-result.ts';
import type { TextCache } from './text-cache.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Elements of a list that are made room for at first. */
const LIST_ROOM = 16;

// Constants of this module are constants to the optimizing compiler; those of others are looked up each time.
const DOUBLE = KeyKind.double;
const INT = KeyKind.int;
const BOOL = KeyKind.bool;
const TIMESTAMP = KeyKind.timestamp;
const TEXT = KeyKind.text;
const LIST = KeyKind.list;
const OBJECT = KeyKind.object;
const TYPE = KeyKind.type;
const ID = KeyKind.id;
const CUSTOMER = KeyKind.customer;
const TS = KeyKind.ts;
const DATA = KeyKind.data;
const NOBODYS = KeyKind.undeclared;
const LAST_SCALAR = LAST_SCALAR_KIND;

export class JsonEvents {
  readonly #input: InputBytes;
  readonly #plans: EventPlans;
  readonly #texts: TextCache;
  readonly #values: JsonValues;
  /** The key read last. */
  #key: KeyPlan = UNDECLARED;
  #lastType: KeyPlan = UNDECLARED;
  /** By the slot of an object inside the data: the event in which it came last. */
  readonly #cameIn: Float64Array;
  #event = 0;
  #place = 0;

  constructor(input: InputBytes, plans: EventPlans, texts: TextCache) {
    this.#input = input;
    this.#plans = plans;
    this.#texts = texts;
    this.#values = new JsonValues(input);
    this.#cameIn = new Float64Array(plans.innerCount);
  }

  /** Behind white space. */
  space(at: number): number {
    return this.#values.space(at);
  }

  /** Decodes the event at `start` into a place of the batch. */
  event(start: number, batch: EventBatch, place: number): number {
    this.#event++;
    this.#place = place;
    const values = this.#values;
    const { bytes } = this.#input;
    if (bytes[start] !== OPEN_OBJECT) return BLOCKED;
    batch.givenTs[place] = Number.NaN;
    batch.customerStart[place] = 0;
    batch.customerEnd[place] = 0;
    batch.idStart[place] = 0;
    batch.idEnd[place] = 0;
    const object = this.#plans.envelope;
    let plan: EventPlan | null = null;
    let frame: EventFrame | null = null;
    let dataAt = -1;
    /** Kinds seen, a bit each: a key that comes twice is left to the thorough decoder. */
    let seen = 0;
    let previous = object.head;
    let at = start;
    do {
      at = this.#readKey(values.space(at + 1), object, previous);
      if (at < 0) return BLOCKED;
      const key = this.#key;
      if (key.kind !== NOBODYS) previous = key;
      const { kind } = key;
      if (kind === NOBODYS) at = values.skip(at, 2);
      else {
        if ((seen & (1 << kind)) !== 0) return BLOCKED;
        seen |= 1 << kind;
        switch (kind) {
          case TYPE:
            at = this.#type(at);
            if (at < 0) return BLOCKED;
            plan = this.#plans.events[this.#lastType.slot] as EventPlan;
            frame = batch.emptyFrame(plan.event, place);
            batch.type[place] = plan.event.index;
            break;
          case ID:
            at = this.#id(at, batch.idStart, batch.idEnd, place);
            break;
          case CUSTOMER:
            at = this.#id(at, batch.customerStart, batch.customerEnd, place);
            break;
          case TS:
            at = this.#ts(at, batch.givenTs, place);
            break;
          case DATA:
            if (bytes[at] !== OPEN_OBJECT) at = values.nil(at);
            else if (plan !== null) at = this.#fields(at, plan.data, frame as EventFrame, 2);
            else {
              // Whose data it is comes later.
              dataAt = at;
              at = values.skip(at, 2);
            }
            break;
          default:
            return BLOCKED;
        }
      }
      if (at < 0) return at;
      at = values.space(at);
    } while (bytes[at] === COMMA);
    // Without a type it is no event, so that an empty object need not be looked for.
    if (bytes[at] !== CLOSE_OBJECT || plan === null || frame === null) return BLOCKED;
    if (dataAt >= 0) {
      const result = this.#fields(dataAt, plan.data, frame, 2);
      if (result < 0) return result;
    }
    return at + 1;
  }

  /** Reads the key at `at`, the colon and white space behind it. */
  #readKey(at: number, object: ObjectPlan, previous: KeyPlan): number {
    const values = this.#values;
    const { bytes, view } = this.#input;
    const guess = previous.follower;
    let end = at + 1 + guess.length;
    if (bytes[at] === guess.quote && guess.isAt(view, at + 1) && bytes[end] === QUOTE) {
      this.#key = guess;
      end++;
    } else {
      end = values.key(at);
      if (end < 0) return BLOCKED;
      const key = object.find(view, values.textStart, end - 1);
      this.#key = key;
      if (key.kind !== NOBODYS) previous.follower = key;
    }
    // Most write no white space.
    return bytes[end] === COLON && (bytes[end + 1] as number) > 0x20 ? end + 1 : values.colon(end);
  }

  /** `level` is that of the object: the event's is 1, its data's 2. */
  #fields(start: number, object: ObjectPlan, frame: EventFrame, level: number): number {
    if (level > EVENT_DEPTH_MAX) return BLOCKED;
    const values = this.#values;
    const { bytes } = this.#input;
    const { number, text, present } = frame;
    let previous = object.head;
    let at = values.space(start + 1);
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      at = this.#readKey(at, object, previous);
      if (at < 0) return BLOCKED;
      const key = this.#key;
      if (key.kind !== NOBODYS) previous = key;
      const { kind } = key;
      if (kind <= LAST_SCALAR) at = this.#scalar(at, kind, key.slot, number, text, present);
      else if (kind === NOBODYS) at = values.skip(at, level + 1);
      else if (kind === LIST) at = this.#list(at, key, frame, level + 1);
      else if (kind === OBJECT) at = this.#inner(at, key, frame, level + 1);
      else return BLOCKED;
      if (at < 0) return at;
      at = values.space(at);
      if (bytes[at] === CLOSE_OBJECT) return at + 1;
      if (bytes[at] !== COMMA) return BLOCKED;
      at = values.space(at + 1);
    }
  }

  #inner(at: number, key: KeyPlan, frame: EventFrame, level: number): number {
    if (this.#cameIn[key.slot] === this.#event) return BLOCKED;
    this.#cameIn[key.slot] = this.#event;
    if (this.#input.bytes[at] !== OPEN_OBJECT) return this.#values.nil(at);
    return this.#fields(at, key.object as ObjectPlan, frame, level);
  }

  /** A scalar of data; null is the same as absent. What came already is left to the thorough decoder. */
  #scalar(at: number, kind: KeyKind, slot: number, number: Float64Array, text: string[], present: Uint8Array): number {
    if (present[slot] !== 0) return BLOCKED;
    const values = this.#values;
    if (this.#input.bytes[at] === 0x6e) return values.nil(at);
    let end = BLOCKED;
    switch (kind) {
      case DOUBLE: {
        end = values.number(at, number, slot);
        if (end >= 0 && !Number.isFinite(number[slot])) return BLOCKED;
        break;
      }
      case INT: {
        end = values.number(at, number, slot);
        if (end < 0) return BLOCKED;
        const value = number[slot] as number;
        if (!Number.isSafeInteger(value)) return BLOCKED;
        number[slot] = value + 0;
        break;
      }
      case BOOL:
        end = values.bool(at, number, slot);
        break;
      case TIMESTAMP: {
        end = this.#time(at, number, slot);
        if (end < 0) return BLOCKED;
        const value = number[slot] as number;
        if (!Number.isSafeInteger(value) || value < TIMESTAMP_MS_MIN || value > TIMESTAMP_MS_MAX) return BLOCKED;
        number[slot] = value + 0;
        break;
      }
      default:
        end = this.#text(at, kind === TEXT, text, slot);
    }
    if (end >= 0) present[slot] = 1;
    return end;
  }

  /** A string into `text[slot]`, if anybody reads it. */
  #text(at: number, wanted: boolean, text: string[], slot: number): number {
    const values = this.#values;
    const end = values.string(at);
    if (end < 0) return BLOCKED;
    const start = values.textStart;
    if (values.escaped) {
      const value = unescaped(this.#input.bytes, at, end);
      if (value === null || value.length > EVENT_STRING_LENGTH_MAX || !isWellFormed(value)) return BLOCKED;
      if (wanted) text[slot] = value;
      return end;
    }
    // As many bytes as UTF-16 units allowed: longer ones are rare enough to be looked at with care.
    if (end - 1 - start > EVENT_STRING_LENGTH_MAX) return BLOCKED;
    if (wanted) {
      const value = this.#texts.get(start, end - 1);
      if (value === null) return BLOCKED;
      text[slot] = value;
    } else if (values.high && !isUtf8(this.#input.bytes, start, end - 1)) return BLOCKED;
    return end;
  }

  /** A timestamp as text or number; its range is not looked at, and NaN where the text is none. */
  #time(at: number, number: Float64Array, slot: number): number {
    const values = this.#values;
    if (this.#input.bytes[at] !== QUOTE) return values.number(at, number, slot);
    const end = values.string(at);
    if (end < 0 || values.escaped) return BLOCKED;
    number[slot] = parseRfc3339Bytes(this.#input.bytes, values.textStart, end - 1);
    return end;
  }

  #ts(at: number, givenTs: Float64Array, place: number): number {
    if (this.#input.bytes[at] === 0x6e) return this.#values.nil(at);
    const end = this.#time(at, givenTs, place);
    const ms = givenTs[place] as number;
    if (end < 0 || !Number.isSafeInteger(ms) || ms < 0 || ms > TIMESTAMP_MS_MAX) return BLOCKED;
    givenTs[place] = ms + 0;
    return end;
  }

  #id(at: number, starts: Int32Array, ends: Int32Array, place: number): number {
    const values = this.#values;
    if (this.#input.bytes[at] === 0x6e) return values.nil(at);
    const end = values.string(at);
    const length = end - 1 - values.textStart;
    if (end < 0 || values.escaped || values.high || length === 0 || length > ID_BYTES_MAX) return BLOCKED;
    starts[place] = values.textStart;
    ends[place] = end - 1;
    return end;
  }

  /** The event's type into #lastType; most often it is the one of the event before. */
  #type(at: number): number {
    const values = this.#values;
    const { bytes, view } = this.#input;
    const last = this.#lastType;
    const guessEnd = at + 1 + last.length;
    if (bytes[at] === last.quote && last.isAt(view, at + 1) && bytes[guessEnd] === QUOTE) return guessEnd + 1;
    const end = values.key(at);
    if (end < 0) return BLOCKED;
    const type = this.#plans.types.find(view, values.textStart, end - 1);
    if (type.kind !== TYPE) return BLOCKED;
    this.#lastType = type;
    return end;
  }

  /** `level` is the list's. */
  #list(start: number, key: KeyPlan, frame: EventFrame, level: number): number {
    const values = this.#values;
    const { bytes } = this.#input;
    if (frame.listPresent[key.slot] !== 0) return BLOCKED;
    if (bytes[start] !== OPEN_LIST) return values.nil(start);
    if (level > EVENT_DEPTH_MAX) return BLOCKED;
    const into = frame.lists[key.slot] as ListFrame;
    const list = key.list as ListPlan;
    let at = values.space(start + 1);
    let count = 0;
    if (bytes[at] !== CLOSE_LIST) {
      for (let room = 0; ; count++) {
        if (count === BATCH_LIST_LENGTH_MAX && this.#place > 0) return LATER;
        if (count === EVENT_LIST_LENGTH_MAX) return BLOCKED;
        if (count === room) {
          room = Math.max(LIST_ROOM, room * 2);
          emptyElements(into, count, room);
        }
        at = this.#element(at, list, into, count, level + 1);
        if (at < 0) return BLOCKED;
        at = values.space(at);
        if (bytes[at] === CLOSE_LIST) break;
        if (bytes[at] !== COMMA) return BLOCKED;
        at = values.space(at + 1);
      }
      count++;
    }
    into.length = count;
    frame.listPresent[key.slot] = 1;
    return at + 1;
  }

  #element(start: number, list: ListPlan, into: ListFrame, index: number, level: number): number {
    const object = list.element;
    if (object === null) {
      const { number, text, present } = into.columns[0] as ListColumn;
      const end = this.#scalar(start, list.kind, index, number, text, present);
      return present[index] === 0 ? BLOCKED : end;
    }
    const values = this.#values;
    const { bytes } = this.#input;
    if (level > EVENT_DEPTH_MAX || bytes[start] !== OPEN_OBJECT) return BLOCKED;
    let previous = object.head;
    let at = values.space(start + 1);
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      at = this.#readKey(at, object, previous);
      if (at < 0) return BLOCKED;
      const key = this.#key;
      if (key.kind <= LAST_SCALAR) {
        previous = key;
        const { number, text, present } = into.columns[key.slot] as ListColumn;
        at = this.#scalar(at, key.kind, index, number, text, present);
      } else if (key.kind === NOBODYS) at = values.skip(at, level + 1);
      else return BLOCKED;
      if (at < 0) return BLOCKED;
      at = values.space(at);
      if (bytes[at] === CLOSE_OBJECT) return at + 1;
      if (bytes[at] !== COMMA) return BLOCKED;
      at = values.space(at + 1);
    }
  }
}

/** What JSON.parse makes of the string at `start … end`, its quotes included; null: it refuses. */
function unescaped(bytes: Uint8Array, start: number, end: number): string | null {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes.subarray(start, end)));
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
