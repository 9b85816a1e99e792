/** FileSystem over Node's synchronous calls: measured, write + fdatasync of 4 KiB takes half as long as through promises. */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { FileStat, FileSystem, OpenMode } from './file-system.ts';
import { errorCode } from './storage-error.ts';

const FLAGS: Readonly<Record<OpenMode, string>> = { read: 'r', write: 'r+', create: 'wx+' };

export const nodeFileSystem: FileSystem = {
  open: (path, mode) => openSync(path, FLAGS[mode]),
  close: closeSync,
  read: (file, into, position) => readSync(file, into, 0, into.length, position),
  write: (file, bytes, position) => writeSync(file, bytes, 0, bytes.length, position),
  truncate: ftruncateSync,
  size: (file) => fstatSync(file).size,
  fdatasync: fdatasyncSync,
  fdatasyncInBackground: fdatasync,
  rename: renameSync,
  link: linkSync,
  unlink: unlinkSync,
  readdir: (path) => readdirSync(path).sort(),
  mkdir: (path) => {
    mkdirSync(path, { recursive: true });
  },
  syncDirectory: (path) => {
    const folder = openSync(path, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  },
  stat: (path): FileStat | null => {
    const stat = statIfAny(path);
    if (stat === undefined) return null;
    const { size, dev, ino, mtimeMs } = stat;
    return { bytes: size, directory: stat.isDirectory(), modifiedMs: mtimeMs, identity: `${dev}:${ino}` };
  },
};

function statIfAny(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // Where a file stands in the place of a folder Node 20 throws, and Node 22 says that there is nothing.
    if (errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
