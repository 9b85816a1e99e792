/** The routes of backtests over real sockets: what they take, and what a person gets who sends something wrong. */
import { afterEach, expect, test } from 'vitest';
import { GatewayUnderTest } from '../support/gateway-client.ts';
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

const files = { 'workspace.yaml': 'name: retail\n' };

test('takes a workspace, a range and campaigns, and says under what id it runs', async () => {
  const g = await start();
  const answer = await g.post('/v1/backtests', {
    files,
    from: '2010-12-01',
    to: '2010-12-24T12:00:00+01:00',
    live: ['tea'],
  });
  expect([answer.status, answer.json]).toEqual([202, { id: '1' }]);
  await g.post('/v1/backtests', { files, from: 1_291_161_600_000 });
  const from = Date.UTC(2010, 11, 1);
  expect(g.engine.backtestRequests).toEqual([
    { files, fromMs: from, toMs: Date.UTC(2010, 11, 24, 11), live: ['tea'] },
    { files, fromMs: from, toMs: null, live: [] },
  ]);
});

test.each([
  [{}, /the body needs "files"/],
  [{ files: { 'a.yaml': 1 } }, /the body needs "files"/],
  [{ files, from: 'yesterday' }, /"from" is a time such as/],
  [{ files, from: '2010-02-30' }, /"from" is a time such as/],
  [{ files, from: '2010-02-29T10:00:00Z' }, /"from" is a time such as/],
  [{ files, to: '2010-13-01' }, /"to" is a time such as/],
  [{ files, from: '2010-12-02', to: '2010-12-02' }, /"to" must be later than "from"/],
  [{ files, live: 'tea' }, /"live" is a list of ids/],
  [{ files, since: 1 }, /the body has "since"/],
  [{ files, live: ['nobody'] }, /there is no campaign "nobody"/],
])('refuses %j', async (body, detail) => {
  const g = await start();
  const answer = await g.post('/v1/backtests', body);
  expect(answer.status).toBe(400);
  expect(answer.json.detail).toMatch(detail);
});

test('gives the issues of a workspace with their places', async () => {
  const g = await start();
  const answer = await g.post('/v1/backtests', { files: { 'bad.yaml': '' } });
  expect(answer.status).toBe(422);
  expect(answer.json.issues).toHaveLength(1);
});

test('takes one at a time, and says first what is wrong with another', async () => {
  const g = await start();
  g.engine.backtesting = true;
  const answer = await g.post('/v1/backtests', { files });
  expect(answer.status).toBe(429);
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(answer.json.detail).toMatch(/another backtest is running/);
  expect((await g.post('/v1/backtests', { files, live: 'tea' })).status).toBe(400);
});

test('takes one back whose client has gone before it began, and tells who still waits', async () => {
  const g = await start();
  const leaving = new AbortController();
  const body = JSON.stringify({ files: { 'endless.yaml': '' } });
  const left = fetch(`http://127.0.0.1:${g.port}/v1/backtests`, { method: 'POST', body, signal: leaving.signal });
  await until(() => g.engine.backtestRequests.length === 1);
  leaving.abort();
  await expect(left).rejects.toThrow();
  await until(() => g.engine.backtestsRemoved.length === 1);
  const waiting = g.post('/v1/backtests', { files: { 'endless.yaml': '' } });
  await until(() => g.engine.backtestRequests.length === 2);
  await g.request('DELETE', '/v1/backtests/1');
  const answer = await waiting;
  expect([answer.status, answer.json.detail]).toEqual([409, expect.stringMatching(/somebody ended backtest 1 before/)]);
  // What has begun goes on without whoever asked for it.
  await g.post('/v1/backtests', { files });
  expect(g.engine.backtestsRemoved).toEqual(['1', '1']);
});

test('tells how far one is, and forgets it', async () => {
  const g = await start();
  expect((await g.get('/v1/backtests')).json).toMatchObject([{ id: '1', progress: 0.25, report: null }]);
  expect((await g.get('/v1/backtests/1')).json).toMatchObject({ id: '1', status: 'running' });
  expect((await g.request('DELETE', '/v1/backtests/1')).status).toBe(200);
  for (const method of ['GET', 'DELETE']) {
    const answer = await g.request(method, '/v1/backtests/7');
    expect(answer.status).toBe(404);
    expect(answer.json.detail).toMatch(/there is no backtest "7"/);
  }
});
