/**
 * The data of JSON events on the fast way: fields, objects inside it and lists into the event's frame.
 */
import {
  BATCH_LIST_LENGTH_MAX,
  EVENT_DEPTH_MAX,
  EVENT_LIST_LENGTH_MAX,
  EVENT_STRING_LENGTH_MAX,
} from '../../constants.ts';
import type { EventFrame, ListColumn, ListFrame } from '../../protocol/frame.ts';
import { emptyElements } from './event-batch.ts';
import { isWellFormed } from './event-fields.ts';
import { KeyKind, type KeyPlan, LAST_SCALAR_KIND, type ListPlan, type ObjectPlan } from './event-plan.ts';
import { type InputBytes, isUtf8 } from './input-bytes.ts';
import { CLOSE_LIST, CLOSE_OBJECT, COMMA, type JsonValues, OPEN_LIST, OPEN_OBJECT } from './json-values.ts';
import { TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN } from './rfc3339.ts';
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
const NOBODYS = KeyKind.undeclared;
const LAST_SCALAR = LAST_SCALAR_KIND;

export class JsonData {
  readonly #input: InputBytes;
  readonly #values: JsonValues;
  readonly #texts: TextCache;
  /** By the slot of an object inside the data: the event in which it came last. */
  readonly #cameIn: Float64Array;
  #event = 0;
  /** Of the batch; only in the first may lists be long. */
  #place = 0;

  constructor(input: InputBytes, values: JsonValues, texts: TextCache, innerCount: number) {
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
    const { bytes } = this.#input;
    const { number, text, present } = frame;
    let previous = object.head;
    let at = values.space(start + 1);
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      at = values.readKey(at, object, previous);
      if (at < 0) return BLOCKED;
      const key = values.found;
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
    return this.fields(at, key.object as ObjectPlan, frame, level);
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
        end = this.#values.time(at, number, slot);
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
      at = values.readKey(at, object, previous);
      if (at < 0) return BLOCKED;
      const key = values.found;
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
