/**
 * A place in the decision streams of all partitions, as clients keep it: opaque text, safe in a URL.
 *
 *     base64url, without padding, of
 *     u8      format, 1
 *     u32     hash of the identity of the streams
 *     varint  number of partitions, then for each the number of the next decision to be sent
 *     u32     checksum of all of the above
 *
 * Integers are little-endian, varints LEB128. A cursor covers every decision with a lower number, those that a filter left out included, so one
 * given with a decision says "after this one" in its partition and where the client stood in all others. The checksum tells a cut or mistyped
 * cursor from a valid one; it is no secret, because a cursor grants nothing that `from=earliest` would not.
 */
import { assert } from '../stdx/assert.ts';
import { fmix32, fnv1a32, fnv1a32Bytes } from '../stdx/hash.ts';

const FORMAT = 1;
const VARINT_BYTES_MAX = 8;
const HEAD_BYTES = 5;
const CHECKSUM_BYTES = 4;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const digits = Uint8Array.from(ALPHABET, (digit) => digit.charCodeAt(0));

export type CursorReading =
  | { readonly next: readonly number[] }
  /** malformed: not made by any Beckon; format: by another release; foreign: for other streams. */
  | { readonly fault: 'malformed' | 'format' | 'foreign' };

/** Writes and reads the cursors of one set of streams. Not reentrant: it writes through one scratch buffer. */
export class CursorCodec {
  /** Bytes that encodeInto may write at most. */
  readonly lengthMax: number;
  readonly #partitions: number;
  readonly #identityHash: number;
  readonly #bytes: Uint8Array;
  readonly #text: Uint8Array;

  constructor(identity: string, partitions: number) {
    this.#partitions = partitions;
    this.#identityHash = fmix32(fnv1a32(identity));
    this.#bytes = new Uint8Array(HEAD_BYTES + (partitions + 1) * VARINT_BYTES_MAX + CHECKSUM_BYTES);
    this.lengthMax = Math.ceil((this.#bytes.length * 4) / 3);
    this.#text = new Uint8Array(this.lengthMax);
  }

  encode(next: ArrayLike<number>): string {
    return String.fromCharCode(...this.#text.subarray(0, this.encodeInto(next, this.#text, 0)));
  }

  /** Writes the cursor as ASCII at `at`, where lengthMax bytes must be free; returns where it ends. */
  encodeInto(next: ArrayLike<number>, target: Uint8Array, at: number): number {
    assert(next.length === this.#partitions, 'a cursor has a position for every partition');
    const bytes = this.#bytes;
    bytes[0] = FORMAT;
    putU32(bytes, 1, this.#identityHash);
    let length = putVarint(bytes, HEAD_BYTES, this.#partitions);
    for (let p = 0; p < this.#partitions; p++) length = putVarint(bytes, length, next[p] as number);
    putU32(bytes, length, fmix32(fnv1a32Bytes(bytes, 0, length)));
    return putBase64(bytes, length + CHECKSUM_BYTES, target, at);
  }

  decode(text: string): CursorReading {
    const bytes = Buffer.from(text, 'base64url');
    const end = bytes.length - CHECKSUM_BYTES;
    if (end <= HEAD_BYTES) return { fault: 'malformed' };
    if (fmix32(fnv1a32Bytes(bytes, 0, end)) !== bytes.readUInt32LE(end)) return { fault: 'malformed' };
    if (bytes[0] !== FORMAT) return { fault: 'format' };
    if (bytes.readUInt32LE(1) !== this.#identityHash) return { fault: 'foreign' };
    const values: number[] = [];
    for (let at = HEAD_BYTES; at < end; ) {
      let value = 0;
      let scale = 1;
      for (;;) {
        if (at === end) return { fault: 'malformed' };
        const byte = bytes[at++] as number;
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
        scale *= 0x80;
      }
      if (!Number.isSafeInteger(value)) return { fault: 'malformed' };
      values.push(value);
    }
    const [partitions, ...next] = values;
    if (partitions !== next.length) return { fault: 'malformed' };
    if (partitions !== this.#partitions) return { fault: 'foreign' };
    // One text per place: stray characters, which the base64 decoder skips, and longer forms of a number are not ours.
    return this.encode(next) === text ? { next } : { fault: 'malformed' };
  }
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function putVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    const quotient = Math.floor(rest / 0x80);
    bytes[at++] = rest - quotient * 0x80 + 0x80;
    rest = quotient;
  }
  bytes[at++] = rest;
  return at;
}

function putBase64(bytes: Uint8Array, length: number, target: Uint8Array, start: number): number {
  let at = start;
  for (let i = 0; i < length; i += 3) {
    const left = length - i;
    const group =
      ((bytes[i] as number) << 16) |
      (left > 1 ? (bytes[i + 1] as number) << 8 : 0) |
      (left > 2 ? (bytes[i + 2] as number) : 0);
    target[at++] = digits[group >>> 18] as number;
    target[at++] = digits[(group >>> 12) & 63] as number;
    if (left > 1) target[at++] = digits[(group >>> 6) & 63] as number;
    if (left > 2) target[at++] = digits[group & 63] as number;
  }
  return at;
}
