/** `beckon audience --export` stopped in the middle, as by Ctrl-C. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type FakeNode, fakeNode } from '../support/fake-node.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/main.js');

let node: FakeNode | null = null;
afterEach(async () => {
  await node?.close();
  node = null;
});

/** How long something is in coming is not what is tested: the test's own time limit ends the wait. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

it.each(['SIGINT', 'SIGTERM'] as const)('%s leaves no part of an export behind', async (signal) => {
  node = await fakeNode((_, response) => {
    response.writeHead(200, { 'beckon-count': '1000' });
    response.write('{"id":"a"}\n');
    return undefined;
  });
  const folder = scratchFolder();
  const file = join(folder, 'all.ndjson');
  const child = spawn(process.execPath, [MAIN, 'audience', '--to', node.url, '--where', 'true', '--export', file]);
  const ended = once(child, 'exit');
  await until(() => readdirSync(folder).some((name) => statSync(join(folder, name)).size > 0));
  child.kill(signal);
  expect(await ended).toEqual([null, signal]);
  expect(readdirSync(folder)).toEqual([]);
});
