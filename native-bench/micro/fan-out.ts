/**
 * From decisions to frames: every subscriber has its own place, filter and cursor, and is sent what the shared tail holds. Sockets are left out: what a frame
 * is handed to only counts bytes (a real one copies them too; the load suites have those).
 */

import { type DecisionFrame, FrameScratch, MessagePackFrame, TextFrame } from '../../src/gateway/decision-frames.ts';
import { DecisionTail } from '../../src/gateway/decision-tail.ts';
import { defaultLimits } from '../../src/gateway/limits.ts';
import { ReadQueue } from '../../src/gateway/read-queue.ts';
import { DecisionFilter } from '../../src/gateway/stream-query.ts';
import type { StreamSocket } from '../../src/gateway/stream-socket.ts';
import { Subscription, type SubscriptionContext } from '../../src/gateway/subscription.ts';
import { CursorCodec } from '../../src/protocol/cursor.ts';
import type { Decision, EncodedDecision } from '../../src/protocol/decision.ts';
import type { DecisionSource } from '../../src/protocol/decision-source.ts';
import { assert } from '../../src/stdx/assert.ts';
import type { Suite } from '../suite.ts';
import { customerId } from '../workload/kernel.ts';
import { type Case, runCases } from './cases.ts';

const PARTITIONS = 16;
/** Announced together, over all partitions. */
const DECISIONS = 64;
const SUBSCRIBERS = [1, 100, 1000];
const IDENTITY = 'fan-out';

export const suite: Suite = {
  name: 'fan-out',
  about: 'decisions to the frames of 1 to 1,000 subscribers, sockets left out',
  ratios: [],
  async run(bench) {
    const counts = bench.quick ? [1, 10] : SUBSCRIBERS;
    const most = counts.at(-1) as number;
    const cases = counts.flatMap((subscribers) => [
      caseOf(nameOf('JSON', subscribers), subscribers, (scratch) => new TextFrame(scratch), null),
      caseOf(
        nameOf('MessagePack', subscribers),
        subscribers,
        (scratch) => new MessagePackFrame(scratch, defaultLimits.subscriberFrameBytesMax),
        null,
      ),
    ]);
    cases.push(
      caseOf(
        `JSON, ${most} subscribers to another channel`,
        most,
        (scratch) => new TextFrame(scratch),
        new Set(['sms']),
      ),
      serializing(most),
    );
    const measured = await runCases(bench, cases);
    bench.ratio({
      key: null,
      name: 'fan-out against serializing for each',
      detail: `${most} subscribers, JSON: frames/s by those of JSON.stringify per subscriber`,
      ...measured.ratio('JSON.stringify for each', nameOf('JSON', most)),
    });
    bench.note(
      `Per decision and subscriber, ${DECISIONS} decisions at a time over ${PARTITIONS} partitions. JSON has a frame per decision, MessagePack as many in one as fit.`,
    );
  },
};

function nameOf(format: string, subscribers: number): string {
  return `${format}, ${subscribers} subscriber${subscribers === 1 ? '' : 's'}`;
}

/** Takes everything at once. */
class CountingSocket implements StreamSocket {
  bytes = 0;
  send(message: Uint8Array): number {
    this.bytes += message.length;
    return 1;
  }
  getBufferedAmount(): number {
    return 0;
  }
  cork(callback: () => void): void {
    callback();
  }
  end(code: number, reason: string): void {
    throw new Error(`closed: ${code} ${reason}`);
  }
}

const source: DecisionSource = {
  identity: IDENTITY,
  positions: () => ({ first: new Array<number>(PARTITIONS).fill(1), next: new Array<number>(PARTITIONS).fill(1) }),
  subscribe: () => () => {},
  read: () => Promise.reject(new Error('the tail holds all that is asked for')),
};

function caseOf(
  name: string,
  subscribers: number,
  frame: (scratch: FrameScratch) => DecisionFrame,
  channels: ReadonlySet<string> | null,
): Case {
  const { next } = source.positions();
  const tail = new DecisionTail(next, defaultLimits.tailBytesMax);
  const scratch = new FrameScratch(new CursorCodec(IDENTITY, PARTITIONS));
  let woken: Subscription[] = [];
  const context: SubscriptionContext = {
    source,
    tail,
    reads: new ReadQueue(source, 1),
    readBytesMax: defaultLimits.readBytesMax,
    turnBytesMax: defaultLimits.subscriberTurnBytesMax,
    wake: (subscription) => woken.push(subscription),
    readFailed: (_, error) => {
      throw error;
    },
  };
  const all = Array.from(
    { length: subscribers },
    () => new Subscription(context, new DecisionFilter(channels, null), frame(scratch), next),
  );
  const sockets = all.map((subscription) => {
    const socket = new CountingSocket();
    subscription.opened(socket);
    return socket;
  });
  let number = 1;
  const run = () => {
    for (let p = 0; p < PARTITIONS; p++)
      tail.append(
        p,
        Array.from({ length: DECISIONS / PARTITIONS }, (_, i) => encoded(p, number + i)),
      );
    number += DECISIONS / PARTITIONS;
    // Who is sent a turn's worth comes again, as in DecisionStream.
    for (let turn = [...all]; turn.length > 0; turn = woken) {
      woken = [];
      for (const subscription of turn) subscription.pump();
    }
    assert(
      all.every(({ lag }) => lag === 0),
      'everybody has everything',
    );
    assert(channels !== null || sockets.every(({ bytes }) => bytes > 0), 'frames are sent');
  };
  return { name, operations: DECISIONS * subscribers, run };
}

/** What one would write first: the frame of each subscriber from the decision as an object. */
function serializing(subscribers: number): Case {
  const codec = new CursorCodec(IDENTITY, PARTITIONS);
  const sockets = Array.from({ length: subscribers }, () => new CountingSocket());
  const places = sockets.map(() => new Array<number>(PARTITIONS).fill(1));
  const run = () => {
    for (let i = 0; i < DECISIONS; i++) {
      const object = decision(i % PARTITIONS, i);
      for (const [index, socket] of sockets.entries()) {
        const place = places[index] as number[];
        place[i % PARTITIONS] = i;
        socket.send(encoder.encode(JSON.stringify({ cursor: codec.encode(place), decision: object })));
      }
    }
  };
  return { name: 'JSON.stringify for each', operations: DECISIONS * subscribers, run };
}

function decision(partition: number, number: number): Decision {
  return {
    id: `${partition}-${number}`,
    ts: '2026-01-01T08:26:00.000Z',
    customer: customerId(number),
    campaign: 'hearts-companion',
    variant: 'a',
    offer: 'flowers-20',
    channel: 'push',
    message: { title: 'For you', body: 'Candles to go with your hearts, friend' },
    value: 6.9,
    expires: null,
    event: { id: `receipt-${number}`, type: 'receipt' },
    slot: null,
    follows: null,
    workspace: 1,
  };
}

const encoder = new TextEncoder();
/** Their bytes are made once, by the machine: no part of this. */
const made = Array.from({ length: DECISIONS }, (_, n) => encoder.encode(JSON.stringify(decision(n % PARTITIONS, n))));

function encoded(partition: number, number: number): EncodedDecision {
  const json = made[(partition + number * PARTITIONS) % DECISIONS] as Uint8Array;
  return { number, channel: 'push', campaign: 'hearts-companion', json };
}
