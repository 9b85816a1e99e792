/** Tills whose event has winners that wait for units: when they are answered, and with what. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DECIDE_HOLD_MS_MAX } from '../../../src/constants.ts';
import { Effects, type MadeDecision } from '../../../src/machine/effects.ts';
import { type EventAnswer, HeldAnswers } from '../../../src/worker/held-answers.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function decision(number: number, eventIndex: number, campaign = 'c'): MadeDecision {
  const made = { number, eventIndex, channel: 'push', campaign, json: encoder.encode(`d${number}`) };
  return { ...made, decision: {} as MadeDecision['decision'] };
}

interface Led {
  readonly decisions?: readonly MadeDecision[];
  readonly waiting?: readonly (readonly [number: number, campaign: string, eventIndex?: number])[];
  readonly settled?: readonly (readonly [number: number, decision: MadeDecision | null])[];
}

function effectsOf({ decisions = [], waiting = [], settled = [] }: Led): Effects {
  const effects = new Effects();
  effects.decisions.push(...decisions);
  for (const [number, campaign, eventIndex = 0] of waiting) effects.waitingUnits.push({ eventIndex, number, campaign });
  for (const [number, made] of settled) effects.settled.push({ number, decision: made });
  return effects;
}

class Till {
  readonly answers: { readonly decisions: readonly string[]; readonly waiting: readonly string[] }[] = [];
  readonly take = ({ decisions, waiting }: EventAnswer): void => {
    this.answers.push({ decisions: decisions.map((json) => decoder.decode(json)), waiting });
  };
}

let between = 0;
let held: HeldAnswers;
let till: Till;
beforeEach(() => {
  vi.useFakeTimers();
  between = 0;
  held = new HeldAnswers(() => {
    between += 1;
  });
  till = new Till();
});
afterEach(() => void vi.useRealTimers());

describe('the answer to a till', () => {
  it('comes at once where nothing waits, without what a timer decided in the same record', () => {
    held.hold(0, effectsOf({ decisions: [decision(1, -1), decision(2, 0)], waiting: [[7, 'other', -1]] }), till.take);
    expect(till.answers).toEqual([{ decisions: ['d2'], waiting: [] }]);
  });

  it('comes when everything that waited has settled, with what was decided in all', () => {
    const waiting = [
      [7, 'a'],
      [8, 'b'],
    ] as const;
    held.hold(0, effectsOf({ decisions: [decision(1, 0)], waiting }), till.take);
    held.settle(1, effectsOf({ settled: [[7, decision(1, -1)]] }));
    held.settle(
      0,
      effectsOf({
        settled: [
          [6, decision(2, -1)],
          [8, null],
        ],
      }),
    );
    expect(till.answers, 'neither another partition nor another entry counts').toEqual([]);
    held.settle(0, effectsOf({ settled: [[7, decision(3, -1)]] }));
    expect(till.answers).toEqual([{ decisions: ['d1', 'd3'], waiting: [] }]);
    held.settle(0, effectsOf({ settled: [[7, decision(4, -1)]] }));
    vi.advanceTimersByTime(2 * DECIDE_HOLD_MS_MAX);
    expect(till.answers).toHaveLength(1);
  });

  it('comes at once where the units were there within the record, each decision once', () => {
    const made = decision(2, 0);
    const settled = [
      [7, decision(1, -1)],
      [8, made],
    ] as const;
    held.hold(
      0,
      effectsOf({
        decisions: [made],
        waiting: [
          [7, 'a'],
          [8, 'b'],
        ],
        settled,
      }),
      till.take,
    );
    expect(till.answers).toEqual([{ decisions: ['d2', 'd1'], waiting: [] }]);
  });

  it('does not wait for ever: it names what still waits', () => {
    held.hold(
      0,
      effectsOf({
        waiting: [
          [7, 'a'],
          [8, 'b'],
          [9, 'c'],
        ],
      }),
      till.take,
    );
    held.settle(0, effectsOf({ settled: [[8, decision(1, -1)]] }));
    vi.advanceTimersByTime(DECIDE_HOLD_MS_MAX - 1);
    expect(till.answers).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(till.answers).toEqual([{ decisions: ['d1'], waiting: ['a', 'c'] }]);
    expect(between, 'it is sent, though no record comes').toBe(1);
    held.settle(
      0,
      effectsOf({
        settled: [
          [7, decision(2, -1)],
          [9, null],
        ],
      }),
    );
    expect(till.answers).toHaveLength(1);
  });

  it('is given before an end, with what there is', () => {
    const other = new Till();
    held.hold(
      0,
      effectsOf({
        waiting: [
          [7, 'a'],
          [8, 'b'],
        ],
      }),
      till.take,
    );
    held.hold(1, effectsOf({ decisions: [decision(1, 0)], waiting: [[7, 'a']] }), other.take);
    held.releaseAll();
    expect(till.answers).toEqual([{ decisions: [], waiting: ['a', 'b'] }]);
    expect(other.answers).toEqual([{ decisions: ['d1'], waiting: ['a'] }]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
