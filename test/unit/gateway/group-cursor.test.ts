import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GroupCursorCodec } from '../../../src/gateway/group-cursor.ts';
import { CursorCodec } from '../../../src/protocol/cursor.ts';

const decisionsMax = 32;
const place = fc.tuple(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const places = fc.array(place, { minLength: 1, maxLength: decisionsMax }).map((pairs) => pairs.flat());

function encode(codec: GroupCursorCodec, of: readonly number[]): string {
  const target = new Uint8Array(7 + codec.lengthMax);
  return Buffer.from(target.subarray(7, codec.encodeInto(of, target, 7))).toString('latin1');
}

describe('GroupCursorCodec', () => {
  test('gives back what a frame held, within the length of an acknowledgement', () => {
    const codec = new GroupCursorCodec('key', decisionsMax);
    fc.assert(
      fc.property(places, (of) => {
        const text = encode(codec, of);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(JSON.stringify({ ack: text }).length).toBeLessThan(1024);
        expect(codec.decode(text)).toEqual({ places: of });
      }),
    );
  });

  test('knows a cursor that was changed in any bit, and one of another key', () => {
    const codec = new GroupCursorCodec('key', decisionsMax);
    const bytes = Buffer.from(encode(codec, [3, 1042, 0, 7]), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      const fault = bit < 8 ? 'malformed' : 'forged';
      expect(codec.decode(changed.toString('base64url')), `bit ${bit}`).toEqual({ fault });
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(codec.decode(bytes.subarray(0, length).toString('base64url'))).toHaveProperty('fault');
    }
    const other = new GroupCursorCodec('other', decisionsMax);
    expect(other.decode(bytes.toString('base64url'))).toEqual({ fault: 'forged' });
  });

  test('takes no text that is not written just so, nor cursors of the stream', () => {
    const codec = new GroupCursorCodec('key', decisionsMax);
    const text = encode(codec, [0, 1]);
    for (const odd of ['', 'x', `${text}=`, ` ${text}`, `${text}\n`, text.slice(1)]) {
      expect(codec.decode(odd)).toEqual({ fault: 'malformed' });
    }
    expect(codec.decode(new CursorCodec('streams', 4).encode([1, 2, 3, 4]))).toEqual({ fault: 'malformed' });
    fc.assert(
      fc.property(fc.string(), (noise) => {
        expect(codec.decode(noise)).toHaveProperty('fault');
      }),
    );
  });
});
