/**
 * Reads MessagePack values into plain objects, with msgpackr's records (an extension that names a shape's keys once per
 * message: `d4 72 <id> [keys] values…`, afterwards `<id> values…`, id 0x40 … 0x7f). Written here and not taken from a
 * library so that depth, lengths and UTF-8 are checked before anything is built on them, and so that what is accepted
 * cannot change with a dependency's version or native helper.
 *
 * Integers beyond ±(2^53 − 1) come out as the nearest double (int fields refuse them, double fields take them).
 * Timestamps (extension −1) come out as epoch milliseconds. Other extensions, binary strings and keys that are not
 * strings are refused.
 */
import { EVENT_DEPTH_MAX, EVENT_LIST_LENGTH_MAX } from '../../constants.ts';
import { RejectReason } from '../../protocol/rejection.ts';
import type { Fault } from '../fault.ts';

const RECORD_EXTENSION = 0x72;
const TIMESTAMP_EXTENSION = 0xff;
const KEY_CACHE_SIZE = 512;
const KEY_BYTES_CACHED_MAX = 32;

/**
 * What the reader returns where a value cannot be read; `fault` says why. Nothing behind it in the message can be read
 * either.
 */
export const unreadable: unique symbol = Symbol('unreadable');

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const emptyBytes = new Uint8Array(0);

export class MessagePackReader {
  readonly fault: Fault;
  at = 0;
  /** True once a record was defined or used since `open`: slices of the message then do not stand alone. */
  usesRecords = false;
  #bytes: Uint8Array = emptyBytes;
  #view: DataView = new DataView(emptyBytes.buffer);
  readonly #records: (readonly string[] | undefined)[] = new Array<readonly string[] | undefined>(64).fill(undefined);
  readonly #keyBytes: Uint8Array[] = new Array<Uint8Array>(KEY_CACHE_SIZE).fill(emptyBytes);
  readonly #keys: string[] = new Array<string>(KEY_CACHE_SIZE).fill('');

  constructor(fault: Fault) {
    this.fault = fault;
  }

  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    if (this.usesRecords) this.#records.fill(undefined);
    this.usesRecords = false;
  }

  /**
   * Number of elements if an array begins here (and moves behind its header), -1 if something else does (and stays).
   */
  arrayHeader(): number {
    const token = this.#bytes[this.at] ?? 0;
    if (token >= 0x90 && token <= 0x9f) {
      this.at++;
      return token & 0x0f;
    }
    const width = token === 0xdc ? 2 : token === 0xdd ? 4 : 0;
    if (width === 0 || this.at + 1 + width > this.#bytes.length) return -1;
    const count = width === 2 ? this.#view.getUint16(this.at + 1) : this.#view.getUint32(this.at + 1);
    this.at += 1 + width;
    return count;
  }

  /** One value, at most EVENT_DEPTH_MAX deep, or `unreadable`. */
  value(): unknown {
    return this.#value(0);
  }

  #value(depth: number): unknown {
    if (this.at >= this.#bytes.length) return this.#truncated();
    const token = this.#bytes[this.at++] as number;
    if (token < 0x80) {
      const keys = token >= 0x40 ? this.#records[token & 0x3f] : undefined;
      return keys === undefined ? token : this.#record(keys, depth);
    }
    if (token < 0x90) return this.#map(token & 0x0f, depth);
    if (token < 0xa0) return this.#list(token & 0x0f, depth);
    if (token < 0xc0) return this.#text(token & 0x1f);
    if (token >= 0xe0) return token - 0x100;
    return this.#tagged(token, depth);
  }

  #tagged(token: number, depth: number): unknown {
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#has(4) ? this.#view.getFloat32(this.#skip(4)) : unreadable;
      case 0xcb:
        return this.#has(8) ? this.#view.getFloat64(this.#skip(8)) : unreadable;
      case 0xcc:
        return this.#has(1) ? this.#view.getUint8(this.#skip(1)) : unreadable;
      case 0xcd:
        return this.#has(2) ? this.#view.getUint16(this.#skip(2)) : unreadable;
      case 0xce:
        return this.#has(4) ? this.#view.getUint32(this.#skip(4)) : unreadable;
      case 0xcf:
        return this.#has(8) ? Number(this.#view.getBigUint64(this.#skip(8))) : unreadable;
      case 0xd0:
        return this.#has(1) ? this.#view.getInt8(this.#skip(1)) : unreadable;
      case 0xd1:
        return this.#has(2) ? this.#view.getInt16(this.#skip(2)) : unreadable;
      case 0xd2:
        return this.#has(4) ? this.#view.getInt32(this.#skip(4)) : unreadable;
      case 0xd3:
        return this.#has(8) ? Number(this.#view.getBigInt64(this.#skip(8))) : unreadable;
      case 0xd9:
        return this.#has(1) ? this.#text(this.#view.getUint8(this.#skip(1))) : unreadable;
      case 0xda:
        return this.#has(2) ? this.#text(this.#view.getUint16(this.#skip(2))) : unreadable;
      case 0xdb:
        return this.#has(4) ? this.#text(this.#view.getUint32(this.#skip(4))) : unreadable;
      case 0xdc:
        return this.#has(2) ? this.#list(this.#view.getUint16(this.#skip(2)), depth) : unreadable;
      case 0xdd:
        return this.#has(4) ? this.#list(this.#view.getUint32(this.#skip(4)), depth) : unreadable;
      case 0xde:
        return this.#has(2) ? this.#map(this.#view.getUint16(this.#skip(2)), depth) : unreadable;
      case 0xdf:
        return this.#has(4) ? this.#map(this.#view.getUint32(this.#skip(4)), depth) : unreadable;
      default:
        return this.#extension(token, depth);
    }
  }

  #extension(token: number, depth: number): unknown {
    if (token >= 0xc4 && token <= 0xc6) return this.#syntax('binary strings are not supported');
    const length =
      token >= 0xd4 && token <= 0xd8
        ? 1 << (token - 0xd4)
        : token === 0xc7 && this.#has(1)
          ? this.#view.getUint8(this.#skip(1))
          : -1;
    if (length < 0)
      return this.at >= this.#bytes.length
        ? this.#truncated()
        : this.#syntax(`type byte 0x${token.toString(16)} is not supported`);
    if (!this.#has(1 + length)) return unreadable;
    const type = this.#view.getUint8(this.#skip(1));
    if (type === RECORD_EXTENSION && length === 1) return this.#defineRecord(depth);
    if (type === TIMESTAMP_EXTENSION) return this.#timestamp(length);
    // msgpackr and notepack write `undefined` as extension 0 with one filler byte.
    if (type === 0 && length === 1) {
      this.at++;
      return null;
    }
    return this.#syntax(`extension type ${type} is not supported`);
  }

  /**
   * Spec: 32-bit seconds; 30-bit nanoseconds over 34-bit seconds; 32-bit nanoseconds and 64-bit seconds. Cut to
   * milliseconds.
   */
  #timestamp(length: number): unknown {
    const at = this.#skip(length);
    if (length === 4) return this.#view.getUint32(at) * 1000;
    if (length === 8) {
      const high = this.#view.getUint32(at);
      return ((high & 3) * 2 ** 32 + this.#view.getUint32(at + 4)) * 1000 + Math.floor((high >>> 2) / 1_000_000);
    }
    if (length === 12)
      return Number(this.#view.getBigInt64(at + 4)) * 1000 + Math.floor(this.#view.getUint32(at) / 1_000_000);
    return this.#syntax(`a timestamp of ${length} bytes is not supported`);
  }

  #defineRecord(depth: number): unknown {
    const id = this.#view.getUint8(this.#skip(1)) & 0x3f;
    const count = this.arrayHeader();
    if (count < 0) return this.#syntax('a record definition needs a list of keys');
    if (count > this.#bytes.length - this.at) return this.#truncated();
    const keys: string[] = [];
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      if (key === null) return unreadable;
      keys.push(key);
    }
    this.#records[id] = keys;
    this.usesRecords = true;
    return this.#record(keys, depth);
  }

  #record(keys: readonly string[], depth: number): unknown {
    if (depth === EVENT_DEPTH_MAX) return this.#tooDeep();
    const object: Record<string, unknown> = {};
    for (let i = 0; i < keys.length; i++) {
      const value = this.#value(depth + 1);
      if (value === unreadable) return unreadable;
      object[keys[i] as string] = value;
    }
    return object;
  }

  #map(count: number, depth: number): unknown {
    if (depth === EVENT_DEPTH_MAX) return this.#tooDeep();
    // Two bytes per entry at least: a forged count ends here and not in a long loop.
    if (count * 2 > this.#bytes.length - this.at) return this.#truncated();
    const object: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      if (key === null) return unreadable;
      const value = this.#value(depth + 1);
      if (value === unreadable) return unreadable;
      object[key] = value;
    }
    return object;
  }

  #list(count: number, depth: number): unknown {
    if (depth === EVENT_DEPTH_MAX) return this.#tooDeep();
    if (count > EVENT_LIST_LENGTH_MAX)
      return this.#fail(
        RejectReason.tooLong,
        `MessagePack: a list has ${count} elements, ${EVENT_LIST_LENGTH_MAX} are allowed`,
      );
    if (count > this.#bytes.length - this.at) return this.#truncated();
    const list: unknown[] = [];
    for (let i = 0; i < count; i++) {
      const value = this.#value(depth + 1);
      if (value === unreadable) return unreadable;
      list.push(value);
    }
    return list;
  }

  /** null: not a string, or one that must not be a key. */
  #key(): string | null {
    const token = this.at < this.#bytes.length ? (this.#bytes[this.at] as number) : 0xc1;
    if (token < 0xa0 || token > 0xbf) {
      const value = token === 0xd9 || token === 0xda ? this.#value(EVENT_DEPTH_MAX) : null;
      if (typeof value === 'string') return this.#checkedKey(value);
      if (value !== unreadable) this.#syntax('keys must be strings');
      return null;
    }
    const length = token & 0x1f;
    const start = this.at + 1;
    if (start + length > this.#bytes.length || length > KEY_BYTES_CACHED_MAX) {
      this.#truncated();
      return null;
    }
    let hash = length;
    for (let i = start; i < start + length; i++) hash = (Math.imul(hash, 31) + (this.#bytes[i] as number)) | 0;
    const entry = (hash ^ (hash >>> 9)) & (KEY_CACHE_SIZE - 1);
    const known = this.#keyBytes[entry] as Uint8Array;
    if (known.length === length && this.#sameBytes(known, start)) {
      this.at = start + length;
      return this.#keys[entry] as string;
    }
    this.at = start;
    const text = this.#text(length);
    if (text === unreadable) return null;
    const key = this.#checkedKey(text as string);
    if (key !== null && length > 0) {
      this.#keyBytes[entry] = new Uint8Array(this.#bytes.subarray(start, start + length));
      this.#keys[entry] = key;
    }
    return key;
  }

  #checkedKey(key: string): string | null {
    if (key !== '__proto__') return key;
    this.#syntax('the key "__proto__" is not allowed');
    return null;
  }

  #sameBytes(known: Uint8Array, start: number): boolean {
    for (let i = 0; i < known.length; i++) if (known[i] !== this.#bytes[start + i]) return false;
    return true;
  }

  #text(length: number): string | typeof unreadable {
    if (!this.#has(length)) return unreadable;
    const start = this.#skip(length);
    // Short ASCII is cheaper to build by hand than to hand over to the decoder.
    if (length <= 12) {
      let text = '';
      let i = start;
      for (; i < start + length; i++) {
        const c = this.#bytes[i] as number;
        if (c >= 0x80) break;
        text += String.fromCharCode(c);
      }
      if (i === start + length) return text;
    }
    try {
      return decoder.decode(this.#bytes.subarray(start, start + length));
    } catch {
      return this.#syntax(`a string at byte ${start} is not UTF-8`);
    }
  }

  #has(count: number): boolean {
    if (this.at + count <= this.#bytes.length) return true;
    this.#truncated();
    return false;
  }
  #skip(count: number): number {
    const at = this.at;
    this.at = at + count;
    return at;
  }
  #truncated(): typeof unreadable {
    return this.#syntax(`the message ends in the middle of a value`);
  }
  #tooDeep(): typeof unreadable {
    return this.#fail(RejectReason.tooDeep, `MessagePack: nested deeper than ${EVENT_DEPTH_MAX} levels`);
  }
  #syntax(what: string): typeof unreadable {
    return this.#fail(RejectReason.syntax, `not MessagePack that Beckon reads: ${what}`);
  }
  #fail(reason: RejectReason, error: string): typeof unreadable {
    this.fault.set(reason, error);
    return unreadable;
  }
}
