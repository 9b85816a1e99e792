import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CursorCodec } from '../../../src/protocol/cursor.ts';

const positions = fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 40 });

describe('CursorCodec', () => {
  test('reads back what it wrote, in letters that a URL leaves alone', () => {
    fc.assert(
      fc.property(positions, fc.string(), (next, identity) => {
        const codec = new CursorCodec(identity, next.length);
        const text = codec.encode(next);
        expect(text).toMatch(/^[\w-]+$/);
        expect(encodeURIComponent(text)).toBe(text);
        expect(codec.decode(text)).toEqual({ next });
        expect(text.length).toBeLessThanOrEqual(codec.lengthMax);
      }),
    );
  });

  test('encodeInto writes the same text where it is told to', () => {
    const codec = new CursorCodec('a', 3);
    const target = new Uint8Array(codec.lengthMax + 5);
    const end = codec.encodeInto(Float64Array.of(1, 500, 2 ** 40), target, 5);
    expect(Buffer.from(target.subarray(5, end)).toString()).toBe(codec.encode([1, 500, 2 ** 40]));
    expect([...target.subarray(0, 5)]).toEqual([0, 0, 0, 0, 0]);
  });

  test('sixteen young partitions fit 35 characters', () => {
    expect(new CursorCodec('a', 16).encode(new Array<number>(16).fill(1)).length).toBe(35);
  });

  test('a cursor with one letter changed, left out or added is malformed', () => {
    const codec = new CursorCodec('streams', 4);
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
        fc.nat(),
        fc.constantFrom(...'AZaz09-_=+/ é'),
        fc.nat(2),
        (next, place, letter, kind) => {
          const text = codec.encode(next);
          const at = place % text.length;
          const forged = text.slice(0, at) + (kind === 1 ? '' : letter) + text.slice(kind === 2 ? at : at + 1);
          fc.pre(forged !== text);
          expect(codec.decode(forged)).toEqual({ fault: 'malformed' });
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each(['', 'latest', '0', 'AAAA', '7-1042', 'A'.repeat(100), '{"a":1}'])('%j is malformed', (text) => {
    expect(new CursorCodec('streams', 4).decode(text)).toEqual({ fault: 'malformed' });
  });

  test('one of other streams is foreign, also when only the number of partitions differs', () => {
    const text = new CursorCodec('streams', 4).encode([1, 2, 3, 4]);
    expect(new CursorCodec('other', 4).decode(text)).toEqual({ fault: 'foreign' });
    expect(new CursorCodec('streams', 5).decode(text)).toEqual({ fault: 'foreign' });
  });

  test('one of another format says so', () => {
    const bytes = Buffer.from('AgECAwQFBgcI', 'base64url');
    expect(new CursorCodec('streams', 1).decode(resealed(bytes))).toEqual({ fault: 'format' });
  });
});

/** Gives these bytes a right checksum, as a later release would. */
function resealed(bytes: Buffer): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  let h = hash >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h = (h ^ (h >>> 16)) >>> 0;
  return Buffer.concat([bytes, Buffer.from(Uint32Array.of(h).buffer)]).toString('base64url');
}
