import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/stdx/assert.ts';
import type { FileSystem } from '../../../src/storage/file-system.ts';
import { NumberedLog, type NumberedLogOptions } from '../../../src/storage/numbered-log.ts';
import { EntryKind } from '../../../src/storage/numbered-log-segment.ts';
import { CorruptFileError, FatalStorageError, RefusedFileError } from '../../../src/storage/storage-error.ts';
import { FaultyFileSystem } from '../../support/faulty-file-system.ts';

const FOLDER = 'decisions/3';

function open(fs: FileSystem, options: Partial<NumberedLogOptions> = {}): NumberedLog {
  return NumberedLog.open(fs, FOLDER, {
    kind: EntryKind.decision,
    partition: 3,
    salt: 77,
    retainedBytes: 1e9,
    ...options,
  });
}

function entry(number: number): Uint8Array {
  return new TextEncoder().encode(`decision ${number} ${'y'.repeat((number * 53) % 97)}`);
}

function appendRange(log: NumberedLog, first: number, last: number): void {
  for (let number = first; number <= last; number++) expect(log.append(number, entry(number))).toBe(true);
}

describe('numbered log', () => {
  it('numbers without gaps, and goes on where it ended', () => {
    const fs = new FaultyFileSystem(1);
    const log = open(fs);
    expect([log.first, log.next]).toEqual([1, 1]);
    appendRange(log, 1, 10);
    expect(() => log.append(12, entry(12))).toThrow(AssertionError);
    log.flush();
    log.close();
    const again = open(fs);
    expect([again.first, again.next]).toEqual([1, 11]);
    appendRange(again, 11, 12);
    again.sync();
    again.close();
    expect(fs.openHandles).toBe(0);
  });

  it('may start anywhere', () => {
    const fs = new FaultyFileSystem(1);
    const log = open(fs, { startAt: 501 });
    expect([log.first, log.next]).toEqual([501, 501]);
    appendRange(log, 501, 503);
    log.sync();
    log.close();
    const again = open(fs, { startAt: 502 });
    expect([again.first, again.next]).toEqual([501, 504]);
  });

  it('is refused when it ends before what had been durable', () => {
    const fs = new FaultyFileSystem(1);
    const log = open(fs);
    appendRange(log, 1, 5);
    log.sync();
    log.close();
    expect(open(fs, { startAt: 6 }).next).toBe(6);
    expect(() => open(fs, { startAt: 7 })).toThrow(
      /entry 6 is missing or damaged, though entries up to 6 had been synced/,
    );
  });

  it('is left as it is when something is damaged before what had been durable, whatever its frames say', () => {
    const fs = new FaultyFileSystem(1);
    const log = open(fs);
    appendRange(log, 1, 40);
    // One batch: no frame of it says that another had been synced.
    log.sync();
    log.close();
    const path = `${FOLDER}/0000000000000001.log`;
    fs.corrupt(path, (bytes) => bytes.with(Math.floor(bytes.length / 2), 0xff));
    const before = fs.bytes(path);
    expect(() => open(fs, { startAt: 41 })).toThrow(/entries up to 40 had been synced. Nothing was changed/);
    expect(fs.bytes(path)).toEqual(before);
    // Without the snapshot that said so, it is a torn tail.
    expect(open(fs).next).toBeLessThan(41);
  });

  it('writes once per flush without a sync, and syncs when asked', () => {
    const fs = new FaultyFileSystem(1);
    const log = open(fs);
    fs.journal.length = 0;
    appendRange(log, 1, 50);
    expect(fs.journal).toEqual([]);
    log.flush();
    log.flush();
    expect(fs.journal).toEqual(['write decisions/3/0000000000000001.log']);
    log.sync();
    log.sync();
    expect(fs.journal.slice(1)).toEqual(['fdatasync decisions/3/0000000000000001.log']);
  });

  it('verifies what is derived again, across segments and among entries not yet flushed', () => {
    const fs = new FaultyFileSystem(1);
    const log = open(fs, { segmentBytes: 1000 });
    appendRange(log, 1, 60);
    expect(fs.readdir(FOLDER).length).toBeGreaterThan(4);
    for (const number of [1, 2, 3, 30, 31, 5, 5, 59, 60]) expect(log.append(number, entry(number))).toBe(false);
    for (let number = 1; number <= 60; number++) expect(log.append(number, entry(number))).toBe(false);
    appendRange(log, 61, 61);
    expect(log.append(61, entry(61))).toBe(false);
    expect(() => log.append(17, entry(18))).toThrow(/entry 17 at byte \d+ differs from what its record gives now/);
    expect(() => log.append(17, entry(18))).toThrow(RefusedFileError);
  });

  it('forgets the oldest segments beyond what it keeps, and takes their entries unseen', () => {
    const fs = new FaultyFileSystem(1);
    const log = open(fs, { segmentBytes: 1000, retainedBytes: 3000 });
    appendRange(log, 1, 200);
    expect(log.first).toBeGreaterThan(150);
    expect(fs.readdir(FOLDER).length).toBeLessThanOrEqual(4);
    expect(log.append(1, entry(99))).toBe(false);
    expect(log.append(log.first, entry(log.first))).toBe(false);
    log.flush();
    const again = open(fs, { segmentBytes: 1000, retainedBytes: 3000 });
    expect([again.first, again.next]).toEqual([log.first, 201]);
  });

  it('refuses the segment of another partition, kind or data folder', () => {
    const fs = new FaultyFileSystem(1);
    open(fs).close();
    expect(() => open(fs, { partition: 4 })).toThrow(/belongs to partition 3/);
    expect(() => open(fs, { kind: EntryKind.deadLetter })).toThrow(RefusedFileError);
    expect(() => open(fs, { salt: 78 })).toThrow(RefusedFileError);
  });

  it('dies of a failed write or sync', () => {
    for (const operation of ['write', 'fdatasync'] as const) {
      const fs = new FaultyFileSystem(1);
      const log = open(fs);
      appendRange(log, 1, 3);
      fs.failNext(operation, 'EIO');
      expect(() => log.sync()).toThrow(FatalStorageError);
      expect(() => log.sync()).toThrow(AssertionError);
    }
  });

  it('never holds less than what was synced, nor anything wrong, after a power cut at any step', () => {
    const total = 40;
    for (let crashAt = 1; crashAt < 60; crashAt++) {
      for (let seed = 1; seed <= 4; seed++) {
        const fs = new FaultyFileSystem(seed * 1000 + crashAt);
        let synced = 0;
        fs.crashAt = crashAt;
        try {
          const log = open(fs, { segmentBytes: 900 });
          for (let number = 1; number <= total; number++) {
            log.append(number, entry(number));
            if (number % 3 === 0) log.flush();
            if (number % 11 === 0) {
              log.sync();
              synced = number;
            }
          }
        } catch (error) {
          expect((error as Error).message).toMatch(/write|fdatasync|open|syncDirectory/);
        }
        fs.powerCut();
        const log = open(fs, { segmentBytes: 900 });
        expect(log.next, `crash at ${crashAt}, seed ${seed}`).toBeGreaterThan(synced);
        const kept = log.next - 1;
        for (let number = 1; number <= total; number++) expect(log.append(number, entry(number))).toBe(number > kept);
        log.sync();
        fs.powerCut();
        expect(open(fs, { segmentBytes: 900 }).next).toBe(total + 1);
      }
    }
  });

  it('gives the longest whole prefix for a tail cut at every byte, and refuses or cuts off a flipped one', () => {
    const fs = new FaultyFileSystem(1);
    const log = open(fs);
    appendRange(log, 1, 5);
    log.sync();
    appendRange(log, 6, 8);
    log.sync();
    log.close();
    const path = `${FOLDER}/0000000000000001.log`;
    const whole = fs.bytes(path);
    const ends: number[] = [];
    let end = 64;
    for (let number = 1; number <= 8; number++) {
      end += 40 + entry(number).length;
      ends.push(end);
    }
    const secondBatch = ends[4] as number;
    expect(end).toBe(whole.length);
    for (let at = 64; at < whole.length; at++) {
      const cut = fs.clone();
      cut.corrupt(path, (bytes) => bytes.slice(0, at));
      expect(open(cut).next).toBe(1 + ends.filter((each) => each <= at).length);
    }
    for (let at = 0; at < whole.length; at++) {
      const flipped = fs.clone();
      flipped.corrupt(path, (bytes) => {
        bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
        return bytes;
      });
      if (at < secondBatch) expect(() => open(flipped), `byte ${at}`).toThrow(CorruptFileError);
      else expect(open(flipped).next).toBe(1 + ends.filter((each) => each <= at).length);
    }
  });
});
