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
  readonly socket: Socket;
  #answered: Answered | null = null;
  #received: Buffer = Buffer.alloc(0);
  readonly #idle: (connection: Connection) => void;

  constructor(socket: Socket, idle: (connection: Connection) => void) {
    this.socket = socket;
    this.#idle = idle;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => this.#settle(0));
    // 'close' follows.
    socket.on('error', () => {});
  }

  send(request: Buffer, answered: Answered): void {
    this.#answered = answered;
    if (this.socket.destroyed) this.#settle(0);
    else this.socket.write(request);
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
  readonly #connections: Connection[];
  readonly #free: Connection[] = [];
  #waiting: { readonly request: Buffer; readonly answered: Answered }[] = [];
  #served = 0;

  private constructor(sockets: readonly Socket[]) {
    this.#connections = sockets.map((socket) => new Connection(socket, (connection) => this.#next(connection)));
    this.#free.push(...this.#connections);
  }

  static async open(port: number, count: number): Promise<HttpConnections> {
    return new HttpConnections(await Promise.all(Array.from({ length: count }, () => open(port))));
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
    for (const { socket } of this.#connections) socket.destroy();
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

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}
