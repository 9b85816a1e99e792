/** What no well-behaved client sends, over raw sockets: each is refused or taken as it should be, and the process lives. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayUnderTest } from '../support/gateway-client.ts';

let g: GatewayUnderTest;

beforeEach(async () => {
  g = await GatewayUnderTest.start({ limits: { bodyBytesMax: 1 << 20, discardBytesMax: 4 << 20 } });
});

afterEach(async () => {
  // Whatever was done to it: it answers.
  expect((await g.get('/healthz')).status).toBe(200);
  expect(g.logged).toEqual([]);
  await g.stop();
  expect(g.gateway.stats()).toMatchObject({ requestsInFlight: 0, bodyBytesInFlight: 0, subscribers: 0 });
});

const event = '{"type":"receipt","customer":"x"}';
const post = (headers: string): string => `POST /v1/events HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const length = `Content-Length: ${event.length}\r\n`;

describe('where a body ends must be certain', () => {
  test.each([
    ['two different lengths', `${length}Content-Length: 4\r\n`, event],
    ['the same length twice', length + length, event],
    ['two transfer encodings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '2\r\n{}\r\n0\r\n\r\n'],
  ])('%s: 400 that says so, and the connection is closed', async (_, headers, body) => {
    const { text, closed } = await g.raw([post(headers) + body]);
    expect(text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(text).toMatch(
      /the (content-length|transfer-encoding) header occurs twice, so where the body ends is not certain: send it once/,
    );
    expect(closed).toBe(true);
    expect(g.engine.submitted).toEqual([]);
  });

  test('a transfer encoding other than chunked: 501', async () => {
    const { text, closed } = await g.raw([`${post('Transfer-Encoding: gzip\r\n')}2\r\nab\r\n0\r\n\r\n`]);
    expect(text).toMatch(/^HTTP\/1.1 501 Not Implemented\r\n/);
    expect(text).toContain('Transfer-Encoding: gzip is not supported');
    expect(closed).toBe(true);
  });

  // These never reach a handler that has done anything: uWebSockets.js closes the connection with a 400 of its own.
  test.each([
    ['both a length and a transfer encoding', `${length}Transfer-Encoding: chunked\r\n`],
    ['a negative length', 'Content-Length: -1\r\n'],
    ['a signed length', 'Content-Length: +33\r\n'],
    ['a hexadecimal length', 'Content-Length: 0x21\r\n'],
    ['a list of lengths', 'Content-Length: 33, 33\r\n'],
    ['a length beyond measure', 'Content-Length: 99999999999999999999\r\n'],
    ['a space before the colon', 'Content-Length : 33\r\n'],
    ['a folded header', 'X: a\r\n b\r\n'],
  ])('%s: 400, closed', async (_, headers) => {
    const { text, closed } = await g.raw([post(headers) + event]);
    expect(text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(closed).toBe(true);
    expect(g.engine.submitted).toEqual([]);
  });

  test('a broken chunk: 400, closed, nothing taken', async () => {
    const { text, closed } = await g.raw([`${post('Transfer-Encoding: chunked\r\n')}zz\r\n${event}\r\n0\r\n\r\n`]);
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect(closed).toBe(true);
    expect(g.engine.submitted).toEqual([]);
  });
});

describe('requests in pieces', () => {
  test('byte by byte', async () => {
    const { text } = await g.raw([...(post(length) + event)], '"rejected":[]}');
    expect(text).toContain('{"accepted":1,"rejected":[]}');
    expect(g.engine.applied.length).toBe(1);
  });

  test('chunked, with chunks that cut the event anywhere', async () => {
    const chunks = [event.slice(0, 1), event.slice(1, 12), event.slice(12)].map(
      (part) => `${part.length.toString(16)}\r\n${part}\r\n`,
    );
    const { text } = await g.raw([post('Transfer-Encoding: chunked\r\n'), ...chunks, '0\r\n\r\n'], '"rejected":[]}');
    expect(text).toContain('{"accepted":1,"rejected":[]}');
  });

  test('one request after the other on a connection', async () => {
    const { text } = await g.raw(
      [post(length) + event, 50, post(length) + event].map(String).filter((piece) => piece !== '50'),
      '}HTTP',
    );
    expect(text).toMatch(/accepted":1/);
    await g.until(() => g.engine.applied.length === 2);
  });
});

describe('bodies that are too large', () => {
  const large = 'x'.repeat(1 << 19);

  test('declared: refused before it is sent, and the connection goes on when the rest is not too long', async () => {
    const { text } = await g.raw(
      [post(`Content-Length: ${large.length * 4}\r\n`), large, large, large, large, post(length) + event],
      '"rejected":[]}',
    );
    expect(text).toMatch(/^HTTP\/1.1 413 Content Too Large\r\n/);
    expect(text).toContain('a body may have 1048576 bytes, this one has 2097152: nothing of it was taken');
    expect(text).toContain('{"accepted":1,"rejected":[]}');
  });

  test('declared without measure: refused, and closed', async () => {
    const { text, closed } = await g.raw([post('Content-Length: 99999999999\r\n')]);
    expect(text).toMatch(/^HTTP\/1.1 413 /);
    expect(closed).toBe(true);
  });

  test('chunked: refused as soon as it is too long, and closed', async () => {
    const chunk = `${large.length.toString(16)}\r\n${large}\r\n`;
    const { text, closed } = await g.raw([
      post('Transfer-Encoding: chunked\r\n'),
      chunk,
      chunk,
      chunk,
      chunk,
      chunk,
      chunk,
      chunk,
      chunk,
    ]);
    expect(closed).toBe(true);
    // The answer may be lost to a client that goes on sending into the closed connection.
    expect(text).toMatch(/^(HTTP\/1.1 413 |$)/);
    expect(g.engine.submitted).toEqual([]);
  });

  test('headers without measure: 431, closed', async () => {
    const { text, closed } = await g.raw([`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`]);
    expect(text).toMatch(/^(HTTP\/1.1 431 |$)/);
    expect(closed).toBe(true);
  });
});

describe('not HTTP/1.1', () => {
  test.each([
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['HTTP/1.0', 'GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n', /^HTTP\/1.1 505 /],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', /^HTTP\/1.1 505 /],
  ])('%s', async (_, request, expected) => {
    const { text, closed } = await g.raw([Buffer.from(request, 'latin1')]);
    expect(text).toMatch(expected);
    expect(closed).toBe(true);
  });

  test('a method nobody knows: 405', async () => {
    const { text } = await g.raw(['BREW /v1/events HTTP/1.1\r\nHost: x\r\n\r\n'], '}');
    expect(text).toMatch(/^HTTP\/1.1 405 Method Not Allowed\r\n/);
    expect(text).toContain('/v1/events takes POST, not BREW');
  });

  test('no path at all', async () => {
    const { text } = await g.raw(['OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n'], '}');
    expect(text).toMatch(/^HTTP\/1.1 (404|505) /);
  });

  test('a path that is not UTF-8: 404', async () => {
    const { text } = await g.raw([Buffer.from('GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n', 'latin1')], '}');
    expect(text).toMatch(/^HTTP\/1.1 404 /);
  });
});

describe('clients that leave', () => {
  test('at any byte of a request', async () => {
    const whole = post(length) + event;
    for (let cut = 1; cut < whole.length; cut += 3) {
      const socket = g.connect();
      await new Promise((resolve) => socket.write(whole.slice(0, cut), resolve));
      if (cut % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
    await g.until(() => g.gateway.stats().requestsInFlight === 0);
    expect(g.engine.submitted).toEqual([]);
  });

  test('while the engine works for them, on every route that waits for it', async () => {
    g.engine.hold();
    const requests = [
      post(length) + event,
      (post(length) + event).replace('/v1/events', '/v1/decide'),
      'GET /v1/customers/x HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /v1/campaigns HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /v1/campaigns/x HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /v1/audiences/count HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{"where":"true"}',
      'PUT /v1/workspace HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n{"files":{"a":""}}',
    ];
    const sockets = await Promise.all(
      requests.map(async (request) => {
        const socket = g.connect();
        await new Promise((resolve) => socket.write(request, resolve));
        return socket;
      }),
    );
    await g.until(() => g.gateway.stats().requestsInFlight === requests.length);
    for (const socket of sockets) socket.resetAndDestroy();
    // The engine still works for them: they count until it is done. But for the publication, which may read history for an hour: it goes on, and holds nothing of whoever is gone.
    await g.until(() => g.gateway.stats().requestsInFlight < requests.length);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(g.gateway.stats().requestsInFlight).toBe(requests.length - 1);
    g.engine.release();
    await g.until(() => g.gateway.stats().requestsInFlight === 0);
    expect(g.engine.applied.length).toBe(2);
  });

  test('when they send the next request before the answer, uWebSockets.js closes the connection; what was sent is kept', async () => {
    g.engine.hold();
    const { text, closed } = await g.raw([post(length) + event, post(length) + event]);
    expect(closed).toBe(true);
    expect(text).toBe('');
    g.engine.release();
    await g.until(() => g.engine.applied.length === 1);
  });
});

test('heads and bodies that come too slowly are cut off, and nothing of them is taken', async () => {
  const slow = [post(length).slice(0, 30), post(length), post(length) + event.slice(0, 5)];
  const started = slow.map((piece) => g.raw([piece]));
  await g.until(() => g.gateway.stats().requestsInFlight === 2);
  for (const { closed, text } of await Promise.all(started)) {
    expect(closed).toBe(true);
    expect(text).toBe('');
  }
  await g.until(() => g.gateway.stats().requestsInFlight === 0);
  expect(g.engine.submitted).toEqual([]);
});
