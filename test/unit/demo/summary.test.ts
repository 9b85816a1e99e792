import { describe, expect, it } from 'vitest';
import type { DecisionWatch } from '../../../src/demo/decision-watch.ts';
import { type CampaignRow, formatSummary, summarize } from '../../../src/demo/summary.ts';

const hearts: CampaignRow = {
  id: 'hearts',
  status: 'live',
  matched: 10,
  decided: { push: 3, sms: 2 },
  suppressed: { cap: 4, late: 1 },
  waiting: 0,
};
const welcome: CampaignRow = {
  id: 'welcome',
  status: 'live',
  matched: 1,
  decided: { email: 1 },
  suppressed: {},
  waiting: 0,
};
const sent = { accepted: 100, rejected: 0, seconds: 0.5 };

function watchOf(
  rows: readonly CampaignRow[],
  over: Partial<Pick<DecisionWatch, 'repeated' | 'problem' | 'received'>> = {},
): DecisionWatch {
  const counts = new Map(rows.map(({ id, decided }) => [id, new Map(Object.entries(decided))]));
  const received = rows.flatMap(({ decided }) => Object.values(decided)).reduce((sum, count) => sum + count, 0);
  return { counts, received, repeated: 0, problem: null, ...over } as unknown as DecisionWatch;
}

describe('summary', () => {
  it('adds up by campaign, channel and reason', () => {
    expect(summarize(sent, [hearts, welcome], watchOf([hearts, welcome]))).toEqual({
      events: 100,
      rejected: 0,
      seconds: 0.5,
      eventsPerSecond: 200,
      decisions: 6,
      byCampaign: { hearts: 5, welcome: 1 },
      byChannel: { push: 3, sms: 2, email: 1 },
      suppressed: { cap: 4, late: 1 },
      late: 1,
      waiting: 0,
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
    expect(balanced([{ ...hearts, matched: 12, waiting: 2 }], watchOf([hearts]))).toBe(true);
  });

  it('reads as a table with reasons in words', () => {
    const rows = [welcome, hearts];
    const text = formatSummary(summarize(sent, rows, watchOf(rows)), rows);
    expect(text).toContain('100 events in 0.5 s (200/s), 0 rejected → 6 decisions');
    expect(text).toMatch(
      /^campaign +matched +email +push +sms +suppressed\nhearts +10 +0 +3 +2 +5\nwelcome +1 +1 +0 +0 +0$/m,
    );
    expect(text).toMatch(/^ {2}late +1 {2}the event came too late to act on$/m);
    expect(text).toContain('The numbers add up');
    expect(formatSummary(summarize(sent, rows, watchOf(rows)), rows, true)).toContain('slowed down for watching');
    expect(formatSummary(summarize(sent, [hearts], watchOf([])), [hearts])).toContain('THE NUMBERS DO NOT ADD UP');
  });
});
