/**
 * Where the entries of a text-index.ts begin in its bytes, in half a byte per entry instead of four, so that it stays
 * in a processor's cache: a million entries take 500 KB. Of every sixteen entries the first one's offset is kept, and
 * the length that all of them have, as ids mostly do; where they differ in length the others are counted off.
 *
 * An entry begins with its header: its length in UTF-16 units × 2, plus 1 if it takes two bytes per unit, as a base-128
 * varint, low bits first.
 */
import type { Arena } from './arena.ts';

const GROUP = 16;
const GROUP_SHIFT = 4;

export function entryOffsetsBytes(entriesMax: number): number {
  return Math.ceil(entriesMax / GROUP) * 8;
}

export class EntryOffsets {
  readonly #bytes: Uint8Array;
  /** By group: offset of the first entry, bytes of each (0: they differ). */
  readonly #groups: Uint32Array;

  constructor(arena: Arena, entriesMax: number, bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#groups = arena.words(entryOffsetsBytes(entriesMax) / 4);
  }

  /** The next entry, of `size` bytes. */
  add(entry: number, offset: number, size: number): void {
    const at = (entry >>> GROUP_SHIFT) * 2;
    if ((entry & (GROUP - 1)) === 0) {
      this.#groups[at] = offset;
      this.#groups[at + 1] = size;
    } else if (this.#groups[at + 1] !== size) {
      this.#groups[at + 1] = 0;
    }
  }

  of(entry: number): number {
    const at = (entry >>> GROUP_SHIFT) * 2;
    const offset = this.#groups[at] as number;
    const size = this.#groups[at + 1] as number;
    const within = entry & (GROUP - 1);
    return size === 0 ? this.#countOff(offset, within) : (offset + Math.imul(within, size)) >>> 0;
  }

  #countOff(first: number, entries: number): number {
    let offset = first;
    for (let i = 0; i < entries; i++) offset += entryLength(this.#bytes, offset);
    return offset;
  }
}

/** Bytes of the entry at this offset, its header included. */
export function entryLength(bytes: Uint8Array, offset: number): number {
  const header = readVarint(bytes, offset);
  const length = header >>> 1;
  return varintLength(header) + ((header & 1) === 1 ? length * 2 : length);
}

export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) length++;
  return length;
}

export function readVarint(bytes: Uint8Array, start: number): number {
  const first = bytes[start] as number;
  if (first < 0x80) return first;
  let value = first & 0x7f;
  let shift = 7;
  for (let at = start + 1; ; at++) {
    const byte = bytes[at] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
    shift += 7;
  }
}
