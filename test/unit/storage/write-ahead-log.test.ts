import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/stdx/assert.ts';
import type { FileSystem } from '../../../src/storage/file-system.ts';
import { CorruptFileError, FatalStorageError, RefusedFileError } from '../../../src/storage/storage-error.ts';
import { RecordReader, readFrom } from '../../../src/storage/wal-reader.ts';
import { repairLogs } from '../../../src/storage/wal-repair.ts';
import { dropSegmentsBefore } from '../../../src/storage/wal-retention.ts';
import { listSegments } from '../../../src/storage/wal-segment.ts';
import { FaultyFileSystem } from '../../support/faulty-file-system.ts';
import { appendRange, openLog, payloadOf, range, readAllRecords, sequences } from './wal-fixtures.ts';

const FROM_START = new Map([
  [0, 0],
  [1, 0],
]);

describe('write-ahead log', () => {
  it('gives back what was committed, in order per partition, with one write and one fdatasync per batch', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    fs.journal.length = 0;
    appendRange(log, 0, 1, 20);
    appendRange(log, 1, 1, 7);
    expect(log.pendingRecords).toBe(27);
    expect(fs.journal).toEqual([]);
    expect(log.commit()).toBeGreaterThan(27 * 40);
    expect(fs.journal).toEqual(['write wal/0/0000000001.wal', 'fdatasync wal/0/0000000001.wal']);
    expect(log.commit()).toBe(0);
    log.close();
    const records = readAllRecords(fs, FROM_START);
    expect(sequences(records, 0)).toEqual(range(1, 20));
    expect(sequences(records, 1)).toEqual(range(1, 7));
    expect(records[3]).toEqual({ partition: 0, seq: 4, ts: 1004, kind: 1, payload: payloadOf(0, 4) });
    expect(fs.openHandles).toBe(0);
  });

  it('writes what is durable elsewhere without a sync, and syncs it behind', async () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    fs.journal.length = 0;
    appendRange(log, 0, 1, 20);
    log.write();
    expect(fs.journal).toEqual(['write wal/0/0000000001.wal']);
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual(range(1, 20));
    expect(log.durableBytes).toBe(0);
    const written = log.writtenBytes;
    await new Promise<void>((done) => {
      log.syncInBackground(done);
      // What is written meanwhile is not covered.
      appendRange(log, 0, 21, 30);
      log.write();
    });
    expect(log.durableBytes).toBe(written);
    expect(log.writtenBytes).toBeGreaterThan(written);
    log.sync();
    expect(log.durableBytes).toBe(log.writtenBytes);
    log.close();
    fs.powerCut();
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual(range(1, 30));
  });

  it('keeps a file open while it is synced, though its segment ends', async () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 6000);
    appendRange(log, 0, 1, 20);
    log.write();
    await new Promise<void>((done) => {
      log.syncInBackground(done);
      appendRange(log, 0, 21, 22);
      log.write();
      expect(fs.readdir('wal/0')).toHaveLength(2);
      expect(fs.openHandles).toBe(2);
    });
    expect(fs.openHandles).toBe(1);
    expect(log.durableBytes).toBeLessThan(log.writtenBytes);
    log.close();
    fs.powerCut();
    // A segment is durable before the next one begins.
    expect(sequences(readAllRecords(fs, FROM_START), 0).slice(0, 20)).toEqual(range(1, 20));
    expect(fs.openHandles).toBe(0);
  });

  it('is not used any more once a sync in the background has failed', () => {
    let finished: (error: Error | null) => void = () => {};
    const fs = new FaultyFileSystem(1);
    fs.fdatasyncInBackground = (_, done) => {
      finished = done;
    };
    const log = openLog(fs, 0, 1);
    appendRange(log, 0, 1, 1);
    log.write();
    log.syncInBackground(() => {});
    expect(() => finished(new Error('EIO'))).toThrow(FatalStorageError);
    expect(() => log.write()).toThrow(AssertionError);
  });

  it('makes room ahead of small commits, which is no part of the log', () => {
    const fs = new FaultyFileSystem(1);
    const path = 'wal/0/0000000001.wal';
    const log = openLog(fs, 0, 1, 8000, 2000);
    appendRange(log, 0, 1, 1);
    log.commit();
    expect(fs.bytes(path).length).toBe(4096 + 2000);
    fs.journal.length = 0;
    appendRange(log, 0, 2, 2);
    log.commit();
    expect(fs.journal).toEqual([`write ${path}`, `fdatasync ${path}`]);
    expect(fs.bytes(path).length).toBe(4096 + 2000);
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual([1, 2]);
    appendRange(log, 0, 3, 12);
    log.commit();
    for (let seq = 13; seq <= 40; seq++) {
      appendRange(log, 0, seq, seq);
      log.commit();
    }
    expect(fs.readdir('wal/0').length).toBeGreaterThan(1);
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual(range(1, 40));
    fs.powerCut();
    expect(repairLogs(fs, 'wal').repairs[0]?.tornBytes).toBe(0);
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual(range(1, 40));
  });

  it('begins after the positions that it is given, and leaves out partitions that are not asked for', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    appendRange(log, 0, 1, 9);
    appendRange(log, 1, 1, 9);
    log.commit();
    expect(readAllRecords(fs, new Map([[1, 6]])).map(({ partition, seq }) => [partition, seq])).toEqual([
      [1, 7],
      [1, 8],
      [1, 9],
    ]);
  });

  it('starts a segment when one is full, and reads only those that hold what is wanted', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 6000);
    for (let seq = 1; seq <= 60; seq++) {
      appendRange(log, 0, seq, seq);
      log.commit();
    }
    log.close();
    const names = fs.readdir('wal/0');
    expect(names.length).toBeGreaterThan(3);
    expect(sequences(readAllRecords(fs, new Map([[0, 0]])), 0)).toEqual(range(1, 60));
    // The first segment is unreadable now, but nothing in it is wanted.
    fs.corrupt(`wal/0/${names[0]}`, (bytes) => bytes.fill(0, 4096));
    expect(sequences(readAllRecords(fs, new Map([[0, 50]])), 0)).toEqual(range(51, 60));
    expect(() => readAllRecords(fs, new Map([[0, 0]]))).toThrow(CorruptFileError);
  });

  it('reads the logs of all workers in the order of their openings after the number of workers changed', () => {
    const fs = new FaultyFileSystem(1);
    const first = openLog(fs, 0, 1);
    appendRange(first, 0, 1, 10);
    appendRange(first, 1, 1, 5);
    first.commit();
    first.close();
    const second = openLog(fs, 1, 2);
    appendRange(second, 1, 6, 12);
    second.commit();
    second.close();
    const third = openLog(fs, 0, 3);
    appendRange(third, 1, 13, 14);
    appendRange(third, 0, 11, 11);
    third.commit();
    const records = readAllRecords(fs, FROM_START);
    expect(sequences(records, 0)).toEqual(range(1, 11));
    expect(sequences(records, 1)).toEqual(range(1, 14));
    expect(sequences(readAllRecords(fs, FROM_START, 3), 1)).toEqual(range(1, 12));
    expect(repairLogs(fs, 'wal').epoch).toBe(4);
  });

  it('takes a copy of a record once, and refuses one that tells another story', () => {
    const fs = new FaultyFileSystem(1);
    const first = openLog(fs, 0, 1);
    appendRange(first, 0, 1, 10);
    first.commit();
    const copy = openLog(fs, 1, 2);
    appendRange(copy, 0, 4, 12);
    copy.commit();
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual(range(1, 12));
    const third = openLog(fs, 2, 3);
    third.append(0, 8, 1008, 1, payloadOf(0, 9));
    third.commit();
    expect(() => readAllRecords(fs, FROM_START)).toThrow(
      /wal\/2\/0000000001\.wal: record 8 of partition 0 .* differs .* two histories/,
    );
    expect(sequences(readAllRecords(fs, new Map([[0, 8]])), 0)).toEqual(range(9, 12));
  });

  it('refuses a hole in the records, and a history that is no longer kept', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    appendRange(log, 0, 5, 8);
    log.commit();
    expect(() => readAllRecords(fs, FROM_START)).toThrow(
      /partition 0 goes on with record 5, records 1 to 4 are in no log/,
    );
    expect(sequences(readAllRecords(fs, new Map([[0, 4]])), 0)).toEqual(range(5, 8));
    const history = readFrom(fs, 'wal', 0, 2);
    expect(() => history.next()).toThrow(RefusedFileError);
  });

  it('reads the history of one partition from any record on', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 5000);
    for (let seq = 1; seq <= 30; seq++) {
      appendRange(log, 0, seq, seq);
      appendRange(log, 1, seq, seq);
      log.commit();
    }
    const reader = readFrom(fs, 'wal', 1, 17);
    const read: number[] = [];
    while (reader.next()) {
      expect([...reader.payload]).toEqual([...payloadOf(1, reader.seq)]);
      read.push(reader.seq);
    }
    reader.close();
    expect(read).toEqual(range(17, 30));
  });

  it('asserts that a partition is written without gaps and with a ts that never goes back', () => {
    const log = openLog(new FaultyFileSystem(1), 0, 1);
    log.append(0, 7, 100, 1, payloadOf(0, 7));
    expect(() => log.append(0, 9, 100, 1, payloadOf(0, 9))).toThrow(AssertionError);
    expect(() => log.append(0, 8, 99, 1, payloadOf(0, 8))).toThrow(AssertionError);
    log.forget(0);
    log.append(0, 3, 50, 1, payloadOf(0, 3));
  });

  it('drops segments from the oldest on, while every record in them is at or below its position', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 4600);
    for (let seq = 1; seq <= 40; seq++) {
      appendRange(log, 0, seq, seq);
      appendRange(log, 1, seq, seq);
      log.commit();
    }
    const before = fs.readdir('wal/0').length;
    expect(dropSegmentsBefore(fs, 'wal', new Map([[0, 40]]))).toBe(0);
    const dropped = dropSegmentsBefore(
      fs,
      'wal',
      new Map([
        [0, 40],
        [1, 25],
      ]),
    );
    expect(dropped).toBeGreaterThan(0);
    expect(fs.readdir('wal/0').length).toBe(before - dropped);
    expect(sequences(readAllRecords(fs, new Map([[1, 25]])), 1)).toEqual(range(26, 40));
    expect(() => readAllRecords(fs, FROM_START)).toThrow(/are in no log/);
    // Everything is kept elsewhere: the last segment stays, with the log's number and epoch.
    dropSegmentsBefore(
      fs,
      'wal',
      new Map([
        [0, 40],
        [1, 40],
      ]),
    );
    expect(fs.readdir('wal/0').length).toBe(1);
    log.close();
    expect(repairLogs(fs, 'wal').epoch).toBe(2);
    const reopened = openLog(fs, 0, 2);
    appendRange(reopened, 0, 41, 41);
    reopened.commit();
    expect(sequences(readAllRecords(fs, new Map([[0, 40]])), 0)).toEqual([41]);
  });

  it('refuses a log with a missing, a swapped or a foreign segment', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 4600);
    for (let seq = 1; seq <= 40; seq++) {
      appendRange(log, 0, seq, seq);
      log.commit();
    }
    log.close();
    const missing = fs.clone();
    missing.unlink('wal/0/0000000002.wal');
    expect(() => readAllRecords(missing, FROM_START)).toThrow(/segment 2 of this log is missing/);
    const swapped = fs.clone();
    swapped.rename('wal/0/0000000002.wal', 'wal/0/0000000003.wal');
    expect(() => readAllRecords(swapped, FROM_START)).toThrow(RefusedFileError);
    const newer = fs.clone();
    newer.corrupt('wal/0/0000000001.wal', (bytes) => bytes.fill(9, 8, 9));
    expect(() => readAllRecords(newer, FROM_START)).toThrow(CorruptFileError);
  });

  it('is read while its writer starts a segment and retention removes others', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 4600);
    for (let seq = 1; seq <= 20; seq++) {
      appendRange(log, 0, seq, seq);
      log.commit();
    }
    const started = fs.bytes('wal/0/0000000002.wal');
    // The oldest goes away between being listed and being opened.
    const removing: FileSystem = new Proxy(fs, {
      get: (target, key: keyof FileSystem) => {
        if (key === 'open' && target.stat('wal/0/0000000001.wal') !== null) target.unlink('wal/0/0000000001.wal');
        return target[key].bind(target);
      },
    });
    expect(listSegments(removing, 'wal/0').segments[0]?.header.number).toBe(2);
    // The newest is empty when its header is read, and full a moment later.
    const path = `wal/0/${fs.readdir('wal/0').at(-1)}`;
    fs.corrupt(path, () => new Uint8Array(0));
    const starting: FileSystem = new Proxy(fs, {
      get: (target, key: keyof FileSystem) => {
        if (key !== 'read') return target[key].bind(target);
        return (file: number, into: Uint8Array, position: number): number => {
          const count = target.read(file, into, position);
          if (count === 0) target.corrupt(path, () => started);
          return count;
        };
      },
    });
    expect(listSegments(starting, 'wal/0').unborn).toBe(path);
  });

  it('does not take a closed segment that was cut at the end of a record for whole', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 4600);
    appendRange(log, 0, 1, 1);
    log.commit();
    const afterOne = fs.bytes('wal/0/0000000001.wal').length;
    for (let seq = 2; seq <= 40; seq++) {
      appendRange(log, 0, seq, seq);
      log.commit();
    }
    fs.corrupt('wal/0/0000000001.wal', (bytes) => bytes.slice(0, afterOne));
    expect(() => readAllRecords(fs, FROM_START)).toThrow(/ends before record/);
  });
});

describe('write-ahead log on a failing disk', () => {
  it('writes on after short writes until everything is written', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    fs.writeBytesMax = 7;
    appendRange(log, 0, 1, 10);
    log.commit();
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual(range(1, 10));
  });

  it.each([
    ['fdatasync', 'EIO'],
    ['write', 'EIO'],
    ['write', 'ENOSPC'],
  ] as const)('dies of a failed %s (%s), and never tries again', (operation, code) => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    appendRange(log, 0, 1, 3);
    log.commit();
    appendRange(log, 0, 4, 6);
    fs.failNext(operation, code);
    expect(() => log.commit()).toThrow(FatalStorageError);
    expect(() => log.commit()).toThrow(AssertionError);
    expect(() => appendRange(log, 0, 7, 7)).toThrow(AssertionError);
    fs.powerCut();
    repairLogs(fs, 'wal');
    const read = sequences(readAllRecords(fs, FROM_START), 0);
    expect(read.slice(0, 3)).toEqual([1, 2, 3]);
    expect(read).toEqual(range(1, read.length));
  });

  it('says what a full disk is, and acknowledges no part of the batch that did not fit', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    appendRange(log, 0, 1, 3);
    log.commit();
    fs.capacityBytes = fs.bytes('wal/0/0000000001.wal').length + 100;
    appendRange(log, 0, 4, 6);
    expect(() => log.commit()).toThrow(
      /cannot write to wal\/0\/0000000001\.wal: no space left on the device.*free some space/,
    );
    fs.processCrash();
    fs.capacityBytes = Number.POSITIVE_INFINITY;
    expect(repairLogs(fs, 'wal').repairs[0]?.tornBytes).toBe(100);
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual([1, 2, 3]);
  });

  it('gives up the room ahead before it gives up a record', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1, 1_000_000, 2000);
    fs.capacityBytes = 4096 + 1000;
    appendRange(log, 0, 1, 2);
    log.commit();
    appendRange(log, 0, 3, 4);
    log.commit();
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual([1, 2, 3, 4]);
    appendRange(log, 0, 5, 20);
    expect(() => log.commit()).toThrow(/no space left on the device/);
  });

  it('makes durable what recovery reads, also after an fdatasync that failed and was forgotten', () => {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    appendRange(log, 0, 1, 3);
    log.commit();
    appendRange(log, 0, 4, 6);
    fs.failNext('fdatasync', 'EIO');
    expect(() => log.commit()).toThrow(FatalStorageError);
    fs.processCrash();
    // Readers see all six; the disk has three, and believes that it has everything.
    repairLogs(fs, 'wal');
    const recovered = sequences(readAllRecords(fs, FROM_START), 0);
    expect(recovered).toEqual(range(1, 6));
    fs.powerCut();
    repairLogs(fs, 'wal');
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual(recovered);
  });

  it('recovers from a crash while a segment is started', () => {
    for (let crashAt = 1; crashAt <= 5; crashAt++) {
      for (let seed = 1; seed <= 8; seed++) {
        const fs = new FaultyFileSystem(seed);
        const log = openLog(fs, 0, 1);
        appendRange(log, 0, 1, 3);
        log.commit();
        log.close();
        fs.crashAt = fs.steps + 3 + crashAt;
        try {
          openLog(fs, 0, 2).close();
        } catch (error) {
          expect((error as Error).name).toMatch(/SimulatedCrash|FatalStorageError/);
        }
        fs.powerCut();
        const { epoch } = repairLogs(fs, 'wal');
        expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual([1, 2, 3]);
        const again = openLog(fs, 0, epoch);
        appendRange(again, 0, 4, 4);
        again.commit();
        expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual([1, 2, 3, 4]);
      }
    }
  });
});

describe('torn tails and flipped bits', () => {
  /** Three commits: records 1–4, 5–7, 8–9 of partition 0. Returns where each record ends. */
  function threeCommits(): { fs: FaultyFileSystem; ends: number[] } {
    const fs = new FaultyFileSystem(1);
    const log = openLog(fs, 0, 1);
    const ends: number[] = [];
    let at = 4096;
    for (const [first, last] of [
      [1, 4],
      [5, 7],
      [8, 9],
    ] as const) {
      appendRange(log, 0, first, last);
      log.commit();
      for (let seq = first; seq <= last; seq++) {
        at += 40 + payloadOf(0, seq).length;
        ends.push(at);
      }
    }
    log.close();
    return { fs, ends };
  }
  const path = 'wal/0/0000000001.wal';

  it('gives the longest whole prefix for a tail cut at every byte', () => {
    const { fs, ends } = threeCommits();
    const whole = fs.bytes(path);
    for (let cut = 4096; cut <= whole.length; cut++) {
      const copy = fs.clone();
      copy.corrupt(path, (bytes) => bytes.slice(0, cut));
      const { repairs } = repairLogs(copy, 'wal');
      const expected = ends.filter((end) => end <= cut).length;
      const torn = whole.subarray(ends[expected - 1] ?? 4096, cut);
      expect(repairs[0]?.tornBytes).toBe(torn.findLastIndex((byte) => byte !== 0) + 1);
      expect(sequences(readAllRecords(copy, FROM_START), 0)).toEqual(range(1, expected));
      expect(repairLogs(copy, 'wal').repairs[0]?.tornBytes).toBe(0);
    }
  });

  it('treats a segment that ends within its header as one that was never begun', () => {
    const { fs } = threeCommits();
    for (let cut = 0; cut < 4096; cut += 61) {
      const copy = fs.clone();
      copy.corrupt(path, (bytes) => bytes.slice(0, cut));
      repairLogs(copy, 'wal');
      expect(copy.readdir('wal/0')).toEqual([]);
    }
  });

  it('refuses a bit flipped anywhere but in the last commit, changes nothing, and names file and byte; there it keeps the prefix', () => {
    const { fs, ends } = threeCommits();
    const whole = fs.bytes(path);
    const lastCommit = ends[6] as number;
    for (let at = 0; at < whole.length; at++) {
      const copy = fs.clone();
      copy.corrupt(path, (bytes) => {
        bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
        return bytes;
      });
      const flipped = copy.bytes(path);
      if (at < lastCommit) {
        expect(() => repairLogs(copy, 'wal'), `byte ${at}`).toThrow(
          /wal\/0\/0000000001\.wal: damaged at byte \d+: .*Remedy: /,
        );
        expect(() => readAllRecords(copy, FROM_START), `byte ${at}`).toThrow(CorruptFileError);
        expect(Buffer.compare(copy.bytes(path), flipped)).toBe(0);
      } else {
        repairLogs(copy, 'wal');
        expect(sequences(readAllRecords(copy, FROM_START), 0)).toEqual(range(1, at < (ends[7] as number) ? 7 : 8));
      }
    }
  });

  it('cuts a hole in an unsynced batch off, though whole records of the same batch follow it', () => {
    const { fs, ends } = threeCommits();
    fs.corrupt(path, (bytes) => bytes.fill(0, ends[6] as number, (ends[6] as number) + 40));
    expect(repairLogs(fs, 'wal').repairs[0]?.tornBytes).toBeGreaterThan(0);
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual(range(1, 7));
  });

  it('does not take a frame within a torn payload for a record', () => {
    const { fs, ends } = threeCommits();
    const frames = fs.bytes(path).slice(ends[6] as number);
    const log = openLog(fs, 0, 2);
    log.append(0, 10, 2000, 1, frames);
    log.commit();
    log.close();
    const second = 'wal/0/0000000002.wal';
    fs.corrupt(second, (bytes) => bytes.slice(0, bytes.length - 1));
    expect(repairLogs(fs, 'wal').repairs[0]?.tornBytes).toBe(40 + frames.length - 1);
    expect(sequences(readAllRecords(fs, FROM_START), 0)).toEqual(range(1, 9));
  });

  it('closes what it opened, whatever happens', () => {
    const { fs } = threeCommits();
    fs.corrupt(path, (bytes) => bytes.fill(1, 4100, 4110));
    expect(() => repairLogs(fs, 'wal')).toThrow();
    const reader = new RecordReader(fs, 'wal', { positions: FROM_START });
    expect(() => reader.next()).toThrow();
    reader.close();
    expect(fs.openHandles).toBe(0);
  });
});
