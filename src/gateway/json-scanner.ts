/**
 * A strict scan over the bytes of one JSON event (RFC 8259): is it a complete object, where does it end, and what are its top-level
 * `customer` and `id`? It builds nothing and never recurses on input. An object that it accepts is one that JSON.parse accepts, up to the
 * encoding of its text (checked by the caller for the body as a whole), so such objects can share an array without endangering each other.
 */
import { EVENT_DEPTH_MAX } from '../constants.ts';
import { customerKey, idKey, spells } from './event-keys.ts';

/** Deeper than any event may be, so that one a little too deep still finds the partition of its customer and is refused there by name. */
const DEPTH_SCANNED_MAX = 2 * EVENT_DEPTH_MAX;

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What may come next. */
const Expect = { value: 0, valueOrClose: 1, key: 2, keyOrClose: 3, commaOrClose: 4 } as const;
type Expect = (typeof Expect)[keyof typeof Expect];

const Key = { other: 0, customer: 1, id: 2 } as const;
type Key = (typeof Key)[keyof typeof Key];

/** Bytes that need a look inside a string: its end, an escape, a control character. */
const special = new Uint8Array(256).fill(1, 0, SPACE);
special[QUOTE] = 1;
special[BACKSLASH] = 1;

export class JsonScanner {
  /** The text of the last object's `customer` and `id`, between the quotes; start −1 where it is absent or not a string. The last of equal keys counts. */
  customerStart = -1;
  customerEnd = -1;
  customerEscaped = false;
  idStart = -1;
  idEnd = -1;
  idEscaped = false;
  /** Levels of nesting of the last object, itself included. */
  depth = 0;
  #bytes: Buffer = Buffer.alloc(0);
  /** Whether the string last read holds escapes. */
  #escaped = false;
  readonly #isObject = new Uint8Array(DEPTH_SCANNED_MAX + 1);

  open(bytes: Buffer): void {
    this.#bytes = bytes;
  }

  /** Behind the white space that begins at `start`. */
  skipSpace(start: number, end: number): number {
    let at = start;
    for (; at < end; at++) {
      const c = this.#bytes[at];
      if (c !== SPACE && c !== NEWLINE && c !== RETURN && c !== TAB) break;
    }
    return at;
  }

  /** Scans the object that begins at `start`; returns where it ends, or −1 if it is not one, is not complete before `end`, or is far too deep. */
  object(start: number, end: number): number {
    this.customerStart = -1;
    this.idStart = -1;
    this.depth = 1;
    const bytes = this.#bytes;
    const isObject = this.#isObject;
    let level = 1;
    isObject[1] = 1;
    let key: Key = Key.other;
    let expect: Expect = Expect.keyOrClose;
    for (let at = start + 1; at < end; ) {
      const c = bytes[at] as number;
      if (c === SPACE || c === NEWLINE || c === RETURN || c === TAB) {
        at++;
        continue;
      }
      if (expect === Expect.commaOrClose) {
        if (c === COMMA) {
          expect = isObject[level] === 1 ? Expect.key : Expect.value;
          at++;
          continue;
        }
      } else if (expect === Expect.key || expect === Expect.keyOrClose) {
        if (c === QUOTE) {
          const keyEnd = this.#string(at, end);
          if (keyEnd < 0) return -1;
          if (level === 1) key = this.#keyOf(at + 1, keyEnd - 1);
          at = this.skipSpace(keyEnd, end);
          if (at === end || bytes[at] !== COLON) return -1;
          at++;
          expect = Expect.value;
          continue;
        }
        if (expect === Expect.key) return -1;
      } else if (c !== CLOSE_LIST || expect === Expect.value) {
        if (level === 1 && key !== Key.other) this.#forget(key);
        if (c === QUOTE) {
          const textEnd = this.#string(at, end);
          if (textEnd < 0) return -1;
          if (level === 1 && key !== Key.other) this.#remember(key, at + 1, textEnd - 1);
          at = textEnd;
        } else if (c === OPEN_OBJECT || c === OPEN_LIST) {
          if (level === DEPTH_SCANNED_MAX) return -1;
          level++;
          if (level > this.depth) this.depth = level;
          isObject[level] = c === OPEN_OBJECT ? 1 : 0;
          expect = c === OPEN_OBJECT ? Expect.keyOrClose : Expect.valueOrClose;
          at++;
          continue;
        } else {
          at = c === MINUS || (c >= ZERO && c <= NINE) ? this.#number(at, end) : this.#word(c, at, end);
          if (at < 0) return -1;
        }
        expect = Expect.commaOrClose;
        continue;
      }
      // Only the bracket that closes the innermost container is left.
      if (c !== (isObject[level] === 1 ? CLOSE_OBJECT : CLOSE_LIST)) return -1;
      at++;
      if (--level === 0) return at;
      expect = Expect.commaOrClose;
    }
    return -1;
  }

  /**
   * From `start`, the place of the comma or bracket that ends this element of the outer list, trusting only quotes and brackets; −1 if it never
   * ends. For going on behind an element that is not JSON. A line break inside a string ends the string: it was not closed.
   */
  elementEnd(start: number, end: number): number {
    const bytes = this.#bytes;
    let level = 0;
    for (let at = start; at < end; at++) {
      const c = bytes[at] as number;
      if (c === QUOTE) {
        for (at++; at < end && bytes[at] !== QUOTE && bytes[at] !== NEWLINE; at++) if (bytes[at] === BACKSLASH) at++;
      } else if (c === OPEN_LIST || c === OPEN_OBJECT) {
        level++;
      } else if (c === CLOSE_LIST || c === CLOSE_OBJECT) {
        if (level === 0 && c === CLOSE_LIST) return at;
        if (level > 0) level--;
      } else if (c === COMMA && level === 0) {
        return at;
      }
    }
    return -1;
  }

  /** From the opening quote to behind the closing one; −1 if it is no string. */
  #string(start: number, end: number): number {
    const bytes = this.#bytes;
    this.#escaped = false;
    for (let at = start + 1; at < end; at++) {
      const c = bytes[at] as number;
      if (special[c] === 0) continue;
      if (c === QUOTE) return at + 1;
      if (c !== BACKSLASH) return -1;
      this.#escaped = true;
      at = this.#escape(at + 1, end);
      if (at < 0) return -1;
    }
    return -1;
  }

  /** The last byte of the escape whose letter is at `at`; −1 if it is none. */
  #escape(at: number, end: number): number {
    if (at >= end) return -1;
    switch (this.#bytes[at]) {
      case QUOTE:
      case BACKSLASH:
      case 0x2f:
      case 0x62:
      case 0x66:
      case 0x6e:
      case 0x72:
      case 0x74:
        return at;
      case 0x75: {
        if (at + 4 >= end) return -1;
        for (let i = 1; i <= 4; i++) {
          const h = (this.#bytes[at + i] as number) | 0x20;
          if (!((h >= 0x61 && h <= 0x66) || isDigit(this.#bytes[at + i] as number))) return -1;
        }
        return at + 4;
      }
      default:
        return -1;
    }
  }

  #number(start: number, end: number): number {
    const bytes = this.#bytes;
    let at = start;
    if (bytes[at] === MINUS) at++;
    if (at < end && bytes[at] === ZERO) at++;
    else {
      const first = at;
      at = this.#digits(at, end);
      if (at === first) return -1;
    }
    if (at < end && bytes[at] === 0x2e) {
      const first = at + 1;
      at = this.#digits(first, end);
      if (at === first) return -1;
    }
    if (at < end && ((bytes[at] as number) | 0x20) === 0x65) {
      at++;
      if (at < end && (bytes[at] === 0x2b || bytes[at] === MINUS)) at++;
      const first = at;
      at = this.#digits(first, end);
      if (at === first) return -1;
    }
    return at;
  }

  #digits(start: number, end: number): number {
    let at = start;
    while (at < end && isDigit(this.#bytes[at] as number)) at++;
    return at;
  }

  #word(first: number, start: number, end: number): number {
    const word = first === 0x74 ? 'true' : first === 0x66 ? 'false' : first === 0x6e ? 'null' : '';
    if (word === '' || start + word.length > end) return -1;
    for (let i = 1; i < word.length; i++) if (this.#bytes[start + i] !== word.charCodeAt(i)) return -1;
    return start + word.length;
  }

  #keyOf(start: number, end: number): Key {
    if (this.#escaped) {
      const name = JSON.parse(this.#bytes.toString('utf8', start - 1, end + 1)) as string;
      return name === 'customer' ? Key.customer : name === 'id' ? Key.id : Key.other;
    }
    if (spells(this.#bytes, start, end, customerKey)) return Key.customer;
    return spells(this.#bytes, start, end, idKey) ? Key.id : Key.other;
  }

  #forget(key: Key): void {
    if (key === Key.customer) this.customerStart = -1;
    else this.idStart = -1;
  }

  #remember(key: Key, start: number, end: number): void {
    if (key === Key.customer) {
      this.customerStart = start;
      this.customerEnd = end;
      this.customerEscaped = this.#escaped;
    } else {
      this.idStart = start;
      this.idEnd = end;
      this.idEscaped = this.#escaped;
    }
  }
}

function isDigit(c: number): boolean {
  return c >= ZERO && c <= NINE;
}
