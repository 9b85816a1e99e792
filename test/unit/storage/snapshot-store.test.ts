import { describe, expect, it } from 'vitest';
import { SnapshotSection, snapshotName } from '../../../src/storage/snapshot-format.ts';
import { SnapshotStore } from '../../../src/storage/snapshot-store.ts';
import { SnapshotFailedError } from '../../../src/storage/snapshot-writer.ts';
import { FatalStorageError, RefusedFileError } from '../../../src/storage/storage-error.ts';
import { FaultyFileSystem } from '../../support/faulty-file-system.ts';

const FOLDER = 'partitions/2';
const DAY = 86_400_000;

function sectionsOf(seq: number): Uint8Array[] {
  return [
    new TextEncoder().encode(`machine at ${seq}`),
    new Uint8Array(700).fill(seq % 251),
    new Uint8Array(0),
    new Uint8Array(300).fill((seq + 1) % 251),
  ];
}

function take(store: SnapshotStore, seq: number, logTime = seq * 10, makeEffectsDurable: () => void = () => {}): void {
  const writer = store.begin({ seq, logTime, workspaceVersion: 4 });
  for (const [i, body] of sectionsOf(seq).entries())
    writer.section(i === 0 ? SnapshotSection.machine : SnapshotSection.state, body);
  writer.commit(`digest-${seq}`, makeEffectsDurable);
}

class Collected {
  readonly kinds: number[] = [];
  readonly bodies: Uint8Array[] = [];

  section(kind: number, body: Uint8Array): void {
    this.kinds.push(kind);
    this.bodies.push(body.slice());
  }
}

/** Position and content of the newest valid snapshot, checked to be exactly one that was taken. */
function newest(store: SnapshotStore): { seq: number; damaged: number } {
  const { snapshot, problems } = store.loadNewest();
  const oneReading = store.restoreNewest(() => new Collected());
  expect(oneReading.problems).toEqual(problems);
  expect(oneReading.restored === null).toBe(snapshot === null);
  if (snapshot === null) return { seq: 0, damaged: problems.length };
  const { seq } = snapshot.header;
  const read: Uint8Array[] = [];
  const kinds: number[] = [];
  snapshot.sections((kind, body) => {
    kinds.push(kind);
    read.push(body.slice());
  });
  const { path, header, trailer } = snapshot;
  expect(oneReading.restored).toMatchObject({ path, header, trailer, target: { kinds } });
  // Not by toEqual, which looks at bytes one by one.
  const visited = oneReading.restored?.target.bodies ?? [];
  expect(visited.length).toBe(read.length);
  for (const [i, body] of read.entries()) expect(Buffer.compare(visited[i] as Uint8Array, body)).toBe(0);
  expect(kinds).toEqual([SnapshotSection.machine, SnapshotSection.state, SnapshotSection.state, SnapshotSection.state]);
  for (const [i, body] of sectionsOf(seq).entries()) expect(Buffer.compare(read[i] ?? new Uint8Array(1), body)).toBe(0);
  expect(snapshot.header).toEqual({ partition: 2, seq, logTime: seq * 10, workspaceVersion: 4 });
  expect(snapshot.trailer).toMatchObject({
    digest: `digest-${seq}`,
    sections: 4,
    bytes: sectionsOf(seq).reduce((sum, body) => sum + body.length, 0),
  });
  return { seq, damaged: problems.length };
}

describe('snapshot store', () => {
  it('gives the newest snapshot back', () => {
    const fs = new FaultyFileSystem(1);
    const store = new SnapshotStore(fs, FOLDER, 2);
    expect(newest(store)).toEqual({ seq: 0, damaged: 0 });
    take(store, 7);
    take(store, 30);
    expect(newest(store)).toEqual({ seq: 30, damaged: 0 });
    expect(fs.openHandles).toBe(0);
  });

  it('makes effects durable, and the file, before the snapshot gets its name', () => {
    const fs = new FaultyFileSystem(1);
    const store = new SnapshotStore(fs, FOLDER, 2);
    take(store, 5, 50, () => {
      fs.journal.push('effects');
      expect(fs.stat(`${FOLDER}/${snapshotName(5)}`)).toBe(null);
    });
    expect(fs.journal.slice(-4)).toEqual([
      `fdatasync ${FOLDER}/${snapshotName(5)}.tmp`,
      'effects',
      `rename ${FOLDER}/${snapshotName(5)}`,
      `syncDirectory ${FOLDER}`,
    ]);
  });

  it('is not valid when effects could not be made durable', () => {
    const fs = new FaultyFileSystem(1);
    const store = new SnapshotStore(fs, FOLDER, 2);
    take(store, 5);
    const failing = (): void => {
      throw new FatalStorageError('sync', 'decisions/2', new Error('EIO'));
    };
    expect(() => take(store, 9, 90, failing)).toThrow(FatalStorageError);
    fs.processCrash();
    expect(newest(new SnapshotStore(fs, FOLDER, 2))).toEqual({ seq: 5, damaged: 0 });
    take(new SnapshotStore(fs, FOLDER, 2), 11);
    expect(fs.readdir(FOLDER)).toEqual([snapshotName(5), snapshotName(11)]);
  });

  it('leaves the old snapshot or the new one, whole, after a crash at any step', () => {
    const steps = ((): number => {
      const fs = new FaultyFileSystem(1);
      const store = new SnapshotStore(fs, FOLDER, 2);
      take(store, 7);
      const before = fs.steps;
      take(store, 30);
      return fs.steps - before;
    })();
    const seen = new Set<number>();
    for (let step = 1; step <= steps; step++) {
      for (let seed = 1; seed <= 10; seed++) {
        for (const how of ['powerCut', 'processCrash'] as const) {
          const fs = new FaultyFileSystem(seed);
          const store = new SnapshotStore(fs, FOLDER, 2);
          take(store, 7);
          fs.crashAt = fs.steps + step;
          expect(() => take(store, 30)).toThrow();
          fs[how]();
          const after = new SnapshotStore(fs, FOLDER, 2);
          const { seq, damaged } = newest(after);
          expect([7, 30]).toContain(seq);
          expect(damaged).toBe(0);
          seen.add(seq);
          take(after, 31);
          expect(newest(after).seq).toBe(31);
        }
      }
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([7, 30]);
  });

  it('falls back to the one before for every flipped byte and every length, and says what was wrong', () => {
    const fs = new FaultyFileSystem(1);
    const store = new SnapshotStore(fs, FOLDER, 2);
    take(store, 7);
    take(store, 30);
    const path = `${FOLDER}/${snapshotName(30)}`;
    const whole = fs.bytes(path);
    for (let at = 0; at < whole.length; at++) {
      fs.corrupt(path, () => whole.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)));
      expect(newest(store), `byte ${at}`).toEqual({ seq: 7, damaged: 1 });
      fs.corrupt(path, () => whole.slice(0, at));
      expect(newest(store), `length ${at}`).toEqual({ seq: 7, damaged: 1 });
    }
    fs.corrupt(path, () => Uint8Array.of(...whole, 0));
    expect(store.loadNewest().problems).toEqual([
      { path, kind: 'damaged', offset: whole.length, what: 'there is something after the trailer' },
    ]);
  });

  it('refuses a snapshot of another partition, position or format', () => {
    const fs = new FaultyFileSystem(1);
    const store = new SnapshotStore(fs, FOLDER, 2);
    take(store, 7);
    const other = new SnapshotStore(fs, 'partitions/3', 3);
    const writer = other.begin({ seq: 9, logTime: 1, workspaceVersion: 1 });
    writer.commit('d', () => {});
    const bytes = fs.bytes(`partitions/3/${snapshotName(9)}`);
    fs.close(fs.open(`${FOLDER}/${snapshotName(9)}`, 'create'));
    fs.corrupt(`${FOLDER}/${snapshotName(9)}`, () => bytes);
    expect(() => store.loadNewest()).toThrow(/it is of partition 3, position 9/);
    const visited = new Collected();
    expect(() => store.restoreNewest(() => visited)).toThrow(/it is of partition 3, position 9/);
    expect(visited.kinds, 'nothing of it was handed over').toEqual([]);
    fs.rename(`${FOLDER}/${snapshotName(7)}`, `${FOLDER}/${snapshotName(9)}`);
    expect(() => store.loadNewest()).toThrow(RefusedFileError);
  });

  it('costs the snapshot only when the disk is full', () => {
    const fs = new FaultyFileSystem(1);
    const store = new SnapshotStore(fs, FOLDER, 2);
    take(store, 7);
    fs.capacityBytes = fs.bytes(`${FOLDER}/${snapshotName(7)}`).length + 500;
    expect(() => take(store, 30)).toThrow(SnapshotFailedError);
    expect(() => take(store, 30)).toThrow(
      /no space left on the device; the snapshot is given up, the log keeps everything/,
    );
    expect(fs.readdir(FOLDER)).toEqual([snapshotName(7)]);
    fs.capacityBytes = Number.POSITIVE_INFINITY;
    take(store, 30);
    expect(newest(store).seq).toBe(30);
    expect(fs.openHandles).toBe(0);
  });

  it('dies of a failed sync', () => {
    for (const operation of ['fdatasync', 'syncDirectory', 'rename'] as const) {
      const fs = new FaultyFileSystem(1);
      const store = new SnapshotStore(fs, FOLDER, 2);
      fs.failNext(operation, 'EIO');
      expect(() => take(store, 7)).toThrow(FatalStorageError);
    }
  });

  it('removes its file when it is given up', () => {
    const fs = new FaultyFileSystem(1);
    const store = new SnapshotStore(fs, FOLDER, 2);
    const writer = store.begin({ seq: 3, logTime: 1, workspaceVersion: 1 });
    writer.section(SnapshotSection.state, new Uint8Array(10));
    writer.abort();
    writer.abort();
    expect(fs.readdir(FOLDER)).toEqual([]);
  });
});

describe('pruning', () => {
  it('keeps the newest two, the start of history, and steps towards it; and tells which log is needed', () => {
    const fs = new FaultyFileSystem(1);
    const store = new SnapshotStore(fs, FOLDER, 2);
    const kept: { seq: number; kept: number; position: number; startAge: number }[] = [];
    for (let seq = 1; seq <= 24 * 40; seq++) {
      // One an hour, for forty days.
      const logTime = seq * 3_600_000;
      take(store, seq, logTime);
      const result = store.prune(logTime - 7 * DAY, 7 * DAY);
      expect(result.kept).toEqual(store.positions());
      expect(result.kept.slice(-2)).toEqual([seq - 1, seq].filter((each) => each > 0));
      kept.push({
        seq,
        kept: result.kept.length,
        position: result.logPosition,
        startAge: logTime - result.logPosition * 3_600_000,
      });
    }
    // Until a snapshot is seven days old, the whole log is needed; then never less than seven days of it, and little more.
    for (const { seq, position, startAge, kept: count } of kept) {
      if (seq <= 7 * 24) expect(position).toBe(0);
      if (seq > 8 * 24) {
        expect(startAge).toBeGreaterThanOrEqual(7 * DAY);
        expect(startAge).toBeLessThanOrEqual(7 * DAY * 1.26);
      }
      expect(count).toBeLessThanOrEqual(8);
    }
  });

  it('keeps the log behind the second newest, to fall back on, when no history is wanted', () => {
    const store = new SnapshotStore(new FaultyFileSystem(1), FOLDER, 2);
    take(store, 10);
    expect(store.prune(1000, 0)).toEqual({ kept: [10], removed: [], logPosition: 0 });
    take(store, 20);
    take(store, 30);
    expect(store.prune(1000, 0)).toEqual({ kept: [20, 30], removed: [10], logPosition: 20 });
  });

  it('does not count a damaged snapshot among the two', () => {
    const fs = new FaultyFileSystem(1);
    const store = new SnapshotStore(fs, FOLDER, 2);
    for (const seq of [10, 20, 30]) take(store, seq);
    fs.corrupt(`${FOLDER}/${snapshotName(30)}`, (bytes) => bytes.fill(1, 300, 310));
    expect(newest(store).seq).toBe(20);
    take(store, 40);
    expect(store.prune(1000, 0)).toEqual({ kept: [20, 40], removed: [10, 30], logPosition: 20 });
  });
});
