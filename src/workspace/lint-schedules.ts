/** Warnings about schedules that never fall due, such as 30 February: what hangs on them never happens. */
import type { IssueList } from './issue-list.ts';
import { nextDueTime } from './schedule-times.ts';
import type { Deadline, Schedule, Workspace } from './workspace.ts';
import type { WorkspaceFiles } from './workspace-files.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';
import { Zones } from './zones.ts';

/** Any instant does: what has not come within the years that are looked ahead never comes. */
const SINCE_MS = Date.UTC(2000, 0, 1);

export function lintSchedules(
  workspace: Workspace,
  files: WorkspaceFiles,
  named: ReadonlyMap<string, Schedule | null>,
  issues: IssueList,
): void {
  const zones = new Zones(workspace.zones);
  const check = (schedule: Schedule | null, file: YamlFile | null | undefined, path: YamlPath): void => {
    if (schedule === null || file === null || file === undefined) return;
    if (nextDueTime(schedule, zones, workspace.timezone, SINCE_MS) === null)
      issues.warn(file.name, file.valueMark(path), `it never falls due: no such day is in the months that it names`);
  };
  /** A name is warned of where it is declared. */
  const checkOwn = (schedule: Schedule | null, file: YamlFile | null | undefined, path: YamlPath): void => {
    if (file !== null && file !== undefined && !named.has(file.scalarText(path).trim())) check(schedule, file, path);
  };
  const of = (deadline: Deadline | null | undefined): Schedule | null =>
    deadline !== null && deadline !== undefined && 'schedule' in deadline ? deadline.schedule : null;
  for (const [name, schedule] of named) check(schedule, files.workspace, ['schedules', name]);
  for (const { id, expires } of workspace.offers) checkOwn(of(expires), files.offers, [id, 'expires', 'until']);
  const byId = new Map(files.campaigns.map((file) => [file.scalarText(['id']), file]));
  for (const { id, schedule, wait } of workspace.campaigns) {
    checkOwn(schedule, byId.get(id), ['on', 'schedule']);
    checkOwn(of(wait?.deadline), byId.get(id), ['wait', 'until']);
  }
}
