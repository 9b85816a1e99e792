/** Talking to a gateway under test: a started gateway over a FakeEngine, plain HTTP, and raw sockets for what no client would send. */
import { connect, type Socket } from 'node:net';
import { Gateway, type GatewayOptions } from '../../src/gateway/gateway.ts';
import { FakeEngine } from './fake-engine.ts';

export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, member by member
  readonly json: any;
}

export interface Logged {
  readonly level: 'error' | 'warn';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class GatewayUnderTest {
  readonly engine: FakeEngine;
  readonly gateway: Gateway;
  /** What was logged as an error or a warning. */
  readonly logged: Logged[];
  readonly port: number;

  private constructor(engine: FakeEngine, gateway: Gateway, logged: GatewayUnderTest['logged'], port: number) {
    this.engine = engine;
    this.gateway = gateway;
    this.logged = logged;
    this.port = port;
  }

  static async start(options: Partial<GatewayOptions> = {}, engine = new FakeEngine()): Promise<GatewayUnderTest> {
    const logged: Logged[] = [];
    const log =
      (level: Logged['level']) =>
      (fields: Readonly<Record<string, unknown>>, message: string): void => {
        logged.push({ level, message, fields });
      };
    const gateway = new Gateway({ engine, logger: { error: log('error'), warn: log('warn') }, ...options });
    const port = await gateway.listen('127.0.0.1', 0);
    return new GatewayUnderTest(engine, gateway, logged, port);
  }

  async request(
    method: string,
    path: string,
    body?: string | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<TestAnswer> {
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = body;
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, init);
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json') && text !== '';
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null };
  }

  post(path: string, body: unknown, type = 'application/json'): Promise<TestAnswer> {
    const bytes = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    return this.request('POST', path, bytes, { 'content-type': type });
  }

  get(path: string): Promise<TestAnswer> {
    return this.request('GET', path);
  }

  /**
   * Sends the pieces over one connection, each in a segment of its own, and resolves with everything that came back, once the server has closed
   * the connection or `until` has come.
   */
  raw(
    pieces: readonly (string | Uint8Array)[],
    until: string | null = null,
  ): Promise<{ text: string; closed: boolean }> {
    return new Promise((resolve) => {
      const socket = this.connect();
      let text = '';
      const finish = (closed: boolean): void => {
        socket.destroy();
        resolve({ text, closed });
      };
      socket.on('data', (data) => {
        text += data.toString('latin1');
        if (until !== null && text.includes(until)) finish(false);
      });
      socket.on('close', () => finish(true));
      void (async () => {
        for (const piece of pieces) {
          if (socket.destroyed) return;
          socket.write(piece);
          await new Promise((next) => setTimeout(next, 5));
        }
      })();
    });
  }

  connect(): Socket {
    const socket = connect(this.port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.on('error', () => {});
    return socket;
  }

  /** Resolves when `condition` holds; the test's own timeout is the bound. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((next) => setTimeout(next, 2));
  }

  stop(): Promise<void> {
    this.engine.release();
    return this.gateway.close();
  }
}
