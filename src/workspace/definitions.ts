/**
 * What each file of a workspace may say: one zod definition per file, from which the JSON Schemas for editors are generated. What spans files is checked in the compile-*.ts files.
 */
import { z } from 'zod';
import { CHANNELS_MAX, CONTACTS_PER_CUSTOMER_MAX, PICK_MAX, PRIORITY_MAX, SLOTS_MAX } from '../constants.ts';
import {
  afterDefinition,
  cascadeDefinition,
  goalDefinition,
  limitsDefinition,
  onDefinition,
  waitDefinition,
} from './campaign-parts.ts';
import {
  choiceFault,
  cron,
  duration,
  eventReference,
  eventType,
  expected,
  expression,
  id,
  identifier,
  offset,
  oneOf,
  percentage,
  positiveDuration,
  schedule,
  text,
  timeOfDay,
  validity,
  wholeNumber,
} from './definition-parts.ts';
import { parseDuration } from './duration.ts';
import { didYouMean } from './suggest.ts';

const COUNT_MAX = 1_000_000_000;

export const workspaceDefinition = z
  .strictObject({
    name: text.meta({ description: 'A name for people.' }),
    timezone: text.meta({
      description: 'IANA name: its days are the days of `valid` and of limits, its hours those of quiet hours.',
    }),
    channels: z
      .array(id)
      .min(1, { error: 'needs at least one channel' })
      .max(CHANNELS_MAX, { error: `at most ${CHANNELS_MAX} channels` }),
    lateness: duration
      .optional()
      .meta({ description: 'Events older than this update the profile, but decide nothing. Default 1h.' }),
    schedules: z
      .record(id, cron)
      .optional()
      .meta({ description: 'Names for due times that campaigns and offers refer to: {draw: "0 20 * * wed,sat"}.' }),
  })
  .meta({ title: 'Beckon: workspace.yaml' });

const SCALAR_TYPES = ['string', 'int', 'double', 'bool', 'timestamp'] as const;
const scalarType = oneOf(...SCALAR_TYPES);

const attribute = z.strictObject({
  type: oneOf('string', 'int', 'double', 'bool', 'timestamp', 'list<string>'),
  default: z
    .union([z.string(), z.number(), z.boolean(), z.array(z.string())], {
      error: expected('a text, a number, true, false or a list of texts'),
    })
    .optional()
    .meta({ description: 'What it is until it is set; without, it is absent until then.' }),
});

const aggregate = z.strictObject({
  fn: oneOf('count', 'sum', 'min', 'max', 'avg', 'first', 'last', 'distinct'),
  event: eventReference.meta({ description: 'The event type that is aggregated.' }),
  value: expression.optional().meta({ description: 'CEL over `event`: what is aggregated. Not for count.' }),
  when: expression.optional().meta({ description: 'CEL over `event`: only events for which it holds are counted.' }),
  window: positiveDuration.optional().meta({ description: 'The span before now that counts; without, all time.' }),
  resolution: positiveDuration
    .optional()
    .meta({ description: 'Width of a bucket. Default 1h up to a window of 48h, else 1d.' }),
});

export const profileDefinition = z
  .strictObject({
    attributes: z.record(identifier, attribute).optional(),
    aggregates: z.record(identifier, aggregate).optional(),
    segments: z
      .record(identifier, expression)
      .optional()
      .meta({ description: 'Named CEL predicates over `profile`, `segment` and `now`.' }),
  })
  .meta({ title: 'Beckon: profile.yaml' });

/** A field: a scalar, an object of fields, or a list of scalars or of flat objects, `[string]` or `[{sku: string}]`. */
export type FieldDefinition =
  | string
  | readonly (string | Readonly<Record<string, string>>)[]
  | { readonly [name: string]: FieldDefinition };

const field: z.ZodType<FieldDefinition> = z
  .lazy(() =>
    z.union(
      [
        scalarType,
        z.tuple([z.union([scalarType, z.record(identifier, scalarType)])], {
          error: expected('a list of exactly one type'),
        }),
        z.record(identifier, field),
      ],
      {
        error: ({ input }) =>
          `${expected('a type (`string`, `int`, `double`, `bool` or `timestamp`), fields, or a list of one of them')({ input })}${typeof input === 'string' ? didYouMean(input, SCALAR_TYPES) : ''}`,
      },
    ),
  )
  .meta({
    id: 'Field',
    description: 'string, int, double, bool or timestamp; {fields}; or a list: [type] or [{fields}].',
  });

export const eventsDefinition = z
  .record(eventType, z.record(identifier, field).nullable())
  .meta({ title: 'Beckon: events.yaml', description: 'Event types and their fields.' });

/** Anything, for whoever reads the file: nothing is made of it. */
const description = z
  .string({ error: expected('a text') })
  .optional()
  .meta({ description: 'For people: what it is for, whom to ask.' });

/** How long something is good for: so long, or until a schedule's next due time. */
const deadline = z.union([positiveDuration, z.strictObject({ until: schedule, offset: offset.optional() })], {
  error: expected('a duration such as 7d, or {until: …} with a schedule'),
});

const offer = z.strictObject({
  title: text,
  description,
  budget: wholeNumber(0, COUNT_MAX).optional().meta({
    description:
      'How often it may be given in all, over all customers and for good: never once more. Without, any number.',
  }),
  perCustomer: z
    .strictObject({
      max: wholeNumber(1, CONTACTS_PER_CUSTOMER_MAX),
      per: positiveDuration.optional().meta({ description: 'Rolling; without, for ever.' }),
    })
    .optional()
    .meta({ description: 'How often one customer may get it.' }),
  expires: deadline.optional().meta({
    description:
      'How long it is good for once it was given: 7d, or {until: draw} for the next due time of a schedule, {until: draw, offset: -3h} for three hours before that. Without, no end.',
  }),
  unused: oneOf('return', 'keep').optional().meta({
    description:
      'return: what expires without feedback `converted` gives its unit of the budget and of the limits back, for another customer. Default keep.',
  }),
  valid: validity.optional(),
});

export const offersDefinition = z.record(id, offer).meta({ title: 'Beckon: offers.yaml' });

/** Silently dropping messages must be somebody's decision, and so must be keeping them for the morning: there is no default. */
const thenFault = ({ input }: { readonly input?: unknown }): string =>
  input === undefined
    ? 'missing `then`: write `then: defer`, so that messages wait until quiet hours end, or `then: drop`, so that they are not decided at all'
    : choiceFault(input, ['defer', 'drop']);

const channelList = z.array(id).min(1, { error: 'needs at least one channel' });
const groupList = z.array(id).min(1, { error: 'needs at least one group' });
const categoryList = z.array(id).min(1, { error: 'needs at least one category' });

const cap = z.strictObject({
  name: id,
  max: wholeNumber(1, CONTACTS_PER_CUSTOMER_MAX),
  per: positiveDuration,
  channels: channelList.optional().meta({ description: 'Counted together; without, all channels.' }),
  groups: groupList.optional().meta({ description: 'Only campaigns of these groups count; without, of all.' }),
  categories: categoryList
    .optional()
    .meta({ description: 'Only campaigns of these categories count; without, of all.' }),
  reserved: z
    .strictObject({
      max: wholeNumber(1, CONTACTS_PER_CUSTOMER_MAX),
      priority: wholeNumber(-PRIORITY_MAX, PRIORITY_MAX),
    })
    .optional()
    .meta({ description: 'Of `max`, so many are kept for campaigns of this priority or a higher one.' }),
});

const exclusion = z
  .strictObject({
    name: id,
    campaigns: z
      .array(id)
      .min(1, { error: 'needs at least one campaign' })
      .optional()
      .meta({ description: 'Ids of campaigns.' }),
    groups: groupList.optional().meta({ description: 'All campaigns of these groups.' }),
    per: positiveDuration,
  })
  .refine(({ campaigns, groups }) => campaigns !== undefined || groups !== undefined, {
    error: 'needs `campaigns` or `groups`',
  });

const holdout = z.union([percentage, z.strictObject({ share: percentage, categories: categoryList.optional() })], {
  error: expected('a percentage such as 5%, or {share: 5%, categories: […]}'),
});

export const policyDefinition = z
  .strictObject({
    consent: z
      .record(id, oneOf('opt-in', 'opt-out', 'none-needed'))
      .optional()
      .meta({ description: 'By channel; opt-in where nothing is said.' }),
    caps: z.array(cap).optional().meta({
      description:
        'In no window of length `per`, whatever its start, are there more than `max` decisions for one customer.',
    }),
    gap: z
      .strictObject(
        {
          min: positiveDuration.meta({ description: 'The least time between two messages to the same customer.' }),
          channels: channelList
            .optional()
            .meta({ description: 'Between messages on these channels; without, on any.' }),
          categories: categoryList
            .optional()
            .meta({ description: 'Between messages of these categories; without, of any.' }),
        },
        {
          error: ({ code, input }) =>
            code === 'invalid_type' && typeof input === 'string' && parseDuration(input) !== null
              ? `write \`gap: { min: ${input} }\``
              : undefined,
        },
      )
      .optional()
      .meta({ description: 'A pause after every message to a customer.' }),
    exclusions: z.array(exclusion).optional().meta({
      description: 'Of the campaigns named, a customer hears from only one within `per`; the same one may come again.',
    }),
    holdout: holdout.optional().meta({
      description:
        'The share of customers who hear from no campaign at all, for comparison: 5%, or {share: 5%, categories: [marketing]} for campaigns of some categories only. Beside the holdouts of campaigns.',
    }),
    quietHours: z
      .strictObject({
        from: timeOfDay,
        to: timeOfDay,
        channels: channelList.optional().meta({ description: 'Without, all channels.' }),
        // biome-ignore lint/suspicious/noThenProperty: the key's name in the interface
        then: z.enum(['defer', 'drop'], { error: thenFault }).meta({
          description:
            'defer: what would be sent waits until quiet hours end, and is asked again then. drop: no decision on these channels.',
        }),
      })
      .optional()
      .meta({ description: "In the customer's own zone if the profile has a `timezone`." }),
    arbitration: z
      .strictObject({
        pick: wholeNumber(1, PICK_MAX)
          .optional()
          .meta({ description: 'How many campaigns may win per event; 1 where nothing is said.' }),
        score: expression.optional().meta({
          description:
            'CEL, int or double: campaigns are ranked by it, the highest first, before priority and value. Over `value`, `propensity`, `weight` and `priority` of the campaign, all doubles, and `event`, `profile`, `segment` and `now`: value * propensity * weight.',
        }),
        slots: z
          .record(
            id,
            z
              .array(id)
              .min(1, { error: 'needs at least one slot' })
              .max(SLOTS_MAX, { error: `at most ${SLOTS_MAX} slots` }),
          )
          .optional()
          .meta({
            description:
              'By channel, its places in order, such as {pos: [line-1, line-2]}: each takes one campaign per event.',
          }),
      })
      .optional()
      .meta({ description: 'Which campaigns win when several would speak to the same customer.' }),
  })
  .meta({ title: 'Beckon: policy.yaml' });

const probability = z.number({ error: expected('a number such as 0.05') }).min(0, { error: 'must not be negative' });

const model = z.strictObject({
  key: text.meta({ description: 'The field whose value picks the row: profile.tier, or one of the event.' }),
  table: z.record(z.string(), probability).meta({ description: 'By value of the key: {gold: 0.3, silver: 0.1}.' }),
  default: probability.meta({ description: 'Where the key is absent, or has no row.' }),
});

export const modelsDefinition = z
  .record(id, model)
  .meta({ title: 'Beckon: models.yaml', description: 'Tables of propensities that campaigns refer to.' });

const variant = z.strictObject({ weight: wholeNumber(0, 1_000_000), template: id.optional() });

export const campaignDefinition = z
  .strictObject({
    id,
    description,
    group: id.optional().meta({ description: 'A name that caps and exclusions go by.' }),
    category: id.optional().meta({ description: 'What kind of message it is: caps, gaps and the holdout go by it.' }),
    on: onDefinition,
    when: expression.optional().meta({
      description:
        'CEL over `event`, `profile`, `segment` and `now`; without, every such event. On a schedule: which customers, without `event`.',
    }),
    after: afterDefinition
      .optional()
      .meta({ description: 'What must have come before, such as the third view of the same product in an hour.' }),
    wait: waitDefinition.optional().meta({ description: 'A, then not B within a time.' }),
    offer: id.optional(),
    channels: channelList.meta({ description: 'In order of preference: the first that consent and policy allow.' }),
    cascade: cascadeDefinition.optional().meta({
      description: 'The next channel after a while, unless there was feedback to the one before.',
    }),
    slots: z
      .array(id)
      .min(1, { error: 'needs at least one slot' })
      .optional()
      .meta({ description: "Of the channels' slots in policy.yaml those that it takes; without, any." }),
    priority: wholeNumber(-PRIORITY_MAX, PRIORITY_MAX)
      .optional()
      .meta({ description: 'The highest wins; 0 where nothing is said.' }),
    value: expression
      .optional()
      .meta({ description: 'CEL, int or double: ranks among equal priorities; 0 where nothing is said.' }),
    propensity: z
      .union([expression, z.strictObject({ model: id })], { error: expected('an expression, or {model: …}') })
      .optional()
      .meta({
        description:
          'How likely the customer is to take it up, for the score of policy.yaml: CEL, int or double, such as profile.candle_affinity, or {model: name} with a table of models.yaml. Default 1.',
      }),
    weight: z
      .number({ error: expected('a number such as 1.5') })
      .min(0, { error: 'must not be negative' })
      .max(COUNT_MAX, { error: `at most ${COUNT_MAX}` })
      .optional()
      .meta({ description: 'For the score of policy.yaml: how much it matters among campaigns. Default 1.' }),
    cooldown: duration.optional().meta({ description: 'Not again for the same customer within this time.' }),
    holdout: percentage.optional().meta({ description: 'The share of customers who get nothing, for comparison.' }),
    variants: z.record(id, variant).optional().meta({ description: 'Drawn per customer by weight.' }),
    template: id.optional().meta({ description: 'For a campaign without variants.' }),
    limits: limitsDefinition.optional().meta({
      description: "Decisions in all, and per day of the workspace's time zone: never one more.",
    }),
    goal: goalDefinition.optional().meta({
      description: 'What it is for: counted once for whoever was contacted, and for whoever was held out.',
    }),
    valid: validity.optional(),
    status: oneOf('draft', 'shadow', 'live', 'paused').optional().meta({
      description:
        'Only live campaigns decide; shadow: asked beside them as if it were live, and counted, but nothing is sent or spent; live where nothing is said.',
    }),
  })
  .meta({ title: 'Beckon: campaigns/*.yaml' });

const messageField = z.union([z.string(), z.number(), z.boolean()], { error: expected('a text') });

export const templateDefinition = z
  .record(id, z.record(id, messageField))
  .meta({ title: 'Beckon: templates/*.yaml', description: 'By channel, the fields of the message: Liquid.' });

export type ProfileDefinition = z.infer<typeof profileDefinition>;
export type PolicyDefinition = z.infer<typeof policyDefinition>;
export type CampaignDefinition = z.infer<typeof campaignDefinition>;
export type ValidityDefinition = z.infer<typeof validity>;
