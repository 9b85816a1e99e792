import { describe, expect, it } from 'vitest';
import { Effects } from '../../../src/machine/effects.ts';
import { decodeDecideAnswer } from '../../../src/protocol/decide-answer.ts';
import { IngestError } from '../../../src/protocol/ingest-error.ts';
import { RecordKind } from '../../../src/protocol/record.ts';
import { type DecideLinks, replyToDecide } from '../../../src/worker/decide-replier.ts';
import { HeldAnswers } from '../../../src/worker/held-answers.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const record = { seq: 9, ts: 0, kind: RecordKind.events, payload: encoder.encode('{"id":"r1","type":"receipt"}') };

/** Links of a partition whose stream holds decisions 1 … storedUpTo, each `{"id":"3-<number>"}`. */
class FakeLinks implements DecideLinks {
  storedUpTo: number | null = 0;
  readFailure: Error | null = null;
  readonly answers: string[] = [];
  readonly held = new HeldAnswers(() => {});
  readonly stored = {
    read: async (partition: number, first: number, count: number): Promise<Uint8Array[]> => {
      if (this.readFailure !== null) throw this.readFailure;
      const numbers = Array.from({ length: count }, (_, i) => first + i);
      const kept = numbers.filter((number) => number <= (this.storedUpTo ?? 0));
      return kept.map((number) => encoder.encode(`{"id":"${partition}-${number}"}`));
    },
  };
  readonly requests = {
    answer: (_: string, answer: Uint8Array): void => void this.answers.push(decoder.decode(answer)),
  };

  decisionsStoredUpTo(): number | null {
    return this.storedUpTo;
  }
}

function repeatOf(first: number, count: number): Effects {
  const effects = new Effects();
  effects.repeatedOf.push({ index: 0, first, count });
  return effects;
}

describe('the answer to a repeated decide', () => {
  it('waits until the original decisions are stored', async () => {
    const links = new FakeLinks();
    links.storedUpTo = 4;
    const effects = repeatOf(4, 2);
    const done = replyToDecide(links, 'inbox', 3, record, effects);
    effects.clear();
    setTimeout(() => {
      expect(links.answers).toEqual([]);
      links.storedUpTo = 5;
    }, 30);
    await done;
    expect(links.answers).toEqual(['{"event":"r1","decisions":[{"id":"3-4"},{"id":"3-5"}],"repeated":true}']);
  });

  it('is empty only where the event led to nothing', async () => {
    const links = new FakeLinks();
    await replyToDecide(links, 'inbox', 3, record, repeatOf(0, 0));
    expect(links.answers).toEqual(['{"event":"r1","decisions":[],"repeated":true}']);
  });

  it.each([
    ['cannot be read', new IngestError('unavailable', 'decision 3-4 cannot be read'), 4, 'unavailable'],
    ['cannot be read, for whatever reason', new Error('odd'), 4, 'unavailable'],
    ['will never be stored: the partition has halted', null, null, 'unavailable'],
    ['are not stored in time', null, 3, 'timeout'],
  ])('is a failure where they %s', async (_, readFailure, storedUpTo, fault) => {
    const links = new FakeLinks();
    links.readFailure = readFailure;
    links.storedUpTo = storedUpTo;
    await replyToDecide(links, 'inbox', 3, record, repeatOf(4, 1));
    expect(links.answers).toHaveLength(1);
    const answer = links.answers[0] as string;
    expect(JSON.parse(answer)).toEqual({ error: expect.stringMatching(/\S/), failure: fault });
    expect(() => decodeDecideAnswer(encoder.encode(answer))).toThrow(IngestError);
  });
});
