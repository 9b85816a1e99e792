/**
 * A segment of a write-ahead log: `wal/<worker>/<number>.wal`, number in ten digits, 1, 2, 3 … Little-endian.
 *
 *      0  8 bytes  "BECKONWL"
 *      8  u16      format version, 1
 *     10  u16      worker
 *     12  u32      salt of the frames' CRCs
 *     16  f64      epoch: grows with every opening of the data folder
 *     24  f64      number
 *     32  u32      count of positions
 *     36  …        positions: {u32 partition, f64 seq} – for every partition that this log ever held, its last record before this segment
 *   4092  u32      CRC-32 of the 4092 bytes above (unused ones are 0)
 *   4096  …        frames (frame.ts): number = seq, ts, partition, kind = RecordKind, body = payload
 *   …             zeros, in the segment that is being written: room for the next commits
 *
 * The header is synced, and so is the file's name, before the first frame is written: a bad header on a longer file is damage, one on a file
 * that holds nothing else is a creation cut short. Every opening of a log starts a new segment; within one epoch a partition's records lie in one
 * log only. The records of a partition in the order of (epoch, worker, number, offset) are therefore in the order of their sequence, whichever
 * workers wrote them. Positions tell a reader, without reading a segment, which sequences it can hold, and that none is missing at its end.
 */
import { crc32 } from 'node:zlib';
import { PARTITIONS_MAX } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import { type FileSystem, listFolder, readAll } from './file-system.ts';
import { CorruptFileError, errorCode, RefusedFileError } from './storage-error.ts';

export const WAL_FORMAT = 1;
export const WAL_HEADER_BYTES = 4096;
const POSITIONS_AT = 36;
const POSITION_BYTES = 12;
const MAGIC = new TextEncoder().encode('BECKONWL');
const NAME = /^(\d{10})\.wal$/;

assert(
  POSITIONS_AT + PARTITIONS_MAX * POSITION_BYTES + 4 <= WAL_HEADER_BYTES,
  'the positions of all partitions must fit a segment header',
);

export interface SegmentHeader {
  readonly worker: number;
  readonly salt: number;
  readonly epoch: number;
  readonly number: number;
  /** By partition: sequence of its last record in this log before this segment. */
  readonly positions: ReadonlyMap<number, number>;
}

/** A segment on disk. */
export interface Segment {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly bytes: number;
  /** Last of its log: only it may end in a torn tail. */
  readonly last: boolean;
}

export function segmentPath(folder: string, number: number): string {
  return `${folder}/${String(number).padStart(10, '0')}.wal`;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  assert(header.positions.size <= PARTITIONS_MAX, 'write-ahead log: too many partitions');
  const writer = new ByteWriter(WAL_HEADER_BYTES);
  writer.raw(MAGIC);
  writer.u16(WAL_FORMAT);
  writer.u16(header.worker);
  writer.u32(header.salt);
  writer.f64(header.epoch);
  writer.f64(header.number);
  writer.u32(header.positions.size);
  for (const [partition, seq] of [...header.positions].sort((a, b) => a[0] - b[0])) {
    writer.u32(partition);
    writer.f64(seq);
  }
  writer.raw(new Uint8Array(WAL_HEADER_BYTES - 4 - writer.length));
  writer.u32(crc32(writer.bytes()));
  return writer.copy();
}

/** null: not an intact header. A header of another format is refused by name. */
export function decodeSegmentHeader(path: string, bytes: Uint8Array): SegmentHeader | null {
  if (bytes.length < WAL_HEADER_BYTES) return null;
  const reader = new ByteReader(bytes.subarray(0, WAL_HEADER_BYTES));
  if (!reader.raw(MAGIC.length).every((byte, i) => byte === MAGIC[i])) return null;
  const stored = new ByteReader(bytes.subarray(WAL_HEADER_BYTES - 4)).u32();
  if (crc32(bytes.subarray(0, WAL_HEADER_BYTES - 4)) !== stored) return null;
  const format = reader.u16();
  if (format !== WAL_FORMAT) {
    throw new RefusedFileError(
      path,
      `write-ahead log of format ${format}, this program reads format ${WAL_FORMAT}`,
      'run the version of beckon that wrote it',
    );
  }
  const worker = reader.u16();
  const salt = reader.u32();
  const epoch = reader.f64();
  const number = reader.f64();
  const positions = new Map<number, number>();
  for (let i = reader.u32(); i > 0; i--) {
    const partition = reader.u32();
    positions.set(partition, reader.f64());
  }
  return { worker, salt, epoch, number, positions };
}

/**
 * The segments of one log in order, headers read and checked against each other: numbers without gaps, epochs never going back. A last segment whose
 * creation was cut short is left out and returned in `unborn`.
 */
export function listSegments(fs: FileSystem, folder: string): { segments: Segment[]; unborn: string | null } {
  const numbers: number[] = [];
  for (const name of listFolder(fs, folder)) {
    const match = NAME.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  const segments: Segment[] = [];
  let unborn: string | null = null;
  for (const [i, number] of numbers.entries()) {
    const path = segmentPath(folder, number);
    const before = segments.at(-1);
    if (before !== undefined && number !== before.header.number + 1) {
      throw new RefusedFileError(
        path,
        `segment ${before.header.number + 1} of this log is missing`,
        'put the missing segment back; without it records would be skipped',
      );
    }
    const last = i === numbers.length - 1;
    const read = readSegmentHeader(fs, path);
    // Retention may remove the oldest while they are listed: what was read of older ones is gone, too.
    if (read === null && !last) {
      segments.length = 0;
      continue;
    }
    if (read === null)
      throw new RefusedFileError(path, 'the segment went away', 'put it back; without it records would be skipped');
    const { header, bytes } = read;
    if (header === null) {
      if (!last || bytes > WAL_HEADER_BYTES)
        throw new CorruptFileError(path, 0, 'the header of the segment fails its checksum');
      unborn = path;
      continue;
    }
    if (header.number !== number)
      throw new RefusedFileError(
        path,
        `it says that it is segment ${header.number}`,
        'give the file its own name back',
      );
    if (before !== undefined && (header.epoch < before.header.epoch || header.worker !== before.header.worker)) {
      throw new RefusedFileError(
        path,
        `it belongs to another log (worker ${header.worker}, epoch ${header.epoch})`,
        'move it back to the folder that it came from',
      );
    }
    segments.push({ path, header, bytes, last });
  }
  return { segments, unborn };
}

/** null: there is no such file (any more). The length is that of before the header was read: a writer may just have made it. */
function readSegmentHeader(fs: FileSystem, path: string): { header: SegmentHeader | null; bytes: number } | null {
  let file: number;
  try {
    file = fs.open(path, 'read');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const bytes = fs.size(file);
    const head = new Uint8Array(WAL_HEADER_BYTES);
    return { header: decodeSegmentHeader(path, head.subarray(0, readAll(fs, file, head, 0))), bytes };
  } finally {
    fs.close(file);
  }
}
