/**
 * A peer's server as a child of the suite, in the suite's process group (which the bench ends as a whole when it is interrupted), with its files in a folder
 * of the suite's. Stopped by its process id.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { FoundProgram } from './debian-program.ts';

const STOP_MS_MAX = 20_000;
const LOG_LENGTH_KEPT = 8192;

export class ServerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly #name: string;
  readonly #ended: Promise<void>;
  #log = '';
  #hasEnded = false;

  /** Its standard output is the caller's to read; what it writes to standard error is kept for messages. */
  constructor(name: string, program: FoundProgram, args: readonly string[], folder: string) {
    this.#name = name;
    this.child = spawn(program.path, args, {
      cwd: folder,
      env: { ...process.env, ...program.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.pid = this.child.pid ?? 0;
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-LOG_LENGTH_KEPT);
    });
    // Writing to a program that ended is told by its end.
    this.child.stdin?.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#hasEnded = true;
        resolve();
      };
      this.child.once('exit', end);
      this.child.once('error', end);
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Rejects when the process ends: to be raced against whatever is awaited from it. */
  async failure(): Promise<never> {
    await this.#ended;
    throw new Error(`${this.#name} ended (${this.child.exitCode ?? this.child.signalCode}): ${this.#log.trim()}`);
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    // One that reads commands there ends with them, and may hear of no signal before.
    this.child.stdin?.end();
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS_MAX);
    await this.#ended;
    clearTimeout(timer);
  }
}
