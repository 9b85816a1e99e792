/**
 * What can go wrong with files, by what must follow.
 *
 * FatalStorageError: a write or a sync that durability leans on failed. *Law: the process ends at once, and the operation is never retried.*
 * After a failed fdatasync the kernel has dropped the dirty pages and marked them clean, so that a second fdatasync succeeds without the data
 * being on disk; whoever went on would acknowledge what is lost. The worker that catches it kills the process, also past any cleanup.
 *
 * CorruptFileError: bytes that were once durable are no longer what was written. Nothing is changed on disk, nothing is skipped; a person decides.
 *
 * RefusedFileError: the bytes are intact but not ours to use (a newer format, another partition, a missing range, a differing flag, a held lock).
 */
export class FatalStorageError extends Error {
  override readonly name = 'FatalStorageError';
  readonly path: string;

  constructor(action: string, path: string, cause: unknown) {
    super(
      `cannot ${action} ${path}: ${describe(cause)}. Nothing unsynced was acknowledged; the process must end now${remedy(cause)}.`,
      { cause },
    );
    this.path = path;
  }
}

export class CorruptFileError extends Error {
  override readonly name = 'CorruptFileError';
  readonly path: string;
  /** Byte at which the damaged part begins. */
  readonly offset: number;

  constructor(
    path: string,
    offset: number,
    what: string,
    remedyText = 'restore this file from a copy, or start from an older copy of the whole data folder',
  ) {
    super(`${path}: damaged at byte ${offset}: ${what}. Nothing was changed. Remedy: ${remedyText}.`);
    this.path = path;
    this.offset = offset;
  }
}

export class RefusedFileError extends Error {
  override readonly name = 'RefusedFileError';
  readonly path: string;

  constructor(path: string, what: string, remedyText: string) {
    super(`${path}: ${what}. Remedy: ${remedyText}.`);
    this.path = path;
  }
}

/** The `code` of a file system error (ENOENT, ENOSPC …), '' for anything else. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

export function describe(error: unknown): string {
  if (errorCode(error) === 'ENOSPC') return 'no space left on the device';
  return error instanceof Error ? error.message : String(error);
}

function remedy(cause: unknown): string {
  return errorCode(cause) === 'ENOSPC'
    ? ': free some space, then start it again'
    : ', and recover when it is started again';
}
