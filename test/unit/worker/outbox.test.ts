/** Messages on their way to other partitions: what is lost is sent again, what is repeated carries the same numbers, and a receiver that passes over repeats has each once, in order. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MESSAGES_PER_RECORD_MAX, OUTBOX_MESSAGES_MAX, OUTBOX_RETRY_MS } from '../../../src/constants.ts';
import type { OutgoingMessage } from '../../../src/machine/effects.ts';
import type { MessageRecord } from '../../../src/protocol/partition-message.ts';
import { Outbox } from '../../../src/worker/outbox.ts';

const decoder = new TextDecoder();
const FROM = 3;

function message(to: number, number: number): OutgoingMessage {
  return { to, number, message: { kind: 'ask', key: `offer/o${to}`, units: number, version: 1 } };
}

function numbers(to: number, first: number, last: number): OutgoingMessage[] {
  return Array.from({ length: last - first + 1 }, (_, i) => message(to, first + i));
}

/** The logs of the receivers. Each attempt to store something goes as `fates` say, and well when they are used up. */
class Receivers {
  readonly #fates: Iterator<Fate>;
  readonly #ids = new Set<string>();
  readonly records: { readonly to: number; readonly record: MessageRecord }[] = [];
  readonly underWay = new Map<number, number>();
  underWayMax = 0;

  constructor(fates: readonly Fate[] = []) {
    this.#fates = fates.values();
  }

  readonly deliver = async (to: number, payload: Uint8Array, id: string): Promise<void> => {
    const fate = this.#fates.next().value ?? 'stored';
    this.underWay.set(to, (this.underWay.get(to) ?? 0) + 1);
    this.underWayMax = Math.max(this.underWayMax, ...this.underWay.values());
    await Promise.resolve();
    this.underWay.set(to, (this.underWay.get(to) as number) - 1);
    if (fate === 'lost') throw new Error('it is not known whether it is stored');
    const record = JSON.parse(decoder.decode(payload)) as MessageRecord;
    // As JetStream does: the second of the same name is not stored.
    if (!this.#ids.has(`${to} ${id}`)) this.records.push({ to, record });
    this.#ids.add(`${to} ${id}`);
    if (fate === 'unacknowledged') throw new Error('it is not known whether it is stored');
  };

  /** What a receiver that passes over repeats takes; a gap is what must never be. */
  taken(to: number): number[] {
    let last = 0;
    const taken: number[] = [];
    for (const { record } of this.records.filter((stored) => stored.to === to)) {
      expect(record.from).toBe(FROM);
      record.messages.forEach((said, i) => {
        const number = record.first + i;
        expect(number, 'no gap').toBeLessThanOrEqual(last + 1);
        expect(said, 'as it was sent').toEqual(message(to, number).message);
        if (number <= last) return;
        last = number;
        taken.push(number);
      });
    }
    return taken;
  }
}

type Fate = 'stored' | 'unacknowledged' | 'lost';
const fate = fc.constantFrom<Fate>('stored', 'unacknowledged', 'lost');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function started(receivers: Receivers, onDelivered: () => void = () => {}): Outbox {
  const outbox = new Outbox(FROM);
  outbox.start(receivers.deliver, onDelivered);
  return outbox;
}

describe('an outbox', () => {
  it('has one record per receiver under way, and sends what gathered meanwhile as the next', async () => {
    const receivers = new Receivers();
    const outbox = started(receivers);
    outbox.add([message(1, 1), message(2, 1), message(1, 2)]);
    outbox.flush();
    outbox.add(numbers(1, 3, 5));
    outbox.flush();
    expect(outbox.settled).toBe(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(outbox.settled).toBe(true);
    expect(receivers.records.map(({ to, record }) => [to, record.first, record.messages.length])).toEqual([
      [1, 1, 2],
      [2, 1, 1],
      [1, 3, 3],
    ]);
    expect(receivers.underWayMax).toBe(1);
  });

  it('says when a mark is reached: not before what was sent up to it is stored', async () => {
    const receivers = new Receivers(['lost']);
    const outbox = started(receivers);
    expect(outbox.delivered(outbox.mark())).toBe(true);
    outbox.add(numbers(1, 8, 9));
    const mark = outbox.mark();
    outbox.flush();
    outbox.add([message(1, 10), message(4, 1)]);
    await vi.advanceTimersByTimeAsync(OUTBOX_RETRY_MS - 1);
    expect(outbox.delivered(mark)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(outbox.delivered(mark)).toBe(true);
    expect(outbox.delivered(outbox.mark()), 'what was not flushed is not sent').toBe(false);
  });

  it('is bounded, by record and in all', async () => {
    const receivers = new Receivers();
    const rooms: boolean[] = [];
    const outbox = new Outbox(FROM);
    outbox.add(numbers(1, 1, OUTBOX_MESSAGES_MAX - 1));
    expect(outbox.hasRoom).toBe(true);
    outbox.add([message(2, 1)]);
    expect(outbox.hasRoom).toBe(false);
    outbox.start(receivers.deliver, () => rooms.push(outbox.hasRoom));
    await vi.advanceTimersByTimeAsync(0);
    expect(rooms[0], 'told as soon as there is room').toBe(true);
    expect(Math.max(...receivers.records.map(({ record }) => record.messages.length))).toBe(MESSAGES_PER_RECORD_MAX);
    expect(receivers.taken(1)).toHaveLength(OUTBOX_MESSAGES_MAX - 1);
  });

  it('sends nothing any more once it is closed', async () => {
    const receivers = new Receivers(['lost']);
    const outbox = started(receivers);
    outbox.add([message(1, 1)]);
    outbox.flush();
    await vi.advanceTimersByTimeAsync(0);
    outbox.close();
    outbox.add([message(1, 2)]);
    outbox.flush();
    await vi.advanceTimersByTimeAsync(10 * OUTBOX_RETRY_MS);
    expect(receivers.records).toEqual([]);
    expect(outbox.settled, 'a stop does not wait for it').toBe(true);
  });

  /** A run: messages are added some at a time; it ends with a crash, and the next one derives again what came behind the last mark that was reached. */
  const run = fc.array(
    fc.record({ to: fc.integer({ min: 0, max: 2 }), count: fc.integer({ min: 1, max: 300 }), waits: fc.boolean() }),
    {
      maxLength: 8,
    },
  );

  it('whatever is lost, repeated or crashes: each message is taken once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(run, { minLength: 1, maxLength: 4 }),
        fc.array(fate, { maxLength: 60 }),
        async (runs, fates) => {
          const receivers = new Receivers(fates);
          const sent = [0, 0, 0];
          /** By receiver: everything up to it is covered by a valid snapshot. */
          let covered: readonly number[] = [0, 0, 0];
          for (const steps of [...runs, []]) {
            const outbox = started(receivers);
            const marks: { reached: readonly number[]; mark: ReturnType<Outbox['mark']> }[] = [];
            sent.forEach((last, to) => void outbox.add(numbers(to, (covered[to] as number) + 1, last)));
            outbox.flush();
            for (const { to, count, waits } of steps) {
              const first = (sent[to] as number) + 1;
              sent[to] = first + count - 1;
              outbox.add(numbers(to, first, first + count - 1));
              outbox.flush();
              marks.push({ reached: [...sent], mark: outbox.mark() });
              if (waits) await vi.advanceTimersByTimeAsync(OUTBOX_RETRY_MS);
            }
            if (steps.length === 0) await vi.advanceTimersByTimeAsync(100 * OUTBOX_RETRY_MS);
            covered = marks.filter(({ mark }) => outbox.delivered(mark)).at(-1)?.reached ?? covered;
            outbox.close();
          }
          sent.forEach((last, to) => {
            expect(receivers.taken(to)).toEqual(numbers(to, 1, last).map(({ number }) => number));
          });
        },
      ),
      { numRuns: 60 },
    );
  });
});
