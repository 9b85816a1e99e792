/**
 * What a data folder keeps of its partitions' pasts, read-only: beside a node that is running, or after one that was stopped or killed. Nothing is written, created,
 * locked or repaired. A partition's history begins with its first record, or with the oldest snapshot behind which the log is whole; it ends with the last
 * whole record that was there when it was first asked for (or with `until`), so that all who read through one History see the same.
 *
 * A running node goes on, and removes what its `--history` no longer covers: what is asked for too late is a HistoryForgottenError, never a gap.
 */
import { DataPaths, type FolderIdentity, readIdentity } from '../storage/data-folder.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { SegmentPlaces } from '../storage/segment-places.ts';
import { type SnapshotMoment, SnapshotStore } from '../storage/snapshot-store.ts';
import { RefusedFileError } from '../storage/storage-error.ts';
import { RecordReader } from '../storage/wal-reader.ts';
import { lastDropped, lastRecords } from '../storage/wal-tail.ts';
import { type EventQuery, type FoundEvent, findEvent, firstEventDate } from './find-event.ts';

/** What was asked for lies before what is kept. */
export class HistoryForgottenError extends Error {
  override readonly name = 'HistoryForgottenError';
  readonly partition: number;
  /** From where on there is a history; null: there is none. */
  readonly reach: HistoryReach | null;

  constructor(partition: number, what: string, reach: HistoryReach | null) {
    const kept =
      reach === null
        ? 'it has no history'
        : `history is kept from record ${reach.seq}, ${new Date(reach.logTime).toISOString()}, on (--history of the node)`;
    super(`${what} of partition ${partition} is no longer kept: ${kept}. Ask for something later.`);
    this.partition = partition;
    this.reach = reach;
  }
}

/** Where a partition's history begins: its first record to be replayed, and log time there (the record's own time where history begins with it; under the event clock the first date in the log), epoch ms. */
export interface HistoryReach {
  readonly seq: number;
  readonly logTime: number;
}

/** Last records to be read, by partition; a partition that is not named is read to its end. */
export type HistoryEnds = ReadonlyMap<number, number>;

export class History {
  readonly fs: FileSystem;
  readonly paths: DataPaths;
  readonly identity: FolderIdentity;
  readonly #until: HistoryEnds;
  #ends: ReadonlyMap<number, number> | null = null;
  readonly #readers = new Set<RecordReader>();
  readonly #places: SegmentPlaces;

  private constructor(fs: FileSystem, paths: DataPaths, identity: FolderIdentity, until: HistoryEnds) {
    this.fs = fs;
    this.paths = paths;
    this.identity = identity;
    this.#until = until;
    this.#places = new SegmentPlaces(fs);
  }

  /**
   * `until`: up to where each partition is read, such as what a running node has applied. RefusedFileError if it is no data folder, or one of another format.
   */
  static open(fs: FileSystem, dataDirectory: string, until: HistoryEnds = new Map()): History {
    const identity = readIdentity(fs, dataDirectory);
    if (identity === null) {
      throw new RefusedFileError(
        dataDirectory,
        fs.stat(dataDirectory) === null ? 'there is no such folder' : 'it is no data folder (it has no beckon.json)',
        'name the folder that the node was given as --data',
      );
    }
    return new History(fs, new DataPaths(dataDirectory), identity, until);
  }

  /** Ascending; those whose header is damaged are left out. */
  snapshots(partition: number): readonly SnapshotMoment[] {
    return this.snapshotStore(partition).moments();
  }

  snapshotStore(partition: number): SnapshotStore {
    return new SnapshotStore(this.fs, this.paths.partition(partition), partition);
  }

  /** The first record that can be replayed: 1, or the one behind the oldest usable snapshot; null if there is nothing. */
  firstSeq(partition: number): number | null {
    const dropped = lastDropped(this.fs, this.paths.walRoot).get(partition) ?? 0;
    if (dropped === 0) return this.lastSeq(partition) === 0 ? null : 1;
    const oldest = this.snapshots(partition).find(({ seq }) => seq >= dropped);
    return oldest === undefined ? null : oldest.seq + 1;
  }

  /** Where history begins; null if there is nothing. */
  reach(partition: number): HistoryReach | null {
    const seq = this.firstSeq(partition);
    if (seq === null) return null;
    const snapshot = this.snapshots(partition).find((moment) => moment.seq === seq - 1);
    if (snapshot !== undefined) return { seq, logTime: snapshot.logTime };
    if (this.identity.clock === 'event') {
      const date = firstEventDate(this.fs, this.paths.walRoot, partition, this.lastSeq(partition));
      if (!Number.isNaN(date)) return { seq, logTime: date };
    }
    const reader = this.readFrom(partition, seq);
    try {
      return reader.next() ? { seq, logTime: reader.ts } : null;
    } finally {
      this.release(reader);
    }
  }

  /** The last record that this History knows of; 0 if there is none. */
  lastSeq(partition: number): number {
    const asked = this.#until.get(partition);
    if (asked !== undefined) return asked;
    this.#ends ??= lastRecords(this.fs, this.paths.walRoot);
    return this.#ends.get(partition) ?? 0;
  }

  /** Records from `seq` on, up to `lastSeq` or an earlier `until`. The reader must be released. */
  readFrom(partition: number, seq: number, until = Number.POSITIVE_INFINITY): RecordReader {
    const reader = new RecordReader(this.fs, this.paths.walRoot, {
      positions: new Map([[partition, seq - 1]]),
      until: new Map([[partition, Math.min(until, this.lastSeq(partition))]]),
      places: this.#places,
    });
    this.#readers.add(reader);
    return reader;
  }

  release(reader: RecordReader): void {
    reader.close();
    this.#readers.delete(reader);
  }

  /** Finds an event of a customer in the log: see find-event.ts. null: history holds none such. */
  findEvent(partition: number, query: EventQuery): FoundEvent | null {
    return findEvent(this.fs, this.paths.walRoot, partition, this.lastSeq(partition), query);
  }

  /** Closes the files of all who still read. */
  close(): void {
    for (const reader of [...this.#readers]) this.release(reader);
  }
}
