/** Streams one snapshot file: header, sections, trailer, each verified; memory is the longest section. */
import { crc32 } from 'node:zlib';
import { SNAPSHOT_SECTION_BYTES_MAX } from '../constants.ts';
import { type FileSystem, readAll } from './file-system.ts';
import {
  decodeSectionHead,
  decodeSnapshotHeader,
  decodeTrailer,
  SECTION_HEAD_BYTES,
  SNAPSHOT_FORMAT,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotHeader,
  SnapshotSection,
  type SnapshotTrailer,
  sectionIntact,
} from './snapshot-format.ts';

/** damaged: its bytes are not what was written. foreign: intact, but of another format or partition. */
export interface SnapshotProblem {
  readonly path: string;
  readonly kind: 'damaged' | 'foreign';
  /** Byte at which it shows. */
  readonly offset: number;
  readonly what: string;
}

export interface SnapshotContent {
  readonly header: SnapshotHeader;
  readonly trailer: SnapshotTrailer;
}

/**
 * Visits every section in order (the body is a view that the next one overwrites) and returns header and trailer, or what is wrong. A problem may show
 * only after sections, each of them intact, have been visited: whoever restores from them begins anew, or reads the file twice (SnapshotStore).
 */
export function readSnapshot(
  fs: FileSystem,
  path: string,
  visit: (kind: number, body: Uint8Array, offset: number) => void,
  onHeader: (header: SnapshotHeader) => void = () => {},
): SnapshotContent | SnapshotProblem {
  const file = fs.open(path, 'read');
  try {
    const size = fs.size(file);
    const problem = (offset: number, what: string, kind: SnapshotProblem['kind'] = 'damaged'): SnapshotProblem => ({
      path,
      kind,
      offset,
      what,
    });
    const headerBytes = new Uint8Array(SNAPSHOT_HEADER_BYTES);
    const decoded = decodeSnapshotHeader(headerBytes.subarray(0, readAll(fs, file, headerBytes, 0)));
    if (decoded === null) return problem(0, 'the header fails its checksum');
    if (decoded.format !== SNAPSHOT_FORMAT)
      return problem(8, `format ${decoded.format}, this program reads format ${SNAPSHOT_FORMAT}`, 'foreign');
    const { header } = decoded;
    onHeader(header);
    let crc = crc32(headerBytes);
    let sections = 0;
    let bytes = 0;
    let buffer = new Uint8Array(64 * 1024);
    const headBytes = new Uint8Array(SECTION_HEAD_BYTES);
    for (let at = SNAPSHOT_HEADER_BYTES; ; ) {
      if (readAll(fs, file, headBytes, at) < SECTION_HEAD_BYTES) return problem(at, 'the file ends before its trailer');
      const head = decodeSectionHead(headBytes);
      const end = at + SECTION_HEAD_BYTES + head.length;
      if (end > size || head.length > SNAPSHOT_SECTION_BYTES_MAX)
        return problem(at, 'a section is longer than the file');
      if (head.length > buffer.length) buffer = new Uint8Array(Math.max(head.length, buffer.length * 2));
      const body = buffer.subarray(0, head.length);
      if (readAll(fs, file, body, at + SECTION_HEAD_BYTES) < head.length || !sectionIntact(headBytes, head, body)) {
        return problem(at, 'a section fails its checksum');
      }
      if (head.kind === SnapshotSection.trailer) {
        const trailer = decodeTrailer(body);
        if (end !== size) return problem(end, 'there is something after the trailer');
        if (trailer.sections !== sections || trailer.bytes !== bytes || trailer.crc !== crc)
          return problem(at, 'the trailer does not fit the sections');
        return { header, trailer };
      }
      visit(head.kind, body, at);
      crc = crc32(body, crc32(headBytes, crc));
      sections++;
      bytes += head.length;
      at = end;
    }
  } finally {
    fs.close(file);
  }
}
