/**
 * An append-only log of entries numbered without gaps: the decisions of a partition, or its dead letters. Format: numbered-log-segment.ts.
 *
 * It holds effects, which replay derives again: `append` may be called with numbers that are stored already, and then verifies that replay tells the
 * same story. So nothing needs a sync per batch: `flush` writes, for readers on other threads; `sync` makes durable, and must have returned before a
 * snapshot that lies behind these entries becomes valid (see snapshot-store.ts).
 *
 * A write or sync that fails throws FatalStorageError: the process ends at once.
 */
import { NUMBERED_LOG_BUFFER_BYTES, NUMBERED_LOG_SEGMENT_BYTES } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { ByteWriter } from '../stdx/bytes.ts';
import { type FileSystem, makeFolder, readAll, removeDurably, writeAll } from './file-system.ts';
import { encodeFrame, type Frame } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import {
  decodeNumberedLogHeader,
  type EntryKind,
  encodeNumberedLogHeader,
  NUMBERED_LOG_HEADER_BYTES,
  type NumberedLogHeader,
  numberedSegmentPath,
  requireNumberedLogHeader,
  segmentFirsts,
} from './numbered-log-segment.ts';
import { CorruptFileError, FatalStorageError, RefusedFileError } from './storage-error.ts';
import { recoverTail } from './tail-recovery.ts';

export interface NumberedLogOptions {
  readonly kind: EntryKind;
  readonly partition: number;
  /** saltOf(id of the data folder). */
  readonly salt: number;
  /**
   * Number that the next entry has at the least, 1 if absent: the one behind the snapshot that replay begins with. A new log begins with it. A log that
   * ends before it has lost entries that were durable and that replay no longer derives: it is refused.
   */
  readonly startAt?: number;
  /** Oldest segments are dropped while all together hold more; at least the newest stays. */
  readonly retainedBytes: number;
  readonly segmentBytes?: number;
}

/** Where append() checks stored entries: numbers come in order, so it moves along. */
interface VerifyCursor {
  readonly first: number;
  readonly file: number;
  readonly reader: FrameReader;
}

export class NumberedLog {
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #options: NumberedLogOptions;
  readonly #segmentBytes: number;
  /** First numbers of all segments, ascending; never empty once open. */
  readonly #firsts: number[];
  readonly #bytes = new Map<number, number>();
  #next: number;
  #file = -1;
  /** Bytes of the last segment that are written, and that are durable. */
  #end = 0;
  #durable = 0;
  readonly #pending = new ByteWriter(64 * 1024);
  #verify: VerifyCursor | null = null;
  #failed = false;

  private constructor(fs: FileSystem, folder: string, options: NumberedLogOptions) {
    this.#fs = fs;
    this.#folder = folder;
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? NUMBERED_LOG_SEGMENT_BYTES;
    this.#next = options.startAt ?? 1;
    this.#firsts = segmentFirsts(fs.readdir(folder));
  }

  /** Recovers the log (torn tail cut off, damage refused) or creates it. */
  static open(fs: FileSystem, folder: string, options: NumberedLogOptions): NumberedLog {
    makeFolder(fs, folder);
    const log = new NumberedLog(fs, folder, options);
    log.#recover();
    return log;
  }

  /** Number of the oldest entry that is kept; equal to `next` if there is none. */
  get first(): number {
    return this.#firsts[0] as number;
  }

  /** Number of the entry to come. */
  get next(): number {
    return this.#next;
  }

  /**
   * True: it is new, and buffered until flush. False: that number was stored before, and says the same; or it is older than what is kept.
   * RefusedFileError: the stored entry differs, so that this log and the records do not belong together.
   */
  append(number: number, bytes: Uint8Array): boolean {
    if (number < this.#next) {
      if (number >= this.first) this.#verifyStored(number, bytes);
      return false;
    }
    assert(number === this.#next, `numbered log ${this.#folder}: ${number} would leave a gap after ${this.#next - 1}`);
    if (this.#end + this.#pending.length >= this.#segmentBytes && this.#next > (this.#firsts.at(-1) as number))
      this.#rotate();
    const { salt, partition, kind } = this.#options;
    encodeFrame(
      this.#pending,
      salt,
      this.#end + this.#pending.length,
      this.#durable,
      number,
      0,
      partition,
      kind,
      bytes,
    );
    this.#next++;
    if (this.#pending.length >= NUMBERED_LOG_BUFFER_BYTES) this.flush();
    return true;
  }

  /** Hands everything appended to the operating system: readers find it, a crash of the process keeps it, a power cut may not. */
  flush(): void {
    if (this.#pending.length === 0) return;
    this.#orFail('write to', () => writeAll(this.#fs, this.#file, this.#pending.bytes(), this.#end));
    this.#end += this.#pending.length;
    this.#pending.clear();
  }

  /** Makes everything appended durable. */
  sync(): void {
    this.flush();
    if (this.#durable === this.#end) return;
    this.#orFail('sync', () => this.#fs.fdatasync(this.#file));
    this.#durable = this.#end;
  }

  close(): void {
    this.#closeVerify();
    if (this.#file >= 0) this.#fs.close(this.#file);
    this.#file = -1;
  }

  #recover(): void {
    const unborn = this.#unborn();
    if (unborn !== null) {
      this.#orFail('repair', () => this.#fs.unlink(unborn));
      this.#firsts.pop();
    }
    this.#orFail('repair', () => this.#fs.syncDirectory(this.#folder));
    for (const first of this.#firsts) this.#bytes.set(first, this.#fs.stat(this.#path(first))?.bytes ?? 0);
    const last = this.#firsts.at(-1);
    if (last === undefined) {
      this.#startSegment();
      return;
    }
    const path = this.#path(last);
    const header = this.#requireHeader(last);
    this.#next = last;
    const visit = (frame: Frame): void => {
      if (frame.number !== this.#next)
        throw new CorruptFileError(path, frame.offset, `entry ${frame.number} where ${this.#next} belongs`);
      this.#next++;
    };
    const { end } = recoverTail(this.#fs, path, header.salt, NUMBERED_LOG_HEADER_BYTES, visit, () => {
      const { startAt = 1 } = this.#options;
      if (this.#next >= startAt) return;
      throw new RefusedFileError(
        path,
        `entry ${this.#next} is missing or damaged, though entries up to ${startAt - 1} had been synced. Nothing was changed`,
        'restore it from a copy; or move the snapshots that lie behind it away, and it is written again from the write-ahead log',
      );
    });
    this.#file = this.#fs.open(path, 'write');
    this.#end = end;
    this.#durable = end;
  }

  /** The last segment, if its creation was cut short. */
  #unborn(): string | null {
    const last = this.#firsts.at(-1);
    if (last === undefined) return null;
    const path = this.#path(last);
    const { header, bytes } = this.#readHeader(last);
    return decodeNumberedLogHeader(path, header) === null && bytes <= NUMBERED_LOG_HEADER_BYTES ? path : null;
  }

  #requireHeader(first: number): NumberedLogHeader {
    const path = this.#path(first);
    const header = requireNumberedLogHeader(path, this.#readHeader(first).header, first);
    const { kind, partition, salt } = this.#options;
    if (header.kind !== kind || header.partition !== partition || header.salt !== salt) {
      throw new RefusedFileError(
        path,
        `it belongs to partition ${header.partition}, kind ${header.kind}, of another log`,
        'move it back to the folder that it came from',
      );
    }
    return header;
  }

  #readHeader(first: number): { header: Uint8Array; bytes: number } {
    const file = this.#fs.open(this.#path(first), 'read');
    try {
      const header = new Uint8Array(NUMBERED_LOG_HEADER_BYTES);
      return { header: header.subarray(0, readAll(this.#fs, file, header, 0)), bytes: this.#fs.size(file) };
    } finally {
      this.#fs.close(file);
    }
  }

  #path(first: number): string {
    return numberedSegmentPath(this.#folder, first);
  }

  #rotate(): void {
    this.sync();
    this.#fs.close(this.#file);
    this.#file = -1;
    this.#bytes.set(this.#firsts.at(-1) as number, this.#end);
    this.#startSegment();
    this.#retain();
  }

  #startSegment(): void {
    const first = this.#next;
    const { kind, partition, salt } = this.#options;
    this.#orFail('start', () => {
      this.#file = this.#fs.open(this.#path(first), 'create');
      writeAll(this.#fs, this.#file, encodeNumberedLogHeader({ kind, partition, first, salt }), 0);
      this.#fs.fdatasync(this.#file);
      this.#fs.syncDirectory(this.#folder);
    });
    this.#firsts.push(first);
    this.#end = NUMBERED_LOG_HEADER_BYTES;
    this.#durable = NUMBERED_LOG_HEADER_BYTES;
  }

  #retain(): void {
    let total = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    while (total > this.#options.retainedBytes && this.#firsts.length > 1) {
      const first = this.#firsts.shift() as number;
      total -= this.#bytes.get(first) ?? 0;
      this.#bytes.delete(first);
      if (this.#verify?.first === first) this.#closeVerify();
      removeDurably(this.#fs, this.#folder, this.#path(first));
    }
  }

  #verifyStored(number: number, bytes: Uint8Array): void {
    this.flush();
    const first = this.#firsts.findLast((candidate) => candidate <= number) as number;
    if (this.#verify !== null && (this.#verify.first !== first || this.#verify.reader.frame.number >= number))
      this.#closeVerify();
    let cursor = this.#verify;
    let stored = cursor === null ? null : advance(cursor.reader, number);
    if (cursor === null || stored === null) {
      // A first look, or the segment has grown since the cursor was opened.
      this.#closeVerify();
      cursor = this.#openVerify(first);
      this.#verify = cursor;
      stored = advance(cursor.reader, number);
    }
    const path = this.#path(first);
    const { offset } = cursor.reader;
    if (stored === null) throw new CorruptFileError(path, offset, `entry ${number} cannot be read`);
    if (Buffer.compare(stored, bytes) !== 0) {
      throw new RefusedFileError(
        path,
        `entry ${number} at byte ${offset} differs from what its record gives now`,
        'the log and the records do not belong together, or another version of beckon wrote them; restore both from one copy',
      );
    }
  }

  #openVerify(first: number): VerifyCursor {
    const { salt } = this.#requireHeader(first);
    const file = this.#fs.open(this.#path(first), 'read');
    return {
      first,
      file,
      reader: new FrameReader(this.#fs, file, salt, NUMBERED_LOG_HEADER_BYTES, this.#fs.size(file)),
    };
  }

  #closeVerify(): void {
    if (this.#verify !== null) this.#fs.close(this.#verify.file);
    this.#verify = null;
  }

  #orFail(action: string, step: () => void): void {
    assert(!this.#failed, 'numbered log: used after it failed');
    try {
      step();
    } catch (error) {
      this.#failed = true;
      throw new FatalStorageError(action, this.#folder, error);
    }
  }
}

/** The body of entry `number`, moving forward; null if the reader does not get there. */
function advance(reader: FrameReader, number: number): Uint8Array | null {
  while (reader.next() === 'frame') {
    if (reader.frame.number === number) return reader.body();
  }
  return null;
}
