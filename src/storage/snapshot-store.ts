/**
 * The snapshots of one partition: begin → sections → commit, load the newest valid one, prune. Formats: snapshot-format.ts; order law: snapshot-writer.ts.
 */
import { SNAPSHOT_HISTORY_STEPS } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { type FileSystem, listFolder, makeFolder, readAll } from './file-system.ts';
import {
  decodeSnapshotHeader,
  SNAPSHOT_HEADER_BYTES,
  type SnapshotHeader,
  type SnapshotTrailer,
  snapshotName,
  snapshotSeq,
} from './snapshot-format.ts';
import { readSnapshot, type SnapshotContent, type SnapshotProblem } from './snapshot-reader.ts';
import { SnapshotWriter } from './snapshot-writer.ts';
import { CorruptFileError, errorCode, FatalStorageError, RefusedFileError } from './storage-error.ts';

/** A snapshot whose every byte was verified. */
export interface LoadedSnapshot {
  readonly path: string;
  readonly header: SnapshotHeader;
  readonly trailer: SnapshotTrailer;
  /** Reads the sections in the order in which they were written; the body is a view that the next one overwrites. */
  sections(visit: (kind: number, body: Uint8Array) => void): void;
}

/** What a snapshot is read into. */
export interface SnapshotTarget {
  /** In the order in which they were written; the body is a view that the next one overwrites. */
  section(kind: number, body: Uint8Array): void;
}

export interface RestoredSnapshot<Target> {
  readonly path: string;
  readonly header: SnapshotHeader;
  readonly trailer: SnapshotTrailer;
  readonly target: Target;
}

/** Where a snapshot stands: it reflects record `seq` and all before it, and log time had come to `logTime`. */
export interface SnapshotMoment {
  readonly seq: number;
  readonly logTime: number;
}

export interface PruneResult {
  readonly kept: readonly number[];
  readonly removed: readonly number[];
  /** Records at or below it are needed by no kept snapshot: the position for dropSegmentsBefore. 0: keep the whole log. */
  readonly logPosition: number;
}

/** Opening one changes nothing: the folder is made with the first snapshot. */
export class SnapshotStore {
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #partition: number;
  /** Positions that load() found damaged: they count for nothing, and prune removes them. */
  readonly #damaged = new Set<number>();

  constructor(fs: FileSystem, folder: string, partition: number) {
    this.#fs = fs;
    this.#folder = folder;
    this.#partition = partition;
  }

  /** Starts a snapshot; one at a time. What an earlier process left half done is removed. */
  begin(header: Omit<SnapshotHeader, 'partition'>): SnapshotWriter {
    try {
      makeFolder(this.#fs, this.#folder);
    } catch (error) {
      throw new FatalStorageError('create', this.#folder, error);
    }
    for (const name of this.#fs.readdir(this.#folder)) {
      if (name.endsWith('.tmp')) this.#fs.unlink(`${this.#folder}/${name}`);
    }
    assert(header.seq >= (this.#seqs().at(-1) ?? 0), 'snapshot: must not be older than those there are');
    this.#damaged.delete(header.seq);
    return new SnapshotWriter(this.#fs, this.#folder, { ...header, partition: this.#partition });
  }

  /**
   * The newest snapshot that is wholly intact. Damaged ones are passed over and reported in `problems`: the log after the older one is still there
   * (prune sees to it). One of another format or partition is refused (RefusedFileError): it was put there by hand, or by another version of the program.
   */
  loadNewest(): { readonly snapshot: LoadedSnapshot | null; readonly problems: readonly SnapshotProblem[] } {
    const problems: SnapshotProblem[] = [];
    for (const seq of this.#seqs().reverse()) {
      const snapshot = this.load(seq);
      if ('sections' in snapshot) return { snapshot, problems };
      problems.push(snapshot);
    }
    return { snapshot: null, problems };
  }

  /**
   * Hands the newest snapshot that is wholly intact to what `begin` makes, in one reading: sections are verified before they are visited, but that the file is
   * whole shows only at its end. What a damaged one was visited into is of no use then: `begin` is called anew for the one before. Otherwise as loadNewest.
   * None beyond `seqMax` is looked at.
   */
  restoreNewest<Target extends SnapshotTarget>(
    begin: () => Target,
    seqMax = Number.POSITIVE_INFINITY,
  ): { readonly restored: RestoredSnapshot<Target> | null; readonly problems: readonly SnapshotProblem[] } {
    const problems: SnapshotProblem[] = [];
    for (const seq of this.#seqs().reverse()) {
      if (seq > seqMax) continue;
      const target = begin();
      const content = this.#read(seq, (kind, body) => target.section(kind, body));
      if (!('what' in content)) return { restored: { path: this.#path(seq), target, ...content }, problems };
      problems.push(content);
    }
    return { restored: null, problems };
  }

  /** The snapshot of that position, every byte verified; or what is wrong with it. Another format or partition is refused. */
  load(seq: number): LoadedSnapshot | SnapshotProblem {
    const path = this.#path(seq);
    const content = this.#read(seq, () => {});
    if ('what' in content) return content;
    const sections = (visit: (kind: number, body: Uint8Array) => void): void => {
      const again = readSnapshot(this.#fs, path, visit);
      if ('what' in again)
        throw new CorruptFileError(path, again.offset, `${again.what}, though it did not a moment ago`);
    };
    return { path, ...content, sections };
  }

  /** One reading; another format or partition is refused before any section is visited. */
  #read(seq: number, visit: (kind: number, body: Uint8Array) => void): SnapshotContent | SnapshotProblem {
    const path = this.#path(seq);
    const content = readSnapshot(this.#fs, path, visit, (header) => {
      if (header.partition === this.#partition && header.seq === seq) return;
      throw new RefusedFileError(
        path,
        `it is of partition ${header.partition}, position ${header.seq}`,
        'move it back to where it came from',
      );
    });
    if (!('what' in content)) return content;
    if (content.kind === 'foreign')
      throw new RefusedFileError(
        path,
        content.what,
        'run the version of beckon that wrote it, or remove the file to use an older snapshot',
      );
    this.#damaged.add(seq);
    return content;
  }

  #path(seq: number): string {
    return `${this.#folder}/${snapshotName(seq)}`;
  }

  /** Positions of all snapshots, ascending, not verified. */
  positions(): readonly number[] {
    return this.#seqs();
  }

  /** Positions and log times, ascending, of those whose header is intact; also while a node takes and removes snapshots. */
  moments(): readonly SnapshotMoment[] {
    return this.#seqs().flatMap((seq) => {
      try {
        const logTime = this.#logTime(seq);
        return logTime === null ? [] : [{ seq, logTime }];
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return [];
        throw error;
      }
    });
  }

  /**
   * Removes what is no longer needed. Kept: the newest two; the newest at or before log time `historyFromMs`, from which history can be replayed; and, so that there will be one to take its place, those in between at steps of `historyMs / SNAPSHOT_HISTORY_STEPS`. Until one is that old,
   * history begins with the log itself.
   */
  prune(historyFromMs: number, historyMs: number): PruneResult {
    const all = this.#seqs();
    const intact: SnapshotMoment[] = [];
    for (const seq of all) {
      const logTime = this.#damaged.has(seq) ? null : this.#logTime(seq);
      if (logTime !== null) intact.push({ seq, logTime });
    }
    const kept = new Set(intact.slice(-2).map(({ seq }) => seq));
    const start = intact.findLast(({ logTime }) => logTime <= historyFromMs);
    if (start !== undefined) kept.add(start.seq);
    let steppedMs = start?.logTime ?? Number.NEGATIVE_INFINITY;
    for (const { seq, logTime } of intact) {
      if (logTime <= historyFromMs || logTime - steppedMs < historyMs / SNAPSHOT_HISTORY_STEPS) continue;
      kept.add(seq);
      steppedMs = logTime;
    }
    const removed = all.filter((seq) => !kept.has(seq));
    this.#remove(removed);
    // Falling back from the newest to the one before needs the log between them: with fewer than two, the whole log.
    const logPosition = Math.min(start?.seq ?? 0, intact.at(-2)?.seq ?? 0);
    return { kept: [...kept].sort((a, b) => a - b), removed, logPosition };
  }

  #remove(seqs: readonly number[]): void {
    if (seqs.length === 0) return;
    try {
      for (const seq of seqs) this.#fs.unlink(`${this.#folder}/${snapshotName(seq)}`);
      this.#fs.syncDirectory(this.#folder);
    } catch (error) {
      throw new FatalStorageError('remove snapshots from', this.#folder, error);
    }
  }

  /** null where the header is damaged: such a file counts for nothing. */
  #logTime(seq: number): number | null {
    const file = this.#fs.open(`${this.#folder}/${snapshotName(seq)}`, 'read');
    try {
      const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES);
      return decodeSnapshotHeader(bytes.subarray(0, readAll(this.#fs, file, bytes, 0)))?.header.logTime ?? null;
    } finally {
      this.#fs.close(file);
    }
  }

  #seqs(): number[] {
    return listFolder(this.#fs, this.#folder)
      .map(snapshotSeq)
      .filter((seq) => seq >= 0)
      .sort((a, b) => a - b);
  }
}
