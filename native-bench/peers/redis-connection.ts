/**
 * As much of Redis' protocol (RESP2) as the benchmarks need: commands are pipelined on one connection, replies come in order. A reply is a string, a number,
 * null or an array of those; an error rejects.
 */
import { connect, type Socket } from 'node:net';

export type RedisReply = string | number | null | readonly RedisReply[];

interface Waiting {
  resolve(reply: RedisReply): void;
  reject(error: Error): void;
}

class ReplyError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

type Parsed = { readonly value: RedisReply | ReplyError; readonly end: number } | null;

export class RedisConnection {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #buffer: Buffer = Buffer.alloc(0);
  #failure: Error | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('redis-server closed the connection')));
  }

  /** Over a Unix socket. */
  static open(path: string): Promise<RedisConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RedisConnection(socket));
      });
      socket.once('error', reject);
    });
  }

  send(...parts: readonly (string | number | Uint8Array)[]): Promise<RedisReply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    // Text is gathered into one string: a buffer for every part of a long HSET would cost more than the command.
    this.#socket.cork();
    let text = `*${parts.length}\r\n`;
    for (const part of parts) {
      if (part instanceof Uint8Array) {
        this.#socket.write(`${text}$${part.length}\r\n`);
        this.#socket.write(part);
        text = '\r\n';
      } else {
        const content = String(part);
        text += `$${Buffer.byteLength(content)}\r\n${content}\r\n`;
      }
    }
    this.#socket.write(text);
    this.#socket.uncork();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    let at = 0;
    for (let parsed = parse(this.#buffer, at); parsed !== null; parsed = parse(this.#buffer, at)) {
      at = parsed.end;
      const waiting = this.#waiting.shift();
      if (parsed.value instanceof ReplyError) waiting?.reject(new Error(`redis-server: ${parsed.value.message}`));
      else waiting?.resolve(parsed.value);
    }
    this.#buffer = this.#buffer.subarray(at);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** The reply that begins at `at`; null while a part of it is missing. */
function parse(buffer: Buffer, at: number): Parsed {
  const lineEnd = buffer.indexOf('\r\n', at, 'latin1');
  if (lineEnd < 0) return null;
  const line = buffer.toString('utf8', at + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(buffer[at] as number)) {
    case '+':
      return { value: line, end };
    case '-':
      return { value: new ReplyError(line), end };
    case ':':
      return { value: Number(line), end };
    case '$':
      return parseBulk(buffer, Number(line), end);
    case '*':
      return parseArray(buffer, Number(line), end);
    default:
      throw new Error(`redis-server: a reply that begins with ${line.slice(0, 20)}`);
  }
}

function parseBulk(buffer: Buffer, length: number, start: number): Parsed {
  if (length < 0) return { value: null, end: start };
  const end = start + length + 2;
  return end > buffer.length ? null : { value: buffer.toString('utf8', start, start + length), end };
}

function parseArray(buffer: Buffer, count: number, start: number): Parsed {
  if (count < 0) return { value: null, end: start };
  const items: RedisReply[] = [];
  let end = start;
  for (let i = 0; i < count; i++) {
    const item = parse(buffer, end);
    if (item === null) return null;
    if (item.value instanceof ReplyError) return item;
    items.push(item.value);
    end = item.end;
  }
  return { value: items, end };
}
