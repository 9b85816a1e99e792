/** Whoever stops `beckon replay --node` takes the backtest back that the node makes: a real process, and a node that never ends one. Needs dist/. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { DEMO_WORKSPACE } from '../support/demo-node.ts';
import { answerJson, fakeNode } from '../support/fake-node.ts';

const MAIN = join(import.meta.dirname, '../../dist/main.js');

/** Stops it with the first request of that method; `again` once more while it takes the backtest back. Its exit code, what was taken back, and what it said. */
async function stopped(
  at: 'POST' | 'GET',
  signal: NodeJS.Signals,
  again: boolean,
): Promise<[number | null, string[], string]> {
  let child: ChildProcess | null = null;
  const node = await fakeNode(({ method }, response) => {
    if (method === at || (again && method === 'DELETE')) child?.kill(signal);
    if (method === 'POST') return answerJson(response, 202, { id: '7' });
    const running = { id: '7', status: 'running', progress: 0.5, report: null, error: null };
    return answerJson(response, 200, method === 'GET' ? running : { id: '7' });
  });
  try {
    const args = ['replay', '--workspace', DEMO_WORKSPACE, '--node', node.url];
    const started = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    const said = text(started.stderr);
    const code = await new Promise<number | null>((done) => started.once('exit', done));
    const deleted = node.requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
    return [code, deleted, await said];
  } finally {
    child?.kill('SIGKILL');
    await node.close();
  }
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends the backtest', async (signal, code) => {
  const ended = [code, ['/v1/backtests/7'], 'cancelled\n'];
  expect(await stopped('GET', signal, false)).toEqual(ended);
  // Before the client knows which one it is.
  expect(await stopped('POST', signal, false)).toEqual(ended);
  // One Ctrl-C arrives twice under npm.
  expect(await stopped('GET', signal, true)).toEqual(ended);
});
