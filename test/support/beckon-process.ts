/** A real `beckon serve` in a child process, from dist/, on a free port of 127.0.0.1, with its data in a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../../dist/main.js');
const START_MS_MAX = 60_000;

export interface BeckonProcess {
  readonly url: string;
  readonly pid: number;
  /** Everything it wrote to stderr so far. */
  stderr(): string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM, or another signal; resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'beckon-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs `beckon serve` with these flags (`--http` is given) and waits until it listens. Rejects with its stderr if it ends before. */
export async function startBeckon(...flags: string[]): Promise<BeckonProcess> {
  const child = spawn(process.execPath, [MAIN, 'serve', '--http', '127.0.0.1:0', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // Not 'exit', which may come before the last that it wrote was read.
  const gone = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  const url = await listening(child, gone, () => stderr);
  return {
    url,
    pid: child.pid as number,
    stderr: () => stderr,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return gone;
    },
  };
}

function listening(child: ChildProcess, gone: Promise<number | null>, stderr: () => string): Promise<string> {
  return new Promise((done, fail) => {
    const timer = setTimeout(
      () => fail(new Error(`beckon serve did not listen within ${START_MS_MAX} ms\n${stderr()}`)),
      START_MS_MAX,
    );
    let stdout = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const url = /listening on (http:\/\/\S+)/.exec(stdout)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      done(url);
    });
    void gone.then((code) => {
      clearTimeout(timer);
      fail(new Error(`beckon serve ended with ${code} before it listened\n${stderr()}`));
    });
  });
}

/** Runs one command to its end. */
export async function runBeckon(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((done) => child.once('close', (status) => done(status)));
  return { code, stdout, stderr };
}
