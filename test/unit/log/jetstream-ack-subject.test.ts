import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AckSubject } from '../../../src/log/jetstream/ack-subject.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,24}$/);
const position = fc.record({
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  ms: fc.integer({ min: 1, max: 4_102_444_800_000 }),
  subMs: fc.integer({ min: 0, max: 999_999 }),
  delivered: fc.integer({ min: 1, max: 1e9 }),
  consumerSeq: fc.integer({ min: 1, max: 1e12 }),
  pending: fc.integer({ min: 0, max: 1e12 }),
});

describe('the reply subject of a delivered message', () => {
  it.each(['without a domain', 'with one', 'with one and a token'])('tells sequence and time %s', (form) => {
    fc.assert(
      fc.property(token, token, fc.array(position, { minLength: 1, maxLength: 20 }), (stream, consumer, positions) => {
        const subject = new AckSubject();
        const head = form === 'without a domain' ? '$JS.ACK' : '$JS.ACK.hub.a7F3';
        const tail = form === 'with one and a token' ? '.x9' : '';
        for (const { seq, ms, subMs, delivered, consumerSeq, pending } of positions) {
          const ns = `${ms}${String(subMs).padStart(6, '0')}`;
          const text = `${head}.${stream}.${consumer}.${delivered}.${seq}.${consumerSeq}.${ns}.${pending}${tail}`;
          expect(subject.read(bytes(text))).toBe(true);
          expect([subject.seq, subject.tsMs]).toEqual([seq, ms]);
        }
      }),
    );
  });

  it.each(['', 'beckon.events.3', '$JS.ACK.a.b.1.2.3', '_INBOX.a.b.c.d.e.f.g.h'])('is not %j', (text) => {
    expect(new AckSubject().read(bytes(text))).toBe(false);
  });
});
