/**
 * Durable groups: members, on any node, share the decisions of all partitions. A decision is given to one member, and counts as done when it was
 * acknowledged; what is not acknowledged in time, or was held by a member that left, is given to a member again: at least once, never to nobody.
 *
 * A partition's decisions are given out in the order of their numbers, and reach one member in that order, except those that are given out again.
 */
import type { EncodedDecision } from './decision.ts';

export interface DecisionGroups {
  /** Makes the group if there is none. What is delivered begins with the membership's first resume(). */
  join(
    request: GroupRequest,
    listener: GroupListener,
  ): Promise<{ readonly membership: GroupMembership } | { readonly refusal: GroupRefusal }>;
}

export interface GroupRequest {
  readonly name: string;
  /** Sorted, without repeats; null: all. Fixed when the group is made: others are refused later. */
  readonly channels: readonly string[] | null;
  readonly campaigns: readonly string[] | null;
  /** Likewise; null: as the group has it, or the default for a new one. */
  readonly ackWaitMs: number | null;
  /** Per partition, the number with which a new group begins; a group that exists goes on where it stands. null: a new one cannot be made. */
  readonly start: readonly number[] | null;
}

export interface GroupRefusal {
  /** conflict: the group is another than was asked for. absent: there is none, and `start` was null. full: no more can be made. unavailable: not now. */
  readonly kind: 'conflict' | 'absent' | 'full' | 'unavailable';
  readonly detail: string;
}

export interface GroupListener {
  /** Given to this member. Once more for a decision that was given before and came back. */
  delivered(partition: number, decision: EncodedDecision): void;
  /** Not acknowledged in time: it may be another member's by now. */
  expired(partition: number, number: number): void;
  /** The group is gone; nothing is delivered after it. */
  ended(reason: string): void;
}

export interface GroupMembership {
  /** The group's secret, the same for all its members on all nodes, and another if the group is made anew: cursors are sealed with it. */
  readonly key: string;
  /** Nothing new is asked for; what is on its way still comes. A membership begins paused. */
  pause(): void;
  resume(): void;
  /** Also for what came to another member, or has expired: it counts if nobody has acknowledged it before. */
  acknowledge(partition: number, number: number): void;
  /** Gives back at once what was delivered and not acknowledged. Nothing is delivered after it. */
  leave(): void;
}
