/** What must be done to write-ahead logs after a crash, before anything is read from them or appended to them. */

import { type FileSystem, listFolder } from './file-system.ts';
import { FatalStorageError } from './storage-error.ts';
import { recoverTail } from './tail-recovery.ts';
import { listSegments, WAL_HEADER_BYTES } from './wal-segment.ts';

export interface LogRepair {
  readonly folder: string;
  /** Bytes of a torn tail that were cut off. */
  readonly tornBytes: number;
  /** By partition: its last record in this log. */
  readonly positions: Map<number, number>;
  /** Of the last segment, 0 for an empty log. */
  readonly epoch: number;
}

/** Removes a segment whose creation was cut short, and recovers the tail of the last one (tail-recovery.ts). Repeating it changes nothing. */
export function repairLog(fs: FileSystem, folder: string): LogRepair {
  const { segments, unborn } = listSegments(fs, folder);
  try {
    if (unborn !== null) fs.unlink(unborn);
    if (listFolder(fs, folder).length > 0) fs.syncDirectory(folder);
  } catch (error) {
    throw new FatalStorageError('repair', folder, error);
  }
  const last = segments.at(-1);
  if (last === undefined) return { folder, tornBytes: 0, positions: new Map(), epoch: 0 };
  const positions = new Map(last.header.positions);
  const { tornBytes } = recoverTail(fs, last.path, last.header.salt, WAL_HEADER_BYTES, (frame) => {
    positions.set(frame.partition, frame.number);
  });
  return { folder, tornBytes, positions, epoch: last.header.epoch };
}

/**
 * Repairs the logs of all workers that ever were; to be called once per start, before any worker opens or reads a log. `epoch` is the one to open
 * with.
 */
export function repairLogs(
  fs: FileSystem,
  walRoot: string,
): { readonly epoch: number; readonly repairs: readonly LogRepair[] } {
  const repairs = logFolders(fs, walRoot).map((folder) => repairLog(fs, folder));
  return { epoch: 1 + repairs.reduce((most, repair) => Math.max(most, repair.epoch), 0), repairs };
}

/** Folders of all logs, in the order of their workers' numbers. */
export function logFolders(fs: FileSystem, walRoot: string): string[] {
  return listFolder(fs, walRoot)
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(a) - Number(b))
    .map((name) => `${walRoot}/${name}`);
}
