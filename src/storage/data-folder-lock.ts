/**
 * One process at a time opens a data folder. Node has no file locks, so the lock is a file that names its holder: `lock.<n>`, JSON; the greatest n counts.
 *
 * It is taken by creating `lock.<n + 1>` atomically with its content (link), which one contender alone can do, and only when the holder of `lock.<n>` is
 * gone. Nobody ever removes a lock in order to take it, so that two who find the same dead holder cannot both succeed. A holder is gone when the machine
 * was started anew since, or its pid is free or was given to a process with another start time: a SIGKILL needs no cleaning up. A holder in another pid
 * namespace (a container) cannot be looked up; it is gone once its heartbeat is FOLDER_HEARTBEAT_LOST_MS old.
 *
 * A folder may have been copied with the lock in it, while its holder lives. The lock says which file it is: one that is another file, and that nobody beats, is a copy. Either alone would not do: a process may be
 * stopped for a while, and there are file systems whose numbers of files change.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { FOLDER_HEARTBEAT_LOST_MS } from '../constants.ts';
import { type FileSystem, readFile, writeAll } from './file-system.ts';
import { errorCode, RefusedFileError } from './storage-error.ts';

/** Which process, so that it is not mistaken for a later one of the same pid. Empty strings where the system does not tell. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the system's own unit. */
  readonly started: string;
  readonly boot: string;
  readonly namespace: string;
}

interface Holder extends ProcessIdentity {
  /** FileStat.identity of the lock; null: of a version that did not write it. */
  readonly file: string | null;
}

/** The processes of this machine, as a parameter. */
export interface ProcessTable {
  self(): ProcessIdentity;
  /** Start time of a running process; null if there is none of that pid. */
  started(pid: number): string | null;
  nowMs(): number;
}

const NAME = /^lock\.(\d+)$/;
const ATTEMPTS = 16;

export class DataFolderLock {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #bytes: Uint8Array;

  private constructor(fs: FileSystem, path: string, bytes: Uint8Array) {
    this.#fs = fs;
    this.#path = path;
    this.#bytes = bytes;
  }

  /** RefusedFileError, naming the holder's pid, if the folder is in use. */
  static take(fs: FileSystem, folder: string, processes: ProcessTable): DataFolderLock {
    const self = processes.self();
    const temporary = `${folder}/lock.tmp.${self.pid}.${self.started}`;
    if (fs.stat(temporary) !== null) fs.unlink(temporary);
    const file = fs.open(temporary, 'create');
    const holder: Holder = { ...self, file: fs.stat(temporary)?.identity ?? null };
    const bytes = new TextEncoder().encode(`${JSON.stringify(holder)}\n`);
    try {
      writeAll(fs, file, bytes, 0);
    } finally {
      fs.close(file);
    }
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const number = refuseIfHeld(fs, folder, processes, self, 0) + 1;
        const path = `${folder}/lock.${number}`;
        if (!tryLink(fs, temporary, path)) continue;
        const lock = new DataFolderLock(fs, path, bytes);
        try {
          // A listing may miss names that come and go while it is read: look once more, now that others can see this one.
          refuseIfHeld(fs, folder, processes, self, number);
        } catch (error) {
          lock.release();
          throw error;
        }
        for (const older of lockNumbers(fs, folder)) if (older < number) removeQuietly(fs, `${folder}/lock.${older}`);
        for (const name of fs.readdir(folder)) if (name.startsWith('lock.tmp.')) removeQuietly(fs, `${folder}/${name}`);
        return lock;
      }
      throw new RefusedFileError(folder, 'many processes are opening this data folder at once', 'start one of them');
    } finally {
      removeQuietly(fs, temporary);
    }
  }

  /** To be called every FOLDER_HEARTBEAT_MS: the file's time of change shows that the holder lives. */
  heartbeat(): void {
    const file = this.#fs.open(this.#path, 'write');
    try {
      writeAll(this.#fs, file, this.#bytes, 0);
    } finally {
      this.#fs.close(file);
    }
  }

  release(): void {
    removeQuietly(this.#fs, this.#path);
  }
}

/** Returns the greatest lock number there is; throws if any but `own` has a living holder. */
function refuseIfHeld(
  fs: FileSystem,
  folder: string,
  processes: ProcessTable,
  self: ProcessIdentity,
  own: number,
): number {
  const numbers = lockNumbers(fs, folder);
  for (const number of numbers) {
    if (number === own) continue;
    const path = `${folder}/lock.${number}`;
    const holder = readHolder(fs, path);
    if (holder === null) continue;
    const where =
      holder.namespace === self.namespace ? `process ${holder.pid}` : `process ${holder.pid} of another container`;
    if (holds(fs, path, holder, processes, self)) {
      throw new RefusedFileError(
        folder,
        `this data folder is in use by ${where}`,
        `stop that process first, or use another data folder; a copy of its folder can be opened ${FOLDER_HEARTBEAT_LOST_MS / 1000} seconds after it was made`,
      );
    }
  }
  return numbers.at(-1) ?? 0;
}

function holds(fs: FileSystem, path: string, holder: Holder, processes: ProcessTable, self: ProcessIdentity): boolean {
  if (holder.boot !== self.boot) return false;
  const stat = fs.stat(path);
  const isBeating = processes.nowMs() - (stat?.modifiedMs ?? 0) < FOLDER_HEARTBEAT_LOST_MS;
  if (holder.namespace !== self.namespace) return isBeating;
  const isCopy = holder.file !== null && holder.file !== stat?.identity && !isBeating;
  return !isCopy && processes.started(holder.pid) === holder.started;
}

/** null if it is gone, or is not ours to understand: then nobody can hold it. */
function readHolder(fs: FileSystem, path: string): Holder | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(readFile(fs, path)));
    if (typeof value !== 'object' || value === null) return null;
    const { pid, started, boot, namespace, file } = value as Partial<Holder>;
    if (
      typeof pid !== 'number' ||
      typeof started !== 'string' ||
      typeof boot !== 'string' ||
      typeof namespace !== 'string'
    )
      return null;
    return { pid, started, boot, namespace, file: file ?? null };
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}

function lockNumbers(fs: FileSystem, folder: string): number[] {
  return fs
    .readdir(folder)
    .map((name) => Number(NAME.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);
}

function tryLink(fs: FileSystem, from: string, to: string): boolean {
  try {
    fs.link(from, to);
    return true;
  } catch (error) {
    // ENOENT: whoever has just taken the lock has cleared the temporary files away.
    if (errorCode(error) === 'EEXIST' || errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function removeQuietly(fs: FileSystem, path: string): void {
  try {
    fs.unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** What the kernel tells through /proc; elsewhere a pid is all that is known. */
function procText(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}

/** The fields of /proc/<pid>/stat from the state on, counted after the command, which may hold spaces and parentheses. */
function statFields(pid: number): string[] {
  const stat = procText(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Field 22 of the whole line. */
function startTime(pid: number): string {
  return statFields(pid)[19] ?? '';
}

/** Dead, all of its threads, and only not yet collected by its parent: such a process writes no more. */
function isZombie(pid: number): boolean {
  if (statFields(pid)[0] !== 'Z') return false;
  try {
    return readdirSync(`/proc/${pid}/task`).length <= 1;
  } catch {
    return true;
  }
}

export const nodeProcessTable: ProcessTable = {
  self: () => ({
    pid: process.pid,
    started: startTime(process.pid),
    boot: procText(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')),
    namespace: procText(() => readlinkSync('/proc/self/ns/pid')),
  }),
  started: (pid) => {
    try {
      process.kill(pid, 0);
    } catch (error) {
      // EPERM: it lives, as another user.
      if (errorCode(error) !== 'EPERM') return null;
    }
    return isZombie(pid) ? null : startTime(pid);
  },
  nowMs: () => Date.now(),
};
