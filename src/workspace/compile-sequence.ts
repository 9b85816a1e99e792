/** `after` of a campaign: what must have come before its trigger. */
import type { AfterDefinition } from './campaign-parts.ts';
import { type CampaignParts, compileMeetings } from './compile-meeting.ts';
import { parseDuration } from './duration.ts';
import type { Sequence } from './workspace.ts';

export function compileSequence(data: AfterDefinition | undefined, parts: CampaignParts): Sequence | null {
  if (data === undefined) return null;
  const { file, onSchedule, issues } = parts;
  if (onSchedule) {
    issues.report(
      file.name,
      file.keyMark(['after']),
      '`after` needs an event to come before: on a schedule use an aggregate of the profile in `when`',
    );
    return null;
  }
  return {
    events: compileMeetings(data.events, ['after', 'events'], parts),
    withinMs: parseDuration(data.within) ?? 0,
  };
}
