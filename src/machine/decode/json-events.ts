/**
 * JSON messages on the fast way: events straight from the text's bytes into a batch, guided by the schema's plans. Here
 * is the envelope; the data is in json-data.ts.
 */
import { ID_BYTES_MAX } from '../../constants.ts';
import type { EventFrame } from '../../protocol/frame.ts';
import type { EventBatch } from './event-batch.ts';
import { type EventPlan, type EventPlans, KeyKind, type KeyPlan, UNDECLARED } from './event-plan.ts';
import type { InputBytes } from './input-bytes.ts';
import { JsonData } from './json-data.ts';
import { CLOSE_OBJECT, COMMA, JsonValues, OPEN_OBJECT, QUOTE } from './json-values.ts';
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

export class JsonEvents {
  readonly #input: InputBytes;
  readonly #plans: EventPlans;
  readonly #values: JsonValues;
  readonly #data: JsonData;
  #lastType: KeyPlan = UNDECLARED;

  constructor(input: InputBytes, plans: EventPlans, texts: TextCache) {
    this.#input = input;
    this.#plans = plans;
    this.#values = new JsonValues(input);
    this.#data = new JsonData(input, this.#values, texts, plans.innerCount);
  }

  /** Behind white space. */
  space(at: number): number {
    return this.#values.space(at);
  }

  /** Decodes the event at `start` into a place of the batch. */
  event(start: number, batch: EventBatch, place: number): number {
    this.#data.begin(place);
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
    /** Kinds seen, a bit each: a key that comes twice is left to the thorough decoder, but for those of subject-event.ts. */
    let seen = 0;
    let previous = object.head;
    let at = start;
    do {
      at = values.readKey(values.space(at + 1), object, previous);
      if (at < 0) return BLOCKED;
      const key = values.found;
      if (key.kind !== NOBODYS) previous = key;
      const { kind } = key;
      if (kind === NOBODYS) at = values.skip(at, 2);
      else {
        const again = (seen & (1 << kind)) !== 0;
        if (again && kind !== TYPE && kind !== CUSTOMER) return BLOCKED;
        seen |= 1 << kind;
        switch (kind) {
          case TYPE:
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
          case DATA:
            if (bytes[at] !== OPEN_OBJECT) at = values.nil(at);
            else if (plan !== null) at = this.#data.fields(at, plan.data, frame as EventFrame, 2);
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
      const result = this.#data.fields(dataAt, plan.data, frame, 2);
      if (result < 0) return result;
    }
    return at + 1;
  }

  #ts(at: number, givenTs: Float64Array, place: number): number {
    if (this.#input.bytes[at] === 0x6e) return this.#values.nil(at);
    const end = this.#values.time(at, givenTs, place);
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
}
