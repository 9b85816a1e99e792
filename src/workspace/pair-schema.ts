/** The schema of a frame that holds two events, by which createEventFrame makes it and whoever fills it finds the places (rules/event-pair.ts). */
import type { EventSchema } from '../protocol/schema.ts';
import { eventPair } from '../rules/event-pair.ts';

/** Its type and index are the first event's. The second's paths start with `trigger.`, which a field of the first may do as well: places are told apart by slot, never by path. */
export function pairSchema(event: EventSchema, trigger: EventSchema): EventSchema {
  const { firstSlot, firstList, idSlot, typeSlot, tsSlot } = eventPair(event, trigger);
  return {
    type: event.type,
    index: event.index,
    fields: [
      ...event.fields,
      ...trigger.fields.map((field) => ({
        ...field,
        path: `trigger.${field.path}`,
        slot: firstSlot + field.slot,
      })),
      { path: 'trigger.id', type: 'string', slot: idSlot },
      { path: 'trigger.type', type: 'string', slot: typeSlot },
      { path: 'trigger.ts', type: 'timestamp', slot: tsSlot },
    ],
    lists: [
      ...event.lists,
      ...trigger.lists.map((list) => ({ ...list, path: `trigger.${list.path}`, list: firstList + list.list })),
    ],
  };
}
