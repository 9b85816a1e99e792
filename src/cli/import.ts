/** `beckon import FILE`: events from NDJSON, in the file's order per customer, with bounded memory whatever its size. Sending a file again is harmless: events are known by their ids. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { EVENT_BYTES_MAX } from '../constants.ts';
import { EventSender } from './event-sender.ts';
import { ExitCode, InputError } from './exit.ts';
import { ndjsonLines } from './ndjson-lines.ts';
import { orderHashOf } from './order-hash.ts';
import { sayWaiting } from './say-waiting.ts';

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

/** The rejects that come first in the file are shown in full; all are counted. */
const REJECTS_SHOWN = 5;
const PROGRESS_EVERY_MS = 200;
const TOO_LARGE = 'too_large';
/** Begins like an array, or like an object over several lines. */
const ONE_DOCUMENT = /^\ufeff?\s*(?:\[|\{\s*\n)/;
const ONE_DOCUMENT_BYTES = 256;
const NDJSON_HINT =
  "the file looks like one JSON document: it must hold one event per line (NDJSON), as `jq -c '.[]'` makes of an array";

/**
 * @returns the exit code: 1 if any line was rejected. Throws InputError if the file cannot be read to its end, or the node not be reached; what was sent before is
 * summed up all the same.
 */
export async function importEvents(
  file: string,
  options: ImportOptions,
  stdout: NodeJS.WritableStream,
  stderr: Output,
): Promise<number> {
  const report = new ImportReport(stderr);
  const sender = new EventSender({ ...options, onRetry: report.waiting.bind(report) });
  sender.onRejected = ({ line, reason, error }) => report.reject(line, reason, error);
  const source = await openSource(file);
  const startedAt = performance.now();
  const sendAll = async (): Promise<void> => {
    for await (const lines of ndjsonLines(report.lookAtStart(source.bytes), EVENT_BYTES_MAX)) {
      for (const { number, bytes } of lines) {
        if (bytes === null)
          report.reject(number, TOO_LARGE, `the line is longer than an event may be (${EVENT_BYTES_MAX} bytes)`);
        else await sender.push(bytes, number, orderHashOf(bytes));
      }
      report.progress(sender.accepted, source.progress(), performance.now() - startedAt);
    }
  };
  try {
    // Also behind a file that cannot be read to its end: what came before that counts.
    await sendAll().finally(() => sender.drain());
  } catch (error) {
    report.clearLine();
    if (sender.accepted + report.rejected > 0)
      stdout.write(report.summary(sender.accepted, performance.now() - startedAt));
    throw readError(file, error);
  }
  report.clearLine();
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
  if (code === 'ENOENT' || code === 'ENOTDIR') return new InputError(`${file}: no such file`);
  if (code?.startsWith('Z_')) return new InputError(`${file}: not a gzip file, or a damaged one (${message})`);
  if (code === 'EISDIR' || code === 'EACCES') return new InputError(`${file}: cannot be read (${code})`);
  return error;
}

class ImportReport {
  readonly #stderr: Output;
  readonly #sayWaiting: ReturnType<typeof sayWaiting>;
  readonly #reasons = new Map<string, number>();
  /** By line, ascending. */
  readonly #first: { readonly line: number; readonly error: string }[] = [];
  #isOneDocument = false;
  #drawnAt = 0;
  rejected = 0;

  constructor(stderr: Output) {
    this.#stderr = stderr;
    this.#sayWaiting = sayWaiting(stderr);
  }

  reject(line: number, reason: string, error: string): void {
    this.rejected++;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    // Answers come in any order.
    const last = this.#first.at(-1);
    if (this.#first.length === REJECTS_SHOWN && last !== undefined && line > last.line) return;
    this.#first.push({ line, error });
    this.#first.sort((a, b) => a.line - b.line).splice(REJECTS_SHOWN);
  }

  /** Passes the bytes on, and notices what rejects may come from. */
  async *lookAtStart(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let begun = false;
    for await (const chunk of source) {
      if (!begun) this.#isOneDocument = ONE_DOCUMENT.test(startText(chunk));
      begun = true;
      yield chunk;
    }
  }

  progress(accepted: number, share: number | null, elapsedMs: number): void {
    if (!this.#stderr.isTTY || elapsedMs - this.#drawnAt < PROGRESS_EVERY_MS) return;
    this.#drawnAt = elapsedMs;
    const percent = share === null ? '' : `${Math.floor(share * 100)} %  `;
    this.#stderr.write(`\r\x1b[K${percent}${count(accepted)} events  ${count(perSecond(accepted, elapsedMs))}/s`);
  }

  waiting(why: string, waitMs: number, giveUpMs: number): void {
    this.clearLine();
    this.#sayWaiting(why, waitMs, giveUpMs);
    if (this.#stderr.isTTY) this.#stderr.write(`trying again in ${(waitMs / 1000).toFixed(1)} s`);
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
    if (this.rejected > 0)
      lines.push('first rejects:', ...this.#first.map(({ line, error }) => `  line ${line}: ${error}`));
    if (this.rejected > 0 && this.#isOneDocument) lines.push(NDJSON_HINT);
    return `${lines.join('\n')}\n`;
  }
}

function startText(chunk: Uint8Array): string {
  return Buffer.from(chunk.subarray(0, ONE_DOCUMENT_BYTES)).toString('utf8');
}

function count(value: number): string {
  return value.toLocaleString('en-GB');
}

function perSecond(events: number, elapsedMs: number): number {
  return Math.round(events / Math.max(elapsedMs / 1000, 0.001));
}
