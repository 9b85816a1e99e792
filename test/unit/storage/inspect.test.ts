import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspect } from '../../../src/cli/inspect.ts';
import { DataFolder, saltOf } from '../../../src/storage/data-folder.ts';
import { encodeDeadLetterEntry } from '../../../src/storage/dead-letter-entry.ts';
import { encodeDecisionEntry } from '../../../src/storage/decision-entry.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { NumberedLog } from '../../../src/storage/numbered-log.ts';
import { EntryKind } from '../../../src/storage/numbered-log-segment.ts';
import { SnapshotSection } from '../../../src/storage/snapshot-format.ts';
import { SnapshotStore } from '../../../src/storage/snapshot-store.ts';
import { WriteAheadLog } from '../../../src/storage/write-ahead-log.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'beckon-inspect-'));
  const folder = DataFolder.open(nodeFileSystem, root, { partitions: 2, clock: 'event', customersPerPartition: 1000 });
  const salt = saltOf(folder.identity.id);
  const wal = WriteAheadLog.open(nodeFileSystem, folder.wal(0), { worker: 0, epoch: 1, salt, preallocatedBytes: 0 });
  const json = new TextEncoder().encode(
    '{"id":"536365","type":"receipt","customer":"17850","data":{"total":139.12,"store":"wéb"}}',
  );
  wal.append(0, 1, 1291191960000, 3, new TextEncoder().encode('{"version":1}'));
  wal.append(0, 2, 1291191960000, 1, json);
  wal.commit();
  wal.append(1, 1, 1291191960001, 1, Uint8Array.of(0x82, 0xa2, 105, 100, 0x1b, 0x5b, 0x33));
  wal.append(0, 3, 1291191970000, 2, new Uint8Array(0));
  wal.commit();
  wal.close();
  const decisions = NumberedLog.open(nodeFileSystem, folder.decisions(0), {
    kind: EntryKind.decision,
    partition: 0,
    salt,
    retainedBytes: 1e9,
  });
  decisions.append(
    1,
    encodeDecisionEntry({
      number: 1,
      channel: 'push',
      campaign: 'hearts-companion',
      json: new TextEncoder().encode('{"id":"0-1"}'),
    }),
  );
  decisions.sync();
  decisions.close();
  const letters = NumberedLog.open(nodeFileSystem, folder.deadLetters(1), {
    kind: EntryKind.deadLetter,
    partition: 1,
    salt,
    retainedBytes: 1e9,
  });
  letters.append(
    1,
    encodeDeadLetterEntry({ ts: 1291191960001, reason: 'syntax', error: 'not JSON', raw: Uint8Array.of(0x1b, 65) }),
  );
  letters.sync();
  letters.close();
  const writer = new SnapshotStore(nodeFileSystem, folder.partition(0), 0).begin({
    seq: 3,
    logTime: 1291191970000,
    workspaceVersion: 1,
  });
  writer.section(SnapshotSection.machine, new Uint8Array(100));
  writer.section(SnapshotSection.state, new Uint8Array(70_000));
  writer.section(SnapshotSection.state, new Uint8Array(30_000));
  writer.commit('00ff00ff00ff00ff', () => {});
  folder.close();
});
afterEach(() => rmSync(root, { recursive: true }));

function run(path: string, limit?: number): { code: number; lines: string[] } {
  const chunks: string[] = [];
  const out = new Writable({
    write: (chunk, _encoding, done) => {
      chunks.push(String(chunk));
      done();
    },
  });
  const code = inspect(join(root, path), out, limit === undefined ? {} : { limit });
  return { code, lines: chunks.join('').trimEnd().replaceAll(root, 'DATA').split('\n') };
}

function change(path: string, edit: (bytes: Buffer) => Uint8Array): void {
  writeFileSync(join(root, path), edit(readFileSync(join(root, path))));
}

const WAL = 'wal/0/0000000001.wal';

describe('beckon inspect', () => {
  it('prints a write-ahead log segment, a line per record', () => {
    expect(run(WAL)).toMatchInlineSnapshot(`
      {
        "code": 0,
        "lines": [
          "write-ahead log segment DATA/wal/0/0000000001.wal",
          "  worker 0, epoch 1, segment 1",
          "  in earlier segments of this log: nothing",
          "",
          "      OFFSET  PARTITION         SEQ  TIME                      KIND          BYTES  CRC  PAYLOAD",
          "        4096          0           1  2010-12-01T08:26:00.000Z  workspace        13  ok   {"version":1}",
          "        4149          0           2  2010-12-01T08:26:00.000Z  events           90  ok   {"id":"536365","type":"receipt","customer":"17850","data":{"total":139.…",
          "        4279          1           1  2010-12-01T08:26:00.001Z  events            7  ok   ··id·[3",
          "        4326          0           3  2010-12-01T08:26:10.000Z  tick              0  ok",
          "",
          "  4 records, 4.3 KiB, every checksum is right",
        ],
      }
    `);
  });

  it('lists as many as it is asked to, and checks the rest all the same', () => {
    const { code, lines } = run(WAL, 1);
    expect(code).toBe(0);
    expect(lines.slice(-5)).toMatchInlineSnapshot(`
      [
        "      OFFSET  PARTITION         SEQ  TIME                      KIND          BYTES  CRC  PAYLOAD",
        "        4096          0           1  2010-12-01T08:26:00.000Z  workspace        13  ok   {"version":1}",
        "  … and 3 more records",
        "",
        "  4 records, 4.3 KiB, every checksum is right",
      ]
    `);
    change(WAL, (bytes) => bytes.fill(0, bytes.length - 41, bytes.length - 40));
    expect(run(WAL, 1).lines.join('\n')).toContain('BAD');
  });

  it('goes on behind a damaged record, and says where it is', () => {
    change(WAL, (bytes) => bytes.fill(0xff, 4096 + 20, 4096 + 22));
    const { code, lines } = run(WAL);
    expect(code).toBe(1);
    expect(lines.slice(4)).toMatchInlineSnapshot(`
      [
        "      OFFSET  PARTITION         SEQ  TIME                      KIND          BYTES  CRC  PAYLOAD",
        "  byte 4096: DAMAGED, 53 bytes up to the next intact record",
        "        4149          0           2  2010-12-01T08:26:00.000Z  events           90  ok   {"id":"536365","type":"receipt","customer":"17850","data":{"total":139.…",
        "        4279          1           1  2010-12-01T08:26:00.001Z  events            7  ok   ··id·[3",
        "        4326          0           3  2010-12-01T08:26:10.000Z  tick              0  ok",
        "",
        "  3 records, 4.3 KiB, 1 place DAMAGED",
      ]
    `);
  });

  it('tells a torn tail from damage', () => {
    change(WAL, (bytes) => bytes.subarray(0, bytes.length - 5));
    const { code, lines } = run(WAL);
    expect(code).toBe(0);
    expect(lines.slice(-3)).toMatchInlineSnapshot(`
      [
        "  byte 4326: torn tail of 35 bytes, never acknowledged; it is cut off when the log is opened",
        "",
        "  3 records, 4.3 KiB, every checksum is right",
      ]
    `);
  });

  it('prints decisions and dead letters', () => {
    expect(run('decisions/0/0000000000000001.log')).toMatchInlineSnapshot(`
      {
        "code": 0,
        "lines": [
          "decision log segment DATA/decisions/0/0000000000000001.log",
          "  partition 0, from number 1 on",
          "",
          "      OFFSET  PARTITION      NUMBER     BYTES  CRC  ENTRY",
          "          64          0           1        40  ok   push hearts-companion {"id":"0-1"}",
          "",
          "  1 decision, 144 bytes, every checksum is right",
        ],
      }
    `);
    expect(run('deadletters/1/0000000000000001.log')).toMatchInlineSnapshot(`
      {
        "code": 0,
        "lines": [
          "dead-letter log segment DATA/deadletters/1/0000000000000001.log",
          "  partition 1, from number 1 on",
          "",
          "      OFFSET  PARTITION      NUMBER     BYTES  CRC  ENTRY",
          "          64          1           1        32  ok   2010-12-01T08:26:00.001Z syntax: not JSON | ·A",
          "",
          "  1 dead letter, 136 bytes, every checksum is right",
        ],
      }
    `);
  });

  it('prints a snapshot, valid or what is wrong with it', () => {
    const path = 'partitions/0/0000000000000003.snapshot';
    expect(run(path)).toMatchInlineSnapshot(`
      {
        "code": 0,
        "lines": [
          "snapshot DATA/partitions/0/0000000000000003.snapshot",
          "  partition 0, after record 3, log time 2010-12-01T08:26:10.000Z",
          "  workspace version 1, 97.9 KiB",
          "",
          "  KIND      SECTIONS         BYTES       LONGEST",
          "  machine          1           100           100",
          "  state            2        100000         70000",
          "",
          "  valid: 3 sections of 100100 bytes, CRC 97166494, state digest 00ff00ff00ff00ff",
        ],
      }
    `);
    expect(run(path, 2).lines.slice(4, 8)).toMatchInlineSnapshot(`
      [
        "        OFFSET  KIND             BYTES",
        "            48  machine            100",
        "           160  state            70000",
        "  … and 1 more section",
      ]
    `);
    change(path, (bytes) => bytes.fill(1, 5000, 5001));
    const { code, lines } = run(path);
    expect(code).toBe(1);
    expect(lines.at(-1)).toBe('  NOT VALID: byte 160: a section fails its checksum');
  });

  it('sums up a data folder, and any other', () => {
    const { code, lines } = run('');
    expect(code).toBe(0);
    expect(lines.map((line) => line.replace(/id .*/, 'id …'))).toMatchInlineSnapshot(`
      [
        "data folder DATA",
        "  2 partitions, event clock, room for 1000 customers each",
        "  id …",
        "",
        "write-ahead logs",
        "  WORKER  SEGMENTS        SIZE  EPOCHS      LAST RECORD BY PARTITION",
        "       0         1     4.3 KiB  1           0:3 1:1",
        "",
        "partitions",
        "  PARTITION  SNAPSHOTS  NEWEST AFTER  LOG TIME                        SIZE  DECISIONS             DEAD LETTERS",
        "          0          1             3  2010-12-01T08:26:10.000Z    97.9 KiB  1–1",
        "          1          0                                                                            1–1",
      ]
    `);
    expect(run('wal')).toMatchInlineSnapshot(`
      {
        "code": 0,
        "lines": [
          "folder DATA/wal",
          "        SIZE  FILE",
          "     4.3 KiB  DATA/wal/0/0000000001.wal",
          "  1 file; inspect one of them to see what is in it",
        ],
      }
    `);
  });

  it('says what is wrong with a file that is not ours', () => {
    expect(() => run('missing.wal')).toThrow(/missing\.wal does not exist/);
    expect(() => run('beckon.json')).toThrow(/is neither a write-ahead log segment, nor a snapshot/);
    change(WAL, () => Buffer.from('nonsense'));
    expect(run(WAL)).toEqual({
      code: 1,
      lines: [
        'DATA/wal/0/0000000001.wal: the header fails its checksum; without it the records cannot be told from damage',
      ],
    });
  });

  it('gets through every flipped byte of a segment and a snapshot without failing itself', () => {
    for (const path of [WAL, 'decisions/0/0000000000000001.log']) {
      const whole = readFileSync(join(root, path));
      for (let at = path === WAL ? 4090 : 0; at < whole.length; at++) {
        writeFileSync(
          join(root, path),
          whole.map((byte, i) => (i === at ? byte ^ 0x10 : byte)),
        );
        const { code, lines } = run(path);
        expect(code === 1 || lines.join('\n').includes('torn tail'), `byte ${at}`).toBe(true);
      }
    }
  });
});
