/** A real node from dist/, for tests that go through its doors: a child process with a data folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const DEMO_WORKSPACE = join(ROOT, 'src/demo/workspace');
export const DEMO_SAMPLE = join(ROOT, 'src/demo/sample/2010-12.ndjson.gz');

export interface DemoNode {
  readonly url: string;
  /** @returns the exit code. */
  stop(): Promise<number | null>;
}

export async function startDemoNode(workspace = DEMO_WORKSPACE): Promise<DemoNode> {
  const folder = mkdtempSync(join(tmpdir(), 'beckon-test-'));
  const flags = ['--workspace', workspace, '--data', join(folder, 'data'), '--clock', 'event', '--http', '127.0.0.1:0'];
  const child = spawn(process.execPath, [join(ROOT, 'dist/main.js'), 'serve', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString('utf8')));
  const url = await listening(child, log);
  while ((await fetch(`${url}/readyz`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    url,
    stop: async () => {
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const code = await ended;
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

function listening(child: ChildProcess, log: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('close', (code) => reject(new Error(`the node ended with ${code}: ${log.join('')}`)));
    if (!child.stdout) return;
    createInterface(child.stdout).on('line', (line) => {
      const url = /^listening on (\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

/** Runs a command of dist/ to its end. */
export async function runCommand(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const path = join(ROOT, 'dist', script);
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: ROOT, env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
