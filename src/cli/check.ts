/** `beckon check DIR`: everything that is wrong with a workspace folder and its tests, as `file:line:column message`, and what it holds if nothing is. */
import { readTrials } from '../trials/read-trials.ts';
import { compileWorkspace } from '../workspace/compile.ts';
import { readTestFiles, readWorkspaceFolder, WorkspaceFolderError } from '../workspace/folder.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';
import { ExitCode } from './exit.ts';

/** Issues go to `err`, and warnings behind them; the summary to `out`. @returns the exit code: 1 on any issue; warnings alone are fine. */
export function check(directory: string, out: NodeJS.WritableStream, err: NodeJS.WritableStream): number {
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
  out.write(`${directory} is a valid workspace: ${summary(compiled.workspace)}${cases}\n`);
  return ExitCode.done;
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
