import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeDeadLetterEntry, encodeDeadLetterEntry } from '../../../src/storage/dead-letter-entry.ts';
import { decodeDecisionEntry, encodeDecisionEntry } from '../../../src/storage/decision-entry.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { NumberedLog } from '../../../src/storage/numbered-log.ts';
import { EntriesForgottenError, NumberedLogReader } from '../../../src/storage/numbered-log-reader.ts';
import { EntryKind } from '../../../src/storage/numbered-log-segment.ts';
import { CorruptFileError } from '../../../src/storage/storage-error.ts';

let root = '';
let folder = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'beckon-numbered-'));
  folder = `${root}/decisions/0`;
});
afterEach(() => rmSync(root, { recursive: true }));

function open(retainedBytes = 1e9, segmentBytes = 2000): NumberedLog {
  return NumberedLog.open(nodeFileSystem, folder, {
    kind: EntryKind.decision,
    partition: 0,
    salt: 5,
    retainedBytes,
    segmentBytes,
  });
}

function entry(number: number): Uint8Array {
  return new Uint8Array(1 + ((number * 31) % 300)).fill(number % 251);
}

function fill(log: NumberedLog, first: number, last: number): void {
  for (let number = first; number <= last; number++) log.append(number, entry(number));
  log.flush();
}

describe('numbered log reader', () => {
  it('reads any range, in portions, across segments', async () => {
    fill(open(), 1, 400);
    const reader = new NumberedLogReader(folder);
    for (const from of [1, 2, 57, 199, 400, 3, 350]) {
      for (const bytesMax of [1, 700, 5000, 1e9]) {
        const entries = await reader.read(from, 401, bytesMax);
        expect(entries[0]?.number).toBe(from);
        expect(entries.map(({ number }) => number)).toEqual(entries.map((_, i) => from + i));
        for (const { number, bytes } of entries) expect(Buffer.compare(bytes, entry(number))).toBe(0);
        const bytes = entries.reduce((sum, each) => sum + each.bytes.length, 0);
        expect(entries.length === 1 || bytes <= bytesMax).toBe(true);
        if (bytesMax === 1e9) expect(entries.length).toBe(401 - from);
      }
    }
    expect(await reader.read(401, 401, 1000)).toEqual([]);
    expect((await reader.read(1, 5, 1e9)).length).toBe(4);
  });

  it('reads entries that are longer than its chunk', async () => {
    const log = open(1e9, 1e8);
    const long = new Uint8Array(3_000_000).map((_, i) => i % 253);
    log.append(1, entry(1));
    log.append(2, long);
    log.append(3, entry(3));
    log.flush();
    const entries = await new NumberedLogReader(folder).read(1, 4, 1e9);
    expect(entries.map(({ bytes }) => bytes.length)).toEqual([entry(1).length, long.length, entry(3).length]);
    expect(Buffer.compare(entries[1]?.bytes ?? new Uint8Array(0), long)).toBe(0);
  });

  it('follows a writer that appends, rotates and forgets meanwhile', async () => {
    const log = open(20_000);
    const reader = new NumberedLogReader(folder);
    let at = 1;
    let errors = 0;
    for (let next = 1; next < 1500; ) {
      fill(log, next, next + 16);
      next += 17;
      const [entries] = await Promise.all([
        reader.read(at, next, 1500),
        reader.read(Math.max(log.first, next - 5), next, 1e6),
      ]).catch((error) => {
        expect(error).toBeInstanceOf(EntriesForgottenError);
        errors++;
        at = (error as EntriesForgottenError).first;
        return [[]];
      });
      for (const { number, bytes } of entries) {
        expect(number).toBe(at++);
        expect(Buffer.compare(bytes, entry(number))).toBe(0);
      }
    }
    expect(errors).toBeGreaterThan(0);
    expect(reader.first()).toBe(log.first);
  });

  it('says that entries are no longer kept, and what the oldest is', async () => {
    const log = open(5000);
    fill(log, 1, 300);
    const reader = new NumberedLogReader(folder);
    expect(reader.first()).toBe(log.first);
    await expect(reader.read(1, 301, 100)).rejects.toThrow(`entry 1 is no longer kept; the oldest is ${log.first}`);
  });

  it('begins with 1 where there is no log yet', () => {
    expect(new NumberedLogReader(`${root}/none`).first()).toBe(1);
  });

  it('never gives a wrong entry: a flipped byte anywhere is an error or does not matter', async () => {
    fill(open(1e9, 1e6), 1, 12);
    const path = join(folder, readdirSync(folder)[0] as string);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      writeFileSync(path, flipped);
      await expect(new NumberedLogReader(folder).read(1, 13, 1e9), `byte ${at}`).rejects.toThrow(CorruptFileError);
    }
  });

  it('takes a missing tail for an error, never for an end', async () => {
    fill(open(1e9, 1e6), 1, 12);
    const path = join(folder, readdirSync(folder)[0] as string);
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length += 7) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(new NumberedLogReader(folder).read(1, 13, 1e9)).rejects.toThrow(CorruptFileError);
    }
  });
});

describe('entries', () => {
  it('keep a decision with what subscribers filter on', () => {
    const decision = {
      number: 9,
      channel: 'push',
      campaign: 'hearts-companion',
      json: new TextEncoder().encode('{"id":"0-9","message":"❤"}'),
    };
    const decoded = decodeDecisionEntry(9, encodeDecisionEntry(decision));
    expect({ ...decoded, json: [...decoded.json] }).toEqual({ ...decision, json: [...decision.json] });
  });

  it('keep a dead letter with what was wrong, and its bytes as they came', () => {
    const letter = {
      ts: 1291190400000,
      reason: 'field_type',
      error: 'data.total: expected double, got string "12,50"',
      raw: Uint8Array.of(0xff, 0, 0x80, 123),
    } as const;
    const decoded = decodeDeadLetterEntry(encodeDeadLetterEntry(letter));
    expect({ ...decoded, raw: [...decoded.raw] }).toEqual({ ...letter, raw: [...letter.raw] });
  });
});
