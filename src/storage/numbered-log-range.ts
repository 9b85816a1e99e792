/** Which entries of a numbered log can be read, for whoever is not told by its writer: beside a running node, and after one that was killed. */
import { type FileSystem, listFolder, readAll } from './file-system.ts';
import { FrameReader } from './frame-reader.ts';
import {
  decodeNumberedLogHeader,
  NUMBERED_LOG_HEADER_BYTES,
  numberedSegmentPath,
  segmentFirsts,
} from './numbered-log-segment.ts';
import { errorCode } from './storage-error.ts';

/** Entries first … next − 1. */
export interface NumberedRange {
  readonly first: number;
  readonly next: number;
}

/** Up to the last whole entry as of now; what is behind it may just be written, or torn. An empty range for a log that was never written. */
export function numberedLogRange(fs: FileSystem, folder: string): NumberedRange {
  const firsts = segmentFirsts(listFolder(fs, folder));
  for (const last of [...firsts].reverse()) {
    const next = nextOf(fs, numberedSegmentPath(folder, last), last);
    if (next !== null) return { first: firsts[0] ?? last, next };
  }
  return { first: 1, next: 1 };
}

/** null: the segment has no whole header yet, or went away. */
function nextOf(fs: FileSystem, path: string, first: number): number | null {
  let file: number;
  try {
    file = fs.open(path, 'read');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const bytes = new Uint8Array(NUMBERED_LOG_HEADER_BYTES);
    const header = decodeNumberedLogHeader(path, bytes.subarray(0, readAll(fs, file, bytes, 0)));
    if (header === null) return null;
    const frames = new FrameReader(fs, file, header.salt, NUMBERED_LOG_HEADER_BYTES, fs.size(file));
    let next = first;
    while (frames.next() === 'frame' && frames.body() !== null && frames.frame.number === next) next++;
    return next;
  } finally {
    fs.close(file);
  }
}
