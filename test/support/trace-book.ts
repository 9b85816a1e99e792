/** A trace that keeps all it is told, and adds it up as the books do. */
import { expect } from 'vitest';
import type { CampaignRow } from '../../src/machine/accounting.ts';
import type { Outcome, Trace } from '../../src/machine/trace/trace.ts';
import type { CampaignVerdict, ExplainedMoment, ExplainedStep } from '../../src/protocol/explanation.ts';
import type { SuppressReason } from '../../src/protocol/rejection.ts';
import type { MachineFixture } from './machine-fixture.ts';

interface Sums {
  readonly decided: number;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly outrankedBy: Readonly<Record<string, number>>;
}

export class TraceBook implements Trace {
  readonly outcomes: Outcome[] = [];
  readonly moments: ExplainedMoment[] = [];
  /** Whose they are. */
  readonly #customers: string[] = [];
  readonly returned = null;
  readonly explains: (customer: string) => boolean;

  constructor(explains: (customer: string) => boolean = () => false) {
    this.explains = explains;
  }

  readonly outcome = (outcome: Outcome): void => {
    this.outcomes.push(outcome);
  };

  explained(moment: ExplainedMoment, customer: string): void {
    this.moments.push(moment);
    this.#customers.push(customer);
  }

  /** What was told so far is what the machine counted, campaign by campaign and reason by reason. */
  expectBooksOf({ machine, decisions }: MachineFixture): void {
    const booked = machine.campaigns().filter(({ matched }) => matched > 0);
    expect(Object.fromEntries(this.#sums())).toEqual(Object.fromEntries(booked.map((row) => [row.id, sumsOf(row)])));
    const made = decisions.filter(({ decision }) => decision.follows === null);
    expect(this.outcomes.filter(({ result }) => result === 'decided')).toMatchObject(
      made.map(({ number, decision }) => ({
        decision: number,
        campaign: decision.campaign,
        customer: decision.customer ?? '',
        eventId: decision.event.id ?? '',
        eventType: decision.event.type,
        now: Date.parse(decision.ts),
      })),
    );
  }

  /**
   * Of customers that are explained: each outcome has one verdict, in a moment of that customer and time, and each verdict of a match that did not stay unmatched
   * has one outcome. Each verdict says by its steps what it came to.
   */
  expectVerdicts(): void {
    const verdicts = this.moments.flatMap(({ at, campaigns }, i) =>
      campaigns.map((verdict) => ({ at, customer: this.#customers[i], ...verdict })),
    );
    const matches = verdicts.filter(({ result, steps }) => result !== 'unmatched' && steps[0]?.step !== 'follow_up');
    const explained = this.outcomes.filter(({ customer }) => this.explains(customer));
    const told = explained.map(({ customer, campaign, now, result, eventId, eventType, eventTs, decision }) => ({
      customer,
      campaign,
      at: new Date(now).toISOString(),
      result,
      event: { id: eventId === '' ? null : eventId, type: eventType, ts: new Date(eventTs).toISOString() },
      decision,
    }));
    const shown = matches.map(({ customer, campaign, at, result, reason, event, decision }) => ({
      customer,
      campaign,
      at,
      result: reason ?? result,
      event,
      decision: decision === null ? 0 : Number(decision.id.split('-')[1]),
    }));
    expect(inOrder(shown)).toEqual(inOrder(told));
    for (const verdict of verdicts) expectSound(verdict);
  }

  #sums(): Map<string, Sums> {
    const sums = new Map<
      string,
      { decided: number; suppressed: Record<string, number>; outrankedBy: Record<string, number> }
    >();
    for (const { campaign, result, winners } of this.outcomes) {
      const own = sums.get(campaign) ?? { decided: 0, suppressed: {}, outrankedBy: {} };
      sums.set(campaign, own);
      if (result === 'decided') own.decided++;
      else if (result !== 'waiting') own.suppressed[result] = (own.suppressed[result] ?? 0) + 1;
      const winner = winners.at(-1);
      if (winner !== undefined) own.outrankedBy[winner] = (own.outrankedBy[winner] ?? 0) + 1;
    }
    return sums;
  }
}

/** In any order: what a version ends is booked in the order in which it began, and explained customer by customer. */
function inOrder(list: readonly object[]): readonly object[] {
  const keyed = list.map((each) => [JSON.stringify(each), each] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, each]) => each);
}

function sumsOf({ decided, suppressed, outrankedBy }: CampaignRow): Sums {
  return { decided: Object.values(decided).reduce((a, b) => a + b, 0), suppressed, outrankedBy };
}

/** What a verdict's last failing step says, for each reason. */
const FAILING: Readonly<Record<SuppressReason, readonly ExplainedStep['step'][]>> = {
  late: ['late'],
  expired: ['validity'],
  holdout: ['holdout'],
  limit: ['units'],
  budget: ['units'],
  offer: ['offer'],
  cooldown: ['cooldown'],
  excluded: ['excluded'],
  consent: ['consent'],
  quiet_hours: ['quiet_hours'],
  gap: ['gap'],
  cap: ['cap', 'room'],
  outranked: ['rank', 'slot'],
  cancelled: ['ended'],
  superseded: ['ended'],
  withdrawn: ['ended', 'follow_up'],
  lapsed: ['ended'],
  full: ['full'],
  shadow: ['shadow'],
};

/** Whose failing is no loss by itself: another channel may take it, or it waits. */
const BY_CHANNEL: readonly ExplainedStep['step'][] = ['consent', 'quiet_hours', 'cap', 'gap', 'room', 'slot', 'wait'];

function expectSound({ result, reason, predicate, steps, decision, campaign }: CampaignVerdict): void {
  const where = JSON.stringify({ campaign, result, reason, predicate, steps });
  const failed = steps.filter(({ passed }) => !passed);
  expect(decision === null, where).toBe(result !== 'decided');
  expect(reason === null, where).toBe(result !== 'suppressed');
  if (result === 'unmatched')
    expect(
      predicate?.value !== true || failed.some(({ step }) => step === 'sequence' || step === 'customer'),
      where,
    ).toBe(true);
  else if (reason !== 'lapsed' && predicate !== null && steps[0]?.step !== 'follow_up')
    expect(predicate.value, where).toBe(true);
  if (result === 'decided') {
    expect(
      failed.filter(({ step }) => !BY_CHANNEL.includes(step)),
      where,
    ).toEqual([]);
    expect(steps.filter(({ step }) => step === 'consent').at(-1)?.passed, where).toBe(true);
  }
  if (reason !== null) {
    const expected = FAILING[reason];
    expect(
      steps.some(({ passed, step }) => expected.includes(step) && (!passed || step === 'follow_up')),
      where,
    ).toBe(true);
    // Whatever loses whatever the channel is the last that was asked; who finds no slot is asked for the channels behind it.
    const byChannel = BY_CHANNEL.includes(expected[0] as ExplainedStep['step']);
    if (!byChannel && !failed.some(({ step }) => expected.includes(step) && step === 'slot'))
      expect(expected, where).toContain(steps.at(-1)?.step);
  }
  if (result === 'waiting') expect(steps.at(-1), where).toMatchObject({ step: 'wait', passed: false });
  for (const step of steps) expectNumbers(step, where);
}

/** What the numbers say is what was found. */
function expectNumbers(step: ExplainedStep, where: string): void {
  switch (step.step) {
    case 'late':
      expect(step.lateMs <= step.latenessMs, where).toBe(step.passed);
      return;
    case 'holdout':
      expect(step.u >= step.share, where).toBe(step.passed);
      return;
    case 'sequence':
      expect(
        step.events.every(({ at }) => at !== null),
        where,
      ).toBe(step.passed);
      return;
    case 'offer':
      expect(step.contacts.length < step.max, where).toBe(step.passed);
      return;
    case 'cap':
    case 'gap':
      expect(step.contacts.length < step.room, where).toBe(step.passed);
      expect(step.until === null, where).toBe(step.passed || step.room === 0);
      return;
    case 'cooldown':
    case 'excluded':
      expect(step.until === null, where).toBe(step.passed);
      return;
    case 'quiet_hours':
      expect(step.until === null, where).toBe(step.passed);
      return;
    case 'units':
      if (!step.passed) expect(step.inHand, where).toBe(0);
      return;
    case 'rank':
      expect(step.winner === null, where).toBe(step.passed);
      return;
    default:
  }
}
