/** `beckon import FILE`: events from NDJSON, in the file's order per customer, with bounded memory whatever its size. Sending a file again is harmless: events are known by their ids. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { EVENT_BYTES_MAX } from '../constants.ts';
import { EventSender } from './event-sender.ts';
import { ExitCode, InputError } from './exit.ts';
import { ndjsonLines } from './ndjson-lines.ts';
import { orderHashOf } from './order-hash.ts';

export interface ImportOptions {
  readonly to: string;
  readonly rate?: number | undefined;
  readonly token?: string | undefined;
  /** How long to wait for a node that does not answer. */
  readonly retryForMs?: number;
}

interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/** The first few rejects are shown in full; all are counted. */
const REJECTS_SHOWN = 5;
const PROGRESS_EVERY_MS = 200;
const TOO_LARGE = 'too_large';

/** @returns the exit code: 1 if any line was rejected. Throws InputError if the file or the node cannot be reached. */
export async function importEvents(
  file: string,
  options: ImportOptions,
  stdout: NodeJS.WritableStream,
  stderr: Output,
): Promise<number> {
  const report = new ImportReport(stderr);
  const sender = new EventSender({ ...options, onRetry: (why, waitMs) => report.waiting(why, waitMs) });
  sender.onRejected = ({ line, reason, error }) => report.reject(line, reason, error);
  const source = await openSource(file);
  const startedAt = performance.now();
  try {
    for await (const lines of ndjsonLines(source.bytes, EVENT_BYTES_MAX)) {
      for (const { number, bytes } of lines) {
        if (bytes === null)
          report.reject(number, TOO_LARGE, `the line is longer than an event may be (${EVENT_BYTES_MAX} bytes)`);
        else await sender.push(bytes, number, orderHashOf(bytes));
      }
      report.progress(sender.accepted, source.progress(), performance.now() - startedAt);
    }
    await sender.drain();
  } catch (error) {
    report.clearLine();
    throw readError(file, error);
  } finally {
    report.clearLine();
  }
  stdout.write(report.summary(sender.accepted, performance.now() - startedAt));
  return report.rejected > 0 ? ExitCode.input : ExitCode.done;
}

interface Source {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** 0 … 1, or null where the length is unknown. */
  progress(): number | null;
}

async function openSource(file: string): Promise<Source> {
  if (file === '-') return { bytes: process.stdin, progress: () => null };
  const { size } = await stat(file).catch((error: unknown) => {
    throw readError(file, error);
  });
  const stream = createReadStream(file, { highWaterMark: 256 * 1024 });
  const progress = (): number => (size === 0 ? 1 : stream.bytesRead / size);
  if (!file.endsWith('.gz')) return { bytes: stream, progress };
  const gunzip = createGunzip();
  stream.on('error', (error) => gunzip.destroy(error));
  return { bytes: stream.pipe(gunzip), progress };
}

/** A file that is not there or no gzip is the input's fault, said in the user's words. */
function readError(file: string, error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'ENOENT') return new InputError(`${file}: no such file`);
  if (code?.startsWith('Z_')) return new InputError(`${file}: not a gzip file, or a damaged one (${message})`);
  if (code === 'EISDIR' || code === 'EACCES') return new InputError(`${file}: cannot be read (${code})`);
  return error;
}

class ImportReport {
  readonly #stderr: Output;
  readonly #reasons = new Map<string, number>();
  readonly #first: string[] = [];
  #drawnAt = 0;
  #saidWaiting = false;
  rejected = 0;

  constructor(stderr: Output) {
    this.#stderr = stderr;
  }

  reject(line: number, reason: string, error: string): void {
    this.rejected++;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (this.#first.length < REJECTS_SHOWN) this.#first.push(`  line ${line}: ${error}`);
  }

  progress(accepted: number, share: number | null, elapsedMs: number): void {
    if (!this.#stderr.isTTY || elapsedMs - this.#drawnAt < PROGRESS_EVERY_MS) return;
    this.#drawnAt = elapsedMs;
    const percent = share === null ? '' : `${Math.floor(share * 100)} %  `;
    this.#stderr.write(`\r\x1b[K${percent}${count(accepted)} events  ${count(perSecond(accepted, elapsedMs))}/s`);
  }

  waiting(why: string, waitMs: number): void {
    if (this.#stderr.isTTY) this.#stderr.write(`\r\x1b[K${why}: trying again in ${(waitMs / 1000).toFixed(1)} s`);
    else if (!this.#saidWaiting) this.#stderr.write(`${why}: waiting\n`);
    this.#saidWaiting = true;
  }

  clearLine(): void {
    if (this.#stderr.isTTY) this.#stderr.write('\r\x1b[K');
  }

  summary(accepted: number, elapsedMs: number): string {
    const seconds = (elapsedMs / 1000).toFixed(1);
    const lines = [
      `${count(accepted)} events accepted in ${seconds} s (${count(perSecond(accepted, elapsedMs))}/s), ${count(this.rejected)} rejected`,
    ];
    for (const [reason, rejected] of [...this.#reasons].sort((a, b) => b[1] - a[1]))
      lines.push(`  ${reason}: ${count(rejected)}`);
    if (this.rejected > 0) lines.push('first rejects:', ...this.#first);
    return `${lines.join('\n')}\n`;
  }
}

function count(value: number): string {
  return value.toLocaleString('en-GB');
}

function perSecond(events: number, elapsedMs: number): number {
  return Math.round(events / Math.max(elapsedMs / 1000, 0.001));
}
