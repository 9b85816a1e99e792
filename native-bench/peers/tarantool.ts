/**
 * Tarantool as the peer for the machine's kernel: starts tarantool/kernel.lua, which says how it works, and talks with it in lines over its standard input and
 * output. No port is opened.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { DecidedTotals, RankedRule } from '../workload/kernel-peers.ts';
import type { FoundProgram } from './debian-program.ts';
import { benchFolder } from './packages.ts';
import { ServerProcess } from './server-process.ts';

export type WalMode = 'none' | 'write' | 'fsync';

export interface TarantoolRun extends DecidedTotals {
  /** Of its own monotonic clock, from the first batch taken to the last commit. */
  readonly seconds: number;
  readonly events: number;
}

export class Tarantool {
  readonly version: string;
  readonly #process: ServerProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;
  readonly #folder: string;

  private constructor(
    process: ServerProcess,
    lines: Interface,
    answers: AsyncIterator<string>,
    folder: string,
    version: string,
  ) {
    this.#process = process;
    this.#lines = lines;
    this.#answers = answers;
    this.#folder = folder;
    this.version = version;
  }

  static async start(program: FoundProgram, folder: string, walMode: WalMode): Promise<Tarantool> {
    await mkdir(folder, { recursive: true });
    const script = join(benchFolder(), 'peers/tarantool/kernel.lua');
    const server = new ServerProcess('tarantool', program, [script, folder, walMode], folder);
    const lines = createInterface({ input: server.child.stdout as NodeJS.ReadableStream });
    const answers = lines[Symbol.asyncIterator]();
    const { version } = (await read(server, answers)) as { version: string };
    return new Tarantool(server, lines, answers, folder, version);
  }

  get pid(): number {
    return this.#process.pid;
  }

  async load(customers: number): Promise<void> {
    await this.#ask(`load ${customers}`);
  }

  async setRules(rules: readonly RankedRule[]): Promise<void> {
    const path = join(this.#folder, 'rules.json');
    await writeFile(path, JSON.stringify(rules));
    await this.#ask(`rules ${path}`);
  }

  /** Batches (encodeEventArrays) are put into a file first, which it reads whole before it looks at its clock. */
  async run(batches: readonly Uint8Array[], fibers: number): Promise<TarantoolRun> {
    const path = join(this.#folder, 'batches');
    await writeFile(
      path,
      batches.flatMap((batch) => [lengthOf(batch), batch]),
    );
    return (await this.#ask(`run ${path} ${fibers}`)) as TarantoolRun;
  }

  async stop(): Promise<void> {
    this.#lines.close();
    await this.#process.stop();
  }

  async #ask(command: string): Promise<unknown> {
    this.#process.child.stdin?.write(`${command}\n`);
    return read(this.#process, this.#answers);
  }
}

async function read(server: ServerProcess, answers: AsyncIterator<string>): Promise<unknown> {
  const { value, done } = await Promise.race([answers.next(), server.failure()]);
  if (done === true) return server.failure();
  return JSON.parse(value);
}

function lengthOf(batch: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(batch.length);
  return header;
}
