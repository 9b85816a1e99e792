/** The fields that are asked of members: names of the profile, and segments. */
import { AUDIENCE_FIELDS_MAX } from '../constants.ts';
import type { Schema } from '../protocol/schema.ts';
import { nearest } from '../stdx/nearest.ts';
import type { WorkspaceIssue } from '../workspace/workspace.ts';
import type { AudienceField } from './messages.ts';

/** `column` of an issue: which of the names it is, from 1. */
export function resolveFields(
  names: readonly string[],
  schema: Schema,
): { readonly fields: readonly AudienceField[]; readonly issues: readonly WorkspaceIssue[] } {
  const known = new Map<string, AudienceField['type']>([
    ...schema.profile.map(({ name, type }) => [name, type] as const),
    ...schema.segments.map((name) => [`segment.${name}`, 'segment'] as const),
  ]);
  const fields: AudienceField[] = [];
  const issues: WorkspaceIssue[] = [];
  const seen = new Set<string>(['id']);
  names.forEach((name, i) => {
    const type = known.get(name);
    const message = seen.has(name)
      ? `"${name}" is there already${name === 'id' ? ': every row begins with the id' : ''}`
      : type === undefined
        ? unknown(name, known.keys())
        : null;
    seen.add(name);
    if (message !== null) issues.push({ file: 'fields', line: 1, column: i + 1, message });
    else if (type !== undefined) fields.push({ name, type });
  });
  if (names.length > AUDIENCE_FIELDS_MAX) {
    const message = `${names.length} fields are too many: ${AUDIENCE_FIELDS_MAX} at most`;
    return { fields: [], issues: [{ file: 'fields', line: 1, column: 1, message }] };
  }
  return { fields, issues };
}

function unknown(name: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearest(name.replace(/^profile\./, ''), names);
  const hint = near === null ? '' : `; did you mean "${near}"?`;
  return `the profile has no attribute, aggregate or segment "${name}"${hint}`;
}
