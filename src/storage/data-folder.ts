/**
 * The data folder of one node:
 *
 *   beckon.json                            what was fixed when it was created (FolderIdentity)
 *   lock.<n>                               who has it open (data-folder-lock.ts)
 *   workspaces/<version>.json              compiled workspace versions
 *   wal/<worker>/<number>.wal              write-ahead logs (wal-segment.ts)
 *   partitions/<p>/<seq>.snapshot          snapshots (snapshot-format.ts)
 *   decisions/<p>/<first number>.log       decisions (numbered-log-segment.ts, decision-entry.ts)
 *   deadletters/<p>/<first number>.log     bad events (numbered-log-segment.ts, dead-letter-entry.ts)
 */
import { crc32 } from 'node:zlib';
import { CUSTOMERS_PER_PARTITION_DEFAULT, PARTITIONS_DEFAULT, PARTITIONS_MAX } from '../constants.ts';
import { DataFolderLock, nodeProcessTable, type ProcessTable } from './data-folder-lock.ts';
import { type FileSystem, listFolder, makeFolder, readFile, replaceFile } from './file-system.ts';
import { RefusedFileError } from './storage-error.ts';

/**
 * Version of this layout, of what its files hold, and of what its records lead to: replay must derive what was decided. 1: workspaces without waits, budgets or schedules. 2: without campaigns in shadow.
 */
export const FOLDER_FORMAT = 3;
const IDENTITY_NAME = 'beckon.json';
const EMBEDDED_LOG = 'embedded';

/** Fixed when the folder is created, recorded in beckon.json. A flag that differs later is an error. */
export interface FolderIdentity {
  readonly format: number;
  /** Random: cursors and CRCs are bound to it. */
  readonly id: string;
  /** RFC 3339. */
  readonly created: string;
  readonly partitions: number;
  readonly clock: 'wall' | 'event';
  /** Capacity of each partition. */
  readonly customersPerPartition: number;
  /** Which log it is the data of: `embedded`, or `nats <id of the streams>`. */
  readonly log: string;
}

/** What the flags ask for; null: as the folder has it, or the default for a new one. */
export interface FolderRequest {
  readonly partitions: number | null;
  readonly clock: 'wall' | 'event' | null;
  readonly customersPerPartition: number | null;
  /** Default: `embedded`. */
  readonly log?: string;
}

/** What a folder takes from outside. */
export interface FolderEnvironment {
  readonly processes: ProcessTable;
  randomId(): string;
  nowMs(): number;
}

export const nodeFolderEnvironment: FolderEnvironment = {
  processes: nodeProcessTable,
  randomId: () => crypto.randomUUID(),
  nowMs: () => Date.now(),
};

/** Where everything is. Needs nothing on disk, so that worker threads make their own. */
export class DataPaths {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get workspaces(): string {
    return `${this.root}/workspaces`;
  }
  get walRoot(): string {
    return `${this.root}/wal`;
  }
  wal(worker: number): string {
    return `${this.walRoot}/${worker}`;
  }
  partition(partition: number): string {
    return `${this.root}/partitions/${partition}`;
  }
  decisions(partition: number): string {
    return `${this.root}/decisions/${partition}`;
  }
  deadLetters(partition: number): string {
    return `${this.root}/deadletters/${partition}`;
  }
}

export class DataFolder extends DataPaths {
  readonly identity: FolderIdentity;
  readonly #lock: DataFolderLock;

  private constructor(root: string, identity: FolderIdentity, lock: DataFolderLock) {
    super(root);
    this.identity = identity;
    this.#lock = lock;
  }

  /**
   * Opens the folder, creating it if need be, and holds it until close(). RefusedFileError if another process has it open, if a flag differs from what it
   * was created with, or if it is not a data folder of this format.
   */
  static open(
    fs: FileSystem,
    root: string,
    request: FolderRequest,
    environment: FolderEnvironment = nodeFolderEnvironment,
  ): DataFolder {
    makeFolder(fs, root);
    const lock = DataFolderLock.take(fs, root, environment.processes);
    try {
      const identity = readIdentity(fs, root) ?? createIdentity(fs, root, request, environment);
      refuseDifferent(root, identity, request);
      return new DataFolder(root, identity, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** See DataFolderLock.heartbeat. */
  heartbeat(): void {
    this.#lock.heartbeat();
  }

  close(): void {
    this.#lock.release();
  }
}

/** The salt of all CRCs in a folder: bytes of another folder never pass for this one's. */
export function saltOf(id: string): number {
  return crc32(id);
}

/** What a folder was created with; null if it was not. RefusedFileError if beckon.json cannot be understood. */
export function readIdentity(fs: FileSystem, root: string): FolderIdentity | null {
  const path = `${root}/${IDENTITY_NAME}`;
  if (fs.stat(path) === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(readFile(fs, path)));
  } catch {
    throw new RefusedFileError(path, 'it is not JSON', 'restore it from a copy of the data folder');
  }
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { format, id, created, partitions, clock, customersPerPartition, log } = fields;
  if (format !== FOLDER_FORMAT) {
    throw new RefusedFileError(
      path,
      `data folder of format ${JSON.stringify(format)}, this program reads format ${FOLDER_FORMAT}`,
      'run the version of beckon that created it, or begin with a new data folder',
    );
  }
  if (
    typeof id !== 'string' ||
    typeof created !== 'string' ||
    !isCount(partitions) ||
    (clock !== 'wall' && clock !== 'event') ||
    !isCount(customersPerPartition) ||
    typeof log !== 'string'
  ) {
    throw new RefusedFileError(
      path,
      'a field is missing or of the wrong type',
      'restore it from a copy of the data folder',
    );
  }
  return { format, id, created, partitions, clock, customersPerPartition, log };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function createIdentity(
  fs: FileSystem,
  root: string,
  request: FolderRequest,
  environment: FolderEnvironment,
): FolderIdentity {
  for (const part of ['wal', 'partitions', 'decisions']) {
    if (listFolder(fs, `${root}/${part}`).length === 0) continue;
    throw new RefusedFileError(
      `${root}/${IDENTITY_NAME}`,
      `the file is missing, but there is data in ${part}/`,
      'restore it from a copy of the data folder, or use an empty folder',
    );
  }
  const partitions = request.partitions ?? PARTITIONS_DEFAULT;
  if (!isCount(partitions) || partitions > PARTITIONS_MAX) {
    throw new RefusedFileError(
      root,
      `a data folder has 1 to ${PARTITIONS_MAX} partitions, not ${partitions}`,
      'give another number',
    );
  }
  const customersPerPartition = request.customersPerPartition ?? CUSTOMERS_PER_PARTITION_DEFAULT;
  if (!isCount(customersPerPartition)) {
    throw new RefusedFileError(
      root,
      `a partition holds 1 customer or more, not ${customersPerPartition}`,
      'give another number',
    );
  }
  const identity: FolderIdentity = {
    format: FOLDER_FORMAT,
    id: environment.randomId(),
    created: new Date(environment.nowMs()).toISOString(),
    partitions,
    clock: request.clock ?? 'wall',
    customersPerPartition,
    log: request.log ?? EMBEDDED_LOG,
  };
  replaceFile(fs, root, IDENTITY_NAME, new TextEncoder().encode(`${JSON.stringify(identity, null, 2)}\n`));
  return identity;
}

function refuseDifferent(root: string, identity: FolderIdentity, request: FolderRequest): void {
  const log = request.log ?? EMBEDDED_LOG;
  if (log !== identity.log) {
    throw new RefusedFileError(
      `${root}/${IDENTITY_NAME}`,
      `the data belongs to another log (${identity.log}), not to this one (${log})`,
      'use --nats as before, or a new data folder: with streams it is rebuilt from them',
    );
  }
  for (const key of ['partitions', 'clock', 'customersPerPartition'] as const) {
    const asked = request[key];
    if (asked === null || asked === identity[key]) continue;
    throw new RefusedFileError(
      `${root}/${IDENTITY_NAME}`,
      `the data was created with ${key} ${identity[key]}, ${asked} is asked for now`,
      `leave the flag out to go on with ${identity[key]}, or use a new data folder`,
    );
  }
}
