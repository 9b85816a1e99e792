/**
 * The write-ahead log of one worker: the records of all its partitions, in the order in which they were taken. Format: wal-segment.ts and frame.ts.
 *
 * Order law: *a record is durable before its effects leave the partition.* `append` buffers; `commit` does one write and one fdatasync for the whole
 * batch (group commit: sixteen serial fdatasyncs took 3.4 ms where one took 0.23). Effects of a batch may leave only after its commit returned.
 *
 * Records that are durable elsewhere (in JetStream) need no sync of their own: `write` hands them to the operating system, `syncInBackground` makes them durable
 * by and by. A power cut may then take the end of this log, and it is read from there again. A snapshot must not become valid before the log is
 * durable up to it: `durableBytes` tells.
 *
 * What fails throws FatalStorageError: the process ends at once, see storage-error.ts. The log is unusable afterwards.
 */
import {
  WAL_BUFFER_BYTES_KEPT,
  WAL_COMMIT_BYTES_MAX,
  WAL_PREALLOCATED_BYTES,
  WAL_SEGMENT_BYTES,
} from '../constants.ts';
import type { RecordKind } from '../protocol/record.ts';
import { assert } from '../stdx/assert.ts';
import { ByteWriter } from '../stdx/bytes.ts';
import { type FileSystem, makeFolder, writeAll } from './file-system.ts';
import { encodeFrame } from './frame.ts';
import { errorCode, FatalStorageError } from './storage-error.ts';
import { repairLog } from './wal-repair.ts';
import { encodeSegmentHeader, listSegments, segmentPath, WAL_HEADER_BYTES } from './wal-segment.ts';

export interface WriteAheadLogOptions {
  readonly worker: number;
  /** Greater than that of every earlier opening of the data folder: repairLogs() gives it, once per start, for all workers. */
  readonly epoch: number;
  /** saltOf(id of the data folder). */
  readonly salt: number;
  readonly segmentBytes?: number;
  /** Room made ahead of small commits; 0: none. */
  readonly preallocatedBytes?: number;
}

export class WriteAheadLog {
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #options: WriteAheadLogOptions;
  readonly #segmentBytes: number;
  readonly #preallocatedBytes: number;
  /** Every partition's last record in this log, ever; goes into segment headers. Includes buffered ones. */
  readonly #positions: Map<number, number>;
  /** Of the partitions written since opening, or since they started: what the next record must continue. */
  readonly #tails = new Map<number, { seq: number; ts: number }>();
  #pending = new ByteWriter(64 * 1024);
  #pendingRecords = 0;
  #file = -1;
  #path = '';
  #number: number;
  /** Bytes of the open segment that are written, and that are durable. */
  #end = 0;
  #durable = 0;
  /** Bytes written since opening, in all segments, and how many of them are durable. */
  #writtenBytes = 0;
  #durableBytes = 0;
  /** A sync that is under way, of this file; it is closed behind it if another segment has begun. */
  #syncing: { readonly file: number; close: boolean } | null = null;
  /** Length of the file: #end, or more where room was made. */
  #allocated = 0;
  #failed = false;

  private constructor(
    fs: FileSystem,
    folder: string,
    options: WriteAheadLogOptions,
    positions: Map<number, number>,
    number: number,
  ) {
    this.#fs = fs;
    this.#folder = folder;
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? WAL_SEGMENT_BYTES;
    this.#preallocatedBytes = options.preallocatedBytes ?? WAL_PREALLOCATED_BYTES;
    this.#positions = positions;
    this.#number = number;
  }

  /** Repairs the tail of this log (see repairLog) and starts a new segment. */
  static open(fs: FileSystem, folder: string, options: WriteAheadLogOptions): WriteAheadLog {
    makeFolder(fs, folder);
    const { positions } = repairLog(fs, folder);
    const last = listSegments(fs, folder).segments.at(-1);
    assert(
      last === undefined || last.header.epoch < options.epoch,
      'write-ahead log: the epoch must grow with every opening',
    );
    const log = new WriteAheadLog(fs, folder, options, positions, last?.header.number ?? 0);
    log.#startSegment();
    return log;
  }

  /** Buffers one record; `payload` is copied. Sequences of a partition must follow each other, and its ts never go back. */
  append(partition: number, seq: number, ts: number, kind: RecordKind, payload: Uint8Array): void {
    assert(!this.#failed, 'write-ahead log: used after it failed');
    assert(seq >= 1, 'write-ahead log: sequences start at 1');
    const tail = this.#tails.get(partition);
    if (tail === undefined) {
      this.#tails.set(partition, { seq, ts });
    } else {
      assert(seq === tail.seq + 1, `write-ahead log: partition ${partition} jumps from ${tail.seq} to ${seq}`);
      assert(ts >= tail.ts, `write-ahead log: ts of partition ${partition} goes back`);
      tail.seq = seq;
      tail.ts = ts;
    }
    if (this.#pendingRecords === 0 && this.#end >= this.#segmentBytes) this.#startSegment();
    encodeFrame(
      this.#pending,
      this.#options.salt,
      this.#end + this.#pending.length,
      this.#durable,
      seq,
      ts,
      partition,
      kind,
      payload,
    );
    this.#positions.set(partition, seq);
    this.#pendingRecords++;
  }

  /** A partition that left this log may come back at another sequence. */
  forget(partition: number): void {
    this.#tails.delete(partition);
  }

  get pendingRecords(): number {
    return this.#pendingRecords;
  }

  /** What write() has written since opening. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Of that, what is durable. */
  get durableBytes(): number {
    return this.#durableBytes;
  }

  /** Makes everything appended so far durable. Returns the bytes written; 0, without touching the disk, if there was nothing. */
  commit(): number {
    const small = this.#pending.length * 4 <= this.#preallocatedBytes;
    if (this.#pendingRecords > 0 && small) this.#orFail('write to', () => this.#makeRoom(this.#pending.length));
    const written = this.write();
    this.sync();
    return written;
  }

  /** Hands everything appended so far to the operating system: a crash of the process keeps it, a power cut may not. Returns the bytes written. */
  write(): number {
    assert(!this.#failed, 'write-ahead log: used after it failed');
    if (this.#pendingRecords === 0) return 0;
    const bytes = this.#pending.bytes();
    assert(bytes.length <= WAL_COMMIT_BYTES_MAX, 'write-ahead log: the batch is too large');
    this.#orFail('write to', () => writeAll(this.#fs, this.#file, bytes, this.#end));
    const written = bytes.length;
    this.#end += written;
    this.#writtenBytes += written;
    this.#allocated = Math.max(this.#allocated, this.#end);
    this.#pendingRecords = 0;
    if (written > WAL_BUFFER_BYTES_KEPT) this.#pending = new ByteWriter(64 * 1024);
    else this.#pending.clear();
    return written;
  }

  /** Makes everything written durable. */
  sync(): void {
    assert(!this.#failed, 'write-ahead log: used after it failed');
    if (this.#durable === this.#end) return;
    this.#orFail('sync', () => this.#fs.fdatasync(this.#file));
    this.#durable = this.#end;
    this.#durableBytes = this.#writtenBytes;
  }

  /** Makes what is written so far durable, without waiting; `done` is called then. Does nothing while one is under way, or where nothing is to be done. */
  syncInBackground(done: () => void): void {
    assert(!this.#failed, 'write-ahead log: used after it failed');
    if (this.#syncing !== null || this.#durable === this.#end) return;
    const syncing = { file: this.#file, close: false };
    const path = this.#path;
    const end = this.#end;
    const writtenBytes = this.#writtenBytes;
    this.#syncing = syncing;
    this.#fs.fdatasyncInBackground(syncing.file, (error) => {
      this.#syncing = null;
      if (syncing.close) this.#fs.close(syncing.file);
      if (error !== null) {
        this.#failed = true;
        throw new FatalStorageError('sync', path, error);
      }
      // A segment that ended meanwhile was synced as a whole.
      if (syncing.file === this.#file) this.#durable = Math.max(this.#durable, end);
      this.#durableBytes = Math.max(this.#durableBytes, writtenBytes);
      done();
    });
  }

  /** Ends the use of the log; nothing may be pending. */
  close(): void {
    assert(this.#pendingRecords === 0 || this.#failed, 'write-ahead log: closed with uncommitted records');
    this.#closeFile();
    this.#failed = true;
  }

  #closeFile(): void {
    if (this.#file < 0) return;
    // While it is being synced its number must not become another file's.
    if (this.#syncing?.file === this.#file) this.#syncing.close = true;
    else this.#fs.close(this.#file);
    this.#file = -1;
  }

  /** The header and the name are durable before the first record can be. */
  #startSegment(): void {
    this.#endSegment();
    this.#number++;
    this.#path = segmentPath(this.#folder, this.#number);
    const { worker, epoch, salt } = this.#options;
    // Called between commits only: nothing is pending, so that the positions are those of durable records.
    const header = encodeSegmentHeader({ worker, epoch, salt, number: this.#number, positions: this.#positions });
    this.#orFail('start', () => {
      this.#file = this.#fs.open(this.#path, 'create');
      writeAll(this.#fs, this.#file, header, 0);
      this.#fs.fdatasync(this.#file);
      this.#fs.syncDirectory(this.#folder);
    });
    this.#end = WAL_HEADER_BYTES;
    this.#durable = WAL_HEADER_BYTES;
    this.#allocated = WAL_HEADER_BYTES;
  }

  /** A closed segment ends with its last record: whatever else is found there is damage. */
  #endSegment(): void {
    if (this.#file < 0) return;
    this.sync();
    if (this.#allocated > this.#end) {
      this.#orFail('end', () => {
        this.#fs.truncate(this.#file, this.#end);
        this.#fs.fdatasync(this.#file);
      });
    }
    this.#closeFile();
  }

  /**
   * Writes zeros ahead of small commits. A sync that only overwrites does not change the file's length, which spares it the file system's journal: measured
   * with 3 KB commits, p50 0.20 → 0.12 ms, p90 under load 3.6 → 1.6 ms. Zeros are no frame; recovery cuts them off. Long commits are not worth writing twice.
   */
  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#allocated) return;
    try {
      writeAll(this.#fs, this.#file, new Uint8Array(this.#preallocatedBytes), this.#end);
    } catch (error) {
      // The batch itself may still fit.
      if (errorCode(error) !== 'ENOSPC') throw error;
    }
    this.#allocated = this.#fs.size(this.#file);
  }

  #orFail(action: string, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#failed = true;
      throw new FatalStorageError(action, this.#path, error);
    }
  }
}
