/**
 * A segment of a numbered log: `<folder>/<first number, sixteen digits>.log`. Little-endian.
 *
 *   0  8 bytes  "BECKONNL"
 *   8  u16      format version, 1
 *  10  u8       kind of its entries (EntryKind)
 *  11  u8       0
 *  12  u32      partition
 *  16  f64      number of its first entry, also if it has none yet
 *  24  u32      salt of the frames' CRCs
 *  28  …        0
 *  60  u32      CRC-32 of the 60 bytes above
 *  64  …        frames (frame.ts): number without gaps, ts 0, partition, kind, body = the entry
 *
 * The header and the name are synced before the first entry is written, and a segment is synced before its successor is created.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../stdx/bytes.ts';
import { CorruptFileError, RefusedFileError } from './storage-error.ts';

export const NUMBERED_LOG_FORMAT = 1;
export const NUMBERED_LOG_HEADER_BYTES = 64;
const MAGIC = new TextEncoder().encode('BECKONNL');
const NAME = /^(\d{16})\.log$/;

export const EntryKind = { decision: 16, deadLetter: 17 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

export interface NumberedLogHeader {
  readonly kind: number;
  readonly partition: number;
  readonly first: number;
  readonly salt: number;
}

export function numberedSegmentPath(folder: string, first: number): string {
  return `${folder}/${String(first).padStart(16, '0')}.log`;
}

/** First numbers of the segments among the names of a folder, ascending. */
export function segmentFirsts(names: readonly string[]): number[] {
  const firsts: number[] = [];
  for (const name of names) {
    const match = NAME.exec(name);
    if (match !== null) firsts.push(Number(match[1]));
  }
  return firsts.sort((a, b) => a - b);
}

export function encodeNumberedLogHeader(header: NumberedLogHeader): Uint8Array {
  const writer = new ByteWriter(NUMBERED_LOG_HEADER_BYTES);
  writer.raw(MAGIC);
  writer.u16(NUMBERED_LOG_FORMAT);
  writer.u8(header.kind);
  writer.u8(0);
  writer.u32(header.partition);
  writer.f64(header.first);
  writer.u32(header.salt);
  writer.raw(new Uint8Array(NUMBERED_LOG_HEADER_BYTES - 4 - writer.length));
  writer.u32(crc32(writer.bytes()));
  return writer.copy();
}

/** null: not an intact header. A header of another format is refused by name. */
export function decodeNumberedLogHeader(path: string, bytes: Uint8Array): NumberedLogHeader | null {
  if (bytes.length < NUMBERED_LOG_HEADER_BYTES) return null;
  const reader = new ByteReader(bytes.subarray(0, NUMBERED_LOG_HEADER_BYTES));
  if (!reader.raw(MAGIC.length).every((byte, i) => byte === MAGIC[i])) return null;
  const stored = new ByteReader(bytes.subarray(NUMBERED_LOG_HEADER_BYTES - 4)).u32();
  if (crc32(bytes.subarray(0, NUMBERED_LOG_HEADER_BYTES - 4)) !== stored) return null;
  const format = reader.u16();
  if (format !== NUMBERED_LOG_FORMAT) {
    throw new RefusedFileError(
      path,
      `numbered log of format ${format}, this program reads format ${NUMBERED_LOG_FORMAT}`,
      'run the version of beckon that wrote it',
    );
  }
  const kind = reader.u8();
  reader.u8();
  return { kind, partition: reader.u32(), first: reader.f64(), salt: reader.u32() };
}

/** The header of a segment that must have one, and be of its own name. */
export function requireNumberedLogHeader(path: string, bytes: Uint8Array, first: number): NumberedLogHeader {
  const header = decodeNumberedLogHeader(path, bytes);
  if (header === null) throw new CorruptFileError(path, 0, 'the header of the segment fails its checksum');
  if (header.first !== first)
    throw new RefusedFileError(
      path,
      `it says that it begins with number ${header.first}`,
      'give the file its own name back',
    );
  return header;
}
