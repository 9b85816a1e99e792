/** Keys of the interface whose behaviour is not built yet: they are refused by name, never ignored. */
import type { IssueList } from './issue-list.ts';
import type { WorkspaceFiles } from './workspace-files.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

export function refuseUnsupported(files: WorkspaceFiles, issues: IssueList): void {
  for (const file of files.campaigns) refuseValue(file, ['status'], 'shadow', 'use draft, live or paused', issues);
}

function refuseValue(file: YamlFile, path: YamlPath, value: string, instead: string, issues: IssueList): void {
  if (file.has(path) && file.scalarText(path) === value)
    issues.report(file.name, file.valueMark(path), `\`${path.at(-1)}: ${value}\` is not supported yet: ${instead}`);
}
