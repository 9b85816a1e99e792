/** Whether a compiled workspace can follow the active one: an attribute keeps its column from version to version, so it keeps its type. */
import { IssueList } from './issue-list.ts';
import type { Workspace, WorkspaceIssue } from './workspace.ts';
import { YamlFile } from './yaml-file.ts';

/** What stands in the way, at its place in the next version's files; empty: it can be published. */
export function incompatibilities(active: Workspace, next: Workspace): readonly WorkspaceIssue[] {
  const issues = new IssueList();
  const path = 'profile.yaml';
  const file = YamlFile.parse(path, next.files[path] ?? '', issues);
  const types = new Map(active.attributes.map((attribute) => [attribute.name, attribute.type]));
  for (const { name, type } of next.attributes) {
    const before = types.get(name);
    if (before !== undefined && before !== type && file !== null)
      issues.report(
        path,
        file.valueMark(['attributes', name, 'type']),
        `attribute \`${name}\` is a ${before} in version ${active.version}: its type cannot change; give the new one another name`,
      );
  }
  return issues.issues;
}
