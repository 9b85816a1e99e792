/**
 * MessagePack on the fast way: single values, read in place from the input. Each method takes the position of a value
 * and returns the one behind it, or BLOCKED for anything but what message-pack.ts would read without complaint. What is
 * rare there (long or odd forms of extensions) is blocked as well.
 */
import { EVENT_DEPTH_MAX, EVENT_LIST_LENGTH_MAX } from '../../constants.ts';
import { type KeyPlan, type ObjectPlan, UNDECLARED } from './event-plan.ts';
import { type InputBytes, isProto, isUtf8 } from './input-bytes.ts';
import { keyHeader, keyLength, type RecordShape, type RecordShapes } from './record-shapes.ts';
import { parseRfc3339Bytes } from './rfc3339.ts';
import { BLOCKED } from './step-result.ts';

/** A byte that begins no value. */
export const MESSAGE_PACK_FILLER = 0xc1;

const NIL = 0xc0;

export class MessagePackValues {
  readonly #input: InputBytes;
  readonly #records: RecordShapes;
  /** Of the object opened last: entries, and what its keys mean where a record says so. */
  count = 0;
  keys: readonly KeyPlan[] | null = null;
  /** Where the text read last begins; it ends at the position returned. */
  textStart = 0;
  /** The key found last. */
  found: KeyPlan = UNDECLARED;

  constructor(input: InputBytes, records: RecordShapes) {
    this.#input = input;
    this.#records = records;
  }

  /** Behind the header of an object. `plan` says what the keys mean; null: nobody asks. */
  openObject(at: number, plan: ObjectPlan | null): number {
    const token = this.#input.bytes[at] as number;
    if ((token & 0xf0) === 0x80) {
      this.keys = null;
      this.count = token & 0x0f;
      return at + 1;
    }
    if ((token & 0xc0) !== 0x40) return this.#openRareObject(at, token, plan);
    return this.#openRecord(this.#records.of(token), at + 1, plan);
  }

  #openRecord(shape: RecordShape | null, end: number, plan: ObjectPlan | null): number {
    if (shape === null) return BLOCKED;
    this.count = shape.count;
    this.keys = plan === null ? null : shape.plansFor(plan);
    return end;
  }

  #openRareObject(at: number, token: number, plan: ObjectPlan | null): number {
    const { bytes, view } = this.#input;
    if (token === 0xd4 && bytes[at + 1] === 0x72) {
      const shape = this.#records.define(at + 2);
      return this.#openRecord(shape, this.#records.end, plan);
    }
    this.keys = null;
    if (token === 0xde) {
      this.count = view.getUint16(at + 1);
      return at + 3;
    }
    if (token !== 0xdf) return BLOCKED;
    this.count = view.getUint32(at + 1);
    return at + 5;
  }

  /** Behind the header of a list of allowed length that the message has bytes for. */
  openList(at: number): number {
    const { bytes, view, end } = this.#input;
    const token = bytes[at] as number;
    let count = token & 0x0f;
    let from = at + 1;
    if (token === 0xdc) {
      count = view.getUint16(at + 1);
      from = at + 3;
    } else if (token === 0xdd) {
      count = view.getUint32(at + 1);
      from = at + 5;
    } else if ((token & 0xf0) !== 0x90) return BLOCKED;
    this.count = count;
    return count > EVENT_LIST_LENGTH_MAX || count > end - from ? BLOCKED : from;
  }

  /** Behind nil, or the extension that msgpackr and notepack write for `undefined`; BLOCKED for another value. */
  nil(at: number): number {
    const { bytes } = this.#input;
    if (bytes[at] === NIL) return at + 1;
    return bytes[at] === 0xd4 && bytes[at + 1] === 0 ? at + 3 : BLOCKED;
  }

  /** Any number into `into[slot]`: the nearest double, timestamps as epoch ms. */
  number(at: number, into: Float64Array, slot: number): number {
    const { bytes, view } = this.#input;
    const token = bytes[at] as number;
    if (token < 0x80) {
      if (token >= 0x40 && this.#records.of(token) !== null) return BLOCKED;
      into[slot] = token;
      return at + 1;
    }
    switch (token) {
      case 0xca:
        into[slot] = view.getFloat32(at + 1);
        return at + 5;
      case 0xcb:
        into[slot] = view.getFloat64(at + 1);
        return at + 9;
      case 0xcc:
        into[slot] = bytes[at + 1] as number;
        return at + 2;
      case 0xcd:
        into[slot] = view.getUint16(at + 1);
        return at + 3;
      case 0xce:
        into[slot] = view.getUint32(at + 1);
        return at + 5;
      // Both halves are exact as doubles, so their sum is rounded once: to the nearest.
      case 0xcf:
        into[slot] = view.getUint32(at + 1) * 2 ** 32 + view.getUint32(at + 5);
        return at + 9;
      case 0xd0:
        into[slot] = view.getInt8(at + 1);
        return at + 2;
      case 0xd1:
        into[slot] = view.getInt16(at + 1);
        return at + 3;
      case 0xd2:
        into[slot] = view.getInt32(at + 1);
        return at + 5;
      case 0xd3:
        into[slot] = view.getInt32(at + 1) * 2 ** 32 + view.getUint32(at + 5);
        return at + 9;
      case 0xd6:
        if (bytes[at + 1] !== 0xff) return BLOCKED;
        into[slot] = view.getUint32(at + 2) * 1000;
        return at + 6;
      case 0xd7: {
        if (bytes[at + 1] !== 0xff) return BLOCKED;
        const high = view.getUint32(at + 2);
        into[slot] = ((high & 3) * 2 ** 32 + view.getUint32(at + 6)) * 1000 + Math.floor((high >>> 2) / 1_000_000);
        return at + 10;
      }
      default:
        if (token < 0xe0) return BLOCKED;
        into[slot] = token - 0x100;
        return at + 1;
    }
  }

  /** A string inside the message; whether it is UTF-8 is not looked at. */
  text(at: number): number {
    const { bytes, view, end } = this.#input;
    const token = bytes[at] as number;
    let length = token & 0x1f;
    let start = at + 1;
    if ((token & 0xe0) !== 0xa0) {
      if (token === 0xd9) {
        length = bytes[at + 1] as number;
        start = at + 2;
      } else if (token === 0xda) {
        length = view.getUint16(at + 1);
        start = at + 3;
      } else if (token === 0xdb) {
        length = view.getUint32(at + 1);
        start = at + 5;
      } else return BLOCKED;
    }
    this.textStart = start;
    return start + length > end ? BLOCKED : start + length;
  }

  /** The text of a key. */
  key(at: number): number {
    const { bytes, end } = this.#input;
    const length = keyLength(bytes, at);
    const start = at + keyHeader(bytes, at);
    this.textStart = start;
    return length < 0 || start + length > end ? BLOCKED : start + length;
  }

  /** Looks up the key at `at` into `found`, and remembers it as the one that follows `previous`. */
  find(at: number, object: ObjectPlan, previous: KeyPlan): number {
    const { bytes, view } = this.#input;
    const end = this.key(at);
    if (end < 0) return BLOCKED;
    const key = object.find(view, this.textStart, end);
    this.found = key;
    if (key !== UNDECLARED) previous.follower = key;
    else if (!isUtf8(bytes, this.textStart, end)) return BLOCKED;
    return end;
  }

  /** A timestamp as text or number; its range is not looked at, and NaN where the text is none. */
  time(at: number, number: Float64Array, slot: number): number {
    const end = this.text(at);
    if (end < 0) return this.number(at, number, slot);
    number[slot] = parseRfc3339Bytes(this.#input.bytes, this.textStart, end);
    return end;
  }

  /**
   * A value that nobody asks for: checked, but for what it is and not for what it says. `level` is its own if it is a
   * container; the event's is 1.
   */
  skip(at: number, level: number): number {
    const { bytes } = this.#input;
    const token = bytes[at] as number;
    if ((token & 0xe0) === 0xa0 || (token >= 0xd9 && token <= 0xdb)) return this.#skipText(at);
    if (token >= 0xc2 && token <= 0xc3) return at + 1;
    if ((token & 0xf0) === 0x90 || token === 0xdc || token === 0xdd) return this.#skipList(at, level);
    if ((token & 0xf0) === 0x80 || token === 0xde || token === 0xdf) return this.#skipObject(at, level);
    if (token === 0xd4 && bytes[at + 1] === 0x72) return this.#skipObject(at, level);
    if ((token & 0xc0) === 0x40 && this.#records.of(token) !== null) return this.#skipObject(at, level);
    const behind = this.nil(at);
    return behind >= 0 ? behind : this.number(at, nowhere, 0);
  }

  #skipText(at: number): number {
    const end = this.text(at);
    return end >= 0 && isUtf8(this.#input.bytes, this.textStart, end) ? end : BLOCKED;
  }

  #skipList(start: number, level: number): number {
    let at = this.openList(start);
    if (level > EVENT_DEPTH_MAX) return BLOCKED;
    for (let left = this.count; left > 0 && at >= 0; left--) at = this.skip(at, level + 1);
    return at;
  }

  #skipObject(start: number, level: number): number {
    let at = this.openObject(start, null);
    if (level > EVENT_DEPTH_MAX) return BLOCKED;
    const { bytes } = this.#input;
    // Records name their keys in their definition, which has been read.
    const named = ((bytes[start] as number) & 0xf0) === 0x80 || bytes[start] === 0xde || bytes[start] === 0xdf;
    for (let left = this.count; left > 0 && at >= 0; left--) {
      if (named) {
        at = this.key(at);
        if (at < 0 || isProto(bytes, this.textStart, at) || !isUtf8(bytes, this.textStart, at)) return BLOCKED;
      }
      at = this.skip(at, level + 1);
    }
    return at;
  }
}

/** Where numbers go that nobody asks for. */
const nowhere = new Float64Array(1);
