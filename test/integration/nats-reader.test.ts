/** The reader on a real nats-server: every record once, in order, through everything that can happen to consumers, connections, servers and streams. */
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { headers, type JetStreamManager, type Msg, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOG_PULL_BYTES, LOG_PULLS_IN_FLIGHT } from '../../src/constants.ts';
import { connectNats } from '../../src/log/jetstream/connection.ts';
import { LogWriter } from '../../src/log/jetstream/log-writer.ts';
import { eventsSubject, Header, logStream, recordSubject } from '../../src/log/jetstream/names.ts';
import { HaltCause, messageChecksum, StreamHaltedError } from '../../src/log/jetstream/position-check.ts';
import { headerValue, payloadOf, rawMessage, statusOf } from '../../src/log/jetstream/raw-message.ts';
import { RecordKind } from '../../src/protocol/record.ts';
import { beginning, createLog, fillLog, RecordingReader, until } from '../support/jetstream-fixture.ts';
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
});
afterAll(async () => {
  await connection?.close();
  await server?.stop();
});

/** A log stream of its own for each test. */
async function freshLog(records = 0): Promise<number> {
  const partition = partitions++;
  await createLog(manager, partition);
  if (records > 0) await fillLog(connection, manager, partition, 1, records);
  return partition;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

async function refusal(opening: Promise<unknown>): Promise<StreamHaltedError> {
  const error = await opening.then(
    () => null,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(StreamHaltedError);
  return error as StreamHaltedError;
}

describe('records', () => {
  it('have the kind, the time and the payload that subject and stream give them', async () => {
    const partition = await freshLog();
    const publish = (subject: string, payload: string, headerLines: Record<string, string> = {}): void => {
      const lines = headers();
      for (const [name, value] of Object.entries(headerLines)) lines.set(name, value);
      connection.publish(subject, payload, { headers: lines });
    };
    publish(eventsSubject(partition), '[{"id":"1"}]', { [Header.messageId]: 'a' });
    publish(`${eventsSubject(partition)}.17850.receipt`, '{"id":"2"}', { [Header.reply]: '_INBOX.abc.1' });
    publish(recordSubject(partition, RecordKind.tick), '', { [Header.reply]: 'beckon.control.0.tick' });
    publish(recordSubject(partition, RecordKind.workspace), '{"version":1}');
    publish(recordSubject(partition, RecordKind.message), 'm');
    publish(`beckon.control.${partition}.later-version`, 'x');
    await connection.flush();
    const seen: unknown[] = [];
    const reader = await RecordingReader.open(connection, partition, beginning, (batch) => {
      for (const { record, replyTo } of batch) {
        seen.push([record.seq, record.kind, Buffer.from(record.payload).toString(), replyTo]);
      }
    });
    await until('six records', () => seen.length === 6);
    expect(seen).toEqual([
      [1, RecordKind.events, '[{"id":"1"}]', null],
      [2, RecordKind.events, '{"customer":"17850","type":"receipt","id":"2"}', '_INBOX.abc.1'],
      [3, RecordKind.tick, '', null],
      [4, RecordKind.workspace, '{"version":1}', null],
      [5, RecordKind.message, 'm', null],
      [6, RecordKind.events, 'x', null],
    ]);
    for (const [i, position] of reader.positions.entries()) {
      const stored = await manager.streams.getMessage(logStream(partition), { seq: i + 1 });
      expect(position.ts).toBe(stored.time.getTime());
      expect(position.crc).toBe(messageChecksum(Buffer.from(stored.subject), stored.data));
    }
    expect(reader.caughtUpAt).toHaveLength(1);
    await reader.close();
  });

  it('come in order, each once, whatever their sizes, and caughtUp once', async () => {
    const partition = await freshLog();
    // 128 divides a request of bytes evenly with some subjects: such a request ends without a word. Two are larger than a whole request.
    const sizes = [0, 1, 100, 128, 4096, 65_536, 200_000];
    let total = 0;
    for (let i = 1; i <= 1500; i++) {
      const size = i === 700 || i === 701 ? LOG_PULL_BYTES + 5 : (sizes[i % sizes.length] as number);
      connection.publish(eventsSubject(partition), `{"n":${i}}${' '.repeat(size)}`);
      total += size;
    }
    expect(total).toBeGreaterThan(20 * LOG_PULL_BYTES);
    await connection.flush();
    await until('stored', async () => (await manager.streams.info(logStream(partition))).state.last_seq === 1500);
    const reader = await RecordingReader.open(connection, partition);
    await until('all', () => reader.records.length >= 1500);
    expect(reader.records.map(({ number }) => number)).toEqual(upTo(1500));
    expect(reader.records.map(({ seq }) => seq)).toEqual(upTo(1500));
    await until('told', () => reader.caughtUpAt.length > 0);
    await fillLog(connection, manager, partition, 1501, 1600);
    await until('more', () => reader.records.length >= 1600);
    expect(reader.caughtUpAt).toEqual([1500]);
    expect(reader.logged).toEqual([]);
    await reader.close();
  });

  it('come without a pause where requests for bytes come out even, which nobody tells', async () => {
    const partition = await freshLog(9);
    const reader = await RecordingReader.open(connection, partition);
    await until('nine', () => reader.records.length === 9);
    const nuidLength = 22;
    const reply = `$JS.ACK.${logStream(partition)}.beckon-.1.10.10.1234567890123456789.10`.length + nuidLength;
    const around = LOG_PULL_BYTES - eventsSubject(partition).length - reply;
    // Several of each size, one per request, around the one that fits exactly: the count of what is pending has one digit or two.
    for (let i = 0; i < 30; i++)
      connection.publish(eventsSubject(partition), Buffer.alloc(around - 5 + Math.floor(i / 3), 'x'));
    await connection.flush();
    await until('all', () => reader.records.length === 39);
    await fillLog(connection, manager, partition, 40, 41);
    await until('what comes after', () => reader.records.length === 41);
    expect(reader.logged).toEqual([]);
    await reader.close();
  });

  it('continue behind a position, and a stream without news has caught up', async () => {
    const partition = await freshLog(10);
    const first = await RecordingReader.open(connection, partition);
    await until('all', () => first.records.length === 10);
    await first.close();
    const second = await RecordingReader.open(connection, partition, first.positions[6]);
    await until('the rest', () => second.records.length === 3);
    expect(second.records.map(({ seq }) => seq)).toEqual([8, 9, 10]);
    const third = await RecordingReader.open(connection, partition, first.positions[9]);
    await until('caught up', () => third.caughtUpAt.length === 1);
    await fillLog(connection, manager, partition, 11, 11);
    await until('the next', () => third.records.length === 1);
    expect(third.records[0]).toMatchObject({ seq: 11, number: 11 });
    await second.close();
    await third.close();
  });

  it('never go back in time, though the position was taken under a clock that was ahead', async () => {
    const partition = await freshLog(3);
    const reader = await RecordingReader.open(connection, partition);
    await until('all', () => reader.records.length === 3);
    await reader.close();
    const position = reader.positions[0] as { seq: number; ts: number; crc: number };
    const ahead = await RecordingReader.open(connection, partition, { ...position, ts: position.ts + 3_600_000 });
    await until('two', () => ahead.records.length === 2);
    expect(ahead.records.map(({ ts }) => ts)).toEqual([position.ts + 3_600_000, position.ts + 3_600_000]);
    await ahead.close();
  });

  it('are held back by pause() with bounded memory', async () => {
    const partition = await freshLog();
    await fillLog(connection, manager, partition, 1, 3000, ' '.repeat(10_000));
    let pauses = 0;
    const reader: RecordingReader = await RecordingReader.open(connection, partition, beginning, () => {
      reader.reader?.pause();
      pauses += 1;
    });
    const received = (): number => (reader.reader as NonNullable<typeof reader.reader>).received;
    await until('the first batch', () => pauses === 1);
    const handedOver = reader.records.length;
    await sleep(2500);
    expect(reader.records.length).toBe(handedOver);
    const held = received() - handedOver;
    expect(held * 10_000).toBeLessThanOrEqual(LOG_PULLS_IN_FLIGHT * LOG_PULL_BYTES);
    expect(received()).toBeLessThan(3000);
    reader.onBatch = () => {};
    reader.reader?.resume();
    await until('all', () => reader.records.length >= 3000);
    expect(reader.records.map(({ number }) => number)).toEqual(upTo(3000));
    expect(reader.logged).toEqual([]);
    await reader.close();
  });
});

describe('what the library keeps to itself', () => {
  it('is what its accessors say', async () => {
    const seen: Msg[] = [];
    const subscription = connection.subscribe('raw.>', { callback: (_error, message) => void seen.push(message) });
    const lines = headers();
    lines.set('A-Name', 'a value');
    lines.append('Zweiter', 'x');
    connection.publish('raw.a', 'payload', { headers: lines, reply: 'answer.here' });
    connection.publish('raw.b');
    connection.publish('raw.c', 'x'.repeat(200_000), { headers: lines });
    await connection.flush();
    await until('three', () => seen.length === 3);
    for (const message of seen) {
      const raw = rawMessage(message);
      expect(Buffer.from(raw.subject).toString()).toBe(message.subject);
      expect(Buffer.from(raw.reply ?? []).toString()).toBe(message.reply ?? '');
      expect(Buffer.compare(payloadOf(raw), message.data)).toBe(0);
      expect(headerValue(raw, 'A-Name')).toBe(message.headers?.get('A-Name') ?? null);
      expect(headerValue(raw, 'Name')).toBeNull();
      expect(headerValue(raw, 'Zweiter')).toBe(message.headers?.get('Zweiter') ?? null);
      expect(statusOf(raw)).toBe(0);
    }
    subscription.unsubscribe();
    const unheard = await connection.request('raw.nobody', '', { timeout: 2000 }).catch((error) => error);
    expect(unheard).toMatchObject({ code: '503' });
  });
});

describe('a stream that does not fit the position', () => {
  it('halts when it was purged past it, before and while it is read', async () => {
    const partition = await freshLog(20);
    const reader = await RecordingReader.open(connection, partition);
    await until('all', () => reader.records.length === 20);
    const position = reader.positions[9];
    reader.reader?.pause();
    await manager.streams.purge(logStream(partition), { seq: 10 });
    // 10 itself is the first that is left: nothing behind position 9 is missing.
    const atEdge = await RecordingReader.open(connection, partition, reader.positions[8]);
    await until('the rest', () => atEdge.records.length === 11);
    await atEdge.close();
    await manager.streams.purge(logStream(partition), { seq: 15 });
    const error = await refusal(RecordingReader.open(connection, partition, position));
    expect(error).toMatchObject({ cause: HaltCause.purged, partition, stream: logStream(partition) });
    expect(error.message).toMatch(/begins at record 15, this partition applied up to 10: records 11 to 14 are gone/);
    expect(error.message).toMatch(/Remedy: /);
    await reader.close();

    const behind = await freshLog();
    await fillLog(connection, manager, behind, 1, 2000, ' '.repeat(10_000));
    const slow: RecordingReader = await RecordingReader.open(connection, behind, beginning, () => slow.reader?.pause());
    await until('a batch', () => slow.batches === 1);
    await manager.streams.purge(logStream(behind), { seq: 1990 });
    slow.onBatch = () => {};
    slow.reader?.resume();
    await until('halted', () => slow.halted.length === 1);
    expect(slow.halted[0]).toMatchObject({ cause: HaltCause.purged });
    expect(slow.records.map(({ seq }) => seq)).toEqual(upTo(slow.records.length));
    expect(slow.halted[0]?.message).toContain(`records ${slow.last + 1} to 1989`);
  });

  it('halts a new node that comes after retention has taken the beginning', async () => {
    const partition = await freshLog(5);
    await manager.streams.purge(logStream(partition), { seq: 3 });
    const error = await refusal(RecordingReader.open(connection, partition));
    expect(error.cause).toBe(HaltCause.purged);
    expect(error.message).toMatch(/records 1 to 2 are gone/);
  });

  it('halts at a message that was deleted from its middle, after all before it', async () => {
    const partition = await freshLog(30);
    await manager.streams.deleteMessage(logStream(partition), 12);
    const reader = await RecordingReader.open(connection, partition);
    await until('halted', () => reader.halted.length === 1);
    expect(reader.halted[0]).toMatchObject({ cause: HaltCause.hole });
    expect(reader.halted[0]?.message).toContain('record 12 is missing from its middle');
    expect(reader.records.map(({ seq }) => seq)).toEqual(upTo(11));
    const whole = await freshLog(3);
    const before = await RecordingReader.open(connection, whole);
    await until('three', () => before.records.length === 3);
    await manager.streams.deleteMessage(logStream(whole), 2);
    expect((await refusal(RecordingReader.open(connection, whole, before.positions[1]))).cause).toBe(HaltCause.hole);
    await before.close();
  });

  it('halts when it was deleted, and when another took its place', async () => {
    const partition = await freshLog(10);
    const reader = await RecordingReader.open(connection, partition);
    await until('all', () => reader.records.length === 10);
    await manager.streams.delete(logStream(partition));
    await until('halted', () => reader.halted.length === 1);
    expect(reader.halted[0]).toMatchObject({ cause: HaltCause.missing });
    expect((await refusal(RecordingReader.open(connection, partition))).cause).toBe(HaltCause.missing);
    await sleep(2);
    await createLog(manager, partition);
    const shorter = await refusal(RecordingReader.open(connection, partition, reader.positions[9]));
    expect(shorter.cause).toBe(HaltCause.recreated);
    expect(shorter.message).toMatch(
      /ends at record 0, this partition applied 10: it was created .* after record 10 was stored/,
    );
    await fillLog(connection, manager, partition, 101, 120);
    const longer = await refusal(RecordingReader.open(connection, partition, reader.positions[9]));
    expect(longer.cause).toBe(HaltCause.recreated);
    expect(longer.message).toContain('record 10 is now another message');
  });

  it('tells the same content stored again from the message that was applied', async () => {
    const partition = await freshLog(4);
    const reader = await RecordingReader.open(connection, partition);
    await until('all', () => reader.records.length === 4);
    await reader.close();
    const { seq, ts, crc } = reader.positions[3] as { seq: number; ts: number; crc: number };
    for (const other of [
      { seq, ts: ts - 1, crc },
      { seq, ts, crc: crc ^ 1 },
    ]) {
      expect((await refusal(RecordingReader.open(connection, partition, other))).cause).toBe(HaltCause.reused);
    }
  });
});

describe('faults that are survived', () => {
  it('a consumer deleted under the reader', async () => {
    const partition = await freshLog(100);
    const reader = await RecordingReader.open(connection, partition);
    await until('all', () => reader.records.length === 100);
    for (let round = 1; round <= 3; round++) {
      for await (const { name } of manager.consumers.list(logStream(partition))) {
        await manager.consumers.delete(logStream(partition), name);
      }
      await fillLog(connection, manager, partition, round * 100 + 1, round * 100 + 100);
      await until(`round ${round}`, () => reader.records.length === round * 100 + 100);
    }
    expect(reader.records.map(({ number }) => number)).toEqual(upTo(400));
    await reader.close();
  });

  it('a link that swallows one direction, and one that is cut', async () => {
    const partition = await freshLog(50);
    const proxy = await TcpProxy.start(server.port);
    const far = await connectNats({ servers: proxy.url, name: 'far' });
    const reader = await RecordingReader.open(far, partition);
    await until('first', () => reader.records.length === 50);
    let last = 50;
    let reconnects = 0;
    for (const direction of ['toClient', 'toServer'] as const) {
      proxy.swallow(direction);
      await fillLog(connection, manager, partition, last + 1, last + 50);
      last += 50;
      await sleep(300);
      proxy.cut();
      await until(`behind ${direction}`, () => reader.records.length === last);
      reconnects += 1;
      // Where the machine is slow, it says other things besides.
      await until('reconnected', () => reader.logged.filter((line) => /reconnected/.test(line)).length === reconnects);
    }
    await fillLog(connection, manager, partition, last + 1, last + 50);
    last += 50;
    await until('a consumer on the new connection', () => reader.records.length === last);
    proxy.swallow('toClient');
    // Nobody cuts this one: the reader notices by itself that the server is silent.
    await until('noticed', () => reader.logged.some((line) => line.includes('no heartbeat')));
    proxy.cut();
    await fillLog(connection, manager, partition, last + 1, last + 50);
    await until('after silence', () => reader.records.length === last + 50);
    expect(reader.records.map(({ number }) => number)).toEqual(upTo(last + 50));
    await reader.close();
    await far.close();
    await proxy.stop();
  });

  it('a connection that is closed for good, which halts', async () => {
    const partition = await freshLog(5);
    const other = await connectNats({ servers: server.url, name: 'other' });
    const reader = await RecordingReader.open(other, partition);
    await until('all', () => reader.records.length === 5);
    await other.close();
    await until('halted', () => reader.halted.length === 1);
    expect(reader.halted[0]).toMatchObject({ cause: HaltCause.closed });
  });

  it('a server that is killed, frozen and started again, in the middle of the flow', async () => {
    const partition = await freshLog();
    const writer = new LogWriter(connection);
    const reader = await RecordingReader.open(connection, partition);
    let written = 0;
    let stop = false;
    const flow = (async () => {
      while (!stop) {
        const batch = upTo(20).map((i) => Buffer.from(`{"n":${written + i}}`));
        await Promise.all(batch.map((payload) => writer.append(partition, RecordKind.events, payload)));
        written += 20;
      }
    })();
    for (const fault of ['kill', 'freeze', 'kill'] as const) {
      const before = written;
      await until('flow', () => written > before + 200);
      if (fault === 'kill') {
        await server.kill();
        await sleep(100);
        await server.restart();
      } else {
        server.freeze();
        await sleep(1500);
        server.thaw();
      }
    }
    const before = written;
    await until('flow', () => written > before + 200);
    stop = true;
    await flow;
    writer.close();
    const { state } = await manager.streams.info(logStream(partition));
    await until('all', () => reader.records.length >= state.last_seq);
    expect(reader.halted).toEqual([]);
    expect(reader.records.map(({ seq }) => seq)).toEqual(upTo(state.last_seq));
    expect(new Set(reader.records.map(({ number }) => number))).toEqual(new Set(upTo(written)));
    expect(state.last_seq).toBe(written);
    await reader.close();
  });
});

describe('a stream that lost its end', () => {
  it('halts while it is shorter, and when it gave the numbers again', async () => {
    const own = await startNatsServer();
    const link = await connectNats({ servers: own.url, name: 'own' });
    const jsm = await link.jetstreamManager({ checkAPI: false });
    await createLog(jsm, 0);
    await fillLog(link, jsm, 0, 1, 100, ' '.repeat(1000));
    const reader = await RecordingReader.open(link, 0);
    await until('all', () => reader.records.length === 100);
    await own.kill();
    const folder = join(own.storeFolder, 'jetstream', '$G', 'streams', logStream(0), 'msgs');
    const block = (await readdir(folder)).find((name) => name.endsWith('.blk')) as string;
    await truncate(join(folder, block), 80_000);
    await own.restart();
    await until('halted', () => reader.halted.length === 1);
    expect(reader.halted[0]).toMatchObject({ cause: HaltCause.truncated });
    const { state } = await jsm.streams.info(logStream(0));
    expect(state.last_seq).toBeLessThan(100);
    expect(reader.halted[0]?.message).toContain(
      `it ends at record ${state.last_seq}, but this partition already applied up to 100`,
    );
    const kept = await RecordingReader.open(link, 0, reader.positions[state.last_seq - 1]);
    await fillLog(link, jsm, 0, 901, 1000, ' '.repeat(1000));
    await until('what came after', () => kept.records.length === 100);
    const error = await refusal(RecordingReader.open(link, 0, reader.positions[99]));
    expect(error.cause).toBe(HaltCause.reused);
    expect(error.message).toMatch(
      /record 100 is now another message, stored .* \(checksum [0-9a-f]{8}\), than this partition applied, stored/,
    );
    await kept.close();
    await link.close();
    await own.stop();
  });
});
