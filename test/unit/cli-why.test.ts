import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { InputError, UsageError } from '../../src/cli/exit.ts';
import { type WhyOptions, why } from '../../src/cli/why.ts';
import type { Explanation } from '../../src/protocol/explanation.ts';
import { answerJson, type FakeNode, fakeNode, type Handler } from '../support/fake-node.ts';

let node: FakeNode | null = null;
afterEach(async () => {
  await node?.close();
  node = null;
});

const EVENT = { id: 'r1', type: 'receipt', ts: '2010-12-01T08:26:00.000Z' };
const EXPLAINED: Explanation = {
  customer: 'Zoë',
  campaign: null,
  partition: 3,
  historyFrom: '2010-12-01T00:00:00.000Z',
  historyIsWhole: true,
  until: null,
  timezone: 'Europe/Berlin',
  moments: [
    {
      at: EVENT.ts,
      record: 7,
      workspace: 1,
      cause: { kind: 'event', ...EVENT },
      campaigns: [
        {
          campaign: 'late-one',
          status: 'live',
          result: 'suppressed',
          reason: 'late',
          event: EVENT,
          predicate: null,
          steps: [{ step: 'late', passed: false, ts: EVENT.ts, latenessMs: 3_600_000, lateMs: 7_200_000 }],
          decision: null,
        },
      ],
    },
  ],
};
const explained: Handler = (_, response) => answerJson(response, 200, EXPLAINED);

async function run(
  handler: Handler,
  options: Partial<WhyOptions> = {},
  terminal: { readonly isTTY?: boolean; readonly columns?: number } = {},
): Promise<{ code: number; out: string; err: string }> {
  node = await fakeNode(handler);
  const [stdout, stderr] = [Object.assign(new PassThrough(), terminal), new PassThrough()];
  const [out, err] = [text(stdout), text(stderr)];
  try {
    const code = await why({ node: node.url, customer: 'Zoë', retryForMs: 500, ...options }, stdout, stderr);
    stdout.end();
    stderr.end();
    return { code, out: await out, err: await err };
  } finally {
    stdout.end();
    stderr.end();
  }
}

describe('beckon why --node', () => {
  it('asks a node, and prints words: plain where it is piped', async () => {
    const { code, out, err } = await run(explained, { event: 'r/1 é', campaign: 'late-one' });
    expect([code, err]).toEqual([0, '']);
    expect(node?.requests).toMatchObject([
      { method: 'GET', path: '/v1/customers/Zo%C3%AB/why?campaign=late-one&event=r%2F1+%C3%A9' },
    ]);
    expect(out).toContain('Customer Zoë   times in Europe/Berlin');
    expect(out).toContain('Wed 1 Dec 2010 09:26  receipt r1');
    expect(out).toContain('late: it happened');
    expect(out).not.toContain('\u001b');
  });

  it('uses colours and the width of a terminal', async () => {
    const { out } = await run(explained, {}, { isTTY: true, columns: 50 });
    if ((process.env['NO_COLOR'] ?? '') === '') expect(out).toContain('\u001b[');
    const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
    for (const line of out.replace(colours, '').split('\n')) expect(line.length, line).toBeLessThanOrEqual(50);
    // A terminal that nobody told its size has none.
    const [unsized, wide] = await Promise.all([0, 100].map((columns) => run(explained, {}, { isTTY: true, columns })));
    expect(unsized?.out).toBe(wide?.out);
  });

  it('prints JSON on one line for programs', async () => {
    const { out } = await run(explained, { json: true, at: '2010-12-01T08:26:00Z', token: 'secret' });
    expect(JSON.parse(out)).toEqual(EXPLAINED);
    expect(out.trimEnd().split('\n')).toHaveLength(1);
    expect(node?.requests[0]?.path).toBe('/v1/customers/Zo%C3%AB/why?at=2010-12-01T08%3A26%3A00Z');
    expect(node?.requests[0]?.headers.authorization).toBe('Bearer secret');
  });

  it('asks for a day', async () => {
    const { code } = await run(explained, { at: '2010-12-01' });
    expect([code, node?.requests[0]?.path]).toEqual([0, '/v1/customers/Zo%C3%AB/why?at=2010-12-01']);
  });

  it('says what the node refuses', async () => {
    const refuse: Handler = (_, response) =>
      answerJson(response, 404, { title: 'There is no such thing', detail: 'there is no customer "Zoë"' });
    await expect(run(refuse)).rejects.toThrow(InputError);
    await expect(run(refuse)).rejects.toThrow(/^http:\S+: there is no customer "Zoë"$/);
    await node?.close();
    const busy: Handler = (_, response) => answerJson(response, 401, { title: 'Who are you?', detail: 'send a token' });
    await expect(run(busy)).rejects.toThrow(/^http:\S+: 401 Who are you\?: send a token$/);
  });

  it.each<[Partial<WhyOptions>, string]>([
    [{ node: undefined }, '--data DIR or --node URL: say where the history is'],
    [{ data: 'data' }, '--data and --node: choose one of them'],
    [{ event: 'r1', at: '7' }, '--event and --at: either names the moment, choose one of them'],
    [{ at: 'noon' }, '--at: expected a time with its zone such as 2010-12-01T08:26:00Z, a day such as 2010-12-01, or'],
    [{ at: '0' }, '--at: records are numbered from 1'],
    [{ node: 'ftp://x' }, '--node: expected a URL such as http://127.0.0.1:7400, got "ftp://x"'],
  ])('refuses %j before anything is asked', async (options, message) => {
    const refused = run(explained, options);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(message);
    expect(node?.requests).toEqual([]);
  });
});
