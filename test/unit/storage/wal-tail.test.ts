/** Reading a write-ahead log that nobody holds still: its writer is at work, was killed, or drops what is old. */
import { describe, expect, it } from 'vitest';
import { CorruptFileError } from '../../../src/storage/storage-error.ts';
import { RecordReader, readFrom } from '../../../src/storage/wal-reader.ts';
import { dropSegmentsBefore } from '../../../src/storage/wal-retention.ts';
import { listSegments } from '../../../src/storage/wal-segment.ts';
import { lastDropped, lastRecords } from '../../../src/storage/wal-tail.ts';
import { FaultyFileSystem } from '../../support/faulty-file-system.ts';
import { appendRange, openLog, range } from './wal-fixtures.ts';

function readUp(reader: RecordReader): number[] {
  const seqs: number[] = [];
  while (reader.next()) seqs.push(reader.seq);
  return seqs;
}

/** Changes bytes of the last segment behind the writer's back. */
function overwrite(fs: FaultyFileSystem, at: number, bytes: Uint8Array): void {
  const { path } = listSegments(fs, 'wal/0').segments.at(-1) as { path: string };
  const file = fs.open(path, 'write');
  fs.write(file, bytes, at);
  fs.close(file);
}

describe('the last segment, while it is written', () => {
  it('ends with the last record where zeros were written ahead', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 1_000_000, 8192);
    appendRange(log, 3, 1, 4);
    log.commit();
    expect(readUp(readFrom(fs, 'wal', 3, 2))).toEqual([2, 3, 4]);
    expect(lastRecords(fs, 'wal')).toEqual(new Map([[3, 4]]));
  });

  it('ends before a record that is half there', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    appendRange(log, 3, 1, 4);
    log.commit();
    const { path, bytes } = listSegments(fs, 'wal/0').segments.at(-1) as { path: string; bytes: number };
    const file = fs.open(path, 'read');
    const head = new Uint8Array(60);
    fs.read(file, head, bytes - 60);
    fs.close(file);
    // A batch of which the first bytes are there: neither a header nor a body of its own place.
    overwrite(fs, bytes, head);
    expect(readUp(readFrom(fs, 'wal', 3, 1))).toEqual([1, 2, 3, 4]);
    expect(lastRecords(fs, 'wal')).toEqual(new Map([[3, 4]]));
  });

  it('goes on where the writer came by after it was read', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 1_000_000, 8192);
    appendRange(log, 3, 1, 1);
    log.commit();
    const reader = readFrom(fs, 'wal', 3, 1);
    expect(reader.next()).toBe(true);
    // What the reader holds in memory of the places behind are zeros. Two commits: the second says that the first is durable.
    appendRange(log, 3, 2, 3);
    log.commit();
    appendRange(log, 3, 4, 5);
    log.commit();
    expect(readUp(reader)).toEqual([2, 3, 4, 5]);
  });

  it('is damaged where a place that had been durable stays bad', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 1_000_000, 8192);
    appendRange(log, 3, 1, 1);
    log.commit();
    appendRange(log, 3, 2, 3);
    log.commit();
    overwrite(fs, 4096 + 20, Uint8Array.of(1, 2, 3));
    expect(() => readUp(readFrom(fs, 'wal', 3, 1))).toThrow(CorruptFileError);
    expect(() => lastRecords(fs, 'wal')).toThrow(CorruptFileError);
  });

  it('ends where it is cut off, because the writer has gone on to the next one', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 500, 8192);
    appendRange(log, 3, 1, 1);
    log.commit();
    const reader = readFrom(fs, 'wal', 3, 1);
    expect(reader.next()).toBe(true);
    for (let seq = 2; seq <= 12; seq++) {
      appendRange(log, 3, seq, seq);
      log.commit();
    }
    expect(listSegments(fs, 'wal/0').segments.length).toBeGreaterThan(1);
    const rest = readUp(reader);
    expect(rest).toEqual(range(2, 1 + rest.length));
    expect(readUp(readFrom(fs, 'wal', 3, 1))).toEqual(range(1, 12));
  });
});

describe('until', () => {
  it('ends exactly there, and looks at nothing behind it', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    for (let seq = 1; seq <= 9; seq++) {
      appendRange(log, 3, seq, seq);
      appendRange(log, 4, seq, seq);
    }
    log.commit();
    const reader = new RecordReader(fs, 'wal', {
      positions: new Map([
        [3, 0],
        [4, 5],
      ]),
      until: new Map([
        [3, 4],
        [4, 7],
      ]),
    });
    const read: string[] = [];
    while (reader.next()) read.push(`${reader.partition}-${reader.seq}`);
    expect(read).toEqual(['3-1', '3-2', '3-3', '3-4', '4-6', '4-7']);
    expect(reader.next()).toBe(false);
  });

  it('reads nothing where it lies before the beginning', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    appendRange(log, 3, 1, 9);
    log.commit();
    const reader = new RecordReader(fs, 'wal', { positions: new Map([[3, 5]]), until: new Map([[3, 5]]) });
    expect(reader.next()).toBe(false);
  });
});

describe('the oldest segments', () => {
  it('tell what is no longer kept, in any of the logs', () => {
    const fs = new FaultyFileSystem(1);
    const first = openLog(fs, 0, 1, 500);
    for (let seq = 1; seq <= 9; seq++) {
      appendRange(first, 3, seq, seq);
      first.commit();
    }
    first.close();
    const second = openLog(fs, 1, 2, 500);
    for (let seq = 10; seq <= 19; seq++) {
      appendRange(second, 3, seq, seq);
      second.commit();
    }
    expect(lastDropped(fs, 'wal')).toEqual(new Map());
    expect(lastRecords(fs, 'wal')).toEqual(new Map([[3, 19]]));
    dropSegmentsBefore(fs, 'wal', new Map([[3, 14]]));
    const dropped = lastDropped(fs, 'wal').get(3) as number;
    expect(dropped).toBeGreaterThan(9);
    expect(dropped).toBeLessThanOrEqual(14);
    expect(readUp(readFrom(fs, 'wal', 3, dropped + 1))).toEqual(range(dropped + 1, 19));
  });
});
