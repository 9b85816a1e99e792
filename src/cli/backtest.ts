/**
 * `beckon replay --workspace DIR`: what that workspace would have decided, over the history of a data folder (here) or of a running node (there, `--node`). Nothing is sent, and nothing is
 * published. The table goes to stdout, or with `--json -` the report.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BACKTEST_POLL_MS } from '../constants.ts';
import type { BacktestReport, BacktestRequest, BacktestStatus } from '../protocol/backtest.ts';
import { runBacktest } from '../replay/backtest/backtest.ts';
import { withLive } from '../replay/backtest/candidate.ts';
import { BacktestError } from '../replay/backtest/error.ts';
import { History } from '../replay/history.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { compileWorkspace } from '../workspace/compile.ts';
import { readWorkspaceFolder, WorkspaceFolderError } from '../workspace/folder.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';
import { backtestTable } from './backtest-table.ts';
import { ExitCode, InputError, UsageError } from './exit.ts';
import { type ExportFile, exportFile } from './export-file.ts';
import { sayFolderEnd } from './folder-end.ts';
import { explainedHistoryError } from './history-error.ts';
import { type Answer, NodeClient, problemText } from './node-client.ts';
import { Progress } from './progress.ts';
import { sayWaiting } from './say-waiting.ts';
import { STOPPED_BY, stopSignal } from './stop-signal.ts';
import { hasColours, type Output, widthOf } from './terminal.ts';

export interface BacktestFlags {
  readonly data: string;
  readonly workspace: string;
  /** null: from the beginning of what is kept, and to its end. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly live: readonly string[];
  /** A file, or - for stdout. */
  readonly json?: string | undefined;
  /** Where a node is asked to do it. */
  readonly node?: string | undefined;
  readonly token?: string | undefined;
}

/** Time to wait for a node when a person stands by. */
const RETRY_FOR_MS = 10_000;
/** How long to wait for a backtest to begin: its process has the lowest priority, and on a busy node compiling took more than half a minute. Below the 5 minutes after which fetch gives up. */
const BEGIN_FOR_MS = 4 * 60_000;
/** Columns, where nobody knows how many there are. */
const WIDTH_DEFAULT = 100;

/** @returns the exit code: 1 if the workspace is at fault. InputError if history cannot be read, or the range lies outside of it. */
export async function backtest(flags: BacktestFlags, stdout: Output, stderr: Output): Promise<number> {
  const { json } = flags;
  const file = json === undefined || json === '-' ? null : exportFile(json, '--json');
  const files = readFiles(flags.workspace);
  const candidate = compiled(files, flags, stderr);
  if (candidate === null) return ExitCode.input;
  const progress = new Progress(stderr);
  try {
    const report =
      flags.node === undefined
        ? here(candidate, flags, progress, stderr)
        : await there(
            { files, fromMs: flags.fromMs, toMs: flags.toMs, live: flags.live },
            flags.node,
            flags,
            progress,
            stderr,
          );
    progress.clear();
    await print(report, flags, file, stdout);
    return ExitCode.done;
  } catch (error) {
    progress.clear();
    if (!(error instanceof BacktestError) || error.issues.length === 0) throw explainedHistoryError(error);
    printIssues(error.issues, error.message, stderr);
    return ExitCode.input;
  }
}

/** null: it was told what is wrong with it. */
function compiled(files: Readonly<Record<string, string>>, { live }: BacktestFlags, stderr: Output): Workspace | null {
  const result = compileWorkspace(files);
  if ('issues' in result) {
    printIssues(result.issues, 'nothing was replayed', stderr);
    return null;
  }
  try {
    return withLive(result.workspace, live);
  } catch (error) {
    throw error instanceof BacktestError ? new UsageError(`--live: ${error.message}`) : error;
  }
}

function here(
  candidate: Workspace,
  { data, fromMs, toMs }: BacktestFlags,
  progress: Progress,
  stderr: Output,
): BacktestReport {
  const history = History.open(nodeFileSystem, data);
  sayFolderEnd(history, stderr);
  try {
    return runBacktest(history, {
      candidate,
      fromMs,
      toMs,
      monotonicMs: () => performance.now(),
      onProgress: (share) => progress.show(share, 'of history replayed'),
    });
  } finally {
    history.close();
  }
}

/** A node does it; who stops this before it is done (Ctrl-C, SIGTERM) takes it back. */
async function there(
  request: BacktestRequest,
  node: string,
  { token }: BacktestFlags,
  progress: Progress,
  stderr: Output,
): Promise<BacktestReport> {
  const say = sayWaiting(stderr);
  const onRetry: typeof say = (...retry) => {
    progress.clear();
    say(...retry);
  };
  // Another backtest may take hours: that is an answer.
  const options = { to: node, flag: '--node', token, retryForMs: RETRY_FOR_MS, retryOn: [503], onRetry };
  const client = new NodeClient(options);
  const body = Buffer.from(JSON.stringify(bodyOf(request)));
  const over = new AbortController();
  // The node answers once it has compiled the workspace; until then nobody knows what to take back.
  const stopped = stopSignal(undefined, over.signal);
  try {
    const beginner = new NodeClient({ ...options, tryForMs: BEGIN_FOR_MS });
    const accepted = await beginner.send('POST', '/v1/backtests', 'application/json', body);
    if (accepted.status !== 202) throw refused(accepted, node);
    const path = `/v1/backtests/${(accepted.body as { id: string }).id}`;
    const ended = await Promise.race([stopped, reportOf(client, path, node, progress)]);
    if (typeof ended !== 'string') return ended;
    await client.send('DELETE', path, null, null);
    progress.clear();
    stderr.write('cancelled\n');
    process.exit(STOPPED_BY[ended]);
  } finally {
    over.abort();
  }
}

async function reportOf(client: NodeClient, path: string, node: string, progress: Progress): Promise<BacktestReport> {
  for (;;) {
    const answer = await client.send('GET', path, null, null);
    if (answer.status !== 200) throw refused(answer, node);
    const { status, progress: share, report, error } = answer.body as BacktestStatus;
    if (report !== null) return report;
    if (status !== 'running')
      throw new InputError(`${node}: ${error ?? 'the backtest was cancelled by somebody else'}`);
    progress.show(share, 'of history replayed by the node');
    await sleep(BACKTEST_POLL_MS);
  }
}

function bodyOf({ files, fromMs, toMs, live }: BacktestRequest): object {
  const time = (ms: number | null): string | undefined => (ms === null ? undefined : new Date(ms).toISOString());
  return { files, from: time(fromMs), to: time(toMs), live };
}

function refused(answer: Pick<Answer, 'status' | 'body'>, node: string): Error {
  const { issues } = (answer.body ?? {}) as { issues?: readonly WorkspaceIssue[] };
  return issues === undefined
    ? new InputError(`${node}: ${problemText(answer)}`)
    : new BacktestError('nothing was replayed', issues);
}

async function print(
  report: BacktestReport,
  { workspace, json }: BacktestFlags,
  file: ExportFile | null,
  stdout: Output,
): Promise<void> {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  stdout.write(
    json === '-'
      ? text
      : backtestTable(report, workspace, { colour: hasColours(stdout), width: widthOf(stdout, WIDTH_DEFAULT) }),
  );
  await file?.write(async (output) => void output.write(text));
}

function printIssues(issues: readonly WorkspaceIssue[], outcome: string, stderr: Output): void {
  for (const { file, line, column, message } of issues) stderr.write(`${file}:${line}:${column} ${message}\n`);
  stderr.write(`${outcome}: ${issues.length} ${issues.length === 1 ? 'problem' : 'problems'}\n`);
}

function readFiles(directory: string): Record<string, string> {
  try {
    return readWorkspaceFolder(directory);
  } catch (error) {
    throw error instanceof WorkspaceFolderError ? new InputError(error.message) : error;
  }
}
