/**
 * The file system as storage sees it: synchronous, positional, small enough that a test can own it (torn writes, failed syncs, crashes).
 * Every method throws an error with a `code` like Node's (ENOENT, EEXIST, ENOSPC, EIO …) when it fails.
 */
import { assert } from '../stdx/assert.ts';
import { FatalStorageError } from './storage-error.ts';

/** read: must exist. write: must exist, for reading and writing. create: must not exist, for reading and writing. */
export type OpenMode = 'read' | 'write' | 'create';

export interface FileStat {
  readonly bytes: number;
  readonly directory: boolean;
  readonly modifiedMs: number;
  /** The same for all names of a file, another for a copy. */
  readonly identity: string;
}

export interface FileSystem {
  open(path: string, mode: OpenMode): number;
  close(file: number): void;
  /** Fills `into` from `position`; returns how many bytes there were, 0 at the end. May be short. */
  read(file: number, into: Uint8Array, position: number): number;
  /** Returns how many bytes were written: fewer than given, without an error, on a full disk. Callers use `writeAll`. */
  write(file: number, bytes: Uint8Array, position: number): number;
  truncate(file: number, bytes: number): void;
  size(file: number): number;
  /** Data, and what is needed to read it back (the length). Its failure is final: see FatalStorageError. */
  fdatasync(file: number): void;
  /** The same without waiting: `done` is called in a later turn of the event loop. The file must stay open until then. */
  fdatasyncInBackground(file: number, done: (error: Error | null) => void): void;
  /** Atomic: afterwards `to` is the whole old file or the whole new one. Durable only after syncDirectory. */
  rename(from: string, to: string): void;
  /** A second name for a file; EEXIST if the name is taken. */
  link(existing: string, path: string): void;
  unlink(path: string): void;
  /** Names, sorted. */
  readdir(path: string): string[];
  /** With all parents; quiet if it exists. */
  mkdir(path: string): void;
  /** Makes creations, renames and removals in it durable. */
  syncDirectory(path: string): void;
  /** null if there is nothing of that name. */
  stat(path: string): FileStat | null;
}

/** Writes until everything is written; a full disk shows as a short write first and as ENOSPC on the next try. */
export function writeAll(fs: FileSystem, file: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    const written = fs.write(file, done === 0 ? bytes : bytes.subarray(done), position + done);
    assert(written >= 0 && written <= bytes.length - done, 'file system: impossible count of written bytes');
    if (written === 0) throw Object.assign(new Error('write made no progress'), { code: 'EIO' });
    done += written;
  }
}

/** Reads until `into` is full or the file ends; returns how many bytes were read. */
export function readAll(fs: FileSystem, file: number, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const count = fs.read(file, done === 0 ? into : into.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** A whole small file. */
export function readFile(fs: FileSystem, path: string): Uint8Array {
  const file = fs.open(path, 'read');
  try {
    const bytes = new Uint8Array(fs.size(file));
    return bytes.subarray(0, readAll(fs, file, bytes, 0));
  } finally {
    fs.close(file);
  }
}

/** Names in a folder, sorted; none if it does not exist. */
export function listFolder(fs: FileSystem, path: string): string[] {
  return fs.stat(path) === null ? [] : fs.readdir(path);
}

/** Creates a folder and makes its name, and its parents' names below `root`, durable. */
export function makeFolder(fs: FileSystem, path: string): void {
  if (fs.stat(path) !== null) return;
  const cut = path.lastIndexOf('/');
  if (cut > 0) makeFolder(fs, path.slice(0, cut));
  fs.mkdir(path);
  if (cut > 0) fs.syncDirectory(path.slice(0, cut));
}

/** Puts a small file in place as a whole: temporary name, sync, rename, directory sync. A crash leaves the old file or the new one. */
export function replaceFile(fs: FileSystem, folder: string, name: string, bytes: Uint8Array): void {
  const temporary = `${folder}/${name}.tmp`;
  if (fs.stat(temporary) !== null) fs.unlink(temporary);
  const file = fs.open(temporary, 'create');
  try {
    writeAll(fs, file, bytes, 0);
    fs.fdatasync(file);
  } finally {
    fs.close(file);
  }
  fs.rename(temporary, `${folder}/${name}`);
  fs.syncDirectory(folder);
}

/** One by one, oldest first, each made durable before the next: a crash in between leaves a log without holes. */
export function removeDurably(fs: FileSystem, folder: string, path: string): void {
  try {
    fs.unlink(path);
    fs.syncDirectory(folder);
  } catch (error) {
    throw new FatalStorageError('remove', path, error);
  }
}
