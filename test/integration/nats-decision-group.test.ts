/** Durable groups over real streams, on two nodes: who gets what, who acknowledges what, and what becomes of the rest. */
import { pack } from 'msgpackr';
import type { JetStreamManager } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { GROUP_MEMBER_HELD_MAX } from '../../src/constants.ts';
import { groupConsumer } from '../../src/log/jetstream/decision-group-definition.ts';
import { decisionStream } from '../../src/log/jetstream/names.ts';
import { DecisionStreams } from '../support/decision-streams.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { StreamClient, type StreamFrame, StreamNode, until } from '../support/stream-node.ts';

const PARTITIONS = 3;
const server = await startNatsServer();
let streams: DecisionStreams;
let manager: JetStreamManager;
/** Members connect to either. */
let nodes: [StreamNode, StreamNode];
let members: StreamClient[] = [];

beforeAll(async () => {
  streams = await DecisionStreams.create(server.url, PARTITIONS);
  manager = await streams.connection.jetstreamManager({ checkAPI: false, timeout: 1000 });
  const start = (): Promise<StreamNode> => StreamNode.start(server.url, PARTITIONS, streams.identity);
  nodes = [await start(), await start()];
});

afterEach(async () => {
  for (const member of members) await member.leave();
  members = [];
  await until(() => nodes.every((node) => node.gateway.stats().subscribers === 0));
  expect(nodes.flatMap((node) => node.logged)).toEqual([]);
});

afterAll(async () => {
  for (const node of nodes) await node.stop();
  await streams.close();
  await server.stop();
});

async function join(node: number, query: string, protocols: string[] = []): Promise<StreamClient> {
  const member = await StreamClient.open(nodes[node] as StreamNode, query, protocols);
  members.push(member);
  return member;
}

interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly detail: string;
}

/** What is wrong with the request by itself: said before the upgrade. */
async function refusal(query: string): Promise<Refusal> {
  try {
    await join(0, query);
  } catch (error) {
    return (error as { problem: Refusal }).problem;
  }
  throw new Error(`${query} was accepted`);
}

/** What only the streams can tell: said over the socket, which is closed with 4000 and the status. */
async function refusedGroup(query: string, protocols: string[] = []): Promise<Refusal> {
  const member = await join(0, query, protocols);
  const { code } = await member.closed;
  expect(code).toBe(4000 + (member.problem?.status ?? 0));
  return member.problem as Refusal;
}

function acknowledgeAll(member: StreamClient): void {
  member.onFrame = (frame: StreamFrame) => member.acknowledge(frame.cursor);
  for (const frame of member.frames) member.acknowledge(frame.cursor);
}

/** Of all partitions: given out and not acknowledged, and not given out yet. */
async function standing(group: string): Promise<{ held: number; waiting: number }> {
  const infos = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, p) => manager.consumers.info(decisionStream(p), groupConsumer(group))),
  );
  const sum = (of: 'num_ack_pending' | 'num_pending'): number => infos.reduce((total, info) => total + info[of], 0);
  return { held: sum('num_ack_pending'), waiting: sum('num_pending') };
}

/** The server counts a decision as waiting a moment after it stored it: wait for what is expected first. */
async function done(group: string): Promise<void> {
  for (;;) {
    // While the server is away there is no answer.
    const { held, waiting } = await standing(group).catch(() => ({ held: -1, waiting: -1 }));
    if (held === 0 && waiting === 0) return;
    await new Promise((next) => setTimeout(next, 20));
  }
}

/** The first member makes the group once its socket is open. */
async function made(group: string): Promise<void> {
  while ((await standing(group).catch(() => null)) === null) await new Promise((next) => setTimeout(next, 5));
}

async function publish(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push(await streams.publish(i % PARTITIONS));
  return ids;
}

describe('a group', () => {
  test('gives each decision to one member, on either node, in order per partition; in JSON and in MessagePack', async () => {
    const all = [
      await join(0, '?group=shared'),
      await join(1, '?group=shared'),
      await join(1, '?group=shared', ['beckon.msgpack']),
    ];
    for (const member of all) acknowledgeAll(member);
    expect(nodes.map((node) => node.gateway.stats().subscribers)).toEqual([1, 2]);
    const ids = await publish(150);
    // One that asks for its first a moment later than the others may find nothing left of those.
    while (all.some((member) => member.ids.length === 0)) ids.push(...(await publish(PARTITIONS)));
    await until(() => all.flatMap((member) => member.ids).length >= ids.length);
    await done('shared');
    expect(all.flatMap((member) => member.ids).sort()).toEqual(ids.sort());
    for (const member of all) {
      for (let p = 0; p < PARTITIONS; p++) {
        const numbers = member.ids.filter((id) => id.startsWith(`${p}-`)).map((id) => Number(id.split('-')[1]));
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      }
    }
  });

  test('several decisions share a MessagePack frame, and its cursor acknowledges them all, in either form', async () => {
    await (await join(0, '?group=frames')).leave();
    await made('frames');
    for (let p = 0; p < PARTITIONS; p++) await streams.publishMany(p, 40);
    const member = await join(0, '?group=frames', ['beckon.msgpack']);
    let binary = false;
    member.onFrame = ({ cursor }) => {
      binary = !binary;
      if (binary) member.socket.send(pack({ ack: cursor }));
      else member.acknowledge(cursor);
    };
    await member.got(120);
    await done('frames');
    expect(member.frames.length).toBeLessThan(120);
    expect(new Set(member.ids).size).toBe(120);
  });

  test('outlives its members and goes on where it stands, whatever from= says later', async () => {
    await publish(3);
    const first = await join(0, '?group=durable&from=earliest');
    acknowledgeAll(first);
    const before = streams.ids.length;
    await first.got(before);
    await done('durable');
    await first.leave();
    const missed = await publish(6);
    const second = await join(1, '?group=durable&from=latest');
    acknowledgeAll(second);
    expect((await second.got(6)).sort()).toEqual(missed.sort());
    // from= is not followed for a group that exists, so that it cannot be wrong either.
    const third = await join(0, '?group=durable&from=nonsense');
    await third.leave();
    expect(await refusedGroup('?group=durable-2&from=nonsense')).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/neither latest/),
    });
  });

  test('begins at a cursor', async () => {
    const watcher = await join(0, '');
    await publish(3);
    await watcher.got(3);
    const after = await publish(6);
    const member = await join(1, `?group=from-cursor&from=${watcher.frames[2]?.cursor}`);
    acknowledgeAll(member);
    expect((await member.got(6)).sort()).toEqual(after.sort());
  });

  test('made by several nodes at once is one group: what one gave out, another acknowledges', async () => {
    const both = await Promise.all([0, 1, 0, 1, 0, 1].map((node) => join(node, '?group=raced&ackWait=1h')));
    await publish(30);
    await until(() => both.flatMap((member) => member.ids).length === 30);
    const last = both.at(-1) as StreamClient;
    for (const member of both) for (const { cursor } of member.frames) last.acknowledge(cursor);
    await done('raced');
    expect(last.socket.readyState).toBe(last.socket.OPEN);
  });

  test('that is removed says so to its members', async () => {
    const member = await join(0, '?group=removed');
    await publish(1);
    await member.got(1);
    for (let p = 0; p < PARTITIONS; p++) await manager.consumers.delete(decisionStream(p), groupConsumer('removed'));
    expect(await member.closed).toEqual({ code: 4411, reason: 'the group was removed: connect again to go on' });
  });
});

describe('what is not acknowledged', () => {
  test('goes to others in time: one member that never acknowledges holds up a bounded part', async () => {
    const idle = await join(0, '?group=idle&ackWait=1s');
    await made('idle');
    const active = [await join(0, '?group=idle'), await join(1, '?group=idle&ackWait=1s')];
    for (const member of active) acknowledgeAll(member);
    for (let p = 0; p < PARTITIONS; p++) await streams.publishMany(p, 400);
    await until(() => new Set(active.flatMap((member) => member.ids)).size === 1200);
    await done('idle');
    expect(idle.ids.length).toBeGreaterThan(0);
  });

  test('is bounded per member', async () => {
    await (await join(0, '?group=bounded&ackWait=1h')).leave();
    await made('bounded');
    for (let p = 0; p < PARTITIONS; p++) await streams.publishMany(p, 200);
    const greedy = await join(0, '?group=bounded');
    const held = Math.floor(GROUP_MEMBER_HELD_MAX / PARTITIONS) * PARTITIONS;
    await greedy.got(held);
    await expect.poll(() => standing('bounded')).toEqual({ held, waiting: 600 - held });
    const other = await join(1, '?group=bounded');
    acknowledgeAll(other);
    await other.got(600 - held);
    expect(greedy.ids).toHaveLength(held);
    acknowledgeAll(greedy);
    await done('bounded');
  });

  test('goes to others at once when its member is gone', async () => {
    const leaving = await join(0, '?group=killed&ackWait=1h');
    const ids = await publish(60);
    await leaving.got(60);
    for (const { cursor } of leaving.frames.slice(0, 20)) leaving.acknowledge(cursor);
    const staying = await join(1, '?group=killed');
    acknowledgeAll(staying);
    await expect.poll(async () => (await standing('killed')).held).toBe(40);
    await leaving.leave();
    await staying.got(40);
    await done('killed');
    expect(staying.ids.sort()).toEqual(
      ids
        .slice()
        .filter((id) => !leaving.ids.slice(0, 20).includes(id))
        .sort(),
    );
  });

  test('can still be acknowledged over another connection, through another node', async () => {
    const before = await join(0, '?group=reconnect&ackWait=1h');
    await publish(5);
    await before.got(5);
    await before.leave();
    // Given back, and held by somebody who does nothing about it.
    const idle = await join(0, '?group=reconnect');
    await idle.got(5);
    const after = await join(1, '?group=reconnect');
    for (const { cursor } of before.frames) after.acknowledge(cursor);
    await done('reconnect');
    // It did not know yet: no harm.
    acknowledgeAll(idle);
    await publish(1);
    await until(() => idle.ids.length + after.ids.length === 6);
    expect(idle.socket.readyState).toBe(idle.socket.OPEN);
  });

  test('of a member that stops reading goes to others; it costs no more than what it may hold', async () => {
    const stuck = await join(0, '?group=stuck&ackWait=2s');
    await made('stuck');
    stuck.socket.pause();
    const reading = await join(1, '?group=stuck');
    acknowledgeAll(reading);
    for (let p = 0; p < PARTITIONS; p++) await streams.publishMany(p, 200, { padding: 20_000 });
    await until(() => new Set(reading.ids).size === 600);
    await done('stuck');
    stuck.socket.resume();
    await until(() => stuck.ids.length > 0);
  });
});

describe('when nats-server is killed', () => {
  test('members stay, and everything is acknowledged in the end', async () => {
    const both = [await join(0, '?group=outage&ackWait=2s'), await join(1, '?group=outage&ackWait=2s')];
    for (const member of both) acknowledgeAll(member);
    const ids = await publish(60);
    await server.kill();
    await new Promise((next) => setTimeout(next, 300));
    await server.restart();
    ids.push(...(await publish(60)));
    await server.kill();
    await server.restart();
    ids.push(...(await publish(60)));
    // No fewer; a server that is killed while it writes how far a group is gives out its stream from the first again.
    const given = (): Set<string> => new Set(both.flatMap((member) => member.ids));
    await until(() => ids.every((id) => given().has(id)));
    await done('outage');
    for (const member of both) expect(member.socket.readyState).toBe(member.socket.OPEN);
  });

  test('acknowledgements made while there is no connection count', async () => {
    const member = await join(0, '?group=meanwhile&ackWait=1h');
    await publish(30);
    await member.got(30);
    // It keeps what it knows, and lets nobody in.
    server.freeze();
    await nodes[0].loseConnection();
    acknowledgeAll(member);
    await new Promise((next) => setTimeout(next, 200));
    server.thaw();
    await done('meanwhile');
    expect(member.ids).toHaveLength(30);
  });
});

describe('what a group does not accept', () => {
  test('other filters than it has: 409, naming both', async () => {
    const member = await join(0, '?group=filters&channels=sms,email&campaigns=a-1,b_2&ackWait=1m');
    await made('filters');
    const both = await join(1, '?group=filters&channels=email,sms,email&campaigns=b_2,a-1&ackWait=60s');
    acknowledgeAll(member);
    acknowledgeAll(both);
    const wanted: string[] = [];
    for (const channel of ['sms', 'push', 'email']) {
      for (const campaign of ['a-1', 'c', 'b_2']) {
        const id = await streams.publish(1, { channel, campaign });
        if (channel !== 'push' && campaign !== 'c') wanted.push(id);
      }
    }
    await until(() => member.ids.length + both.ids.length >= wanted.length);
    await done('filters');
    expect([...member.ids, ...both.ids].sort()).toEqual(wanted.sort());
    const other = await refusedGroup('?group=filters&channels=sms&campaigns=a-1,b_2');
    expect(other).toMatchObject({ status: 409, type: 'urn:beckon:problem:group-conflict' });
    expect(other.detail).toMatch(/channels=email,sms, this member asks for channels=sms:/);
    expect((await refusedGroup('?group=filters&channels=sms,email', ['beckon.msgpack'])).detail).toMatch(
      /campaigns=a-1,b_2.* campaigns=\(all\)/,
    );
    const otherWait = await refusedGroup('?group=filters&channels=sms,email&campaigns=a-1,b_2&ackWait=2m');
    expect(otherWait.detail).toMatch(/ackWait=60s, this member asks for ackWait=120s/);
  });

  test.each([
    ['?group=', /^group= needs a name of 1 to 64 letters/],
    ['?group=a.b', /^group= needs a name .* got "a.b"/],
    [`?group=${'x'.repeat(65)}`, /^group= needs a name/],
    ['?group=a&channels=*', /letters, digits, - and _ only, got "\*"/],
    ['?group=a&campaigns=a.%3E', /got "a.>"/],
    ['?group=a&ackWait=5', /^ackWait= needs a time from 1s to 1h, such as 90s or 5m, got "5"/],
    ['?group=a&ackWait=0s', /got "0s"/],
    ['?group=a&ackWait=61m', /got "61m"/],
    ['?ackWait=5s', /^ackWait= is for groups/],
  ])('%s: 400', async (query, detail) => {
    expect(await refusal(query)).toMatchObject({ status: 400, detail: expect.stringMatching(detail) });
  });

  test('a consumer of that name that is no group', async () => {
    await manager.consumers.add(decisionStream(0), {
      durable_name: groupConsumer('theirs'),
      ack_policy: 'explicit' as never,
    });
    expect(await refusedGroup('?group=theirs')).toMatchObject({
      status: 409,
      detail: expect.stringMatching(/no group of this version of Beckon/),
    });
  });

  test('acknowledgements that it did not give: the connection ends, and the decision stays', async () => {
    const theirs = await join(0, '?group=forged-b&ackWait=1h');
    const watcher = await join(0, '');
    const ours = await join(0, '?group=forged-a&ackWait=1h');
    await publish(3);
    await Promise.all([theirs.got(3), ours.got(3), watcher.got(3)]);
    const good = ours.cursor;
    const bytes = Buffer.from(good, 'base64url');
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    const forged = {
      code: 4400,
      reason: "ack is a cursor that this group did not give: it is another group's, or was changed",
    };
    const malformed = { code: 4400, reason: 'ack is no cursor of a group: send it exactly as it came with the frame' };
    const unwanted = { code: 1003, reason: 'a member sends {"ack":"<cursor>"} and nothing else' };
    const attempts: [string | Buffer, { code: number; reason: string }][] = [
      [JSON.stringify({ ack: bytes.toString('base64url') }), forged],
      [JSON.stringify({ ack: theirs.cursor }), forged],
      [JSON.stringify({ ack: watcher.cursor }), malformed],
      [JSON.stringify({ ack: `${good}=` }), malformed],
      [JSON.stringify({ ack: '' }), malformed],
      [JSON.stringify({ ack: 7 }), unwanted],
      [JSON.stringify({ ack: good, more: 1 }), unwanted],
      ['null', unwanted],
      ['{"ack"', unwanted],
      [pack([good]), unwanted],
      [Buffer.from([0xc1]), unwanted],
    ];
    await ours.leave();
    for (const [message, expected] of attempts) {
      const member = await join(0, '?group=forged-a');
      await member.got(3);
      member.socket.send(message);
      expect(await member.closed).toEqual(expected);
    }
    while ((await standing('forged-a')).held > 0) {
      const member = await join(1, '?group=forged-a');
      await member.got(3);
      acknowledgeAll(member);
      await done('forged-a');
    }
  });
});
