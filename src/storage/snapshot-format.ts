/**
 * A snapshot: `partitions/<p>/<seq, sixteen digits>.snapshot`, the whole state of one partition after record `seq`. Little-endian.
 *
 *   header    0  8 bytes  "BECKONSN"
 *             8  u16      format version, 4 (1: the state remembered event ids by customer id; 2: each with its decisions; 3: nothing was pending)
 *            10  u16      partition
 *            12  u32      0
 *            16  f64      seq: the record that it reflects last
 *            24  f64      log time at that record, epoch milliseconds
 *            32  f64      workspace version, 0 for none
 *            40  u32      0
 *            44  u32      CRC-32 of the 44 bytes above
 *   sections      u32     kind (SnapshotSection)
 *                 u32     length
 *                 u32     CRC-32 of kind, length and body
 *                 …       body
 *   trailer       a section of kind 0 with the body:
 *                 f64     sections, f64 bytes of their bodies
 *                 u32     CRC-32 of the whole file up to here, header and section heads included; this section's head is not
 *                 u32     length of the digest, then the state's digest as UTF-8
 *
 * The file ends with the trailer. Nothing in it depends on the node that wrote it. Sections are opaque to storage; the digest is for the reader to compute
 * again from what it restored.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../stdx/bytes.ts';

export const SNAPSHOT_FORMAT = 4;
export const SNAPSHOT_HEADER_BYTES = 48;
export const SECTION_HEAD_BYTES = 12;
const MAGIC = new TextEncoder().encode('BECKONSN');
const NAME = /^(\d{16})\.snapshot$/;

export const SnapshotSection = { trailer: 0, machine: 1, state: 2, position: 3 } as const;
export type SnapshotSection = (typeof SnapshotSection)[keyof typeof SnapshotSection];

export interface SnapshotHeader {
  readonly partition: number;
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly logTime: number;
  readonly workspaceVersion: number;
}

export interface SnapshotTrailer {
  readonly digest: string;
  readonly sections: number;
  /** Of all sections' bodies. */
  readonly bytes: number;
  /** Of everything before the trailer. */
  readonly crc: number;
}

export interface SectionHead {
  readonly kind: number;
  readonly length: number;
  readonly crc: number;
}

export function snapshotName(seq: number): string {
  return `${String(seq).padStart(16, '0')}.snapshot`;
}

/** Sequence of a snapshot's file name, -1 for another file. */
export function snapshotSeq(name: string): number {
  const match = NAME.exec(name);
  return match === null ? -1 : Number(match[1]);
}

export function encodeSnapshotHeader(header: SnapshotHeader): Uint8Array {
  const writer = new ByteWriter(SNAPSHOT_HEADER_BYTES);
  writer.raw(MAGIC);
  writer.u16(SNAPSHOT_FORMAT);
  writer.u16(header.partition);
  writer.u32(0);
  writer.f64(header.seq);
  writer.f64(header.logTime);
  writer.f64(header.workspaceVersion);
  writer.u32(0);
  writer.u32(crc32(writer.bytes()));
  return writer.copy();
}

/** The header and its format version; null if it is not an intact one. A header of another version is read as far as its format. */
export function decodeSnapshotHeader(bytes: Uint8Array): { format: number; header: SnapshotHeader } | null {
  if (bytes.length < SNAPSHOT_HEADER_BYTES) return null;
  const reader = new ByteReader(bytes.subarray(0, SNAPSHOT_HEADER_BYTES));
  if (!reader.raw(MAGIC.length).every((byte, i) => byte === MAGIC[i])) return null;
  if (
    new ByteReader(bytes.subarray(SNAPSHOT_HEADER_BYTES - 4)).u32() !==
    crc32(bytes.subarray(0, SNAPSHOT_HEADER_BYTES - 4))
  )
    return null;
  const format = reader.u16();
  const partition = reader.u16();
  reader.u32();
  return { format, header: { partition, seq: reader.f64(), logTime: reader.f64(), workspaceVersion: reader.f64() } };
}

export function encodeSectionHead(kind: number, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter(SECTION_HEAD_BYTES);
  writer.u32(kind);
  writer.u32(body.length);
  writer.u32(crc32(body, crc32(writer.bytes())));
  return writer.copy();
}

export function decodeSectionHead(bytes: Uint8Array): SectionHead {
  const reader = new ByteReader(bytes);
  return { kind: reader.u32(), length: reader.u32(), crc: reader.u32() };
}

export function sectionIntact(headBytes: Uint8Array, head: SectionHead, body: Uint8Array): boolean {
  return crc32(body, crc32(headBytes.subarray(0, 8))) === head.crc;
}

export function encodeTrailer(trailer: SnapshotTrailer): Uint8Array {
  const writer = new ByteWriter(64);
  writer.f64(trailer.sections);
  writer.f64(trailer.bytes);
  writer.u32(trailer.crc);
  writer.text(trailer.digest);
  return writer.copy();
}

/** Of a body whose CRC was right. */
export function decodeTrailer(body: Uint8Array): SnapshotTrailer {
  const reader = new ByteReader(body);
  const sections = reader.f64();
  const bytes = reader.f64();
  const crc = reader.u32();
  return { sections, bytes, crc, digest: reader.text() };
}
