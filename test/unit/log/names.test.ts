import { describe, expect, it } from 'vitest';
import {
  decisionSubject,
  isReplySubject,
  isSubjectToken,
  logSubjects,
  recordKindOf,
  recordSubject,
} from '../../../src/log/jetstream/names.ts';
import { RecordKind } from '../../../src/protocol/record.ts';

describe('names in NATS', () => {
  it('tells the kind of a record by its subject', () => {
    for (const kind of Object.values(RecordKind)) expect(recordKindOf(recordSubject(7, kind))).toBe(kind);
    expect(recordKindOf('beckon.events.7.17850.receipt')).toBe(RecordKind.events);
    expect(recordKindOf('beckon.control.7.something-newer')).toBe(null);
  });

  it('never takes an event for a control record, whatever the producer calls its type', () => {
    for (const type of ['tick', 'workspace', 'message']) {
      expect(recordKindOf(`beckon.events.7.17850.${type}`)).toBe(RecordKind.events);
    }
  });

  it('keeps every subject of a record within its own log stream', () => {
    for (const kind of Object.values(RecordKind)) {
      const subject = recordSubject(1, kind);
      const matches = (pattern: string): boolean =>
        pattern.endsWith('.>') ? subject.startsWith(pattern.slice(0, -1)) : subject === pattern;
      expect(logSubjects(1).some(matches)).toBe(true);
      expect(logSubjects(11).some(matches)).toBe(false);
    }
  });

  it('refuses to make subjects of what is no token', () => {
    expect(decisionSubject(3, 'push', 'hearts-companion')).toBe('beckon.decisions.3.push.hearts-companion');
    expect(() => decisionSubject(3, 'push', 'a.b')).toThrow(/subject tokens/);
    for (const text of ['', 'a b', 'a.b', '*', '>', 'a\n', 'a\u0000b', 'a\u007f'])
      expect(isSubjectToken(text)).toBe(false);
    for (const text of ['17850', '$feedback', 'ünïcode', 'a-b_c']) expect(isSubjectToken(text)).toBe(true);
  });

  it('answers into inboxes only', () => {
    expect(isReplySubject('_INBOX.node.Xy12.4')).toBe(true);
    expect(isReplySubject('_R_.aBc.12345')).toBe(true);
    for (const subject of [
      'beckon.control.3.tick',
      'beckon.decisions.3.push.x',
      '_INBOX',
      '_INBOX.',
      '_INBOX.>',
      '_INBOX.a b',
      '_INBOXES.x',
      '$JS.API.STREAM.DELETE.BECKON_LOG_0',
      '',
    ]) {
      expect(isReplySubject(subject), subject).toBe(false);
    }
  });
});
