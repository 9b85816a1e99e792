/**
 * The decision stream against sockets that misbehave at will: they buffer, drop, lie within cork() and vanish, while decisions are appended,
 * the tail is too small, and readings take their time. Whatever happens, a client that comes back with its last cursor has seen every
 * decision that its filter lets through, in order within each partition, none twice.
 */

import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import fc from 'fast-check';
import { unpack } from 'msgpackr';
import { expect, test } from 'vitest';
import { DecisionStream } from '../../src/gateway/decision-stream.ts';
import { Exchange } from '../../src/gateway/exchange.ts';
import { defaultLimits } from '../../src/gateway/limits.ts';
import { systemClock } from '../../src/stdx/clock.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { FakeDecisions } from '../support/fake-engine.ts';

type Behavior = ReturnType<DecisionStream['behavior']>;

/** A uWebSockets.js socket whose peer reads when the test says so. */
class MoodySocket {
  readonly delivered: Buffer[] = [];
  closed: number | null = null;
  data: unknown = null;
  /** Frames that the socket took and has not passed on. */
  #held: Buffer[] = [];
  #corked: Buffer[] | null = null;
  readonly #prng: Prng;
  readonly #behavior: Behavior;
  /** 0: a perfect socket. */
  readonly #moodiness: number;

  constructor(prng: Prng, behavior: Behavior, moodiness: number) {
    this.#prng = prng;
    this.#behavior = behavior;
    this.#moodiness = moodiness;
  }

  getUserData(): unknown {
    return this.data;
  }
  getBufferedAmount(): number {
    return this.#held.reduce((sum, frame) => sum + frame.length, 0);
  }

  send(message: Uint8Array): number {
    expect(this.closed).toBe(null);
    const frame = Buffer.from(message);
    const mood = this.#prng.below(100);
    if (mood < this.#moodiness) return 2;
    if (this.#corked !== null && mood < 50) {
      this.#corked.push(frame);
      return 1;
    }
    if (this.#held.length > 0 || mood < this.#moodiness * 2) {
      this.#hold([frame]);
      return 0;
    }
    this.delivered.push(...(this.#corked?.splice(0) ?? []), frame);
    return 1;
  }

  cork(callback: () => void): void {
    // One that still holds something is left alone: its memory is bounded.
    expect(this.#held.length).toBe(0);
    this.#corked = [];
    callback();
    const corked = this.#corked;
    this.#corked = null;
    if (this.#held.length > 0 || this.#prng.below(100) < this.#moodiness) this.#held.push(...corked);
    else this.delivered.push(...corked);
  }

  /** The peer reads some. */
  read(): void {
    if (this.closed !== null || this.#held.length === 0) return;
    this.delivered.push(...this.#held.splice(0, 1 + this.#prng.below(this.#held.length)));
    this.#behavior.drain?.(this as unknown as WebSocket<never>);
  }

  end(code: number): void {
    if (this.closed !== null) return;
    this.closed = code;
    this.#behavior.close?.(this as unknown as WebSocket<never>, code, new ArrayBuffer(0));
  }

  #hold(frames: Buffer[]): void {
    this.#held.push(...(this.#corked?.splice(0) ?? []), ...frames);
  }
}

interface Client {
  readonly query: string;
  readonly matches: (channel: string, campaign: string) => boolean;
  readonly binary: boolean;
  cursor: string;
  socket: MoodySocket;
  readonly seen: string[];
}

function connect(stream: DecisionStream, behavior: Behavior, client: Client, prng: Prng, moodiness: number): void {
  const socket = new MoodySocket(prng, behavior, moodiness);
  const response = {
    onAborted: () => {},
    cork: (callback: () => void) => callback(),
    upgrade: (data: unknown) => {
      socket.data = data;
      behavior.open?.(socket as unknown as WebSocket<never>);
    },
  } as unknown as HttpResponse;
  const query = [client.query, `from=${client.cursor}`].filter((part) => part !== '').join('&');
  const request = {
    forEach: (callback: (name: string, value: string) => void) => {
      if (client.binary) callback('sec-websocket-protocol', 'beckon.msgpack');
    },
    getMethod: () => 'get',
    getUrl: () => '/v1/decisions',
    getQuery: () => query,
  } as unknown as HttpRequest;
  const exchange = new Exchange(response, request);
  stream.upgrade(exchange, response, {} as us_socket_context_t);
  expect(exchange.status).toBe(101);
  client.socket = socket;
}

/** Takes in what was delivered since the last time. */
function consume(client: Client): void {
  for (const frame of client.socket.delivered.splice(0)) {
    if (client.binary) {
      const { cursor, decisions } = unpack(frame) as { cursor: string; decisions: { id: string }[] };
      client.seen.push(...decisions.map((decision) => decision.id));
      client.cursor = cursor;
    } else {
      const { cursor, decision } = JSON.parse(frame.toString()) as { cursor: string; decision: { id: string } };
      client.seen.push(decision.id);
      client.cursor = cursor;
    }
  }
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const channels = ['push', 'sms', 'pos'];
const campaigns = ['hearts', 'flowers'];
const queries = [
  { query: '', matches: () => true },
  { query: 'channels=push', matches: (channel: string) => channel === 'push' },
  {
    query: 'channels=push,sms&campaigns=hearts,unknown',
    matches: (channel: string, campaign: string) => channel !== 'pos' && campaign === 'hearts',
  },
  { query: 'campaigns=nobody', matches: () => false },
];

test('every client sees every decision once, in order, whatever its socket does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 5, 30), async (seed, moodiness) => {
      const prng = new Prng(seed);
      const partitions = 1 + prng.below(4);
      const source = new FakeDecisions(partitions, 'model');
      source.readDelay = async () => {
        for (let i = prng.below(4); i > 0; i--) await tick();
      };
      const all: { id: string; partition: number; channel: string; campaign: string }[] = [];
      const append = (): void => {
        const partition = prng.below(partitions);
        const targets = Array.from({ length: 1 + prng.below(5) }, () => ({
          channel: prng.pick(channels),
          campaign: prng.pick(campaigns),
        }));
        source.appendAll(partition, targets, prng.below(200)).forEach((id, i) => {
          all.push({ id, partition, ...(targets[i] as { channel: string; campaign: string }) });
        });
      };
      for (let i = prng.below(20); i > 0; i--) append();
      const logged: unknown[] = [];
      const log = (fields: unknown): unknown => logged.push(fields);
      const limits = {
        ...defaultLimits,
        tailBytesMax: prng.pick([0, 3000, 1 << 20]) * partitions,
        readBytesMax: prng.pick([1, 500, 5000]),
        subscriberTurnBytesMax: prng.pick([1, 1000, 1 << 16]),
        subscribersTurnBytesMax: prng.pick([1, 1 << 16]),
        subscriberFrameBytesMax: prng.pick([1, 700, 1 << 15]),
        readsInFlightMax: 1 + prng.below(2),
      };
      const stream = new DecisionStream(source, limits, { error: log, warn: log }, systemClock);
      const behavior = stream.behavior();
      const clients = Array.from({ length: 1 + prng.below(5) }, (): Client => {
        const client = {
          ...prng.pick(queries),
          binary: prng.below(2) === 0,
          cursor: 'earliest',
          seen: [],
        } as unknown as Client;
        connect(stream, behavior, client, prng, moodiness);
        return client;
      });
      for (let step = 0; step < 60; step++) {
        const client = prng.pick(clients);
        const action = prng.below(11);
        if (action === 10) {
          source.quiet = !source.quiet;
          if (!source.quiet) source.announce();
        } else if (action < 4) append();
        else if (action < 6) await tick();
        else if (action < 9) client.socket.read();
        else {
          // What the peer had not read by now is lost with the connection.
          client.socket.end(1006);
          consume(client);
          connect(stream, behavior, client, prng, moodiness);
        }
        consume(client);
        const { next } = source.positions();
        for (const id of client.seen) {
          const [partition, number] = id.split('-').map(Number) as [number, number];
          // Order law: nothing leaves before it is durable.
          expect(number).toBeLessThan(next[partition] as number);
        }
      }
      source.quiet = false;
      source.announce();
      for (
        let i = 0;
        i < 5000 && (stream.lagDecisions() > 0 || clients.some((client) => client.socket.getBufferedAmount() > 0));
        i++
      ) {
        for (const client of clients) client.socket.read();
        await tick();
      }
      expect(logged).toEqual([]);
      expect(stream.lagDecisions()).toBe(0);
      for (const client of clients) {
        consume(client);
        expect(client.socket.closed).toBe(null);
        for (let p = 0; p < partitions; p++) {
          const expected = all
            .filter((d) => d.partition === p && client.matches(d.channel, d.campaign))
            .map((d) => d.id);
          expect(client.seen.filter((id) => id.startsWith(`${p}-`))).toEqual(expected);
        }
      }
      stream.close();
      expect(clients.map((client) => client.socket.closed)).toEqual(clients.map(() => 1001));
      expect(stream.subscribers).toBe(0);
    }),
    { numRuns: 300 },
  );
});
