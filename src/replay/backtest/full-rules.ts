/**
 * Rules over contacts that stood in the way of a match, and the contacts that filled them: by the tables of the machine, looked up while it loses, when the customer's contacts are still those that
 * the rules were asked about.
 */
import { type CountedContact, CountedContacts } from '../../machine/trace/counted-contacts.ts';
import type { Outcome } from '../../machine/trace/trace.ts';
import type { Exclusion } from '../../workspace/workspace.ts';
import type { PartitionReplay } from '../partition-replay.ts';

export interface FullRule {
  /** Where it stands in the way; null: whatever the channel. */
  readonly channel: string | null;
  /** So many contacts fill it. */
  readonly room: number;
  /** Oldest first, at least as many. */
  readonly contacts: readonly CountedContact[];
}

/** Of an outcome that is just told, `excluded`, `gap` or `cap`. None of a campaign in shadow, which sees more than there is. */
export function fullRules(
  { customer, campaign: id, result, now }: Outcome,
  { machine, state, partition }: PartitionReplay,
): readonly FullRule[] {
  const active = machine.activeWorkspace;
  const campaign = active?.campaigns.find((each) => each.id === id);
  if (active === null || campaign === undefined || campaign.isShadow) return [];
  const counted = new CountedContacts(state, active, partition, state.find(customer), now);
  const { channels, policy } = active.workspace;
  const rules =
    result === 'excluded'
      ? [...campaign.exclusions].map((exclusion): FullRule => {
          const { perMs } = policy.exclusions[exclusion] as Exclusion;
          const contacts = counted.ofOthers(campaign, exclusion).filter(({ ts }) => now - ts < perMs);
          return { channel: null, room: 1, contacts };
        })
      : campaign.channels.flatMap((channel) =>
          [...(campaign.capsOfChannel[channel] as Int32Array)].map((cap): FullRule => {
            const room = campaign.capRoom[cap] as number;
            return { channel: channels[channel] as string, room, contacts: counted.ofCap(cap) };
          }),
        );
  return rules.filter(({ room, contacts }) => contacts.length >= room);
}

/** Who took the place on this channel: the latest of the new contacts without which none of these would be full. null: nobody; it would have lost all the same. */
export function takerOf(
  rules: readonly FullRule[],
  channel: string,
  isNew: (contact: CountedContact) => boolean,
): string | null {
  let taker: CountedContact | undefined;
  for (const { room, contacts, channel: where } of rules) {
    if (where !== null && where !== channel) continue;
    const fresh = contacts.filter(isNew);
    if (contacts.length - fresh.length >= room) return null;
    const last = fresh.at(-1);
    if (last !== undefined && (taker === undefined || last.ts >= taker.ts)) taker = last;
  }
  return taker?.campaign ?? null;
}
