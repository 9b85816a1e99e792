/** Prints what a write-ahead log segment, or a segment of a decision or dead-letter log, holds. Streams, and goes on behind what is damaged. */
import { RecordKind } from '../protocol/record.ts';
import { decodeDeadLetterEntry } from '../storage/dead-letter-entry.ts';
import { decodeDecisionEntry } from '../storage/decision-entry.ts';
import { type FileSystem, readAll } from '../storage/file-system.ts';
import type { Frame } from '../storage/frame.ts';
import { FrameReader, findFrame } from '../storage/frame-reader.ts';
import { decodeNumberedLogHeader, EntryKind, NUMBERED_LOG_HEADER_BYTES } from '../storage/numbered-log-segment.ts';
import { endOfContent } from '../storage/tail-recovery.ts';
import { decodeSegmentHeader, WAL_HEADER_BYTES } from '../storage/wal-segment.ts';
import { type Column, counted, preview, row, size, time, titles } from './inspect-text.ts';

const PREVIEW_CHARACTERS = 72;

const COMMON: readonly Column[] = [
  { title: 'OFFSET', width: 10, right: true },
  { title: 'PARTITION', width: 9, right: true },
];
const RECORD_COLUMNS: readonly Column[] = [
  ...COMMON,
  { title: 'SEQ', width: 10, right: true },
  { title: 'TIME', width: 24 },
  { title: 'KIND', width: 9 },
  { title: 'BYTES', width: 8, right: true },
  { title: 'CRC', width: 3 },
  { title: 'PAYLOAD', width: 0 },
];
const ENTRY_COLUMNS: readonly Column[] = [
  ...COMMON,
  { title: 'NUMBER', width: 10, right: true },
  { title: 'BYTES', width: 8, right: true },
  { title: 'CRC', width: 3 },
  { title: 'ENTRY', width: 0 },
];

const KIND_NAMES = new Map<number, string>(Object.entries(RecordKind).map(([name, kind]) => [kind, name]));

/** Prints a line. */
export type Print = (line: string) => void;

/** How the frames of one kind of file are shown. */
interface Shape {
  readonly salt: number;
  readonly start: number;
  readonly columns: readonly Column[];
  readonly noun: string;
  cells(frame: Frame, body: Uint8Array | null): readonly (string | number)[];
}

/** Returns false if the file is damaged. */
export function inspectSegment(fs: FileSystem, path: string, limit: number, print: Print): boolean {
  const file = fs.open(path, 'read');
  try {
    const head = new Uint8Array(WAL_HEADER_BYTES);
    const bytes = head.subarray(0, readAll(fs, file, head, 0));
    const shape = walShape(path, bytes, print) ?? numberedShape(path, bytes, print);
    if (shape === null) {
      print(`${path}: the header fails its checksum; without it the records cannot be told from damage`);
      return false;
    }
    return printFrames(fs, file, shape, limit, print);
  } finally {
    fs.close(file);
  }
}

function walShape(path: string, bytes: Uint8Array, print: Print): Shape | null {
  const header = decodeSegmentHeader(path, bytes);
  if (header === null) return null;
  print(`write-ahead log segment ${path}`);
  print(`  worker ${header.worker}, epoch ${header.epoch}, segment ${header.number}`);
  const before = [...header.positions].map(([partition, seq]) => `${partition} up to ${seq}`);
  print(`  in earlier segments of this log: ${before.length === 0 ? 'nothing' : `partition ${before.join(', ')}`}`);
  return {
    salt: header.salt,
    start: WAL_HEADER_BYTES,
    columns: RECORD_COLUMNS,
    noun: 'record',
    cells: ({ offset, partition, number, ts, kind, length }, body) => [
      offset,
      partition,
      number,
      time(ts),
      KIND_NAMES.get(kind) ?? `kind ${kind}`,
      length,
      body === null ? 'BAD' : 'ok',
      body === null ? '' : preview(body, PREVIEW_CHARACTERS),
    ],
  };
}

function numberedShape(path: string, bytes: Uint8Array, print: Print): Shape | null {
  const header = decodeNumberedLogHeader(path, bytes);
  if (header === null) return null;
  const deadLetters = header.kind === EntryKind.deadLetter;
  print(`${deadLetters ? 'dead-letter' : 'decision'} log segment ${path}`);
  print(`  partition ${header.partition}, from number ${header.first} on`);
  return {
    salt: header.salt,
    start: NUMBERED_LOG_HEADER_BYTES,
    columns: ENTRY_COLUMNS,
    noun: deadLetters ? 'dead letter' : 'decision',
    cells: ({ offset, partition, number, length }, body) => [
      offset,
      partition,
      number,
      length,
      body === null ? 'BAD' : 'ok',
      body === null ? '' : entryText(deadLetters, number, body),
    ],
  };
}

function entryText(deadLetter: boolean, number: number, body: Uint8Array): string {
  try {
    if (!deadLetter) {
      const { channel, campaign, json } = decodeDecisionEntry(number, body);
      return `${channel} ${campaign} ${preview(json, PREVIEW_CHARACTERS)}`;
    }
    const { ts, reason, error, raw } = decodeDeadLetterEntry(body);
    return `${time(ts)} ${reason}: ${preview(new TextEncoder().encode(error), PREVIEW_CHARACTERS)} | ${preview(raw, PREVIEW_CHARACTERS)}`;
  } catch {
    return `not understood: ${preview(body, PREVIEW_CHARACTERS)}`;
  }
}

/** One line per frame; a bad place is named and stepped over. */
function printFrames(fs: FileSystem, file: number, shape: Shape, limit: number, print: Print): boolean {
  const end = fs.size(file);
  let reader = new FrameReader(fs, file, shape.salt, shape.start, end);
  let frames = 0;
  let damaged = 0;
  print('');
  print(titles(shape.columns));
  for (;;) {
    const step = reader.next();
    if (step === 'end') break;
    if (step === 'frame') {
      const body = reader.body();
      if (body === null) damaged++;
      if (frames++ < limit || body === null) print(row(shape.columns, shape.cells(reader.frame, body)));
      continue;
    }
    const { offset } = reader;
    const next = findFrame(fs, file, shape.salt, offset + 1, end, -1);
    const torn = endOfContent(fs, file, offset, end) - offset;
    if (torn === 0) {
      print(`  byte ${offset}: room for ${counted(end - offset, 'more byte')}`);
    } else if (findFrame(fs, file, shape.salt, offset + 1, end, offset) < 0) {
      print(
        `  byte ${offset}: torn tail of ${counted(torn, 'byte')}, never acknowledged; it is cut off when the log is opened`,
      );
    } else {
      damaged++;
      print(`  byte ${offset}: DAMAGED, ${counted(next - offset, 'byte')} up to the next intact ${shape.noun}`);
    }
    if (next < 0) break;
    reader = new FrameReader(fs, file, shape.salt, next, end);
  }
  if (frames > limit) print(`  … and ${counted(frames - limit, `more ${shape.noun}`)}`);
  print('');
  print(
    `  ${counted(frames, shape.noun)}, ${size(end)}, ${damaged === 0 ? 'every checksum is right' : `${counted(damaged, 'place')} DAMAGED`}`,
  );
  return damaged === 0;
}
