/**
 * Reads the write-ahead logs of all workers, also of those that are no more: recovery (readLogs), and history (RecordReader on one partition).
 *
 * Segments are taken in the order (epoch, worker, number), which gives every partition its records in the order of their sequence (see
 * wal-segment.ts); memory is one chunk. Checked on the way, per partition that is read: the first record continues its position, each continues the one before,
 * a sequence seen again is identical (else both are refused: two histories), and a closed segment ends where the next one's header says.
 *
 * Nothing is changed, so that a log can be read while its writer is at work: the last segment ends with its last whole record, be it that zeros were written ahead, that a
 * batch is half written, or that a crash left a torn tail. `until` makes the end exact.
 */
import type { LogRecord, RecordKind } from '../protocol/record.ts';
import { assert } from '../stdx/assert.ts';
import type { FileSystem } from './file-system.ts';
import { FrameReader } from './frame-reader.ts';
import type { FramePlaces, SegmentPlaces } from './segment-places.ts';
import { CorruptFileError, RefusedFileError } from './storage-error.ts';
import { logFolders } from './wal-repair.ts';
import { listSegments, type Segment, WAL_HEADER_BYTES } from './wal-segment.ts';
import { framesWrittenSince } from './wal-tail.ts';

export interface LogRange {
  /** Partitions to read, each with the sequence after which to begin: that of its snapshot, 0 for everything. */
  readonly positions: ReadonlyMap<number, number>;
  /** Only segments of earlier epochs, so that a worker can recover while others already write. All if absent. */
  readonly epochBefore?: number;
  /** The last sequence to read of each of the partitions. To the end if absent. */
  readonly until?: ReadonlyMap<number, number>;
  /** Where frames lie, for whoever reads one partition at a time, and only up to records that were there when it was made. */
  readonly places?: SegmentPlaces;
}

/** A segment and what it ends with, if its successor told. */
export interface Part {
  readonly segment: Segment;
  readonly endPositions: ReadonlyMap<number, number> | null;
}

/** Calls `visit` for every record after the given positions, in the order of sequence per partition. The payload is a view that the next record overwrites. */
export function readLogs(
  fs: FileSystem,
  walRoot: string,
  range: LogRange,
  visit: (partition: number, record: LogRecord) => void,
): void {
  const reader = new RecordReader(fs, walRoot, range);
  try {
    while (reader.next())
      visit(reader.partition, { seq: reader.seq, ts: reader.ts, kind: reader.kind, payload: reader.payload });
  } finally {
    reader.close();
  }
}

/** The history of one partition from sequence `seq` on; RefusedFileError on next() if that is no longer kept. Close it when done. */
export function readFrom(fs: FileSystem, walRoot: string, partition: number, seq: number): RecordReader {
  assert(seq >= 1, 'sequences start at 1');
  return new RecordReader(fs, walRoot, { positions: new Map([[partition, seq - 1]]) });
}

export class RecordReader {
  partition = 0;
  seq = 0;
  ts = 0;
  kind: RecordKind = 1;
  /** A view that next() invalidates. */
  payload: Uint8Array = new Uint8Array(0);
  readonly #fs: FileSystem;
  readonly #walRoot: string;
  readonly #range: LogRange;
  readonly #parts: readonly Part[];
  /** Last sequence given out, or the starting position. */
  readonly #positions: Map<number, number>;
  /** Partitions that have not come to their end yet. */
  #unfinished: number;
  /** For sequences seen again: second readers that follow the first copies. */
  readonly #twins = new Map<number, RecordReader>();
  #partIndex = -1;
  #file = -1;
  #frames: FrameReader | null = null;
  /** Last sequence per partition within the current segment. */
  #segmentPositions = new Map<number, number>();

  constructor(fs: FileSystem, walRoot: string, range: LogRange) {
    this.#fs = fs;
    this.#walRoot = walRoot;
    this.#range = range;
    this.#positions = new Map(range.positions);
    this.#unfinished = [...range.positions].filter(([partition, seq]) => seq < this.#until(partition)).length;
    this.#parts = neededParts(fs, walRoot, range);
  }

  /** Moves to the next record. False at the end. Throws CorruptFileError or RefusedFileError. */
  next(): boolean {
    for (;;) {
      if (this.#unfinished === 0 || (this.#frames === null && !this.#openNext())) return false;
      const frames = this.#frames as FrameReader;
      const step = frames.next();
      if (step !== 'frame') {
        this.#finishSegment(step === 'bad');
        continue;
      }
      const { partition, number } = frames.frame;
      this.#segmentPositions.set(partition, number);
      const start = this.#range.positions.get(partition);
      if (start === undefined || number <= start || number > this.#until(partition)) continue;
      const body = frames.body();
      if (body === null) {
        this.#finishSegment(true);
        continue;
      }
      if (this.#accept(partition, number, frames, body)) return true;
    }
  }

  close(): void {
    if (this.#file >= 0) this.#fs.close(this.#file);
    this.#file = -1;
    this.#frames = null;
    this.#partIndex = this.#parts.length;
    for (const twin of this.#twins.values()) twin.close();
    this.#twins.clear();
  }

  /** False for one that was given out before. */
  #accept(partition: number, seq: number, frames: FrameReader, body: Uint8Array): boolean {
    const position = this.#positions.get(partition) as number;
    const { ts, kind, offset } = frames.frame;
    if (seq <= position) {
      this.#compare(partition, seq, ts, kind, body, offset);
      return false;
    }
    if (seq !== position + 1) throw this.#gap(partition, position + 1, seq);
    this.#positions.set(partition, seq);
    if (seq === this.#until(partition)) this.#unfinished--;
    this.partition = partition;
    this.seq = seq;
    this.ts = ts;
    this.kind = kind as RecordKind;
    this.payload = body;
    return true;
  }

  #gap(partition: number, expected: number, found: number): RefusedFileError {
    return new RefusedFileError(
      this.#part().segment.path,
      `partition ${partition} goes on with record ${found}, records ${expected} to ${found - 1} are in no log`,
      'put the missing segments or a newer snapshot of the partition back; records are never skipped',
    );
  }

  /** A copy of a record must say the same; the first copy is found by reading the same segments once more, in step. */
  #compare(partition: number, seq: number, ts: number, kind: number, body: Uint8Array, offset: number): void {
    let twin = this.#twins.get(partition);
    if (twin === undefined || twin.seq >= seq) {
      twin?.close();
      twin = new RecordReader(this.#fs, this.#walRoot, { ...this.#range, positions: new Map([[partition, seq - 1]]) });
      this.#twins.set(partition, twin);
    }
    while (twin.seq < seq) assert(twin.next(), 'write-ahead log: a record given out before is gone');
    if (twin.ts !== ts || twin.kind !== kind || Buffer.compare(twin.payload, body) !== 0) {
      throw new RefusedFileError(
        this.#part().segment.path,
        `record ${seq} of partition ${partition} at byte ${offset} differs from an earlier record of the same sequence: two histories`,
        'find out which data folder this log belongs to; restore the folder from a copy',
      );
    }
  }

  #until(partition: number): number {
    return this.#range.until?.get(partition) ?? Number.POSITIVE_INFINITY;
  }

  #part(): Part {
    return this.#parts[this.#partIndex] as Part;
  }

  #openNext(): boolean {
    if (this.#partIndex + 1 >= this.#parts.length) return false;
    this.#partIndex++;
    const { segment } = this.#part();
    this.#file = this.#fs.open(segment.path, 'read');
    const { salt } = segment.header;
    const places = this.#placesIn(segment);
    this.#frames = new FrameReader(this.#fs, this.#file, salt, WAL_HEADER_BYTES, this.#fs.size(this.#file), places);
    this.#segmentPositions = new Map(segment.header.positions);
    return true;
  }

  #placesIn(segment: Segment): FramePlaces | null {
    const { places, positions } = this.#range;
    if (places === undefined) return null;
    const [partition] = positions.keys();
    assert(partition !== undefined && positions.size === 1, 'places are of one partition');
    return places.of(segment, this.#file, partition);
  }

  #finishSegment(bad: boolean): void {
    const { segment, endPositions } = this.#part();
    const offset = (this.#frames as FrameReader).offset;
    if (bad) {
      const grown = framesWrittenSince(this.#fs, this.#file, segment, offset);
      if (grown !== null) {
        this.#frames = grown;
        return;
      }
    } else if (endPositions !== null) {
      for (const [partition, seq] of endPositions) {
        // With places the others' records are passed over unseen.
        if (this.#segmentPositions.get(partition) === seq) continue;
        if (this.#range.places !== undefined && !this.#range.positions.has(partition)) continue;
        throw new CorruptFileError(
          segment.path,
          offset,
          `the segment ends before record ${seq} of partition ${partition}`,
        );
      }
    }
    this.#fs.close(this.#file);
    this.#file = -1;
    this.#frames = null;
  }
}

/** Segments that can hold a wanted record, in reading order. */
export function neededParts(fs: FileSystem, walRoot: string, range: LogRange): Part[] {
  const parts: Part[] = [];
  for (const folder of logFolders(fs, walRoot)) {
    const { segments } = listSegments(fs, folder);
    for (const [i, segment] of segments.entries()) {
      if (range.epochBefore !== undefined && segment.header.epoch >= range.epochBefore) break;
      const endPositions = segments[i + 1]?.header.positions ?? null;
      if (endPositions === null || holdsWanted(segment.header.positions, endPositions, range.positions))
        parts.push({ segment, endPositions });
    }
  }
  return parts.sort(
    (a, b) =>
      a.segment.header.epoch - b.segment.header.epoch ||
      a.segment.header.worker - b.segment.header.worker ||
      a.segment.header.number - b.segment.header.number,
  );
}

function holdsWanted(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  wanted: ReadonlyMap<number, number>,
): boolean {
  for (const [partition, position] of wanted) {
    const last = after.get(partition);
    if (last !== undefined && last > position && before.get(partition) !== last) return true;
  }
  return false;
}
