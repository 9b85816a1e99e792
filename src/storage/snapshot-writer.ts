/**
 * Writes one snapshot in steps, so that a partition goes on between them. Format: snapshot-format.ts.
 *
 * Order law: *a snapshot becomes valid only when every effect up to its position is durable*, or a crash could lose decisions that replay no longer
 * derives. `commit` is therefore handed the function that makes them durable, and calls it before the file gets its name.
 *
 * Writes are synced every SNAPSHOT_SYNC_BYTES, in the background: whoever stops while `behind` never waits for more than twice that much to reach the disk, and
 * commit for no more than the rest. Whoever does not stop waits in `section`.
 *
 * A full disk only costs the snapshot: SnapshotFailedError, the temporary file is gone, the log still holds everything. A failed sync is fatal; one in the
 * background ends the thread.
 */
import { crc32 } from 'node:zlib';
import { SNAPSHOT_SECTION_BYTES_MAX, SNAPSHOT_SYNC_BYTES } from '../constants.ts';
import { assert } from '../stdx/assert.ts';
import { type FileSystem, writeAll } from './file-system.ts';
import {
  encodeSectionHead,
  encodeSnapshotHeader,
  encodeTrailer,
  type SnapshotHeader,
  SnapshotSection,
  snapshotName,
} from './snapshot-format.ts';
import { describe, FatalStorageError } from './storage-error.ts';

export class SnapshotFailedError extends Error {
  override readonly name = 'SnapshotFailedError';
}

export class SnapshotWriter {
  readonly header: SnapshotHeader;
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #temporary: string;
  #file: number;
  #end = 0;
  #synced = 0;
  /** A sync that is under way; the file is closed behind it if it was to be closed meanwhile. */
  #syncing: { readonly file: number; close: boolean } | null = null;
  #crc = 0;
  #sections = 0;
  #bytes = 0;

  /** For SnapshotStore.begin. The folder holds no other temporary file. */
  constructor(fs: FileSystem, folder: string, header: SnapshotHeader) {
    this.#fs = fs;
    this.#folder = folder;
    this.header = header;
    this.#temporary = `${folder}/${snapshotName(header.seq)}.tmp`;
    try {
      this.#file = fs.open(this.#temporary, 'create');
    } catch (error) {
      throw new SnapshotFailedError(`cannot create ${this.#temporary}: ${describe(error)}`, { cause: error });
    }
    const bytes = encodeSnapshotHeader(header);
    this.#write(bytes);
    this.#crc = crc32(bytes);
  }

  /** One section. `body` is not kept. */
  section(kind: SnapshotSection, body: Uint8Array): void {
    assert(kind !== SnapshotSection.trailer, 'snapshot: the trailer is written by commit');
    assert(body.length <= SNAPSHOT_SECTION_BYTES_MAX, 'snapshot: section too long');
    const head = encodeSectionHead(kind, body);
    this.#write(head);
    this.#write(body);
    this.#crc = crc32(body, crc32(head, this.#crc));
    this.#sections++;
    this.#bytes += body.length;
    const unsynced = this.#end - this.#synced;
    if (unsynced >= SNAPSHOT_SYNC_BYTES && this.#syncing === null) this.#syncInBackground();
    else if (unsynced >= 2 * SNAPSHOT_SYNC_BYTES) this.#sync();
  }

  /** Another section would have to wait for the disk, or soon. */
  get behind(): boolean {
    return this.#syncing !== null && this.#end - this.#synced >= SNAPSHOT_SYNC_BYTES;
  }

  /**
   * Makes the snapshot valid. `makeEffectsDurable` must sync the decision and dead-letter logs (NumberedLog.sync) and return only when everything up to
   * `header.seq` is durable there; if it throws, the snapshot is not valid.
   */
  commit(digest: string, makeEffectsDurable: () => void): { readonly path: string; readonly bytes: number } {
    const body = encodeTrailer({ digest, sections: this.#sections, bytes: this.#bytes, crc: this.#crc });
    this.#write(encodeSectionHead(SnapshotSection.trailer, body));
    this.#write(body);
    this.#sync();
    makeEffectsDurable();
    const path = `${this.#folder}/${snapshotName(this.header.seq)}`;
    try {
      this.#closeFile();
      this.#fs.rename(this.#temporary, path);
      this.#fs.syncDirectory(this.#folder);
    } catch (error) {
      throw new FatalStorageError('put in place', path, error);
    }
    return { path, bytes: this.#end };
  }

  /** Gives up; the temporary file is removed. Harmless after commit. */
  abort(): void {
    if (this.#file < 0) return;
    this.#closeFile();
    this.#fs.unlink(this.#temporary);
  }

  #write(bytes: Uint8Array): void {
    assert(this.#file >= 0, 'snapshot: used after it ended');
    try {
      writeAll(this.#fs, this.#file, bytes, this.#end);
    } catch (error) {
      this.abort();
      throw new SnapshotFailedError(
        `cannot write ${this.#temporary}: ${describe(error)}; the snapshot is given up, the log keeps everything`,
        { cause: error },
      );
    }
    this.#end += bytes.length;
  }

  /** While the file is being synced its number must not become another one's. */
  #closeFile(): void {
    if (this.#syncing === null) this.#fs.close(this.#file);
    else this.#syncing.close = true;
    this.#file = -1;
  }

  #syncInBackground(): void {
    const syncing = { file: this.#file, close: false };
    const end = this.#end;
    this.#syncing = syncing;
    this.#fs.fdatasyncInBackground(syncing.file, (error) => {
      this.#syncing = null;
      if (syncing.close) this.#fs.close(syncing.file);
      if (error !== null) throw new FatalStorageError('sync', this.#temporary, error);
      this.#synced = Math.max(this.#synced, end);
    });
  }

  #sync(): void {
    try {
      this.#fs.fdatasync(this.#file);
    } catch (error) {
      throw new FatalStorageError('sync', this.#temporary, error);
    }
    this.#synced = this.#end;
  }
}
