/**
 * A keep-alive HTTP client for load: raw sockets, requests built beforehand, answers read only as far as their status and length. One request is under way per
 * connection; what finds none free waits in line, and its waiting counts as latency.
 */
import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/** A whole request, as it goes over the wire. */
export function postRequest(path: string, contentType: string, body: Uint8Array): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

type Answered = (status: number) => void;

class Connection {
  readonly #port: number;
  #socket: Socket;
  #answered: Answered | null = null;
  #received: Buffer = Buffer.alloc(0);
  readonly #idle: (connection: Connection) => void;

  private constructor(port: number, idle: (connection: Connection) => void) {
    this.#port = port;
    this.#idle = idle;
    this.#socket = this.#connect();
  }

  static open(port: number, idle: (connection: Connection) => void): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const connection = new Connection(port, idle);
      connection.#socket.once('connect', () => resolve(connection));
      connection.#socket.once('error', reject);
    });
  }

  send(request: Buffer, answered: Answered): void {
    this.#answered = answered;
    // A server closes what is not used for a while.
    if (!this.#socket.writable) this.#socket = this.#connect();
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #connect(): Socket {
    this.#received = Buffer.alloc(0);
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => {
      if (socket === this.#socket) this.#settle(0);
    });
    // 'close' follows.
    socket.on('error', () => {});
    return socket;
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < headEnd + HEAD_END.length + length) return;
    this.#received = Buffer.alloc(0);
    this.#settle(Number(head.slice(9, 12)));
  }

  #settle(status: number): void {
    const answered = this.#answered;
    this.#answered = null;
    if (answered === null) return;
    answered(status);
    this.#idle(this);
  }
}

export class HttpConnections {
  #connections: readonly Connection[] = [];
  readonly #free: Connection[] = [];
  #waiting: { readonly request: Buffer; readonly answered: Answered }[] = [];
  #served = 0;

  private constructor() {}

  static async open(port: number, count: number): Promise<HttpConnections> {
    const all = new HttpConnections();
    const opening = Array.from({ length: count }, () => Connection.open(port, (connection) => all.#next(connection)));
    all.#connections = await Promise.all(opening);
    all.#free.push(...all.#connections);
    return all;
  }

  /** `answered` hears the status, or 0 if the connection broke. */
  post(request: Buffer, answered: Answered): void {
    const connection = this.#free.pop();
    if (connection === undefined) this.#waiting.push({ request, answered });
    else connection.send(request, answered);
  }

  /** Requests that wait for a connection. */
  get queued(): number {
    return this.#waiting.length - this.#served;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #next(connection: Connection): void {
    const next = this.#waiting[this.#served];
    if (next === undefined) {
      this.#waiting = [];
      this.#served = 0;
      this.#free.push(connection);
      return;
    }
    this.#served += 1;
    connection.send(next.request, next.answered);
  }
}
