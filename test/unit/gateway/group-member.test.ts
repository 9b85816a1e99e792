import { pack, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { GROUP_MEMBER_HELD_MAX } from '../../../src/constants.ts';
import { GroupMember } from '../../../src/gateway/group-member.ts';
import type { Problem } from '../../../src/gateway/problem.ts';
import type { EncodedDecision } from '../../../src/protocol/decision.ts';
import type { GroupMembership } from '../../../src/protocol/decision-group.ts';

/** A socket that takes what `take` says, and a group that writes down what it is told. */
class Bench {
  readonly sent: { readonly cursor?: string; readonly ids: string[]; readonly problem?: Problem }[] = [];
  readonly told: string[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  /** What send() answers: 1 on its way, 0 buffered, 2 dropped. */
  take = 1;
  buffered = 0;
  readonly member: GroupMember;
  answer: (joined: { readonly membership: GroupMembership } | { readonly problem: Problem }) => void = () => {};

  constructor(isMessagePack = false) {
    const join = () =>
      new Promise<{ readonly membership: GroupMembership } | { readonly problem: Problem }>((resolve) => {
        this.answer = resolve;
      });
    this.member = new GroupMember(join, isMessagePack, 1 << 20);
    this.member.opened({
      send: (message, isBinary) => {
        if (this.take !== 2) {
          const frame = isBinary ? unpack(Buffer.from(message)) : JSON.parse(Buffer.from(message).toString());
          const decisions: { id: string }[] = frame.decisions ?? (frame.decision === undefined ? [] : [frame.decision]);
          this.sent.push({ ...frame, ids: decisions.map(({ id }) => id) });
        }
        return this.take;
      },
      getBufferedAmount: () => this.buffered,
      cork: (callback) => callback(),
      end: (code, reason) => {
        this.closed = { code, reason };
      },
    });
  }

  async join(): Promise<this> {
    const note = (what: string) => () => void this.told.push(what);
    this.answer({
      membership: {
        key: 'key',
        pause: note('pause'),
        resume: note('resume'),
        leave: note('leave'),
        acknowledge: (partition, number) => this.told.push(`ack ${partition}-${number}`),
      },
    });
    await turn();
    return this;
  }

  give(...numbers: number[]): void {
    for (const number of numbers) this.member.delivered(0, decision(number));
  }

  get ids(): string[] {
    return this.sent.flatMap(({ ids }) => ids);
  }

  say(message: unknown): void {
    const bytes = Buffer.from(JSON.stringify(message));
    this.member.received(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer, false);
  }
}

function decision(number: number): EncodedDecision {
  return { number, channel: 'push', campaign: 'hearts', json: Buffer.from(JSON.stringify({ id: `0-${number}` })) };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

describe('GroupMember', () => {
  test('sends what it is given in order, and acknowledges frame by frame', async () => {
    const bench = await new Bench().join();
    bench.give(1, 2, 3);
    await turn();
    expect(bench.ids).toEqual(['0-1', '0-2', '0-3']);
    bench.say({ ack: bench.sent[1]?.cursor });
    expect(bench.told).toEqual(['resume', 'ack 0-2']);
    bench.member.closed();
    expect(bench.told.at(-1)).toBe('leave');
  });

  test('several decisions share a MessagePack frame, up to as many as its cursor may name', async () => {
    const bench = await new Bench(true).join();
    bench.give(...Array.from({ length: 50 }, (_, i) => i + 1));
    await turn();
    expect(bench.sent.map(({ ids }) => ids.length)).toEqual([32, 18]);
    const bytes = pack({ ack: bench.sent[1]?.cursor });
    bench.member.received(new Uint8Array(bytes).buffer, true);
    expect(bench.told.slice(1)).toEqual(Array.from({ length: 18 }, (_, i) => `ack 0-${i + 33}`));
  });

  test('a socket that is full gets no more and nothing more is asked for; what expires meanwhile is not sent', async () => {
    const bench = await new Bench().join();
    bench.take = 0;
    bench.buffered = 100;
    bench.give(1, 2, 3, 4);
    await turn();
    expect(bench.ids).toEqual(['0-1']);
    expect(bench.told).toEqual(['resume', 'pause']);
    bench.member.expired(0, 3);
    bench.member.drained();
    expect(bench.told).toEqual(['resume', 'pause']);
    bench.take = 1;
    bench.buffered = 0;
    bench.member.drained();
    await turn();
    expect(bench.told).toEqual(['resume', 'pause', 'resume']);
    expect(bench.ids).toEqual(['0-1', '0-2', '0-4']);
  });

  test('a frame that the socket dropped is sent again, in its place', async () => {
    const bench = await new Bench().join();
    bench.take = 2;
    bench.buffered = 100;
    bench.give(1, 2);
    await turn();
    bench.take = 1;
    bench.buffered = 0;
    bench.member.drained();
    await turn();
    expect(bench.ids).toEqual(['0-1', '0-2']);
  });

  test('what comes twice while it waits is sent once', async () => {
    const bench = await new Bench().join();
    bench.give(1, 1);
    await turn();
    expect(bench.ids).toEqual(['0-1']);
    bench.give(1);
    await turn();
    expect(bench.ids).toEqual(['0-1', '0-1']);
  });

  test('acknowledgements that come before it has joined count, and have a bound', async () => {
    const earlier = await new Bench().join();
    earlier.give(7);
    await turn();
    const ack = earlier.sent[0]?.cursor;
    const bench = new Bench();
    bench.say({ ack });
    await bench.join();
    expect(bench.told).toEqual(['ack 0-7', 'resume']);
    const flooded = new Bench();
    for (let i = 0; i < GROUP_MEMBER_HELD_MAX; i++) flooded.say({ ack });
    expect(flooded.closed).toBeNull();
    flooded.say({ ack });
    expect(flooded.closed?.code).toBe(1003);
  });

  test('one whose socket has gone before it has joined leaves at once', async () => {
    const bench = new Bench();
    bench.member.closed();
    await bench.join();
    expect(bench.told).toEqual(['leave']);
    bench.give(1);
    await turn();
    expect(bench.sent).toEqual([]);
  });

  test.each([false, true])(
    'what stands against joining is told with the whole problem; MessagePack: %s',
    async (isMessagePack) => {
      const bench = new Bench(isMessagePack);
      bench.answer({ problem: { status: 409, type: 'group-conflict', title: 'Another', detail: 'x'.repeat(500) } });
      await turn();
      expect(bench.sent[0]?.problem).toMatchObject({
        type: 'urn:beckon:problem:group-conflict',
        detail: 'x'.repeat(500),
      });
      expect(bench.closed).toEqual({ code: 4409, reason: 'Another' });
    },
  );
});
