/** Rules over two events of one campaign: the one that comes, and the one that set the campaign off. */
import type { EventSchema } from '../protocol/schema.ts';
import type { Program } from '../rules/program.ts';
import type { MeetingDefinition } from './campaign-parts.ts';
import type { Events } from './compile-events.ts';
import type { Settings } from './compile-settings.ts';
import type { Expressions } from './expressions.ts';
import type { IssueList } from './issue-list.ts';
import type { Meeting } from './workspace.ts';
import type { YamlFile, YamlPath } from './yaml-file.ts';

/** What the parts of one campaign are compiled with. A faulty part is reported, and null. */
export interface CampaignParts {
  readonly file: YamlFile;
  readonly settings: Settings;
  readonly events: Events;
  readonly expressions: Expressions;
  /** What sets it off; null: a schedule does, or nobody knows. */
  readonly trigger: EventSchema | null;
  readonly onSchedule: boolean;
  /** False where what expressions read is faulty itself: then names are looked up, and expressions left alone. */
  readonly judges: boolean;
  readonly issues: IssueList;
}

export function compileMeetings(
  definitions: readonly MeetingDefinition[],
  path: YamlPath,
  parts: CampaignParts,
): Meeting[] {
  return definitions.flatMap((definition, i) => {
    const named = typeof definition === 'string';
    const entry = [...path, i];
    const meeting = named
      ? compileMeeting({ event: definition }, entry, entry, parts)
      : compileMeeting(definition, [...entry, 'event'], entry, parts);
    return meeting === null ? [] : [meeting];
  });
}

/** typePath: where the event's type stands. path: of the mapping that may have a `when`. */
export function compileMeeting(
  definition: { readonly event: string; readonly when?: unknown },
  typePath: YamlPath,
  path: YamlPath,
  parts: CampaignParts,
): Meeting | null {
  const index = parts.events.names.resolve(definition.event, parts.file, typePath, parts.issues);
  const event = parts.events.schemas[index];
  if (event === undefined) return null;
  if (definition.when === undefined) return { event: index, when: null };
  const when = checkMeeting(event, [...path, 'when'], parts);
  return when === null ? null : { event: index, when };
}

export function checkMeeting(event: EventSchema, path: YamlPath, parts: CampaignParts): Program | null {
  const { expressions, file, trigger, onSchedule, judges } = parts;
  // Of a trigger that nobody knows nothing can be said.
  if (!judges || (trigger === null && !onSchedule)) return null;
  return expressions.check(file, path, event, ['bool'], trigger);
}
