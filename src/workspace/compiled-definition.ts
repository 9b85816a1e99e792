/**
 * The form of a compiled workspace (workspace.ts), for versions that come out of a log: anybody who can append to it may have written them. Bounds are those that the compiler keeps, where more than
 * them would be more than the machine can count with. What the parts say of each other is checked in compiled-check.ts; the nodes of programs in rules/verify-program.ts.
 */
import { z } from 'zod';
import {
  CAMPAIGN_WAIT_MS_MAX,
  CHANNELS_MAX,
  CONTACTS_PER_CUSTOMER_MAX,
  DURATION_MS_MAX,
  EVENT_FIELDS_MAX,
  EVENT_LISTS_MAX,
  EVENT_TYPES_MAX,
  GOAL_WITHIN_MS_MAX,
  PICK_MAX,
  PRIORITY_MAX,
  SCHEDULE_OFFSET_MS_MAX,
  SEQUENCE_LENGTH_MAX,
  SEQUENCE_WITHIN_MS_MAX,
} from '../constants.ts';
import { AggregateFunction, Consent, WORKSPACE_FORMAT, type Workspace } from './workspace.ts';

const WEIGHT_MAX = 1_000_000;
/** Of Date: ± 100,000,000 days. */
const TIME_MS_MAX = 8_640_000_000_000_000;
/** Base 36: an offset in minutes is less than a day, and transitions are in order. */
const ZONE_TABLE_PATTERN = /^-?[0-9a-z]{1,2}(?: [0-9a-z]{1,7} -?[0-9a-z]{1,2})*$/;

const count = z.int().min(0);
/** Of something elsewhere in the version, or where this part itself stands. */
const index = count;
const indexOrNone = z.int().min(-1);
const upTo = (ms: number) => z.int().min(0).max(ms);
const texts = z.array(z.string());
const scalarType = z.enum(['bool', 'int', 'double', 'string', 'timestamp']);
const valueType = z.enum([...scalarType.options, 'list<string>']);

const program = z.strictObject({
  source: z.string(),
  result: scalarType,
  ir: z.custom<Workspace['segments'][number]['when']['ir']>((ir) => typeof ir === 'object' && ir !== null),
  profileSlots: z.array(index),
  segments: z.array(index),
});

const eventSchema = z.strictObject({
  type: z.string(),
  index,
  fields: z.array(z.strictObject({ path: z.string(), type: scalarType, slot: index })).max(EVENT_FIELDS_MAX),
  lists: z
    .array(
      z.strictObject({
        path: z.string(),
        list: index,
        ofObjects: z.boolean(),
        columns: z
          .array(z.strictObject({ name: z.string(), type: scalarType, column: index }))
          .min(1)
          .max(EVENT_FIELDS_MAX),
      }),
    )
    .max(EVENT_LISTS_MAX),
});

const attribute = z.strictObject({
  name: z.string(),
  slot: index,
  type: valueType,
  default: z.union([z.null(), z.boolean(), z.number(), z.string(), texts]),
});

export const aggregateForm = z.strictObject({
  name: z.string(),
  slot: index,
  fn: z.enum(AggregateFunction),
  event: index,
  value: program.nullable(),
  when: program.nullable(),
  valueType: scalarType.nullable(),
  windowMs: upTo(DURATION_MS_MAX).nullable(),
  resolutionMs: upTo(DURATION_MS_MAX),
  signature: z.string(),
});

const time = z.int().min(-TIME_MS_MAX).max(TIME_MS_MAX);
const validity = z.strictObject({ fromMs: time.nullable(), toMs: time.nullable() });
const within = (from: number, to: number) =>
  z
    .array(z.int().min(from).max(to))
    .min(1)
    .max(to - from + 1);
const schedule = z.strictObject({
  source: z.string(),
  minutes: within(0, 59),
  hours: within(0, 23),
  daysOfMonth: within(1, 31),
  months: within(1, 12),
  daysOfWeek: within(0, 6),
  offsetMs: z.int().min(-SCHEDULE_OFFSET_MS_MAX).max(SCHEDULE_OFFSET_MS_MAX),
});
const deadline = z.union([z.strictObject({ afterMs: upTo(DURATION_MS_MAX) }), z.strictObject({ schedule })]);

const offer = z.strictObject({
  id: z.string(),
  title: z.string(),
  perCustomer: z.strictObject({ max: count, perMs: upTo(DURATION_MS_MAX).nullable() }).nullable(),
  valid: validity,
  budget: count.nullable(),
  expires: deadline.nullable(),
  returnsUnused: z.boolean(),
});

const priority = z.int().min(-PRIORITY_MAX).max(PRIORITY_MAX);
const contacts = count.max(CONTACTS_PER_CUSTOMER_MAX);
const share = z.number().min(0).max(1);
const minute = z.int().min(0).max(1439);
const policy = z.strictObject({
  consent: z.array(z.enum(Consent)),
  caps: z.array(
    z.strictObject({
      name: z.string(),
      max: contacts,
      perMs: upTo(DURATION_MS_MAX),
      channels: z.array(index).nullable(),
      groups: texts.nullable(),
      categories: texts.nullable(),
      reserved: z.strictObject({ max: contacts, priority }).nullable(),
      isGap: z.boolean(),
    }),
  ),
  quietHours: z
    .strictObject({ fromMinute: minute, toMinute: minute, channels: z.array(index), defer: z.boolean() })
    .nullable(),
  exclusions: z.array(
    z.strictObject({ name: z.string(), perMs: upTo(DURATION_MS_MAX), campaigns: texts, groups: texts }),
  ),
  holdout: z.strictObject({ share, categories: texts.nullable() }),
  pick: z.int().min(1).max(PICK_MAX),
  slots: z.array(texts.nullable()),
  timezoneSlot: indexOrNone,
});

const template = z.strictObject({
  name: z.string(),
  channels: z.array(z.record(z.string(), z.string()).nullable()),
  profileSlots: z.array(index),
  segments: z.array(index),
  readsEvent: z.boolean(),
});

const meeting = z.strictObject({ event: index, when: program.nullable() });
const campaign = z.strictObject({
  id: z.string(),
  index,
  event: indexOrNone,
  when: program,
  offer: indexOrNone,
  channels: z.array(index),
  priority,
  value: program.nullable(),
  cooldownMs: upTo(DURATION_MS_MAX),
  holdout: share,
  variants: z
    .array(z.strictObject({ name: z.string(), weight: count.max(WEIGHT_MAX), template: indexOrNone }))
    .refine((variants) => variants.length === 0 || variants.some(({ weight }) => weight > 0), 'none has a weight'),
  template: indexOrNone,
  valid: validity,
  status: z.enum(['draft', 'shadow', 'live', 'paused']),
  group: z.string().nullable(),
  category: z.string().nullable(),
  score: program.nullable(),
  slots: texts.nullable(),
  schedule: schedule.nullable(),
  wait: z
    .strictObject({ deadline, unless: z.array(meeting), restart: meeting.nullable(), when: program.nullable() })
    .nullable(),
  after: z
    .strictObject({
      events: z.array(meeting).min(1).max(SEQUENCE_LENGTH_MAX),
      withinMs: upTo(SEQUENCE_WITHIN_MS_MAX),
    })
    .nullable(),
  cascade: z
    .strictObject({
      afterMs: upTo(CAMPAIGN_WAIT_MS_MAX),
      unless: z.enum(['delivered', 'opened', 'clicked', 'converted']),
    })
    .nullable(),
  limits: z.strictObject({ total: count.nullable(), perDay: count.nullable() }),
  goal: meeting.extend({ withinMs: upTo(GOAL_WITHIN_MS_MAX) }).nullable(),
});

export const workspaceForm: z.ZodType<Workspace> = z.strictObject({
  format: z.literal(WORKSPACE_FORMAT),
  version: z.int().min(1),
  name: z.string(),
  files: z.record(z.string(), z.string()),
  timezone: z.string(),
  latenessMs: upTo(DURATION_MS_MAX),
  zones: z.strictObject({
    source: z.string(),
    zones: z.record(z.string(), index),
    tables: z.array(z.string().regex(ZONE_TABLE_PATTERN)),
  }),
  channels: z.array(z.string()).max(CHANNELS_MAX),
  schema: z.strictObject({
    events: z.array(eventSchema).max(EVENT_TYPES_MAX + 1),
    profile: z.array(
      z.strictObject({
        name: z.string(),
        kind: z.enum(['attribute', 'aggregate']),
        type: valueType,
        slot: index,
        optional: z.boolean(),
      }),
    ),
    segments: texts,
  }),
  attributes: z.array(attribute),
  aggregates: z.array(aggregateForm),
  segments: z.array(z.strictObject({ name: z.string(), when: program })),
  offers: z.array(offer),
  policy,
  templates: z.array(template),
  campaigns: z.array(campaign),
  feedbackEvent: index,
  shares: z.record(z.string(), count),
});
