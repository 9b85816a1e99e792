/**
 * MessagePack messages on the fast way: events straight from the bytes into a batch, guided by the schema's plans. Here
 * is the envelope; the data is in message-pack-data.ts.
 */
import { ID_BYTES_MAX } from '../../constants.ts';
import type { EventFrame } from '../../protocol/frame.ts';
import type { EventBatch } from './event-batch.ts';
import { type EventPlan, type EventPlans, KeyKind, type KeyPlan, UNDECLARED } from './event-plan.ts';
import { type InputBytes, isAscii } from './input-bytes.ts';
import { MessagePackData } from './message-pack-data.ts';
import { MessagePackValues } from './message-pack-values.ts';
import { RecordShapes } from './record-shapes.ts';
import { TIMESTAMP_MS_MAX } from './rfc3339.ts';
import { BLOCKED } from './step-result.ts';
import type { TextCache } from './text-cache.ts';

// Constants of this module are constants to the optimizing compiler; those of others are looked up each time.
const TYPE = KeyKind.type;
const ID = KeyKind.id;
const CUSTOMER = KeyKind.customer;
const TS = KeyKind.ts;
const DATA = KeyKind.data;
const NOBODYS = KeyKind.undeclared;

export class MessagePackEvents {
  readonly #input: InputBytes;
  readonly #plans: EventPlans;
  readonly #data: MessagePackData;
  readonly #records: RecordShapes;
  readonly #values: MessagePackValues;
  #lastType: KeyPlan = UNDECLARED;

  constructor(input: InputBytes, plans: EventPlans, texts: TextCache) {
    this.#input = input;
    this.#plans = plans;
    this.#records = new RecordShapes(input);
    this.#values = new MessagePackValues(input, this.#records);
    this.#data = new MessagePackData(input, this.#values, texts, plans.innerCount);
  }

  /** Of a new message. */
  clear(): void {
    this.#records.clear();
  }

  /** Decodes the event at `start` into a place of the batch; BLOCKED and LATER leave everything as it was. */
  event(start: number, batch: EventBatch, place: number): number {
    this.#data.begin(place);
    const end = this.#envelope(start, batch, place);
    if (end < 0) this.#records.undo(0);
    this.#records.forget();
    return end;
  }

  #envelope(start: number, batch: EventBatch, place: number): number {
    const values = this.#values;
    const data = this.#data;
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
    /** Kinds seen, a bit each: a key that comes twice is left to the thorough decoder, but for those of subject-event.ts. */
    let seen = 0;
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
      if (kind === NOBODYS) {
        at = values.skip(at, 2);
        if (at < 0) return BLOCKED;
        continue;
      }
      const again = (seen & (1 << kind)) !== 0;
      if (again && kind !== TYPE && kind !== CUSTOMER) return BLOCKED;
      seen |= 1 << kind;
      switch (kind) {
        case TYPE: {
          at = this.#type(at);
          if (at < 0) return BLOCKED;
          if (again) {
            // Its data may have been read as another type's.
            if (plan !== this.#plans.events[this.#lastType.slot]) return BLOCKED;
            break;
          }
          plan = this.#plans.events[this.#lastType.slot] as EventPlan;
          frame = batch.emptyFrame(plan.event, place);
          batch.type[place] = plan.event.index;
          break;
        }
        case ID:
          at = this.#id(at, batch.idStart, batch.idEnd, place);
          break;
        case CUSTOMER: {
          // The last one counts; nobody, behind somebody, is rare.
          const before: number | undefined = batch.customerStart[place];
          at = this.#id(at, batch.customerStart, batch.customerEnd, place);
          if (again && batch.customerStart[place] === before) return BLOCKED;
          break;
        }
        case TS:
          at = this.#ts(at, batch.givenTs, place);
          break;
        case DATA: {
          if (bytes[at] === 0xc0) at++;
          else if (plan !== null) at = data.fields(at, plan.data, frame as EventFrame, 2);
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
      const result = this.#deferredData(dataAt, plan, frame, recordsAtData);
      if (result < 0) return result;
    }
    return at;
  }

  /** Reads data that has been passed once: with the definitions that held there, then with those that hold now. */
  #deferredData(at: number, plan: EventPlan, frame: EventFrame, mark: number): number {
    const records = this.#records;
    const now = records.mark;
    if (now > mark) records.undo(mark);
    const end = this.#data.fields(at, plan.data, frame, 2);
    if (now > mark) records.redo(mark, now);
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
      end = this.#values.time(at, givenTs, place);
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
}
