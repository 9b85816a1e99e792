/** The part of a node that serves the decision streams of a real server, and clients of it. Several make a cluster, in one process. */
import { once } from 'node:events';
import { unpack } from 'msgpackr';
import type { NatsConnection } from 'nats';
import WebSocket from 'ws';
import type { Engine } from '../../src/gateway/engine.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { connectNats } from '../../src/log/jetstream/connection.ts';
import { JetStreamDecisionGroups } from '../../src/log/jetstream/decision-groups.ts';
import { JetStreamDecisionSource } from '../../src/log/jetstream/decision-source.ts';

export class StreamNode {
  readonly source: JetStreamDecisionSource;
  readonly groups: JetStreamDecisionGroups;
  readonly gateway: Gateway;
  readonly port: number;
  readonly logged: readonly string[];
  readonly #connection: NatsConnection;

  private constructor(
    connection: NatsConnection,
    source: JetStreamDecisionSource,
    groups: JetStreamDecisionGroups,
    gateway: Gateway,
    port: number,
    logged: readonly string[],
  ) {
    this.#connection = connection;
    this.source = source;
    this.groups = groups;
    this.gateway = gateway;
    this.port = port;
    this.logged = logged;
  }

  static async start(
    servers: string,
    partitions: number,
    identity: string,
    tailBytesMax = 1 << 20,
  ): Promise<StreamNode> {
    const connection = await connectNats({ servers, name: 'node under test' });
    const logged: string[] = [];
    const source = await JetStreamDecisionSource.open(connection, partitions, identity, {
      halted: (_partition, error) => logged.push(error.message),
      log: () => {},
    });
    const groups = await JetStreamDecisionGroups.open(connection, partitions);
    const log = (fields: Readonly<Record<string, unknown>>, message: string): void => {
      logged.push(`${message} ${String(fields['err'] ?? '')}`);
    };
    const gateway = new Gateway({
      engine: engineOf(source, groups, partitions),
      logger: { error: log, warn: log },
      limits: { tailBytesMax, readBytesMax: 4096 },
    });
    const port = await gateway.listen('127.0.0.1', 0);
    return new StreamNode(connection, source, groups, gateway, port, logged);
  }

  /** Has it connect again; resolves when it has no connection. */
  async loseConnection(): Promise<void> {
    const lost = new Promise<void>((resolve) => {
      void (async () => {
        for await (const { type } of this.#connection.status()) if (type === 'disconnect') return resolve();
      })();
    });
    await this.#connection.reconnect();
    await lost;
  }

  async stop(): Promise<void> {
    await this.gateway.close();
    this.groups.close();
    this.source.close();
    await this.#connection.close();
  }
}

function engineOf(decisions: JetStreamDecisionSource, groups: JetStreamDecisionGroups, partitions: number): Engine {
  const none = (): never => {
    throw new Error('this node serves streams only');
  };
  return {
    partitions,
    decisions,
    groups,
    submit: none,
    decide: none,
    customer: none,
    why: none,
    campaigns: none,
    waiting: none,
    countAudience: none,
    openAudience: none,
    backtests: { start: none, list: none, find: none, remove: none },
    workspace: () => null,
    publish: none,
    preview: none,
    metrics: none,
    readiness: () => ({ ready: true, detail: 'ready' }),
  };
}

export interface StreamFrame {
  readonly cursor: string;
  readonly ids: readonly string[];
}

/** Somebody who listens to the decision stream, and keeps what comes. */
export class StreamClient {
  readonly socket: WebSocket;
  readonly frames: StreamFrame[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** What the last message said, if it was a problem. */
  problem: { readonly status: number; readonly type: string; readonly detail: string } | null = null;
  /** Called with each frame. */
  onFrame: (frame: StreamFrame) => void = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      const message = isBinary ? unpack(data) : JSON.parse(String(data));
      if (message.problem !== undefined) {
        this.problem = message.problem;
        return;
      }
      const decisions: { id: string }[] = message.decisions ?? [message.decision];
      const frame = { cursor: message.cursor, ids: decisions.map(({ id }) => id) };
      this.frames.push(frame);
      this.onFrame(frame);
    });
  }

  /** Resolves when it is open; rejects with the problem document. */
  static async open(node: StreamNode, query: string, protocols: string[] = []): Promise<StreamClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}/v1/decisions${query}`, protocols);
    const client = new StreamClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
      socket.on('unexpected-response', (_request, response) => {
        let text = '';
        response.on('data', (data) => {
          text += String(data);
        });
        response.on('end', () => reject(Object.assign(new Error(text), { problem: JSON.parse(text) })));
      });
    });
    return client;
  }

  get ids(): string[] {
    return this.frames.flatMap((frame) => frame.ids);
  }

  get cursor(): string {
    return this.frames.at(-1)?.cursor ?? '';
  }

  acknowledge(cursor: string): void {
    this.socket.send(JSON.stringify({ ack: cursor }));
  }

  /** Resolves when there are so many decisions; the test's own timeout is the bound. */
  async got(count: number): Promise<string[]> {
    await until(() => this.ids.length >= count);
    return this.ids;
  }

  async leave(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, 'close');
    this.socket.terminate();
    await closed;
  }
}

/** The test's own timeout is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((next) => setTimeout(next, 5));
}
