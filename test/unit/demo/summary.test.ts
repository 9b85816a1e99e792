import { describe, expect, it } from 'vitest';
import type { DecisionWatch } from '../../../src/demo/decision-watch.ts';
import { type CampaignRow, summarize } from '../../../src/demo/summary.ts';
import { formatSummary } from '../../../src/demo/summary-text.ts';

const nobody = { exposed: 0, converted: 0 };
const quiet = {
  status: 'live',
  waiting: 0,
  followUps: { decided: {}, suppressed: {} },
  feedback: {},
  goal: { treated: nobody, held: nobody, lift: null, low: null, high: null },
};
const hearts: CampaignRow = {
  ...quiet,
  id: 'hearts',
  matched: 10,
  decided: { push: 3, sms: 2 },
  suppressed: { cap: 4, late: 1 },
};
const welcome: CampaignRow = { ...quiet, id: 'welcome', matched: 1, decided: { email: 1 }, suppressed: {} };
/** As hearts, with what came after. */
const cascading: CampaignRow = {
  ...hearts,
  followUps: { decided: { sms: 1 }, suppressed: { cap: 2 } },
  feedback: { push: { a: { delivered: 2, opened: 1 }, b: { delivered: 1 } }, sms: { a: { failed: 1 } } },
  goal: {
    treated: { exposed: 1000, converted: 30 },
    held: { exposed: 40, converted: 1 },
    lift: 0.2,
    low: -0.5,
    high: 1.004,
  },
};
const sent = { accepted: 100, answers: 7, rejected: 0, seconds: 0.5 };

function countsOf(
  rows: readonly CampaignRow[],
  of: (row: CampaignRow) => Readonly<Record<string, number>>,
): Map<string, Map<string, number>> {
  return new Map(rows.map((row) => [row.id, new Map(Object.entries(of(row)))]));
}

function watchOf(
  rows: readonly CampaignRow[],
  over: Partial<Pick<DecisionWatch, 'repeated' | 'problem' | 'received'>> = {},
): DecisionWatch {
  const counts = countsOf(rows, ({ decided }) => decided);
  const followUps = countsOf(rows, (row) => row.followUps.decided);
  const received = [...counts.values(), ...followUps.values()]
    .flatMap((channels) => [...channels.values()])
    .reduce((sum, count) => sum + count, 0);
  return { counts, followUps, received, repeated: 0, problem: null, ...over } as unknown as DecisionWatch;
}

describe('summary', () => {
  it('adds up by campaign, channel and reason', () => {
    expect(summarize(sent, [hearts, welcome], watchOf([hearts, welcome]))).toEqual({
      events: 100,
      answers: 7,
      rejected: 0,
      seconds: 0.5,
      eventsPerSecond: 200,
      decisions: 6,
      byCampaign: { hearts: 5, welcome: 1 },
      byChannel: { push: 3, sms: 2, email: 1 },
      suppressed: { cap: 4, late: 1 },
      late: 1,
      waiting: 0,
      followUps: {},
      followUpsSuppressed: {},
      feedback: {},
      goals: {},
      balanced: true,
    });
  });

  it('adds up what came after decisions beside them', () => {
    const rows = [cascading, welcome];
    expect(summarize(sent, rows, watchOf(rows))).toMatchObject({
      decisions: 6,
      followUps: { sms: 1 },
      followUpsSuppressed: { cap: 2 },
      feedback: { delivered: 3, opened: 1, failed: 1 },
      goals: { hearts: cascading.goal },
      balanced: true,
    });
  });

  it('is not balanced if a match is unaccounted for, or the stream has fewer, more, others or the same twice', () => {
    const balanced = (rows: readonly CampaignRow[], watch: DecisionWatch): boolean =>
      summarize(sent, rows, watch).balanced;
    expect(balanced([{ ...hearts, matched: 11 }], watchOf([hearts]))).toBe(false);
    expect(balanced([hearts, welcome], watchOf([hearts]))).toBe(false);
    expect(balanced([hearts], watchOf([{ ...hearts, decided: { push: 2, sms: 3 } }]))).toBe(false);
    expect(balanced([hearts], watchOf([hearts], { repeated: 1 }))).toBe(false);
    expect(balanced([hearts], watchOf([hearts], { received: 6 }))).toBe(false);
    expect(balanced([hearts], watchOf([hearts], { problem: 'closed' }))).toBe(false);
    expect(balanced([cascading], watchOf([hearts]))).toBe(false);
    expect(balanced([hearts], watchOf([cascading]))).toBe(false);
    expect(balanced([{ ...hearts, matched: 12, waiting: 2 }], watchOf([hearts]))).toBe(true);
  });

  it('reads as a table with reasons in words', () => {
    const rows = [welcome, hearts];
    const text = formatSummary(summarize(sent, rows, watchOf(rows)), rows, 160);
    expect(text).toContain('100 events in 0.5 s (200/s), 0 rejected → 6 decisions');
    expect(text).toMatch(
      /^campaign +matched +email +push +sms +not sent\nhearts +10 +0 +3 +2 +5\nwelcome +1 +1 +0 +0 +0$/m,
    );
    expect(text).toMatch(/^ {2}late +1 {2}the event came too late to act on$/m);
    expect(text).toContain('The numbers add up');
    expect(formatSummary(summarize(sent, rows, watchOf(rows)), rows, 160, true)).toContain('slowed down for watching');
    expect(formatSummary(summarize(sent, [hearts], watchOf([])), [hearts], 160)).toContain('THE NUMBERS DO NOT ADD UP');
  });

  it('says who waits, what came of it and what it was worth, where there is something to say', () => {
    const rows = [welcome, { ...cascading, matched: 13, waiting: 3 }];
    const text = formatSummary(summarize(sent, rows, watchOf(rows)), rows, 200);
    expect(text).toMatch(/^campaign .* not sent {2}waiting\nhearts +13 +0 +3 +2 +5 +3\nwelcome +1 +1 +0 +0 +0 +0$/m);
    expect(text).toContain('came of it: 3 delivered, 1 opened, 1 failed. Where nobody looked, or nothing arrived, ');
    expect(text).toContain('the next channel followed: 1 by sms; 2 more could not be sent.');
    expect(text).toContain(
      '\n  hearts: 30 of 1,000 who heard from it, 1 of 40 who did not: lift +20 % (95 %: −50 % to +100 %)\n',
    );
    const few = { ...cascading, goal: { ...cascading.goal, lift: null, low: null, high: null } };
    expect(formatSummary(summarize(sent, [few], watchOf([few])), [few], 160)).toContain('who did not: too few to tell');
  });

  it('fits the width', () => {
    const rows = [welcome, cascading];
    const lines = formatSummary(summarize(sent, rows, watchOf(rows)), rows, 60).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  });
});
