/** `goal` of a campaign: the event that it is to bring about. */
import type { GoalDefinition } from './campaign-parts.ts';
import { type CampaignParts, compileMeeting } from './compile-meeting.ts';
import { parseDuration } from './duration.ts';
import type { Goal } from './workspace.ts';

export function compileGoal(data: GoalDefinition | undefined, parts: CampaignParts): Goal | null {
  if (data === undefined) return null;
  const meeting = compileMeeting(data, ['goal', 'event'], ['goal'], parts);
  return meeting === null ? null : { ...meeting, withinMs: parseDuration(data.within) ?? 0 };
}
