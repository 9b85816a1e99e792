/**
 * MessagePack messages on the fast way: events straight from the bytes into a batch, guided by the schema's plans.
 * Maps and msgpackr's records alike.
 */
import { BATCH_LIST_LENGTH_MAX, EVENT_DEPTH_MAX, EVENT_STRING_LENGTH_MAX, ID_BYTES_MAX } from '../constants.ts';
import type { EventFrame, ListColumn, ListFrame } from '../protocol/frame.ts';
import { type EventBatch, emptyElements } from './event-batch.ts';
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
import { type InputBytes, isAscii, isUtf8 } from './input-bytes.ts';
import { MessagePackValues } from './message-pack-values.ts';
import { RecordShapes } from './record-shapes.ts';
import { parseRfc3339Bytes, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from './rfc3339.ts';
import { BLOCKED, LATER } from './step-result.ts';
import type { TextCache } from './text-cache.ts';

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

export class MessagePackEvents {
  readonly #input: InputBytes;
  readonly #plans: EventPlans;
  readonly #texts: TextCache;
  readonly #records: RecordShapes;
  readonly #values: MessagePackValues;
  /** The key found last. */
  #key: KeyPlan = UNDECLARED;
  #lastType: KeyPlan = UNDECLARED;
  /** By the slot of an object inside the data: the event in which it came last. */
  readonly #cameIn: Float64Array;
  #event = 0;
  /** Where the event's lists may not be long. */
  #place = 0;

  constructor(input: InputBytes, plans: EventPlans, texts: TextCache) {
    this.#input = input;
    this.#plans = plans;
    this.#texts = texts;
    this.#records = new RecordShapes(input);
    this.#values = new MessagePackValues(input, this.#records);
    this.#cameIn = new Float64Array(plans.innerCount);
  }

  /** Of a new message. */
  clear(): void {
    this.#records.clear();
  }

  /** Decodes the event at `start` into a place of the batch; BLOCKED and LATER leave everything as it was. */
  event(start: number, batch: EventBatch, place: number): number {
    this.#event++;
    this.#place = place;
    const end = this.#envelope(start, batch, place);
    if (end < 0) this.#records.undo(0);
    this.#records.forget();
    return end;
  }

  #envelope(start: number, batch: EventBatch, place: number): number {
    const values = this.#values;
    const object = this.#plans.envelope;
    let at = values.openObject(start, object);
    if (at < 0) return BLOCKED;
    const { count, keys } = values;
    const { bytes, view } = this.#input;
    batch.givenTs[place] = Number.NaN;
    batch.customerStart[place] = 0;
    batch.customerEnd[place] = 0;
    batch.idStart[place] = 0;
    batch.idEnd[place] = 0;
    let plan: EventPlan | null = null;
    let frame: EventFrame | null = null;
    let dataAt = -1;
    let recordsAtData = 0;
    /** Kinds seen, a bit each: a key that comes twice is left to the thorough decoder. */
    let seen = 0;
    let previous = object.head;
    for (let i = 0; i < count; i++) {
      let key: KeyPlan;
      if (keys !== null) key = keys[i] as KeyPlan;
      else {
        key = previous.follower;
        if (bytes[at] === key.token && key.isAt(view, at + 1)) at += 1 + key.length;
        else {
          at = this.#find(at, object, previous);
          if (at < 0) return BLOCKED;
          key = this.#key;
        }
        if (key.kind !== NOBODYS) previous = key;
      }
      const { kind } = key;
      if (kind === NOBODYS) {
        at = values.skip(at, 2);
        if (at < 0) return BLOCKED;
        continue;
      }
      if ((seen & (1 << kind)) !== 0) return BLOCKED;
      seen |= 1 << kind;
      switch (kind) {
        case TYPE: {
          at = this.#type(at);
          if (at < 0) return BLOCKED;
          plan = this.#plans.events[this.#lastType.slot] as EventPlan;
          frame = batch.emptyFrame(plan.event, place);
          batch.type[place] = plan.event.index;
          break;
        }
        case ID:
          at = this.#id(at, batch.idStart, batch.idEnd, place);
          break;
        case CUSTOMER:
          at = this.#id(at, batch.customerStart, batch.customerEnd, place);
          break;
        case TS:
          at = this.#ts(at, batch.givenTs, place);
          break;
        case DATA: {
          if (bytes[at] === 0xc0) at++;
          else if (plan !== null) at = this.#fields(at, plan.data, frame as EventFrame, 2);
          else {
            // Whose data it is comes later.
            dataAt = at;
            recordsAtData = this.#records.mark;
            at = values.skip(at, 2);
          }
          break;
        }
        default:
          return BLOCKED;
      }
      if (at < 0) return at;
    }
    if (plan === null || frame === null) return BLOCKED;
    if (dataAt >= 0) {
      const result = this.#deferredFields(dataAt, plan, frame, recordsAtData);
      if (result < 0) return result;
    }
    return at;
  }

  /** Reads data that has been passed once: with the definitions that held there, then with those that hold now. */
  #deferredFields(at: number, plan: EventPlan, frame: EventFrame, mark: number): number {
    const records = this.#records;
    const now = records.mark;
    if (now > mark) records.undo(mark);
    const end = this.#fields(at, plan.data, frame, 2);
    if (now > mark) records.redo(mark, now);
    return end;
  }

  /** `level` is that of the object: the event's is 1, its data's 2. */
  #fields(start: number, object: ObjectPlan, frame: EventFrame, level: number): number {
    if (level > EVENT_DEPTH_MAX) return BLOCKED;
    const values = this.#values;
    let at = values.openObject(start, object);
    if (at < 0) return BLOCKED;
    const { count, keys } = values;
    const { bytes, view, end: messageEnd } = this.#input;
    const texts = this.#texts;
    const { number, text, present } = frame;
    let previous = object.head;
    for (let i = 0; i < count; i++) {
      let key: KeyPlan;
      if (keys !== null) key = keys[i] as KeyPlan;
      else {
        key = previous.follower;
        if (bytes[at] === key.token && key.isAt(view, at + 1)) at += 1 + key.length;
        else {
          at = this.#find(at, object, previous);
          if (at < 0) return BLOCKED;
          key = this.#key;
        }
        if (key.kind !== NOBODYS) previous = key;
      }
      const { kind } = key;
      if (kind <= LAST_SCALAR) {
        const { slot } = key;
        const token = bytes[at] as number;
        if (kind === DOUBLE && token === 0xcb && present[slot] === 0) {
          const value = view.getFloat64(at + 1);
          if (value - value !== 0) return BLOCKED;
          number[slot] = value;
          present[slot] = 1;
          at += 9;
        } else if (kind === TEXT && (token & 0xe0) === 0xa0 && present[slot] === 0) {
          const end = at + 1 + (token & 0x1f);
          const value = end <= messageEnd ? texts.get(at + 1, end) : null;
          if (value === null) return BLOCKED;
          text[slot] = value;
          present[slot] = 1;
          at = end;
        } else at = this.#scalar(at, kind, slot, number, text, present);
      } else if (kind === NOBODYS) at = values.skip(at, level + 1);
      else if (kind === LIST) at = this.#list(at, key, frame, level + 1);
      else if (kind === OBJECT) at = this.#inner(at, key, frame, level + 1);
      else return BLOCKED;
      if (at < 0) return at;
    }
    return at;
  }

  #inner(at: number, key: KeyPlan, frame: EventFrame, level: number): number {
    if (this.#cameIn[key.slot] === this.#event) return BLOCKED;
    this.#cameIn[key.slot] = this.#event;
    const behind = this.#values.nil(at);
    return behind >= 0 ? behind : this.#fields(at, key.object as ObjectPlan, frame, level);
  }

  /** Looks up the key at `at`, behind which it stops, and remembers it as the one that follows `previous`. */
  #find(at: number, object: ObjectPlan, previous: KeyPlan): number {
    const values = this.#values;
    const { bytes, view } = this.#input;
    const end = values.key(at);
    if (end < 0) return BLOCKED;
    const key = object.find(view, values.textStart, end);
    this.#key = key;
    if (key.kind !== NOBODYS) previous.follower = key;
    else if (!isUtf8(bytes, values.textStart, end)) return BLOCKED;
    return end;
  }

  /**
   * A scalar of data; nil is the same as absent. What came already is left to the thorough decoder. The usual forms are
   * here, where the compiler can put them into its callers' loops; the others are in #rareScalar.
   */
  #scalar(at: number, kind: KeyKind, slot: number, number: Float64Array, text: string[], present: Uint8Array): number {
    if (present[slot] !== 0) return BLOCKED;
    const { bytes, view } = this.#input;
    const token = bytes[at] as number;
    if (kind === TEXT) {
      const end = at + 1 + (token & 0x1f);
      if ((token & 0xe0) === 0xa0 && end <= this.#input.end) {
        const value = this.#texts.get(at + 1, end);
        if (value === null) return BLOCKED;
        text[slot] = value;
        present[slot] = 1;
        return end;
      }
    } else if (kind === DOUBLE) {
      if (token === 0xcb) {
        const value = view.getFloat64(at + 1);
        // Infinite ones and NaN are refused.
        if (value - value !== 0) return BLOCKED;
        number[slot] = value;
        present[slot] = 1;
        return at + 9;
      }
    } else if (kind === INT) {
      // From 0x40 on it may be a record.
      if (token < 0x40) {
        number[slot] = token;
        present[slot] = 1;
        return at + 1;
      }
    } else if (kind === BOOL) {
      if ((token & 0xfe) === 0xc2) {
        number[slot] = token & 1;
        present[slot] = 1;
        return at + 1;
      }
    }
    return this.#rareScalar(at, kind, slot, number, text, present);
  }

  #rareScalar(
    at: number,
    kind: KeyKind,
    slot: number,
    number: Float64Array,
    text: string[],
    present: Uint8Array,
  ): number {
    const { bytes } = this.#input;
    let end = BLOCKED;
    switch (kind) {
      case DOUBLE:
        end = this.#values.number(at, number, slot);
        if (end >= 0 && !Number.isFinite(number[slot])) return BLOCKED;
        break;
      case INT: {
        end = this.#values.number(at, number, slot);
        if (end < 0) break;
        const value = number[slot] as number;
        if (!Number.isSafeInteger(value)) return BLOCKED;
        number[slot] = value + 0;
        break;
      }
      case BOOL:
        break;
      case TIMESTAMP: {
        end = this.#time(at, number, slot);
        if (end < 0) break;
        const value = number[slot] as number;
        if (!Number.isSafeInteger(value) || value < TIMESTAMP_MS_MIN || value > TIMESTAMP_MS_MAX) return BLOCKED;
        number[slot] = value + 0;
        break;
      }
      default: {
        end = this.#values.text(at);
        if (end < 0) break;
        const start = this.#values.textStart;
        // As many bytes as UTF-16 units allowed: longer ones are rare enough to be looked at with care.
        if (end - start > EVENT_STRING_LENGTH_MAX) return BLOCKED;
        if (kind === TEXT) {
          const value = this.#texts.get(start, end);
          if (value === null) return BLOCKED;
          text[slot] = value;
        } else if (!isUtf8(bytes, start, end)) return BLOCKED;
      }
    }
    if (end < 0) return this.#values.nil(at);
    present[slot] = 1;
    return end;
  }

  /** A timestamp as text or number; its range is not looked at, and NaN where the text is none. */
  #time(at: number, number: Float64Array, slot: number): number {
    const end = this.#values.text(at);
    if (end < 0) return this.#values.number(at, number, slot);
    number[slot] = parseRfc3339Bytes(this.#input.bytes, this.#values.textStart, end);
    return end;
  }

  #ts(at: number, givenTs: Float64Array, place: number): number {
    const { bytes, view } = this.#input;
    let end = at + 9;
    // Epoch ms are beyond 32 bits, and most encoders write such integers as doubles.
    if (bytes[at] === 0xcb) givenTs[place] = view.getFloat64(at + 1);
    else {
      end = this.#values.nil(at);
      if (end >= 0) return end;
      end = this.#time(at, givenTs, place);
    }
    const ms = givenTs[place] as number;
    if (end < 0 || !Number.isSafeInteger(ms) || ms < 0 || ms > TIMESTAMP_MS_MAX) return BLOCKED;
    givenTs[place] = ms + 0;
    return end;
  }

  #id(at: number, starts: Int32Array, ends: Int32Array, place: number): number {
    const { bytes, view, end: messageEnd } = this.#input;
    const token = bytes[at] as number;
    let start = at + 1;
    let end = start + (token & 0x1f);
    if ((token & 0xe0) !== 0xa0) {
      end = this.#values.text(at);
      if (end < 0) return this.#values.nil(at);
      start = this.#values.textStart;
    }
    if (start === end || end > messageEnd || end - start > ID_BYTES_MAX || !isAscii(view, start, end)) return BLOCKED;
    starts[place] = start;
    ends[place] = end;
    return end;
  }

  /** The event's type into #lastType; most often it is the one of the event before. */
  #type(at: number): number {
    const { bytes, view } = this.#input;
    const last = this.#lastType;
    if (bytes[at] === last.token && last.isAt(view, at + 1)) return at + 1 + last.length;
    const end = this.#values.text(at);
    if (end < 0) return BLOCKED;
    const type = this.#plans.types.find(view, this.#values.textStart, end);
    if (type.kind !== TYPE) return BLOCKED;
    this.#lastType = type;
    return end;
  }

  /** `level` is the list's. */
  #list(start: number, key: KeyPlan, frame: EventFrame, level: number): number {
    const values = this.#values;
    if (frame.listPresent[key.slot] !== 0) return BLOCKED;
    const behind = values.nil(start);
    if (behind >= 0) return behind;
    let at = values.openList(start);
    if (at < 0 || level > EVENT_DEPTH_MAX) return BLOCKED;
    const { count } = values;
    if (count > BATCH_LIST_LENGTH_MAX && this.#place > 0) return LATER;
    const into = frame.lists[key.slot] as ListFrame;
    const { element, kind } = key.list as ListPlan;
    emptyElements(into, 0, count);
    if (element === null) {
      const { number, text, present } = into.columns[0] as ListColumn;
      for (let i = 0; i < count; i++) {
        at = this.#scalar(at, kind, i, number, text, present);
        if (at < 0 || present[i] === 0) return BLOCKED;
      }
    } else {
      for (let i = 0; i < count; i++) {
        at = this.#element(at, element, into, i, level + 1);
        if (at < 0) return BLOCKED;
      }
    }
    into.length = count;
    frame.listPresent[key.slot] = 1;
    return at;
  }

  #element(start: number, object: ObjectPlan, into: ListFrame, index: number, level: number): number {
    if (level > EVENT_DEPTH_MAX) return BLOCKED;
    const values = this.#values;
    let at = values.openObject(start, object);
    if (at < 0) return BLOCKED;
    const { count, keys } = values;
    const { bytes, view } = this.#input;
    let previous = object.head;
    for (let i = 0; i < count; i++) {
      let key: KeyPlan;
      if (keys !== null) key = keys[i] as KeyPlan;
      else {
        key = previous.follower;
        if (bytes[at] === key.token && key.isAt(view, at + 1)) at += 1 + key.length;
        else {
          at = this.#find(at, object, previous);
          if (at < 0) return BLOCKED;
          key = this.#key;
        }
        if (key.kind !== NOBODYS) previous = key;
      }
      if (key.kind <= LAST_SCALAR) {
        const { number, text, present } = into.columns[key.slot] as ListColumn;
        at = this.#scalar(at, key.kind, index, number, text, present);
      } else if (key.kind === NOBODYS) at = values.skip(at, level + 1);
      else return BLOCKED;
      if (at < 0) return BLOCKED;
    }
    return at;
  }
}
