/**
 * The write-ahead log: records appended and committed in groups, with the sync that makes them durable and, to tell its share, without. A record is a
 * producer's message: one event of 200 bytes, or 50 of them.
 *
 * The folder is the machine's temporary one (TMPDIR): whether a sync there reaches a disk is the machine's affair, and the numbers are that disk's.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { RecordKind } from '../../src/protocol/record.ts';
import type { FileSystem } from '../../src/storage/file-system.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.ts';
import type { Bench, Suite } from '../suite.ts';
import { FIRST_TS, KernelEvents } from '../workload/kernel.ts';
import { type Case, runCases } from './cases.ts';

/** Records in a commit. */
const GROUPS = [1, 10, 100];
const EVENTS = [1, 50];
const unsynced: FileSystem = { ...nodeFileSystem, fdatasync: () => {} };

export const suite: Suite = {
  name: 'wal',
  about: 'write-ahead log: records per commit, with and without the sync',
  ratios: [],
  async run(bench) {
    for (const events of EVENTS) {
      const payload = new KernelEvents(1000, 3).batch('messagepack', events);
      const synced = GROUPS.map((group) => caseOf(bench, payload, events, group, nodeFileSystem));
      const rest = GROUPS.map((group) => caseOf(bench, payload, events, group, unsynced));
      const measured = await runCases(
        bench,
        [...synced, ...rest].map(({ test }) => test),
        { timeMs: 80 },
      );
      for (const { close } of [...synced, ...rest]) close();
      const [alone, , together] = synced.map(({ test }) => test.name);
      if (alone !== undefined && together !== undefined)
        bench.ratio({
          key: null,
          name: `group commit, ${textOf(events)}`,
          detail: 'records/s made durable, 100 in a commit by 1 in a commit',
          ...measured.ratio(alone, together),
        });
    }
    bench.note(
      'Per record. The log makes room ahead, so that a sync need not change the length of the file; segments are of the usual size.',
    );
  },
};

function textOf(events: number): string {
  return events === 1 ? '1 event a record' : `${events} events a record`;
}

function caseOf(
  bench: Bench,
  payload: Uint8Array,
  events: number,
  group: number,
  fs: FileSystem,
): { test: Case; close(): void } {
  const sync = fs === unsynced ? 'not synced' : 'synced';
  const folder = join(bench.folder, `${events}-${group}-${fs === unsynced ? 'unsynced' : 'synced'}`);
  const log = WriteAheadLog.open(fs, folder, { worker: 0, epoch: 1, salt: 1 });
  let seq = 0;
  const run = () => {
    for (let i = 0; i < group; i++) log.append(0, ++seq, FIRST_TS, RecordKind.events, payload);
    log.commit();
  };
  return {
    test: {
      name: `${group} in a commit, ${textOf(events)}, ${sync}`,
      operations: group,
      run,
      detail: `${payload.length} bytes a record`,
    },
    close: () => {
      log.close();
      rmSync(folder, { recursive: true });
    },
  };
}
