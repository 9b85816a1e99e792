/** What a campaign's expressions read of the events of one type: as its own trigger, and as the other event of its waits, sequence and goal. */
import type { EventSchema, Schema } from '../protocol/schema.ts';
import { allReads, type EventReads, readsOf, readsOfPair } from '../rules/event-reads.ts';
import type { Campaign, Meeting } from '../workspace/workspace.ts';

/** By event type: the campaigns whose expressions may read events of it. */
export function readersByType(campaigns: readonly Campaign[], { events }: Schema): readonly (readonly Campaign[])[] {
  const readers = events.map((): Campaign[] => []);
  for (const campaign of campaigns)
    for (const event of new Set([campaign.event, ...meetingsOf(campaign).map((meeting) => meeting.event)]))
      readers[event]?.push(campaign);
  return readers;
}

export function campaignReads(campaign: Campaign, event: EventSchema, schema: Schema): EventReads {
  const { when, value, score, wait } = campaign;
  const isTrigger = campaign.event === event.index;
  const own = [when, value, score, wait?.when ?? null].filter((program) => program !== null);
  return allReads([
    readsOf(isTrigger ? own : []),
    ...meetingsOf(campaign).flatMap((meeting) => meetingReads(meeting, campaign, event, schema)),
  ]);
}

/** Of a campaign: all its rules over two events. */
export function meetingsOf({ wait, after, goal }: Campaign): readonly Meeting[] {
  return [
    ...(wait?.unless ?? []),
    ...(wait?.restart == null ? [] : [wait.restart]),
    ...(after?.events ?? []),
    ...(goal === null ? [] : [goal]),
  ];
}

function meetingReads(
  { event: index, when }: Meeting,
  campaign: Campaign,
  event: EventSchema,
  schema: Schema,
): EventReads[] {
  if (when === null) return [];
  const coming = schema.events[index] as EventSchema;
  const trigger = schema.events[campaign.event];
  // A scheduled campaign has no trigger: its goal is about the event alone.
  if (trigger === undefined) return index === event.index ? [readsOf([when])] : [];
  const reads = readsOfPair(when, coming, trigger);
  return [
    ...(coming.index === event.index ? [reads.event] : []),
    ...(trigger.index === event.index ? [reads.trigger] : []),
  ];
}
