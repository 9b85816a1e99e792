/**
 * A message's bytes, copied into a buffer of the decoder's own, with PADDING bytes of `filler` behind them. That costs
 * a few nanoseconds an event and buys three things: words can be read at any offset without asking whether they still
 * lie inside; the filler, a byte that no value can begin or go on with, stops every loop at the end; and the buffer and
 * its view are the same objects for every message, whoever made it.
 *
 * Whoever reads several bytes at once may stand behind `end` afterwards, by less than PADDING: the next byte then is
 * filler, and an event counts only if it ends at `end` or before.
 */

/**
 * More than the longest step without a look at `end`: a type byte and eight bytes of number behind a short key, or a key
 * that is guessed (event-plan.ts guesses no longer ones).
 */
export const PADDING = 64;
const BYTES_MIN = 64 * 1024;
const PROTO = new TextEncoder().encode('__proto__');

export class InputBytes {
  bytes: Uint8Array = new Uint8Array(BYTES_MIN);
  view: DataView = new DataView(this.bytes.buffer);
  /** Length of the message. */
  end = 0;

  load(bytes: Uint8Array, filler: number): void {
    const length = bytes.length;
    if (length + PADDING > this.bytes.length) {
      this.bytes = new Uint8Array(Math.max(length + PADDING, this.bytes.length * 2));
      this.view = new DataView(this.bytes.buffer);
    }
    this.bytes.set(bytes);
    this.bytes.fill(filler, length, length + PADDING);
    this.end = length;
  }
}

/** By bytes behind the last whole word of a range: what of the word there belongs to it. Little-endian. */
const TAIL_MASK = new Int32Array([0, 0xff, 0xffff, 0xffffff]);

/** 32 bits over a range of a padded buffer. Not kept anywhere: it may differ from version to version. */
export function hashRange(view: DataView, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  if (at < end) {
    hash = Math.imul(hash ^ (view.getInt32(at, true) & (TAIL_MASK[end - at] as number)), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/** Whether `length` bytes at `start` of a padded buffer and at `from` of another are the same. */
export function sameRange(view: DataView, start: number, other: DataView, from: number, length: number): boolean {
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    if (view.getInt32(start + i, true) !== other.getInt32(from + i, true)) return false;
  }
  if (i === length) return true;
  return ((view.getInt32(start + i, true) ^ other.getInt32(from + i, true)) & (TAIL_MASK[length - i] as number)) === 0;
}

/** ASCII to a string; eight at a time, because each step of a concatenation is a string. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let at = start;
  for (; at + 8 <= end; at += 8) {
    text += String.fromCharCode(
      bytes[at] as number,
      bytes[at + 1] as number,
      bytes[at + 2] as number,
      bytes[at + 3] as number,
      bytes[at + 4] as number,
      bytes[at + 5] as number,
      bytes[at + 6] as number,
      bytes[at + 7] as number,
    );
  }
  for (; at < end; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}

export function isAscii(view: DataView, start: number, end: number): boolean {
  let high = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) high |= view.getInt32(at, true);
  if (at < end) high |= view.getInt32(at, true) & (TAIL_MASK[end - at] as number);
  return (high & 0x80808080) === 0;
}

/** What the Encoding standard's decoder accepts: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    const c = bytes[at++] as number;
    if (c < 0x80) continue;
    if (c < 0xc2 || c > 0xf4) return false;
    const more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    if (at + more > end) return false;
    const second = bytes[at] as number;
    const low = c === 0xe0 ? 0xa0 : c === 0xf0 ? 0x90 : 0x80;
    const high = c === 0xed ? 0x9f : c === 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return false;
    for (let i = 1; i < more; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return false;
    at += more;
  }
  return true;
}

/** No key may reach a prototype. */
export function isProto(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== PROTO.length) return false;
  for (let i = 0; i < PROTO.length; i++) if (bytes[start + i] !== PROTO[i]) return false;
  return true;
}
