import { describe, expect, it } from 'vitest';
import { parseServers } from '../../../src/log/jetstream/server-urls.ts';

describe('NATS server URLs', () => {
  it.each([
    ['nats://127.0.0.1:4222', { hosts: ['127.0.0.1:4222'], user: null, password: '', token: null, tls: false }],
    ['one', { hosts: ['one:4222'], user: null, password: '', token: null, tls: false }],
    ['one:5222, nats://two', { hosts: ['one:5222', 'two:4222'], user: null, password: '', token: null, tls: false }],
    ['nats://[::1]:4333', { hosts: ['[::1]:4333'], user: null, password: '', token: null, tls: false }],
    [
      'tls://node:p%40ss%3A%2F@one:1,two:2',
      { hosts: ['one:1', 'two:2'], user: 'node', password: 'p@ss:/', token: null, tls: true },
    ],
    ['nats://s3cret@one', { hosts: ['one:4222'], user: null, password: '', token: 's3cret', tls: false }],
    [
      'nats://a:b@one,nats://a:b@two',
      { hosts: ['one:4222', 'two:4222'], user: 'a', password: 'b', token: null, tls: false },
    ],
  ])('understands %s', (text, expected) => {
    expect(parseServers(text)).toEqual(expected);
  });

  it.each([
    ['', /is not a URL/],
    ['nats://node:secret@', /is not a URL/],
    ['one,,two', /NATS server 2 is not a URL/],
    ['ws://node:secret@one', /ws:.*nats:\/\/ and tls:\/\/ are supported/],
    ['nats://node:secret@one/path', /something behind its port/],
    ['nats://node:sec%ret@one', /percent-encoded/],
    ['nats://node:secret@one,nats://node:secret2@two', /the same user, password or token/],
  ])('refuses %j without quoting it', (text, message) => {
    expect(() => parseServers(text)).toThrow(message);
    try {
      parseServers(text);
    } catch (error) {
      expect((error as Error).message).not.toMatch(/sec/);
    }
  });
});
