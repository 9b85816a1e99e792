/**
 * Walks over MessagePack values without building them: where does this one end, and what are a map's `customer` and `id`? Nesting is a count
 * of values still to come. msgpackr's records (an extension of type 0x72) are noticed, not understood: see expand-records.ts.
 */
import { customerKey, idKey, spells } from './event-keys.ts';

const RECORD_EXTENSION = 0x72;

/** By token − 0xc0: bytes of the length behind the token; 0 where there is none. */
const lengthWidths = Uint8Array.from([
  0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4,
]);
/** By token − 0xc0: bytes behind the token of a value of fixed size. */
const fixedSizes = Uint8Array.from([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0,
]);

export class MessagePackScanner {
  /** The text of the last map's `customer` and `id`; start −1 where it is absent or not a string. The last of equal keys counts. */
  customerStart = -1;
  customerEnd = -1;
  idStart = -1;
  idEnd = -1;
  /** Entries of the map, or elements of the list, that was last entered. */
  count = 0;
  /** A record was met: what follows it cannot be walked over. */
  records = false;
  #bytes: Buffer = Buffer.alloc(0);
  /** Where the text of the value last skipped begins; −1 if it was no string. */
  #textStart = -1;
  /** Values inside the container whose head was last read. */
  #children = 0;

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

  /** Behind the head of the map or list at `at`, with `count` set; −1 if it is cut. */
  enter(at: number): number {
    const inside = this.#head(at);
    this.count = this.isMap(at) ? this.#children / 2 : this.#children;
    return inside;
  }

  /** Where the value at `start` ends; −1 if it is cut, or no MessagePack. */
  skip(start: number): number {
    let at = this.#head(start);
    if (at < 0 || this.#children === 0) return at;
    for (let pending = this.#children; pending > 0 && at >= 0; pending += this.#children - 1) at = this.#head(at);
    this.#textStart = -1;
    return at;
  }

  /** Where the map at `start` ends, like skip; notes its `customer` and `id`. */
  map(start: number): number {
    this.customerStart = -1;
    this.idStart = -1;
    let at = this.enter(start);
    for (let left = this.count; left > 0 && at >= 0; left--) {
      const keyEnd = this.skip(at);
      if (keyEnd < 0) return -1;
      const isCustomer = spells(this.#bytes, this.#textStart, keyEnd, customerKey);
      const isId = spells(this.#bytes, this.#textStart, keyEnd, idKey);
      at = this.skip(keyEnd);
      if (isCustomer) {
        this.customerStart = this.#textStart;
        this.customerEnd = at;
      } else if (isId) {
        this.idStart = this.#textStart;
        this.idEnd = at;
      }
    }
    return at;
  }

  /** Behind the scalar at `at`, or behind the head of the container there. */
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
      if (token === 0xc1 || (token >= 0xd4 && this.#isRecord(at))) return -1;
      return this.#inside(at + (fixedSizes[token - 0xc0] as number));
    }
    const start = at + width;
    if (start > this.#bytes.length) return -1;
    const length = this.#bytes.readUIntBE(at, width);
    switch (token) {
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#isRecord(start) ? -1 : this.#inside(start + 1 + length);
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
        return this.#inside(start + length);
    }
  }

  #isRecord(typeAt: number): boolean {
    if (this.#bytes[typeAt] !== RECORD_EXTENSION) return false;
    this.records = true;
    return true;
  }

  #inside(at: number): number {
    return at <= this.#bytes.length ? at : -1;
  }
}
