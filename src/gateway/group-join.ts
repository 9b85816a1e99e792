/** Joins a member to its group; what stands against it is a problem document. */
import type { DecisionGroups, GroupListener, GroupMembership, GroupRefusal } from '../protocol/decision-group.ts';
import { type Problem, unavailable } from './problem.ts';
import type { GroupQuery } from './stream-query.ts';
import type { StreamStart } from './stream-start.ts';

/** `start` counts for a group that must be made, and only for that: one that exists goes on where it stands. */
export async function joinGroup(
  groups: DecisionGroups,
  query: GroupQuery,
  start: StreamStart,
  listener: GroupListener,
  retryAfterSeconds: number,
): Promise<{ readonly membership: GroupMembership } | { readonly problem: Problem }> {
  const joined = await groups.join({ ...query, start: 'next' in start ? start.next : null }, listener);
  if ('membership' in joined) return joined;
  const { kind, detail } = joined.refusal;
  if (kind === 'absent' && 'problem' in start) return { problem: start.problem };
  if (kind === 'absent' || kind === 'unavailable') return { problem: unavailable(detail, retryAfterSeconds) };
  return { problem: { status: 409, type: `group-${kind}`, title: titles[kind], detail } };
}

const titles: Readonly<Record<Extract<GroupRefusal['kind'], 'conflict' | 'full'>, string>> = {
  conflict: 'The group is another than this member asks for',
  full: 'The group is one too many, or too much',
};

/** Where decisions are kept on the node's own disk, nobody but this node could share them. */
export const noGroups: Problem = {
  status: 501,
  type: 'group',
  title: 'Groups need NATS',
  detail:
    'group= needs a node that was started with --nats, whose decision streams are shared: on this one each subscriber keeps its own cursor and gets every decision that its filters let through',
};
