/** Replies of Redis are understood however they are cut up on the way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RedisConnection } from '../../../native-bench/peers/redis-connection.ts';

let folder: string;
let server: Server;
let received: Buffer[];
let onConnection: (socket: Socket) => void;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'beckon-redis-'));
  received = [];
  server = createServer((socket) => {
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

it('takes replies that arrive byte by byte, in order', async () => {
  const replies = '+OK\r\n:12\r\n$5\r\nhe\r\no\r\n$-1\r\n*3\r\n:1\r\n*1\r\n$1\r\nx\r\n$0\r\n\r\n-ERR no\r\n*-1\r\n';
  onConnection = async (socket) => {
    for (const byte of Buffer.from(replies)) {
      socket.write(Buffer.of(byte));
      await sleep(0);
    }
  };
  const connection = await RedisConnection.open(join(folder, 's'));
  const answers = await Promise.allSettled(Array.from({ length: 7 }, () => connection.send('PING')));
  expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : String(answer.reason)))).toEqual([
    'OK',
    12,
    'he\r\no',
    null,
    [1, ['x'], ''],
    'Error: redis-server: ERR no',
    null,
  ]);
  connection.close();
});

it('writes texts, numbers and bytes with their lengths', async () => {
  onConnection = (socket) => {
    socket.once('data', () => socket.write('+OK\r\n'));
  };
  const connection = await RedisConnection.open(join(folder, 's'));
  await connection.send('SET', 'kä', 7, Uint8Array.of(0, 255), 'x');
  expect(Buffer.concat(received).toString('latin1')).toBe(
    '*5\r\n$3\r\nSET\r\n$3\r\nk\xc3\xa4\r\n$1\r\n7\r\n$2\r\n\x00\xff\r\n$1\r\nx\r\n',
  );
  connection.close();
});

it('rejects what waits when the server goes away', async () => {
  onConnection = (socket) => socket.destroy();
  const connection = await RedisConnection.open(join(folder, 's'));
  await expect(connection.send('PING')).rejects.toThrow();
  await expect(connection.send('PING')).rejects.toThrow();
});
