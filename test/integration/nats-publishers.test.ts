/** What is published to a real nats-server is stored once and in order, through lost acknowledgements, dead servers and second owners. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamManager, NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOG_APPEND_BYTES_PENDING_MAX } from '../../src/constants.ts';
import { connectNats } from '../../src/log/jetstream/connection.ts';
import { DeadLetterPublisher, type NumberedDeadLetter } from '../../src/log/jetstream/dead-letter-publisher.ts';
import { DecisionPublisher } from '../../src/log/jetstream/decision-publisher.ts';
import { PublishRefusedError } from '../../src/log/jetstream/fenced-publisher.ts';
import { AppendError, LogWriter } from '../../src/log/jetstream/log-writer.ts';
import {
  DEAD_LETTER_STREAM,
  DEAD_LETTER_SUBJECTS,
  deadLetterSubject,
  decisionStream,
  eventsSubject,
  Header,
  logStream,
  recordSubject,
} from '../../src/log/jetstream/names.ts';
import type { EncodedDecision } from '../../src/protocol/decision.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { createDecisions, createLog, until } from '../support/jetstream-fixture.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

let server: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let partitions = 0;

beforeAll(async () => {
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url, name: 'test' });
  manager = await connection.jetstreamManager({ checkAPI: false });
  await manager.streams.add({ name: DEAD_LETTER_STREAM, subjects: [DEAD_LETTER_SUBJECTS], duplicate_window: 1e9 });
});
afterAll(async () => {
  await connection?.close();
  await server?.stop();
});

async function freshDecisions(windowMs = 60_000): Promise<number> {
  const partition = partitions++;
  await createDecisions(manager, partition, windowMs);
  return partition;
}

function decision(partition: number, number: number, flavour = ''): EncodedDecision {
  const campaign = `campaign-${number % 3}`;
  const json = Buffer.from(JSON.stringify({ id: `${partition}-${number}`, flavour, padding: 'x'.repeat(number % 50) }));
  return { number, channel: number % 2 === 0 ? 'push' : 'sms', campaign, json };
}
function decisions(partition: number, first: number, last: number, flavour = ''): EncodedDecision[] {
  return Array.from({ length: last - first + 1 }, (_, i) => decision(partition, first + i, flavour));
}

/** Remembers what it is told, and that it is told nothing too early. */
class Told {
  readonly durable: number[] = [];
  readonly failed: Error[] = [];
  readonly logged: string[] = [];
  readonly handlers = {
    durable: (upTo: number): void => void this.durable.push(upTo),
    failed: (error: Error): void => void this.failed.push(error),
    log: (_level: string, fields: object, message: string): void =>
      void this.logged.push(`${message} ${JSON.stringify(fields)}`),
  };
}

async function open(
  partition: number,
  made = 0,
  link = connection,
): Promise<{ publisher: DecisionPublisher; told: Told }> {
  const told = new Told();
  return { publisher: await DecisionPublisher.open(link, partition, made, told.handlers), told };
}

async function stored(partition: number): Promise<{ subject: string; id: string; json: string }[]> {
  const { state } = await manager.streams.info(decisionStream(partition));
  const messages = Array.from({ length: state.last_seq }, (_, i) =>
    manager.streams.getMessage(decisionStream(partition), { seq: i + 1 }),
  );
  return (await Promise.all(messages)).map(({ subject, header, data }) => ({
    subject,
    id: header.get(Header.messageId),
    json: Buffer.from(data).toString(),
  }));
}

async function expectStored(partition: number, count: number, flavour = ''): Promise<void> {
  expect(await stored(partition)).toEqual(
    decisions(partition, 1, count, flavour).map(({ number, channel, campaign, json }) => ({
      subject: `beckon.decisions.${partition}.${channel}.${campaign}`,
      id: `${partition}-${number}`,
      json: Buffer.from(json).toString(),
    })),
  );
}

function ascends(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number));
}

describe('decisions', () => {
  it('are stored in order under their numbers, and told durable once they are', async () => {
    const partition = await freshDecisions();
    const tooEarly: number[] = [];
    const checks: Promise<void>[] = [];
    const { publisher, told } = await open(partition);
    const tell = told.handlers.durable;
    told.handlers.durable = (upTo) => {
      tell(upTo);
      const check = manager.streams.info(decisionStream(partition)).then(({ state }) => {
        if (state.last_seq < upTo) tooEarly.push(upTo);
      });
      checks.push(check);
    };
    expect(publisher.tail).toBe(0);
    for (let first = 1; first <= 3000; first += 100) publisher.publish(decisions(partition, first, first + 99));
    expect(publisher.inFlight).toBe(3000);
    await until('durable', () => publisher.durableUpTo === 3000);
    await until('told', () => told.durable.at(-1) === 3000);
    await Promise.all(checks);
    expect(tooEarly).toEqual([]);
    expect(ascends(told.durable)).toBe(true);
    expect(publisher.inFlight).toBe(0);
    expect(told.logged).toEqual([]);
    await expectStored(partition, 3000);
    await publisher.close();
  });

  it('say when the caller should hold back, and when not any more', async () => {
    const partition = await freshDecisions();
    const { publisher } = await open(partition);
    let offered = 0;
    while (publisher.hasRoom) {
      publisher.publish(decisions(partition, offered + 1, offered + 500));
      offered += 500;
      expect(offered).toBeLessThan(100_000);
    }
    await until('room', () => publisher.hasRoom);
    await until('all', () => publisher.durableUpTo === offered);
    await publisher.close();
  });

  it('that a restart derives again are dropped, and the last of them compared', async () => {
    const partition = await freshDecisions();
    const first = await open(partition);
    first.publisher.publish(decisions(partition, 1, 100));
    await until('durable', () => first.publisher.durableUpTo === 100);
    await first.publisher.close();

    const second = await open(partition, 40);
    expect(second.publisher.tail).toBe(100);
    second.publisher.publish(decisions(partition, 41, 130));
    await until('durable', () => second.publisher.durableUpTo === 130);
    await expectStored(partition, 130);
    await second.publisher.close();

    const third = await open(partition, 40);
    third.publisher.publish(decisions(partition, 41, 130, 'another'));
    await until('failed', () => third.told.failed.length === 1);
    expect(third.told.failed[0]).toBeInstanceOf(PublishRefusedError);
    expect(third.told.failed[0]?.message).toMatch(/entry 130 is stored already, with other content/);
    await expectStored(partition, 130);
  });

  it('are refused where the stream has fewer than were made, and where one is missing between', async () => {
    const partition = await freshDecisions();
    const { publisher, told } = await open(partition);
    publisher.publish(decisions(partition, 1, 10));
    await until('durable', () => publisher.durableUpTo === 10);
    const error = await open(partition, 11).catch((reason) => reason);
    expect(error).toBeInstanceOf(PublishRefusedError);
    expect(error.message).toMatch(/ends at decision 10, but this partition's snapshot has made 11/);
    await publisher.close();
    const gap = await open(partition, 10);
    gap.publisher.publish(decisions(partition, 12, 14));
    await until('failed', () => gap.told.failed.length === 1);
    expect(gap.told.failed[0]?.message).toMatch(/ends at entry 10, but entries up to 11 had been stored/);
    expect(told.failed).toEqual([]);
    await expectStored(partition, 10);
    expect(await open(99).catch((reason) => reason.message)).toMatch(/there is no such stream/);
  });

  it('that no message can carry are a clear error', async () => {
    const partition = await freshDecisions();
    const { publisher, told } = await open(partition);
    const json = Buffer.alloc((connection.info?.max_payload ?? 0) + 1, 'x');
    publisher.publish([{ number: 1, channel: 'push', campaign: 'c', json }]);
    await until('failed', () => told.failed.length === 1);
    expect(told.failed[0]?.message).toMatch(/entry 1 has \d+ bytes, the server takes messages of \d+.*max_payload/);
  });

  it('are stored once while acknowledgements get lost and links are cut', async () => {
    const partition = await freshDecisions(1000);
    const proxy = await TcpProxy.start(server.port);
    const far = await connectNats({ servers: proxy.url, name: 'far' });
    const { publisher, told } = await open(partition, 0, far);
    let offered = 0;
    const offer = (count: number): void => {
      publisher.publish(decisions(partition, offered + 1, offered + count));
      offered += count;
    };
    for (let round = 0; round < 4; round++) {
      offer(300);
      const sent = publisher.durableUpTo;
      await until('some', () => publisher.durableUpTo > sent + 50);
      offer(300);
      proxy.swallow(round % 2 === 0 ? 'toClient' : 'toServer');
      await sleep(100);
      proxy.cut();
      await until('all', () => publisher.durableUpTo === offered);
    }
    expect(told.failed).toEqual([]);
    await expectStored(partition, offered);
    await publisher.close();
    await far.close();
    await proxy.stop();
  });

  it('are asked for after a silence, though the connection seems to be there', async () => {
    const partition = await freshDecisions(1000);
    const proxy = await TcpProxy.start(server.port);
    const far = await connectNats({ servers: proxy.url, name: 'far' });
    const { publisher, told } = await open(partition, 0, far);
    proxy.swallow('toClient');
    publisher.publish(decisions(partition, 1, 400));
    await until('noticed', () => told.logged.some((line) => line.includes('no acknowledgement')));
    expect(publisher.durableUpTo).toBe(0);
    proxy.cut();
    await until('all', () => publisher.durableUpTo === 400);
    await expectStored(partition, 400);
    await publisher.close();
    await far.close();
    await proxy.stop();
  });

  it('are stored once though the server is killed, frozen and started again', async () => {
    const partition = await freshDecisions();
    const { publisher, told } = await open(partition);
    let offered = 0;
    const flow = setInterval(() => {
      if (!publisher.hasRoom) return;
      publisher.publish(decisions(partition, offered + 1, offered + 200));
      offered += 200;
    }, 2);
    for (const fault of ['kill', 'freeze', 'kill', 'kill'] as const) {
      const before = publisher.durableUpTo;
      await until('flow', () => publisher.durableUpTo > before + 500);
      if (fault === 'kill') {
        await server.kill();
        await sleep(50);
        await server.restart();
      } else {
        server.freeze();
        await sleep(1200);
        server.thaw();
      }
    }
    const before = publisher.durableUpTo;
    await until('flow', () => publisher.durableUpTo > before + 500);
    clearInterval(flow);
    await until('all', () => publisher.durableUpTo === offered);
    expect(told.failed).toEqual([]);
    expect(ascends(told.durable)).toBe(true);
    await expectStored(partition, offered);
    await publisher.close();
  });

  it('of two owners that agree are stored once, in order, with a duplicate window of a second', async () => {
    const partition = await freshDecisions(1000);
    const [a, b] = [await open(partition), await open(partition)];
    const offered = [0, 0];
    const offer = (owner: typeof a, i: number, count: number): void => {
      owner.publisher.publish(decisions(partition, (offered[i] as number) + 1, (offered[i] as number) + count));
      offered[i] = (offered[i] as number) + count;
    };
    for (let round = 0; round < 40; round++) {
      offer(a, 0, 1 + ((round * 37) % 90));
      offer(b, 1, 1 + ((round * 53) % 90));
      // The window passes in between: ids are forgotten, fences are not.
      if (round === 20) await sleep(1500);
      else if (round % 4 === 0) await sleep(2);
    }
    const total = Math.max(...offered) + 10;
    offer(a, 0, total - (offered[0] as number));
    offer(b, 1, total - (offered[1] as number));
    await until('both', () => a.publisher.durableUpTo === total && b.publisher.durableUpTo === total);
    // One that comes a whole window later, from the beginning, in the middle of the other's work.
    const late = await open(partition);
    late.publisher.publish(decisions(partition, 1, total + 200));
    offer(a, 0, 300);
    await until(
      'all three',
      () => late.publisher.durableUpTo >= total + 200 && a.publisher.durableUpTo === total + 300,
    );
    expect([...a.told.failed, ...b.told.failed, ...late.told.failed]).toEqual([]);
    await expectStored(partition, total + 300);
    for (const { publisher } of [a, b, late]) await publisher.close();
  });

  it('of two owners that disagree end in one of them failing, and the stream as the other made it', async () => {
    const partition = await freshDecisions(1000);
    const [a, b] = [await open(partition), await open(partition)];
    a.publisher.publish(decisions(partition, 1, 20));
    b.publisher.publish(decisions(partition, 1, 20));
    await until('agreed', () => a.publisher.durableUpTo === 20 && b.publisher.durableUpTo === 20);
    a.publisher.publish(decisions(partition, 21, 120, 'sweet'));
    b.publisher.publish(decisions(partition, 21, 120, 'sour'));
    await until('one failed', () => a.told.failed.length + b.told.failed.length > 0);
    const [winner, loser, flavour] = a.told.failed.length === 0 ? [a, b, 'sweet'] : [b, a, 'sour'];
    await until('the other goes on', () => winner.publisher.durableUpTo === 120);
    expect(winner.told.failed).toEqual([]);
    expect(loser.told.failed).toHaveLength(1);
    expect(loser.told.failed[0]?.message).toMatch(
      /entry \d+ is stored already, with other content than this node derived/,
    );
    const flavours = (await stored(partition)).map(({ json }) => (JSON.parse(json) as { flavour: string }).flavour);
    expect(flavours).toEqual([...Array<string>(20).fill(''), ...Array<string>(100).fill(flavour)]);
    await winner.publisher.close();
  });

  it('are not published into a stream that was replaced under the publisher', async () => {
    const partition = await freshDecisions();
    const { publisher, told } = await open(partition);
    publisher.publish(decisions(partition, 1, 50));
    await until('durable', () => publisher.durableUpTo === 50);
    await manager.streams.delete(decisionStream(partition));
    await createDecisions(manager, partition, 1000);
    publisher.publish(decisions(partition, 51, 60));
    await until('failed', () => told.failed.length === 1);
    expect(told.failed[0]?.message).toMatch(/ends at entry 0, but entries up to 50 had been stored/);
    expect(await stored(partition)).toEqual([]);
  });

  it('wait while JetStream refuses them, and are stored when it does not any more', async () => {
    const partition = await freshDecisions();
    await manager.streams.update(decisionStream(partition), { max_msgs: 30, discard: 'new' as never });
    const { publisher, told } = await open(partition);
    publisher.publish(decisions(partition, 1, 60));
    await until('full', () => told.logged.some((line) => line.includes('maximum messages exceeded')));
    expect(publisher.durableUpTo).toBe(30);
    await manager.streams.update(decisionStream(partition), { max_msgs: 1000 });
    await until('all', () => publisher.durableUpTo === 60);
    expect(told.failed).toEqual([]);
    await expectStored(partition, 60);
    await publisher.close();
  });
});

describe('dead letters', () => {
  const letter = (number: number): NumberedDeadLetter => {
    const raw = new TextEncoder().encode(`{"n":${number}`);
    return { number, ts: number, reason: 'syntax', error: `bad ${number}`, raw };
  };
  const letters = (first: number, last: number): NumberedDeadLetter[] =>
    Array.from({ length: last - first + 1 }, (_, i) => letter(first + i));

  async function numbersStored(partition: number): Promise<number[]> {
    const { state } = await manager.streams.info(DEAD_LETTER_STREAM);
    const numbers: number[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const { subject, header, data } = await manager.streams.getMessage(DEAD_LETTER_STREAM, { seq });
      if (subject !== deadLetterSubject(partition)) continue;
      const number = Number(header.get(Header.number));
      expect(header.get(Header.reason)).toBe('syntax');
      expect(JSON.parse(Buffer.from(data).toString())).toMatchObject({ error: `bad ${number}`, raw: `{"n":${number}` });
      numbers.push(number);
    }
    return numbers;
  }
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

  it('of all partitions share a stream, each numbered and stored once, over restarts and a second owner', async () => {
    const [p, q] = [partitions++, partitions++];
    const told = new Told();
    const first = await DeadLetterPublisher.open(connection, p, told.handlers);
    const other = await DeadLetterPublisher.open(connection, q, told.handlers);
    first.publish(letters(1, 30));
    other.publish(letters(1, 20));
    await until('both', () => first.durableUpTo === 30 && other.durableUpTo === 20);
    await first.close();
    await sleep(1100);
    const again = await DeadLetterPublisher.open(connection, p, told.handlers);
    const twin = await DeadLetterPublisher.open(connection, p, told.handlers);
    again.publish(letters(11, 60));
    twin.publish(letters(21, 70));
    await until('all', () => again.durableUpTo >= 60 && twin.durableUpTo === 70);
    expect(await numbersStored(p)).toEqual(upTo(70));
    expect(await numbersStored(q)).toEqual(upTo(20));
    expect(told.failed).toEqual([]);
    for (const publisher of [other, again, twin]) await publisher.close();
  });

  it('go on after they were purged', async () => {
    const partition = partitions++;
    const told = new Told();
    const publisher = await DeadLetterPublisher.open(connection, partition, told.handlers);
    publisher.publish(letters(1, 5));
    await until('five', () => publisher.durableUpTo === 5);
    await manager.streams.purge(DEAD_LETTER_STREAM);
    publisher.publish(letters(6, 8));
    await until('eight', () => publisher.durableUpTo === 8);
    expect(await numbersStored(partition)).toEqual([6, 7, 8]);
    await manager.streams.purge(DEAD_LETTER_STREAM);
    const restarted = await DeadLetterPublisher.open(connection, partition, told.handlers);
    restarted.publish(letters(9, 10));
    await until('ten', () => restarted.durableUpTo === 10);
    expect(await numbersStored(partition)).toEqual([9, 10]);
    // As after the stream was restored from an older copy: said, and gone on.
    const ahead = await DeadLetterPublisher.open(connection, partition, told.handlers);
    ahead.publish(letters(21, 22));
    await until('twenty-two', () => ahead.durableUpTo === 22);
    expect(await numbersStored(partition)).toEqual([9, 10, 21, 22]);
    expect(told.logged.some((line) => line.includes('the stream lost entries'))).toBe(true);
    await ahead.close();
    expect(told.failed).toEqual([]);
    await publisher.close();
    await restarted.close();
  });
});

describe('appends to the logs', () => {
  async function freshLog(): Promise<number> {
    const partition = partitions++;
    await createLog(manager, partition);
    return partition;
  }
  const fault = (error: unknown): string =>
    error instanceof AppendError ? error.fault : `not an AppendError: ${error}`;

  it('say where the record is, and that one of the same id was there before', async () => {
    const partition = await freshLog();
    const writer = new LogWriter(connection);
    const payload = Buffer.from('{"n":1}');
    expect(await writer.append(partition, RecordKind.events, payload, { messageId: 'x' })).toEqual({
      seq: 1,
      duplicate: false,
    });
    expect(await writer.append(partition, RecordKind.tick, new Uint8Array(0))).toEqual({ seq: 2, duplicate: false });
    expect(await writer.append(partition, RecordKind.events, payload, { messageId: 'x' })).toEqual({
      seq: 1,
      duplicate: true,
    });
    const told = await writer.append(partition, RecordKind.events, payload, { replyTo: '_INBOX.till.1' });
    expect(told.seq).toBe(3);
    const [first, second, third] = await Promise.all(
      [1, 2, 3].map((seq) => manager.streams.getMessage(logStream(partition), { seq })),
    );
    expect([first?.subject, second?.subject]).toEqual([
      eventsSubject(partition),
      recordSubject(partition, RecordKind.tick),
    ]);
    expect(third?.header.get(Header.reply)).toBe('_INBOX.till.1');
    expect(writer.pendingBytes).toBe(0);
    writer.close();
  });

  it('fail by name', async () => {
    const partition = await freshLog();
    const writer = new LogWriter(connection);
    const append = (bytes: number, to = partition): Promise<unknown> =>
      writer.append(to, RecordKind.events, Buffer.alloc(bytes)).then(() => 'stored', fault);
    expect(await append(connection.info?.max_payload ?? 0)).toBe('too_large');
    await manager.streams.update(logStream(partition), { max_msgs: 1, discard: 'new' as never });
    expect(await append(10)).toBe('stored');
    expect(await append(10)).toBe('refused');
    await manager.streams.update(logStream(partition), { max_msgs: -1 });
    const flood = Array.from({ length: 2 * (LOG_APPEND_BYTES_PENDING_MAX / 4_000_000) }, () => append(4_000_000));
    expect(writer.pendingBytes).toBeLessThanOrEqual(LOG_APPEND_BYTES_PENDING_MAX);
    const outcomes = await Promise.all(flood);
    expect(new Set(outcomes)).toEqual(new Set(['stored', 'full']));
    expect(writer.pendingBytes).toBe(0);
    const nowhere = append(10, 98);
    writer.close();
    expect(await nowhere).toBe('closed');
    expect(await append(10)).toBe('closed');
  });

  it('are stored once each while the server dies and links break', async () => {
    const partition = await freshLog();
    const proxy = await TcpProxy.start(server.port);
    const far = await connectNats({ servers: proxy.url, name: 'far' });
    const writer = new LogWriter(far);
    const appends: Promise<{ seq: number }>[] = [];
    const flow = setInterval(() => {
      for (let i = 0; i < 50; i++) {
        appends.push(writer.append(partition, RecordKind.events, Buffer.from(`{"n":${appends.length + 1}}`)));
      }
    }, 5);
    for (const breakIt of [
      () => proxy.cut(),
      () => server.restart(),
      async () => {
        proxy.swallow('toClient');
        await sleep(100);
        proxy.cut();
      },
      async () => {
        proxy.block();
        await sleep(300);
        proxy.heal();
      },
    ]) {
      await sleep(100);
      await breakIt();
    }
    await sleep(200);
    clearInterval(flow);
    const sequences = (await Promise.all(appends)).map(({ seq }) => seq);
    const { state } = await manager.streams.info(logStream(partition));
    expect(state.last_seq).toBe(appends.length);
    expect(new Set(sequences).size).toBe(appends.length);
    const last = await manager.streams.getMessage(logStream(partition), { seq: sequences[0] as number });
    expect(Buffer.from(last.data).toString()).toBe('{"n":1}');
    writer.close();
    await far.close();
    await proxy.stop();
  });
});
