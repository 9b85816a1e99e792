/** The holder's books where random histories of few waiters do not go: thousands that wait, and what ends while others end. */
import { describe, expect, it } from 'vitest';
import { LeaseHolder, type LeaseOutcome } from '../../../src/machine/leases/lease-holder.ts';
import type { LeaseMessage } from '../../../src/protocol/partition-message.ts';

const KEYS = ['total/a', 'offer/o'];

function holderOf(limits: Readonly<Record<string, number>>): { holder: LeaseHolder; said: LeaseMessage[] } {
  const said: LeaseMessage[] = [];
  const holder = new LeaseHolder(2, (message) => said.push(message));
  holder.adopt({ version: 1, limits: new Map(Object.entries(limits)), shares: {} });
  return { holder, said };
}

function refuseOffer(holder: LeaseHolder): void {
  holder.want('offer/o');
  holder.denied('offer/o');
}

function outcomesOf(holder: LeaseHolder): LeaseOutcome[] {
  const outcomes: LeaseOutcome[] = [];
  for (let next = holder.nextOutcome(); next !== null; next = holder.nextOutcome()) outcomes.push(next);
  return outcomes;
}

describe('LeaseHolder', () => {
  it('refuses one after the other of thousands whose first unit comes when their second is used up', () => {
    const { holder, said } = holderOf({ 'total/a': 1000, 'offer/o': 1 });
    const waiters = 20_000;
    for (let number = 1; number <= waiters; number++) holder.wait(KEYS, number, number);
    refuseOffer(holder);
    holder.granted('total/a', 1);
    const outcomes = outcomesOf(holder);
    expect(outcomes.map(({ waiter }) => waiter)).toEqual(Array.from({ length: waiters }, (_, i) => i + 1));
    expect(outcomes.every(({ denied }) => denied === 'offer/o')).toBe(true);
    expect([holder.free('total/a'), holder.aside('total/a')]).toEqual([1, 0]);
    expect(said.length).toBeLessThan(10);
  });

  it('forgets the outcome of a waiter that is released before it was heard', () => {
    const { holder } = holderOf({ 'total/a': 1000, 'offer/o': 1 });
    holder.wait(['total/a'], 1, 1);
    holder.wait(KEYS, 2, 2);
    refuseOffer(holder);
    holder.granted('total/a', 1);
    // Its unit goes to the other, which is refused for want of the second.
    holder.release(1);
    holder.release(2);
    expect(outcomesOf(holder)).toEqual([]);
    expect([holder.free('total/a'), holder.aside('total/a')]).toEqual([1, 0]);
  });

  it('returns what it was recalled once, whoever was refused on the way', () => {
    const { holder, said } = holderOf({ 'total/a': 1000, 'offer/o': 1 });
    holder.wait(['total/a'], 1, 1);
    for (let number = 2; number < 100; number++) holder.wait(KEYS, number, number);
    refuseOffer(holder);
    holder.granted('total/a', 1);
    holder.recalled('total/a', 1);
    said.length = 0;
    holder.release(1);
    expect(said).toEqual([{ kind: 'return', key: 'total/a', units: 1, undecided: 0, round: 1 }]);
    expect(outcomesOf(holder)).toHaveLength(98);
  });
});
