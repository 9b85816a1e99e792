/** Which write-ahead log segments are no longer needed. */

import { type FileSystem, removeDurably } from './file-system.ts';
import { logFolders } from './wal-repair.ts';
import { listSegments } from './wal-segment.ts';

/**
 * Deletes, in every log below `walRoot`, the segments from the oldest on in which each record is at or below the kept position of its partition (see
 * SnapshotStore.prune). A partition without a position keeps everything. The last segment of a log stays: it carries the log's number and epoch.
 * Safe beside the workers that write: they never come back to a closed segment. Returns how many were deleted.
 */
export function dropSegmentsBefore(fs: FileSystem, walRoot: string, positions: ReadonlyMap<number, number>): number {
  let dropped = 0;
  for (const folder of logFolders(fs, walRoot)) dropped += dropFrom(fs, folder, positions);
  return dropped;
}

function dropFrom(fs: FileSystem, folder: string, positions: ReadonlyMap<number, number>): number {
  const { segments } = listSegments(fs, folder);
  let dropped = 0;
  for (let i = 0; i + 1 < segments.length; i++) {
    const before = segments[i]?.header.positions;
    const after = segments[i + 1]?.header.positions ?? new Map<number, number>();
    const needed = [...after].some(
      ([partition, seq]) => before?.get(partition) !== seq && seq > (positions.get(partition) ?? -1),
    );
    if (needed) break;
    removeDurably(fs, folder, segments[i]?.path ?? '');
    dropped++;
  }
  return dropped;
}
