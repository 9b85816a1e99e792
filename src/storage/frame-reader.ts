/**
 * Streams the frames of one file in bounded memory: one chunk, or one frame where that is longer. Never changes the file.
 *
 *   while (reader.next() === 'frame') { …reader.frame…; const body = reader.body(); … }
 *
 * A body is read and verified only when it is asked for, so that skipping a record costs its header.
 */
import { FRAME_READ_CHUNK_BYTES, FRAME_READ_GAP_BYTES } from '../constants.ts';
import { type FileSystem, readAll } from './file-system.ts';
import {
  createFrame,
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC_BYTES,
  type Frame,
  frameBodyIntact,
} from './frame.ts';
import type { FramePlaces } from './segment-places.ts';

/** frame: its header is intact. end: the file ends exactly here. bad: neither; `offset` says where. */
export type FrameStep = 'frame' | 'end' | 'bad';

export class FrameReader {
  readonly frame: Frame = createFrame();
  /** Of the current frame; where it ends if there is none, or where the bad part begins. */
  offset: number;
  readonly #fs: FileSystem;
  readonly #file: number;
  readonly #salt: number;
  /** Nothing at or beyond it is read, even if the file grows meanwhile. */
  readonly #end: number;
  #next: number;
  /** Where the wanted frames are; null: all, one behind the other. */
  readonly #places: FramePlaces | null;
  /** Of the places, the one that comes next. */
  #place = 0;
  #buffer: Uint8Array;
  #view: DataView;
  #bufferAt = 0;
  #bufferLength = 0;

  /** Reads frames from `start` (where one begins) up to `end`, the length of the file; or, with `places`, those that lie there. */
  constructor(
    fs: FileSystem,
    file: number,
    salt: number,
    start: number,
    end: number,
    places: FramePlaces | null = null,
    chunkBytes = FRAME_READ_CHUNK_BYTES,
  ) {
    this.#fs = fs;
    this.#file = file;
    this.#salt = salt;
    this.#end = end;
    this.#next = start;
    this.#places = places;
    this.offset = start;
    this.#buffer = new Uint8Array(Math.min(Math.max(end - start, FRAME_HEADER_BYTES), chunkBytes));
    this.#view = new DataView(this.#buffer.buffer);
  }

  next(): FrameStep {
    if (this.#places !== null && !this.#toNextPlace(this.#places)) return 'end';
    this.offset = this.#next;
    if (this.#next === this.#end) return 'end';
    const at = this.#load(this.#next, FRAME_HEADER_BYTES);
    if (at < 0 || !decodeFrameHeader(this.#buffer, this.#view, at, this.#salt, this.#next, this.frame)) return 'bad';
    const next = this.#next + FRAME_HEADER_BYTES + this.frame.length;
    if (next > this.#end) return 'bad';
    this.#next = next;
    return 'frame';
  }

  /** The current frame's body, verified; a view that the next call invalidates. null if it is not what was written. */
  body(): Uint8Array | null {
    const at = this.#load(this.frame.offset + FRAME_HEADER_BYTES, this.frame.length);
    if (at < 0) return null;
    const body = this.#buffer.subarray(at, at + this.frame.length);
    return frameBodyIntact(this.frame, this.#salt, body) ? body : null;
  }

  /** Loads the frame that lies at the next place; alone, or with those close behind it. False: there is none. */
  #toNextPlace({ starts, ends }: FramePlaces): boolean {
    if (this.#place === starts.length) return false;
    const start = starts[this.#place] as number;
    const end = ends[this.#place] as number;
    this.#place++;
    this.#next = start;
    const isDense = (starts[this.#place] ?? Number.POSITIVE_INFINITY) - end <= FRAME_READ_GAP_BYTES;
    this.#load(start, end - start, isDense ? this.#buffer.length : end - start);
    return true;
  }

  /**
   * Makes `length` bytes at `offset` of the file available, reading `readAhead` where they are not; returns where they are in the buffer, -1 if the file ends before.
   */
  #load(offset: number, length: number, readAhead = this.#buffer.length): number {
    if (offset + length > this.#end) return -1;
    if (offset >= this.#bufferAt && offset + length <= this.#bufferAt + this.#bufferLength)
      return offset - this.#bufferAt;
    if (length > this.#buffer.length) {
      this.#buffer = new Uint8Array(length);
      this.#view = new DataView(this.#buffer.buffer);
    }
    this.#bufferAt = offset;
    const want = Math.min(Math.max(length, readAhead), this.#buffer.length, this.#end - offset);
    this.#bufferLength = readAll(this.#fs, this.#file, this.#buffer.subarray(0, want), offset);
    return this.#bufferLength >= length ? 0 : -1;
  }
}

/**
 * The first intact frame header at or after `from` whose durableBefore is beyond `durableBeyond`; its offset, -1 if there is none.
 *
 * With a bad place for `durableBeyond` it is the proof that the place had been durable, so that it is damaged and not torn (see frame.ts). With -1 it is
 * where reading can go on.
 */
export function findFrame(
  fs: FileSystem,
  file: number,
  salt: number,
  from: number,
  end: number,
  durableBeyond: number,
): number {
  const buffer = new Uint8Array(Math.min(FRAME_READ_CHUNK_BYTES, Math.max(end - from, FRAME_HEADER_BYTES)));
  const view = new DataView(buffer.buffer);
  const search = Buffer.from(buffer.buffer);
  const frame = createFrame();
  let offset = from;
  while (offset + FRAME_HEADER_BYTES <= end) {
    const length = readAll(fs, file, buffer.subarray(0, Math.min(buffer.length, end - offset)), offset);
    let at = search.indexOf(FRAME_MAGIC_BYTES, 0);
    while (at >= 0 && at + FRAME_HEADER_BYTES <= length) {
      if (decodeFrameHeader(buffer, view, at, salt, offset + at, frame) && frame.durableBefore > durableBeyond)
        return frame.offset;
      at = search.indexOf(FRAME_MAGIC_BYTES, at + 1);
    }
    if (length < buffer.length) return -1;
    // A header may straddle two chunks.
    offset += length - FRAME_HEADER_BYTES + 1;
  }
  return -1;
}
