import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { InputError, UsageError } from '../../src/cli/exit.ts';
import { type ImportOptions, importEvents } from '../../src/cli/import.ts';
import { NodeClient } from '../../src/cli/node-client.ts';
import { EVENT_BYTES_MAX } from '../../src/constants.ts';
import { answerJson, type FakeNode, fakeNode, type Handler, TextSink } from '../support/fake-node.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

let node: FakeNode | null = null;
afterEach(async () => {
  await node?.close();
  node = null;
});

const REMEDY = 'start a node with `beckon serve`, or name another with --to';

function ndjsonFile(lines: readonly string[], name = 'events.ndjson'): string {
  const path = join(scratchFolder(), name);
  const text = lines.join('\n');
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

function events(count: number, customers: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    JSON.stringify({ id: `e${i}`, type: 'receipt', customer: `c${i % customers}`, data: { n: i } }),
  );
}

/** `stdout` may be given, to be read where the import throws. */
async function run(
  file: string,
  options: Partial<ImportOptions> = {},
  stdout = new TextSink(),
): Promise<{ code: number; out: string; err: string }> {
  const stderr = new TextSink();
  const streams = [stdout, stderr] as unknown as [NodeJS.WritableStream, NodeJS.WritableStream];
  const code = await importEvents(
    file,
    { to: node?.url ?? 'http://127.0.0.1:9', retryForMs: 5_000, ...options },
    ...streams,
  );
  return { code, out: stdout.text, err: stderr.text };
}

function lines(body: string): string[] {
  return body.split('\n').filter((line) => line !== '');
}

const acceptAll: Handler = ({ body }, response) =>
  answerJson(response, 202, { accepted: lines(body).length, rejected: [] });

/** What the node took, in the order in which it took it. */
function taken(fake: FakeNode): { id: string; customer: string; data: { n: number } }[] {
  return fake.requests.flatMap(({ body }) => lines(body).map((line) => JSON.parse(line)));
}

describe('beckon import', () => {
  it.each(['events.ndjson', 'events.ndjson.gz'])(
    'sends every event of %s as NDJSON, in the order of the file per customer',
    async (name) => {
      node = await fakeNode(acceptAll);
      const { code, out } = await run(ndjsonFile(events(5_000, 37), name));
      expect(code).toBe(0);
      expect(out).toMatch(/^5,000 events accepted in [\d.]+ s \([\d,]+\/s\), 0 rejected\n$/);
      const seen = taken(node);
      expect(new Set(seen.map(({ id }) => id)).size).toBe(5_000);
      const last = new Map<string, number>();
      for (const { customer, data } of seen) {
        expect(data.n).toBeGreaterThan(last.get(customer) ?? -1);
        last.set(customer, data.n);
      }
      expect(node.requests[0]).toMatchObject({ method: 'POST', path: '/v1/events' });
      expect(node.requests[0]?.headers['content-type']).toBe('application/x-ndjson');
    },
  );

  it('keeps several requests in flight, but never two for the same customer', async () => {
    let inFlight = 0;
    let most = 0;
    const busy = new Set<string>();
    node = await fakeNode(async ({ body }, response) => {
      most = Math.max(most, ++inFlight);
      const customers = new Set(lines(body).map((line) => JSON.parse(line).customer as string));
      for (const customer of customers) expect(busy.has(customer)).toBe(false);
      for (const customer of customers) busy.add(customer);
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const customer of customers) busy.delete(customer);
      inFlight--;
      return answerJson(response, 202, { accepted: lines(body).length, rejected: [] });
    });
    await run(ndjsonFile(events(6_000, 100)));
    expect(most).toBeGreaterThan(1);
  });

  it('waits and sends the same batch again on 429, 503 and a cut connection, losing and reordering nothing', async () => {
    const tries = new Map<string, number>();
    node = await fakeNode(({ body }, response) => {
      const nth = (tries.get(body) ?? 0) + 1;
      tries.set(body, nth);
      // Every batch has its own bad luck, once or twice.
      const luck = (tries.size + nth) % 3;
      if (nth === 1 && luck === 0)
        return answerJson(response, 429, { title: 'Too many requests' }, { 'retry-after': '0' });
      if (nth === 1) return 'reset';
      if (nth === 2 && luck === 1) return answerJson(response, 503, {});
      return answerJson(response, 202, { accepted: lines(body).length, rejected: [] });
    });
    const { code, out, err } = await run(ndjsonFile(events(2_000, 10)));
    expect(code).toBe(0);
    expect(out).toContain('2,000 events accepted');
    expect(err).toMatch(/: waiting for up to 5 s\n$/);
    expect(err).toContain(`${node.url}: the connection was cut: waiting`);
    const order = new Map<string, number[]>();
    for (const { customer, data } of taken(node)) order.set(customer, [...(order.get(customer) ?? []), data.n]);
    for (const numbers of order.values())
      expect([...new Set(numbers)]).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('waits for a node that comes up later', async () => {
    const unused = await fakeNode(acceptAll);
    const { url } = unused;
    await unused.close();
    const importing = run(ndjsonFile(events(10, 2)), { to: url });
    await new Promise((resolve) => setTimeout(resolve, 150));
    node = await fakeNode(acceptAll, Number(new URL(url).port));
    const { out, err } = await importing;
    expect(out).toContain('10 events accepted');
    expect(err).toBe(`${url}: nobody listens there (${REMEDY}): waiting for up to 5 s\n`);
  });

  it('gives up after a bounded time, and says where and why', async () => {
    const gone = await fakeNode(acceptAll);
    await gone.close();
    await expect(run(ndjsonFile(events(10, 2)), { to: gone.url, retryForMs: 200 })).rejects.toThrow(
      `${gone.url}: nobody listens there (${REMEDY}); gave up after 0.2 s`,
    );
  });

  it('waits for seconds where nobody listened yet, and as long as a restart takes where somebody did', async () => {
    const first = await fakeNode(acceptAll);
    const port = Number(new URL(first.url).port);
    await first.close();
    const patience: number[] = [];
    const client = new NodeClient({
      to: first.url,
      retryForMs: 60_000,
      onRetry: (_why, _waitMs, giveUpMs) => void patience.push(giveUpMs),
    });
    for (const expected of [10_000, 60_000]) {
      const sending = client.send('POST', '/v1/events', null, Buffer.from('{}'));
      await vi.waitFor(() => expect(patience.at(-1)).toBe(expected));
      node = await fakeNode(acceptAll, port);
      expect((await sending).status).toBe(202);
      await node.close();
    }
  });

  it('gives up at once where there is no such host', async () => {
    // No name server needs to be asked about an empty label.
    await expect(
      run(ndjsonFile(events(1, 1)), { to: 'http://no..such.host:7400', retryForMs: 3_600_000 }),
    ).rejects.toThrow('http://no..such.host:7400: there is no host no..such.host');
  });

  it('reports rejects by reason, the first of them with line numbers, and exits 1', async () => {
    node = await fakeNode(({ body }, response) => {
      const rejected = lines(body).flatMap((line, index) => {
        if (line === 'not json') return [{ index, reason: 'syntax', error: 'no JSON' }];
        return line.includes('"odd"') ? [{ index, reason: 'unknown_type', error: 'unknown event type "odd"' }] : [];
      });
      return answerJson(response, 202, { accepted: lines(body).length - rejected.length, rejected });
    });
    const good = events(3, 3);
    const odd = JSON.stringify({ id: 'x', type: 'odd', customer: 'c0' });
    const { code, out } = await run(
      ndjsonFile([good[0] ?? '', 'not json', '', odd, good[1] ?? '', odd, good[2] ?? '']),
    );
    expect(code).toBe(1);
    expect(out).toContain('3 events accepted');
    expect(out).toContain(', 3 rejected\n  unknown_type: 2\n  syntax: 1\nfirst rejects:\n');
    for (const shown of [
      '  line 2: no JSON',
      '  line 4: unknown event type "odd"',
      '  line 6: unknown event type "odd"',
    ])
      expect(out).toContain(shown);
  });

  it('shows the rejects that come first in the file, in its order, whichever answer comes first', async () => {
    node = await fakeNode(async ({ body }, response) => {
      const numbers = lines(body).map((line) => JSON.parse(line).data.n as number);
      // The batch with the first line is answered last.
      await new Promise((resolve) => setTimeout(resolve, numbers.includes(0) ? 60 : 0));
      const rejected = numbers.map((n, index) => ({ index, reason: 'late', error: `event ${n}` }));
      return answerJson(response, 202, { accepted: 0, rejected });
    });
    const { out } = await run(ndjsonFile(events(200, 40)));
    expect(node.requests.length).toBeGreaterThan(1);
    const shown = [1, 2, 3, 4, 5].map((line) => `  line ${line}: event ${line - 1}\n`).join('');
    expect(out.endsWith(`first rejects:\n${shown}`)).toBe(true);
  });

  it.each([
    ['an array on one line', `[${events(2, 2).join(',')}]`],
    [
      'an array, pretty-printed',
      JSON.stringify(
        events(2, 2).map((text) => JSON.parse(text)),
        null,
        2,
      ),
    ],
    ['an array too long for a line', `\n [${events(5_000, 2).join(',')}]`],
    ['an object, pretty-printed', `\ufeff${JSON.stringify({ type: 'receipt' }, null, 2)}`],
  ])('says how a file should look that holds %s', async (_, text) => {
    node = await fakeNode(({ body }, response) => {
      const rejected = lines(body).map((_, index) => ({ index, reason: 'syntax', error: 'expected an event object' }));
      return answerJson(response, 202, { accepted: 0, rejected });
    });
    const { out } = await run(ndjsonFile([text]));
    expect(out).toMatch(/\nthe file looks like one JSON document: [^\n]*one event per line \(NDJSON\)[^\n]*\n$/);
  });

  it('has no such advice for NDJSON', async () => {
    node = await fakeNode((_, response) =>
      answerJson(response, 202, { accepted: 0, rejected: [{ index: 0, reason: 'syntax', error: 'no' }] }),
    );
    expect((await run(ndjsonFile(events(1, 1)))).out).not.toContain('NDJSON');
  });

  it('does not send a line longer than an event may be, nor hold it in memory, and sends its neighbours', async () => {
    node = await fakeNode(acceptAll);
    const [before = '', after = ''] = events(2, 2);
    const long = JSON.stringify({ id: 'long', data: 'x'.repeat(EVENT_BYTES_MAX) });
    const { code, out } = await run(ndjsonFile([before, long, after]));
    expect(code).toBe(1);
    expect(out).toContain('2 events accepted');
    expect(out).toContain('too_large: 1');
    expect(out).toContain('  line 2: the line is longer than an event may be');
    expect(taken(node).map(({ id }) => id)).toEqual(expect.arrayContaining(['e0', 'e1']));
    expect(taken(node)).toHaveLength(2);
  });

  it('takes a file without a last newline, with Windows line ends, and an empty one', async () => {
    node = await fakeNode(acceptAll);
    expect((await run(ndjsonFile(events(3, 1).map((line) => `${line}\r`)))).out).toContain('3 events accepted');
    expect(node.requests.every(({ body }) => !body.includes('\r'))).toBe(true);
    expect((await run(ndjsonFile([]))).out).toContain('0 events accepted');
  });

  it('stops at a refusal that trying again would not change', async () => {
    node = await fakeNode((_, response) =>
      answerJson(response, 401, { title: 'A token is needed', detail: 'send --token' }),
    );
    await expect(run(ndjsonFile(events(5, 1)))).rejects.toThrow('401 A token is needed: send --token');
  });

  it('sends the token', async () => {
    node = await fakeNode(acceptAll);
    await run(ndjsonFile(events(1, 1)), { token: 'secret' });
    expect(node.requests[0]?.headers['authorization']).toBe('Bearer secret');
  });

  it('spreads events over time when asked to: small batches, not one burst', async () => {
    node = await fakeNode(acceptAll);
    await run(ndjsonFile(events(60, 20)), { rate: 200 });
    for (const { body } of node.requests) expect(lines(body).length).toBeLessThanOrEqual(20);
  });

  it.each([
    ['a missing file', 'nowhere.ndjson', /nowhere\.ndjson: no such file/],
    ['a name below a file', join(import.meta.filename, 'it.ndjson'), /it\.ndjson: no such file/],
    ['a folder', tmpdir(), /cannot be read \(EISDIR\)/],
  ])('says so about %s', async (_, file, message) => {
    node = await fakeNode(acceptAll);
    await expect(run(file)).rejects.toThrow(message);
    await expect(run(file)).rejects.toBeInstanceOf(InputError);
  });

  it('says so about a damaged gzip file', async () => {
    node = await fakeNode(acceptAll);
    const path = ndjsonFile(events(100, 1), 'events.ndjson.gz');
    writeFileSync(path, gzipSync('x'.repeat(100_000)).subarray(0, 60));
    await expect(run(path)).rejects.toThrow(/not a gzip file, or a damaged one/);
  });

  it('sums up what was sent before a damaged place, and names that', async () => {
    node = await fakeNode(({ body }, response) => {
      const rejected = body.includes('"n":7}') ? [{ index: 0, reason: 'late', error: 'too late' }] : [];
      return answerJson(response, 202, { accepted: lines(body).length - rejected.length, rejected });
    });
    const path = ndjsonFile(events(20_000, 50), 'events.ndjson.gz');
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(0, Math.floor(whole.length / 2)));
    const stdout = new TextSink();
    await expect(run(path, {}, stdout)).rejects.toThrow(/not a gzip file, or a damaged one/);
    const sent = taken(node).length;
    expect(sent).toBeGreaterThan(0);
    const accepted = (sent - 1).toLocaleString('en-GB');
    expect(stdout.text).toMatch(new RegExp(`^${accepted} events accepted in [^\n]*, 1 rejected\n  late: 1\n`));
  });

  it('sums up what was taken before the node refused', async () => {
    let answers = 0;
    node = await fakeNode(({ body }, response) =>
      ++answers > 2
        ? answerJson(response, 401, { title: 'A token is needed' })
        : answerJson(response, 202, { accepted: lines(body).length, rejected: [] }),
    );
    const stdout = new TextSink();
    await expect(run(ndjsonFile(events(5_000, 1)), {}, stdout)).rejects.toThrow('401 A token is needed');
    expect(stdout.text).toMatch(/^1,000 events accepted in /);
  });

  it.each([
    ['localhost:7400', /expected a URL such as/],
    ['http://127.0.0.1:7400/foo', /--to: only http:\/\/127\.0\.0\.1:7400 is used, not "\/foo"/],
    ['http://127.0.0.1:7400/?a=b', /not "\/\?a=b"/],
    ['http://127.0.0.1:7400/#a', /not "\/#a"/],
    ['http://me:secret@127.0.0.1:7400', /--to: names and passwords are not used: send --token/],
  ])('refuses the address %s', async (to, message) => {
    const importing = run(ndjsonFile(events(1, 1)), { to });
    await expect(importing).rejects.toThrow(message);
    await expect(importing).rejects.toBeInstanceOf(UsageError);
  });

  it('takes an address that ends in a slash', async () => {
    node = await fakeNode(acceptAll);
    expect((await run(ndjsonFile(events(1, 1)), { to: `${node.url}/` })).out).toContain('1 events accepted');
  });
});
