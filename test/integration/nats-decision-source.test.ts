/** The decision streams from JetStream: live, stored, across servers that are killed and nodes that come and go. */
import type { NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectNats } from '../../src/log/jetstream/connection.ts';
import { JetStreamDecisionSource } from '../../src/log/jetstream/decision-source.ts';
import { decisionStream } from '../../src/log/jetstream/names.ts';
import { DecisionStreams } from '../support/decision-streams.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

const PARTITIONS = 3;
const server = await startNatsServer();
let streams: DecisionStreams;
const closing: (() => Promise<void> | void)[] = [];

interface Opened {
  readonly source: JetStreamDecisionSource;
  readonly connection: NatsConnection;
  readonly announced: string[];
  readonly halted: Error[];
}

async function open(partitions = PARTITIONS): Promise<Opened> {
  const connection = await connectNats({ servers: server.url, name: 'node under test' });
  const halted: Error[] = [];
  const source = await JetStreamDecisionSource.open(connection, partitions, streams.identity, {
    halted: (_partition, error) => halted.push(error),
    log: () => {},
  });
  const announced: string[] = [];
  source.subscribe((partition, decisions) => {
    for (const { number, json } of decisions) {
      expect(JSON.parse(Buffer.from(json).toString()).id).toBe(`${partition}-${number}`);
      announced.push(`${partition}-${number}`);
    }
  });
  closing.push(async () => {
    source.close();
    await connection.close();
  });
  return { source, connection, announced, halted };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((next) => setTimeout(next, 5));
}

function ofPartition(ids: readonly string[], partition: number): string[] {
  return ids.filter((id) => id.startsWith(`${partition}-`));
}

beforeAll(async () => {
  streams = await DecisionStreams.create(server.url, PARTITIONS);
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(async () => {
  await streams.close();
  await server.stop();
});

describe('JetStreamDecisionSource', () => {
  test('announces what comes, in order, and reads what was', async () => {
    const { source, announced } = await open();
    expect(source.identity).toBe(streams.identity);
    const before = source.positions();
    const ids = [];
    for (let i = 0; i < 30; i++) ids.push(await streams.publish(i % PARTITIONS, { channel: 'sms', campaign: 'a-b_C' }));
    await until(() => announced.length >= 30);
    for (let p = 0; p < PARTITIONS; p++) expect(ofPartition(announced, p)).toEqual(ofPartition(ids, p));
    expect(source.positions().next).toEqual(before.next.map((next) => next + 10));
    const read = await source.read(1, 3, 1 << 20);
    expect(read.map(({ number, channel, campaign }) => [number, channel, campaign])).toEqual(
      Array.from({ length: 8 }, (_, i) => [i + 3, 'sms', 'a-b_C']),
    );
    expect(await source.read(1, source.positions().next[1] as number, 1000)).toEqual([]);
  });
});
