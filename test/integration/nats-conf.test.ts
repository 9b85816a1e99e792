/**
 * deploy/nats.conf on a real server: every role can do what it must, and is refused what it must not; the mapping sends a customer where the engine looks for
 * them; nobody gets around his permissions by choosing where JetStream's answers go.
 */
import { resolve } from 'node:path';
import fc from 'fast-check';
import { AckPolicy, DeliverPolicy, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectNats } from '../../src/log/jetstream/connection.ts';
import { CLUSTER_INFO_SUBJECT, isSubjectToken } from '../../src/log/jetstream/names.ts';
import { identityOf } from '../../src/log/jetstream/stream-check.ts';
import { ensureStreams, noStreamOptions } from '../../src/log/jetstream/streams.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

type Role = 'node' | 'operator' | 'producer' | 'gateway';
const ROLES: readonly Role[] = ['node', 'operator', 'producer', 'gateway'];
const CONFIGURATION = resolve(import.meta.dirname, '../../deploy/nats.conf');

let server: NatsServer;
let as: Readonly<Record<Role, NatsConnection>>;

beforeAll(async () => {
  const environment = Object.fromEntries(
    ROLES.map((role) => [`BECKON_${role.toUpperCase()}_PASSWORD`, `secret-of-${role}`]),
  );
  server = await startNatsServer({ configFile: CONFIGURATION, environment });
  const connections = await Promise.all(ROLES.map(connect));
  as = Object.fromEntries(ROLES.map((role, i) => [role, connections[i]])) as unknown as typeof as;
  await ensureStreams(as.node, { ...noStreamOptions, partitions: 16 });
});
afterAll(async () => {
  for (const connection of Object.values(as ?? {})) await connection.close();
  await server?.stop();
});

function connect(role: Role): Promise<NatsConnection> {
  const servers = server.url.replace('//', `//${role}:secret-of-${role}@`);
  return connectNats({ servers, name: role, ownJetStream: role === 'node' || role === 'operator' });
}

/** What the server says to a request: `{…}` parsed, or the error's text. */
async function ask(role: Role, subject: string, payload: string = ''): Promise<Record<string, unknown>> {
  try {
    const { data } = await as[role].request(subject, payload, { timeout: 60_000 });
    return data.length === 0 ? {} : JSON.parse(new TextDecoder().decode(data));
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

async function lastSequence(stream: string): Promise<number> {
  const manager = await as.operator.jetstreamManager({ checkAPI: false });
  return (await manager.streams.info(stream)).state.last_seq;
}

const notPermitted = { refused: expect.stringMatching(/Permissions Violation/) };

describe('the node', () => {
  it.each([
    ['beckon.events.3', 'BECKON_LOG_3'],
    ['beckon.events.3.17850.receipt', 'BECKON_LOG_3'],
    ['beckon.control.3.tick', 'BECKON_LOG_3'],
    ['beckon.control.3.message', 'BECKON_LOG_3'],
    ['beckon.decisions.3.push.hearts', 'BECKON_DECISIONS_3'],
    ['beckon.deadletter.3', 'BECKON_DEADLETTERS'],
    ['beckon.workspaces', 'BECKON_WORKSPACES'],
  ])('writes to %s', async (subject, stream) => {
    expect(await ask('node', subject, '{}')).toMatchObject({ stream });
  });

  it('writes decisions fenced, and reads logs and decisions', async () => {
    const { seq } = await as.node
      .jetstream()
      .publish('beckon.decisions.5.push.x', '{}', { expect: { lastSequence: 0 } });
    await expect(
      as.node.jetstream().publish('beckon.decisions.5.push.x', '{}', { expect: { lastSequence: 0 } }),
    ).rejects.toThrow(/wrong last sequence/);
    const manager = await as.node.jetstreamManager();
    const stored = await as.node.request('$JS.API.DIRECT.GET.BECKON_DECISIONS_5', JSON.stringify({ seq }));
    expect(stored.headers?.get('Nats-Sequence')).toBe(String(seq));
    await as.node.jetstream().publish('beckon.events.6', '[]');
    const deliverTo = '_INBOX.node.log6';
    const messages = as.node.subscribe(deliverTo, { max: 1 });
    await manager.consumers.add('BECKON_LOG_6', {
      deliver_subject: deliverTo,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.All,
      flow_control: true,
      idle_heartbeat: 500_000_000,
    });
    for await (const message of messages) expect(message.subject).toBe('beckon.events.6');
  });

  it.each(['STREAM.DELETE', 'STREAM.PURGE', 'STREAM.MSG.DELETE', 'STREAM.UPDATE'])('may not %s', async (action) => {
    expect(await ask('node', `$JS.API.${action}.BECKON_LOG_3`, '{}')).toEqual(notPermitted);
  });
});

describe('the producer', () => {
  it('sends single events through the mapping, without knowing partitions', async () => {
    const partition = partitionOf('17850', 16);
    expect(await ask('producer', 'beckon.in.17850.receipt', '{"data":{}}')).toMatchObject({
      stream: `BECKON_LOG_${partition}`,
    });
    const seq = await lastSequence(`BECKON_LOG_${partition}`);
    const manager = await as.operator.jetstreamManager();
    const { subject, data } = await manager.streams.getMessage(`BECKON_LOG_${partition}`, { seq });
    expect([subject, new TextDecoder().decode(data)]).toEqual([
      `beckon.events.${partition}.17850.receipt`,
      '{"data":{}}',
    ]);
  });

  it('sends without waiting for an answer, as `nats pub` does', async () => {
    const before = await lastSequence('BECKON_LOG_9');
    as.producer.publish('beckon.events.9', '[]');
    await as.producer.flush();
    await expect.poll(() => lastSequence('BECKON_LOG_9')).toBe(before + 1);
  });

  it('sends batches, of which JetStream stores each once', async () => {
    const options = { msgID: 'batch-1' };
    const first = await as.producer.jetstream().publish('beckon.events.2', '[]', options);
    const again = await as.producer.jetstream().publish('beckon.events.2', '[]', options);
    expect(again).toMatchObject({ stream: 'BECKON_LOG_2', seq: first.seq, duplicate: true });
  });

  it('learns the number of partitions, and nothing else', async () => {
    const info = await ask('producer', CLUSTER_INFO_SUBJECT);
    expect(identityOf(info as unknown as Parameters<typeof identityOf>[0]).partitions).toBe(16);
  });

  it('awaits decisions of the node that answers', async () => {
    const requests = as.node.subscribe('beckon.decide.4', { max: 1 });
    await as.node.flush();
    const asked = ask('producer', 'beckon.decide.4', '{"type":"receipt"}');
    for await (const request of requests) {
      expect(request.reply).toMatch(/^_R_\./);
      // Another connection of the node's may be the one that answers.
      const other = await connect('node');
      other.publish(request.reply as string, '{"decisions":[]}');
      await other.flush();
      await other.close();
    }
    expect(await asked).toEqual({ decisions: [] });
  });

  it.each([
    'beckon.control.3.tick',
    'beckon.control.3.message',
    'beckon.control.3.workspace',
    'beckon.decisions.3.push.x',
    'beckon.deadletter.3',
    'beckon.workspaces',
    'beckon.events.3.a.b.c',
    'beckon.in.a.b.c',
    '$JS.API.INFO',
    '$JS.API.STREAM.INFO.BECKON_LOG_3',
    '$JS.API.DIRECT.GET.BECKON_LOG_3',
    '$JS.API.STREAM.DELETE.BECKON_LOG_3',
    '$JS.API.CONSUMER.CREATE.BECKON_LOG_3',
    'beckon.js.CONSUMER.MSG.NEXT.BECKON_DECISIONS_3.x',
  ])('may not publish to %s', async (subject) => {
    expect(await ask('producer', subject, '{}')).toEqual(notPermitted);
  });

  it.each([
    'beckon.>',
    'beckon.events.>',
    'beckon.decisions.>',
    'beckon.decide.*',
    '_INBOX.>',
    '_INBOX.node.>',
    '_R_.>',
    '>',
  ])('may not listen to %s', async (subject) => {
    await expect(listen('producer', subject)).rejects.toThrow(/Permissions Violation/);
  });
});

describe('the gateway', () => {
  it('hears decisions live', async () => {
    const heard = as.gateway.subscribe('beckon.decisions.*.push.>', { max: 1 });
    await as.gateway.flush();
    await as.node.jetstream().publish('beckon.decisions.7.sms.x', '{"no":1}');
    await as.node.jetstream().publish('beckon.decisions.7.push.x', '{"yes":1}');
    for await (const message of heard) {
      expect([message.subject, message.string()]).toEqual(['beckon.decisions.7.push.x', '{"yes":1}']);
    }
  });

  it('takes decisions from a durable consumer that an operator made, and acknowledges them', async () => {
    const manager = await as.operator.jetstreamManager();
    await manager.consumers.add('BECKON_DECISIONS_8', { durable_name: 'push', ack_policy: AckPolicy.Explicit });
    for (const k of [1, 2, 3]) await as.node.jetstream().publish('beckon.decisions.8.push.x', String(k));
    const js = as.gateway.jetstream({ apiPrefix: 'beckon.js' });
    const consumer = await js.consumers.get('BECKON_DECISIONS_8', 'push');
    const taken: string[] = [];
    for await (const message of await consumer.fetch({ max_messages: 3, expires: 5_000 })) {
      taken.push(message.string());
      message.ack();
    }
    expect(taken).toEqual(['1', '2', '3']);
    await expect.poll(async () => (await manager.consumers.info('BECKON_DECISIONS_8', 'push')).num_ack_pending).toBe(0);
  });

  it('reports what became of them, through the mapping too', async () => {
    const partition = partitionOf('17850', 16);
    for (const subject of ['beckon.events.1.17850.$feedback', 'beckon.in.17850.$feedback']) {
      expect(await ask('gateway', subject, '{}')).toHaveProperty('stream');
    }
    expect(await ask('gateway', 'beckon.in.17850.$feedback', '{}')).toMatchObject({
      stream: `BECKON_LOG_${partition}`,
    });
  });

  it('may not send other events through the mapping', async () => {
    const stream = `BECKON_LOG_${partitionOf('17850', 16)}`;
    const before = await lastSequence(stream);
    as.gateway.publish('beckon.in.17850.receipt', '{}');
    await as.gateway.flush();
    await as.node.jetstream().publish(`beckon.events.${partitionOf('17850', 16)}`, '[]');
    expect(await lastSequence(stream)).toBe(before + 1);
  });

  it.each([
    'beckon.events.3',
    'beckon.events.3.17850.receipt',
    'beckon.control.3.tick',
    'beckon.control.3.message',
    'beckon.decisions.3.push.x',
    'beckon.decide.3',
    'beckon.workspaces',
    'beckon.cluster.info',
    '$JS.API.INFO',
    '$JS.API.CONSUMER.MSG.NEXT.BECKON_LOG_3.x',
    '$JS.API.STREAM.INFO.BECKON_DECISIONS_3',
    '$JS.API.CONSUMER.CREATE.BECKON_DECISIONS_3',
  ])('may not publish to %s', async (subject) => {
    expect(await ask('gateway', subject, '{}')).toEqual(notPermitted);
  });

  it.each(['STREAM.INFO.BECKON_LOG_3', 'CONSUMER.MSG.NEXT.BECKON_LOG_3.x', 'CONSUMER.CREATE.BECKON_DECISIONS_3'])(
    'finds nobody to ask for %s',
    async (action) => {
      expect(await ask('gateway', `beckon.js.${action}`, '{}')).toEqual({ refused: '503' });
    },
  );

  it.each(['beckon.events.>', 'beckon.>', 'beckon.deadletter.>', '_INBOX.>', '_INBOX.producer.>', '>'])(
    'may not listen to %s',
    async (subject) => {
      await expect(listen('gateway', subject)).rejects.toThrow(/Permissions Violation/);
    },
  );
});

describe('the operator', () => {
  it('sees, listens and repairs', async () => {
    const manager = await as.operator.jetstreamManager();
    expect((await manager.streams.list().next()).length).toBe(34);
    await manager.streams.purge('BECKON_DEADLETTERS');
    const heard = as.operator.subscribe('beckon.events.>', { max: 1 });
    await as.operator.flush();
    as.producer.publish('beckon.in.17850.receipt', '{}');
    for await (const { subject } of heard) expect(subject).toMatch(/17850\.receipt$/);
  });

  it.each([
    'beckon.events.3',
    'beckon.control.3.tick',
    'beckon.control.3.message',
    'beckon.decisions.3.push.x',
    'beckon.workspaces',
  ])('may not publish to %s', async (subject) => {
    expect(await ask('operator', subject, '{}')).toEqual(notPermitted);
  });
});

describe('answers', () => {
  it.each([
    ['producer', 'beckon.events.3', 'beckon.control.2.workspace', 'BECKON_LOG_2', 'beckon.control.2.tick'],
    ['producer', 'beckon.events.3', 'beckon.control.2.message', 'BECKON_LOG_2', 'beckon.control.2.tick'],
    ['producer', 'beckon.events.3', 'beckon.decisions.3.push.x', 'BECKON_DECISIONS_3', 'beckon.decisions.3.push.y'],
    ['producer', 'beckon.cluster.info', 'beckon.workspaces', 'BECKON_WORKSPACES', 'beckon.workspaces'],
    [
      'gateway',
      'beckon.js.CONSUMER.INFO.BECKON_DECISIONS_8.push',
      'beckon.decisions.3.push.x',
      'BECKON_DECISIONS_3',
      'beckon.decisions.3.push.y',
    ],
    [
      'gateway',
      'beckon.js.CONSUMER.MSG.NEXT.BECKON_DECISIONS_8.push',
      'beckon.control.3.workspace',
      'BECKON_LOG_3',
      'beckon.control.3.tick',
    ],
  ] as const)('to a %s (asking %s) never land in %s', async (role, subject, reply, stream, own) => {
    const before = await lastSequence(stream);
    as[role].publish(subject, '{"batch":1,"no_wait":true}', { reply });
    await as[role].flush();
    // Answered by now: the node's next question goes the same way, and its own message takes the next place.
    await ask('node', '$JS.API.CONSUMER.INFO.BECKON_DECISIONS_8.push');
    await as.node.jetstream().publish('beckon.events.3', '[]');
    const expected = before + (stream === 'BECKON_LOG_3' ? 2 : 1);
    expect((await as.node.jetstream().publish(own, '{}')).seq).toBe(expected);
  });
});

describe('the mapping', () => {
  it('agrees with the engine on where a customer lives', async () => {
    const customer = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(isSubjectToken);
    await fc.assert(
      fc.asyncProperty(customer, async (id) => {
        const { stream } = await as.producer.jetstream().publish(`beckon.in.${id}.receipt`, '{}');
        expect(stream).toBe(`BECKON_LOG_${partitionOf(id, 16)}`);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the server', () => {
  it('comes back after kill -9 with everything that it acknowledged', async () => {
    const { stream, seq } = await as.producer.jetstream().publish('beckon.in.17850.receipt', '{}', { msgID: 'before' });
    await server.restart();
    const again = await connect('producer');
    expect(await again.jetstream().publish('beckon.in.17850.receipt', '{}', { msgID: 'before' })).toEqual({
      stream,
      seq,
      duplicate: true,
    });
    await again.close();
  });

  it('does not start without a password for every role', async () => {
    const environment = { BECKON_NODE_PASSWORD: 'x', BECKON_PRODUCER_PASSWORD: 'x', BECKON_GATEWAY_PASSWORD: 'x' };
    await expect(startNatsServer({ configFile: CONFIGURATION, environment })).rejects.toThrow(
      /BECKON_OPERATOR_PASSWORD/,
    );
  });
});

/** Rejects if the server refuses the subscription. */
async function listen(role: Role, subject: string): Promise<void> {
  const subscription = as[role].subscribe(subject);
  const ended = subscription.closed;
  await as[role].flush();
  subscription.unsubscribe();
  await ended;
  for await (const _ of subscription) throw new Error('nothing was published');
}
