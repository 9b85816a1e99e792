/**
 * `$feedback`, the engine's own event type that rules read as any other: what became of a decision. Producers send `decision` and `outcome`; the rest is the decision's.
 * Its schema stands behind those of events.yaml, which cannot declare it.
 */
import type { EventSchema } from '../protocol/schema.ts';

export const FEEDBACK_TYPE = '$feedback';

/** variant and offer are absent where the decision has none. */
const FIELDS = ['decision', 'outcome', 'campaign', 'channel', 'variant', 'offer'] as const;

/** `index`: in Schema.events. */
export function feedbackSchema(index: number): EventSchema {
  return {
    type: FEEDBACK_TYPE,
    index,
    fields: FIELDS.map((path, slot) => ({ path, type: 'string', slot })),
    lists: [],
  };
}
