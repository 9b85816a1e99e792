/**
 * Reads a numbered log while another thread appends to it: asynchronous, read-only, many reads at a time.
 *
 * Order law: the caller asks only for numbers that the writer has flushed (`next` is told by the writer's thread after its flush); whatever of
 * those cannot be read is an error, never an end.
 */
import { readdirSync } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { NUMBERED_LOG_INDEX_BYTES, NUMBERED_LOG_READ_CHUNK_BYTES } from '../constants.ts';
import { createFrame, decodeFrameHeader, FRAME_HEADER_BYTES, type Frame, frameBodyIntact } from './frame.ts';
import {
  NUMBERED_LOG_HEADER_BYTES,
  numberedSegmentPath,
  requireNumberedLogHeader,
  segmentFirsts,
} from './numbered-log-segment.ts';
import { CorruptFileError, errorCode } from './storage-error.ts';

export interface NumberedEntry {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** The numbers asked for are older than what the log keeps. */
export class EntriesForgottenError extends Error {
  override readonly name = 'EntriesForgottenError';
  /** Oldest number that is kept. */
  readonly first: number;

  constructor(from: number, first: number) {
    super(`entry ${from} is no longer kept; the oldest is ${first}`);
    this.first = first;
  }
}

/** Places met while reading one segment, ascending: where a later read may begin. */
interface SparseIndex {
  readonly salt: number;
  readonly numbers: number[];
  readonly offsets: number[];
}

/** What one read() has gathered. */
interface Harvest {
  readonly entries: NumberedEntry[];
  readonly next: number;
  bytesLeft: number;
  /** Number wanted now. */
  at: number;
}

export class NumberedLogReader {
  readonly #folder: string;
  /** By first number of the segment. */
  readonly #indexes = new Map<number, SparseIndex>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Number of the oldest entry that is kept; 1 for a log that does not exist yet. */
  first(): number {
    try {
      return segmentFirsts(readdirSync(this.#folder))[0] ?? 1;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return 1;
      throw error;
    }
  }

  /**
   * Entries `from` … `next − 1`, as many as fit `bytesMax` (one at least, whatever its size); none if from ≥ next. EntriesForgottenError if `from` is older
   * than what is kept; CorruptFileError if what is there cannot be read.
   */
  async read(from: number, next: number, bytesMax: number): Promise<NumberedEntry[]> {
    const harvest: Harvest = { entries: [], next, bytesLeft: bytesMax, at: from };
    while (harvest.at < next && (harvest.entries.length === 0 || harvest.bytesLeft > 0)) {
      const firsts = segmentFirsts(await readdir(this.#folder));
      const first = firsts.findLast((candidate) => candidate <= harvest.at);
      if (first === undefined) throw new EntriesForgottenError(harvest.at, firsts[0] ?? next);
      this.#forgetIndexes(firsts);
      const before = harvest.at;
      let file: FileHandle;
      try {
        file = await open(numberedSegmentPath(this.#folder, first), 'r');
      } catch (error) {
        // Dropped since it was listed: look again, and tell what is kept now.
        if (errorCode(error) === 'ENOENT') continue;
        throw error;
      }
      try {
        await this.#readSegment(file, first, harvest);
      } finally {
        await file.close();
      }
      if (harvest.at === before && harvest.bytesLeft > 0) {
        throw new CorruptFileError(
          numberedSegmentPath(this.#folder, first),
          0,
          `entry ${before} is neither at its end nor in a later segment`,
        );
      }
    }
    return harvest.entries;
  }

  async #readSegment(file: FileHandle, first: number, harvest: Harvest): Promise<void> {
    const path = numberedSegmentPath(this.#folder, first);
    const index = await this.#index(file, path, first);
    const frame = createFrame();
    let offset = startingPlace(index, harvest.at);
    let room = Math.min(NUMBERED_LOG_READ_CHUNK_BYTES, Math.max(harvest.bytesLeft + FRAME_HEADER_BYTES, 4096));
    let expected = -1;
    for (;;) {
      const chunk = new Uint8Array(room);
      const length = await readFully(file, chunk, offset);
      const view = new DataView(chunk.buffer);
      let at = 0;
      for (;;) {
        if (at + FRAME_HEADER_BYTES > length) break;
        if (!decodeFrameHeader(chunk, view, at, index.salt, offset + at, frame))
          throw damaged(path, offset + at, 'an entry fails its checksum');
        const end = at + FRAME_HEADER_BYTES + frame.length;
        if (end > length) break;
        if (expected >= 0 && frame.number !== expected)
          throw damaged(path, offset + at, `entry ${frame.number} where ${expected} belongs`);
        expected = frame.number + 1;
        note(index, frame);
        if (frame.number >= harvest.at) {
          const body = chunk.slice(at + FRAME_HEADER_BYTES, end);
          if (frame.number !== harvest.at || !frameBodyIntact(frame, index.salt, body))
            throw damaged(path, offset + at, `entry ${harvest.at} fails its checksum`);
          if (harvest.entries.length > 0 && body.length > harvest.bytesLeft) {
            harvest.bytesLeft = 0;
            return;
          }
          harvest.entries.push({ number: frame.number, bytes: body });
          harvest.bytesLeft -= body.length;
          harvest.at++;
          if (harvest.at === harvest.next || harvest.bytesLeft <= 0) return;
        }
        at = end;
      }
      // The chunk ended within a frame, or the segment did.
      if (length < chunk.length) {
        const successor = harvest.at > first && expected === harvest.at;
        if (successor && at === length) return;
        throw damaged(path, offset + at, `entry ${harvest.at} is cut short`);
      }
      offset += at;
      room =
        at > 0
          ? NUMBERED_LOG_READ_CHUNK_BYTES
          : Math.max(NUMBERED_LOG_READ_CHUNK_BYTES, FRAME_HEADER_BYTES + frame.length);
    }
  }

  async #index(file: FileHandle, path: string, first: number): Promise<SparseIndex> {
    const known = this.#indexes.get(first);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(NUMBERED_LOG_HEADER_BYTES);
    const length = await readFully(file, bytes, 0);
    const { salt } = requireNumberedLogHeader(path, bytes.subarray(0, length), first);
    const index: SparseIndex = { salt, numbers: [first], offsets: [NUMBERED_LOG_HEADER_BYTES] };
    this.#indexes.set(first, index);
    return index;
  }

  #forgetIndexes(firsts: readonly number[]): void {
    for (const first of this.#indexes.keys()) if (first < (firsts[0] as number)) this.#indexes.delete(first);
  }
}

function damaged(path: string, offset: number, what: string): CorruptFileError {
  return new CorruptFileError(path, offset, what);
}

function startingPlace(index: SparseIndex, number: number): number {
  const at = index.numbers.findLastIndex((candidate) => candidate <= number);
  return index.offsets[Math.max(at, 0)] as number;
}

function note(index: SparseIndex, frame: Frame): void {
  if (frame.offset < (index.offsets.at(-1) as number) + NUMBERED_LOG_INDEX_BYTES) return;
  index.numbers.push(frame.number);
  index.offsets.push(frame.offset);
}

async function readFully(file: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
