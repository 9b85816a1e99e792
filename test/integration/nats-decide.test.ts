/** `decide` over a real nats-server where something is in the way: whoever waits is told that the event is to be sent again, and never a wrong answer. */
import { connect, type JetStreamManager, type NatsConnection, StringCodec } from 'nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requestDecisions } from '../../src/log/jetstream/decide-client.ts';
import { DecideRequests } from '../../src/log/jetstream/decide-requests.ts';
import { LogWriter } from '../../src/log/jetstream/log-writer.ts';
import { decisionStream, logStream } from '../../src/log/jetstream/names.ts';
import { StoredDecisions } from '../../src/log/jetstream/stored-decisions.ts';
import { encodeDecideAnswer } from '../../src/protocol/decide-answer.ts';
import { createDecisions } from '../support/jetstream-fixture.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { DEMO_WORKSPACE, PARTITIONS, RetailNodes } from '../support/retail-nodes.ts';

const codec = StringCodec();
const event = codec.encode('{"id":"r1","type":"receipt"}');
const nodes = new RetailNodes();
let server: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;

beforeEach(async () => {
  server = await startNatsServer();
  connection = await connect({ servers: server.url });
  manager = await connection.jetstreamManager();
});
afterEach(async () => {
  await nodes.close();
  await connection.close();
  await server.stop();
});

describe('asking for decisions', () => {
  it('fails as unavailable where no node listens, and where the answer is none', async () => {
    await expect(requestDecisions(connection, 3, event)).rejects.toMatchObject({
      fault: 'unavailable',
      message: expect.stringContaining('no node answers'),
    });
    connection.subscribe('beckon.decide.3', { callback: (_, message) => void message.respond(codec.encode('?')) });
    await expect(requestDecisions(connection, 3, event)).rejects.toMatchObject({
      fault: 'unavailable',
      message: expect.stringContaining('cannot be read'),
    });
  });

  it('fails as too_large, or as closed, before anything is sent', async () => {
    const large = new Uint8Array((connection.info?.max_payload ?? 0) + 1);
    await expect(requestDecisions(connection, 3, large)).rejects.toMatchObject({ fault: 'too_large' });
    const other = await connect({ servers: server.url });
    await other.close();
    await expect(requestDecisions(other, 3, event)).rejects.toMatchObject({ fault: 'closed' });
  });
});

describe('answering', () => {
  it('says so where the log does not take the event', async () => {
    const own = await connect({ servers: server.url });
    const writer = new LogWriter(own);
    const requests = new DecideRequests(own, writer);
    requests.listen(3);
    await own.flush();
    writer.close();
    await expect(requestDecisions(connection, 3, event)).rejects.toMatchObject({
      name: 'IngestError',
      fault: 'closed',
    });
    requests.close();
    await own.close();
  });

  it('says so where the answer is too large, and does not throw where the connection is gone', async () => {
    const own = await connect({ servers: server.url });
    const writer = new LogWriter(own);
    const requests = new DecideRequests(own, writer);
    const decisions = [codec.encode(`"${'x'.repeat(own.info?.max_payload ?? 0)}"`)];
    const answer = encodeDecideAnswer('r1', { rejection: null, repeated: false, decisions, waiting: [] });
    own.subscribe('beckon.decide.3', { callback: (_, { reply }) => requests.answer(reply as string, answer) });
    await own.flush();
    await expect(requestDecisions(connection, 3, event)).rejects.toMatchObject({
      fault: 'too_large',
      message: expect.stringContaining('raise max_payload'),
    });
    writer.close();
    const draining = own.drain();
    requests.answer('_INBOX.nobody', event);
    await draining;
    requests.answer('_INBOX.nobody', event);
  });
});

describe('stored decisions', () => {
  it('leaves out what is no longer kept, and nothing else', async () => {
    await createDecisions(manager, 3, 60_000);
    for (const number of [1, 2, 3]) await connection.jetstream().publish('beckon.decisions.3.pos.a', `{"n":${number}}`);
    await manager.streams.purge(decisionStream(3), { seq: 2 });
    const stored = await StoredDecisions.open(connection);
    expect((await stored.read(3, 1, 3)).map((json) => codec.decode(json))).toEqual(['{"n":2}', '{"n":3}']);
    await expect(stored.read(4, 1, 1)).rejects.toMatchObject({ name: 'IngestError', fault: 'unavailable' });
  });
});

describe('a node whose log refuses records', () => {
  it('answers 503 to events and to decide, and takes the same events afterwards', async () => {
    const node = await nodes.start(nodes.newDataFolder(), '--workspace', DEMO_WORKSPACE, '--nats', server.url);
    const body = '{"id":"r1","type":"receipt","ts":"2010-12-10T12:00:00Z","data":{"total":600}}';
    const limitAll = async (max_bytes: number): Promise<void> => {
      for (let p = 0; p < PARTITIONS; p++)
        await manager.streams.update(logStream(p), { max_bytes, discard: 'new' as never });
    };
    await limitAll(1);
    for (const path of ['/v1/events', '/v1/decide']) {
      const refused = await fetch(`${node.url}${path}`, { method: 'POST', body });
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await refused.json()).toMatchObject({
        type: 'urn:beckon:problem:unavailable',
        detail: expect.stringMatching(/refused a record.*sending the same again is safe/),
      });
    }
    await limitAll(-1);
    const decided = await fetch(`${node.url}/v1/decide`, { method: 'POST', body });
    expect(decided.status).toBe(200);
    const first = (await decided.json()) as { decisions: object[] };
    expect(first.decisions).not.toEqual([]);
    const again = await fetch(`${node.url}/v1/decide`, { method: 'POST', body });
    expect(await again.json()).toEqual({ ...first, repeated: true });
  });
});
