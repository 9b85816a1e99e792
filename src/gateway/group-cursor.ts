/**
 * What a member of a group acknowledges with: names the decisions of exactly one frame, as opaque text.
 *
 *     base64url, without padding, of
 *     u8       format, 2 (1 is a cursor of the decision stream, which names a place)
 *     10 bytes seal: the beginning of HMAC-SHA256, with the group's key, of all that follows
 *     then for each decision: varint partition, varint number (LEB128)
 *
 * The seal is there because an acknowledgement takes a decision away from everybody else: only who was given a frame can acknowledge it. As every
 * node knows the group's key, a cursor can be acknowledged through any of them, after a reconnect as well.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { assert } from '../stdx/assert.ts';

const FORMAT = 2;
const SEAL_BYTES = 10;
const HEAD_BYTES = 1 + SEAL_BYTES;
const VARINT_BYTES_MAX = 8;

export type GroupCursorReading =
  /** Partition and number of each decision, in turn. */
  | { readonly places: readonly number[] }
  /** malformed: no cursor of any group. forged: not sealed by this group, or changed. */
  | { readonly fault: 'malformed' | 'forged' };

export class GroupCursorCodec {
  readonly lengthMax: number;
  readonly #key: Buffer;
  readonly #bytes: Buffer;

  /** `decisionsMax`: of one frame. */
  constructor(key: string, decisionsMax: number) {
    this.#key = Buffer.from(key);
    this.#bytes = Buffer.alloc(HEAD_BYTES + decisionsMax * 2 * VARINT_BYTES_MAX);
    this.lengthMax = Math.ceil((this.#bytes.length * 4) / 3);
  }

  /** `places` as in the reading. Returns where the text ends. */
  encodeInto(places: ArrayLike<number>, target: Uint8Array, at: number): number {
    const bytes = this.#bytes;
    bytes[0] = FORMAT;
    let length = HEAD_BYTES;
    for (let i = 0; i < places.length; i++) length = putVarint(bytes, length, places[i] as number);
    this.#seal(bytes.subarray(HEAD_BYTES, length)).copy(bytes, 1);
    const text = bytes.toString('base64url', 0, length);
    for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
    return at + text.length;
  }

  decode(text: string): GroupCursorReading {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes[0] !== FORMAT || bytes.length <= HEAD_BYTES || bytes.toString('base64url') !== text) {
      return { fault: 'malformed' };
    }
    if (!timingSafeEqual(this.#seal(bytes.subarray(HEAD_BYTES)), bytes.subarray(1, HEAD_BYTES))) {
      return { fault: 'forged' };
    }
    const places: number[] = [];
    for (let at = HEAD_BYTES; at < bytes.length; ) {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        assert(byte !== undefined, 'what carries the seal was written by encodeInto');
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
      }
      places.push(value);
    }
    return { places };
  }

  #seal(bytes: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(bytes).digest().subarray(0, SEAL_BYTES);
  }
}

/** `value` up to 2^53; returns where it ends. */
function putVarint(bytes: Buffer, at: number, value: number): number {
  let end = at;
  let rest = value;
  while (rest >= 128) {
    bytes[end++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[end++] = rest;
  return end;
}
