/**
 * Two events in one frame, for expressions over `event` and `trigger`: the first event's fields and lists where they are in its own frame, the second's behind them, and
 * last what of the second is not in its data. A program over a pair is therefore a program over its first event as long as it does not name the second.
 */
import type { EventSchema } from '../protocol/schema.ts';

/** Where the second event's parts lie. */
export interface EventPair {
  /** Added to the slots of its fields. */
  readonly firstSlot: number;
  /** Added to the numbers of its lists. */
  readonly firstList: number;
  /** A string, absent where it has none. */
  readonly idSlot: number;
  /** A string. */
  readonly typeSlot: number;
  /** A timestamp. */
  readonly tsSlot: number;
}

export function eventPair(event: EventSchema, trigger: EventSchema): EventPair {
  const firstSlot = event.fields.length;
  const idSlot = firstSlot + trigger.fields.length;
  return { firstSlot, firstList: event.lists.length, idSlot, typeSlot: idSlot + 1, tsSlot: idSlot + 2 };
}
