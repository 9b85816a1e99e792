/**
 * `ws` as the peer for fan-out: a bare server in a process of its own (ws-fan-out-server.ts). Start it, connect subscribers to `url`, wait for `subscribed`, and
 * `publish` texts of up to 65,535 bytes: those of one call reach each subscriber in one write. Frames are made once for all: the least that a server on Node's
 * sockets can do.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface ToFanOut {
  readonly texts: readonly string[];
}

export type FromFanOut =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'subscribers'; readonly count: number };

export class WsFanOut {
  /** ws://127.0.0.1:port; any path will do. */
  readonly url: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  #subscribers = 0;
  #onSubscriber: () => void = () => {};

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.pid = child.pid as number;
    this.url = `ws://127.0.0.1:${port}`;
    child.on('message', (message: FromFanOut) => {
      if (message.kind !== 'subscribers') return;
      this.#subscribers = message.count;
      this.#onSubscriber();
    });
  }

  static async start(): Promise<WsFanOut> {
    // .ts or .js, as this file is run.
    const program = join(import.meta.dirname, `ws-fan-out-server${import.meta.url.slice(-3)}`);
    const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message: FromFanOut) => {
        if (message.kind === 'listening') resolve(message.port);
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`the ws server ended (${signal ?? code})`)));
    });
    return new WsFanOut(child, port);
  }

  /** Resolves once so many subscribers are connected. */
  async subscribed(count: number): Promise<void> {
    while (this.#subscribers < count)
      await new Promise<void>((resolve) => {
        this.#onSubscriber = resolve;
      });
  }

  publish(texts: readonly string[]): void {
    this.#child.send({ texts } satisfies ToFanOut);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}
