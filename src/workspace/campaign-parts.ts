/** What a campaign says of time: what sets it off, waits, sequences, cascades, limits and goals, as people write them. What holds between keys is checked in compile-*.ts. */
import { z } from 'zod';
import {
  CAMPAIGN_WAIT_MS_MAX,
  GOAL_WITHIN_MS_MAX,
  SEQUENCE_LENGTH_MAX,
  SEQUENCE_WITHIN_MS_MAX,
  UNLESS_MAX,
} from '../constants.ts';
import {
  durationUpTo,
  eventReference,
  expected,
  expression,
  offset,
  oneOf,
  schedule,
  wholeNumber,
} from './definition-parts.ts';

const COUNT_MAX = 1_000_000_000;

export const onDefinition = z
  .union([eventReference, z.strictObject({ schedule, offset: offset.optional() })], {
    error: expected('an event type, or {schedule: …}'),
  })
  .meta({
    description:
      'The event type that it listens for, `$feedback` included; or {schedule: "0 10 * * *"}: then it looks at every customer when that is due.',
  });

/** An event type, or {event, when}. */
const meeting = z.union([eventReference, z.strictObject({ event: eventReference, when: expression.optional() })], {
  error: expected('an event type, or {event: …, when: …}'),
});

export const waitDefinition = z.strictObject({
  for: durationUpTo(CAMPAIGN_WAIT_MS_MAX)
    .optional()
    .meta({ description: 'How long it waits after the event. Either this or `until`.' }),
  until: schedule.optional().meta({
    description: 'Until the next due time of a schedule: a name of workspace.yaml, or cron such as "0 20 * * 3,6".',
  }),
  offset: offset.optional().meta({ description: 'Beside `until`: so much after its due times, or before: -3h.' }),
  unless: z
    .array(meeting)
    .min(1, { error: 'needs at least one event type' })
    .max(UNLESS_MAX, { error: `at most ${UNLESS_MAX} event types` })
    .optional()
    .meta({
      description:
        'Events of the customer that cancel it: types, or {event: purchase, when: event.basket == trigger.basket}, CEL over the event that comes and the one that it waits since.',
    }),
  restart: z
    .union([z.boolean(), z.string().min(1, { error: 'must not be empty' })], {
      error: expected('true, false or an expression'),
    })
    .optional()
    .meta({
      description:
        'true: a new event takes the place of all waits of the customer. An expression: of those for which it holds (`event`: the new one, `trigger`: the waiting one). Without, they wait side by side.',
    }),
  when: expression.optional().meta({
    description: "CEL over what set it off, asked at the end; without, the campaign's own `when` is asked again.",
  }),
});

export const afterDefinition = z.strictObject({
  events: z
    .array(meeting)
    .min(1, { error: 'needs at least one event type' })
    .max(SEQUENCE_LENGTH_MAX, { error: `at most ${SEQUENCE_LENGTH_MAX} events` })
    .meta({
      description:
        'In this order: types, or {event: view, when: event.sku == trigger.sku}, CEL over the earlier event and the one that sets the campaign off.',
    }),
  within: durationUpTo(
    SEQUENCE_WITHIN_MS_MAX,
    'missing `within`: say how far back the events may lie, such as `within: 1h`',
  ),
});

export const cascadeDefinition = z.strictObject({
  after: durationUpTo(
    CAMPAIGN_WAIT_MS_MAX,
    'missing `after`: say how long it waits for feedback before the next channel, such as `after: 2h`',
  ),
  unless: oneOf('delivered', 'opened', 'clicked', 'converted')
    .optional()
    .meta({ description: 'Feedback that ends it, or any that is stronger; `opened` where nothing is said.' }),
});

export const limitsDefinition = z
  .strictObject({ total: wholeNumber(0, COUNT_MAX).optional(), perDay: wholeNumber(0, COUNT_MAX).optional() })
  .refine(({ total, perDay }) => total !== undefined || perDay !== undefined, { error: 'needs `total` or `perDay`' });

export const goalDefinition = z.strictObject({
  event: eventReference,
  when: expression
    .optional()
    .meta({ description: 'CEL over the event that comes and `trigger`, the one that set the campaign off.' }),
  within: durationUpTo(
    GOAL_WITHIN_MS_MAX,
    'missing `within`: say how long after the contact it counts, such as `within: 7d`',
  ),
});

export type MeetingDefinition = z.infer<typeof meeting>;
export type WaitDefinition = z.infer<typeof waitDefinition>;
export type AfterDefinition = z.infer<typeof afterDefinition>;
export type CascadeDefinition = z.infer<typeof cascadeDefinition>;
export type GoalDefinition = z.infer<typeof goalDefinition>;
