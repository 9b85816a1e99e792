import { describe, expect, it } from 'vitest';
import type { SeenDecision } from '../../../src/demo/decision-watch.ts';
import { answersTo } from '../../../src/demo/gateways.ts';

const decision: SeenDecision = {
  id: '7-1',
  ts: '2010-12-02T10:04:00.000Z',
  customer: '17850',
  campaign: 'hearts-need-candles',
  variant: 'cosy',
  offer: 'candles-10',
  channel: 'push',
  message: null,
  event: { id: '536365', type: 'receipt' },
  slot: null,
  follows: null,
};
const ORDER = ['delivered', 'opened', 'clicked', 'converted'];

describe('answers of the gateways', () => {
  it('are told in the order in which things happen, or the delivery failed', () => {
    const seen = new Map<string, number>();
    for (let number = 1; number <= 2_000; number++) {
      const answers = answersTo({ ...decision, id: `3-${number}` });
      const outcomes = answers.map(({ data }) => data.outcome);
      expect(outcomes.length).toBeGreaterThan(0);
      if (outcomes[0] !== 'failed') expect(outcomes).toEqual(ORDER.slice(0, outcomes.length));
      else expect(outcomes).toHaveLength(1);
      expect(answers.every(({ customer, data }) => customer === '17850' && data.decision === `3-${number}`)).toBe(true);
      for (const outcome of outcomes) seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(['clicked', 'converted', 'delivered', 'failed', 'opened']);
  });

  it('are the same for the same decision, under ids of their own', () => {
    expect(answersTo(decision)).toEqual(answersTo({ ...decision, campaign: 'welcome' }));
    const ids = Array.from({ length: 100 }, (_, i) => answersTo({ ...decision, id: `1-${i}` }))
      .flat()
      .map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('know nothing of paper, nor of those without a card', () => {
    expect(answersTo({ ...decision, channel: 'pos' })).toEqual([]);
    expect(answersTo({ ...decision, customer: null })).toEqual([]);
  });

  it('never tell of a conversion where nothing was offered', () => {
    const answers = Array.from({ length: 1_000 }, (_, i) =>
      answersTo({ ...decision, id: `1-${i}`, offer: null }),
    ).flat();
    expect(answers.some(({ data }) => data.outcome === 'clicked')).toBe(true);
    expect(answers.some(({ data }) => data.outcome === 'converted')).toBe(false);
  });
});
