/** What a new version may not do to the profiles that exist: INTERFACE refuses an attribute whose type changed. */
import type { Workspace, WorkspaceIssue } from './workspace.ts';

export function incompatibilities(current: Workspace, next: Workspace): WorkspaceIssue[] {
  const types = new Map(current.attributes.map((attribute) => [attribute.name, attribute.type]));
  return next.attributes
    .filter((attribute) => (types.get(attribute.name) ?? attribute.type) !== attribute.type)
    .map((attribute) => ({
      file: 'profile.yaml',
      ...placeOf(next.files['profile.yaml'] ?? '', attribute.name),
      message: `attribute \`${attribute.name}\` is ${types.get(attribute.name)} in version ${current.version} and cannot become ${attribute.type}: give the new one another name`,
    }));
}

/** Where the attribute's key stands; the file has been validated, so a line that begins with the name is it. */
function placeOf(profileYaml: string, attribute: string): { line: number; column: number } {
  const lines = profileYaml.split('\n');
  const line = lines.findIndex((text) => new RegExp(`^\\s+["']?${attribute}["']?\\s*:`).test(text));
  return line < 0 ? { line: 1, column: 1 } : { line: line + 1, column: (lines[line] as string).search(/\S/) + 1 };
}
