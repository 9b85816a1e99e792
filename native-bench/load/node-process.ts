/**
 * A real `beckon serve` in a process of its own, from dist/, on a free port of 127.0.0.1. What is started here ends with the benchmark, also when that fails or is
 * interrupted.
 *
 * BECKON_BENCH_PROFILE=FOLDER writes a CPU profile of every thread of every node there (node --cpu-prof), to see where the time goes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const START_MS_MAX = 120_000;
const STOP_MS_MAX = 30_000;
const LOG_LENGTH_KEPT = 8 * 1024;
/** USER_HZ: what /proc counts CPU time in, on every Linux. */
const TICKS_PER_SECOND = 100;

export interface NodeProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** From spawn until it listened: it has recovered and caught up then. */
  readonly startMs: number;
  /** SIGTERM, and SIGKILL if that takes longer than `msMax` (30 s unless given); resolves when it is gone. */
  stop(msMax?: number): Promise<void>;
  /** SIGKILL; SIGTERM where profiles are wanted, which only a node that ends by itself writes. */
  kill(): Promise<void>;
}

export function startNode(...flags: string[]): Promise<NodeProcess> {
  return start([...profileFlags(), join(repositoryRoot(), 'dist/main.js'), 'serve', '--http', '127.0.0.1:0', ...flags]);
}

/** A program of this folder in Beckon's place, by its name, in a process of its own; it says where it listens as a node does. */
export function startBareProgram(name: string, ...args: string[]): Promise<NodeProcess> {
  return start([join(import.meta.dirname, name + import.meta.url.slice(-3)), ...args]);
}

async function start(args: string[]): Promise<NodeProcess> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ownEnvironment() });
  endWithUs(child);
  const url = await listening(child);
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid as number,
    startMs: performance.now() - startedAt,
    stop: (msMax = STOP_MS_MAX) => ended(child, 'SIGTERM', msMax),
    kill: () => ended(child, profileFlags().length > 0 ? 'SIGTERM' : 'SIGKILL', STOP_MS_MAX),
  };
}

/** The folder of package.json, from the sources and from dist/ alike. */
export function repositoryRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** CPU seconds that a process has used, all its threads together; NaN where /proc does not tell. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}

/** Kills a child when this process ends by itself; the suite's process group is ended by who started it. */
function endWithUs(child: ChildProcess): void {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
}

function profileFlags(): string[] {
  const folder = process.env['BECKON_BENCH_PROFILE'] ?? '';
  return folder === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

/** Without the flags of some other node that happen to be in the environment. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('BECKON_'));
  return { ...Object.fromEntries(kept), BECKON_LOG: 'warn' };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = '';
    let stdout = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`it did not listen within ${START_MS_MAX} ms\n${log}`));
    }, START_MS_MAX);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-LOG_LENGTH_KEPT);
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const url = /listening on (http:\/\/\S+)/.exec(stdout)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`it ended with ${signal ?? code} before it listened\n${log}`));
    });
  });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals, msMax: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), msMax);
  await gone;
  clearTimeout(timer);
}
