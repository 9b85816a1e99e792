/**
 * `beckon audience --where EXPRESSION`: how many customers it holds for, or which: a list, a sample, an export. What was asked for goes to stdout (or the
 * file), everything else to stderr, so that it can be piped.
 */
import { once } from 'node:events';
import { AUDIENCE_LIST_MAX } from '../constants.ts';
import type { AudienceCount, AudienceFormat } from '../protocol/audience.ts';
import { ExitCode, InputError, UsageError } from './exit.ts';
import { exportFile } from './export-file.ts';
import { type Answer, NodeClient, problemText } from './node-client.ts';
import { sayWaiting } from './say-waiting.ts';

export interface AudienceOptions {
  readonly to: string;
  readonly where: string;
  /** Comma-separated. */
  readonly fields?: string | undefined;
  readonly list?: number | undefined;
  /** A share below 1, or how many. */
  readonly sample?: number | undefined;
  readonly salt?: string | undefined;
  /** A file, or - for stdout. */
  readonly export?: string | undefined;
  readonly format?: AudienceFormat | undefined;
  readonly token?: string | undefined;
  /** How long to wait for a node that does not answer. */
  readonly retryForMs?: number;
}

interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

interface Issue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Time to wait for a node when a person stands by. */
const RETRY_FOR_MS = 10_000;
const PROGRESS_EVERY_MS = 200;
const NEWLINE = 0x0a;

/** @returns the exit code: 1 if the expression or a field is wrong. Throws InputError where the node cannot be reached or cuts an export. */
export async function audience(
  options: AudienceOptions,
  stdout: NodeJS.WritableStream,
  stderr: Output,
): Promise<number> {
  checkUsage(options);
  const client = new NodeClient({ retryForMs: RETRY_FOR_MS, ...options, onRetry: sayWaiting(stderr) });
  if (options.export !== undefined) return exportTo(options.export, client, options, stdout, stderr);
  if (options.list !== undefined) return list(client, options, options.list, stdout, stderr);
  if (options.sample !== undefined) return exportTo('-', client, options, stdout, stderr);
  return count(client, options, stdout, stderr);
}

function checkUsage({ list, fields, sample, salt, format, export: file }: AudienceOptions): void {
  if (list !== undefined && file !== undefined) throw new UsageError('--list and --export: choose one of them');
  if (format !== undefined && list !== undefined)
    throw new UsageError('--format is for exports: --list prints one JSON object per line');
  const names = list === undefined && file === undefined && sample === undefined;
  if (names && fields !== undefined)
    throw new UsageError('--fields needs --list, --sample or --export: a count has none');
  if (names && format !== undefined) throw new UsageError('--format needs --sample or --export: a count has none');
  if (salt !== undefined && sample === undefined) throw new UsageError('--salt needs --sample');
}

async function count(
  client: NodeClient,
  options: AudienceOptions,
  stdout: NodeJS.WritableStream,
  stderr: Output,
): Promise<number> {
  const body = Buffer.from(JSON.stringify({ where: options.where }));
  const answer = await client.send('POST', '/v1/audiences/count', 'application/json', body);
  if (answer.status !== 200) return refused(answer, 'counted', options, stderr);
  const counted = answer.body as AudienceCount;
  stdout.write(`${counted.count}\n`);
  stderr.write(`of ${grouped(counted.customers)} customers, ${asOfText(counted.asOf)}in ${counted.ms} ms\n`);
  return ExitCode.done;
}

async function list(
  client: NodeClient,
  options: AudienceOptions,
  limit: number,
  stdout: NodeJS.WritableStream,
  stderr: Output,
): Promise<number> {
  if (limit > AUDIENCE_LIST_MAX)
    throw new UsageError(`--list: ${grouped(AUDIENCE_LIST_MAX)} at most; for more use --export`);
  const body = Buffer.from(JSON.stringify({ ...requestOf(options), limit }));
  const answer = await client.send('POST', '/v1/audiences/list', 'application/json', body);
  if (answer.status !== 200) return refused(answer, 'listed', options, stderr);
  const listed = answer.body as AudienceCount & { readonly members: readonly object[]; readonly sampled?: number };
  for (const member of listed.members) stdout.write(`${JSON.stringify(member)}\n`);
  const sampled = listed.sampled === undefined ? '' : `${grouped(listed.sampled)} sampled of `;
  stderr.write(
    `${grouped(listed.members.length)} of ${sampled}${grouped(listed.count)} members, ${asOfText(listed.asOf)}in ${listed.ms} ms\n`,
  );
  return ExitCode.done;
}

async function exportTo(
  file: string,
  client: NodeClient,
  options: AudienceOptions,
  stdout: NodeJS.WritableStream,
  stderr: Output,
): Promise<number> {
  const target = file === '-' ? null : exportFile(file, '--export');
  const path = `/v1/audiences/export?format=${options.format ?? 'ndjson'}`;
  const answer = await client.open(path, requestOf(options));
  if (answer.stream === null) return refused(answer, 'exported', options, stderr);
  const members = Number(answer.headers.get('beckon-count'));
  const rows = withProgress(answer.stream, members, stderr);
  if (target === null) await copy(rows, stdout, options.to);
  else await target.write((output) => copy(rows, output, options.to));
  const { headers } = answer;
  const asOf = asOfText(headers.get('beckon-as-of'));
  const told =
    options.sample === undefined
      ? `${grouped(members)} of ${numberIn(headers, 'beckon-customers')} customers`
      : `${grouped(members)} sampled of ${numberIn(headers, 'beckon-members')} members`;
  stderr.write(`${`${told}${target === null ? '' : ` to ${file}`}, ${asOf}`.replace(/, $/, '')}\n`);
  return ExitCode.done;
}

function requestOf({ where, fields, sample, salt }: AudienceOptions): object {
  const names = fields?.split(',').map((name) => name.trim());
  return {
    where,
    ...(names === undefined ? {} : { fields: names }),
    ...(sample === undefined ? {} : { sample }),
    ...(salt === undefined ? {} : { salt }),
  };
}

/** No faster than `output` takes it. */
async function copy(rows: AsyncIterable<Uint8Array>, output: NodeJS.WritableStream, to: string): Promise<void> {
  let failure: NodeJS.ErrnoException | null = null;
  const onError = (error: NodeJS.ErrnoException): void => {
    failure = error;
    output.emit('drain');
  };
  // For good: a broken pipe may be noticed late.
  output.on('error', onError);
  for await (const chunk of readable(rows, to)) {
    if (!output.writable) break;
    if (!output.write(chunk) && failure === null && output.writable) await once(output, 'drain');
    if (failure !== null) break;
  }
  // Whoever reads the pipe has enough.
  if (failure !== null && (failure as NodeJS.ErrnoException).code !== 'EPIPE') throw failure;
}

async function* readable(rows: AsyncIterable<Uint8Array>, to: string): AsyncGenerator<Uint8Array> {
  try {
    yield* rows;
  } catch {
    throw new InputError(`${to}: the export was cut off before its end; its log says why. Start it again`);
  }
}

async function* withProgress(
  rows: AsyncIterable<Uint8Array>,
  members: number,
  stderr: Output,
): AsyncGenerator<Uint8Array> {
  if (!stderr.isTTY) {
    yield* rows;
    return;
  }
  let [lines, drawnAt] = [0, 0];
  try {
    for await (const chunk of rows) {
      for (const byte of chunk) if (byte === NEWLINE) lines++;
      if (performance.now() - drawnAt > PROGRESS_EVERY_MS) {
        stderr.write(`\r\x1b[K${grouped(Math.min(lines, members))} of ${grouped(members)} members`);
        drawnAt = performance.now();
      }
      yield chunk;
    }
  } finally {
    stderr.write('\r\x1b[K');
  }
}

function refused(
  answer: Pick<Answer, 'status' | 'body'>,
  what: string,
  options: AudienceOptions,
  stderr: Output,
): number {
  const { issues } = (answer.body ?? {}) as { issues?: readonly Issue[] };
  if (!issues) throw new InputError(`${options.to}: ${problemText(answer)}`);
  for (const { file, line, column, message } of issues) stderr.write(`${file}:${line}:${column} ${message}\n`);
  stderr.write(`nothing was ${what}: ${issues.length} ${issues.length === 1 ? 'problem' : 'problems'}\n`);
  return ExitCode.input;
}

function asOfText(asOf: string | null): string {
  return asOf === null ? '' : `as of ${asOf}, `;
}

function numberIn(headers: Headers, name: string): string {
  return grouped(Number(headers.get(name)));
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
