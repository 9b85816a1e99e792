/** What tells a record from another one of the same sequence: sequence numbers are given again by a stream that lost its end. */
import { crc32 } from 'node:zlib';
import type { RecordKind } from '../protocol/record.ts';

/** CRC-32 of kind and payload, 1 … 2^32 − 1: 0 stands for no record. */
export function recordChecksum(kind: RecordKind, payload: Uint8Array): number {
  return crc32(payload, kind) || 1;
}
