/** What a replay can begin with, what it is told when it cannot, and what may be done on the way. */
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { RecordKind } from '../../../src/protocol/record.ts';
import { History, HistoryForgottenError } from '../../../src/replay/history.ts';
import { PartitionReplay } from '../../../src/replay/partition-replay.ts';
import { type DecisionArchive, verifyPartition } from '../../../src/replay/verify/verify.ts';
import { DataPaths } from '../../../src/storage/data-folder.ts';
import { readFile, writeAll } from '../../../src/storage/file-system.ts';
import { EntriesForgottenError } from '../../../src/storage/numbered-log-reader.ts';
import { snapshotName } from '../../../src/storage/snapshot-format.ts';
import { listSegments } from '../../../src/storage/wal-segment.ts';
import type { Workspace } from '../../../src/workspace/workspace.ts';
import { FaultyFileSystem } from '../../support/faulty-file-system.ts';
import { HistoryFolder } from '../../support/history-folder.ts';
import { workspaceOf } from '../../support/machine-fixture.ts';

const encoder = new TextEncoder();
const NOON = Date.UTC(2026, 0, 1, 12);
const WORKSPACE = {
  'policy.yaml': 'consent: {push: none-needed}\n',
  'profile.yaml': 'aggregates: {n: {fn: count, event: receipt}}\n',
  'campaigns/thanks.yaml': 'id: thanks\non: receipt\nchannels: [push]\n',
};
const all = { fromMs: null, toMs: null };

/** A version, then a receipt a second. */
function write(fs: FaultyFileSystem, receipts: number, snapshots: readonly number[] = []): HistoryFolder {
  const folder = new HistoryFolder(fs, 'wall');
  folder.append(RecordKind.workspace, encoder.encode(JSON.stringify(workspaceOf(WORKSPACE))), NOON);
  more(folder, receipts, snapshots);
  return folder;
}

function more(folder: HistoryFolder, receipts: number, snapshots: readonly number[] = [], decided = true): void {
  for (let i = 0; i < receipts; i++) {
    const seq = folder.last.seq + 1;
    const event = { type: 'receipt', id: `r${seq}`, customer: `c${seq % 5}`, data: { total: seq } };
    folder.append(RecordKind.events, encoder.encode(JSON.stringify(event)), NOON + seq * 1000, decided);
    if (snapshots.includes(seq)) folder.snapshot();
  }
}

function replayAll(replay: PartitionReplay): string {
  replay.run();
  replay.close();
  return replay.machine.digest();
}

describe('a folder', () => {
  it('that is none, is missing, or of another format is refused by name', () => {
    const fs = new FaultyFileSystem(1);
    expect(() => History.open(fs, 'data')).toThrow(/^data: there is no such folder\. Remedy: name the folder/);
    fs.mkdir('data');
    expect(() => History.open(fs, 'data')).toThrow('it is no data folder (it has no beckon.json)');
    const file = fs.open('data/beckon.json', 'create');
    writeAll(fs, file, encoder.encode('{"format":1}'), 0);
    expect(() => History.open(fs, 'data')).toThrow(/data folder of format 1, this program reads format \d+/);
  });

  it('that holds nothing yet replays nothing', async () => {
    const fs = new FaultyFileSystem(1);
    const { root } = new HistoryFolder(fs, 'wall');
    const before = fs.steps;
    const history = History.open(fs, root);
    expect(history.firstSeq(0)).toBe(null);
    expect(history.reach(0)).toBe(null);
    expect(history.lastSeq(0)).toBe(0);
    const replay = PartitionReplay.open(history, 0, null);
    expect(replay.step()).toBe(false);
    expect(replay.seq).toBe(0);
    replay.close();
    expect(await verifyPartition(history, 0, null, all)).toMatchObject({ firstSeq: null, records: 0 });
    expect(fs.steps).toBe(before);
  });
});

describe('where a replay begins', () => {
  it('is the newest snapshot before the point, whichever way it is named', () => {
    const fs = new FaultyFileSystem(1);
    const { root } = write(fs, 40, [10, 20, 30]);
    const history = History.open(fs, root);
    const at = (from: Parameters<typeof PartitionReplay.open>[2]): number => {
      const replay = PartitionReplay.open(history, 0, from);
      replay.close();
      return replay.seq;
    };
    expect(at(null)).toBe(0);
    expect(at({ seq: 1 })).toBe(0);
    expect(at({ seq: 10 })).toBe(0);
    expect(at({ seq: 11 })).toBe(10);
    expect(at({ seq: 1000 })).toBe(30);
    expect(at({ ms: NOON })).toBe(0);
    expect(at({ ms: NOON + 20_000 })).toBe(10);
    expect(at({ ms: NOON + 20_001 })).toBe(20);
    expect(at({ ms: NOON + 1e9 })).toBe(30);
  });

  it('passes over a damaged snapshot', () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 40, [10, 20]);
    const path = `${new DataPaths(folder.root).partition(0)}/${snapshotName(20)}`;
    const file = fs.open(path, 'write');
    writeAll(fs, file, Uint8Array.of(7), 300);
    fs.close(file);
    const replay = PartitionReplay.open(History.open(fs, folder.root), 0, { seq: 30 });
    expect(replay.seq).toBe(10);
    expect(replayAll(replay)).toBe(folder.last.digest);
  });

  it('lies no further back than what is kept, and the error says how far that is', () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 200, [100, 180, 190]);
    folder.retain(20_000);
    const history = History.open(fs, folder.root);
    expect(history.firstSeq(0)).toBe(181);
    expect(history.reach(0)).toEqual({ seq: 181, logTime: NOON + 180_000 });
    const tooEarly =
      'record 50 of partition 0 is no longer kept: history is kept from record 181, 2026-01-01T12:03:00.000Z, on (--history of the node). Ask for something later.';
    expect(() => PartitionReplay.open(history, 0, { seq: 50 })).toThrow(tooEarly);
    expect(() => PartitionReplay.open(history, 0, { ms: NOON + 60_000 })).toThrow('2026-01-01T12:01:00.000Z of part');
    expect(replayAll(PartitionReplay.open(history, 0, null))).toBe(folder.last.digest);
  });

  it('may be dropped while it is read', () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 200, [100]);
    const history = History.open(fs, folder.root);
    const replay = PartitionReplay.open(history, 0, null);
    replay.run(20);
    folder.snapshot();
    more(folder, 5);
    folder.snapshot();
    folder.retain(0);
    expect(() => replay.run()).toThrow(HistoryForgottenError);
    expect(() => replay.run()).toThrow(/^record \d+ of partition 0 is no longer kept: history is kept from record/);
    history.close();
  });
});

describe('where it ends', () => {
  it('is what was there when it was first asked for, or what is asked for', () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 20);
    const history = History.open(fs, folder.root);
    const { digest } = folder.last;
    expect(history.lastSeq(0)).toBe(21);
    more(folder, 20);
    expect(replayAll(PartitionReplay.open(history, 0, null))).toBe(digest);
    const until = PartitionReplay.open(history, 0, null, { until: 11 });
    expect(replayAll(until)).toBe(folder.moments[10]?.digest);
    const live = History.open(fs, folder.root, new Map([[0, 30]]));
    expect(replayAll(PartitionReplay.open(live, 0, null))).toBe(folder.moments[29]?.digest);
    const beyond = History.open(fs, folder.root, new Map([[0, 50]]));
    expect(() => replayAll(PartitionReplay.open(beyond, 0, null))).toThrow(
      'the log of partition 0 ends with record 41, there should be records up to 50',
    );
  });

  it('may be any byte of the last segment: a reader takes whole records only', () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 12);
    const segments = listSegments(fs, 'data/wal/0').segments;
    const { path } = segments.at(-1) as { path: string };
    const whole = readFile(fs, path);
    let ends = new Set<number>();
    for (let length = whole.length - 1; length >= 4096; length -= 61) {
      const file = fs.open(path, 'write');
      fs.truncate(file, length);
      fs.close(file);
      const history = History.open(fs, folder.root);
      const last = history.lastSeq(0);
      ends = ends.add(last);
      if (last > 0) expect(replayAll(PartitionReplay.open(history, 0, null))).toBe(folder.moments[last - 1]?.digest);
    }
    expect(ends.size).toBeGreaterThan(10);
  });
});

describe('on the way', () => {
  it('records can be looked at, split and put in; `seq` stays the log’s own', () => {
    const fs = new FaultyFileSystem(1);
    const { root } = write(fs, 5);
    const replay = PartitionReplay.open(History.open(fs, root), 0, null);
    expect(replay.peek()).toMatchObject({ seq: 1, kind: RecordKind.workspace, ts: NOON });
    expect(replay.step()).toBe(true);
    expect(replay.effects.workspaceError).toBe(null);
    replay.insert(
      RecordKind.events,
      encoder.encode('{"type":"receipt","customer":"x","data":{"total":1}}'),
      NOON + 500,
    );
    expect(replay.effects.decisions).toHaveLength(1);
    expect([replay.seq, replay.machine.position, replay.machine.logTime]).toEqual([1, 2, NOON + 500]);
    expect(replay.split()).toBe(false);
    replay.insert(RecordKind.tick, new Uint8Array(0));
    expect(replay.machine.logTime).toBe(NOON + 500);
    const seen: number[] = [];
    replay.run(4, ({ seq }) => seen.push(seq));
    expect(seen).toEqual([2, 3, 4]);
    expect(replay.machine.totals.accepted).toBe(4);
    replay.close();
    replay.close();
  });

  it('a record’s events can come one by one', () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 1);
    const events = ['a', 'b', 'c'].map((customer) => ({ type: 'receipt', customer, data: { total: 1 } }));
    folder.append(RecordKind.events, encoder.encode(JSON.stringify(events)), NOON + 3000);
    more(folder, 1);
    const replay = PartitionReplay.open(History.open(fs, folder.root), 0, null);
    replay.run(2);
    expect([replay.split(), replay.split()]).toEqual([true, false]);
    const after: number[][] = [];
    while (replay.step()) after.push([replay.seq, replay.machine.totals.accepted, replay.effects.decisions.length]);
    expect(after).toEqual([
      [2, 2, 1],
      [2, 3, 1],
      [3, 4, 1],
      [4, 5, 1],
    ]);
    expect(replay.machine.digest()).toBe(folder.last.digest);
    replay.close();
  });

  it('a list in the place of an event is refused when it comes by itself, too', () => {
    const event = { type: 'receipt', customer: 'a', data: { total: 1 } };
    const json = JSON.stringify(event);
    const records = [
      `[${json},[${json}],[],${json}]`,
      `[${json},[${json},{],[[${json}]],${json}]`,
      new Packr({ useRecords: false }).pack([event, [event], [], event]),
      new Packr({ useRecords: true }).pack([event, [event], [], event]),
    ];
    for (const record of records) {
      const fs = new FaultyFileSystem(1);
      const folder = write(fs, 0);
      folder.append(RecordKind.events, typeof record === 'string' ? encoder.encode(record) : record, NOON + 3000);
      const replay = PartitionReplay.open(History.open(fs, folder.root), 0, null);
      replay.run(1);
      expect(replay.split()).toBe(true);
      replay.run();
      expect(replay.machine.totals.rejected).toBeGreaterThan(0);
      expect(replay.machine.digest()).toBe(folder.last.digest);
      replay.close();
    }
  });

  it('versions can be changed: those in the log, and the one of the snapshot', () => {
    const fs = new FaultyFileSystem(1);
    const { root } = write(fs, 20, [10]);
    const twice = workspaceOf({
      ...WORKSPACE,
      'campaigns/again.yaml': 'id: again\non: receipt\nchannels: [push]\n',
      'policy.yaml': 'consent: {push: none-needed}\narbitration: {pick: 2}\n',
    });
    const asked: number[] = [];
    const onWorkspace = (workspace: Workspace): Workspace => {
      asked.push(workspace.version);
      return { ...twice, version: workspace.version };
    };
    for (const [from, receipts] of [
      [null, 20],
      [{ seq: 15 }, 11],
    ] as const) {
      const replay = PartitionReplay.open(History.open(fs, root), 0, from, { onWorkspace });
      const before = replay.machine.decisionCount;
      replay.run();
      replay.close();
      expect(replay.machine.decisionCount - before).toBe(2 * receipts);
    }
    expect(asked).toEqual([1, 1]);
    const same = PartitionReplay.open(
      History.open(fs, root),
      0,
      { seq: 15 },
      { onWorkspace: (workspace) => workspace },
    );
    expect([same.seq, same.machine.position]).toEqual([10, 10]);
  });
});

describe('a comparison', () => {
  function archiveOf(folder: HistoryFolder, change: (json: string, number: number) => string | null): DecisionArchive {
    const decisions = folder.moments.flatMap(({ decisions }) => decisions);
    const kept = decisions.flatMap((json, i) => change(json, i + 1) ?? []);
    return {
      exclusive: true,
      range: async () => ({ first: 1, next: kept.length + 1 }),
      read: async (_, from, next) =>
        kept.slice(from - 1, next - 1).map((json, i) => ({
          number: from + i,
          channel: 'push',
          campaign: 'thanks',
          json: encoder.encode(json),
        })),
    };
  }

  it('finds the first decision that is not as it was', async () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 30, [20]);
    const history = History.open(fs, folder.root);
    const same = await verifyPartition(
      history,
      0,
      archiveOf(folder, (json) => json),
      all,
    );
    expect(same).toMatchObject({
      decisions: 30,
      compared: 30,
      snapshots: 1,
      events: 30,
      records: 31,
      difference: null,
    });
    const changed = archiveOf(folder, (json, number) => (number === 7 ? json.replace('push', 'sms') : json));
    expect(await verifyPartition(history, 0, changed, all)).toMatchObject({
      compared: 6,
      difference: {
        what: 'decision',
        number: 7,
        seq: 8,
        decided: folder.moments[7]?.decisions[0]?.replace('push', 'sms'),
        replayed: folder.moments[7]?.decisions[0],
      },
    });
  });

  it('counts what a killed node had not written yet, and finds what it should not have', async () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 30);
    const history = History.open(fs, folder.root);
    const fewer = archiveOf(folder, (json, number) => (number > 25 ? null : json));
    expect(await verifyPartition(history, 0, fewer, all)).toMatchObject({
      compared: 25,
      unwritten: 5,
      difference: null,
    });
    const until = History.open(fs, folder.root, new Map([[0, 21]]));
    expect(
      await verifyPartition(
        until,
        0,
        archiveOf(folder, (json) => json),
        all,
      ),
    ).toMatchObject({ difference: null });
    const archive = archiveOf(folder, (json) => json);
    const extra: DecisionArchive = {
      ...archive,
      range: async () => ({ first: 1, next: 32 }),
      read: async (...args) =>
        args[1] === 31
          ? [{ number: 31, channel: 'push', campaign: 'thanks', json: encoder.encode('{}') }]
          : archive.read(...args),
    };
    expect(await verifyPartition(history, 0, extra, all)).toMatchObject({
      compared: 30,
      difference: { what: 'decision', number: 31, seq: null, decided: '{}', replayed: null },
    });
  });

  it('finds what is missing though a snapshot says that it was stored', async () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 30, [20]);
    const history = History.open(fs, folder.root);
    const stored = folder.moments.slice(0, 20).flatMap(({ decisions }) => decisions).length;
    const check = (kept: number) =>
      verifyPartition(
        history,
        0,
        archiveOf(folder, (json, number) => (number > kept ? null : json)),
        all,
      );
    expect(await check(stored)).toMatchObject({ difference: null, unwritten: 30 - stored });
    expect(await check(stored - 1)).toMatchObject({ difference: { what: 'lost', number: stored, seq: 20 } });
    expect(await check(3)).toMatchObject({ difference: { what: 'lost', number: 4, seq: 20 } });
  });

  it('leaves out what the archive no longer keeps, or drops while it is read', async () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 30);
    const history = History.open(fs, folder.root);
    const archive = archiveOf(folder, (json) => json);
    let first = 6;
    const dropping: DecisionArchive = {
      ...archive,
      range: async () => ({ first, next: 31 }),
      read: async (partition, from, next, bytesMax) => {
        if (from === 6 && first === 6) {
          first = 11;
          throw new EntriesForgottenError(from, first);
        }
        return (await archive.read(partition, from, next, bytesMax)).slice(0, 3);
      },
    };
    const check = await verifyPartition(history, 0, dropping, all);
    expect(check).toMatchObject({ decisions: 30, forgotten: 10, compared: 20, difference: null });
  });

  it('ends before the first record of the time that was asked for', async () => {
    const fs = new FaultyFileSystem(1);
    const folder = write(fs, 30, [10]);
    const history = History.open(fs, folder.root);
    const range = { fromMs: NOON + 15_000, toMs: NOON + 20_000 };
    expect(await verifyPartition(history, 0, null, range)).toMatchObject({ firstSeq: 11, lastSeq: 19, decisions: 9 });
  });
});
