/** Records and logs for the tests of the write-ahead log. */
import type { LogRecord, RecordKind } from '../../../src/protocol/record.ts';
import type { FileSystem } from '../../../src/storage/file-system.ts';
import { readLogs } from '../../../src/storage/wal-reader.ts';
import { WriteAheadLog } from '../../../src/storage/write-ahead-log.ts';

export const SALT = 0x5eed;

/** A payload that says which record it is, of a length that differs from record to record. */
export function payloadOf(partition: number, seq: number): Uint8Array {
  return new TextEncoder().encode(`record ${seq} of partition ${partition} ${'x'.repeat((seq * 37) % 211)}`);
}

export function openLog(
  fs: FileSystem,
  worker: number,
  epoch: number,
  segmentBytes = 1_000_000,
  preallocatedBytes = 0,
): WriteAheadLog {
  return WriteAheadLog.open(fs, `wal/${worker}`, { worker, epoch, salt: SALT, segmentBytes, preallocatedBytes });
}

/** Appends records first … last of a partition, with ts = 1000 + seq. */
export function appendRange(log: WriteAheadLog, partition: number, first: number, last: number): void {
  for (let seq = first; seq <= last; seq++) log.append(partition, seq, 1000 + seq, 1, payloadOf(partition, seq));
}

export interface ReadRecord extends LogRecord {
  readonly kind: RecordKind;
  readonly partition: number;
}

/** Everything after the given positions, payloads copied. */
export function readAllRecords(
  fs: FileSystem,
  positions: ReadonlyMap<number, number>,
  epochBefore?: number,
): ReadRecord[] {
  const records: ReadRecord[] = [];
  readLogs(fs, 'wal', { positions, ...(epochBefore === undefined ? {} : { epochBefore }) }, (partition, record) => {
    records.push({ ...record, payload: record.payload.slice(), partition });
  });
  return records;
}

/** Sequences per partition in the order of reading. */
export function sequences(records: readonly ReadRecord[], partition: number): number[] {
  return records.filter((record) => record.partition === partition).map((record) => record.seq);
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}
