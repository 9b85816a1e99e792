/** The producer library against real servers: what it stores, where, in which order, and that it stores it once, whatever happens on the way. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Packr } from 'msgpackr';
import type { NatsConnection } from 'nats';
import { afterEach, describe, expect, it } from 'vitest';
import { type Delivery, DeliveryError, type ProducerEvent } from '../../src/client/event.ts';
import { BeckonProducer, type ProducerOptions } from '../../src/client/producer.ts';
import { connectNats } from '../../src/log/jetstream/connection.ts';
import { logStream } from '../../src/log/jetstream/names.ts';
import { ensureStreams, noStreamOptions, type StreamOptions } from '../../src/log/jetstream/streams.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const PARTITIONS = 4;
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function start(
  settings: Parameters<typeof startNatsServer>[0] = {},
  streams: Partial<StreamOptions> = {},
): Promise<NatsServer> {
  const server = await startNatsServer(settings);
  opened.push({ close: () => server.stop() });
  const connection = await connectNats({ servers: server.url, name: 'test' });
  await ensureStreams(connection, { ...noStreamOptions, partitions: PARTITIONS, ...streams });
  await connection.close();
  return server;
}

async function produce(server: { url: string }, options: Partial<ProducerOptions> = {}): Promise<BeckonProducer> {
  const producer = await BeckonProducer.connect({ servers: server.url, ...options });
  opened.push({ close: () => producer.close(0) });
  return producer;
}

interface StoredEvent extends ProducerEvent {
  readonly partition: number;
  readonly batch: number;
}

const packr = new Packr({ useRecords: false });

/** Everything in the logs, in their order. */
async function stored(server: NatsServer, partitions = PARTITIONS): Promise<StoredEvent[]> {
  const connection: NatsConnection = await connectNats({ servers: server.url, name: 'reader' });
  const manager = await connection.jetstreamManager();
  const events: StoredEvent[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const { last_seq } = (await manager.streams.info(logStream(partition))).state;
    for (let seq = 1; seq <= last_seq; seq++) {
      const { data } = await manager.streams.getMessage(logStream(partition), { seq });
      const list = data[0] === 0xdd ? packr.unpack(data) : JSON.parse(new TextDecoder().decode(data));
      for (const event of list as ProducerEvent[]) events.push({ ...event, partition, batch: seq });
    }
  }
  await connection.close();
  return events;
}

function receipt(number: number, customer = `c${number % 97}`): ProducerEvent {
  return { id: `e${number}`, type: 'receipt', ts: 1_290_000_000_000 + number, customer, data: { total: number + 0.5 } };
}

/** Each once, at its customer's partition, each customer's in order. */
function expectAllOnceInOrder(events: readonly StoredEvent[], sent: number, partitions = PARTITIONS): void {
  expect(events.length).toBe(sent);
  expect(new Set(events.map(({ id }) => id)).size).toBe(sent);
  const last = new Map<string, number>();
  for (const { id, customer, partition } of events) {
    expect(partition).toBe(partitionOf(customer as string, partitions));
    const number = Number(id?.slice(1));
    expect(number).toBeGreaterThan(last.get(customer as string) ?? -1);
    last.set(customer as string, number);
  }
}

describe('sending', () => {
  it.each(['json', 'msgpack'] as const)('stores events in %s as they were given, in batches', async (format) => {
    const server = await start();
    const producer = await produce(server, { format });
    expect(producer.partitions).toBe(PARTITIONS);
    const sent = Array.from({ length: 5_000 }, (_, number) => receipt(number));
    const deliveries = await Promise.all(sent.map((event) => producer.send(event)));
    const events = await stored(server);
    expectAllOnceInOrder(events, sent.length);
    expect(new Set(events.map(({ partition, batch }) => `${partition}-${batch}`)).size).toBeLessThan(50);
    for (const { partition, batch, ...event } of events) {
      const number = Number(event.id?.slice(1));
      expect(event).toEqual(sent[number]);
      expect(deliveries[number]).toEqual({ partition, seq: batch, duplicate: false });
    }
    expect(producer.bufferedBytes).toBe(0);
  });

  it('completes a batch at its length and at its number of events', async () => {
    const server = await start({}, { partitions: 1 });
    const producer = await produce(server, { batchEvents: 10, lingerMs: 60_000 });
    await Promise.all(Array.from({ length: 30 }, (_, number) => producer.send(receipt(number))));
    const short = await produce(server, { batchBytes: 1_000 });
    await Promise.all(Array.from({ length: 30 }, (_, number) => short.send(receipt(number + 30))));
    const events = await stored(server, 1);
    expectAllOnceInOrder(events, 60, 1);
    const lengths = new Map<number, number>();
    for (const { batch } of events) lengths.set(batch, (lengths.get(batch) ?? 0) + 1);
    expect([...lengths.values()].slice(0, 3)).toEqual([10, 10, 10]);
    expect([...lengths.values()].slice(3).every((count) => count > 5 && count < 15)).toBe(true);
  });

  it('does not make flush and close wait for company', async () => {
    const server = await start();
    const producer = await produce(server, { lingerMs: 3_600_000 });
    const first = producer.send(receipt(1));
    await producer.flush();
    expect(await first).toMatchObject({ duplicate: false });
    const second = producer.send(receipt(2));
    await producer.close();
    expect(await second).toMatchObject({ duplicate: false });
    await expect(producer.send(receipt(3))).rejects.toThrow(/closed/);
  });

  it('sends anonymous events wherever, repeats of one id to the same place', async () => {
    const server = await start();
    const producer = await produce(server);
    const named = await Promise.all([1, 2, 3].map(() => producer.send({ type: 'visit', id: 'v1' })));
    expect(new Set(named.map(({ partition }) => partition))).toEqual(new Set([partitionOf('v1', PARTITIONS)]));
    const unnamed = await Promise.all(Array.from({ length: PARTITIONS }, () => producer.send({ type: 'visit' })));
    expect(new Set(unnamed.map(({ partition }) => partition)).size).toBe(PARTITIONS);
  });

  it('works for the producer of deploy/nats.conf', async () => {
    const roles = ['NODE', 'PRODUCER', 'GATEWAY', 'OPERATOR'];
    const environment = Object.fromEntries(roles.map((role) => [`BECKON_${role}_PASSWORD`, 'secret']));
    const configFile = resolve(import.meta.dirname, '../../deploy/nats.conf');
    const server = await startNatsServer({ configFile, environment });
    opened.push({ close: () => server.stop() });
    await expect(produce({ url: server.url.replace('//', '//producer:secret@') })).rejects.toThrow(
      /BECKON_WORKSPACES: it cannot be asked for the number of partitions \(stream not found; .*start a node with --nats/,
    );
    const node = await connectNats({ servers: server.url.replace('//', '//node:secret@'), name: 'node' });
    await ensureStreams(node, noStreamOptions);
    await node.close();
    const producer = await produce({ url: server.url.replace('//', '//producer:secret@') });
    expect(producer.partitions).toBe(16);
    const deliveries = await Promise.all(Array.from({ length: 100 }, (_, number) => producer.send(receipt(number))));
    expect(new Set(deliveries.map(({ partition }) => partition)).size).toBe(16);
  });
});

describe('events that can never be sent', () => {
  it('are refused one by one, and their neighbours stored', async () => {
    const server = await start();
    const producer = await produce(server);
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    const wrong: [unknown, RegExp][] = [
      [{ customer: 'c' }, /type: missing/],
      [{ type: 'receipt', customer: 17850 }, /customer: a string is needed, not a number/],
      [{ type: 'receipt', customer: 'é'.repeat(129) }, /customer: longer than 256 bytes/],
      [{ type: 'receipt', data: { note: 'x'.repeat(300_000) } }, /the event has 300\d\d\d bytes, 262144 are allowed/],
      [{ type: 'receipt', data: { total: Number.NaN } }, /data\.total: NaN cannot be sent/],
      [{ type: 'receipt', data: { items: [{ qty: 1n }] } }, /data\.items\[0\]\.qty: a bigint cannot be sent/],
      [{ type: 'receipt', data: { seen: new Map() } }, /data\.seen: a Map cannot be sent/],
      [{ type: 'receipt', data: loop }, /more than 32 levels deep/],
    ];
    const outcomes = wrong.map(async ([event, message], number) => {
      const neighbour = producer.send(receipt(number));
      await expect(producer.send(event as ProducerEvent)).rejects.toThrow(message);
      return neighbour;
    });
    await Promise.all(outcomes);
    expectAllOnceInOrder(await stored(server), wrong.length);
  });

  it('leaves out what is undefined and writes dates, in both formats', async () => {
    for (const format of ['json', 'msgpack'] as const) {
      const server = await start();
      const producer = await produce(server, { format });
      const at = new Date(1_290_000_000_000);
      await producer.send({
        type: 'receipt',
        ts: at,
        id: undefined as never,
        data: { a: [{ b: undefined, at }], c: null },
      });
      const [event] = await stored(server);
      expect(event).toEqual({
        type: 'receipt',
        ts: '2010-11-17T13:20:00.000Z',
        data: { a: [{ at: '2010-11-17T13:20:00.000Z' }], c: null },
        partition: expect.any(Number),
        batch: 1,
      });
    }
  });
});

describe('trouble on the way', () => {
  it('stores every event once, in order, through a server that is killed again and again', async () => {
    const server = await start({ syncInterval: 'always' });
    const producer = await produce(server, { batchEvents: 20, bufferBytes: 64 * 1024 });
    const seed = 20_101_201;
    const random = new Prng(seed);
    const sent = 20_000;
    let failed = 0;
    const deliveries: Promise<Delivery | undefined>[] = [];
    let done = false;
    const sending = (async () => {
      for (let number = 0; number < sent; number++) {
        await producer.room();
        deliveries.push(
          producer.send(receipt(number)).catch(() => {
            failed += 1;
            return undefined;
          }),
        );
      }
      await producer.flush();
      done = true;
    })();
    let kills = 0;
    while (!done && kills < 8) {
      await sleep(random.below(60));
      await server.restart();
      kills += 1;
    }
    await sending;
    expect({ failed, seed }).toEqual({ failed: 0, seed });
    expect(kills).toBeGreaterThan(2);
    const events = await stored(server);
    expectAllOnceInOrder(events, sent);
    const settled = await Promise.all(deliveries);
    for (const { id, partition, batch } of events) {
      expect(settled[Number(id?.slice(1))]).toMatchObject({ partition, seq: batch });
    }
  });

  it('stores an event once when the acknowledgement is lost, and says that it was', async () => {
    const server = await start();
    const proxy = await TcpProxy.start(server.port);
    opened.push({ close: () => proxy.stop() });
    const producer = await produce(proxy);
    for (let number = 0; number < 5; number++) {
      proxy.cutInsteadOf(/"stream":\s*"BECKON_LOG/);
      expect(await producer.send(receipt(number))).toMatchObject({ duplicate: true });
    }
    expect(proxy.answersLost).toBe(5);
    expectAllOnceInOrder(await stored(server), 5);
  });

  it('holds producers back while nothing can be stored, and goes on where it was', async () => {
    const server = await start();
    const producer = await produce(server, { bufferBytes: 20_000, batchEvents: 10 });
    await server.freeze();
    const taken: Promise<Delivery>[] = [];
    while (producer.bufferedBytes < 20_000) taken.push(producer.send(receipt(taken.length)));
    await expect(producer.send(receipt(99_999))).rejects.toThrow(/20\d\d\d bytes wait for being stored/);
    let hasRoom = false;
    const room = producer.room().then(() => {
      hasRoom = true;
    });
    // Longer than a request may take: everything is sent again.
    await sleep(6_000);
    expect(hasRoom).toBe(false);
    server.thaw();
    await room;
    await Promise.all(taken);
    expectAllOnceInOrder(await stored(server), taken.length);
  });

  it('gives up what it may not send again, and says that it does not know', async () => {
    const server = await start({}, { duplicateWindowMs: 1_000 });
    const heard: string[] = [];
    const proxy = await TcpProxy.start(server.port);
    opened.push({ close: () => proxy.stop() });
    const producer = await produce(proxy, { onStatus: ({ kind }) => heard.push(kind) });
    proxy.cutInsteadOf(/"stream":\s*"BECKON_LOG/);
    const lost = producer.send(receipt(0, 'a')).catch((error: unknown) => error);
    while (!heard.includes('disconnected')) await sleep(1);
    await server.kill();
    const error = await lost;
    expect(error).toBeInstanceOf(DeliveryError);
    expect(error).toMatchObject({ stored: 'unknown', message: 'perhaps not stored: the connection broke' });
    // What was never tried waits for the server instead.
    const next = producer.send(receipt(1, 'a'));
    await sleep(1_500);
    await server.restart();
    expect(await next).toMatchObject({ duplicate: false });
  });

  it('gives up after the time that was set, and says that nothing was stored', async () => {
    const server = await start();
    const heard: string[] = [];
    const producer = await produce(server, { giveUpMs: 300, onStatus: ({ kind }) => heard.push(kind) });
    await server.kill();
    while (!heard.includes('disconnected')) await sleep(1);
    await expect(producer.send(receipt(0))).rejects.toMatchObject({ stored: 'no', name: 'DeliveryError' });
    await server.restart();
    expect(await producer.send(receipt(1))).toMatchObject({ duplicate: false });
    expect((await stored(server)).map(({ id }) => id)).toEqual(['e1']);
  });

  it('says at once what only an operator can change', async () => {
    const server = await start();
    const connection = await connectNats({ servers: server.url, name: 'test' });
    const manager = await connection.jetstreamManager();
    const producer = await produce(server, { giveUpMs: 500 });
    const partition = partitionOf('a', PARTITIONS);
    await manager.streams.update(logStream(partition), { max_msg_size: 100 });
    await expect(producer.send({ type: 'receipt', customer: 'a', data: { note: 'x'.repeat(200) } })).rejects.toThrow(
      'not stored: message size exceeds maximum allowed',
    );
    await manager.streams.delete(logStream(partition));
    await expect(producer.send(receipt(0, 'a'))).rejects.toThrow(
      'not stored: no stream takes events of this partition',
    );
    await connection.close();
  });

  it('closes in time while no server answers', async () => {
    const server = await start();
    const producer = await produce(server);
    await server.freeze();
    const event = producer.send(receipt(0)).catch((error: unknown) => error);
    await sleep(50);
    await producer.close(100);
    expect(await event).toMatchObject({ name: 'DeliveryError', stored: 'unknown' });
  });
});
