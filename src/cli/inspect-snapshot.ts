/** Prints what a snapshot holds, and whether it is valid or what is wrong with it. */
import type { FileSystem } from '../storage/file-system.ts';
import { SnapshotSection } from '../storage/snapshot-format.ts';
import { readSnapshot } from '../storage/snapshot-reader.ts';
import type { Print } from './inspect-log.ts';
import { type Column, counted, row, size, time, titles } from './inspect-text.ts';

const SECTION_COLUMNS: readonly Column[] = [
  { title: 'OFFSET', width: 12, right: true },
  { title: 'KIND', width: 8 },
  { title: 'BYTES', width: 12, right: true },
];
const KIND_COLUMNS: readonly Column[] = [
  { title: 'KIND', width: 8 },
  { title: 'SECTIONS', width: 8, right: true },
  { title: 'BYTES', width: 12, right: true },
  { title: 'LONGEST', width: 12, right: true },
];
const KIND_NAMES = new Map<number, string>(Object.entries(SnapshotSection).map(([name, kind]) => [kind, name]));

/** `sections`: how many to list one by one. Returns false if the snapshot is not valid. */
export function inspectSnapshot(fs: FileSystem, path: string, sections: number, print: Print): boolean {
  const kinds = new Map<string, { count: number; bytes: number; longest: number }>();
  let listed = 0;
  print(`snapshot ${path}`);
  const content = readSnapshot(
    fs,
    path,
    (kind, body, offset) => {
      const name = KIND_NAMES.get(kind) ?? `kind ${kind}`;
      const tally = kinds.get(name) ?? { count: 0, bytes: 0, longest: 0 };
      kinds.set(name, {
        count: tally.count + 1,
        bytes: tally.bytes + body.length,
        longest: Math.max(tally.longest, body.length),
      });
      if (listed++ >= sections) return;
      if (listed === 1) print(titles(SECTION_COLUMNS));
      print(row(SECTION_COLUMNS, [offset, name, body.length]));
    },
    ({ partition, seq, logTime, workspaceVersion }) => {
      print(`  partition ${partition}, after record ${seq}, log time ${time(logTime)}`);
      print(`  workspace version ${workspaceVersion}, ${size(fs.stat(path)?.bytes ?? 0)}`);
      print('');
    },
  );
  if (listed > sections && sections > 0) print(`  … and ${counted(listed - sections, 'more section')}`);
  if (sections > 0) print('');
  print(titles(KIND_COLUMNS));
  for (const [name, { count, bytes, longest }] of kinds) print(row(KIND_COLUMNS, [name, count, bytes, longest]));
  print('');
  if ('what' in content) {
    print(`  NOT VALID: byte ${content.offset}: ${content.what}`);
    return false;
  }
  const { trailer } = content;
  print(
    `  valid: ${counted(trailer.sections, 'section')} of ${trailer.bytes} bytes, CRC ${trailer.crc.toString(16).padStart(8, '0')}, state digest ${trailer.digest}`,
  );
  return true;
}
