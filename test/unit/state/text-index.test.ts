import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena, reserveMemory, type StateLimits } from '../../../src/state/arena.ts';
import { TextIndex } from '../../../src/state/text-index.ts';

const LIMITS: StateLimits = {
  customersMax: 64,
  dictionaryEntriesMax: 64,
  dictionaryBytesMax: 4096,
  blockBytesMax: 4096,
  eventIdsMax: 64,
};

function index(entries: number, bytes: number): TextIndex {
  return new TextIndex(new Arena(reserveMemory(LIMITS), LIMITS), entries, bytes, 4, false);
}

describe('TextIndex', () => {
  it('numbers strings in order of arrival and gives them back, lone surrogates too', () => {
    const texts = [
      'a',
      '',
      'é',
      '\u4e2d\u6587',
      '\ud800',
      '\ud83d\ude00',
      'x'.repeat(300),
      '\u4e2d'.repeat(200),
      'a\0b',
    ];
    const strings = index(64, 4096);
    expect(texts.map((text) => strings.intern(text))).toEqual(texts.map((_, i) => i));
    expect(texts.map((text) => strings.intern(text))).toEqual(texts.map((_, i) => i));
    expect(texts.map((_, i) => strings.textOf(i))).toEqual(texts);
    expect(strings.find('b')).toBe(-1);
    expect(strings.count).toBe(texts.length);
  });

  it('takes a byte per character and one for the length of a short id', () => {
    const strings = index(64, 4096);
    strings.intern('customer-001');
    expect(strings.byteLength).toBe(13);
    strings.intern('\u4e2d');
    expect(strings.byteLength).toBe(16);
  });

  it('refuses what has no place, and goes on finding the rest', () => {
    const entries = index(2, 4096);
    expect([entries.intern('a'), entries.intern('b'), entries.intern('c'), entries.intern('a')]).toEqual([0, 1, -1, 0]);
    const bytes = index(64, 5);
    expect([bytes.intern('abc'), bytes.intern('de'), bytes.intern(''), bytes.find('abc')]).toEqual([0, -1, 1, 0]);
  });

  it('finds each of many strings and no other, though a slot keeps but a few bits of their hashes', () => {
    const limits = { ...LIMITS, customersMax: 4_000_000 };
    const strings = new TextIndex(new Arena(reserveMemory(limits), limits), 4_000_000, 16 * 300_000, 4, false);
    const text = (i: number): string => `customer-${i}`;
    const wrong: number[] = [];
    for (let i = 0; i < 200_000; i++) if (strings.intern(text(i)) !== i) wrong.push(i);
    for (let i = 0; i < 400_000; i++) if (strings.find(text(i)) !== (i < 200_000 ? i : -1)) wrong.push(i);
    expect(wrong).toEqual([]);
  });

  it('is the same after its bytes were stored and restored in chunks', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 12 }), { maxLength: 60 }),
        fc.nat(60),
        (texts, cut) => {
          const strings = index(64, 8192);
          for (const text of texts) strings.intern(text);
          const middle = Math.min(cut, texts.length);
          const copy = index(64, 8192);
          copy.restore(strings.stored(0, middle).slice(), middle);
          copy.restore(strings.stored(middle, texts.length).slice(), texts.length - middle);
          copy.rebuild();
          expect(texts.map((text) => copy.find(text))).toEqual(texts.map((_, i) => i));
          expect(texts.map((_, i) => copy.textOf(i))).toEqual(texts);
        },
      ),
      { numRuns: 100 },
    );
  });
});
