/**
 * The data of MessagePack events on the fast way: fields, objects inside it and lists into the event's frame, from maps
 * and msgpackr's records alike.
 */
import { BATCH_LIST_LENGTH_MAX, EVENT_DEPTH_MAX, EVENT_STRING_LENGTH_MAX } from '../../constants.ts';
import type { EventFrame, ListColumn, ListFrame } from '../../protocol/frame.ts';
import { emptyElements } from './event-batch.ts';
import { KeyKind, type KeyPlan, LAST_SCALAR_KIND, type ListPlan, type ObjectPlan } from './event-plan.ts';
import { type InputBytes, isUtf8 } from './input-bytes.ts';
import type { MessagePackValues } from './message-pack-values.ts';
import { TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from './rfc3339.ts';
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
const NOBODYS = KeyKind.undeclared;
const LAST_SCALAR = LAST_SCALAR_KIND;

export class MessagePackData {
  readonly #input: InputBytes;
  readonly #values: MessagePackValues;
  readonly #texts: TextCache;
  /** By the slot of an object inside the data: the event in which it came last. */
  readonly #cameIn: Float64Array;
  #event = 0;
  /** Of the batch; only in the first may lists be long. */
  #place = 0;

  constructor(input: InputBytes, values: MessagePackValues, texts: TextCache, innerCount: number) {
    this.#input = input;
    this.#values = values;
    this.#texts = texts;
    this.#cameIn = new Float64Array(innerCount);
  }

  /** Of a new event. */
  begin(place: number): void {
    this.#event++;
    this.#place = place;
  }

  /** Fills a frame from the object at `at`. `level` is the object's: the event's is 1, its data's 2. */
  fields(start: number, object: ObjectPlan, frame: EventFrame, level: number): number {
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
          at = values.find(at, object, previous);
          if (at < 0) return BLOCKED;
          key = values.found;
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
    return behind >= 0 ? behind : this.fields(at, key.object as ObjectPlan, frame, level);
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
        end = this.#values.time(at, number, slot);
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
          at = values.find(at, object, previous);
          if (at < 0) return BLOCKED;
          key = values.found;
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
