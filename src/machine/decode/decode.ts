/**
 * Step 1, decode: one decoded value becomes an event: its envelope (id, type, ts, customer) in this object's fields,
 * its data in the frame of its type. Nothing here touches state; what is wrong ends in `fault`. The envelope is read
 * first and alone, because repeats are recognised by it before anything else is looked at: whatever a repeat's data
 * says, it was decided on already.
 */
import { ID_BYTES_MAX } from '../../constants.ts';
import { createEventFrame, type EventFrame } from '../../protocol/frame.ts';
import { RejectReason } from '../../protocol/rejection.ts';
import type { Schema } from '../../protocol/schema.ts';
import { UNKNOWN_TYPE } from '../effects.ts';
import { describeValue, type Fault, quoted } from '../fault.ts';
import { checkUndeclared, EventFields, isWellFormed } from './event-fields.ts';
import { parseRfc3339, TIMESTAMP_MS_MAX } from './rfc3339.ts';

export const EventKind = {
  /** Of a type that events.yaml declares. */
  declared: 0,
  /** `$profile`. */
  profile: 1,
  /** `$consent`. */
  consent: 2,
  /** `$feedback`. */
  feedback: 3,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

/** Engine types of the interface whose behaviour is not built: refused by name, never ignored. */
const UNSUPPORTED_TYPES: ReadonlySet<string> = new Set(['$link', '$erase']);
/** Each needs a customer. */
const ENGINE_TYPES: ReadonlyMap<string, EventKind> = new Map([
  ['$profile', EventKind.profile],
  ['$consent', EventKind.consent],
  ['$feedback', EventKind.feedback],
]);
const noData: object = {};

/** Decodes by one workspace's schema. Reused from event to event. */
export class EventDecoder {
  readonly #fault: Fault;
  readonly #active: boolean;
  readonly #frames: readonly EventFrame[];
  readonly #fields: readonly EventFields[];
  readonly #indexOf: ReadonlyMap<string, number>;

  /** '' when the producer gave none. */
  id = '';
  type = '';
  /** '' for an anonymous event. */
  customer = '';
  /** Epoch milliseconds as given; NaN when the producer gave none. */
  givenTs = Number.NaN;
  kind: EventKind = EventKind.declared;
  /** The event's data, an object. */
  data: object = noData;
  #ts: unknown = undefined;

  /** `schema` null: no workspace is active yet, no type is known. */
  constructor(schema: Schema | null, fault: Fault) {
    this.#fault = fault;
    this.#active = schema !== null;
    const events = schema === null ? [] : schema.events;
    this.#frames = events.map(createEventFrame);
    this.#fields = events.map((event) => new EventFields(event, fault));
    // What producers send of the engine's own types is not what rules read of them.
    const declared = events.filter((event) => !event.type.startsWith('$'));
    this.#indexOf = new Map(declared.map((event) => [event.type, event.index]));
  }

  /** Reads id, type and customer, and finds `ts` and `data`. False: see the fault. */
  envelope(value: unknown): boolean {
    this.id = '';
    this.type = '';
    this.customer = '';
    this.#ts = undefined;
    this.data = noData;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.#fault.set(RejectReason.syntax, `expected an event object, got ${describeValue(value)}`);
    }
    const record = value as Record<string, unknown>;
    for (const key in record) {
      const inner = record[key];
      if (key === 'type') {
        if (!this.#isId('type', inner)) return false;
        this.type = inner as string;
      } else if (key === 'customer') {
        if (inner === null || inner === undefined) continue;
        if (!this.#isId('customer', inner)) return false;
        this.customer = inner as string;
      } else if (key === 'id') {
        if (inner === null || inner === undefined) continue;
        if (!this.#isId('id', inner)) return false;
        this.id = inner as string;
      } else if (key === 'ts') {
        this.#ts = inner;
      } else if (key === 'data') {
        if (inner === null || inner === undefined) continue;
        if (typeof inner !== 'object' || Array.isArray(inner)) {
          return this.#fault.set(RejectReason.fieldType, `data: expected object, got ${describeValue(inner)}`);
        }
        this.data = inner;
      } else if (key === 'ids') {
        return this.#fault.set(RejectReason.unsupported, 'ids: identities are not supported yet; send `customer`');
      } else if (!checkUndeclared(key, inner, 1, this.#fault)) {
        return false;
      }
    }
    if (this.type === '') return this.#fault.set(RejectReason.missingField, 'type: missing');
    return true;
  }

  /** Of what the envelope has not looked into yet. False: see the fault. */
  withinDepth(): boolean {
    return checkUndeclared('ts', this.#ts, 1, this.#fault) && checkUndeclared('data', this.data, 1, this.#fault);
  }

  /** The event's type where it is known, for metrics. */
  label(): string {
    return this.#indexOf.has(this.type) || ENGINE_TYPES.has(this.type) ? this.type : UNKNOWN_TYPE;
  }

  /** Finds the type and sets `kind`. False: see the fault. */
  resolveType(): boolean {
    this.kind = EventKind.declared;
    if (this.#indexOf.has(this.type)) return true;
    if (!this.#active)
      return this.#fault.set(
        RejectReason.unknownType,
        `type: ${quoted(this.type)} is not known: no workspace has been published yet`,
      );
    if (this.type.charCodeAt(0) === 0x24) return this.#resolveEngineType();
    return this.#fault.set(RejectReason.unknownType, `type: ${quoted(this.type)} is not declared in events.yaml`);
  }

  /** Reads `ts` into `givenTs`. False: see the fault. */
  time(): boolean {
    const ts = this.#ts;
    this.givenTs = Number.NaN;
    if (ts === undefined || ts === null) return true;
    const ms = typeof ts === 'string' ? parseRfc3339(ts) : ts;
    if (typeof ms !== 'number' || !Number.isSafeInteger(ms) || ms > TIMESTAMP_MS_MAX) {
      if (!checkUndeclared('ts', ts, 1, this.#fault)) return false;
      return this.#fault.set(
        RejectReason.timestamp,
        `ts: expected an RFC 3339 timestamp or epoch milliseconds, got ${describeValue(ts)}`,
      );
    }
    if (ms < 0) return this.#fault.set(RejectReason.timestamp, `ts: ${describeValue(ts)} is before 1970`);
    this.givenTs = ms + 0;
    return true;
  }

  /**
   * Fills the frame of a declared type with the event; null: see the fault. `ts` is the time at which the event counts.
   */
  frame(ts: number): EventFrame | null {
    const index = this.#indexOf.get(this.type) as number;
    const frame = this.#frames[index] as EventFrame;
    if (!(this.#fields[index] as EventFields).fill(this.data, frame)) return null;
    frame.id = this.id;
    frame.customer = this.customer;
    frame.ts = ts;
    return frame;
  }

  #resolveEngineType(): boolean {
    const kind = ENGINE_TYPES.get(this.type);
    if (kind !== undefined) {
      if (this.customer === '')
        return this.#fault.set(RejectReason.missingField, `customer: missing; ${this.type} needs one`);
      this.kind = kind;
      return true;
    }
    if (UNSUPPORTED_TYPES.has(this.type))
      return this.#fault.set(RejectReason.unsupported, `type: ${this.type} is not supported yet`);
    return this.#fault.set(
      RejectReason.unknownType,
      `type: ${quoted(this.type)} is not one of the engine's types: ${[...ENGINE_TYPES.keys()].join(', ')}`,
    );
  }

  /** An id of any kind: kept in memory, hashed, compared by bytes. */
  #isId(key: string, value: unknown): boolean {
    if (typeof value !== 'string')
      return this.#fault.set(RejectReason.fieldType, `${key}: expected string, got ${describeValue(value)}`);
    if (value === '')
      return this.#fault.set(
        RejectReason.fieldType,
        `${key}: must not be empty${key === 'type' ? '' : '; leave it out if there is none'}`,
      );
    // A UTF-16 unit takes at most three bytes of UTF-8.
    if (value.length * 3 > ID_BYTES_MAX && utf8Length(value) > ID_BYTES_MAX) {
      return this.#fault.set(RejectReason.tooLong, `${key}: longer than ${ID_BYTES_MAX} bytes: ${quoted(value)}`);
    }
    if (!isWellFormed(value))
      return this.#fault.set(RejectReason.syntax, `${key}: the string has half a surrogate pair: ${quoted(value)}`);
    return true;
  }
}

/** Bytes of a well-formed string in UTF-8 (a lone surrogate counts three). */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x80) continue;
    if (c < 0x800) bytes += 1;
    else if (c >= 0xd800 && c <= 0xdbff && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      // A pair: two units, four bytes.
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}
