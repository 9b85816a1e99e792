import { describe, expect, it } from 'vitest';
import { measureValues, ratioSpread, spreadOf } from '../../../native-bench/measure.ts';

describe('spreads', () => {
  it('tells median, lowest and highest', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3, rounds: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, low: 1, high: 4, rounds: 4 });
  });

  it('takes ratios within rounds, not of medians', () => {
    // Round by round 2, 3, 4; the medians' ratio would be 20 / 5.
    expect(ratioSpread([20, 3, 40], [10, 1, 10])).toMatchObject({ median: 3, low: 2, high: 4 });
  });
});

describe('rounds', () => {
  it('gives each side its turn in every round, and counts only those after the warm-ups', async () => {
    const turns: string[] = [];
    const side = (name: string, value: number) => ({
      name,
      prepare: () => void turns.push(`prepare ${name}`),
      run: async () => {
        turns.push(name);
        return value * turns.length;
      },
    });
    const rounds = await measureValues([side('a', 1), side('b', 10)], { rounds: 2, warmUps: 1 });
    const round = ['prepare a', 'a', 'prepare b', 'b'];
    expect(turns).toEqual([...round, ...round, ...round]);
    expect(rounds.values('a')).toEqual([6, 10]);
    expect(rounds.values('b')).toEqual([80, 120]);
    expect(rounds.ratio('b', 'a').high).toBe(80 / 6);
    expect(() => rounds.values('c')).toThrow('no side "c"');
  });

  it('refuses what is no measurement', async () => {
    const broken = measureValues([{ name: 'broken', run: () => Number.NaN }], { rounds: 1 });
    await expect(broken).rejects.toThrow('broken measured NaN');
    const idle = measureValues([{ name: 'idle', run: () => 0 }], { rounds: 1 });
    await expect(idle).rejects.toThrow('idle measured 0');
  });
});
