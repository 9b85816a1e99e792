import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { type AudienceOptions, audience } from '../../src/cli/audience.ts';
import { InputError, UsageError } from '../../src/cli/exit.ts';
import { answerJson, type FakeNode, fakeNode, type Handler } from '../support/fake-node.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

let node: FakeNode | null = null;
afterEach(async () => {
  await node?.close();
  node = null;
});

const WHERE = 'profile.spend > 10.0';
const COUNTED = { count: 12, customers: 3456, ms: 1.5, asOf: '2026-01-01T00:00:00.000Z' };

async function run(
  handler: Handler,
  options: Partial<AudienceOptions> = {},
  isTTY = false,
): Promise<{ code: number; out: string; err: string }> {
  node = await fakeNode(handler);
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY })];
  const [out, err] = [text(stdout), text(stderr)];
  try {
    const code = await audience({ to: node.url, where: WHERE, retryForMs: 500, ...options }, stdout, stderr);
    stdout.end();
    stderr.end();
    return { code, out: await out, err: await err };
  } finally {
    stdout.end();
    stderr.end();
  }
}

const exported: Handler = (_, response) => {
  response.writeHead(200, {
    'beckon-count': '2',
    'beckon-members': '12',
    'beckon-customers': '3456',
    'beckon-as-of': COUNTED.asOf,
  });
  response.end('{"id":"a"}\n{"id":"b"}\n');
  return undefined;
};

/** More than pipes and sockets hold, then the connection is cut. */
const cut: Handler = async (_, response) => {
  response.writeHead(200, { 'beckon-count': '2' });
  response.write('{"id":"a"}\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  return 'reset' as const;
};

describe('beckon audience', () => {
  it('prints a number that can be piped', async () => {
    const { code, out, err } = await run((_, response) => answerJson(response, 200, COUNTED));
    expect([code, out, err]).toEqual([0, '12\n', 'of 3,456 customers, as of 2026-01-01T00:00:00.000Z, in 1.5 ms\n']);
    expect(node?.requests[0]).toMatchObject({ method: 'POST', path: '/v1/audiences/count' });
    expect(JSON.parse(node?.requests[0]?.body ?? '')).toEqual({ where: WHERE });
  });

  it('lists members', async () => {
    const listed = {
      ...COUNTED,
      sampled: 3,
      members: [
        { id: 'a', country: 'GB' },
        { id: 'b', country: null },
      ],
    };
    const options = { list: 2, sample: 0.25, salt: 'x', fields: 'country, spend' };
    const { code, out, err } = await run((_, response) => answerJson(response, 200, listed), options);
    expect([code, out]).toEqual([0, '{"id":"a","country":"GB"}\n{"id":"b","country":null}\n']);
    expect(err).toBe('2 of 3 sampled of 12 members, as of 2026-01-01T00:00:00.000Z, in 1.5 ms\n');
    const body = { where: WHERE, fields: ['country', 'spend'], sample: 0.25, salt: 'x', limit: 2 };
    expect(JSON.parse(node?.requests[0]?.body ?? '')).toEqual(body);
  });

  it('exports to stdout, a sample too', async () => {
    const { code, out, err } = await run(exported, { export: '-', format: 'csv' });
    expect([code, out]).toEqual([0, '{"id":"a"}\n{"id":"b"}\n']);
    expect(err).toBe('2 of 3,456 customers, as of 2026-01-01T00:00:00.000Z\n');
    expect(node?.requests[0]?.path).toBe('/v1/audiences/export?format=csv');
    await node?.close();
    const sample = await run(exported, { sample: 2 });
    expect(sample.out).toBe('{"id":"a"}\n{"id":"b"}\n');
    expect(sample.err).toBe('2 sampled of 12 members, as of 2026-01-01T00:00:00.000Z\n');
    expect(JSON.parse(node?.requests[0]?.body ?? '')).toEqual({ where: WHERE, sample: 2 });
  });

  it('exports to a file, which is there whole or not at all', async () => {
    const folder = scratchFolder();
    const file = join(folder, 'all.ndjson');
    await expect(run(cut, { export: file })).rejects.toThrow(/the export was cut off before its end/);
    await node?.close();
    expect(readdirSync(folder)).toEqual([]);
    const { code, out, err } = await run(exported, { export: file }, true);
    expect([code, out, readFileSync(file, 'utf8')]).toEqual([0, '', '{"id":"a"}\n{"id":"b"}\n']);
    expect(err).toContain('2 of 2 members');
    expect(err.endsWith(`2 of 3,456 customers to ${file}, as of 2026-01-01T00:00:00.000Z\n`)).toBe(true);
  });

  it('asks nothing of a node if the file cannot be written', async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'file'), '');
    const wrong: [string, string][] = [
      [folder, `${folder} is a folder: name a file in it`],
      [join(folder, 'file', 'all.csv'), `${folder}/file/all.csv: there is no folder ${folder}/file`],
      [join(folder, 'none', 'all.csv'), `${folder}/none/all.csv: there is no folder ${folder}/none`],
      ['', '--export: expected a file, or - for stdout'],
    ];
    for (const [file, message] of wrong) {
      await expect(run(exported, { export: file })).rejects.toThrow(message);
      expect(node?.requests).toEqual([]);
      await node?.close();
    }
  });

  it('replaces a file, with who may read it, behind a link too', async () => {
    const folder = scratchFolder();
    const [file, link] = [join(folder, 'all.ndjson'), join(folder, 'link')];
    writeFileSync(file, 'before', { mode: 0o600 });
    symlinkSync(file, link);
    await expect(run(cut, { export: link })).rejects.toThrow(InputError);
    expect(readFileSync(file, 'utf8')).toBe('before');
    await node?.close();
    await run(exported, { export: link });
    expect([lstatSync(link).isSymbolicLink(), statSync(file).mode & 0o777]).toEqual([true, 0o600]);
    expect(readFileSync(file, 'utf8')).toBe('{"id":"a"}\n{"id":"b"}\n');
    expect(readdirSync(folder).sort()).toEqual(['all.ndjson', 'link']);
  });

  it('writes into a pipe, and leaves it in its place', async () => {
    const pipe = join(scratchFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [read] = await Promise.all([readFile(pipe, 'utf8'), run(exported, { export: pipe })]);
    expect(read).toBe('{"id":"a"}\n{"id":"b"}\n');
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });

  it('says what is wrong with the expression, and where', async () => {
    const issues = [{ file: 'where', line: 1, column: 9, message: 'unknown name' }];
    for (const options of [{}, { list: 3 }, { export: '-' }]) {
      const { code, out, err } = await run((_, response) => answerJson(response, 422, { issues }), options);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^where:1:9 unknown name\nnothing was (counted|listed|exported): 1 problem\n$/);
      await node?.close();
    }
    const problem = { title: 'Unauthorized', detail: 'send a token' };
    await expect(run((_, response) => answerJson(response, 401, problem), { export: '-' })).rejects.toThrow(
      /: 401 Unauthorized: send a token$/,
    );
  });

  it('stops when whoever reads the pipe has enough', async () => {
    node = await fakeNode((_, response) => {
      response.writeHead(200, { 'beckon-count': '1000000' });
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x0a)));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
      return undefined;
    });
    let writes = 0;
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => {
        writes++;
        setImmediate(() => done(writes < 5 ? null : Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })));
      },
    });
    const stderr = new PassThrough();
    expect(await audience({ to: node.url, where: WHERE, export: '-' }, stdout, stderr)).toBe(0);
    expect(writes).toBe(5);
  });

  it('knows what goes with what', async () => {
    const wrong: Partial<AudienceOptions>[] = [
      { list: 1, export: '-' },
      { fields: 'a' },
      { format: 'csv' },
      { list: 1, format: 'csv' },
      { salt: 'x', list: 1 },
    ];
    for (const options of wrong) await expect(run(exported, options)).rejects.toThrow(UsageError);
  });
});
