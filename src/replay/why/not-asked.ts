/** Why the campaign that is asked about had no part in a moment: how it stands in the version of that moment. */
import type { NotAsked } from '../../protocol/explanation.ts';
import type { Workspace } from '../../workspace/workspace.ts';

export function notAskedIn({ campaigns, schema }: Workspace, id: string): NotAsked {
  const campaign = campaigns.find((each) => each.id === id);
  if (campaign === undefined) return { status: 'absent', on: null };
  const { status, event, schedule } = campaign;
  return { status, on: schedule === null ? (schema.events[event]?.type ?? null) : '$schedule' };
}
