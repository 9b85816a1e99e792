/**
 * `beckon inspect PATH`: a write-ahead log segment (a line per record), a snapshot, a segment of a decision or dead-letter log, or a summary of a
 * folder. Reads only, also while a node runs; goes by what the file says it is, not by its name.
 */
import { type FileSystem, readAll } from '../storage/file-system.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { errorCode, RefusedFileError } from '../storage/storage-error.ts';
import { ExitCode, InputError } from './exit.ts';
import { inspectFolder } from './inspect-folder.ts';
import { inspectSegment, type Print } from './inspect-log.ts';
import { inspectSnapshot } from './inspect-snapshot.ts';

export interface InspectOptions {
  /** Records, sections or files to list at most; what is damaged is listed always. All if absent; of a snapshot's sections none. */
  readonly limit?: number;
}

/** @returns the exit code: 1 if anything is damaged or not understood. InputError if there is nothing of that name. */
export function inspect(path: string, out: NodeJS.WritableStream, options: InspectOptions): number {
  const print: Print = (line) => {
    if (out.writable) out.write(`${line}\n`);
  };
  const root = path.length > 1 ? path.replace(/\/+$/, '') : path;
  try {
    return inspectPath(nodeFileSystem, root, options, print) ? ExitCode.done : ExitCode.input;
  } catch (error) {
    if (error instanceof RefusedFileError) throw new InputError(error.message);
    if (errorCode(error) !== '') throw new InputError(`cannot read ${path}: ${(error as Error).message}`);
    throw error;
  }
}

function inspectPath(fs: FileSystem, path: string, { limit }: InspectOptions, print: Print): boolean {
  const stat = fs.stat(path);
  if (stat === null) throw new InputError(`${path} does not exist`);
  if (stat.directory) return inspectFolder(fs, path, limit ?? Number.POSITIVE_INFINITY, print);
  const magic = magicOf(fs, path);
  if (magic === 'BECKONSN' || path.endsWith('.snapshot')) return inspectSnapshot(fs, path, limit ?? 0, print);
  if (magic === 'BECKONWL' || magic === 'BECKONNL' || /\.(wal|log)$/.test(path))
    return inspectSegment(fs, path, limit ?? Number.POSITIVE_INFINITY, print);
  throw new InputError(
    `${path} is neither a write-ahead log segment, nor a snapshot, nor a decision or dead-letter log of beckon`,
  );
}

function magicOf(fs: FileSystem, path: string): string {
  const file = fs.open(path, 'read');
  try {
    const bytes = new Uint8Array(8);
    return new TextDecoder('latin1').decode(bytes.subarray(0, readAll(fs, file, bytes, 0)));
  } finally {
    fs.close(file);
  }
}
