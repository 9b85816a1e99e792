/** Holds a YAML file against its zod definition: every issue becomes a line a person can act on, at the key or value that it is about. */
import type { z } from 'zod';
import { show } from './definition-parts.ts';
import type { IssueList } from './issue-list.ts';
import { suggestion } from './suggest.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

const MISSING = 'missing';

/** Where something was refused. */
export interface DefinitionFault {
  /** Where something is missing, it is not there. */
  readonly path: YamlPath;
  /** Of the key, not of its value. */
  readonly isKey: boolean;
}

/** The file's data as its definition types it; null where something is wrong with it: then all of that is in `issues`, and its places in `faults`. */
export function validate<T extends z.ZodType>(
  definition: T,
  file: YamlFile,
  issues: IssueList,
  faults: DefinitionFault[] = [],
): z.infer<T> | null {
  // An empty file is an empty mapping, or list.
  const empty = definition.def.type === 'array' ? [] : Object.create(null);
  const result = definition.safeParse(file.data ?? empty, { error: message });
  if (result.success) return result.data;
  const seen = new Set<string>();
  for (const issue of result.error.issues) reportIssue(issue, [], file, issues, faults, seen);
  return null;
}

type Issue = z.core.$ZodIssue;

function reportIssue(
  issue: Issue,
  prefix: YamlPath,
  file: YamlFile,
  issues: IssueList,
  faults: DefinitionFault[],
  seen: Set<string>,
): void {
  const path = [...prefix, ...(issue.path as (string | number)[])];
  if (issue.code === 'unrecognized_keys') {
    const lines = issue.message.split('\n');
    for (const [i, key] of issue.keys.entries()) {
      faults.push({ path: [...path, key], isKey: true });
      issues.report(file.name, file.keyMark([...path, key]), lines[i] ?? `unknown key \`${key}\``);
    }
    return;
  }
  if (issue.code === 'invalid_union') {
    const branch = meantBranch(issue.errors);
    if (branch !== null) {
      for (const inner of branch) reportIssue(inner, path, file, issues, faults, seen);
      return;
    }
  }
  // One value, one message: the checks behind the first that failed would only say it again.
  const place = JSON.stringify(path);
  if (seen.has(place)) return;
  seen.add(place);
  faults.push({ path, isKey: issue.code === 'invalid_key' });
  if (issue.code === 'invalid_key')
    issues.report(file.name, file.keyMark(path), issue.issues[0]?.message ?? issue.message);
  else if (!file.has(path)) {
    const fault = issue.message === MISSING ? `missing \`${String(path.at(-1))}\`` : issue.message;
    issues.report(file.name, file.keyMark(path.slice(0, -1)), fault);
  } else issues.report(file.name, file.valueMark(path), issue.message === MISSING ? 'needs a value' : issue.message);
}

/** Of a union, the alternative whose kind of value was given; its own issues say more than "none of these". */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const meant = branches.filter((branch) =>
    branch.every(
      (issue) =>
        issue.path.length > 0 ||
        (issue.code !== 'invalid_type' && issue.code !== 'invalid_value' && issue.code !== 'invalid_union'),
    ),
  );
  return meant.length === 1 ? (meant[0] ?? null) : null;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  tuple: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** For what the definitions themselves have no message. Gets the raw issue, which still knows its definition and the wrong value. */
function message(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys((issue.inst?._zod.def as { shape?: object } | undefined)?.shape ?? {});
    return (issue.keys as string[]).map((key) => `unknown key \`${key}\`${suggestion(key, known)}`).join('\n');
  }
  if (issue.input === undefined) return MISSING;
  if (issue.code === 'invalid_type')
    return `expected ${KINDS[String(issue.expected)] ?? String(issue.expected)}, got ${show(issue.input)}`;
  return undefined;
}
