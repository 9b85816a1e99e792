/** Finding a nats-server: where it is looked for, in which order, and what is not taken. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { fetchNatsServer, findNatsServer, versionOf } from '../../src/demo/nats-server-program.ts';
import { temporaryFolder } from '../support/beckon-process.ts';
import { programOfSuite } from '../support/nats-server.ts';

afterEach(() => vi.unstubAllEnvs());

const program = await findNatsServer();
const oldProgram = await programOfSuite('bookworm');

it('takes what NATS_SERVER names, before anything else', async () => {
  vi.stubEnv('NATS_SERVER', program);
  vi.stubEnv('PATH', '');
  expect(await findNatsServer()).toBe(program);
  vi.stubEnv('NATS_SERVER', '/nowhere/nats-server');
  await expect(findNatsServer()).rejects.toThrow('NATS_SERVER is /nowhere/nats-server, which is no nats-server');
});

it.skipIf(oldProgram === null)('does not take an old one, and says so where it was named', async () => {
  vi.stubEnv('NATS_SERVER', oldProgram as string);
  await expect(findNatsServer()).rejects.toThrow(/version 2\.9\.10; nats-server 2\.10\.23 or newer is needed/);
  vi.stubEnv('NATS_SERVER', '');
  vi.stubEnv('PATH', `${dirname(oldProgram as string)}:${dirname(program)}`);
  expect(await findNatsServer()).toBe(program);
});

it('is not misled by a program of that name which is something else', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder.path, 'nats-server'), '#!/bin/sh\necho something else\n', { mode: 0o755 });
  expect(await versionOf(join(folder.path, 'nats-server'))).toBe(null);
  vi.stubEnv('NATS_SERVER', '');
  vi.stubEnv('PATH', `${folder.path}:${dirname(program)}`);
  expect(await findNatsServer()).toBe(program);
  folder.remove();
});

it('uses the cache folder that it is given, without fetching what is there', async () => {
  const folder = temporaryFolder();
  const cached = join(folder.path, 'nats-server/trixie/usr/sbin');
  mkdirSync(cached, { recursive: true });
  symlinkSync(program, join(cached, 'nats-server'));
  vi.stubEnv('BECKON_CACHE', folder.path);
  const told: string[] = [];
  expect(await fetchNatsServer('trixie', (line) => told.push(line))).toBe(join(cached, 'nats-server'));
  expect(told).toEqual([]);
  folder.remove();
});

it('names no mirror and no host of its own', () => {
  const source = readFileSync(join(import.meta.dirname, '../../src/demo/nats-server-program.ts'), 'utf8');
  expect([...source.matchAll(/https?:\/\/[^/\s'`)]+/g)].map(([url]) => url)).toEqual(['https://docs.nats.io']);
});
