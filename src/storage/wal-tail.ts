/**
 * The end of a write-ahead log that may be growing while it is read: other threads and processes read it without a word to its writer.
 *
 * Law: a frame that says that a place had been durable was written after that place. So where a place was bad and such a frame is found, the place is read once more: if it
 * is still bad, it is damaged; if not, the writer has come by in between. Where there is no such frame, the log ends there for this reader.
 */
import type { FileSystem } from './file-system.ts';
import type { Frame } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { CorruptFileError, errorCode } from './storage-error.ts';
import { refuseDamage } from './tail-recovery.ts';
import { logFolders } from './wal-repair.ts';
import { listSegments, type Segment, WAL_HEADER_BYTES } from './wal-segment.ts';

/**
 * Frames of a segment from `offset` on, where there was no whole one a moment ago; null if there is still none. CorruptFileError if it is damaged: in a segment that
 * others follow every bad place is.
 */
export function framesWrittenSince(fs: FileSystem, file: number, segment: Segment, offset: number): FrameReader | null {
  const { salt } = segment.header;
  if (!segment.last)
    throw new CorruptFileError(segment.path, offset, 'a record of a closed segment fails its checksum');
  const size = fs.size(file);
  try {
    refuseDamage(fs, file, segment.path, salt, offset, size);
    return null;
  } catch (error) {
    const frames = new FrameReader(fs, file, salt, offset, size);
    if (frames.next() !== 'frame' || frames.body() === null) throw error;
  }
  return new FrameReader(fs, file, salt, offset, size);
}

/**
 * Visits the whole records of one segment for which `wanted` holds, by their headers, until `visit` returns false. The body is a view that the next one overwrites. A
 * segment that was removed since it was listed has none.
 */
export function scanSegment(
  fs: FileSystem,
  segment: Segment,
  wanted: (frame: Frame) => boolean,
  visit: (frame: Frame, body: Uint8Array) => boolean,
): void {
  let file: number;
  try {
    file = fs.open(segment.path, 'read');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    const { salt } = segment.header;
    let frames: FrameReader | null = new FrameReader(fs, file, salt, WAL_HEADER_BYTES, fs.size(file));
    while (frames !== null) {
      const step = frames.next();
      if (step === 'end') return;
      if (step === 'frame' && !wanted(frames.frame)) continue;
      const body = step === 'frame' ? frames.body() : null;
      if (body === null) frames = framesWrittenSince(fs, file, segment, frames.offset);
      else if (!visit(frames.frame, body)) return;
    }
  } finally {
    fs.close(file);
  }
}

/** By partition: its last whole record in any of the logs, as of now. */
export function lastRecords(fs: FileSystem, walRoot: string): Map<number, number> {
  const last = new Map<number, number>();
  const note = (partition: number, seq: number): void => {
    if (seq > (last.get(partition) ?? 0)) last.set(partition, seq);
  };
  for (const folder of logFolders(fs, walRoot)) {
    const segment = listSegments(fs, folder).segments.at(-1);
    if (segment === undefined) continue;
    for (const [partition, seq] of segment.header.positions) note(partition, seq);
    scanSegment(
      fs,
      segment,
      () => true,
      ({ partition, number }) => {
        note(partition, number);
        return true;
      },
    );
  }
  return last;
}

/**
 * By partition: the last record that is no longer kept, in any of the logs: reading can begin behind it. Of a partition that is not named everything is kept that there
 * ever was.
 */
export function lastDropped(fs: FileSystem, walRoot: string): Map<number, number> {
  const dropped = new Map<number, number>();
  for (const folder of logFolders(fs, walRoot)) {
    const oldest = listSegments(fs, folder).segments[0];
    for (const [partition, seq] of oldest?.header.positions ?? []) {
      if (seq > (dropped.get(partition) ?? 0)) dropped.set(partition, seq);
    }
  }
  return dropped;
}
