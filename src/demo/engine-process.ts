/** The engine as a user would start it: `beckon serve` in a process of its own, on a free port, with data in a temporary folder that goes away with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { NatsServer } from './nats-server.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const START_MS_MAX = 30_000;
/** Draining and a snapshot of a small demo take well under a second; a machine under load gets its time. */
const STOP_MS_MAX = 20_000;
const LOG_LINES_KEPT = 20;

/** The engine failed the demo: the message says how, with the end of its log. */
export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';
}

export class EngineProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #lastLog: string[];
  readonly #nats: NatsServer | null;
  #stopping = false;

  private constructor(url: string, child: ChildProcess, folder: string, lastLog: string[], nats: NatsServer | null) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
    this.#lastLog = lastLog;
    this.#nats = nats;
  }

  /**
   * Ready to take events when it resolves. Throws with the end of the engine's log if it does not get there. `nats`: the log is JetStream's, from a server
   * that is started and stopped with the engine.
   */
  static async start(workspace: string, nats: NatsServer | null = null): Promise<EngineProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'beckon-demo-'));
    const flags = [
      '--workspace',
      workspace,
      '--data',
      join(folder, 'data'),
      '--clock',
      'event',
      '--http',
      '127.0.0.1:0',
      ...(nats === null ? [] : ['--nats', nats.url]),
    ];
    const child = spawn(process.execPath, [MAIN, 'serve', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: ownEnvironment(),
    });
    const lastLog: string[] = [];
    if (child.stderr) {
      createInterface(child.stderr).on('line', (line) => {
        lastLog.push(line);
        if (lastLog.length > LOG_LINES_KEPT) lastLog.shift();
      });
    }
    try {
      const url = await listening(child);
      await ready(url, child);
      return new EngineProcess(url, child, folder, lastLog, nats);
    } catch (error) {
      child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
      await nats?.stop();
      throw new EngineFailure(`the engine did not start: ${(error as Error).message}\n${lastLog.join('\n')}`);
    }
  }

  /** Rejects if the engine ends without being asked to. */
  died(): Promise<never> {
    return new Promise((_, reject) => {
      this.#child.once('close', (code, signal) => {
        if (!this.#stopping)
          reject(new EngineFailure(`the engine ended with ${signal ?? `exit code ${code}`}\n${this.log}`));
      });
    });
  }

  /** What the engine said last: for an error report. */
  get log(): string {
    return this.#lastLog.join('\n');
  }

  /** Asks it to drain and stop, and removes its data. @returns its exit code, or null if it had to be killed. */
  async stop(): Promise<number | null> {
    this.#stopping = true;
    const code = await stopped(this.#child);
    await this.#nats?.stop();
    await rm(this.#folder, { recursive: true, force: true });
    return code;
  }
}

/** Without the flags of some other node that happen to be in the environment. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('BECKON_'));
  return { ...Object.fromEntries(kept), BECKON_LOG: 'warn' };
}

/** The URL from its one line on stdout. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer in ${START_MS_MAX / 1000} s`)), START_MS_MAX);
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      action();
    };
    child.once('error', (error) => settle(() => reject(error)));
    // 'close' comes after its output is read, so that the report has all of it.
    child.once('close', (code) => settle(() => reject(new Error(`it ended with exit code ${code}`))));
    if (!child.stdout) return;
    createInterface(child.stdout).on('line', (line) => {
      const url = /^listening on (http:\S+)$/.exec(line)?.[1];
      if (url !== undefined) settle(() => resolve(url));
    });
  });
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const giveUpAt = performance.now() + START_MS_MAX;
  for (;;) {
    const response = await fetch(`${url}/readyz`).catch(() => null);
    if (response?.status === 200) return;
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
    if (performance.now() > giveUpAt) throw new Error(`not ready: ${response ? await response.text() : 'no answer'}`);
    await sleep(20);
  }
}

async function stopped(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  const code = await ended;
  clearTimeout(timer);
  return code;
}
