/** Schedules: the named ones of workspace.yaml, and references to them or cron text wherever a file may say when something is due. */
import { SCHEDULES_MAX } from '../constants.ts';
import { parseCron } from './cron.ts';
import { parseDuration, parseOffset } from './duration.ts';
import type { IssueList } from './issue-list.ts';
import { Names } from './references.ts';
import type { Deadline, Schedule } from './workspace.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

export interface Schedules {
  readonly names: Names;
  /** By name; one whose cron is faulty, which is reported, is null. */
  readonly compiled: ReadonlyMap<string, Schedule | null>;
}

/** complete: false where workspace.yaml is faulty: then no name can be called unknown. */
export function noSchedules(complete: boolean): Schedules {
  return { names: new Names('schedule', 'workspace.yaml', complete), compiled: new Map() };
}

/** `schedules` of workspace.yaml: name → cron text. */
export function compileSchedules(data: Readonly<Record<string, string>>, file: YamlFile, issues: IssueList): Schedules {
  const names = file.keys(['schedules']);
  if (names.length > SCHEDULES_MAX)
    issues.report(
      file.name,
      file.keyMark(['schedules', names[SCHEDULES_MAX] as string]),
      `too many schedules: at most ${SCHEDULES_MAX}`,
    );
  const compiled = new Map(
    names.map((name) => [name, compileCron(data[name] ?? '', file, ['schedules', name], issues)] as const),
  );
  return { names: new Names('schedule', file.name, true, names), compiled };
}

/**
 * What stands at `path`, a name of workspace.yaml or cron text, moved by `offset` (as a duration, may begin with a minus sign). null: it is neither, and that is reported there.
 * Schedules with the same `source` have the same due times.
 */
export function compileSchedule(
  text: string,
  offset: string | undefined,
  schedules: Schedules,
  file: YamlFile,
  path: YamlPath,
  issues: IssueList,
): Schedule | null {
  const named = !/\s/.test(text.trim());
  if (named && schedules.names.size === 0 && schedules.names.complete) {
    issues.report(
      file.name,
      file.valueMark(path),
      `unknown schedule \`${text}\`: write cron such as "0 10 * * *", or declare the name under \`schedules\` in workspace.yaml`,
    );
    return null;
  }
  if (named && schedules.names.resolve(text.trim(), file, path, issues) < 0) return null;
  const schedule = named ? (schedules.compiled.get(text.trim()) ?? null) : compileCron(text, file, path, issues);
  if (schedule === null) return null;
  const offsetMs = offset === undefined ? 0 : (parseOffset(offset) ?? 0);
  const source = named ? `${text.trim()} (${schedule.source})` : schedule.source;
  return { ...schedule, source: offsetMs === 0 ? source : `${source}, ${offset}`, offsetMs };
}

/** A duration, or {until, offset} with a schedule. */
export function compileDeadline(
  data: string | { readonly until: string; readonly offset?: string | undefined },
  schedules: Schedules,
  file: YamlFile,
  path: YamlPath,
  issues: IssueList,
): Deadline | null {
  if (typeof data === 'string') return { afterMs: parseDuration(data) ?? 0 };
  const schedule = compileSchedule(data.until, data.offset, schedules, file, [...path, 'until'], issues);
  return schedule === null ? null : { schedule };
}

function compileCron(text: string, file: YamlFile, path: YamlPath, issues: IssueList): Schedule | null {
  const fields = parseCron(text);
  if ('message' in fields) {
    issues.report(file.name, file.textMark(path, fields.offset), fields.message);
    return null;
  }
  return { source: text.trim().replaceAll(/\s+/g, ' '), ...fields, offsetMs: 0 };
}
