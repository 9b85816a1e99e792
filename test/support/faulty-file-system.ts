/**
 * A file system in memory that fails on demand, and that loses what a power cut loses.
 *
 * - Every file has what readers see and, apart from it, what is on the disk. A write reaches the disk with the file's next fdatasync; a name (creation, rename,
 *   link, removal) with its folder's next syncDirectory. `powerCut` keeps of the rest what the seed says: of un-synced writes any set of 512-byte sectors,
 *   in any order, and any length in between; of a folder's un-synced names any prefix of the changes.
 * - `processCrash` keeps what readers see: only the process died.
 * - A failed fdatasync drops the dirty sectors as kernels do: readers still see them, they never reach the disk, and the next fdatasync succeeds.
 * - `crashAt = n` throws SimulatedCrash in the middle of the n-th step that changes something (a write half done).
 * - `capacityBytes` makes a full disk: a short write first, then ENOSPC.
 */

import { Prng } from '../../src/stdx/prng.ts';
import type { FileStat, FileSystem, OpenMode } from '../../src/storage/file-system.ts';

const SECTOR_BYTES = 512;

export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';
}

interface File {
  readonly identity: string;
  content: Uint8Array;
  length: number;
  disk: Uint8Array;
  /** Sectors written since the last sync. */
  readonly dirty: Set<number>;
}

interface Folder {
  names: Map<string, File>;
  readonly disk: Map<string, File>;
  /** Changes since the last syncDirectory, in order. */
  changes: { set: readonly (readonly [string, File])[]; removed: readonly string[] }[];
}

export type Operation =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'fdatasync'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'syncDirectory';

let files = 0;
function nextIdentity(): string {
  return String(++files);
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

export class FaultyFileSystem implements FileSystem {
  /** Steps done that change something: for crashing at each. */
  steps = 0;
  crashAt = 0;
  capacityBytes = Number.POSITIVE_INFINITY;
  /** At most this many bytes per write. */
  writeBytesMax = Number.POSITIVE_INFINITY;
  /** Every operation, with its path. */
  readonly journal: string[] = [];
  readonly #random: Prng;
  #folders = new Map<string, Folder>([['', { names: new Map(), disk: new Map(), changes: [] }]]);
  #open = new Map<number, { file: File; path: string; writable: boolean }>();
  #nextHandle = 3;
  readonly #failures: { operation: Operation; after: number; code: string }[] = [];

  constructor(seed: number) {
    this.#random = new Prng(seed);
  }

  /** The `nth` operation of that kind from now on fails with `code`. */
  failNext(operation: Operation, code: string, nth = 1): void {
    this.#failures.push({ operation, after: nth, code });
  }

  /** Forgets the failures that were asked for and did not happen yet. */
  heal(): void {
    this.#failures.length = 0;
  }

  /** Only the process dies: everything written stays visible. */
  processCrash(): void {
    this.#open = new Map();
    this.crashAt = 0;
  }

  /** The power goes: only the disk stays, and by chance some of what was on its way there. */
  powerCut(): void {
    this.processCrash();
    for (const folder of this.#folders.values()) {
      const kept = this.#random.below(folder.changes.length + 1);
      for (const change of folder.changes.slice(0, kept)) applyChange(folder.disk, change);
      folder.changes = [];
      folder.names = new Map(folder.disk);
    }
    const seen = new Set<File>();
    for (const folder of this.#folders.values()) for (const file of folder.names.values()) seen.add(file);
    for (const file of seen) this.#loseUnsynced(file);
  }

  /** Changes bytes on the disk, as decay does. */
  corrupt(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const file = this.#find(path);
    file.content = change(this.bytes(path));
    file.length = file.content.length;
    file.disk = file.content.slice();
    file.dirty.clear();
  }

  bytes(path: string): Uint8Array {
    const file = this.#find(path);
    return file.content.slice(0, file.length);
  }

  /** A copy of everything that is visible, all of it durable. */
  clone(seed = 1): FaultyFileSystem {
    const copy = new FaultyFileSystem(seed);
    for (const [path, folder] of this.#folders) {
      copy.mkdir(path);
      for (const [name, file] of folder.names) {
        const content = file.content.slice(0, file.length);
        const made: File = {
          identity: nextIdentity(),
          content,
          length: content.length,
          disk: content.slice(),
          dirty: new Set(),
        };
        copy.#folder(path).names.set(name, made);
        copy.#folder(path).disk.set(name, made);
      }
    }
    return copy;
  }

  open(path: string, mode: OpenMode): number {
    if (mode === 'create') {
      this.#step('open', path, () => {
        const { folder, name } = this.#place(path);
        if (folder.names.has(name)) throw failure('EEXIST', path);
        const disk = new Uint8Array(0);
        const file = {
          identity: nextIdentity(),
          content: new Uint8Array(0),
          length: 0,
          disk,
          dirty: new Set<number>(),
        };
        this.#change(folder, [[name, file]], []);
      });
    }
    const file = this.#find(path);
    const handle = this.#nextHandle++;
    this.#open.set(handle, { file, path, writable: mode !== 'read' });
    return handle;
  }

  close(handle: number): void {
    if (!this.#open.delete(handle)) throw failure('EBADF', String(handle));
  }

  /** Handles that were not closed: a leak. */
  get openHandles(): number {
    return this.#open.size;
  }

  read(handle: number, into: Uint8Array, position: number): number {
    const { file, path } = this.#handle(handle);
    this.#mayFail('read', path);
    const available = Math.max(0, Math.min(into.length, file.length - position));
    into.set(file.content.subarray(position, position + available));
    return available;
  }

  write(handle: number, bytes: Uint8Array, position: number): number {
    const { file, path, writable } = this.#handle(handle);
    if (!writable) throw failure('EBADF', path);
    let count = Math.min(bytes.length, this.writeBytesMax);
    const room = this.capacityBytes - this.#usedBytes() + Math.max(0, Math.min(count, file.length - position));
    if (count > room) {
      if (room <= 0) throw failure('ENOSPC', path);
      count = room;
    }
    this.#step(
      'write',
      path,
      () => put(file, bytes.subarray(0, count), position),
      () => put(file, bytes.subarray(0, this.#random.below(count + 1)), position),
    );
    return count;
  }

  truncate(handle: number, bytes: number): void {
    const { file, path } = this.#handle(handle);
    this.#step('truncate', path, () => {
      for (let sector = Math.floor(bytes / SECTOR_BYTES); sector * SECTOR_BYTES < file.length; sector++)
        file.dirty.add(sector);
      file.content.fill(0, Math.min(bytes, file.content.length));
      file.length = bytes;
    });
  }

  size(handle: number): number {
    return this.#handle(handle).file.length;
  }

  fdatasync(handle: number): void {
    const { file, path } = this.#handle(handle);
    try {
      this.#step('fdatasync', path, () => {
        const disk = new Uint8Array(file.length);
        disk.set(file.disk.subarray(0, file.length));
        for (const sector of file.dirty) writeSector(file, sector, disk);
        file.disk = disk;
        file.dirty.clear();
      });
    } catch (error) {
      // The kernel marks the pages clean: seen by readers, never written again.
      if (!(error instanceof SimulatedCrash)) file.dirty.clear();
      throw error;
    }
  }

  /** What is written until `done` is called is not part of it. */
  fdatasyncInBackground(handle: number, done: (error: Error | null) => void): void {
    let error: Error | null = null;
    try {
      this.fdatasync(handle);
    } catch (failed) {
      if (failed instanceof SimulatedCrash) throw failed;
      error = failed as Error;
    }
    setImmediate(() => done(error));
  }

  rename(from: string, to: string): void {
    this.#step('rename', to, () => {
      const source = this.#place(from);
      const target = this.#place(to);
      if (source.folder !== target.folder) throw failure('EXDEV', to);
      this.#change(source.folder, [[target.name, this.#find(from)]], [source.name]);
    });
  }

  link(existing: string, path: string): void {
    this.#step('link', path, () => {
      const { folder, name } = this.#place(path);
      if (folder.names.has(name)) throw failure('EEXIST', path);
      this.#change(folder, [[name, this.#find(existing)]], []);
    });
  }

  unlink(path: string): void {
    this.#step('unlink', path, () => {
      this.#find(path);
      const { folder, name } = this.#place(path);
      this.#change(folder, [], [name]);
    });
  }

  readdir(path: string): string[] {
    const prefix = path === '' ? '' : `${path}/`;
    const folders = [...this.#folders.keys()].filter(
      (each) => each !== '' && each.startsWith(prefix) && !each.slice(prefix.length).includes('/'),
    );
    return [...this.#folder(path).names.keys(), ...folders.map((each) => each.slice(prefix.length))].sort();
  }

  /** Folders are durable at once: nothing here leans on losing one. */
  mkdir(path: string): void {
    if (path === '' || this.#folders.has(path)) return;
    this.mkdir(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    this.#folders.set(path, { names: new Map(), disk: new Map(), changes: [] });
  }

  syncDirectory(path: string): void {
    const folder = this.#folder(path);
    this.#step('syncDirectory', path, () => {
      for (const change of folder.changes) applyChange(folder.disk, change);
      folder.changes = [];
    });
  }

  stat(path: string): FileStat | null {
    if (this.#folders.has(path)) return { bytes: 0, directory: true, modifiedMs: 0, identity: path };
    const folder = this.#folders.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    const file = folder?.names.get(path.slice(path.lastIndexOf('/') + 1));
    if (file === undefined) return null;
    return { bytes: file.length, directory: false, modifiedMs: this.modifiedMs, identity: file.identity };
  }

  /** What stat says of every file. */
  modifiedMs = 0;

  /** One step that changes something: it may crash (half done), or fail. */
  #step(operation: Operation, path: string, act: () => void, actInPart: () => void = () => {}): void {
    this.steps++;
    this.journal.push(`${operation} ${path}`);
    if (this.steps === this.crashAt) {
      actInPart();
      throw new SimulatedCrash(`${operation} ${path}`);
    }
    this.#mayFail(operation, path);
    act();
  }

  #mayFail(operation: Operation, path: string): void {
    const index = this.#failures.findIndex((each) => each.operation === operation && --each.after === 0);
    if (index < 0) return;
    const [found] = this.#failures.splice(index, 1);
    throw failure(found?.code ?? 'EIO', path);
  }

  #change(folder: Folder, set: readonly (readonly [string, File])[], removed: readonly string[]): void {
    const change = { set, removed };
    applyChange(folder.names, change);
    folder.changes.push(change);
  }

  #loseUnsynced(file: File): void {
    if (file.dirty.size === 0) {
      file.content = file.disk.slice();
      file.length = file.disk.length;
      return;
    }
    const least = Math.min(file.disk.length, file.length);
    const most = Math.max(file.disk.length, file.length);
    const length = least + this.#random.below(most - least + 1);
    const content = new Uint8Array(length);
    content.set(file.disk.subarray(0, length));
    for (const sector of file.dirty) {
      if (this.#random.below(2) === 0) writeSector(file, sector, content);
    }
    file.content = content;
    file.length = length;
    file.disk = content.slice();
    file.dirty.clear();
  }

  #usedBytes(): number {
    let used = 0;
    for (const folder of this.#folders.values()) for (const file of folder.names.values()) used += file.length;
    return used;
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(path);
    if (folder === undefined) throw failure('ENOENT', path);
    return folder;
  }

  #place(path: string): { folder: Folder; name: string } {
    const cut = path.lastIndexOf('/');
    return { folder: this.#folder(path.slice(0, Math.max(0, cut))), name: path.slice(cut + 1) };
  }

  #find(path: string): File {
    const { folder, name } = this.#place(path);
    const file = folder.names.get(name);
    if (file === undefined) throw failure('ENOENT', path);
    return file;
  }

  #handle(handle: number): { file: File; path: string; writable: boolean } {
    const open = this.#open.get(handle);
    if (open === undefined) throw failure('EBADF', String(handle));
    return open;
  }
}

function applyChange(
  names: Map<string, File>,
  change: { set: readonly (readonly [string, File])[]; removed: readonly string[] },
): void {
  for (const name of change.removed) names.delete(name);
  for (const [name, file] of change.set) names.set(name, file);
}

function put(file: File, bytes: Uint8Array, position: number): void {
  const end = position + bytes.length;
  if (end > file.content.length) {
    const grown = new Uint8Array(Math.max(end, file.content.length * 2));
    grown.set(file.content.subarray(0, file.length));
    file.content = grown;
  }
  file.content.set(bytes, position);
  file.length = Math.max(file.length, end);
  for (let sector = Math.floor(position / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) file.dirty.add(sector);
}

/** One sector of what readers see, onto a disk that may be shorter. */
function writeSector(file: File, sector: number, disk: Uint8Array): void {
  const at = sector * SECTOR_BYTES;
  const end = Math.min(at + SECTOR_BYTES, file.length, disk.length);
  if (at < end) disk.set(file.content.subarray(at, end), at);
}
