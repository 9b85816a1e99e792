/**
 * JSON on the fast way: single values, read in place from the input. Each method takes the position of a value and
 * returns the one behind it, or BLOCKED for anything but what JSON.parse would read, and for what is rare.
 */
import { EVENT_DEPTH_MAX } from '../../constants.ts';
import { type KeyPlan, type ObjectPlan, UNDECLARED } from './event-plan.ts';
import { asciiText, type InputBytes, isProto, isUtf8 } from './input-bytes.ts';
import { parseRfc3339Bytes } from './rfc3339.ts';
import { BLOCKED } from './step-result.ts';

/** A byte that JSON has nowhere. */
export const JSON_FILLER = 0x00;

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;

/** A double's text is at most some 25 characters; JSON allows any number of digits. */
const NUMBER_BYTES_MAX = 400;
/** Powers of ten that are exact as doubles. */
const POWERS = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));
const EXACT_MAX = 2 ** 53;

/** What a byte means inside a string. */
const ORDINARY = 0;
const HIGH = 1;
const ESCAPE = 2;
const END = 3;
const REFUSED = 4;
const meanings = Uint8Array.from({ length: 256 }, (_, c) =>
  c === QUOTE ? END : c === BACKSLASH ? ESCAPE : c < 0x20 ? REFUSED : c < 0x80 ? ORDINARY : HIGH,
);

export class JsonValues {
  readonly #input: InputBytes;
  /** Of the string read last: where its text begins; it ends before the quote that precedes the position returned. */
  textStart = 0;
  /** It has bytes beyond ASCII. */
  high = false;
  escaped = false;
  /** The key found last. */
  found: KeyPlan = UNDECLARED;

  constructor(input: InputBytes) {
    this.#input = input;
  }

  /** Behind white space. */
  space(start: number): number {
    const { bytes } = this.#input;
    let at = start;
    for (; ; at++) {
      const c = bytes[at];
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return at;
    }
  }

  /** Behind a colon and the white space around it. */
  colon(start: number): number {
    const { bytes } = this.#input;
    const at = this.space(start);
    return bytes[at] === COLON ? this.space(at + 1) : BLOCKED;
  }

  /** A string; its bytes beyond ASCII are not looked at. */
  string(start: number): number {
    const { bytes } = this.#input;
    if (bytes[start] !== QUOTE) return BLOCKED;
    this.textStart = start + 1;
    this.high = false;
    this.escaped = false;
    for (let at = start + 1; ; at++) {
      const meaning = meanings[bytes[at] as number];
      if (meaning === ORDINARY) continue;
      if (meaning === END) return at + 1;
      if (meaning === HIGH) this.high = true;
      else if (meaning === ESCAPE) {
        this.escaped = true;
        at = this.#escape(at + 1);
        if (at < 0) return BLOCKED;
      } else return BLOCKED;
    }
  }

  /** A string without escapes, of valid UTF-8: a key. */
  key(start: number): number {
    const end = this.string(start);
    if (end < 0 || this.escaped) return BLOCKED;
    return this.high && !isUtf8(this.#input.bytes, this.textStart, end - 1) ? BLOCKED : end;
  }

  /** The last byte of the escape that goes on at `at`. */
  #escape(at: number): number {
    const { bytes } = this.#input;
    switch (bytes[at]) {
      case QUOTE:
      case BACKSLASH:
      case 0x2f:
      case 0x62:
      case 0x66:
      case 0x6e:
      case 0x72:
      case 0x74:
        return at;
      case 0x75:
        for (let i = at + 1; i <= at + 4; i++) if (!isHex(bytes[i] as number)) return BLOCKED;
        return at + 4;
      default:
        return BLOCKED;
    }
  }

  /** `null`; BLOCKED for another value. */
  nil(at: number): number {
    // "null" as a little-endian word.
    return this.#input.view.getInt32(at, true) === 0x6c6c756e ? at + 4 : BLOCKED;
  }

  bool(at: number, into: Float64Array, slot: number): number {
    const { bytes, view } = this.#input;
    const word = view.getInt32(at, true);
    if (word === 0x65757274) {
      into[slot] = 1;
      return at + 4;
    }
    if (word !== 0x736c6166 || bytes[at + 4] !== 0x65) return BLOCKED;
    into[slot] = 0;
    return at + 5;
  }

  /**
   * A number into `into[slot]`, to the bit what JSON.parse makes of it. Digits that are exact as an integer, times or
   * by a power of ten that is exact, are rounded once (Clinger, "How to read floating point numbers accurately", PLDI
   * 1990); the others, which take seventeen digits, are left to the runtime.
   */
  number(start: number, into: Float64Array, slot: number): number {
    const { bytes } = this.#input;
    const negative = bytes[start] === MINUS;
    const first = negative ? start + 1 : start;
    let at = first;
    let point = -1;
    let digits = 0;
    // The first digits as a small integer, which is quicker, the others as a double.
    for (; digits < 100_000_000; at++) {
      const digit = (bytes[at] as number) - 0x30;
      if (digit >= 0 && digit <= 9) digits = digits * 10 + digit;
      else if (digit === POINT - 0x30 && point < 0) point = at;
      else break;
    }
    let mantissa = digits;
    if (digits >= 100_000_000) {
      for (; ; at++) {
        const digit = (bytes[at] as number) - 0x30;
        if (digit >= 0 && digit <= 9) mantissa = mantissa * 10 + digit;
        else if (digit === POINT - 0x30 && point < 0) point = at;
        else break;
      }
    }
    const wholeEnd = point < 0 ? at : point;
    if (wholeEnd === first || at === point + 1 || (bytes[first] === 0x30 && wholeEnd > first + 1)) return BLOCKED;
    let power = point < 0 ? 0 : point + 1 - at;
    if (((bytes[at] as number) | 0x20) === 0x65) {
      const sign = bytes[at + 1] as number;
      const from = sign === 0x2b || sign === MINUS ? at + 2 : at + 1;
      let exponent = 0;
      for (at = from; isDigit(bytes[at] as number); at++)
        exponent = Math.min(9999, exponent * 10 + (bytes[at] as number) - 0x30);
      if (at === from) return BLOCKED;
      power += sign === MINUS ? -exponent : exponent;
    }
    if (mantissa >= EXACT_MAX || power < -22 || power > 22) {
      if (at - start > NUMBER_BYTES_MAX) return BLOCKED;
      into[slot] = Number(asciiText(bytes, start, at));
      return at;
    }
    const value = power < 0 ? mantissa / (POWERS[-power] as number) : mantissa * (POWERS[power] as number);
    into[slot] = negative ? -value : value;
    return at;
  }

  /** The key at `at` into `found`, with the colon and white space behind it; it is the one that follows `previous`. */
  readKey(at: number, object: ObjectPlan, previous: KeyPlan): number {
    const { bytes, view } = this.#input;
    const guess = previous.follower;
    let end = at + 1 + guess.length;
    if (bytes[at] === guess.quote && guess.isAt(view, at + 1) && bytes[end] === QUOTE) {
      this.found = guess;
      end++;
    } else {
      end = this.key(at);
      if (end < 0) return BLOCKED;
      const key = object.find(view, this.textStart, end - 1);
      this.found = key;
      if (key !== UNDECLARED) previous.follower = key;
    }
    // Most write no white space.
    return bytes[end] === COLON && (bytes[end + 1] as number) > 0x20 ? end + 1 : this.colon(end);
  }

  /** A timestamp as text or number; its range is not looked at, and NaN where the text is none. */
  time(at: number, number: Float64Array, slot: number): number {
    if (this.#input.bytes[at] !== QUOTE) return this.number(at, number, slot);
    const end = this.string(at);
    if (end < 0 || this.escaped) return BLOCKED;
    number[slot] = parseRfc3339Bytes(this.#input.bytes, this.textStart, end - 1);
    return end;
  }

  /** A value that nobody asks for. `level` is its own if it is a container; the event's is 1. */
  skip(at: number, level: number): number {
    const { bytes } = this.#input;
    switch (bytes[at]) {
      case QUOTE: {
        const end = this.string(at);
        if (end < 0) return BLOCKED;
        return this.high && !isUtf8(bytes, this.textStart, end - 1) ? BLOCKED : end;
      }
      case OPEN_LIST:
        return this.#skipList(at, level);
      case OPEN_OBJECT:
        return this.#skipObject(at, level);
      case 0x6e:
        return this.nil(at);
      case 0x74:
      case 0x66:
        return this.bool(at, nowhere, 0);
      default:
        return this.number(at, nowhere, 0);
    }
  }

  #skipList(start: number, level: number): number {
    const { bytes } = this.#input;
    if (level > EVENT_DEPTH_MAX) return BLOCKED;
    let at = this.space(start + 1);
    if (bytes[at] === CLOSE_LIST) return at + 1;
    for (;;) {
      at = this.skip(at, level + 1);
      if (at < 0) return BLOCKED;
      at = this.space(at);
      if (bytes[at] === CLOSE_LIST) return at + 1;
      if (bytes[at] !== COMMA) return BLOCKED;
      at = this.space(at + 1);
    }
  }

  #skipObject(start: number, level: number): number {
    const { bytes } = this.#input;
    if (level > EVENT_DEPTH_MAX) return BLOCKED;
    let at = this.space(start + 1);
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      at = this.key(at);
      if (at < 0 || isProto(bytes, this.textStart, at - 1)) return BLOCKED;
      at = this.colon(at);
      if (at >= 0) at = this.skip(at, level + 1);
      if (at < 0) return BLOCKED;
      at = this.space(at);
      if (bytes[at] === CLOSE_OBJECT) return at + 1;
      if (bytes[at] !== COMMA) return BLOCKED;
      at = this.space(at + 1);
    }
  }
}

/** Where numbers go that nobody asks for. */
const nowhere = new Float64Array(1);

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function isHex(c: number): boolean {
  return isDigit(c) || ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x66);
}
