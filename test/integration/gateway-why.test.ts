/** GET /v1/customers/{id}/why over real sockets, against an engine in memory: what is asked of it, and what a person gets who asks wrongly. */
import { afterEach, describe, expect, test } from 'vitest';
import type { WhyRefusal } from '../../src/protocol/why.ts';
import { GatewayUnderTest, type TestAnswer } from '../support/gateway-client.ts';
import { until } from '../support/stream-node.ts';

let running: GatewayUnderTest[] = [];

async function start(): Promise<GatewayUnderTest> {
  const started = await GatewayUnderTest.start({});
  running.push(started);
  return started;
}

afterEach(async () => {
  await Promise.all(running.map((gateway) => gateway.stop()));
  running = [];
});

function expectProblem(answer: TestAnswer, status: number, type: string, detail: string): void {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.json).toMatchObject({ type: `urn:beckon:problem:${type}`, status, detail });
  expect(answer.status).toBe(status);
}

describe('GET /v1/customers/{id}/why', () => {
  test('asks about the customer whose id is percent-encoded, with everything that narrows it down', async () => {
    const g = await start();
    const id = 'loyalty/17 850+é?';
    await g.get(`/v1/customers/${encodeURIComponent(id)}/why`);
    await g.get(`/v1/customers/${encodeURIComponent(id)}/why?campaign=hearts&event=536365%2B1`);
    await g.get('/v1/customers/a/why?at=2010-12-01T08:26:00Z');
    expect(g.engine.whyQuestions).toEqual([
      { customer: id, campaign: null, event: null, at: null },
      { customer: id, campaign: 'hearts', event: '536365+1', at: null },
      { customer: 'a', campaign: null, event: null, at: '2010-12-01T08:26:00Z' },
    ]);
  });

  test.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['application/json', 'json'],
    ['text/plain', 'text'],
    ['text/*', 'text'],
    ['text/plain, */*;q=0.1', 'text'],
    ['text/plain;q=0.5, application/json', 'json'],
    ['text/html', 'json'],
  ])('Accept: %s is answered as %s', async (accept, format) => {
    const g = await start();
    const answer = await g.request('GET', '/v1/customers/a/why', undefined, accept === undefined ? {} : { accept });
    expect(answer.status).toBe(200);
    const type = format === 'json' ? 'application/json' : 'text/plain; charset=utf-8';
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.text).toBe(format === 'json' ? '{"moments":[]}' : 'nothing happened\n');
  });

  test.each([
    ['?limit=3', '"limit" is no parameter of an explanation: there are campaign, event, at'],
    ['?event=a&event=b', 'event is given twice: ask about one at a time'],
    ['?campaign=', 'campaign is empty: leave it out, or say which'],
    ['?event=a&at=7', 'event and at: either names the moment, choose one of them'],
  ])('%s is refused', async (query, detail) => {
    const g = await start();
    expectProblem(await g.get(`/v1/customers/a/why${query}`), 400, 'bad-request', detail);
    expect(g.engine.whyQuestions).toEqual([]);
  });

  const refusals: [WhyRefusal, number, string][] = [
    ['at', 400, 'bad-request'],
    ['customer', 404, 'not-found'],
    ['campaign', 404, 'not-found'],
    ['moment', 404, 'not-found'],
    ['length', 422, 'too-much-history'],
  ];
  test.each(refusals)('what cannot be explained (%s) is %i', async (refusal, status, type) => {
    const g = await start();
    g.engine.whyOutcome = { refusal, detail: 'history reaches back to 2010-12-01' };
    expectProblem(await g.get('/v1/customers/a/why'), status, type, 'history reaches back to 2010-12-01');
  });

  test('429 while as many as may be are under way', async () => {
    const g = await start();
    g.engine.overloaded = true;
    const answer = await g.get('/v1/customers/a/why');
    const detail = 'as many explanations as this node gives at once are being looked for: ask again a little later';
    expectProblem(answer, 429, 'overloaded', detail);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('what nobody waits for any more is given up', async () => {
    const g = await start();
    const leaving = new AbortController();
    const left = fetch(`http://127.0.0.1:${g.port}/v1/customers/endless/why`, { signal: leaving.signal });
    await until(() => g.engine.whySignals.length === 1);
    expect(g.engine.whySignals[0]?.aborted).toBe(false);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await until(() => g.engine.whySignals[0]?.aborted === true);
  });

  test('500 where the engine fails, with nothing of why', async () => {
    const g = await start();
    g.engine.failure = new Error('no such file: secret');
    const answer = await g.get('/v1/customers/a/why');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('secret');
  });
});
