/** Records of messages between partitions: taken once each, in their order, and never in part when something is wrong with them. */
import { describe, expect, it } from 'vitest';
import { Effects } from '../../../src/machine/effects.ts';
import { Fault } from '../../../src/machine/fault.ts';
import { Messages } from '../../../src/machine/messages.ts';
import type { PartitionMessage } from '../../../src/protocol/partition-message.ts';

const grant: PartitionMessage = { kind: 'grant', key: 'offer/x', units: 3 };
const deny: PartitionMessage = { kind: 'deny', key: 'day/a/20000' };
const ask: PartitionMessage = { kind: 'ask', key: 'total/a', units: 1, version: 2 };
const recall: PartitionMessage = { kind: 'recall', key: 'total/a', round: 1 };
const returned: PartitionMessage = { kind: 'return', key: 'total/a', units: 1, undecided: 0, round: 1 };

class Bench {
  readonly fault = new Fault();
  readonly effects = new Effects();
  readonly messages = new Messages(1, 4, this.fault);
  readonly heard: [number, PartitionMessage][] = [];

  take(record: unknown): boolean {
    this.messages.open(this.effects);
    const text = typeof record === 'string' ? record : JSON.stringify(record);
    return this.messages.take(new TextEncoder().encode(text), {
      belongs: (from) => from !== 3,
      handle: (from, message) => this.heard.push([from, message]),
    });
  }
}

describe('messages from other partitions', () => {
  it('are taken in order, each once, whatever comes again', () => {
    const bench = new Bench();
    expect(bench.take({ from: 0, first: 1, messages: [grant, deny] })).toBe(true);
    expect(bench.take({ from: 2, first: 1, messages: [ask] })).toBe(true);
    expect(bench.take({ from: 0, first: 1, messages: [grant, deny] })).toBe(true);
    expect(bench.take({ from: 0, first: 2, messages: [deny, recall, returned] })).toBe(true);
    expect(bench.heard).toEqual([
      [0, grant],
      [0, deny],
      [2, ask],
      [0, recall],
      [0, returned],
    ]);
    expect(bench.effects.messagesTaken).toBe(5);
  });

  it.each([
    ['no JSON', '{', 'syntax', 'messages between partitions are JSON'],
    ['no object', 'null', 'field_type', 'from: expected another of 4 partitions, got null'],
    ['from itself', { from: 1, first: 1, messages: [grant] }, 'field_type', 'from: expected another'],
    ['from nobody', { from: 4, first: 1, messages: [grant] }, 'field_type', 'from: expected another'],
    ['no number', { from: 0, first: 0, messages: [grant] }, 'field_type', 'first: expected a number from 1 on'],
    ['a gap', { from: 0, first: 2, messages: [grant] }, 'field_type', 'first: 2 of partition 0 does not follow 0'],
    ['no messages', { from: 0, first: 1, messages: [] }, 'field_type', 'messages: expected a list of 1 to 256'],
    [
      'no kind',
      { from: 0, first: 1, messages: [{ ...grant, kind: 'toString' }] },
      'field_type',
      'messages.0.kind: "toString"',
    ],
    [
      'no key',
      { from: 0, first: 1, messages: [grant, { ...grant, key: 'x' }] },
      'field_type',
      'messages.1.key: expected the name',
    ],
    [
      'half a unit',
      { from: 0, first: 1, messages: [{ ...grant, units: 0.5 }] },
      'field_type',
      'messages.0.units: expected a whole',
    ],
    [
      'no units',
      { from: 0, first: 1, messages: [{ ...grant, units: -1 }] },
      'field_type',
      'messages.0.units: expected a whole',
    ],
    [
      'a stranger',
      { from: 3, first: 1, messages: [grant] },
      'wrong_partition',
      'messages.0: partition 3 has no such thing',
    ],
  ])('are refused whole with %s', (_what, record, reason, error) => {
    const bench = new Bench();
    expect(bench.take(record)).toBe(false);
    expect(bench.fault.reason).toBe(reason);
    expect(bench.fault.error).toContain(error);
    expect(bench.heard).toEqual([]);
    expect(bench.take({ from: 0, first: 1, messages: [grant] })).toBe(true);
  });

  it('are numbered on their way out for each receiver, on after a restore', () => {
    const bench = new Bench();
    bench.messages.open(bench.effects);
    bench.messages.send(0, ask);
    bench.messages.send(2, grant);
    bench.messages.send(0, returned);
    bench.take({ from: 0, first: 1, messages: [grant] });
    const restored = new Bench();
    restored.messages.import(JSON.parse(JSON.stringify(bench.messages.export())));
    restored.messages.open(restored.effects);
    restored.messages.send(0, ask);
    expect(bench.effects.messages.map(({ to, number }) => [to, number])).toEqual([
      [0, 1],
      [2, 1],
      [0, 2],
    ]);
    expect(restored.effects.messages).toEqual([{ to: 0, number: 3, message: ask }]);
    expect(restored.take({ from: 0, first: 1, messages: [grant] })).toBe(true);
    expect(restored.heard).toEqual([]);
    expect(restored.messages.sentTo(2)).toBe(1);
  });
});
