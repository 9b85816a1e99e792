/** Connecting to real servers: those that must be refused, the ways to sign in, what is told when a connection breaks, and what is never told. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from 'nats';
import { afterEach, describe, expect, it } from 'vitest';
import { connectNats, type NatsOptions, type NatsStatus } from '../../src/log/jetstream/connection.ts';
import { temporaryFolder } from '../support/beckon-process.ts';
import { signedIdentities } from '../support/nats-credentials.ts';
import { type NatsServer, programOfSuite, startNatsServer } from '../support/nats-server.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function start(settings: Parameters<typeof startNatsServer>[0] = {}): Promise<NatsServer> {
  const server = await startNatsServer(settings);
  opened.push({ close: () => server.stop() });
  return server;
}

async function connect(servers: string, options: Partial<NatsOptions> = {}): Promise<NatsConnection> {
  const connection = await connectNats({ servers, name: 'test', ...options });
  opened.push(connection);
  return connection;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

const oldProgram = await programOfSuite('bookworm');

describe('a server that must not be used', () => {
  it.skipIf(oldProgram === null)('is refused when it is too old, with the reason', async () => {
    const server = await start({ program: oldProgram as string });
    await expect(connect(server.url)).rejects.toThrow(
      /127\.0\.0\.1:\d+ is nats-server 2\.9\.10; 2\.10\.23 or newer is needed\. .*compare-and-set.*lose whole streams/,
    );
  });

  it.skipIf(oldProgram === null)('is refused when it comes back as an older one', async () => {
    const server = await start();
    const heard: NatsStatus[] = [];
    const connection = await connect(server.url, { onStatus: (status) => heard.push(status) });
    await server.restart(oldProgram as string);
    await connection.closed();
    await until(() => heard.some(({ kind }) => kind === 'refused'));
    expect(heard.map(({ kind }) => kind)).toEqual(['disconnected', 'refused']);
    expect(String((heard[1] as { error: Error }).error)).toMatch(/nats-server 2\.9\.10/);
  });

  it('is refused without JetStream, and without JetStream for the account', async () => {
    const without = await start({ configFile: folderWith('no.conf', 'max_payload: 8MB') });
    await expect(connect(without.url)).rejects.toThrow(/JetStream is not enabled; start nats-server with --jetstream/);
    expect(await connect(without.url, { ownJetStream: false })).toBeDefined();
    const account = await start({ config: 'accounts { A { users: [{user: a, password: b}] } }' });
    await expect(connect(account.url.replace('//', '//a:b@'))).rejects.toThrow(/not enabled for this user's account/);
  });

  it('is waited for only if asked', async () => {
    const server = await start();
    await server.kill();
    await expect(connect(server.url)).rejects.toThrow(/NATS at 127\.0\.0\.1:\d+: nobody listens there/);
    await expect(connect(server.url, { waitMs: 300 })).rejects.toThrow(/nobody listens there/);
    const waiting = connect(server.url, { waitMs: 60_000 });
    await server.restart();
    expect((await waiting).isClosed()).toBe(false);
  });
});

describe('signing in', () => {
  const config = `authorization { users: [
    {user: node, password: "p@ss:/w"}, {user: narrow, password: x, permissions: {publish: ["$JS.API.INFO"], subscribe: "_INBOX.narrow.>"}}] }`;

  it('takes user and password from the URL, and shows neither', async () => {
    const { url } = await start({ config });
    await connect(url.replace('//', '//node:p%40ss%3A%2Fw@'));
    for (const wrong of ['//node:wr0ng@', '//wr0ng@', '//']) {
      const refusal = await connect(url.replace('//', wrong)).catch(String);
      expect(refusal).toMatch(/NATS at 127\.0\.0\.1:\d+: the server refused the user, password, token or credentials/);
      expect(refusal).not.toMatch(/wr0ng/);
    }
  });

  it("keeps each user's answers in an inbox of its own, and cuts customers off what it reports", async () => {
    const { url } = await start({ config });
    const heard: NatsStatus[] = [];
    const connection = await connect(url.replace('//', '//narrow:x@'), { onStatus: (status) => heard.push(status) });
    connection.publish('beckon.in.17850.receipt', '{}');
    await until(() => heard.length > 0);
    expect(heard).toEqual([{ kind: 'error', error: 'not permitted to publish to beckon.in.…' }]);
  });

  it('takes a token', async () => {
    const { url } = await start({ config: 'authorization { token: "s3cret" }' });
    await connect(url.replace('//', '//s3cret@'));
  });

  it('takes a credentials file', async () => {
    const identities = signedIdentities();
    const { url } = await start({ config: identities.config });
    const credentialsFile = folderWith('user.creds', identities.credentials);
    const connection = await connect(url, { credentialsFile });
    await (await connection.jetstreamManager()).streams.add({ name: 'S', subjects: ['s'] });
    expect((await connection.jetstream().publish('s', 'x')).seq).toBe(1);
    await expect(connect(url)).rejects.toThrow(/the server refused the user/);
    await expect(connect(url, { credentialsFile: '/nowhere/user.creds' })).rejects.toThrow(
      'NATS credentials /nowhere/user.creds cannot be read: ENOENT',
    );
  });

  it('speaks TLS where the URL says so, to whom it can trust', async () => {
    const folder = temporaryFolder();
    opened.push({ close: async () => folder.remove() });
    const [key, certificate] = [join(folder.path, 'key.pem'), join(folder.path, 'certificate.pem')];
    const flags = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync('openssl', ['req', ...flags, ...subject, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    const secure = await start({ config: `tls { cert_file: "${certificate}", key_file: "${key}" }` });
    const url = `tls://localhost:${secure.port}`;
    await connect(url, { authoritiesFile: certificate });
    await expect(connect(url)).rejects.toThrow(/self-signed certificate/);
    const plain = await start();
    await expect(connect(`tls://localhost:${plain.port}`)).rejects.toThrow(/offers no TLS, which tls:\/\/ insists on/);
  });
});

describe('a connection that breaks', () => {
  it('comes back after kill -9, and says so', async () => {
    const server = await start();
    const heard: NatsStatus[] = [];
    const connection = await connect(server.url, { onStatus: (status) => heard.push(status) });
    for (let round = 0; round < 3; round++) {
      await server.restart();
      await until(() => heard.filter(({ kind }) => kind === 'reconnected').length > round);
      expect((await (await connection.jetstreamManager()).getAccountInfo()).streams).toBe(0);
    }
    expect(heard.map(({ kind }) => kind)).toEqual([
      'disconnected',
      'reconnected',
      'disconnected',
      'reconnected',
      'disconnected',
      'reconnected',
    ]);
  });

  it('is given up when pings are left unanswered, and made again', async () => {
    const server = await start();
    const heard: NatsStatus[] = [];
    await connect(server.url, { onStatus: (status) => heard.push(status) });
    await server.freeze();
    await until(() => heard.some(({ kind }) => kind === 'disconnected'));
    expect(heard[0]).toEqual({ kind: 'error', error: 'pings were left unanswered' });
    server.thaw();
    await until(() => heard.some(({ kind }) => kind === 'reconnected'));
  });
});

function folderWith(name: string, text: string): string {
  const folder = temporaryFolder();
  opened.push({ close: async () => folder.remove() });
  writeFileSync(join(folder.path, name), text);
  return join(folder.path, name);
}
