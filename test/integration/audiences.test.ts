/** Audiences of a real node: counts, lists, samples and exports agree, while events come in and workspaces that move the columns are published. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fmix32, fnv1a32 } from '../../src/stdx/hash.ts';
import { type BeckonProcess, runBeckon, startBeckon, temporaryFolder } from '../support/beckon-process.ts';

const CUSTOMERS = 2000;
const DAY = 86_400_000;
const START = Date.parse('2026-01-01T00:00:00Z');
const COUNTRIES = ['GB', 'FR', 'DE', 'ES'];

/** `extra`: attributes before the others, so that those have other places. */
function files(extra: number): Record<string, string> {
  const more = Array.from({ length: extra }, (_, i) => `  extra${i}: {type: double}\n`).join('');
  return {
    'workspace.yaml': 'name: test\ntimezone: UTC\nchannels: [push]\n',
    'events.yaml': 'receipt: {total: double}\n',
    'profile.yaml': `attributes:\n${more}  country: {type: string}\n  age: {type: int}\n  likes: {type: list<string>}
aggregates:
  spend: {fn: sum, event: receipt, value: event.total}
  spend_7d: {fn: sum, event: receipt, value: event.total, window: 7d}
segments:
  good: profile.spend > 50.0
`,
  };
}

const folder = temporaryFolder();
let node: BeckonProcess;

async function post(path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(`${node.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function count(where: string): Promise<{ count: number; customers: number; ms: number; asOf: string }> {
  const answer = await post('/v1/audiences/count', { where });
  const body = await answer.json();
  expect(answer.status, JSON.stringify(body)).toBe(200);
  return body as { count: number; customers: number; ms: number; asOf: string };
}

async function members(where: string, more: object = {}): Promise<Record<string, unknown>[]> {
  const answer = await post('/v1/audiences/export', { where, ...more });
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  const lines = text.split('\n').slice(0, -1);
  expect(answer.headers.get('beckon-count')).toBe(String(lines.length));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function send(events: readonly object[]): Promise<void> {
  const answer = await post('/v1/events', events);
  expect(await answer.json()).toMatchObject({ accepted: events.length, rejected: [] });
}

async function publish(extra: number): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${node.url}/v1/workspace`, {
    method: 'PUT',
    headers,
    body: JSON.stringify({ files: files(extra) }),
  });
  expect(answer.status, await answer.text()).toBe(200);
}

beforeAll(async () => {
  const workspace = join(folder.path, 'workspace');
  mkdirSync(workspace);
  for (const [path, text] of Object.entries(files(0))) writeFileSync(join(workspace, path), text);
  const flags = ['--data', join(folder.path, 'data'), '--workspace', workspace, '--clock', 'event', '--workers', '2'];
  node = await startBeckon(...flags, '--partitions', '4', '--customers', '20000');
  const ts = (days: number): string => new Date(START + days * DAY).toISOString();
  await send(
    Array.from({ length: CUSTOMERS }, (_, i) => ({
      type: '$profile',
      customer: `c${i}`,
      ts: ts(0),
      data: { country: COUNTRIES[i % 4], ...(i % 2 === 0 ? { age: i % 100 } : {}), likes: i % 10 === 0 ? ['tea'] : [] },
    })),
  );
  // One in five bought something, one in twenty of late.
  const bought = Array.from({ length: CUSTOMERS / 5 }, (_, i) => i * 5);
  await send(bought.map((i) => ({ type: 'receipt', customer: `c${i}`, ts: ts(1), data: { total: 60 } })));
  const late = Array.from({ length: CUSTOMERS / 20 }, (_, i) => i * 20);
  await send(late.map((i) => ({ type: 'receipt', customer: `c${i}`, ts: ts(20), data: { total: 7 } })));
  // Every partition's time moves on.
  await send(Array.from({ length: 40 }, (_, i) => ({ type: 'receipt', customer: `late${i}`, ts: ts(21), data: {} })));
});
afterAll(async () => {
  await node.kill();
  folder.remove();
});

describe('audiences', () => {
  it('are counted by columns, windows, lists and segments', async () => {
    expect(await count('true')).toMatchObject({ count: CUSTOMERS + 40, customers: CUSTOMERS + 40 });
    expect((await count('profile.country == "FR"')).count).toBe(500);
    expect((await count('profile.age >= 90')).count).toBe(100);
    expect((await count('!has(profile.age)')).count).toBe(1040);
    expect((await count('profile.spend_7d > 5.0')).count).toBe(100);
    expect((await count('profile.spend_7d == 0.0')).count).toBe(CUSTOMERS + 40 - 100);
    expect((await count('segment.good && profile.country in ["GB", "ES"]')).count).toBe(200);
    expect((await count('"tea" in profile.likes')).count).toBe(200);
    expect((await count('"tea" in profile.likes || profile.country == "FR"')).count).toBe(700);
    const { asOf } = await count('profile.country.startsWith("F")');
    expect(asOf).toBe('2026-01-22T00:00:00.000Z');
  });

  it('are the same customers in a list, an export and a table', async () => {
    const where = 'profile.spend_7d > 5.0 && profile.country == "GB"';
    const fields = ['country', 'spend_7d', 'segment.good'];
    const all = await members(where, { fields });
    expect(all.length).toBe((await count(where)).count);
    expect(new Set(all.map((member) => member['id'])).size).toBe(100);
    expect(all[0]).toEqual({ id: all[0]?.['id'], country: 'GB', spend_7d: 7, 'segment.good': true });
    const list = await (await post('/v1/audiences/list', { where, fields, limit: 10 })).json();
    expect(list).toMatchObject({ count: 100, customers: CUSTOMERS + 40, members: all.slice(0, 10) });
    const table = await (await post('/v1/audiences/export?format=csv', { where, fields })).text();
    expect(table.split('\r\n').length).toBe(102);
    expect(table.startsWith('id,country,spend_7d,segment.good\r\n')).toBe(true);
  });

  it('are sampled alike every time, by places that anybody can compute', async () => {
    const where = 'profile.country == "FR"';
    const all = (await members(where)).map((member) => member['id'] as string);
    const place = (id: string): number => fmix32(fnv1a32(`autumn:${id}`));
    const lowest = [...all].sort((a, b) => place(a) - place(b));
    for (const sample of [1, 17, 499, 500, 5000]) {
      const drawn = (await members(where, { sample, salt: 'autumn' })).map((member) => member['id'] as string);
      expect(new Set(drawn)).toEqual(new Set(lowest.slice(0, sample)));
    }
    const share = (await members(where, { sample: 0.2, salt: 'autumn' })).map((member) => member['id'] as string);
    expect(new Set(share)).toEqual(new Set(all.filter((id) => place(id) / 2 ** 32 < 0.2)));
    const list = await (await post('/v1/audiences/list', { where, sample: 17, salt: 'autumn', limit: 3 })).json();
    expect(list).toMatchObject({ count: 500, sampled: 17, members: [{}, {}, {}] });
  });

  it('are asked for by a command', async () => {
    const ask = (...flags: string[]) => runBeckon('audience', '--to', node.url, '--where', ...flags);
    expect(await ask('profile.country == "FR"')).toMatchObject({ code: 0, stdout: '500\n' });
    const { stdout } = await ask('profile.country == "FR"', '--export', '-', '--format', 'csv', '--fields', 'country');
    expect(stdout.split('\r\n').length).toBe(502);
    expect(await ask('profile.contry')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^where:1:\d+ .*country/),
    });
    expect(await ask('true', '--sample', '0')).toMatchObject({ code: 2 });
  });

  it('say what is wrong with a predicate, and with fields', async () => {
    const wrong = await post('/v1/audiences/export', {
      where: 'profile.contry == "FR"',
      fields: ['segment.god', 'id'],
    });
    expect(wrong.status).toBe(422);
    expect(((await wrong.json()) as { issues: { message: string }[] }).issues.map(({ message }) => message)).toEqual([
      expect.stringContaining('did you mean "country"?'),
      'the profile has no attribute, aggregate or segment "segment.god"; did you mean "segment.good"?',
      '"id" is there already: every row begins with the id',
    ]);
  });

  it('see what was acknowledged before, and are right while columns move and events come', async () => {
    let going = true;
    const writing = (async () => {
      for (let i = 0; going; i++)
        await send([{ type: '$profile', customer: `new${i}`, data: { country: 'IT', age: 1 } }]);
    })();
    const publishing = (async () => {
      for (let i = 1; going; i++) await publish(i % 3);
    })();
    const wheres: [string, number][] = [
      ['profile.country == "FR"', 500],
      ['profile.age >= 90', 100],
      ['profile.spend_7d > 5.0', 100],
      ['segment.good && profile.country == "GB"', 100],
    ];
    try {
      for (let i = 0; i < 16; i++) {
        const [where, expected] = wheres[i % 4] as [string, number];
        expect((await count(where)).count, where).toBe(expected);
        const own = `own${i}`;
        await send([{ type: '$profile', customer: own, data: { age: -1000 - i } }]);
        expect((await members(`profile.age == ${-1000 - i}`)).map((member) => member['id'])).toEqual([own]);
      }
    } finally {
      going = false;
      await Promise.all([writing, publishing]);
    }
  });

  it('are refused beyond as many as there may be at once', async () => {
    let refused: Response | undefined;
    // Where so many come slowly, some are answered before the others are there.
    while (refused === undefined) {
      const asked = Array.from({ length: 40 }, () => post('/v1/audiences/count', { where: 'true' }));
      const answers = await Promise.all(asked);
      for (const { status } of answers) expect([200, 429]).toContain(status);
      expect(answers.some(({ status }) => status === 200)).toBe(true);
      refused = answers.find(({ status }) => status === 429);
    }
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await count('true')).count).toBeGreaterThan(CUSTOMERS);
  });
});
