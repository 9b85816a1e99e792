/**
 * `beckon check DIR`: everything that is wrong with a workspace folder and its tests, as `file:line:column message`, and what it holds if nothing is. With `--to`, also what would become of its new aggregates if
 * it were published to that node.
 */
import { wrap } from '../explain/layout.ts';
import { readTrials } from '../trials/read-trials.ts';
import { compileWorkspace } from '../workspace/compile.ts';
import { readTestFiles, readWorkspaceFolder, WorkspaceFolderError } from '../workspace/folder.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';
import { ExitCode, InputError } from './exit.ts';
import { type FilledAggregate, filledText } from './filled-text.ts';
import { NodeClient, problemText } from './node-client.ts';
import { sayWaiting } from './say-waiting.ts';
import { type Output, widthOf } from './terminal.ts';

export interface CheckOptions {
  /** A node that is asked what would become of new aggregates. */
  readonly to?: string | undefined;
  readonly token?: string | undefined;
}

/** Time to wait for a node when a person stands by. */
const RETRY_FOR_MS = 10_000;

/** Issues go to `err`, and warnings behind them; the summary to `out`. @returns the exit code: 1 on any issue; warnings alone are fine. */
export async function check(
  directory: string,
  options: CheckOptions,
  out: Output,
  err: NodeJS.WritableStream,
): Promise<number> {
  let files: Record<string, string>;
  let testFiles: Record<string, string>;
  try {
    files = readWorkspaceFolder(directory);
    testFiles = readTestFiles(directory);
  } catch (error) {
    if (!(error instanceof WorkspaceFolderError)) throw error;
    err.write(`${error.message}\n`);
    return ExitCode.input;
  }
  const compiled = compileWorkspace(files);
  const tests = readTrials(testFiles, 'issues' in compiled ? null : compiled.workspace);
  const issues = [...('issues' in compiled ? compiled.issues : []), ...tests.issues];
  for (const issue of issues) err.write(`${place(issue)} ${issue.message}\n`);
  for (const warning of [...compiled.warnings, ...tests.warnings])
    err.write(`${place(warning)} warning: ${warning.message}\n`);
  if ('issues' in compiled || issues.length > 0) {
    err.write(`${counted(issues.length, 'problem')} in ${directory}\n`);
    return ExitCode.input;
  }
  const cases = tests.trials.length === 0 ? '' : `, ${counted(tests.trials.length, 'test')}`;
  const text = `${directory} is a valid workspace: ${summary(compiled.workspace)}${cases}`;
  // Piped, it is one line.
  out.write(`${wrap('', text, '  ', widthOf(out, Number.POSITIVE_INFINITY)).join('\n')}\n`);
  if (options.to === undefined) return ExitCode.done;
  return checkAgainst({ ...options, to: options.to }, files, compiled.workspace, out, err);
}

/** What publishing to the node would say. */
async function checkAgainst(
  { to, token }: CheckOptions & { readonly to: string },
  files: Readonly<Record<string, string>>,
  workspace: Workspace,
  out: NodeJS.WritableStream,
  err: NodeJS.WritableStream,
): Promise<number> {
  const client = new NodeClient({ to, token, retryForMs: RETRY_FOR_MS, onRetry: sayWaiting(err) });
  const body = Buffer.from(JSON.stringify({ files }));
  const answer = await client.send('POST', '/v1/workspace/check', 'application/json', body);
  const { active, filled, issues } = (answer.body ?? {}) as {
    active?: number;
    filled?: readonly FilledAggregate[];
    issues?: readonly WorkspaceIssue[];
  };
  if (answer.status === 200 && active !== undefined && filled !== undefined) {
    out.write(`${to} has ${active === 0 ? 'no version yet' : `version ${active}`}; this could follow it\n`);
    out.write(filledText(filled, workspace));
    return ExitCode.done;
  }
  if (issues === undefined) throw new InputError(`${to}: ${problemText(answer)}`);
  for (const issue of issues) err.write(`${place(issue)} ${issue.message}\n`);
  err.write(`${counted(issues.length, 'problem')} with publishing it to ${to}\n`);
  return ExitCode.input;
}

function place({ file, line, column }: WorkspaceIssue): string {
  return `${file}:${line}:${column}`;
}

function summary(workspace: Workspace): string {
  const { name, channels, schema, attributes, aggregates, segments, offers, templates, campaigns } = workspace;
  const declared = schema.events.filter(({ index }) => index !== workspace.feedbackEvent);
  const statuses = ['live', 'shadow', 'paused', 'draft'].map(
    (status) => [campaigns.filter((campaign) => campaign.status === status).length, status] as const,
  );
  const byStatus = statuses.flatMap(([count, status]) => (count > 0 ? [`${count} ${status}`] : [])).join(', ');
  const parts = [
    `${counted(campaigns.length, 'campaign')}${byStatus === '' ? '' : ` (${byStatus})`}`,
    counted(declared.length, 'event type'),
    counted(attributes.length, 'attribute'),
    counted(aggregates.length, 'aggregate'),
    counted(segments.length, 'segment'),
    counted(offers.length, 'offer'),
    counted(templates.length, 'template'),
    `${counted(channels.length, 'channel')} (${channels.join(', ')})`,
  ];
  return `${name}, ${parts.join(', ')}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
