import { describe, expect, test } from 'vitest';
import { DecisionTail } from '../../../src/gateway/decision-tail.ts';
import type { EncodedDecision } from '../../../src/protocol/decision.ts';

function decision(number: number, bytes = 100): EncodedDecision {
  return { number, channel: 'push', campaign: 'hearts', json: Buffer.alloc(bytes, number) };
}

describe('DecisionTail', () => {
  test('holds consecutive numbers up to next, oldest out first, within its bytes', () => {
    const tail = new DecisionTail([1, 41], 2 * 4000);
    for (let n = 41; n < 5000; n++) tail.append(1, [decision(n)]);
    expect(tail.next(1)).toBe(5000);
    // 400 bytes each: JSON, the same again in MessagePack, and what surrounds it.
    expect(tail.first(1)).toBe(5000 - 10);
    for (let n = tail.first(1); n < tail.next(1); n++) expect(tail.at(1, n).decision.number).toBe(n);
    expect(() => tail.at(1, 4989)).toThrow('decision 4989 is in the tail');
    expect([tail.first(0), tail.next(0)]).toEqual([1, 1]);
  });

  test('one that alone is too large is not held: subscribers read it', () => {
    const tail = new DecisionTail([1], 1000);
    tail.append(0, [decision(1), decision(2, 5000)]);
    expect([tail.first(0), tail.next(0)]).toEqual([3, 3]);
    tail.append(0, [decision(3)]);
    expect(tail.at(0, 3).decision.number).toBe(3);
  });

  test('what was announced already is left out', () => {
    const tail = new DecisionTail([5], 1 << 20);
    tail.append(0, [decision(3), decision(4), decision(5)]);
    expect([tail.first(0), tail.next(0)]).toEqual([5, 6]);
  });

  test('begins anew behind numbers that the source left out', () => {
    const tail = new DecisionTail([5], 1 << 20);
    tail.append(0, [decision(5), decision(6)]);
    tail.append(0, [decision(9), decision(10)]);
    expect([tail.first(0), tail.next(0)]).toEqual([9, 11]);
    expect(tail.at(0, 9).decision.number).toBe(9);
    expect(() => tail.at(0, 6)).toThrow('decision 6 is in the tail');
  });
});
