/** What tests/*.yaml may say: cases of what happens to customers and what must come of it. Held against the workspace by trials/, which also runs them. */
import { z } from 'zod';
import { TRIAL_CASES_MAX, TRIAL_STEPS_MAX } from '../constants.ts';
import { SuppressReason } from '../protocol/rejection.ts';
import { expected, id, oneOf, positiveDuration, text } from './definition-parts.ts';
import { didYouMean } from './suggest.ts';

/** Local by the clock of the workspace, or with an offset of its own. */
export const TRIAL_TIME_PATTERN =
  /^(\d{4}-\d{2}-\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?$/;
const TIME = 'a time such as 2010-12-01 12:00';
const time = z
  .string({ error: expected(TIME) })
  .regex(TRIAL_TIME_PATTERN, { error: expected(TIME) })
  .meta({ description: 'By the clock of the workspace: 2010-12-01 12:00; or with its offset: 2010-12-01T12:00:00Z.' });

/** Ids are often numbers: they are taken as they are written. */
const customer = z
  .union([z.string().min(1, { error: 'must not be empty' }), z.int()], { error: expected('the id of a customer') })
  .meta({ description: 'Id of the customer.' });

const data = z.record(z.string(), z.unknown()).meta({
  description:
    'Fields of the event, as events.yaml declares them. Of $feedback: outcome, and as decision the campaign whose last decision it is about.',
});

const eventParts = {
  type: z.string({ error: expected('an event type') }).meta({
    description: 'An event type of events.yaml, or one of the engine: $profile, $consent, $feedback.',
  }),
  data: data.nullable().optional(),
  id: z
    .union([text, z.int()], { error: expected('a text') })
    .optional()
    .meta({ description: 'The same id twice is one event, sent again.' }),
};

const historyEvent = z
  .strictObject({
    ago: positiveDuration.optional().meta({ description: 'So long before the first step: 3d.' }),
    at: time.optional(),
    ...eventParts,
  })
  .refine(({ ago, at }) => (ago === undefined) !== (at === undefined), {
    error: 'needs `ago`, such as 3d before the first step, or `at`',
  });

const given = z.strictObject({
  customer,
  attributes: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({ description: 'Attributes of profile.yaml and their values.' }),
  consent: z
    .record(id, oneOf('granted', 'denied'))
    .optional()
    .meta({ description: 'By channel, what the customer said.' }),
  events: z
    .array(historyEvent)
    .optional()
    .meta({ description: 'What happened before: it counts, campaigns decide on it, and nothing is expected.' }),
});

const stepEvent = z.strictObject(
  {
    ...eventParts,
    customer: customer
      .nullable()
      .optional()
      .meta({ description: 'Not needed where `given` names one only; null: an anonymous event.' }),
    ts: time.optional().meta({ description: 'When it happened, if it arrives later.' }),
  },
  {
    error: ({ code, input }) =>
      code === 'invalid_type' ? expected('an event such as {type: receipt, data: {…}}')({ input }) : undefined,
  },
);

const REASONS = Object.values(SuppressReason);
const reasonFault = ({ input }: { readonly input?: unknown }): string | undefined =>
  typeof input === 'string'
    ? `there is no reason \`${input}\`${didYouMean(input, REASONS) || `: ${REASONS.join(', ')}`}`
    : expected('a reason such as cap')({ input });
const reason = z.enum(REASONS as [SuppressReason, ...SuppressReason[]], { error: reasonFault });

const decision = z.union(
  [
    id,
    z.strictObject({
      campaign: id,
      customer: customer.nullable().optional().meta({ description: 'null: of an anonymous event.' }),
      channel: id.optional(),
      variant: id.nullable().optional(),
      offer: id.nullable().optional(),
      slot: id.nullable().optional(),
      value: z.number({ error: expected('a number') }).optional(),
      message: z
        .record(id, z.string({ error: expected('a text') }))
        .nullable()
        .optional()
        .meta({ description: 'Fields of the message: those named must be as they are here.' }),
      expires: time.nullable().optional(),
      at: time.optional().meta({ description: 'When it was decided.' }),
    }),
  ],
  { error: expected('a campaign, or {campaign: …, channel: …}') },
);

/** A few of something: one may stand for itself. */
function few<T extends z.ZodType>(one: T) {
  return z.union([one, z.array(one).min(1, { error: 'needs at least one campaign' })], {
    error: expected('a campaign, or a list of them'),
  });
}

const expectation = z
  .strictObject({
    customer: customer.nullable().optional().meta({ description: 'Of whom this is expected; without, of anybody.' }),
    decided: z
      .union([decision, z.array(decision)], {
        error: expected('a campaign, {campaign: …, channel: …}, or a list of them'),
      })
      .optional()
      .meta({
        description:
          'Exactly these decisions, in this order: campaigns, or {campaign, channel, variant, offer, message …}, of which what is named must be so. []: none.',
      }),
    suppressed: z
      .record(
        id,
        z.union([reason, z.array(reason).min(1, { error: 'needs at least one reason' })], { error: reasonFault }),
      )
      .optional()
      .meta({ description: 'By campaign, the reason for which it lost.' }),
    waiting: few(id).optional().meta({ description: 'Campaigns that wait for the customer after this step.' }),
    unmatched: few(id).optional().meta({ description: 'Campaigns that were asked, and whose `when` did not hold.' }),
    nothing: z
      .literal(true, { error: expected('`true`') })
      .optional()
      .meta({ description: 'No campaign matched: nothing was decided, suppressed or began to wait.' }),
  })
  .refine((value) => Object.keys(value).some((key) => key !== 'customer'), {
    error: 'needs something that is expected: `decided`, `suppressed`, `waiting`, `unmatched` or `nothing`',
    // A misspelt key is enough to say.
    when: ({ issues }) => issues.length === 0,
  });

const step = z
  .strictObject({
    at: time.optional(),
    after: positiveDuration.optional().meta({ description: 'So long after the step before.' }),
    event: stepEvent.optional().meta({ description: 'What happens; without, time passes.' }),
    expect: z
      .union([expectation, z.array(expectation).min(1, { error: 'needs at least one' })], {
        error: expected('a mapping such as {decided: [welcome]}'),
      })
      .optional()
      .meta({ description: 'What must have come since the step before, this step’s event included.' }),
  })
  .refine(({ at, after }) => at === undefined || after === undefined, { error: 'either `at` or `after`, not both' });

const trial = z.strictObject({
  name: text.meta({ description: 'What it shows, in a sentence.' }),
  campaigns: few(id).optional().meta({
    description: 'What it is about: `decided` and `nothing` look at these campaigns only; without, at all.',
  }),
  live: few(id).optional().meta({ description: 'Drafts, shadows and paused campaigns that are taken as live here.' }),
  given: z
    .union([given, z.array(given).min(1, { error: 'needs at least one customer' })], {
      error: expected('a mapping such as {customer: ann}, or a list of them'),
    })
    .optional()
    .meta({ description: 'Who the customers are, and what happened before.' }),
  steps: z
    .array(step)
    .min(1, { error: 'needs at least one step' })
    .max(TRIAL_STEPS_MAX, { error: `at most ${TRIAL_STEPS_MAX} steps` })
    .meta({ description: 'In the order of time. The first has a time of its own.' }),
});

export const trialsDefinition = z
  .array(trial, { error: expected('a list of cases, each with `name` and `steps`') })
  .min(1, { error: 'needs at least one case' })
  .max(TRIAL_CASES_MAX, { error: `at most ${TRIAL_CASES_MAX} cases in a file` })
  .meta({ title: 'Beckon: tests/*.yaml', description: 'Cases: what happens to customers, and what must come of it.' });

export type TrialDefinition = z.infer<typeof trial>;
export type GivenDefinition = z.infer<typeof given>;
export type HistoryEventDefinition = z.infer<typeof historyEvent>;
export type StepEventDefinition = z.infer<typeof stepEvent>;
export type StepDefinition = z.infer<typeof step>;
export type ExpectationDefinition = z.infer<typeof expectation>;
export type DecisionDefinition = z.infer<typeof decision>;
