/**
 * Walks over one MessagePack event without building it: where does it end, what are its `customer` and `id`, and is it plain? An event that is not
 * plain (binary strings, extensions, keys that are no strings, texts that are not UTF-8, more nesting or longer lists than allowed) may make a
 * reader give up in the middle and lose what follows in the same message, so it must travel alone.
 *
 * msgpackr's records (an extension of type 0x72) are noticed, not understood: see expand-records.ts.
 */
import { isUtf8 } from 'node:buffer';
import { EVENT_DEPTH_MAX, EVENT_LIST_LENGTH_MAX } from '../constants.ts';
import { customerKey, idKey, protoKey, spells } from './event-keys.ts';

const RECORD_EXTENSION = 0x72;
const TIMESTAMP_EXTENSION = 0xff;
/** How msgpackr writes `undefined`. */
const UNDEFINED_EXTENSION = 0x00;

/** Levels that are followed with their keys; what is deeper is skipped by counting. */
const LEVELS_MAX = EVENT_DEPTH_MAX + 1;

/** By token − 0xc0: bytes of the length behind the token; 0 where there is none. */
const lengthWidths = Uint8Array.from([
  0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4,
]);
/** By token − 0xc0: bytes behind the token of a value of fixed size. */
const fixedSizes = Uint8Array.from([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0,
]);

export class MessagePackScanner {
  /** The text of the last event's `customer` and `id`; start −1 where it is absent or not a string. The last of equal keys counts. */
  customerStart = -1;
  customerEnd = -1;
  idStart = -1;
  idEnd = -1;
  /** The last event has nothing in it that a reader could stumble over. */
  plain = true;
  /** A record was met: what follows it cannot be walked over. */
  records = false;
  #bytes: Buffer = Buffer.alloc(0);
  /** Of the value whose head was last read: where its text begins, −1 if it is no string. */
  #textStart = -1;
  /** Of the same: values inside it. */
  #children = 0;
  /** Per open container: values still to come, keys included, and 1 for a map. */
  readonly #left = new Float64Array(LEVELS_MAX + 1);
  readonly #inMap = new Uint8Array(LEVELS_MAX + 1);

  open(bytes: Buffer): void {
    this.#bytes = bytes;
    this.records = false;
  }

  isMap(at: number): boolean {
    const token = this.#bytes[at] ?? 0;
    return (token >= 0x80 && token <= 0x8f) || token === 0xde || token === 0xdf;
  }

  isList(at: number): boolean {
    const token = this.#bytes[at] ?? 0;
    return (token >= 0x90 && token <= 0x9f) || token === 0xdc || token === 0xdd;
  }

  /** The list at `at`: where its first element begins (−1: it is cut), and how many there are. */
  list(at: number): { readonly inside: number; readonly count: number } {
    const inside = this.#head(at);
    return { inside, count: this.#children };
  }

  /** Where the event at `start` ends; −1 if it is cut, or no MessagePack. */
  event(start: number): number {
    this.customerStart = -1;
    this.idStart = -1;
    this.plain = true;
    const left = this.#left;
    const inMap = this.#inMap;
    left[0] = 1;
    inMap[0] = 0;
    let at = start;
    for (let level = 0; ; ) {
      const rest = left[level] as number;
      if (rest === 0) {
        if (level === 0) return at;
        level--;
        continue;
      }
      left[level] = rest - 1;
      if (inMap[level] === 1 && rest % 2 === 0) {
        at = this.#key(at, level === 1);
        if (at < 0) return -1;
        continue;
      }
      const valueStart = at;
      at = this.#head(valueStart);
      if (at < 0) return -1;
      if (this.#textStart >= 0) {
        this.#checkText(at);
      } else if (this.isMap(valueStart) || this.isList(valueStart)) {
        const isMap = this.isMap(valueStart);
        if (level >= EVENT_DEPTH_MAX || (!isMap && this.#children > EVENT_LIST_LENGTH_MAX)) this.plain = false;
        if (level < LEVELS_MAX) {
          level++;
          left[level] = this.#children;
          inMap[level] = isMap ? 1 : 0;
        } else {
          at = this.#skip(at, this.#children);
          if (at < 0) return -1;
        }
      }
    }
  }

  /** A key, and with `isTop` what it means. The value of `customer` or `id` is looked at here, and walked over afterwards. */
  #key(start: number, isTop: boolean): number {
    const at = this.#head(start);
    if (at < 0) return -1;
    const textStart = this.#textStart;
    if (textStart < 0) {
      this.plain = false;
      return this.#skip(at, this.#children);
    }
    this.#checkText(at);
    // No writer gives a key four bytes of length.
    if (this.#bytes[start] === 0xdb || spells(this.#bytes, textStart, at, protoKey)) this.plain = false;
    if (!isTop) return at;
    const isCustomer = spells(this.#bytes, textStart, at, customerKey);
    if (!isCustomer && !spells(this.#bytes, textStart, at, idKey)) return at;
    const end = this.#head(at);
    if (isCustomer) {
      this.customerStart = this.#textStart;
      this.customerEnd = end;
    } else {
      this.idStart = this.#textStart;
      this.idEnd = end;
    }
    return at;
  }

  #checkText(end: number): void {
    const bytes = this.#bytes;
    for (let at = this.#textStart; at < end; at++) {
      if ((bytes[at] as number) < 0x80) continue;
      if (!isUtf8(bytes.subarray(this.#textStart, end))) this.plain = false;
      return;
    }
  }

  /** Over so many values, whatever they are. */
  #skip(start: number, count: number): number {
    let at = start;
    for (let pending = count; pending > 0 && at >= 0; pending += this.#children - 1) at = this.#head(at);
    return at;
  }

  /** Behind the scalar at `at`, or behind the head of the container there; −1 if it is cut, or no MessagePack. */
  #head(at: number): number {
    this.#children = 0;
    this.#textStart = -1;
    if (at >= this.#bytes.length) return -1;
    const token = this.#bytes[at] as number;
    if (token < 0x80 || token >= 0xe0) return at + 1;
    if (token < 0x90) {
      this.#children = (token & 0x0f) * 2;
      return at + 1;
    }
    if (token < 0xa0) {
      this.#children = token & 0x0f;
      return at + 1;
    }
    if (token < 0xc0) {
      this.#textStart = at + 1;
      return this.#inside(at + 1 + (token & 0x1f));
    }
    return this.#tagged(token, at + 1);
  }

  #tagged(token: number, at: number): number {
    const width = lengthWidths[token - 0xc0] as number;
    if (width === 0) {
      // 0xc1 is never used. 0xd4 … 0xd8 are extensions of fixed sizes.
      if (token === 0xc1) return -1;
      const end = at + (fixedSizes[token - 0xc0] as number);
      return token < 0xd4 ? this.#inside(end) : this.#extension(at, end);
    }
    const start = at + width;
    if (start > this.#bytes.length) return -1;
    const length = this.#bytes.readUIntBE(at, width);
    switch (token) {
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(start, start + 1 + length);
      case 0xd9:
      case 0xda:
      case 0xdb:
        this.#textStart = start;
        return this.#inside(start + length);
      case 0xdc:
      case 0xdd:
        this.#children = length;
        return start;
      case 0xde:
      case 0xdf:
        this.#children = length * 2;
        return start;
      default:
        // Binary.
        this.plain = false;
        return this.#inside(start + length);
    }
  }

  #extension(typeAt: number, end: number): number {
    const type = this.#bytes[typeAt];
    const length = end - typeAt - 1;
    if (type === RECORD_EXTENSION) {
      this.records = true;
      return -1;
    }
    const isTimestamp = type === TIMESTAMP_EXTENSION && (length === 4 || length === 8 || length === 12);
    if (!isTimestamp && !(type === UNDEFINED_EXTENSION && length === 1)) this.plain = false;
    return this.#inside(end);
  }

  #inside(at: number): number {
    return at <= this.#bytes.length ? at : -1;
  }
}
