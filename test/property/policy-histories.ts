/** Random histories for the policy oracle: few customers, and times that fall on the edges of windows: together, and exactly so long after each other. */
import fc from 'fast-check';
import { DURATIONS } from './policy-arbitraries.ts';
import { CHANNELS, DAY, HOUR, MINUTE, type OracleEvent, OUTCOMES } from './policy-oracle-model.ts';

/** Evenings before the nights in which clocks change in London, and an ordinary noon. */
const STARTS = [Date.UTC(2011, 2, 26, 20), Date.UTC(2011, 9, 29, 20), Date.UTC(2011, 2, 28, 12)];

/** A step of the history. `answers`: feedback on that decision, counted back from the last one. */
export interface Step {
  /** The record's own time. */
  readonly arrives: number;
  /** null: a tick. */
  readonly event: OracleEvent | null;
  readonly answers: number | null;
}

const customer = fc.constantFrom('ann', 'ann', 'ann', 'bob', 'bob', 'cat', null);
const skus = fc.constantFrom('A', 'A', 'B', undefined);
const purchase = fc.record({
  type: fc.constantFrom('receipt', 'receipt', 'receipt', 'receipt', 'view', 'view'),
  // Quarters: their sums are exact in whichever order.
  total: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 400 }).map((n) => n / 4) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  ),
  sku: skus,
});
const setting = fc.oneof(
  fc.record({
    type: fc.constant('$profile'),
    data: fc.record(
      {
        country: fc.constantFrom('FR', 'DE', null),
        timezone: fc.constantFrom('Asia/Tokyo', 'America/New_York', 'Australia/Lord_Howe', 'Nowhere/Land', null),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({
    type: fc.constant('$consent'),
    data: fc.record({ channel: fc.constantFrom(...CHANNELS), state: fc.constantFrom('granted', 'granted', 'denied') }),
  }),
);
const feedback = fc.record({
  type: fc.constant('$feedback'),
  outcome: fc.constantFrom(...OUTCOMES, ...OUTCOMES, 'failed', 'eaten'),
  answers: fc.constantFrom(0, 0, 0, 1, 1, 2, 5, 99),
});
const tick = fc.record({ type: fc.constant('tick') });

interface Draft {
  readonly customer: string | null;
  readonly what: object;
  readonly step: { readonly back: number; readonly ms: number };
  readonly late: number;
  readonly dated: boolean;
  readonly repeats: number;
  readonly named: boolean;
}

const drafts: fc.Arbitrary<Draft> = fc.record({
  customer,
  what: fc.oneof(
    { weight: 10, arbitrary: purchase },
    { weight: 2, arbitrary: setting },
    { weight: 4, arbitrary: feedback },
    { weight: 1, arbitrary: tick },
  ),
  /** After the last step, or exactly so long after one before it, give or take a millisecond. */
  step: fc.oneof(
    { weight: 4, arbitrary: fc.record({ back: fc.constant(1), ms: fc.constantFrom(0, 0, 1, MINUTE, 20 * MINUTE) }) },
    { weight: 2, arbitrary: fc.record({ back: fc.constant(1), ms: fc.integer({ min: 0, max: 6 * HOUR }) }) },
    { weight: 1, arbitrary: fc.record({ back: fc.constant(1), ms: fc.integer({ min: 0, max: 3 * DAY }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        back: fc.integer({ min: 1, max: 8 }),
        ms: fc
          .tuple(fc.constantFrom(...DURATIONS), fc.constantFrom(0, 0, 0, -1, 1))
          .map(([duration, beside]) => duration + beside),
      }),
    },
  ),
  late: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.constantFrom(...DURATIONS, HOUR + 1, -HOUR, -HOUR - 1, 8 * DAY) },
  ),
  dated: fc.constantFrom(true, true, true, false),
  repeats: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3),
  named: fc.constantFrom(true, true, false),
});

/** In the order of the log. The first is an event with a date, so that the event clock has a time from then on. */
const historiesOf = (drafted: fc.Arbitrary<readonly Draft[]>): fc.Arbitrary<Step[]> =>
  fc.tuple(fc.constantFrom(...STARTS), drafted).map(([start, list]) => {
    const first = { type: 'view', customer: 'ann', id: 'e', ts: start, data: {} };
    const steps: Step[] = [{ arrives: start, event: first, answers: null }];
    for (const [i, draft] of list.entries()) {
      const { type, ...what } = draft.what as { type: string; answers?: number; data?: object; outcome?: string };
      const last = (steps.at(-1) as Step).arrives;
      const from = steps.at(-draft.step.back)?.arrives ?? last;
      const arrives = Math.max(last, from + draft.step.ms);
      if (type === 'tick') {
        steps.push({ arrives, event: null, answers: null });
        continue;
      }
      const { data, answers, ...fields } = what;
      const original = draft.repeats > 0 ? steps.at(-draft.repeats)?.event : undefined;
      const event: OracleEvent = {
        type,
        customer: draft.customer,
        id: draft.named ? `e${i}` : null,
        ts: draft.dated ? arrives - draft.late : null,
        data: Object.fromEntries(
          Object.entries(data ?? fields).filter(
            ([name, value]) => value !== undefined && (type !== 'view' || name !== 'total'),
          ),
        ),
      };
      const repeated = original?.id != null && type !== '$feedback' && original.type === type;
      steps.push({
        arrives,
        event: repeated ? { ...event, customer: original.customer, id: original.id } : event,
        answers: answers ?? null,
      });
    }
    return steps;
  });

export const histories = historiesOf(fc.array(drafts, { maxLength: 70, size: 'max' }));

/** One customer, to whom much happens at once. */
export const crowdedHistories = historiesOf(
  fc.array(
    drafts.map((draft) => ({
      ...draft,
      customer: 'ann',
      step: draft.step.ms > 6 * HOUR ? { back: 1, ms: 0 } : draft.step,
    })),
    { minLength: 40, maxLength: 70, size: 'max' },
  ),
);

/** What a producer would send. */
export function wireOf({ type, customer: id, id: eventId, ts, data }: OracleEvent): object {
  return {
    type,
    ...(id === null ? {} : { customer: id }),
    ...(eventId === null ? {} : { id: eventId }),
    ...(ts === null ? {} : { ts }),
    data,
  };
}
