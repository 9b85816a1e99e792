/** The decision stream over real WebSockets: what clients get, in which order, and what happens to those that are slow, late, wrong or many. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { unpack } from 'msgpackr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import type { GatewayOptions } from '../../src/gateway/gateway.ts';
import type { GatewayLimits } from '../../src/gateway/limits.ts';
import { CursorCodec } from '../../src/protocol/cursor.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { GatewayUnderTest } from '../support/gateway-client.ts';

let g: GatewayUnderTest;
let watchers: Watcher[] = [];

async function restart(limits: Partial<GatewayLimits>, options: Partial<GatewayOptions> = {}): Promise<void> {
  await g.stop();
  g = await GatewayUnderTest.start({ limits, ...options });
}

beforeEach(async () => {
  g = await GatewayUnderTest.start();
});

afterEach(async () => {
  for (const watcher of watchers) watcher.socket.terminate();
  watchers = [];
  expect(g.logged).toEqual([]);
  await g.stop();
  expect(g.gateway.stats().subscribers).toBe(0);
});

/** A client that keeps what it gets. */
class Watcher {
  readonly socket: WebSocket;
  readonly ids: string[] = [];
  readonly messages: Buffer[] = [];
  cursor = '';

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.messages.push(data);
      const frame = (isBinary ? unpack(data) : JSON.parse(String(data))) as {
        cursor: string;
        decision?: { id: string };
        decisions?: { id: string }[];
      };
      this.cursor = frame.cursor;
      for (const { id } of frame.decisions ?? [frame.decision as { id: string }]) this.ids.push(id);
    });
  }

  static async open(query = '', protocols: string[] = []): Promise<Watcher> {
    const socket = new WebSocket(`ws://127.0.0.1:${g.port}/v1/decisions${query}`, protocols);
    const watcher = new Watcher(socket);
    watchers.push(watcher);
    await once(socket, 'open');
    return watcher;
  }

  async got(count: number): Promise<string[]> {
    await g.until(() => this.ids.length >= count);
    return this.ids;
  }

  async close(): Promise<void> {
    this.socket.terminate();
    await once(this.socket, 'close');
  }

  async closed(): Promise<{ code: number; reason: string }> {
    const [code, reason] = (await once(this.socket, 'close')) as [number, Buffer];
    return { code, reason: String(reason) };
  }
}

interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly detail: string;
  readonly oldest?: string;
  readonly retryAfter: string | undefined;
}

/** What the server says instead of upgrading. */
function refused(query: string, headers: Record<string, string> = {}): Promise<Refusal> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${g.port}/v1/decisions${query}`, { headers });
    socket.on('error', () => {});
    socket.on('open', () => {
      socket.terminate();
      reject(new Error(`${query} was accepted`));
    });
    socket.on('unexpected-response', (_, response) => {
      let text = '';
      response.on('data', (data) => {
        text += String(data);
      });
      response.on('end', () => {
        const { status, ...problem } = JSON.parse(text);
        expect(response.headers['content-type']).toBe('application/problem+json');
        expect(status).toBe(response.statusCode);
        resolve({ status, ...problem, retryAfter: response.headers['retry-after'] });
      });
    });
  });
}

describe('what a subscriber gets', () => {
  test('the stored JSON as it is, with a cursor, from now on', async () => {
    g.engine.decisions.append(1);
    const watcher = await Watcher.open();
    g.engine.decisions.append(1);
    await watcher.got(1);
    const stored = Buffer.from(g.engine.decisions.json(1, 2)).toString();
    expect(String(watcher.messages[0])).toBe(`{"cursor":"${watcher.cursor}","decision":${stored}}`);
  });

  test('from=earliest: everything that is kept, then what comes', async () => {
    for (let i = 0; i < 5; i++) g.engine.decisions.append(i % 2);
    g.engine.decisions.forget(0, 2);
    const watcher = await Watcher.open('?from=earliest');
    expect((await watcher.got(4)).sort()).toEqual(['0-2', '0-3', '1-1', '1-2']);
    g.engine.decisions.append(0);
    expect((await watcher.got(5)).at(-1)).toBe('0-4');
  });

  test('only what its filters let through; names that nobody has yet are fine', async () => {
    const pushed = await Watcher.open('?channels=push');
    const both = await Watcher.open('?channels=push,%20sms&campaigns=hearts,some+day');
    const someDay = await Watcher.open('?campaigns=some%20day');
    for (const channel of ['push', 'sms', 'pos'])
      for (const campaign of ['hearts', 'flowers']) g.engine.decisions.append(0, channel, campaign);
    g.engine.decisions.append(0, 'email', 'some day');
    g.engine.decisions.append(0, 'push', 'hearts');
    expect(await pushed.got(3)).toEqual(['0-1', '0-2', '0-8']);
    expect(await both.got(3)).toEqual(['0-1', '0-3', '0-8']);
    expect(await someDay.got(1)).toEqual(['0-7']);
  });

  test('a cursor covers what the filter left out before it', async () => {
    const watcher = await Watcher.open('?channels=push');
    g.engine.decisions.append(0, 'sms');
    g.engine.decisions.append(1, 'push');
    await watcher.got(1);
    const reading = new CursorCodec('test-streams', 4).decode(watcher.cursor);
    expect(reading).toEqual({ next: [2, 2, 1, 1] });
  });

  test('MessagePack, several decisions per message', async () => {
    await restart({ subscriberFrameBytesMax: 2000 });
    for (let i = 0; i < 50; i++) g.engine.decisions.append(i % 4);
    const watcher = await Watcher.open('?from=earliest', ['beckon.msgpack']);
    expect(watcher.socket.protocol).toBe('beckon.msgpack');
    expect(new Set(await watcher.got(50)).size).toBe(50);
    expect(watcher.messages.length).toBeLessThan(20);
    expect(watcher.messages.length).toBeGreaterThan(1);
    const frame = unpack(watcher.messages[0] as Buffer) as { cursor: string; decisions: { id: string }[] };
    expect(Object.keys(frame)).toEqual(['cursor', 'decisions']);
    const first = frame.decisions[0] as { id: string };
    const [partition, number] = first.id.split('-').map(Number) as [number, number];
    expect(first).toEqual(JSON.parse(Buffer.from(g.engine.decisions.json(partition, number)).toString()));
    // Its cursor is good for a text stream too.
    const text = await Watcher.open(`?from=${watcher.cursor}`);
    g.engine.decisions.append(2);
    expect(await text.got(1)).toEqual(['2-13']);
  });

  test('other subprotocols are not chosen; text is what there is', async () => {
    const watcher = await Watcher.open('', ['beckon.future', 'beckon.msgpack']);
    expect(watcher.socket.protocol).toBe('beckon.msgpack');
    const head = [
      'GET /v1/decisions HTTP/1.1',
      'Host: x',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
    ];
    const upgrade = [
      ...head,
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: beckon.future',
      '',
      '',
    ].join('\r\n');
    const { text } = await g.raw([upgrade], '\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1.1 101 /);
    expect(text).not.toMatch(/sec-websocket-protocol/i);
  });
});

describe('cursors', () => {
  test('a client that reconnects again and again sees each decision once, in order, with filters, while more come', async () => {
    await restart({ tailBytesMax: 8000, readBytesMax: 2000 });
    const all: { id: string; channel: string }[] = [];
    let stopped = false;
    const feeding = (async () => {
      for (let i = 0; i < 1500; i++) {
        const channel = ['push', 'sms', 'pos'][i % 3] as string;
        all.push({ id: g.engine.decisions.append((i * 7) % 4, channel), channel });
        if (i % 25 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      stopped = true;
    })();
    const seen: string[] = [];
    let cursor = 'earliest';
    for (let round = 0; !stopped || seen.length < 1000; round++) {
      const watcher = await Watcher.open(
        `?channels=push,sms&from=${cursor}`,
        round % 2 === 0 ? [] : ['beckon.msgpack'],
      );
      const want = Math.min(37, 1000 - seen.length);
      await watcher.got(want);
      await watcher.close();
      seen.push(...watcher.ids);
      cursor = watcher.cursor;
    }
    await feeding;
    for (let p = 0; p < 4; p++) {
      const expected = all.filter(({ id, channel }) => id.startsWith(`${p}-`) && channel !== 'pos').map(({ id }) => id);
      expect(seen.filter((id) => id.startsWith(`${p}-`))).toEqual(expected);
    }
  });

  test('a cursor survives a restart of the gateway over the same streams', async () => {
    const watcher = await Watcher.open();
    g.engine.decisions.append(0);
    g.engine.decisions.append(1);
    await watcher.got(2);
    await g.stop();
    g.engine.decisions.append(1);
    g = await GatewayUnderTest.start({}, g.engine);
    const again = await Watcher.open(`?from=${watcher.cursor}`);
    expect(await again.got(1)).toEqual(['1-2']);
  });

  test('forged, foreign, future and old ones are refused, each for what it is', async () => {
    for (let i = 0; i < 10; i++) g.engine.decisions.append(0);
    const codec = new CursorCodec('test-streams', 4);
    const cursor = codec.encode([5, 1, 1, 1]);
    expect(await refused(`?from=${cursor.slice(0, -1)}`)).toMatchObject({
      status: 400,
      type: 'urn:beckon:problem:cursor-malformed',
      detail:
        'from= is neither latest nor earliest nor a cursor that was given with a decision: send the cursor exactly as it came',
    });
    expect(await refused('?from=2010-12-01')).toMatchObject({
      status: 400,
      type: 'urn:beckon:problem:cursor-malformed',
    });
    expect(await refused(`?from=${new CursorCodec('other', 4).encode([1, 1, 1, 1])}`)).toMatchObject({
      status: 400,
      type: 'urn:beckon:problem:cursor-foreign',
      detail:
        'the cursor belongs to the decision streams of other data, not to those served here: use from=earliest or from=latest',
    });
    expect(await refused(`?from=${codec.encode([1, 1, 3, 1])}`)).toMatchObject({
      status: 400,
      type: 'urn:beckon:problem:cursor-ahead',
      detail:
        'the cursor is ahead of the stream: partition 2 has not made decision 2 yet. The data may have been restored from an older copy; use from=earliest or from=latest',
    });
    g.engine.decisions.forget(0, 8);
    const old = await refused(`?from=${cursor}`);
    expect(old).toMatchObject({
      status: 410,
      type: 'urn:beckon:problem:cursor-too-old',
      detail:
        'decisions after it are no longer kept: in partition 0 the oldest is 8, the cursor continues at 5. To go on with what is left, use from=earliest, or the cursor given as "oldest"',
    });
    const watcher = await Watcher.open(`?from=${old.oldest}`);
    expect(await watcher.got(3)).toEqual(['0-8', '0-9', '0-10']);
  });

  test('decisions that go while a client is still to be sent them end its stream with an error, never a gap', async () => {
    await restart({ tailBytesMax: 0 });
    let reading = (): void => {};
    const held = new Promise<void>((resolve) => {
      reading = resolve;
    });
    for (let i = 0; i < 10; i++) g.engine.decisions.append(0);
    g.engine.decisions.readDelay = () => held;
    const watcher = await Watcher.open('?from=earliest');
    await g.until(() => g.engine.decisions.reads === 1);
    g.engine.decisions.forget(0, 4);
    const closed = watcher.closed();
    reading();
    expect(await closed).toEqual({
      code: 4410,
      reason: 'decision 0-1 is no longer kept, the oldest is 4: connect with from=earliest',
    });
    expect(watcher.ids).toEqual([]);
  });
});

describe('a cursor from another node, ahead of this one', () => {
  test('waits where the streams go so far, and goes on there', async () => {
    const { decisions } = g.engine;
    Object.assign(decisions, { reaches: (next: readonly number[]) => Promise.resolve(next[0] === 4) });
    const codec = new CursorCodec(decisions.identity, 4);
    decisions.quiet = true;
    const watcher = await Watcher.open(`?from=${codec.encode([4, 1, 1, 1])}`);
    for (let i = 0; i < 5; i++) decisions.append(0);
    decisions.append(2);
    decisions.announce();
    expect((await watcher.got(3)).sort()).toEqual(['0-4', '0-5', '2-1']);
  });

  test.each([[[]], [['beckon.msgpack']]])('is refused over the socket where they do not: %s', async (protocols) => {
    let answer: (reaches: boolean) => void = () => {};
    const reaches = () => new Promise<boolean>((resolve) => (answer = resolve));
    Object.assign(g.engine.decisions, { reaches });
    const codec = new CursorCodec(g.engine.decisions.identity, 4);
    const socket = new WebSocket(`ws://127.0.0.1:${g.port}/v1/decisions?from=${codec.encode([1, 9, 1, 1])}`, protocols);
    await once(socket, 'open');
    const told = once(socket, 'message');
    const closed = once(socket, 'close');
    answer(false);
    const [data, isBinary] = (await told) as [Buffer, boolean];
    const { problem } = isBinary ? unpack(data) : JSON.parse(String(data));
    expect(isBinary).toBe(protocols.length > 0);
    expect(problem).toMatchObject({ status: 400, type: 'urn:beckon:problem:cursor-ahead' });
    expect((await closed)[0]).toBe(4400);
  });

  test('whose client has gone by then leaves nothing behind', async () => {
    let answer: (reaches: boolean) => void = () => {};
    Object.assign(g.engine.decisions, { reaches: () => new Promise<boolean>((resolve) => (answer = resolve)) });
    const codec = new CursorCodec(g.engine.decisions.identity, 4);
    const watcher = await Watcher.open(`?from=${codec.encode([1, 9, 1, 1])}`);
    await watcher.close();
    await g.until(() => g.gateway.stats().subscribers === 0);
    answer(false);
    await new Promise((next) => setImmediate(next));
  });
});

describe('what is refused before the upgrade', () => {
  test.each([
    [
      '?channel=push',
      '"channel" is no parameter of the decision stream: there are channels, campaigns, from, group, ackWait',
    ],
    ['?channels=', 'channels= needs names with commas between them, got "": leave it out for all channels'],
    ['?campaigns=a,,b', 'campaigns= needs names with commas between them, got "a,,b": leave it out for all campaigns'],
    ['?channels=a&channels=b', '"channels" is given twice: give it once, with commas between names'],
    ['?channels=%zz', '"channels=%zz" is not valid percent-encoding of UTF-8'],
    ['?campaigns=' + ','.repeat(256).replaceAll(',', 'a,') + 'a', 'campaigns= may have 256 names, got 257'],
  ])('%s: 400', async (query, detail) => {
    expect(await refused(query)).toMatchObject({ status: 400, type: 'urn:beckon:problem:bad-request', detail });
  });

  test('group=: 501 where the streams are not shared', async () => {
    const refusal = await refused('?group=gateways&from=earliest');
    expect(refusal).toMatchObject({ status: 501, type: 'urn:beckon:problem:group' });
    expect(refusal.detail).toMatch(/^group= needs a node that was started with --nats/);
  });

  test('503 when there are as many subscribers as are served; one that leaves makes room', async () => {
    await restart({ subscribersMax: 2 });
    const first = await Watcher.open();
    await Watcher.open();
    const refusal = await refused('');
    expect(refusal).toMatchObject({ status: 503, retryAfter: '1' });
    expect(refusal.detail).toMatch(/^this node has 2 subscribers, as many as it serves/);
    await first.close();
    await g.until(() => g.gateway.stats().subscribers === 1);
    await Watcher.open();
  });

  test('429 in a reconnect storm, until time has passed', async () => {
    let nowMs = 0;
    await restart(
      { subscribePerSecondMax: 10, subscribeBurstMax: 2 },
      { clock: { nowMs: () => 0, monotonicMs: () => nowMs } },
    );
    await Watcher.open();
    await Watcher.open();
    const refusal = await refused('');
    expect(refusal).toMatchObject({ status: 429, retryAfter: '1' });
    expect(refusal.detail).toMatch(/^too many streams are being opened at once/);
    nowMs = 100;
    await Watcher.open();
    expect((await refused('')).status).toBe(429);
  });

  test('401 and 403 as for any route', async () => {
    await restart({}, { auth: { tokens: ['secret'], origins: ['https://shop.example'] } });
    expect((await refused('')).status).toBe(401);
    expect((await refused('', { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await refused('', { authorization: 'Bearer secret', origin: 'https://evil.example' })).status).toBe(403);
    const socket = new WebSocket(`ws://127.0.0.1:${g.port}/v1/decisions`, {
      headers: { authorization: 'Bearer secret' },
    });
    await once(socket, 'open');
    socket.terminate();
  });
});

test('a message from a client closes the stream with 1003: nothing would come of it', async () => {
  const watcher = await Watcher.open();
  const closed = watcher.closed();
  watcher.socket.send('{"ack":"x"}');
  expect(await closed).toEqual({
    code: 1003,
    reason: 'the decision stream takes no messages; acknowledgements come with group=',
  });
});

test('closing the gateway ends streams with 1001, after what was decided last', async () => {
  const watcher = await Watcher.open();
  g.engine.decisions.append(0);
  const closed = watcher.closed();
  await g.stop();
  expect(await closed).toEqual({ code: 1001, reason: 'shutting down: connect again with the last cursor' });
  expect(watcher.ids).toEqual(['0-1']);
});

test('a decision log that cannot be read ends the streams that need it, and only those', async () => {
  await restart({ tailBytesMax: 0 });
  g.engine.decisions.append(0);
  const live = await Watcher.open();
  g.engine.decisions.readFailure = new Error('EIO');
  const late = await Watcher.open('?from=earliest');
  expect(await late.closed()).toEqual({
    code: 1011,
    reason: 'stored decisions could not be read: connect again with the last cursor',
  });
  expect(g.logged.splice(0)).toEqual([
    {
      level: 'error',
      message: 'stored decisions could not be read',
      fields: { partition: 0, err: g.engine.decisions.readFailure },
    },
  ]);
  expect(live.socket.readyState).toBe(WebSocket.OPEN);
  g.engine.decisions.readFailure = null;
});

describe('slow clients', () => {
  const COUNT = 4000;
  const PADDING = 2000;

  /** Stops reading from the network: TCP pushes back. */
  function pause(watcher: Watcher): Socket {
    const socket = (watcher.socket as unknown as { _socket: Socket })._socket;
    socket.pause();
    return socket;
  }

  test('one that stops reading holds up nobody, costs bounded memory, and is complete when it goes on', async () => {
    await restart({ tailBytesMax: 400_000 });
    const slow = await Watcher.open();
    const packed = await Watcher.open('?channels=push', ['beckon.msgpack']);
    const fast = await Watcher.open();
    const paused = [pause(slow), pause(packed)];
    for (let i = 0; i < COUNT; i++) {
      g.engine.decisions.append(i % 4, i % 2 === 0 ? 'push' : 'sms', 'hearts', PADDING);
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // 8 MB: far more than sockets and tail hold. The fast one has it all.
    expect((await fast.got(COUNT)).length).toBe(COUNT);
    expect(slow.ids.length).toBeLessThan(COUNT / 2);
    expect(g.gateway.stats().lagDecisions).toBeGreaterThan(100);
    for (const socket of paused) socket.resume();
    await slow.got(COUNT);
    await packed.got(COUNT / 2);
    for (let p = 0; p < 4; p++) {
      const numbers = (ids: string[]): number[] =>
        ids.filter((id) => id.startsWith(`${p}-`)).map((id) => Number(id.split('-')[1]));
      expect(numbers(slow.ids)).toEqual(Array.from({ length: COUNT / 4 }, (_, i) => i + 1));
      expect(numbers(packed.ids)).toEqual(p % 2 === 0 ? Array.from({ length: COUNT / 4 }, (_, i) => i + 1) : []);
    }
    await g.until(() => g.gateway.stats().lagDecisions === 0);
    expect(g.engine.decisions.reads).toBeGreaterThan(0);
  });

  test('one that stopped and left can go on elsewhere from its last cursor', async () => {
    const slow = await Watcher.open();
    pause(slow);
    const all = Array.from({ length: COUNT }, (_, i) => g.engine.decisions.append(i % 4, 'push', 'hearts', PADDING));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await slow.close();
    const again = await Watcher.open(`?from=${slow.cursor || 'earliest'}`);
    await again.got(COUNT - slow.ids.length);
    expect([...slow.ids, ...again.ids].sort()).toEqual([...all].sort());
  });

  test('many that catch up share a few readings at a time', async () => {
    await restart({ tailBytesMax: 0, readBytesMax: 2000, readsInFlightMax: 3 });
    for (let i = 0; i < 400; i++) g.engine.decisions.append(i % 4);
    g.engine.decisions.readDelay = () => new Promise((resolve) => setTimeout(resolve, 1));
    const late = await Promise.all(Array.from({ length: 12 }, () => Watcher.open('?from=earliest')));
    for (const watcher of late) expect(new Set(await watcher.got(400)).size).toBe(400);
    expect(g.engine.decisions.readsInFlightMax).toBe(3);
  });
});

test('a client that comes and goes at any moment of a reading leaves nothing behind', async () => {
  await restart({ tailBytesMax: 0, readBytesMax: 500 });
  for (let i = 0; i < 200; i++) g.engine.decisions.append(0);
  g.engine.decisions.readDelay = () => new Promise((resolve) => setTimeout(resolve, 2));
  for (let i = 0; i < 20; i++) {
    const watcher = await Watcher.open('?from=earliest');
    await watcher.got(i * 3);
    watcher.socket.terminate();
  }
  await g.until(() => g.gateway.stats().subscribers === 0 && g.engine.decisions.readsInFlight === 0);
  const watcher = await Watcher.open('?from=earliest');
  expect((await watcher.got(200)).length).toBe(200);
});

test('events in, decisions out: what a till is told is what the stream says', async () => {
  const watcher = await Watcher.open();
  const answer = await g.post('/v1/decide', {
    id: '1',
    type: 'receipt',
    customer: 'x',
    data: { decide: [{ channel: 'pos', campaign: 'flowers' }] },
  });
  await watcher.got(1);
  expect(JSON.parse(String(watcher.messages[0])).decision).toEqual(answer.json.decisions[0]);
});

test('two gateways over engines of different identity do not take each other’s cursors', async () => {
  const watcher = await Watcher.open();
  g.engine.decisions.append(0);
  await watcher.got(1);
  await g.stop();
  g = await GatewayUnderTest.start({}, new FakeEngine(4, 'restored-elsewhere'));
  expect((await refused(`?from=${watcher.cursor}`)).type).toBe('urn:beckon:problem:cursor-foreign');
});
