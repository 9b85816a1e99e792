/** The decision streams from JetStream: live, stored, across servers that are killed and nodes that come and go. */
import type { NatsConnection } from 'nats';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectNats } from '../../src/log/jetstream/connection.ts';
import { JetStreamDecisionSource } from '../../src/log/jetstream/decision-source.ts';
import { decisionStream } from '../../src/log/jetstream/names.ts';
import { CursorCodec } from '../../src/protocol/cursor.ts';
import type { EncodedDecision } from '../../src/protocol/decision.ts';
import { Prng } from '../../src/stdx/prng.ts';
import { DecisionStreams } from '../support/decision-streams.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { StreamClient, StreamNode, until } from '../support/stream-node.ts';

const PARTITIONS = 3;
let server: NatsServer;
let streams: DecisionStreams;
let closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  server = await startNatsServer();
  streams = await DecisionStreams.create(server.url, PARTITIONS);
});

afterEach(async () => {
  for (const close of closing) await close();
  closing = [];
  await streams.close();
  await server.stop();
});

interface Opened {
  readonly source: JetStreamDecisionSource;
  readonly connection: NatsConnection;
  readonly announced: string[];
  readonly halted: Error[];
}

async function open(): Promise<Opened> {
  const connection = await connectNats({ servers: server.url, name: 'node under test' });
  const halted: Error[] = [];
  const source = await JetStreamDecisionSource.open(connection, PARTITIONS, streams.identity, {
    halted: (_partition, error) => halted.push(error),
    log: () => {},
  });
  const announced: string[] = [];
  source.subscribe((partition, decisions) => announced.push(...idsOf(partition, decisions)));
  closing.push(async () => {
    source.close();
    await connection.close();
  });
  return { source, connection, announced, halted };
}

async function node(tailBytesMax?: number): Promise<StreamNode> {
  const started = await StreamNode.start(server.url, PARTITIONS, streams.identity, tailBytesMax);
  closing.push(() => started.stop());
  return started;
}

/** The payload is the decision that the number says. */
function idsOf(partition: number, decisions: readonly EncodedDecision[]): string[] {
  return decisions.map(({ number, json }) => {
    expect(JSON.parse(Buffer.from(json).toString()).id).toBe(`${partition}-${number}`);
    return `${partition}-${number}`;
  });
}

function ofPartition(ids: readonly string[], partition: number): string[] {
  return ids.filter((id) => id.startsWith(`${partition}-`));
}

/** Every decision of every partition once, in order. */
function expectWhole(ids: readonly string[]): void {
  for (let p = 0; p < PARTITIONS; p++) expect(ofPartition(ids, p)).toEqual(ofPartition(streams.ids, p));
}

/** What a person may do in an emergency, and retention does by itself. */
async function keepOnly(partition: number, count: number): Promise<void> {
  const manager = await streams.connection.jetstreamManager({ checkAPI: false });
  await manager.streams.update(decisionStream(partition), { max_msgs: count });
}

describe('JetStreamDecisionSource', () => {
  test('announces what comes, in order, and reads what was', async () => {
    await streams.publishMany(1, 10);
    const { source, announced } = await open();
    expect(source.identity).toBe(streams.identity);
    expect(source.positions()).toEqual({ first: [1, 1, 1], next: [1, 11, 1] });
    const ids = [];
    for (let i = 0; i < 30; i++) ids.push(await streams.publish(i % PARTITIONS, { channel: 'sms', campaign: 'a-b_C' }));
    await until(() => announced.length === 30);
    for (let p = 0; p < PARTITIONS; p++) expect(ofPartition(announced, p)).toEqual(ofPartition(ids, p));
    expect(source.positions().next).toEqual([11, 21, 11]);
    const read = await source.read(1, 8, 1 << 20);
    expect(idsOf(1, read)).toEqual(Array.from({ length: 13 }, (_, i) => `1-${i + 8}`));
    expect([read[2], read[3]].map((decision) => [decision?.channel, decision?.campaign])).toEqual([
      ['push', 'hearts'],
      ['sms', 'a-b_C'],
    ]);
    expect(await source.read(1, 21, 1000)).toEqual([]);
  });

  test('reads within the bytes asked for, whatever the decisions are like; at least one', async () => {
    await streams.publishMany(0, 500, { padding: 200 });
    await streams.publishMany(0, 20, { padding: 50_000 });
    await streams.publishMany(0, 500, { padding: 10 });
    const { source } = await open();
    const seen: string[] = [];
    const seed = Math.floor(Math.random() * 2 ** 32);
    const prng = new Prng(seed);
    while (seen.length < 1020) {
      const bytesMax = prng.pick([1, 4096, 65_536]);
      const read = await source.read(0, seen.length + 1, bytesMax);
      expect(read.length, `seed ${seed}`).toBeGreaterThan(0);
      // It stops at the guess that reaches the bound, which a change of size makes wrong.
      const beforeLast = read.slice(0, -128).reduce((sum, { json }) => sum + json.length, 0);
      expect(beforeLast, `seed ${seed}`).toBeLessThan(bytesMax);
      seen.push(...idsOf(0, read));
    }
    expect(seen).toEqual(streams.ids);
    const range = await source.readRange(0, 499, 3);
    expect(range.map((json) => JSON.parse(Buffer.from(json).toString()).id)).toEqual(['0-499', '0-500', '0-501']);
  });

  test('nothing is lost or repeated when nats-server is killed, again and again', async () => {
    const { source, announced, halted } = await open();
    let publishing = true;
    const published = (async () => {
      for (let i = 0; publishing; i++) await streams.publish(i % PARTITIONS);
    })();
    for (let i = 0; i < 4; i++) {
      const enough = announced.length + 40;
      await until(() => announced.length >= enough);
      await server.kill();
      await new Promise((next) => setTimeout(next, i * 60));
      await server.restart();
    }
    const enough = announced.length + 40;
    await until(() => announced.length >= enough);
    publishing = false;
    await published;
    await until(() => announced.length >= streams.ids.length);
    expectWhole(announced);
    expect(halted).toEqual([]);
    // A reading that begins while the server is away waits for it.
    await server.kill();
    const reading = source.read(2, 1, 1000);
    await server.restart();
    expect((await reading)[0]?.number).toBe(1);
  });

  test('nothing is lost or repeated when nats-server stands still', async () => {
    const { announced } = await open();
    server.freeze();
    const publishing = Promise.all([0, 1, 2].map((partition) => streams.publish(partition)));
    // Long enough for missed heartbeats to end the consumers.
    await new Promise((next) => setTimeout(next, 2500));
    server.thaw();
    await publishing;
    await until(() => announced.length === streams.ids.length);
    expectWhole(announced);
  });

  test('what retention removes is first told by positions, then by an empty reading', async () => {
    await streams.publishMany(0, 100);
    const { source } = await open();
    await keepOnly(0, 10);
    expect(source.positions().first[0]).toBe(1);
    expect(await source.read(0, 50, 1000)).toEqual([]);
    expect(source.positions().first[0]).toBe(91);
    expect(idsOf(0, await source.read(0, 91, 100_000))).toHaveLength(10);
    expect(await source.readRange(0, 89, 3)).toHaveLength(1);
  });

  test('goes on behind decisions that were removed before they could be announced', async () => {
    const { source, announced, halted } = await open();
    await keepOnly(0, 1);
    // The stream forgets faster than anybody can read it.
    do {
      await streams.publishMany(0, 1000);
      await until(() => source.positions().next[0] === (streams.last[0] as number) + 1);
    } while (announced.length === streams.last[0]);
    const numbers = announced.map((id) => Number(id.slice(2)));
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(numbers.at(-1)).toBe(streams.last[0]);
    expect(source.positions().first[0]).toBeGreaterThan(1);
    expect(halted).toEqual([]);
  });

  test('a stream that is made anew is not followed: cursors do not belong to it', async () => {
    const { source, connection, halted } = await open();
    await streams.publish(1);
    await until(() => source.positions().next[1] === 2);
    const manager = await streams.connection.jetstreamManager({ checkAPI: false });
    const { config } = await manager.streams.info(decisionStream(1));
    await manager.streams.delete(decisionStream(1));
    await manager.streams.add(config);
    await connection.reconnect();
    await until(() => halted.length > 0);
    expect(halted[0]?.message).toMatch(/^BECKON_DECISIONS_1 was deleted and made anew at 2/);
    await expect(source.read(1, 1, 1000)).rejects.toThrow('was deleted and made anew');
    await streams.publish(0);
    await until(() => source.positions().next[0] === 2);
  });

  test('does not open over streams that are not there', async () => {
    const manager = await streams.connection.jetstreamManager({ checkAPI: false });
    await manager.streams.delete(decisionStream(2));
    await expect(open()).rejects.toThrow('stream not found');
  });
});

describe('a client of several nodes', () => {
  test('killed and reconnected in a loop, hopping from node to node, sees every decision once, in order', async () => {
    // So small a tail that most of what it missed is read from the streams.
    const nodes = [await node(4096), await node(4096)];
    let publishing = true;
    const published = (async () => {
      for (let i = 0; publishing; i++) await streams.publish(i % PARTITIONS);
    })();
    const seen: string[] = [];
    let cursor = 'earliest';
    for (let hop = 0; hop < 40; hop++) {
      const protocols = hop % 3 === 0 ? ['beckon.msgpack'] : [];
      const client = await StreamClient.open(nodes[hop % 2] as StreamNode, `?from=${cursor}`, protocols);
      if (hop === 20) {
        await server.kill();
        await server.restart();
      }
      await client.got(1 + (hop % 7) * 3);
      // What came until now counts, what was under way does not.
      client.socket.removeAllListeners('message');
      cursor = client.cursor;
      seen.push(...client.ids);
      await client.leave();
    }
    publishing = false;
    await published;
    const last = await StreamClient.open(nodes[0] as StreamNode, `?from=${cursor}`);
    await last.got(streams.ids.length - seen.length);
    expectWhole([...seen, ...last.ids]);
    await last.leave();
    expect(nodes.flatMap(({ logged }) => logged)).toEqual([]);
  });

  test('may be ahead of a node that has not heard yet, but not of the streams', async () => {
    const behind = await node();
    await streams.publish(0);
    await until(() => behind.source.positions().next[0] === 2);
    server.freeze();
    const codec = new CursorCodec(streams.identity, PARTITIONS);
    const early = await StreamClient.open(behind, `?from=${codec.encode([3, 1, 1])}`);
    const forged = await StreamClient.open(behind, `?from=${codec.encode([1, 1, 50])}`);
    server.thaw();
    // As yet nobody has made decision 0-2.
    expect(await early.closed).toEqual({ code: 4400, reason: 'The request cannot be understood' });
    expect((await forged.closed).code).toBe(4400);
    expect(forged.problem).toMatchObject({ status: 400, type: 'urn:beckon:problem:cursor-ahead' });
    expect(forged.problem?.detail).toMatch(
      /^the cursor is ahead of the stream: partition 2 has not made decision 49 yet/,
    );
    await streams.publishMany(0, 3);
    const fine = await StreamClient.open(behind, `?from=${codec.encode([4, 1, 1])}`);
    expect(await fine.got(1)).toEqual(['0-4']);
    await fine.leave();
  });

  test('with a cursor that is too old is told so, before the upgrade or when it shows', async () => {
    const serving = await node(1);
    await streams.publishMany(0, 50);
    const start = await StreamClient.open(serving, '?from=earliest');
    const { cursor } = (await start.got(50).then(() => start.frames[9])) as { cursor: string };
    await start.leave();
    await keepOnly(0, 5);
    const unaware = await StreamClient.open(serving, `?from=${cursor}`);
    expect(await unaware.closed).toEqual({
      code: 4410,
      reason: 'decision 0-11 is no longer kept, the oldest is 46: connect with from=earliest',
    });
    const error = await StreamClient.open(serving, `?from=${cursor}`).catch((reason) => reason);
    expect(error.problem).toMatchObject({ status: 410, type: 'urn:beckon:problem:cursor-too-old' });
    const rest = await StreamClient.open(serving, `?from=${error.problem.oldest}`);
    expect(await rest.got(5)).toEqual(['0-46', '0-47', '0-48', '0-49', '0-50']);
    await rest.leave();
  });
});
