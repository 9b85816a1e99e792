/** workspace.yaml: name, time zone, channels, lateness, schedules. */
import { LATENESS_DEFAULT_MS } from '../constants.ts';
import { parseDate } from './calendar.ts';
import { compileSchedules, noSchedules, type Schedules } from './compile-schedule.ts';
import type { ValidityDefinition } from './definitions.ts';
import { workspaceDefinition } from './definitions.ts';
import { parseDuration } from './duration.ts';
import type { IssueList } from './issue-list.ts';
import { Names } from './references.ts';
import { didYouMean } from './suggest.ts';
import { validate } from './validate.ts';
import type { Validity } from './workspace.ts';
import type { YamlFile } from './yaml-file.ts';
import { zoneTable } from './zone-table.ts';
import { Zones } from './zones.ts';

export interface Settings {
  readonly name: string;
  readonly timezone: string;
  readonly zones: Zones;
  readonly channels: Names;
  readonly latenessMs: number;
  readonly schedules: Schedules;
}

export function compileSettings(file: YamlFile | null, issues: IssueList): Settings {
  const zones = new Zones(zoneTable());
  const data = file === null ? null : validate(workspaceDefinition, file, issues);
  if (file === null || data === null)
    return {
      name: '',
      timezone: 'UTC',
      zones,
      channels: new Names('channel', 'workspace.yaml', false),
      latenessMs: LATENESS_DEFAULT_MS,
      schedules: noSchedules(false),
    };
  const known = zones.has(data.timezone);
  if (!known)
    issues.report(
      file.name,
      file.valueMark(['timezone']),
      `unknown time zone \`${data.timezone}\`${didYouMean(data.timezone, zones.names())}`,
    );
  const channels = new Names('channel', file.name, true, data.channels);
  channels.resolveList(data.channels, file, ['channels'], issues);
  const latenessMs = data.lateness === undefined ? LATENESS_DEFAULT_MS : (parseDuration(data.lateness) ?? 0);
  const schedules = data.schedules === undefined ? noSchedules(true) : compileSchedules(data.schedules, file, issues);
  return { name: data.name, timezone: known ? data.timezone : 'UTC', zones, channels, latenessMs, schedules };
}

/** Days of the workspace's zone, both ends included → half-open instants. */
export function compileValidity(valid: ValidityDefinition | undefined, { zones, timezone }: Settings): Validity {
  const from = valid?.from === undefined ? null : parseDate(valid.from);
  const to = valid?.to === undefined ? null : parseDate(valid.to);
  return {
    fromMs: from === null ? null : zones.startOfDay(timezone, from),
    toMs: to === null ? null : zones.startOfDay(timezone, to + 1),
  };
}
