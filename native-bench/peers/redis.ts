/**
 * Redis 7 as a peer: a server of the suite's own on a Unix socket (no port is opened), `appendfsync everysec` unless it is to keep nothing, no snapshots. The kernel runs
 * as functions in Lua (redis/kernel.lua says how); batches are pipelined on one connection.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checksumOf, type DecidedTotals, type RankedRule } from '../workload/kernel-peers.ts';
import type { FoundProgram } from './debian-program.ts';
import { benchFolder } from './packages.ts';
import { RedisConnection } from './redis-connection.ts';
import { ServerProcess } from './server-process.ts';

const START_MS_MAX = 20_000;
/** sun_path has 108 on Linux, 104 elsewhere, with the byte that ends it. */
const SOCKET_PATH_BYTES_MAX = 103;
const CUSTOMERS_PER_LOAD = 1000;

export class Redis {
  readonly connection: RedisConnection;
  readonly version: string;
  readonly totals: { -readonly [Key in keyof DecidedTotals]: number } = { decided: 0, checksum: 0 };
  readonly #process: ServerProcess;

  private constructor(process: ServerProcess, connection: RedisConnection, version: string) {
    this.#process = process;
    this.connection = connection;
    this.version = version;
  }

  static async start(
    program: FoundProgram,
    folder: string,
    { appendOnly = true }: { readonly appendOnly?: boolean } = {},
  ): Promise<Redis> {
    await mkdir(folder, { recursive: true });
    const socket = join(folder, 's');
    if (Buffer.byteLength(socket) > SOCKET_PATH_BYTES_MAX)
      throw new Error(
        `the path of a socket is limited to ${SOCKET_PATH_BYTES_MAX} bytes, set a shorter TMPDIR: ${socket}`,
      );
    const settings = {
      port: '0',
      unixsocket: socket,
      dir: folder,
      appendonly: appendOnly ? 'yes' : 'no',
      appendfsync: 'everysec',
      save: '',
      daemonize: 'no',
      // The log is rewritten when the operator says so, not in the middle of a measurement.
      'auto-aof-rewrite-percentage': '0',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const server = new ServerProcess('redis-server', program, args, folder);
    server.child.stdout?.resume();
    try {
      const connection = await connectWithin(socket, server);
      const info = String(await connection.send('INFO', 'server'));
      const version = /redis_version:(\S+)/.exec(info)?.[1] ?? '';
      return new Redis(server, connection, version);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  async loadKernel(rules: readonly RankedRule[], customers: number): Promise<void> {
    const table = rules.map(({ shape, limit, other, rank }) => `{${shape},${limit},${other},${rank}}`).join(',');
    const script = await readFile(join(benchFolder(), 'peers/redis/kernel.lua'), 'utf8');
    await this.connection.send('FUNCTION', 'LOAD', 'REPLACE', script.replace('= RULES', `= {${table}}`));
    for (let first = 0; first < customers; first += CUSTOMERS_PER_LOAD)
      await this.connection.send('FCALL', 'load', 0, first, Math.min(customers, first + CUSTOMERS_PER_LOAD));
  }

  /** Up to `inFlight` batches (encodeEventArrays) are on their way at a time. */
  async run(batches: readonly Uint8Array[], inFlight: number): Promise<void> {
    let next = 0;
    const runLane = async (): Promise<void> => {
      while (next < batches.length) {
        const ranks = (await this.connection.send('FCALL', 'apply', 0, batches[next++] as Uint8Array)) as number[];
        for (const rank of ranks) this.totals.checksum += checksumOf(rank, ++this.totals.decided);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, runLane));
  }

  async stop(): Promise<void> {
    this.connection.close();
    await this.#process.stop();
  }
}

async function connectWithin(socket: string, server: ServerProcess): Promise<RedisConnection> {
  const giveUpAt = performance.now() + START_MS_MAX;
  for (;;) {
    if (server.hasEnded) return server.failure();
    try {
      return await RedisConnection.open(socket);
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(20);
    }
  }
}
