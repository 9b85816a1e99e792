/** Prints what a folder holds: of a data folder its identity and a line per log and partition, of any other folder a line per file that is ours. */
import { DataPaths, readIdentity } from '../storage/data-folder.ts';
import { type FileSystem, listFolder, readAll } from '../storage/file-system.ts';
import { FrameReader } from '../storage/frame-reader.ts';
import {
  decodeNumberedLogHeader,
  NUMBERED_LOG_HEADER_BYTES,
  numberedSegmentPath,
  segmentFirsts,
} from '../storage/numbered-log-segment.ts';
import { decodeSnapshotHeader, SNAPSHOT_HEADER_BYTES, snapshotName, snapshotSeq } from '../storage/snapshot-format.ts';
import { logFolders } from '../storage/wal-repair.ts';
import { listSegments, type Segment, WAL_HEADER_BYTES } from '../storage/wal-segment.ts';
import type { Print } from './inspect-log.ts';
import { type Column, counted, row, size, time, titles } from './inspect-text.ts';

const LOG_COLUMNS: readonly Column[] = [
  { title: 'WORKER', width: 6, right: true },
  { title: 'SEGMENTS', width: 8, right: true },
  { title: 'SIZE', width: 10, right: true },
  { title: 'EPOCHS', width: 10 },
  { title: 'LAST RECORD BY PARTITION', width: 0 },
];
const PARTITION_COLUMNS: readonly Column[] = [
  { title: 'PARTITION', width: 9, right: true },
  { title: 'SNAPSHOTS', width: 9, right: true },
  { title: 'NEWEST AFTER', width: 12, right: true },
  { title: 'LOG TIME', width: 24 },
  { title: 'SIZE', width: 10, right: true },
  { title: 'DECISIONS', width: 20 },
  { title: 'DEAD LETTERS', width: 0 },
];
const FILE_COLUMNS: readonly Column[] = [
  { title: 'SIZE', width: 10, right: true },
  { title: 'FILE', width: 0 },
];

/** Prints a problem where one shows; returns false then. Bodies are not read: inspect a file for that. */
export function inspectFolder(fs: FileSystem, root: string, limit: number, print: Print): boolean {
  const identity = readIdentity(fs, root);
  if (identity === null) return inspectFiles(fs, root, limit, print);
  print(`data folder ${root}`);
  print(
    `  ${counted(identity.partitions, 'partition')}, ${identity.clock} clock, room for ${identity.customersPerPartition} customers each`,
  );
  print(`  id ${identity.id}, created ${identity.created}`);
  const paths = new DataPaths(root);
  print('');
  let intact = true;
  const guarded = (describe: () => string): void => {
    try {
      print(describe());
    } catch (error) {
      intact = false;
      print(`  ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  print('write-ahead logs');
  print(titles(LOG_COLUMNS));
  for (const folder of logFolders(fs, paths.walRoot)) guarded(() => logRow(fs, folder));
  print('');
  print('partitions');
  print(titles(PARTITION_COLUMNS));
  for (let partition = 0; partition < identity.partitions; partition++)
    guarded(() => partitionRow(fs, paths, partition));
  return intact;
}

function logRow(fs: FileSystem, folder: string): string {
  const { segments } = listSegments(fs, folder);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const first = segments[0]?.header;
  const last = segments.at(-1)?.header;
  const epochs =
    first === undefined || last === undefined
      ? ''
      : first.epoch === last.epoch
        ? String(first.epoch)
        : `${first.epoch}–${last.epoch}`;
  const positions = [...lastPositions(fs, segments.at(-1))]
    .sort((a, b) => a[0] - b[0])
    .map(([partition, seq]) => `${partition}:${seq}`);
  return row(LOG_COLUMNS, [
    folder.slice(folder.lastIndexOf('/') + 1),
    segments.length,
    size(bytes),
    epochs,
    positions.join(' '),
  ]);
}

/** Where each partition stands at the end of a log, as far as its last segment is intact. */
function lastPositions(fs: FileSystem, segment: Segment | undefined): Map<number, number> {
  if (segment === undefined) return new Map();
  const positions = new Map(segment.header.positions);
  const file = fs.open(segment.path, 'read');
  try {
    const reader = new FrameReader(fs, file, segment.header.salt, WAL_HEADER_BYTES, fs.size(file));
    while (reader.next() === 'frame') positions.set(reader.frame.partition, reader.frame.number);
  } finally {
    fs.close(file);
  }
  return positions;
}

function partitionRow(fs: FileSystem, paths: DataPaths, partition: number): string {
  const folder = paths.partition(partition);
  const seqs = listFolder(fs, folder)
    .map(snapshotSeq)
    .filter((seq) => seq >= 0);
  const newest = seqs.length === 0 ? -1 : Math.max(...seqs);
  const bytes = newest < 0 ? 0 : (fs.stat(`${folder}/${snapshotName(newest)}`)?.bytes ?? 0);
  return row(PARTITION_COLUMNS, [
    partition,
    seqs.length,
    newest < 0 ? '' : newest,
    newest < 0 ? '' : snapshotTime(fs, `${folder}/${snapshotName(newest)}`),
    newest < 0 ? '' : size(bytes),
    entries(fs, paths.decisions(partition)),
    entries(fs, paths.deadLetters(partition)),
  ]);
}

function snapshotTime(fs: FileSystem, path: string): string {
  const header = decodeSnapshotHeader(head(fs, path, SNAPSHOT_HEADER_BYTES));
  return header === null ? 'DAMAGED HEADER' : time(header.header.logTime);
}

/** `first–last` of a numbered log. */
function entries(fs: FileSystem, folder: string): string {
  const firsts = segmentFirsts(listFolder(fs, folder));
  const [first, last] = [firsts[0], firsts.at(-1)];
  if (first === undefined || last === undefined) return '';
  const path = numberedSegmentPath(folder, last);
  const header = decodeNumberedLogHeader(path, head(fs, path, NUMBERED_LOG_HEADER_BYTES));
  if (header === null) return `from ${first}, DAMAGED`;
  const file = fs.open(path, 'read');
  try {
    const reader = new FrameReader(fs, file, header.salt, NUMBERED_LOG_HEADER_BYTES, fs.size(file));
    let number = last - 1;
    while (reader.next() === 'frame') number = reader.frame.number;
    return number < first ? 'none' : `${first}–${number}`;
  } finally {
    fs.close(file);
  }
}

function head(fs: FileSystem, path: string, bytes: number): Uint8Array {
  const file = fs.open(path, 'read');
  try {
    const into = new Uint8Array(bytes);
    return into.subarray(0, readAll(fs, file, into, 0));
  } finally {
    fs.close(file);
  }
}

function inspectFiles(fs: FileSystem, root: string, limit: number, print: Print): boolean {
  print(`folder ${root}`);
  let files = 0;
  const walk = (folder: string): void => {
    for (const name of fs.readdir(folder)) {
      const path = `${folder}/${name}`;
      const stat = fs.stat(path);
      if (stat?.directory) walk(path);
      else if (stat !== null && /\.(wal|log|snapshot)$/.test(name)) {
        if (files === 0) print(titles(FILE_COLUMNS));
        if (files++ < limit) print(row(FILE_COLUMNS, [size(stat.bytes), path]));
      }
    }
  };
  walk(root);
  if (files > limit) print(`  … and ${files - limit} more`);
  print(
    files === 0
      ? '  holds no segment and no snapshot, and is no data folder (no beckon.json)'
      : `  ${counted(files, 'file')}; inspect one of them to see what is in it`,
  );
  return files > 0;
}
