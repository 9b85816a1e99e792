/** `beckon publish DIR`: sends a workspace folder to a running node, and prints what the node says: its new version, behind the warnings of `check`, or what is wrong and where. */
import { compileWorkspace } from '../workspace/compile.ts';
import { readWorkspaceFolder, WorkspaceFolderError } from '../workspace/folder.ts';
import { ExitCode, InputError } from './exit.ts';
import { NodeClient, problemText, secondsText } from './node-client.ts';

export interface PublishOptions {
  readonly to: string;
  readonly token?: string | undefined;
  /** How long to wait for a node that does not answer. */
  readonly retryForMs?: number;
}

interface Issue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Time to wait for a node when a person stands by. */
const RETRY_FOR_MS = 10_000;

/** @returns the exit code: 1 if the workspace was refused; the node then goes on with the version it has. */
export async function publish(
  directory: string,
  options: PublishOptions,
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream,
): Promise<number> {
  let saidWaiting = false;
  const onRetry = (why: string, _waitMs: number, giveUpMs: number): void => {
    if (!saidWaiting) stderr.write(`${why}: waiting for up to ${secondsText(giveUpMs)}\n`);
    saidWaiting = true;
  };
  const client = new NodeClient({ retryForMs: RETRY_FOR_MS, ...options, onRetry });
  const files = readFiles(directory);
  const body = Buffer.from(JSON.stringify({ files }));
  const answer = await client.send('PUT', '/v1/workspace', 'application/json', body);
  if (answer.status === 200) {
    // The node compiled the same files; what it warned of stays in its worker.
    for (const { file, line, column, message } of compileWorkspace(files).warnings)
      stderr.write(`${file}:${line}:${column} warning: ${message}\n`);
    stdout.write(`published ${directory} as version ${(answer.body as { version: number }).version}\n`);
    return ExitCode.done;
  }
  const { issues } = (answer.body ?? {}) as { issues?: readonly Issue[] };
  if (!issues) throw new InputError(`${options.to}: ${problemText(answer)}`);
  for (const { file, line, column, message } of issues) stderr.write(`${file}:${line}:${column} ${message}\n`);
  stderr.write(`nothing was published: ${issues.length} ${issues.length === 1 ? 'problem' : 'problems'}\n`);
  return ExitCode.input;
}

function readFiles(directory: string): Record<string, string> {
  try {
    return readWorkspaceFolder(directory);
  } catch (error) {
    throw error instanceof WorkspaceFolderError ? new InputError(error.message) : error;
  }
}
