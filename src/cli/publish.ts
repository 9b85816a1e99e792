/** `beckon publish DIR`: sends a workspace folder to a running node, and prints what the node says: its new version, behind the warnings of `check`, or what is wrong and where. */
import { FILL_MS_MAX } from '../constants.ts';
import { compileWorkspace } from '../workspace/compile.ts';
import { readWorkspaceFolder, WorkspaceFolderError } from '../workspace/folder.ts';
import { ExitCode, InputError } from './exit.ts';
import { type FilledAggregate, filledText } from './filled-text.ts';
import { NodeClient, problemText } from './node-client.ts';
import { sayWaiting } from './say-waiting.ts';

export interface PublishOptions {
  readonly to: string;
  readonly token?: string | undefined;
  /** New aggregates begin empty. */
  readonly cold?: boolean | undefined;
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

/**
 * Time to wait for a node that fills new aggregates from history: it gives up by itself before that. The node knows a request that is sent again in the meantime by its key, and answers it with what the first one
 * published.
 */
const FILL_FOR_MS = FILL_MS_MAX;

/** @returns the exit code: 1 if the workspace was refused; the node then goes on with the version it has. */
export async function publish(
  directory: string,
  options: PublishOptions,
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream,
): Promise<number> {
  const say = sayWaiting(stderr);
  const onRetry = (why: string, waitMs: number, giveUpMs: number): void => {
    const may = giveUpMs === FILL_FOR_MS ? ' (it may be filling new aggregates from history)' : '';
    say(`${why}${may}`, waitMs, giveUpMs);
  };
  const client = new NodeClient({ retryForMs: RETRY_FOR_MS, workForMs: FILL_FOR_MS, ...options, onRetry });
  const files = readFiles(directory);
  const body = Buffer.from(JSON.stringify(options.cold ? { files, history: 'skip' } : { files }));
  const answer = await client.send('PUT', '/v1/workspace', 'application/json', body);
  if (answer.status === 200) {
    // The node compiled the same files; what it warned of stays in its worker.
    const compiled = compileWorkspace(files);
    for (const { file, line, column, message } of compiled.warnings)
      stderr.write(`${file}:${line}:${column} warning: ${message}\n`);
    const {
      version,
      changed = true,
      filled = [],
    } = answer.body as { version: number; changed?: boolean; filled?: readonly FilledAggregate[] };
    if (!changed) {
      stdout.write(`${directory} is version ${version}, which is active already: nothing changed\n`);
      return ExitCode.done;
    }
    stdout.write(`published ${directory} as version ${version}\n`);
    stdout.write(filledText(filled, 'workspace' in compiled ? compiled.workspace : null));
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
