import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadLetterPayload } from '../../../src/log/jetstream/dead-letter-publisher.ts';

interface Letter {
  readonly ts: string;
  readonly reason: string;
  readonly error: string;
  readonly encoding: 'text' | 'base64';
  readonly raw: string;
  readonly bytes?: number;
}

function read(payload: Uint8Array): Letter {
  return JSON.parse(Buffer.from(payload).toString()) as Letter;
}

describe('a dead letter as JSON', () => {
  it('gives the bytes back, as text where they are text', () => {
    const raws = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(raws, fc.string(), (raw, error) => {
        const letter = read(
          deadLetterPayload({ number: 1, ts: 1_700_000_000_123, reason: 'syntax', error, raw }, 4096),
        );
        expect(letter).toMatchObject({ ts: '2023-11-14T22:13:20.123Z', reason: 'syntax', error });
        expect(new Uint8Array(Buffer.from(letter.raw, letter.encoding === 'text' ? 'utf8' : 'base64'))).toEqual(raw);
        expect(letter.bytes).toBeUndefined();
      }),
    );
  });

  it('keeps the beginning of what does not fit, and says how long it was', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 5000 }), fc.constantFrom(0x00, 0x41, 0xff), (bytesMax, byte) => {
        const raw = new Uint8Array(6000).fill(byte);
        const payload = deadLetterPayload({ number: 1, ts: 0, reason: 'too_large', error: 'e', raw }, bytesMax);
        expect(payload.length).toBeLessThanOrEqual(bytesMax);
        const letter = read(payload);
        expect(letter.bytes).toBe(6000);
        const kept = Buffer.from(letter.raw, 'base64');
        expect(kept.length).toBeGreaterThan(0);
        expect(new Uint8Array(kept)).toEqual(raw.subarray(0, kept.length));
      }),
    );
  });
});
