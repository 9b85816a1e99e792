/** Text of tests/*.yaml → cases, or everything that is wrong with them, as `beckon check` reports a workspace. */
import { WORKSPACE_FILE_BYTES_MAX } from '../constants.ts';
import { FILE_START, IssueList } from '../workspace/issue-list.ts';
import { trialsDefinition } from '../workspace/trial-definition.ts';
import { type DefinitionFault, validate } from '../workspace/validate.ts';
import type { Workspace, WorkspaceIssue } from '../workspace/workspace.ts';
import { YamlFile } from '../workspace/yaml-file.ts';
import { CaseReader } from './read-case.ts';
import { Doubts, soundPart } from './sound-part.ts';
import type { Trial } from './trial.ts';
import { TrialScope } from './trial-scope.ts';

export interface ReadTrials {
  /** In the order of files and lines; whole only if there are no issues. */
  readonly trials: readonly Trial[];
  readonly issues: readonly WorkspaceIssue[];
  readonly warnings: readonly WorkspaceIssue[];
}

/** files: path within the workspace's folder → text. `workspace` null: it is faulty, so that only what the files say by themselves can be judged. */
export function readTrials(files: Readonly<Record<string, string>>, workspace: Workspace | null): ReadTrials {
  const issues = new IssueList();
  const scope = workspace === null ? null : new TrialScope(workspace);
  const trials = Object.keys(files)
    .toSorted()
    .flatMap((path) => readFile(path, files[path] as string, scope, issues));
  return { trials, issues: issues.issues, warnings: issues.warnings };
}

function readFile(path: string, text: string, scope: TrialScope | null, issues: IssueList): Trial[] {
  const fault = pathFault(path) ?? sizeFault(text);
  if (fault !== null) {
    issues.report(path, FILE_START, fault);
    return [];
  }
  const file = YamlFile.parse(path, text, issues);
  if (file === null) return [];
  const faults: DefinitionFault[] = [];
  const cases = validate(trialsDefinition, file, issues, faults) ?? soundPart(file, faults);
  if (scope === null) return [];
  const names = new Map<string, number>();
  return cases.map((definition, i) => {
    const doubts = new Doubts(faults, i);
    const before = names.get(definition.name);
    if (before === undefined) names.set(definition.name, file.keyMark([i]).line);
    else if (!doubts.within([i, 'name']))
      issues.report(path, file.valueMark([i, 'name']), `another case has this name: the one on line ${before}`);
    return new CaseReader(scope, file, i, issues, doubts).read(definition);
  });
}

function pathFault(path: string): string | null {
  const name = path.slice(path.indexOf('/') + 1);
  if (name.includes('/')) return 'folders inside tests/ are not supported: put the file into tests/ itself';
  return name.endsWith('.yaml') ? null : 'a file of tests ends in .yaml, not .yml';
}

function sizeFault(text: string): string | null {
  const size = Buffer.byteLength(text);
  return size > WORKSPACE_FILE_BYTES_MAX
    ? `the file is too large: ${size} bytes, at most ${WORKSPACE_FILE_BYTES_MAX}`
    : null;
}
