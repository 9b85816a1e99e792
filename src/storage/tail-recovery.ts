/** Makes the last segment of an append-only file whole again after a crash; shared by the write-ahead log and the numbered logs. */

import { type FileSystem, readAll, writeAll } from './file-system.ts';
import type { Frame } from './frame.ts';
import { FrameReader, findFrame } from './frame-reader.ts';
import { CorruptFileError, FatalStorageError } from './storage-error.ts';

const REWRITE_CHUNK_BYTES = 1024 * 1024;

export interface RecoveredTail {
  /** Length of the file now: the longest prefix of intact frames. */
  readonly end: number;
  /** Bytes cut off: written by a commit that nobody was told of. Zeros at the end, room for what never came, do not count. */
  readonly tornBytes: number;
}

/**
 * Visits every intact frame from `start`, cuts off a torn tail, refuses damage (CorruptFileError, nothing changed), and makes what remains durable. `accept` throws where
 * what was visited cannot be all: nothing is changed then, either.
 *
 * What remains is *written once more* from the last known sync on: after a failed fdatasync the kernel shows pages as clean that never reached the disk,
 * and a recovery that believed them would acknowledge what the next power cut takes away.
 */
export function recoverTail(
  fs: FileSystem,
  path: string,
  salt: number,
  start: number,
  visit: (frame: Frame) => void,
  accept: () => void = () => {},
): RecoveredTail {
  const file = fs.open(path, 'write');
  try {
    const size = fs.size(file);
    const reader = new FrameReader(fs, file, salt, start, size);
    let unsyncedFrom = 0;
    let bad = false;
    for (let step = reader.next(); step !== 'end'; step = reader.next()) {
      if (step === 'bad' || reader.body() === null) {
        bad = true;
        break;
      }
      unsyncedFrom = reader.frame.durableBefore;
      visit(reader.frame);
    }
    const end = bad ? Math.min(reader.offset, size) : size;
    if (bad) refuseDamage(fs, file, path, salt, end, size);
    accept();
    const tornBytes = endOfContent(fs, file, end, size) - end;
    try {
      if (end < size) fs.truncate(file, end);
      rewrite(fs, file, unsyncedFrom, end);
      fs.fdatasync(file);
    } catch (error) {
      throw new FatalStorageError('repair', path, error);
    }
    return { end, tornBytes };
  } finally {
    fs.close(file);
  }
}

/** Throws if the bad place had once been durable. */
export function refuseDamage(
  fs: FileSystem,
  file: number,
  path: string,
  salt: number,
  badAt: number,
  size: number,
): void {
  const proof = findFrame(fs, file, salt, badAt + 1, size, badAt);
  if (proof >= 0)
    throw new CorruptFileError(
      path,
      badAt,
      `a record fails its checksum, and the record at byte ${proof} was written after it had been synced`,
    );
}

function rewrite(fs: FileSystem, file: number, from: number, to: number): void {
  const buffer = new Uint8Array(Math.min(to - from, REWRITE_CHUNK_BYTES));
  for (let at = from; at < to; at += buffer.length) {
    const length = readAll(fs, file, buffer.subarray(0, Math.min(buffer.length, to - at)), at);
    writeAll(fs, file, buffer.subarray(0, length), at);
  }
}

/** Where the zeros begin that a file ends with, not before `from`. */
export function endOfContent(fs: FileSystem, file: number, from: number, size: number): number {
  const buffer = new Uint8Array(Math.min(size - from, REWRITE_CHUNK_BYTES));
  for (let end = size; end > from; ) {
    const at = Math.max(from, end - buffer.length);
    const length = readAll(fs, file, buffer.subarray(0, end - at), at);
    const last = buffer.subarray(0, length).findLastIndex((byte) => byte !== 0);
    if (last >= 0) return at + last + 1;
    end = at;
  }
  return from;
}
