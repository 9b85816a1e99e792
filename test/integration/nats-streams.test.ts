/** Creating and checking the streams on a real server: once, twice, by several nodes at once, and over streams that are not what they must be. */
import type { JetStreamManager, NatsConnection } from 'nats';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectNats } from '../../src/log/jetstream/connection.ts';
import { STREAM_FORMAT } from '../../src/log/jetstream/stream-plan.ts';
import { ensureStreams, noStreamOptions, streamIdentity } from '../../src/log/jetstream/streams.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

let server: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;

beforeAll(async () => {
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url, name: 'test' });
  manager = await connection.jetstreamManager();
});
afterAll(async () => {
  await connection?.close();
  await server?.stop();
});
beforeEach(async () => {
  for (const { config } of await manager.streams.list().next()) await manager.streams.delete(config.name);
});

const DAY_MS = 86_400_000;

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const { config } of manager.streams.list()) found.push(config.name);
  return found.sort();
}

describe('ensureStreams', () => {
  it('creates one log and one decision stream per partition, explicit in everything', async () => {
    const identity = await ensureStreams(connection, {
      ...noStreamOptions,
      logMaxAgeMs: 3 * DAY_MS,
      decisionMaxBytes: 1 << 30,
      duplicateWindowMs: 60_000,
    });
    expect(identity.partitions).toBe(16);
    expect(await names()).toEqual(
      [
        'BECKON_DEADLETTERS',
        'BECKON_WORKSPACES',
        ...Array.from({ length: 16 }, (_, p) => [`BECKON_LOG_${p}`, `BECKON_DECISIONS_${p}`]).flat(),
      ].sort(),
    );
    const { config } = await manager.streams.info('BECKON_LOG_7');
    expect(config).toMatchObject({
      subjects: ['beckon.events.7', 'beckon.events.7.>', 'beckon.control.7.>'],
      storage: 'file',
      retention: 'limits',
      discard: 'old',
      num_replicas: 1,
      max_age: 3 * DAY_MS * 1e6,
      max_bytes: -1,
      max_msgs: -1,
      duplicate_window: 60_000 * 1e6,
      deny_delete: true,
      deny_purge: true,
      allow_direct: true,
    });
    expect((await manager.streams.info('BECKON_DECISIONS_7')).config).toMatchObject({
      subjects: ['beckon.decisions.7.>'],
      max_age: 30 * DAY_MS * 1e6,
      max_bytes: 1 << 30,
    });
    // Published events end up in the stream of their partition, and nowhere else.
    const stream = connection.jetstream();
    expect((await stream.publish('beckon.events.1', '[]')).stream).toBe('BECKON_LOG_1');
    expect((await stream.publish('beckon.events.11.17850.receipt', '{}')).stream).toBe('BECKON_LOG_11');
    expect((await stream.publish('beckon.control.11.tick', '')).seq).toBe(2);
  });

  it('changes nothing the second time, and tells the same identity to everybody', async () => {
    const first = await ensureStreams(connection, { ...noStreamOptions, partitions: 3 });
    await connection.jetstream().publish('beckon.events.1', '[]');
    const before = await Promise.all((await names()).map(async (name) => (await manager.streams.info(name)).config));
    expect(await ensureStreams(connection, noStreamOptions)).toEqual(first);
    expect(await ensureStreams(connection, { ...noStreamOptions, partitions: 3 })).toEqual(first);
    expect(await streamIdentity(connection)).toEqual(first);
    const after = await Promise.all((await names()).map(async (name) => (await manager.streams.info(name)).config));
    expect(after).toEqual(before);
    expect((await manager.streams.info('BECKON_LOG_1')).state.messages).toBe(1);
  });

  it('lets any number of nodes do it at once', async () => {
    const nodes = await Promise.all(
      Array.from({ length: 6 }, (_, i) => connectNats({ servers: server.url, name: `node ${i}` })),
    );
    const identities = await Promise.all(nodes.map((node) => ensureStreams(node, noStreamOptions)));
    expect(new Set(identities.map(({ id }) => id)).size).toBe(1);
    expect(await names()).toHaveLength(34);
    await Promise.all(nodes.map((node) => node.close()));
  });

  it('finishes what a node that died in the middle began', async () => {
    const { id } = await ensureStreams(connection, { ...noStreamOptions, partitions: 4 });
    const { config } = await manager.streams.info('BECKON_WORKSPACES');
    const { 'beckon.complete': _, ...metadata } = config.metadata as Record<string, string>;
    await manager.streams.update('BECKON_WORKSPACES', { metadata });
    await manager.streams.delete('BECKON_LOG_2');
    expect((await ensureStreams(connection, noStreamOptions)).id).toBe(id);
    expect(await names()).toContain('BECKON_LOG_2');
  });

  it('gives another cluster another identity', async () => {
    const { id } = await ensureStreams(connection, { ...noStreamOptions, partitions: 1 });
    for (const name of await names()) await manager.streams.delete(name);
    await expect(streamIdentity(connection)).rejects.toThrow(/BECKON_WORKSPACES: it does not exist/);
    expect((await ensureStreams(connection, { ...noStreamOptions, partitions: 1 })).id).not.toBe(id);
  });
});

describe('streams that are not what they must be', () => {
  beforeEach(() => ensureStreams(connection, { ...noStreamOptions, partitions: 2 }));

  it('refuses another number of partitions', async () => {
    await expect(ensureStreams(connection, { ...noStreamOptions, partitions: 16 })).rejects.toThrow(
      /created with 2 partitions, 16 are asked for now; leave --partitions out/,
    );
    expect(await names()).toHaveLength(6);
  });

  it('does not put a new stream in the place of one that was lost', async () => {
    await manager.streams.delete('BECKON_DECISIONS_1');
    await expect(ensureStreams(connection, noStreamOptions)).rejects.toThrow(
      /BECKON_DECISIONS_1: it existed and is missing now; restore it from a backup/,
    );
  });

  it.each([
    ['subjects', { subjects: ['beckon.events.1'] }, /BECKON_LOG_1: its subjects is .*is needed/],
    ['max_msgs', { max_msgs: 10 }, /BECKON_LOG_1: its max_msgs is 10, -1 is needed/],
    ['discard', { discard: 'new' }, /BECKON_LOG_1: its discard is new, old is needed/],
    ['allow_direct', { allow_direct: false }, /BECKON_LOG_1: its allow_direct is false, true is needed/],
    ['no_ack', { no_ack: true }, /BECKON_LOG_1: its no_ack is true, nothing is needed/],
    ['metadata', { metadata: { 'beckon.format': String(STREAM_FORMAT) } }, /BECKON_LOG_1: its beckon.id is nothing/],
  ])('refuses changed %s, and says which', async (_field, change, message) => {
    await manager.streams.update('BECKON_LOG_1', change as object);
    await expect(ensureStreams(connection, noStreamOptions)).rejects.toThrow(message);
  });

  it('goes on with limits that differ, unless a flag says otherwise', async () => {
    await manager.streams.update('BECKON_LOG_1', { max_age: 9 * DAY_MS * 1e6, max_bytes: 1 << 30 });
    await ensureStreams(connection, noStreamOptions);
    await expect(ensureStreams(connection, { ...noStreamOptions, logMaxAgeMs: 7 * DAY_MS })).rejects.toThrow(
      /BECKON_LOG_1: its max_age is 777600 s, 604800 s is needed; leave the flag out .* nats stream edit BECKON_LOG_1/,
    );
    await expect(ensureStreams(connection, { ...noStreamOptions, decisionMaxBytes: 1 << 20 })).rejects.toThrow(
      /BECKON_DECISIONS_\d: its max_bytes is -1, 1048576 is needed/,
    );
  });

  it("refuses somebody else's stream of that name, and another layout", async () => {
    await manager.streams.update('BECKON_WORKSPACES', { metadata: { 'beckon.format': '1' } });
    await expect(ensureStreams(connection, noStreamOptions)).rejects.toThrow(
      /it has format 1, this program reads format 3/,
    );
    await manager.streams.update('BECKON_WORKSPACES', { metadata: {} });
    await expect(streamIdentity(connection)).rejects.toThrow(/it was not created by Beckon/);
  });

  it('says which stream could not be created, and why', async () => {
    for (const name of await names()) await manager.streams.delete(name);
    await manager.streams.add({ name: 'OTHER', subjects: ['beckon.events.1.>'] });
    await expect(ensureStreams(connection, { ...noStreamOptions, partitions: 2 })).rejects.toThrow(
      /BECKON_LOG_1: it cannot be created: subjects overlap/,
    );
    await manager.streams.delete('OTHER');
    for (const name of await names()) await manager.streams.delete(name);
    await expect(ensureStreams(connection, { ...noStreamOptions, replicas: 3 })).rejects.toThrow(
      /BECKON_WORKSPACES: it cannot be created: replicas > 1 not supported/,
    );
  });

  it.each([
    [{ partitions: 0 }, /1 to 256 partitions are possible, not 0/],
    [{ partitions: 257 }, /not 257/],
    [{ replicas: 9 }, /1 to 5 replicas/],
    [{ logMaxAgeMs: 0 }, /logMaxAgeMs is 0/],
    [{ decisionMaxBytes: -2 }, /decisionMaxBytes is -2/],
  ])('refuses %j', async (wrong, message) => {
    await expect(ensureStreams(connection, { ...noStreamOptions, ...wrong })).rejects.toThrow(message);
  });
});
