/** Commands where a node is configured by environment variables: what is typed goes before them, and is not refused because of them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const DEMO = 'src/demo/workspace';

async function said(env: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, ['dist/main.js', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (chunk) => (err += chunk));
  await once(child, 'close');
  return err;
}

test('a node that was named is asked, whatever folder the environment names', async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"detail": "asked in vain"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const node = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { BECKON_DATA: 'elsewhere', BECKON_NATS: 'nats://127.0.0.1:1' };
    expect(await said(env, 'why', '--node', node, '--customer', 'ann')).toContain('asked in vain');
    expect(await said(env, 'replay', '--node', node, '--workspace', DEMO)).toContain('asked in vain');
    expect(asked).toEqual(['/v1/customers/ann/why', '/v1/backtests']);
  } finally {
    server.close();
  }
});

test('a folder that was named is read, whatever node and server the environment names', async () => {
  const env = { BECKON_NODE: 'http://127.0.0.1:1', BECKON_NATS: 'nats://127.0.0.1:1' };
  const missing = 'beckon: no-such-folder: there is no such folder';
  expect(await said(env, 'why', '--data', 'no-such-folder', '--customer', 'ann')).toContain(missing);
  expect(await said(env, 'replay', '--data', 'no-such-folder', '--workspace', DEMO)).toContain(missing);
  const both = ['--data', 'no-such-folder', '--node', 'http://127.0.0.1:1'];
  expect(await said({}, 'why', ...both, '--customer', 'ann')).toContain('choose one of them');
  expect(await said({}, 'replay', '--nats', 'nats://127.0.0.1:1', '--workspace', DEMO)).toContain('--nats: ');
});
