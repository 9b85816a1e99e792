/**
 * A link that can be broken: passes TCP on to a port of 127.0.0.1, until told to swallow one direction (a half-open link: both ends believe that they are connected) or
 * to cut. What was swallowed is gone, so a swallowed connection is good for nothing but to be cut.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'toServer' | 'toClient';

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #swallowed = new Set<Direction>();
  /** Bytes passed on so far. */
  readonly passed: Record<Direction, number> = { toServer: 0, toClient: 0 };
  /** Takes new connections. */
  #accepts = true;
  #fatalAnswer: RegExp | null = null;
  /** How often cutInsteadOf() struck. */
  answersLost = 0;

  private constructor(target: number) {
    this.#server = createServer((client) => this.#accept(client, target));
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing passes in this direction, on present connections and new ones. */
  swallow(direction: Direction): void {
    this.#swallowed.add(direction);
  }

  /** Ends all connections at once; new ones pass everything. */
  cut(): void {
    this.#swallowed.clear();
    this.#accepts = true;
    this.#endAll();
  }

  /** Cuts a connection instead of passing on what the server says, the next time that it matches: the server has done its work, and nobody hears of it. */
  cutInsteadOf(answer: RegExp): void {
    this.#fatalAnswer = answer;
  }

  /** Ends all connections and refuses new ones until cut() or heal(). */
  block(): void {
    this.#accepts = false;
    this.#endAll();
  }

  heal(): void {
    this.#accepts = true;
  }

  async stop(): Promise<void> {
    this.#endAll();
    await new Promise((done) => this.#server.close(done));
  }

  #endAll(): void {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    this.#links.clear();
  }

  #accept(client: Socket, target: number): void {
    if (!this.#accepts) {
      client.destroy();
      return;
    }
    const server = connect(target, '127.0.0.1');
    const link = { client, server };
    this.#links.add(link);
    this.#pass(link, client, server, 'toServer');
    this.#pass(link, server, client, 'toClient');
  }

  #pass(link: Link, from: Socket, to: Socket, direction: Direction): void {
    from.on('data', (bytes) => {
      if (this.#swallowed.has(direction)) return;
      if (direction === 'toClient' && this.#fatalAnswer?.test(bytes.toString('latin1'))) {
        this.#fatalAnswer = null;
        this.answersLost += 1;
        to.destroy();
        return;
      }
      this.passed[direction] += bytes.length;
      to.write(bytes);
    });
    from.on('error', () => {});
    from.on('close', () => {
      to.destroy();
      this.#links.delete(link);
    });
  }
}
