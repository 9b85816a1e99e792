/**
 * Where an export is written. A file is there whole or not at all, however the export ends: it is written under another name beside it, which goes when the
 * export fails, or is stopped by a signal. A pipe or a device is written to as it is: putting a file in its place would take it away from whoever reads it.
 */
import { once } from 'node:events';
import { createWriteStream, realpathSync, rmSync, type Stats, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError, UsageError } from './exit.ts';

type Fill = (output: NodeJS.WritableStream) => Promise<void>;

export interface ExportFile {
  /** `fill` writes what belongs in it, and throws where that cannot be had whole. Throws InputError where it cannot be written. */
  write(fill: Fill): Promise<void>;
}

/** Not SIGHUP: listening for it would undo nohup. */
const STOPPING_SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const PERMISSIONS = 0o777;

/** Throws if nothing can be written there: before anything was done that takes long. `flag` names it. */
export function exportFile(file: string, flag: string): ExportFile {
  if (file === '') throw new UsageError(`${flag}: expected a file, or - for stdout`);
  const there = statOf(file);
  if (there?.isDirectory()) throw new InputError(`${file} is a folder: name a file in it`);
  if (there && !there.isFile()) return { write: (fill) => named(file, () => writeThrough(file, fill)) };
  const folder = dirname(file);
  if (!there && !statOf(folder)?.isDirectory()) throw new InputError(`${file}: there is no folder ${folder}`);
  // A link goes on pointing there, and whoever could not read the file before still cannot.
  const [path, mode] = there ? [realpathSync(file), there.mode & PERMISSIONS] : [file, undefined];
  return { write: (fill) => named(file, () => writeWhole(path, mode, fill)) };
}

async function writeThrough(path: string, fill: Fill): Promise<void> {
  try {
    await writeTo(path, undefined, fill);
  } catch (error) {
    // Whoever reads it has enough.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

async function writeWhole(path: string, mode: number | undefined, fill: Fill): Promise<void> {
  // A name of this process: two exports to one file must not mix.
  const part = `${path}.${process.pid}.part`;
  const onSignal = (signal: NodeJS.Signals): void => {
    rmSync(part, { force: true });
    forget();
    process.kill(process.pid, signal);
  };
  const forget = (): void => {
    for (const signal of STOPPING_SIGNALS) process.off(signal, onSignal);
  };
  for (const signal of STOPPING_SIGNALS) process.on(signal, onSignal);
  try {
    await writeTo(part, mode, fill);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    forget();
  }
}

async function writeTo(path: string, mode: number | undefined, fill: Fill): Promise<void> {
  const output = createWriteStream(path, mode === undefined ? {} : { mode });
  try {
    await once(output, 'open');
    await fill(output);
    // A reader who left has closed it.
    if (output.destroyed) return;
    output.end();
    await once(output, 'finish');
  } catch (error) {
    output.destroy();
    throw error;
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // Node 20 throws where a file stands in the place of a folder.
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw new InputError(`${path}: ${reasonOf(error)}`);
  }
}

async function named(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(`${file}: ${reasonOf(error)}`);
  }
}

/** Without the system call and the path, which may be that of the part. */
function reasonOf(error: unknown): string {
  return (error as Error).message.replace(/, .*$/s, '');
}
