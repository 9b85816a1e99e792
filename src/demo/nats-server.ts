/**
 * A nats-server of our own, on a free port of 127.0.0.1, for the demo, the benchmarks and the tests. What it stores is in a temporary folder unless
 * one is given, and survives kill and restart, on the same port.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findNatsServer } from './nats-server-program.ts';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
const FREEZE_ROUNDS_MAX = 1_000;
const LOG_LENGTH_KEPT = 64 * 1024;

export interface NatsServerSettings {
  /** Path of the program. Default: findNatsServer(). */
  readonly program?: string;
  /** Path of a configuration file to run instead of the one made here, on an address and port of ours; its store_dir, if any, must be $BECKON_NATS_STORE. */
  readonly configFile?: string;
  /** More lines for the configuration made here. */
  readonly config?: string;
  /** When JetStream syncs: `always` (what deploy/nats.conf says) or a duration. Default: the server's, two minutes. */
  readonly syncInterval?: string;
  /** Default: a temporary folder, removed by stop(). */
  readonly storeFolder?: string;
  /** Added to the environment; configuration files refer to it by $NAME. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class NatsServer {
  /** nats://127.0.0.1:port, the same for its whole life. */
  readonly url: string;
  readonly port: number;
  readonly storeFolder: string;
  readonly #program: string;
  readonly #settings: NatsServerSettings;
  readonly #folder: string;
  #child: ChildProcess;
  #log: ServerLog;

  private constructor(
    program: string,
    settings: NatsServerSettings,
    folder: string,
    port: number,
    child: ChildProcess,
    log: ServerLog,
  ) {
    this.#program = program;
    this.#settings = settings;
    this.#folder = folder;
    this.storeFolder = storeFolderOf(settings, folder);
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.#child = child;
    this.#log = log;
  }

  /** Resolves once it takes connections. Rejects with the end of its log if it does not get there. */
  static async start(settings: NatsServerSettings = {}): Promise<NatsServer> {
    const program = settings.program ?? (await findNatsServer());
    const folder = await mkdtemp(join(tmpdir(), 'beckon-nats-'));
    try {
      await mkdir(storeFolderOf(settings, folder), { recursive: true });
      await writeFile(join(folder, 'nats.conf'), configuration(settings));
      const { child, log } = await launch(program, settings, folder, -1);
      const port = await portOf(folder, child);
      return new NatsServer(program, settings, folder, port, child, log);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** The end of what it wrote since it was last started. */
  get log(): string {
    return this.#log.text;
  }

  /** SIGKILL; resolves when the process is gone. What it stored stays. */
  async kill(): Promise<void> {
    if (hasEnded(this.#child)) return;
    const ended = ending(this.#child);
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** Kills it if it runs, and starts it again on the same port and store; `program`: in another version. */
  async restart(program: string = this.#program): Promise<void> {
    await this.kill();
    const { child, log } = await launch(program, this.#settings, this.#folder, this.port);
    this.#child = child;
    this.#log = log;
  }

  /** SIGSTOP: connections stay open, nothing is answered. Resolves once it stands still, where /proc tells. */
  async freeze(): Promise<void> {
    this.#child.kill('SIGSTOP');
    for (let round = 0; round < FREEZE_ROUNDS_MAX; round++) {
      const stat = await readFile(`/proc/${this.pid}/stat`, 'latin1').catch(() => ') T');
      if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return;
      await sleep(1);
    }
  }

  /** SIGCONT. */
  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** Stops it in an orderly way and removes what it stored, unless the folder was given. */
  async stop(): Promise<void> {
    if (!hasEnded(this.#child)) {
      const ended = ending(this.#child);
      this.#child.kill('SIGCONT');
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX);
      await ended;
      clearTimeout(timer);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface ServerLog {
  text: string;
}

function storeFolderOf(settings: NatsServerSettings, folder: string): string {
  return settings.storeFolder ?? join(folder, 'store');
}

function configuration({ syncInterval, config }: NatsServerSettings): string {
  const sync = syncInterval === undefined ? '' : `sync_interval: ${syncInterval}`;
  return `max_payload: 8MB\njetstream { store_dir: $BECKON_NATS_STORE\n ${sync} }\n${config ?? ''}\n`;
}

async function launch(
  program: string,
  settings: NatsServerSettings,
  folder: string,
  port: number,
): Promise<{ child: ChildProcess; log: ServerLog }> {
  const configFile = settings.configFile ?? join(folder, 'nats.conf');
  const flags = ['-c', configFile, '-a', '127.0.0.1', '-p', String(port), '--ports_file_dir', folder];
  const child = spawn(program, flags, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, BECKON_NATS_STORE: storeFolderOf(settings, folder), ...settings.environment },
  });
  const log = { text: '' };
  // A test that fails or a demo that is interrupted leaves no server behind.
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  child.once('exit', () => process.removeListener('exit', endWithUs));
  try {
    await ready(child, log);
    return { child, log };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function ready(child: ChildProcess, log: ServerLog): Promise<void> {
  return new Promise((done, fail) => {
    const timer = setTimeout(
      () => fail(new Error(`nats-server was not ready within ${START_MS_MAX} ms\n${log.text}`)),
      START_MS_MAX,
    );
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      action();
    };
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log.text = (log.text + text).slice(-LOG_LENGTH_KEPT);
      if (/Server is ready/.test(text)) settle(done);
    });
    child.once('error', (error) => settle(() => fail(error)));
    child.once('close', (code, signal) =>
      settle(() => fail(new Error(`nats-server ended with ${signal ?? `exit code ${code}`}\n${log.text}`))),
    );
  });
}

/** The port that it chose, from the file that it writes once it listens. */
async function portOf(folder: string, child: ChildProcess): Promise<number> {
  const giveUpAt = performance.now() + START_MS_MAX;
  for (;;) {
    // Its name begins with that of the program.
    const name = (await readdir(folder)).find((entry) => entry.endsWith(`_${child.pid}.ports`));
    const text = name === undefined ? '' : await readFile(join(folder, name), 'utf8');
    const port = Number(/"(?:nats|tls):\/\/127\.0\.0\.1:(\d+)"/.exec(text)?.[1] ?? 0);
    if (port > 0) return port;
    if (performance.now() > giveUpAt) {
      child.kill('SIGKILL');
      throw new Error('nats-server did not say which port it chose');
    }
    await sleep(10);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function ending(child: ChildProcess): Promise<void> {
  return new Promise((done) => child.once('exit', () => done()));
}
