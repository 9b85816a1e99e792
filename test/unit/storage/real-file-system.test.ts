import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, readFile, replaceFile, writeAll } from '../../../src/storage/file-system.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { SnapshotSection } from '../../../src/storage/snapshot-format.ts';
import { SnapshotStore } from '../../../src/storage/snapshot-store.ts';
import { FatalStorageError } from '../../../src/storage/storage-error.ts';
import { readLogs } from '../../../src/storage/wal-reader.ts';
import { repairLogs } from '../../../src/storage/wal-repair.ts';
import { dropSegmentsBefore } from '../../../src/storage/wal-retention.ts';
import { WriteAheadLog } from '../../../src/storage/write-ahead-log.ts';

const fs = nodeFileSystem;
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'beckon-storage-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function payload(partition: number, seq: number): Uint8Array {
  return new Uint8Array(1 + ((seq * 131) % 900)).fill((partition * 7 + seq) % 256);
}

describe('storage on the real file system', () => {
  it('has nothing of a name below a file, whatever the version of Node', () => {
    writeFileSync(`${root}/file`, '');
    expect([fs.stat(`${root}/none`), fs.stat(`${root}/file/none`)]).toEqual([null, null]);
  });

  it('writes, is left without being closed, recovers, and goes on with other workers', () => {
    const walRoot = `${root}/data/wal`;
    const next = [1, 1, 1];
    for (const [opening, workers] of [2, 1, 3].entries()) {
      const { epoch, repairs } = repairLogs(fs, walRoot);
      expect(epoch).toBe(opening + 1);
      expect(repairs.every(({ tornBytes }) => tornBytes === 0)).toBe(true);
      const read = [0, 0, 0];
      const positions = new Map(read.map((seq, partition) => [partition, seq]));
      readLogs(fs, walRoot, { positions, epochBefore: epoch }, (partition, record) => {
        expect(record.seq).toBe(++(read as number[])[partition]!);
        expect(Buffer.compare(record.payload, payload(partition, record.seq))).toBe(0);
      });
      expect(read).toEqual(next.map((seq) => seq - 1));
      const logs = Array.from({ length: workers }, (_, worker) =>
        WriteAheadLog.open(fs, `${walRoot}/${worker}`, { worker, epoch, salt: 3, segmentBytes: 200_000 }),
      );
      for (let batch = 0; batch < 60; batch++) {
        for (let partition = 0; partition < 3; partition++) {
          for (let i = 0; i < 5; i++) {
            const seq = next[partition]!++;
            logs[partition % workers]?.append(partition, seq, 1000 + seq, 1, payload(partition, seq));
          }
        }
        for (const log of logs) log.commit();
      }
    }
    expect(readdirSync(`${walRoot}/0`).length).toBeGreaterThan(3);
    const all = new Map(next.map((seq, partition) => [partition, seq - 1]));
    expect(dropSegmentsBefore(fs, walRoot, all)).toBeGreaterThan(0);
    expect(readdirSync(`${walRoot}/0`).length).toBe(1);
    expect(repairLogs(fs, walRoot).epoch).toBe(4);
  });

  it('cuts off what a crash left half written', () => {
    const folder = `${root}/wal/0`;
    const log = WriteAheadLog.open(fs, folder, { worker: 0, epoch: 1, salt: 3 });
    for (let seq = 1; seq <= 10; seq++) log.append(0, seq, seq, 1, payload(0, seq));
    log.commit();
    const path = `${folder}/0000000001.wal`;
    // The second batch reached the disk up to the middle of its second record.
    const before = readFileSync(path);
    log.append(0, 11, 11, 1, payload(0, 11));
    log.append(0, 12, 12, 1, payload(0, 12));
    const cut = log.commit() - Math.floor(payload(0, 12).length / 2);
    log.close();
    const after = readFileSync(path);
    const end = before.findLastIndex((byte) => byte !== 0) + 1;
    writeFileSync(path, after.subarray(0, end + cut));
    expect(repairLogs(fs, `${root}/wal`).repairs[0]?.tornBytes).toBeGreaterThan(0);
    const read: number[] = [];
    readLogs(fs, `${root}/wal`, { positions: new Map([[0, 0]]) }, (_, { seq }) => read.push(seq));
    expect(read).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(statSync(path).size).toBe(end + 40 + payload(0, 11).length);
  });

  it('keeps snapshots', () => {
    const store = new SnapshotStore(fs, `${root}/partitions/5`, 5);
    for (const seq of [10, 20, 30]) {
      const writer = store.begin({ seq, logTime: seq, workspaceVersion: 1 });
      for (let i = 0; i < 40; i++) writer.section(SnapshotSection.state, payload(seq, i));
      writer.commit(`digest ${seq}`, () => {});
    }
    expect(store.prune(100, 0)).toEqual({ kept: [20, 30], removed: [10], logPosition: 20 });
    const { snapshot } = new SnapshotStore(fs, `${root}/partitions/5`, 5).loadNewest();
    expect(snapshot?.trailer.digest).toBe('digest 30');
    let i = 0;
    snapshot?.sections((kind, body) => {
      expect(kind).toBe(SnapshotSection.state);
      expect(Buffer.compare(body, payload(30, i++))).toBe(0);
    });
    expect(i).toBe(40);
  });

  it('replaces a small file as a whole', () => {
    makeFolder(fs, `${root}/a/b`);
    replaceFile(fs, `${root}/a/b`, 'x.json', new TextEncoder().encode('one'));
    replaceFile(fs, `${root}/a/b`, 'x.json', new TextEncoder().encode('two'));
    expect(new TextDecoder().decode(readFile(fs, `${root}/a/b/x.json`))).toBe('two');
    expect(readdirSync(`${root}/a/b`)).toEqual(['x.json']);
  });

  it('tells errors by their codes', () => {
    expect(() => fs.open(`${root}/none`, 'read')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    fs.close(fs.open(`${root}/one`, 'create'));
    expect(() => fs.open(`${root}/one`, 'create')).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    fs.link(`${root}/one`, `${root}/two`);
    expect(() => fs.link(`${root}/one`, `${root}/two`)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(fs.stat(`${root}/none`)).toBe(null);
  });

  it.runIf(existsSync('/dev/full'))('meets a full device with ENOSPC', () => {
    const file = fs.open('/dev/full', 'write');
    try {
      expect(() => writeAll(fs, file, new Uint8Array(10), 0)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    } finally {
      fs.close(file);
    }
    const log = WriteAheadLog.open(
      { ...fs, write: (_, bytes, position) => fullDevice(bytes, position) },
      `${root}/wal/0`,
      { worker: 0, epoch: 1, salt: 1, preallocatedBytes: 0 },
    );
    log.append(0, 1, 1, 1, payload(0, 1));
    expect(() => log.commit()).toThrow(FatalStorageError);
  });
});

let writes = 0;
/** The segment's header goes through, the batch meets a full device. */
function fullDevice(bytes: Uint8Array, position: number): number {
  if (writes++ === 0) return bytes.length;
  const file = fs.open('/dev/full', 'write');
  try {
    return fs.write(file, bytes, position);
  } finally {
    fs.close(file);
  }
}
