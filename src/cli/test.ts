/** `beckon test DIR`: runs the campaign tests of a workspace folder, and says what does not hold and why. */
import { TrialRunner } from '../trials/check-trial.ts';
import { readTrials } from '../trials/read-trials.ts';
import { reportJson, reportText } from '../trials/report.ts';
import { compileWorkspace } from '../workspace/compile.ts';
import { readTestFiles, readWorkspaceFolder, WorkspaceFolderError } from '../workspace/folder.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';
import { ExitCode, InputError } from './exit.ts';
import { hasColours, type Output, widthOf } from './terminal.ts';

export interface TestOptions {
  /** Only cases whose name or file has this in it, in whatever case. */
  readonly only?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Columns, where nobody knows how many there are. */
const WIDTH_DEFAULT = 80;

/** The report goes to `out`; what is wrong with the files themselves to `err`. @returns the exit code: 1 if a case fails, or none could be run. */
export function test(directory: string, { only, json = false }: TestOptions, out: Output, err: Output): number {
  const { files, testFiles } = readFolder(directory);
  const compiled = compileWorkspace(files);
  const workspace: Workspace | null = 'issues' in compiled ? null : compiled.workspace;
  const { trials, issues: faults, warnings } = readTrials(testFiles, workspace);
  const issues = [...('issues' in compiled ? compiled.issues : []), ...faults];
  if (workspace === null || issues.length > 0) {
    if (json) out.write(`${JSON.stringify({ issues })}\n`);
    for (const issue of issues) err.write(line(issue, ''));
    err.write(`nothing was tested: ${issues.length} ${issues.length === 1 ? 'problem' : 'problems'} in ${directory}\n`);
    return ExitCode.input;
  }
  for (const warning of warnings) err.write(line(warning, 'warning: '));
  if (trials.length === 0)
    throw new InputError(`${directory} has no tests: write cases into ${directory}/tests/*.yaml`);
  const wanted = only?.toLowerCase();
  const chosen = trials.filter(
    ({ name, place }) => wanted === undefined || `${place.file} ${name}`.toLowerCase().includes(wanted),
  );
  if (chosen.length === 0)
    throw new InputError(`no case has "${only}" in its name or file; there are ${trials.length}`);
  const runner = new TrialRunner(workspace);
  const results = chosen.map((trial) => runner.run(trial));
  const style = {
    colour: hasColours(out),
    width: widthOf(out, WIDTH_DEFAULT),
  };
  out.write(json ? `${JSON.stringify(reportJson(results))}\n` : reportText(results, style));
  return results.every(({ failures }) => failures.length === 0) ? ExitCode.done : ExitCode.input;
}

function readFolder(directory: string): { files: Record<string, string>; testFiles: Record<string, string> } {
  try {
    return { files: readWorkspaceFolder(directory), testFiles: readTestFiles(directory) };
  } catch (error) {
    throw error instanceof WorkspaceFolderError ? new InputError(error.message) : error;
  }
}

function line({ file, line, column, message }: WorkspaceIssue, mark: string): string {
  return `${file}:${line}:${column} ${mark}${message}\n`;
}
