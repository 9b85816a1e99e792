/** Every route of the gateway over real sockets: what it answers, what a person gets who sends something wrong, and that nothing else was lost. */
import { Packr } from 'msgpackr';
import { afterEach, describe, expect, test } from 'vitest';
import { EVENT_BYTES_MAX } from '../../src/constants.ts';
import type { PublishOutcome } from '../../src/gateway/engine.ts';
import type { GatewayOptions } from '../../src/gateway/gateway.ts';
import type { GatewayLimits } from '../../src/gateway/limits.ts';
import { IngestError, type IngestFault } from '../../src/protocol/ingest-error.ts';
import { partitionOf } from '../../src/stdx/hash.ts';
import { GatewayUnderTest, type TestAnswer } from '../support/gateway-client.ts';

let running: GatewayUnderTest[] = [];

async function start(
  limits: Partial<GatewayLimits> = {},
  options: Partial<GatewayOptions> = {},
): Promise<GatewayUnderTest> {
  const started = await GatewayUnderTest.start({ limits, ...options });
  running.push(started);
  return started;
}

afterEach(async () => {
  await Promise.all(running.map((gateway) => gateway.stop()));
  running = [];
});

function expectProblem(answer: TestAnswer, status: number, type: string, detail: string | RegExp): void {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.json).toMatchObject({ type: `urn:beckon:problem:${type}`, status });
  expect(answer.status).toBe(status);
  expect(answer.json.title).toMatch(/\S/);
  if (typeof detail === 'string') expect(answer.json.detail).toBe(detail);
  else expect(answer.json.detail).toMatch(detail);
}

const receipt = { id: '536365', type: 'receipt', customer: '17850', data: { total: 139.12 } };
const packr = new Packr({ useRecords: false });

describe('POST /v1/events', () => {
  test('takes one event, and sends it to the partition of its customer', async () => {
    const g = await start();
    const answer = await g.post('/v1/events', receipt);
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({ accepted: 1, rejected: [] });
    expect(g.engine.applied).toEqual([{ partition: partitionOf('17850', 4), event: receipt }]);
  });

  test.each([
    ['an array', 'application/json', (events: object[]) => JSON.stringify(events)],
    [
      'an array, pretty-printed',
      'application/json; charset=utf-8',
      (events: object[]) => JSON.stringify(events, null, 2),
    ],
    [
      'NDJSON',
      'application/x-ndjson',
      (events: object[]) => events.map((e) => `${JSON.stringify(e)}\r\n\r\n`).join(''),
    ],
    [
      'NDJSON as curl sends it',
      'application/x-www-form-urlencoded',
      (events: object[]) => events.map((e) => JSON.stringify(e)).join('\n'),
    ],
    ['MessagePack', 'application/msgpack', (events: object[]) => packr.pack(events)],
    ['MessagePack without a fitting type', 'application/octet-stream', (events: object[]) => packr.pack(events)],
    [
      'MessagePack with records',
      'application/x-msgpack',
      (events: object[]) => new Packr({ useRecords: true }).pack(events),
    ],
    ['JSON after a byte order mark', 'text/plain', (events: object[]) => `\ufeff${JSON.stringify(events)}`],
  ])('takes many as %s, each customer in order', async (_, type, encode) => {
    const g = await start();
    const events = Array.from({ length: 50 }, (__, i) => ({ id: `e${i}`, type: 'receipt', customer: `c${i % 7}` }));
    const answer = await g.post('/v1/events', encode(events), type);
    expect(answer.json).toEqual({ accepted: 50, rejected: [] });
    for (let c = 0; c < 7; c++) {
      const mine = g.engine.applied.filter(({ event }) => event.customer === `c${c}`);
      expect(mine.map(({ event }) => event)).toEqual(events.filter((event) => event.customer === `c${c}`));
      for (const { partition } of mine) expect(partition).toBe(partitionOf(`c${c}`, 4));
    }
  });

  test('answers only once the engine has', async () => {
    const g = await start();
    g.engine.hold();
    let answered = false;
    const pending = g.post('/v1/events', receipt).then((answer) => {
      answered = true;
      return answer;
    });
    await g.until(() => g.engine.submitted.length === 1);
    expect(answered).toBe(false);
    expect(g.gateway.stats()).toMatchObject({ requestsInFlight: 1, bodyBytesInFlight: JSON.stringify(receipt).length });
    g.engine.release();
    expect((await pending).status).toBe(202);
    await g.until(() => g.gateway.stats().requestsInFlight === 0);
    expect(g.gateway.stats().bodyBytesInFlight).toBe(0);
  });

  test('reports bad events under the caller’s indices, and takes their neighbours', async () => {
    const g = await start();
    const lines = [
      '{"type":"receipt","customer":"a","id":"0"}',
      '{"type":"unknownThing","customer":"a"}',
      '',
      '{"customer":"b"}',
      '{"type":"receipt","customer":',
      '[{"type":"receipt","customer":"a"},{"type":"receipt","customer":"b"}]',
      `{"type":"receipt","customer":"c","pad":"${'x'.repeat(EVENT_BYTES_MAX)}"}`,
      '{"type":"receipt","customer":"a","id":"6"}',
      '\u0001 not even close',
      '{"type":"receipt","customer":"a","id":"8"}',
    ];
    const answer = await g.post('/v1/events', lines.join('\n'), 'application/x-ndjson');
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({
      accepted: 3,
      rejected: [
        { index: 1, reason: 'unknown_type', error: 'type: no event type "unknownThing"' },
        { index: 2, reason: 'missing_field', error: 'type: missing' },
        { index: 3, reason: 'syntax', error: 'not JSON: it ends too early' },
        { index: 4, reason: 'field_type', error: 'an event is an object' },
        { index: 5, reason: 'too_large', error: 'the event has 262186 bytes, 262144 are allowed' },
        { index: 7, reason: 'syntax', error: 'not JSON: it ends too early' },
      ],
    });
    expect(g.engine.applied.map(({ event }) => event.id)).toEqual(['0', '6', '8']);
    expect(g.engine.unreadable.map(({ payload }) => Buffer.from(payload).toString())).toEqual(
      expect.arrayContaining(['{"type":"receipt","customer":', '\u0001 not even close']),
    );
    expect(g.gateway.stats().eventsRefused).toBe(1);
  });

  test('a text that is not UTF-8 costs its own event alone', async () => {
    const g = await start();
    const bad = Buffer.concat([
      Buffer.from('[{"type":"a","customer":"x'),
      Buffer.of(0xff, 0xc0),
      Buffer.from('"},{"type":"a","customer":"y"}]'),
    ]);
    await g.post('/v1/events', bad);
    expect(g.engine.submitted.map((batch) => batch.payload.length)).toEqual(expect.arrayContaining([29, 27]));
    expect(g.engine.applied.map(({ event }) => event.customer)).toContain('y');
  });

  test('an array that is not closed is taken up to where it is whole', async () => {
    const g = await start();
    const answer = await g.post('/v1/events', '[{"type":"a","customer":"x"}, {"type":"a","customer":"y"}');
    expect(answer.json).toEqual({
      accepted: 2,
      rejected: [
        {
          index: 2,
          reason: 'syntax',
          error: 'the array is not closed: what came behind the last complete event is missing',
        },
      ],
    });
    const gap = await g.post('/v1/events', '[{"type":"a","customer":"x"},,{"type":"a","customer":"y"},]');
    const error = 'an event is missing between two commas, or behind the last one';
    expect(gap.json).toEqual({
      accepted: 2,
      rejected: [
        { index: 1, reason: 'syntax', error },
        { index: 3, reason: 'syntax', error },
      ],
    });
  });

  test('an empty array is fine', async () => {
    const g = await start();
    expect((await g.post('/v1/events', ' [ ] ')).json).toEqual({ accepted: 0, rejected: [] });
    expect((await g.post('/v1/events', packr.pack([]), 'application/msgpack')).json).toEqual({
      accepted: 0,
      rejected: [],
    });
  });

  test('repeats are counted among the accepted', async () => {
    const g = await start();
    await g.post('/v1/events', receipt);
    expect((await g.post('/v1/events', [receipt, { ...receipt, id: '2' }])).json).toEqual({
      accepted: 2,
      repeated: 1,
      rejected: [],
    });
  });

  test('an anonymous event goes by its id, so that a retry meets the partition that remembers it', async () => {
    const g = await start();
    for (let i = 0; i < 3; i++) await g.post('/v1/events', { type: 'receipt', id: 'till-7-001', data: { try: i } });
    expect(new Set(g.engine.submitted.map((batch) => batch.partition)).size).toBe(1);
    expect((await g.post('/v1/events', { type: 'receipt', id: 'till-7-001' })).json).toMatchObject({ repeated: 1 });
  });

  test.each(['', '  \r\n '])('a body of nothing is 400: %j', async (body) => {
    const g = await start();
    const detail =
      'the body is empty: send one event, an array of events, or one event per line, as application/json, application/x-ndjson or application/msgpack';
    expectProblem(await g.post('/v1/events', body), 400, 'bad-request', detail);
  });

  test('415 for what is no format of events, or is compressed', async () => {
    const g = await start();
    const detail = 'events come as application/json, application/x-ndjson or application/msgpack, not as text/csv';
    expectProblem(await g.post('/v1/events', 'a,b', 'text/csv'), 415, 'content-type', detail);
    const gzip = await g.request('POST', '/v1/events', 'x', {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
    expectProblem(gzip, 415, 'content-encoding', 'send the body as it is, not with Content-Encoding: gzip');
    expect(g.engine.submitted).toEqual([]);
  });

  test('413 for a body past the limit, of which nothing is taken', async () => {
    const g = await start({ bodyBytesMax: 1000 });
    const detail =
      'a body may have 1000 bytes, this one has 1001: nothing of it was taken; send it as several requests';
    expectProblem(await g.post('/v1/events', ' '.repeat(1001)), 413, 'body-too-large', detail);
    expect((await g.post('/v1/events', JSON.stringify(receipt).padEnd(1000))).status).toBe(202);
    expect(g.engine.applied.length).toBe(1);
  });

  test('413 for more events than one request may hold', async () => {
    const g = await start({ eventsMax: 3 });
    const detail = 'a body may hold 3 events, this one has more: nothing of it was taken; send it as several requests';
    expectProblem(await g.post('/v1/events', [receipt, receipt, receipt, receipt]), 413, 'too-many-events', detail);
    expect(g.engine.submitted).toEqual([]);
    expect((await g.post('/v1/events', [receipt, receipt, receipt])).status).toBe(202);
  });

  test('413 for records that expand without measure', async () => {
    const g = await start({ expandedBytesMax: 10_000 });
    const shape = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`a_rather_long_member_name_${i}`, 1]));
    const body = new Packr({ useRecords: true }).pack(Array.from({ length: 100 }, () => shape));
    const detail =
      'written without records this body would have more than 10000 bytes: nothing of it was taken; send it as several requests';
    expectProblem(await g.post('/v1/events', body, 'application/msgpack'), 413, 'too-many-events', detail);
  });

  test('past a bound, malformed events are reported but not kept', async () => {
    const g = await start({ malformedMax: 2 });
    const answer = await g.post('/v1/events', 'x\ny\nz\n{"type":"a","customer":"b"}', 'application/x-ndjson');
    expect(answer.json.accepted).toBe(1);
    expect(answer.json.rejected[2]).toEqual({
      index: 2,
      reason: 'syntax',
      error: 'cannot be read as an event; not kept, because this request already has 2 like it',
    });
    expect(g.engine.unreadable.length).toBe(2);
  });

  test('a long list of rejections is cut, and says by how much', async () => {
    const g = await start({ rejectionsListedMax: 2 });
    const answer = await g.post('/v1/events', [{}, {}, {}, {}, {}]);
    expect(answer.json).toMatchObject({ accepted: 0, rejected: [{ index: 0 }, { index: 1 }], unlisted: 3 });
  });

  test('429 with Retry-After when the engine cannot keep up', async () => {
    const g = await start();
    g.engine.overloaded = true;
    const answer = await g.post('/v1/events', receipt);
    const detail =
      'the engine cannot keep up; nothing of this request was taken: send it again a little later, more slowly';
    expectProblem(answer, 429, 'overloaded', detail);
    expect(answer.headers.get('retry-after')).toBe('1');
    g.engine.overloaded = false;
    expect((await g.post('/v1/events', receipt)).json).toEqual({ accepted: 1, rejected: [] });
  });

  test('429 when bodies that are not answered yet fill the memory set aside for them', async () => {
    const g = await start({ bodyBytesInFlightMax: 300 });
    g.engine.hold();
    const first = g.post('/v1/events', JSON.stringify(receipt).padEnd(200));
    await g.until(() => g.engine.submitted.length === 1);
    const second = await g.post('/v1/events', JSON.stringify(receipt).padEnd(200));
    expectProblem(second, 429, 'overloaded', /^the bodies of requests that are not answered yet fill the memory/);
    expect(second.headers.get('retry-after')).toBe('1');
    g.engine.release();
    expect((await first).status).toBe(202);
    expect((await g.post('/v1/events', JSON.stringify({ ...receipt, id: '2' }).padEnd(200))).status).toBe(202);
  });

  test('429 when as many requests are being answered as are taken at once; probes still get through', async () => {
    const g = await start({ requestsInFlightMax: 1 });
    g.engine.hold();
    const first = g.post('/v1/events', receipt);
    await g.until(() => g.engine.submitted.length === 1);
    expectProblem(await g.get('/v1/campaigns'), 429, 'overloaded', /^1 requests are being answered/);
    expect((await g.get('/healthz')).status).toBe(200);
    g.engine.release();
    await first;
  });

  test.each<[string, IngestFault, number, string]>([
    ['/v1/events', 'full', 429, 'overloaded'],
    ['/v1/events', 'timeout', 503, 'unavailable'],
    ['/v1/events', 'closed', 503, 'unavailable'],
    ['/v1/events', 'refused', 503, 'unavailable'],
    ['/v1/events', 'too_large', 503, 'unavailable'],
    ['/v1/decide', 'full', 429, 'overloaded'],
    ['/v1/decide', 'timeout', 503, 'unavailable'],
    ['/v1/decide', 'unavailable', 503, 'unavailable'],
  ])(
    '%s: when the log says %s, %i, and that the event is to be sent again, not mended',
    async (path, fault, ...told) => {
      const g = await start();
      g.engine.failure = new IngestError(fault, 'the log of partition 2: no');
      const answer = await g.post(path, receipt);
      expectProblem(
        answer,
        ...told,
        /^the log of partition 2: no\. It may or may not have been stored: sending .* is safe/,
      );
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(g.logged).toEqual([]);
      g.engine.failure = null;
      expect((await g.post(path, receipt)).status).toBeLessThan(300);
    },
  );

  test('500 when the engine fails; the process and the next request live', async () => {
    const g = await start();
    g.engine.failure = new Error('worker 2 is gone');
    expectProblem(await g.post('/v1/events', receipt), 500, 'internal', /reason is in the log of the node/);
    expect(g.logged).toEqual([
      { level: 'error', message: 'a request handler failed', fields: { err: g.engine.failure, method: 'post' } },
    ]);
    g.engine.failure = null;
    expect((await g.post('/v1/events', receipt)).status).toBe(202);
  });
});

describe('POST /v1/decide', () => {
  const deciding = {
    ...receipt,
    data: {
      decide: [
        { channel: 'push', campaign: 'hearts' },
        { channel: 'sms', campaign: 'flowers' },
      ],
    },
  };

  test.each([
    ['JSON', 'application/json', (event: object) => JSON.stringify(event)],
    ['an array of one', 'application/json', (event: object) => JSON.stringify([event])],
    ['MessagePack', 'application/msgpack', (event: object) => packr.pack(event)],
    ['a MessagePack record', 'application/msgpack', (event: object) => new Packr({ useRecords: true }).pack(event)],
  ])('answers with the decisions, to %s', async (_, type, encode) => {
    const g = await start();
    const answer = await g.post('/v1/decide', encode(deciding), type);
    expect(answer.status).toBe(200);
    const p = partitionOf('17850', 4);
    expect(answer.json).toMatchObject({
      event: '536365',
      decisions: [
        { id: `${p}-1`, campaign: 'hearts' },
        { id: `${p}-2`, channel: 'sms' },
      ],
    });
    expect(Object.keys(answer.json)).toEqual(['event', 'decisions']);
  });

  test('a repeat gets the original decisions', async () => {
    const g = await start();
    const first = await g.post('/v1/decide', deciding);
    expect((await g.post('/v1/decide', deciding)).json).toEqual({ ...first.json, repeated: true });
  });

  test('names the campaigns whose winners still wait for units', async () => {
    const g = await start();
    const event = { id: 'w1', type: 'receipt', customer: 'x', data: { waiting: ['spring', 'say "hi"'] } };
    const answer = { event: 'w1', decisions: [], waiting: ['spring', 'say "hi"'] };
    expect((await g.post('/v1/decide', event)).json).toEqual(answer);
    expect((await g.post('/v1/decide', event)).json).toEqual({ ...answer, repeated: true });
  });

  test('an event without an id, and with an odd one', async () => {
    const g = await start();
    expect((await g.post('/v1/decide', { type: 'receipt', customer: 'x' })).json).toEqual({
      event: null,
      decisions: [],
    });
    const odd = await g.post('/v1/decide', '{"id":"a\\"\\u00e9\\n","type":"receipt","customer":"x"}');
    expect(odd.json).toEqual({ event: 'a"é\n', decisions: [] });
    const packed = await g.post(
      '/v1/decide',
      packr.pack({ id: 'a"é\n', type: 'receipt', customer: 'y' }),
      'application/msgpack',
    );
    expect(packed.json.event).toBe('a"é\n');
  });

  test('422 for an event that is rejected, with the reason', async () => {
    const g = await start();
    const answer = await g.post('/v1/decide', { type: 'unknownThing', customer: 'x' });
    const detail = 'type: no event type "unknownThing". Nothing was decided: mend the event and send it again';
    expectProblem(answer, 422, 'event-rejected', detail);
    expect(answer.json.reason).toBe('unknown_type');
    const broken = await g.post('/v1/decide', '{"type":');
    expectProblem(
      broken,
      422,
      'event-rejected',
      'not JSON: it ends too early. Nothing was decided: mend the event and send it again',
    );
    const large = await g.post('/v1/decide', { type: 'receipt', pad: 'x'.repeat(EVENT_BYTES_MAX) });
    expectProblem(large, 422, 'event-rejected', /^the event has 262171 bytes, 262144 are allowed/);
    expect(large.json.reason).toBe('too_large');
  });

  test('400 for several events, or none', async () => {
    const g = await start();
    const detail = 'decide takes one event, this body holds 2; nothing of it was taken. Send several to /v1/events';
    expectProblem(await g.post('/v1/decide', [deciding, deciding]), 400, 'bad-request', detail);
    expectProblem(await g.post('/v1/decide', []), 400, 'bad-request', /this body holds 0/);
    expectProblem(await g.post('/v1/decide', ''), 400, 'bad-request', /^the body is empty/);
    expect(g.engine.submitted).toEqual([]);
  });

  test('429 when the engine cannot keep up', async () => {
    const g = await start();
    g.engine.overloaded = true;
    const answer = await g.post('/v1/decide', deciding);
    expectProblem(answer, 429, 'overloaded', /^the engine cannot keep up/);
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});

describe('reading', () => {
  test('GET /v1/customers/{id} decodes the id', async () => {
    const g = await start();
    g.engine.customers.set('loyalty/17 850+é', { id: 'loyalty/17 850+é', attributes: {} });
    const answer = await g.get(`/v1/customers/${encodeURIComponent('loyalty/17 850+é')}`);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ id: 'loyalty/17 850+é', attributes: {} });
    expectProblem(
      await g.get('/v1/customers/nobody'),
      404,
      'not-found',
      'there is no customer "nobody": no accepted event has named it',
    );
    expectProblem(await g.get('/v1/customers/%zz'), 400, 'bad-request', '"%zz" is not valid percent-encoding of UTF-8');
    expectProblem(await g.get('/v1/customers/%ff'), 400, 'bad-request', '"%ff" is not valid percent-encoding of UTF-8');
  });

  test('GET /v1/campaigns and one of them', async () => {
    const g = await start();
    const counts = {
      id: 'hearts',
      status: 'live',
      matched: 3,
      decided: { push: 2 },
      suppressed: { cap: 1 },
      waiting: 0,
      errors: 0,
      valueErrors: 0,
      messageErrors: 1,
    };
    g.engine.counts = [counts];
    expect((await g.get('/v1/campaigns')).json).toEqual([counts]);
    expect((await g.get('/v1/campaigns/hearts')).json).toEqual(counts);
    const detail = 'there is no campaign "heart": GET /v1/campaigns lists those there are';
    expectProblem(await g.get('/v1/campaigns/heart'), 404, 'not-found', detail);
  });

  test('GET /v1/campaigns/{id}/waiting', async () => {
    const g = await start();
    const event = { id: 'v1', type: 'view' };
    const times = { since: '2026-11-22T10:00:00.000Z', until: '2026-11-22T10:30:00.000Z' };
    const customers = Array.from({ length: 150 }, (_, i) => ({
      customer: `c${i}`,
      for: 'wait' as const,
      ...times,
      event,
    }));
    g.engine.waitingFor.set('basket', { total: 2000, customers });
    const path = '/v1/campaigns/basket/waiting';
    expect((await g.get(path)).json).toEqual({ total: 2000, customers: customers.slice(0, 100) });
    expect((await g.get(`${path}?limit=2`)).json).toEqual({ total: 2000, customers: customers.slice(0, 2) });
    expect((await g.get(`${path}?limit=0`)).json).toEqual({ total: 2000, customers: [] });
    for (const limit of ['1001', '-1', '1.5', '', 'all']) {
      const detail = `limit is a whole number from 0 to 1000, not "${limit}"`;
      expectProblem(await g.get(`${path}?limit=${limit}`), 400, 'bad-request', detail);
    }
    const unknown = '"limits" is no parameter of this list: there is limit';
    expectProblem(await g.get(`${path}?limits=2`), 400, 'bad-request', unknown);
    const detail = 'there is no campaign "bas": GET /v1/campaigns lists those there are';
    expectProblem(await g.get('/v1/campaigns/bas/waiting'), 404, 'not-found', detail);
    const post = await g.request('POST', path, 'x');
    expectProblem(post, 405, 'method', '/v1/campaigns/{id}/waiting takes GET, HEAD, not POST');
    const near =
      'there is no /v1/campaigns/basket/waits; did you mean /v1/campaigns/{id} or /v1/campaigns/{id}/waiting?';
    expectProblem(await g.get('/v1/campaigns/basket/waits'), 404, 'no-such-route', near);
    expect((await g.get('/v1/campaigns/waiting')).status, 'a campaign of that name').toBe(404);
  });

  test('POST /v1/audiences/count', async () => {
    const g = await start();
    expect((await g.post('/v1/audiences/count', { where: 'profile.spend_30d > 100.0' })).json).toEqual({
      count: 12,
      customers: 34,
      ms: 0.5,
      asOf: '2010-12-01T08:26:00.000Z',
    });
    const wrong = await g.post('/v1/audiences/count', { where: 'profile.spent > 100.0' });
    expectProblem(wrong, 422, 'issues', 'nothing was counted: where:1:9 unknown name `spent`');
    expect(wrong.json.issues).toEqual([{ file: 'where', line: 1, column: 9, message: 'unknown name `spent`' }]);
    expectProblem(await g.post('/v1/audiences/count', '{"where":'), 400, 'bad-request', /^the body is not JSON: /);
    expectProblem(
      await g.post('/v1/audiences/count', Buffer.of(0x22, 0xff, 0x22)),
      400,
      'bad-request',
      'the body is not UTF-8',
    );
    expectProblem(
      await g.post('/v1/audiences/count', []),
      400,
      'bad-request',
      'the body must be a JSON object with where',
    );
    expectProblem(
      await g.post('/v1/audiences/count', {}),
      400,
      'bad-request',
      /^the body needs "where", an expression/,
    );
    const unknown = await g.post('/v1/audiences/count', { when: 'true' });
    expectProblem(unknown, 400, 'bad-request', 'the body has "when", which is not known here: it may have where');
    expectProblem(
      await g.post('/v1/audiences/count', 'x', 'text/html'),
      415,
      'content-type',
      'this route takes application/json, not text/html',
    );
  });
});

describe('/v1/workspace', () => {
  test('a client that goes while its version is published leaves no body behind', async () => {
    const g = await start();
    g.engine.hold();
    const abort = new AbortController();
    const body = JSON.stringify({ files: { 'workspace.yaml': 'name: shop\n' } });
    const url = `http://127.0.0.1:${g.port}/v1/workspace`;
    const pending = fetch(url, { method: 'PUT', body, signal: abort.signal }).catch(() => null);
    await g.until(() => g.gateway.stats().bodyBytesInFlight === body.length);
    abort.abort();
    await pending;
    await g.until(() => g.gateway.stats().requestsInFlight === 0);
    expect(g.gateway.stats().bodyBytesInFlight).toBe(0);
    g.engine.release();
    await g.until(() => g.engine.sources?.version === 2);
    expect(g.logged).toEqual([]);
  });

  describe('what became of a version that nobody waits for any more', () => {
    const body = JSON.stringify({ files: { 'workspace.yaml': 'name: shop\n' } });
    /** So many clients ask, and go before there is an answer; `stay` more of them do not. */
    async function leave(g: GatewayUnderTest, clients: number, stay = 0): Promise<Promise<Response>[]> {
      const abort = new AbortController();
      const ask = (signal: AbortSignal | null) =>
        fetch(`http://127.0.0.1:${g.port}/v1/workspace`, { method: 'PUT', body, signal });
      const gone = Array.from({ length: clients }, () => ask(abort.signal).catch(() => null));
      const stayed = Array.from({ length: stay }, () => ask(null));
      await g.until(() => g.gateway.stats().requestsInFlight === clients + stay);
      abort.abort();
      await Promise.all(gone);
      await g.until(() => g.gateway.stats().requestsInFlight === stay);
      return stayed;
    }
    /** A publication that ends when it is told to; all who ask share it. */
    function publication(g: GatewayUnderTest): {
      end: (outcome: PublishOutcome) => void;
      fail: (error: Error) => void;
    } {
      let end: (outcome: PublishOutcome) => void = () => {};
      let fail: (error: Error) => void = () => {};
      const pending = new Promise<PublishOutcome>((resolve, reject) => {
        end = resolve;
        fail = reject;
      });
      g.engine.publish = () => pending;
      return { end, fail };
    }

    test('is logged once where history could not be read, with the remedy', async () => {
      const g = await start();
      const { end } = publication(g);
      await leave(g, 3);
      end({ unfilled: 'history could not be read within 55 minutes' });
      await g.until(() => g.logged.length > 0);
      await g.get('/v1/workspace');
      expect(g.logged).toEqual([
        {
          level: 'warn',
          message: 'a workspace was not published, and nobody waits for the answer any more',
          fields: {
            status: 422,
            problem: expect.stringMatching(/^New aggregates .*: nothing was published: history .*Try again, or send/),
          },
        },
      ]);
    });

    test('is logged once where publishing it failed', async () => {
      const g = await start();
      const { fail } = publication(g);
      await leave(g, 2);
      const err = new Error('version 2 is not active everywhere');
      fail(err);
      await g.until(() => g.logged.length > 0);
      await g.get('/v1/workspace');
      expect(g.logged).toEqual([
        {
          level: 'error',
          message: expect.stringMatching(/^publishing a workspace failed, .*: publish it again/),
          fields: { err },
        },
      ]);
    });

    test('is not logged where it is published, or somebody hears why it is not', async () => {
      const g = await start();
      const first = publication(g);
      await leave(g, 1);
      first.end({ version: 2, changed: true, filled: [] });
      const second = publication(g);
      const [stayed] = await leave(g, 2, 1);
      second.end({ conflict: 3 });
      expect((await stayed)?.status).toBe(409);
      expect(g.logged).toEqual([]);
    });
  });

  test('429 while as many as may be wait to be published', async () => {
    const g = await start();
    g.engine.overloaded = true;
    const answer = await g.request(
      'PUT',
      '/v1/workspace',
      JSON.stringify({ files: { 'workspace.yaml': 'name: shop\n' } }),
    );
    expectProblem(answer, 429, 'overloaded', /^as many versions as may be wait to be published/);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  });

  test('an Idempotency-Key says that it is the same request', async () => {
    const g = await start();
    const keys: (string | null)[] = [];
    g.engine.publish = async (_files, _basedOn, _history, key) => {
      keys.push(key);
      return { version: 2, changed: true, filled: [] };
    };
    const body = JSON.stringify({ files: { 'workspace.yaml': '' } });
    await g.request('PUT', '/v1/workspace', body, { 'idempotency-key': 'a' });
    await g.request('PUT', '/v1/workspace', body);
    const long = await g.request('PUT', '/v1/workspace', body, { 'idempotency-key': 'a'.repeat(256) });
    expectProblem(long, 400, 'bad-request', 'Idempotency-Key must have 1 to 255 characters');
    expect(keys).toEqual(['a', null]);
  });

  test('what GET gives can be changed and PUT back', async () => {
    const g = await start();
    const before = await g.get('/v1/workspace');
    expect(before.json).toEqual({ version: 1, files: { 'workspace.yaml': 'name: retail\n' } });
    const files = { ...before.json.files, 'policy.yaml': 'caps: []\n' };
    const put = await g.request('PUT', '/v1/workspace', JSON.stringify({ ...before.json, files }));
    expect(put.status).toBe(200);
    expect(put.json).toEqual({ version: 2, changed: true, filled: [], files });
    expect((await g.get('/v1/workspace')).json).toEqual({ version: 2, files });
    const stale = await g.request('PUT', '/v1/workspace', JSON.stringify(before.json));
    expectProblem(stale, 409, 'version', /^these files are based on version 1, but version 2 is active/);
    expect((await g.request('PUT', '/v1/workspace', JSON.stringify({ files }))).json.version).toBe(3);
  });

  test('422 with every issue and its place, and the active version stays', async () => {
    const g = await start();
    const answer = await g.request('PUT', '/v1/workspace', JSON.stringify({ files: { 'events.yaml': 'bad' } }));
    expectProblem(answer, 422, 'issues', 'nothing was published: events.yaml:3:7 no such event `bad`');
    expect(answer.json.issues).toEqual([{ file: 'events.yaml', line: 3, column: 7, message: 'no such event `bad`' }]);
    expect((await g.get('/v1/workspace')).json.version).toBe(1);
  });

  test.each([
    ['{}', /^the body needs "files"/],
    ['{"files":{}}', /^the body needs "files"/],
    ['{"files":["a"]}', /^the body needs "files"/],
    ['{"files":{"a.yaml":1}}', '"files" must map paths to texts; "a.yaml" is no text'],
    [
      '{"files":{"a.yaml":""},"name":"x"}',
      'the body has "name", which is not known here: it may have files, version, history',
    ],
    ['{"files":{"a.yaml":""},"history":"warm"}', /^"history" must be "fill", .* or "skip"/],
    ['', /^the body is not JSON/],
  ])('400 for %s', async (body, detail) => {
    const g = await start();
    expectProblem(await g.request('PUT', '/v1/workspace', body), 400, 'bad-request', detail);
  });

  test('POST /v1/workspace/check says what would become of files', async () => {
    const g = await start();
    const check = (files: object) => g.request('POST', '/v1/workspace/check', JSON.stringify({ files }));
    const good = await check({ 'workspace.yaml': 'name: retail\n' });
    expect([good.status, good.json.active, good.json.filled]).toEqual([
      200,
      1,
      [{ aggregate: 'spend', changed: false, since: '2026-01-01T00:00:00.000Z', complete: true }],
    ]);
    const bad = await check({ 'events.yaml': 'bad' });
    expectProblem(bad, 422, 'issues', 'it could not be published: events.yaml:3:7 no such event `bad`');
    expect((await g.get('/v1/workspace')).json.version).toBe(1);
  });

  test('429 while as many as may be wait to be checked', async () => {
    const g = await start();
    g.engine.overloaded = true;
    const answer = await g.request('POST', '/v1/workspace/check', JSON.stringify({ files: { 'workspace.yaml': '' } }));
    expectProblem(answer, 429, 'overloaded', /^as many workspaces as may be wait to be checked/);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  });

  test('404 while there is none', async () => {
    const g = await start();
    g.engine.sources = null;
    expectProblem(await g.get('/v1/workspace'), 404, 'not-found', /^no workspace is active: publish one/);
  });
});

describe('operations', () => {
  test('/metrics, /healthz, /readyz', async () => {
    const g = await start();
    const metrics = await g.get('/metrics');
    expect(metrics.text).toBe('beckon_subscribers 0\n');
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect((await g.get('/healthz')).json).toEqual({ status: 'alive' });
    expect((await g.get('/readyz')).json).toEqual({ status: 'ready' });
    g.engine.ready = false;
    expectProblem(await g.get('/readyz'), 503, 'unavailable', 'partition 3 is still reading its log');
    expect((await g.get('/healthz')).status).toBe(200);
  });

  test('HEAD is GET without the body', async () => {
    const g = await start();
    const head = await g.request('HEAD', '/healthz');
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe(String(JSON.stringify({ status: 'alive' }).length));
    expect(head.text).toBe('');
    expect((await g.request('HEAD', '/v1/customers/nobody')).status).toBe(404);
  });

  test.each([
    ['GET', '/v1/events', 'POST', '/v1/events takes POST, not GET'],
    ['DELETE', '/v1/workspace', 'GET, PUT, HEAD', '/v1/workspace takes GET, PUT, HEAD, not DELETE'],
    ['POST', '/v1/customers/x', 'GET, HEAD', '/v1/customers/{id} takes GET, HEAD, not POST'],
    ['POST', '/metrics', 'GET, HEAD', '/metrics takes GET, HEAD, not POST'],
    ['OPTIONS', '/v1/decide', 'POST', '/v1/decide takes POST, not OPTIONS'],
  ])('405 for %s %s, with Allow', async (method, path, allow, detail) => {
    const g = await start();
    const answer = await g.request(method, path, method === 'POST' ? 'x' : undefined);
    expectProblem(answer, 405, 'method', detail);
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test.each([
    ['/v1/event', 'there is no /v1/event; did you mean /v1/events?'],
    ['/v1/events/', 'there is no /v1/events/; did you mean /v1/events?'],
    ['/events', 'there is no /events; did you mean /v1/events?'],
    ['/v1/customers/', 'there is no /v1/customers/; did you mean /v1/customers/{id} or /v1/customers/{id}/why?'],
    ['/v1/customers/a/b', 'there is no /v1/customers/a/b; did you mean /v1/customers/{id} or /v1/customers/{id}/why?'],
    ['/metric', 'there is no /metric; did you mean /metrics?'],
    ['/health', 'there is no /health; did you mean /healthz?'],
    ['/', /^there is no \/; the routes are \/v1\/events, \/v1\/decide, /],
  ])('404 for %s says what is near', async (path, detail) => {
    const g = await start();
    expectProblem(await g.get(path), 404, 'no-such-route', detail);
  });

  test('GET /v1/decisions without an upgrade is 426', async () => {
    const g = await start();
    const answer = await g.get('/v1/decisions');
    expectProblem(answer, 426, 'upgrade', /^connect with a WebSocket client/);
    expect(answer.headers.get('upgrade')).toBe('websocket');
  });

  test('answers are told to whoever counts them, by route and status', async () => {
    const seen: string[] = [];
    const g = await start({}, { onAnswered: (route, status) => seen.push(`${route} ${status}`) });
    await g.get('/v1/customers/nobody');
    await g.post('/v1/events', receipt);
    await g.get('/nothing');
    expect(seen).toEqual(['/v1/customers/{id} 404', '/v1/events 202', ' 404']);
  });
});

describe('authorization', () => {
  test('with tokens, one of them is needed everywhere but for probes', async () => {
    const g = await start({}, { auth: { tokens: ['old-secret', 'new-secret'] } });
    const none = await g.get('/v1/campaigns');
    expectProblem(none, 401, 'unauthorized', 'send the token as "Authorization: Bearer <token>"');
    expect(none.headers.get('www-authenticate')).toBe('Bearer');
    const wrong = await g.request('GET', '/metrics', undefined, { authorization: 'Bearer old-secre' });
    expectProblem(wrong, 401, 'unauthorized', 'the token is not one that this gateway was given');
    for (const token of ['old-secret', 'new-secret']) {
      expect((await g.request('GET', '/v1/campaigns', undefined, { authorization: `bearer ${token}` })).status).toBe(
        200,
      );
    }
    expect((await g.get('/healthz')).status).toBe(200);
    expect((await g.get('/readyz')).status).toBe(200);
    expect((await g.post('/v1/events', receipt)).status).toBe(401);
    expect(g.engine.submitted).toEqual([]);
  });

  test('with origins, pages from elsewhere are refused, programs are not', async () => {
    const g = await start({}, { auth: { origins: ['https://shop.example'] } });
    const wrong = await g.request('GET', '/v1/campaigns', undefined, { origin: 'https://evil.example' });
    expectProblem(wrong, 403, 'origin', /^pages from https:\/\/evil.example may not talk to this gateway/);
    expect((await g.request('GET', '/v1/campaigns', undefined, { origin: 'https://shop.example' })).status).toBe(200);
    expect((await g.get('/v1/campaigns')).status).toBe(200);
  });
});

describe('listening and closing', () => {
  test('a port that is taken is an error that says so', async () => {
    const g = await start();
    const { Gateway } = await import('../../src/gateway/gateway.ts');
    const second = new Gateway({ engine: g.engine, logger: { error: () => {}, warn: () => {} } });
    await expect(second.listen('127.0.0.1', g.port)).rejects.toThrow(
      `cannot listen on 127.0.0.1:${g.port}: the address is in use`,
    );
    expect((await g.get('/healthz')).status).toBe(200);
  });

  test('closing finishes what is under way and takes nothing new', async () => {
    const g = await start();
    const idle = g.connect();
    await new Promise((resolve) => idle.once('connect', resolve));
    g.engine.hold();
    const pending = g.post('/v1/events', receipt);
    await g.until(() => g.engine.submitted.length === 1);
    const closed = g.gateway.close();
    await expect(g.get('/healthz')).rejects.toThrow();
    // On a connection that was there before.
    let text = '';
    idle.on('data', (data) => {
      text += String(data);
    });
    idle.write('POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}');
    await new Promise((resolve) => idle.once('close', resolve));
    expect(text).toMatch(/^HTTP\/1.1 503 Service Unavailable/);
    expect(text).toContain('this node is shutting down: use another one');
    g.engine.release();
    expect((await pending).json).toEqual({ accepted: 1, rejected: [] });
    await closed;
    expect(g.engine.submitted.length).toBe(1);
  });

  test('what is given up because the node stops is answered with 503, for another node', async () => {
    const g = await start();
    g.engine.hold();
    g.engine.failure = new Error('the node is stopping');
    const pending = g.get('/v1/customers/a/why');
    await g.until(() => g.engine.whyQuestions.length === 1);
    const closed = g.gateway.close();
    g.engine.release();
    const answer = await pending;
    expectProblem(answer, 503, 'unavailable', /^this node is shutting down, and gave the request up/);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    await closed;
    expect(g.logged.map(({ message }) => message)).toEqual(['a request was given up: the node is stopping']);
  });

  test('closing does not wait for ever', async () => {
    const g = await start({ drainMsMax: 20 });
    g.engine.hold();
    const pending = g.post('/v1/events', receipt).catch((error: unknown) => error);
    await g.until(() => g.engine.submitted.length === 1);
    await g.gateway.close();
    expect(g.logged[0]?.message).toBe('closing with requests unanswered: the engine took too long');
    expect(await pending).toBeInstanceOf(Error);
  });

  test('POST /v1/audiences/list', async () => {
    const g = await start();
    const body = { where: 'profile.vip', fields: ['country'], sample: 0.5, salt: 'spring', limit: 1 };
    expect((await g.post('/v1/audiences/list', body)).json).toEqual({
      count: 12,
      customers: 34,
      ms: 0.5,
      asOf: '2010-12-01T08:26:00.000Z',
      sampled: 2,
      members: [{ id: 'a' }],
    });
    expect(g.engine.audienceRequests).toEqual([
      {
        where: 'profile.vip',
        fields: ['country'],
        sample: { salt: 'spring', share: 0.5, count: null },
        format: 'ndjson',
      },
    ]);
    expect((await g.post('/v1/audiences/list', { where: 'true' })).json.members).toEqual([{ id: 'a' }, { id: 'b' }]);
    expect((await g.post('/v1/audiences/list', { where: 'true', limit: 0 })).json.members).toEqual([]);
    g.engine.audienceChunks = [];
    expect((await g.post('/v1/audiences/list', { where: 'true' })).json.members).toEqual([]);
    g.engine.audienceChunks = [`${'x'.repeat(9 << 20)}\n`, `${'x'.repeat(9 << 20)}\n`];
    expectProblem(await g.post('/v1/audiences/list', { where: 'true' }), 400, 'bad-request', /^the rows are more than/);
    expect(g.engine.audiencesOpen).toBe(0);
    const refused = async (body: object, detail: RegExp): Promise<void> => {
      expectProblem(await g.post('/v1/audiences/list', { where: 'true', ...body }), 400, 'bad-request', detail);
    };
    await refused({ limit: 10_001 }, /^"limit" is a whole number from 0 to 10000; for more use/);
    await refused({ limit: '3' }, /^"limit" is a whole number/);
    await refused({ fields: 'country' }, /^"fields" is a list of names/);
    await refused({ fields: [1] }, /^"fields" is a list of names/);
    await refused({ salt: 3 }, /^"salt" is a text/);
    for (const sample of [0, -1, 1.5, '0.1', 1_000_001]) await refused({ sample }, /^"sample" is a share above 0/);
    await refused({ format: 'csv' }, /^the body has "format", which is not known here/);
    const wrong = await g.post('/v1/audiences/list', { where: 'profile.spent' });
    expectProblem(wrong, 422, 'issues', 'nothing was listed: where:1:9 unknown name `spent`');
    g.engine.overloaded = true;
    const busy = await g.post('/v1/audiences/count', { where: 'true' });
    expectProblem(busy, 429, 'overloaded', /^as many audiences as this node takes at once/);
    expect(busy.headers.get('retry-after')).toBe('1');
  });

  test('POST /v1/audiences/export streams, no faster than it is read, and a cut body is seen to be cut', async () => {
    const g = await start();
    const whole = await g.post('/v1/audiences/export?format=csv', { where: 'true' });
    expect([whole.status, whole.text]).toEqual([200, '{"id":"a"}\n{"id":"b"}\n']);
    expect(whole.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(['count', 'customers', 'as-of'].map((name) => whole.headers.get(`beckon-${name}`))).toEqual([
      '2',
      '34',
      '2010-12-01T08:26:00.000Z',
    ]);
    expect(g.engine.audienceRequests[0]?.format).toBe('csv');
    g.engine.audienceChunks = [];
    expect((await g.post('/v1/audiences/export', { where: 'true' })).text).toBe('');
    expectProblem(
      await g.post('/v1/audiences/export?format=xml', { where: 'true' }),
      400,
      'bad-request',
      'format is one of ndjson, csv, csv-raw, not "xml"',
    );
    expectProblem(
      await g.post('/v1/audiences/export?as=csv', { where: 'true' }),
      400,
      'bad-request',
      '"as" is no parameter of an export: there is format',
    );

    g.engine.audienceFailure = new Error('a field went away');
    expectProblem(await g.post('/v1/audiences/export', { where: 'true' }), 500, 'internal', /./);
    g.engine.audienceChunks = ['{"id":"a"}\n'];
    await expect(g.post('/v1/audiences/export', { where: 'true' })).rejects.toThrow();
    expect(g.logged.length).toBe(2);
    g.engine.audienceFailure = null;

    // A client that reads nothing: what is asked of the engine is bounded by what sockets hold.
    let given = 0;
    const chunk = 'x'.repeat(1 << 20);
    g.engine.audienceChunks = new Proxy([] as string[], {
      get: (target, name) => {
        if (name === 'length') return 200;
        if (typeof name !== 'string' || Number.isNaN(Number(name))) return Reflect.get(target, name);
        given++;
        return chunk;
      },
    });
    const url = `http://127.0.0.1:${g.port}/v1/audiences/export`;
    const slow = await fetch(url, { method: 'POST', body: '{"where":"true"}' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const held = given;
    expect(held).toBeLessThan(100);
    let read = 0;
    for await (const part of slow.body as AsyncIterable<Uint8Array>) read += part.length;
    expect(read).toBe(200 << 20);
    expect(g.engine.audiencesOpen).toBe(0);

    const left = new AbortController();
    await fetch(url, { method: 'POST', body: '{"where":"true"}', signal: left.signal });
    left.abort();
    await g.until(() => g.engine.audiencesOpen === 0);
  });
});
