/**
 * Digests of fields that stand in columns, a group of rows at a time: one tight loop per column that adds a field of
 * one 64-bit value to each row that has it. 4 ns per value; a call per row and field takes 25.
 *
 * Each of the two lanes is three rounds of multiplication and shift over (name, value), one from the value's low word
 * to its high, the other the other way round, so that no bit of the value is met by the last round only: fields are
 * added up, and differences that stayed simple could cancel.
 */
import type { Bitmap, CodeColumn, DoubleColumn, IntColumn } from './column.ts';
import { WIDE } from './column.ts';
import type { RowDigest } from './row-digest.ts';
import type { TextHash } from './text-hash.ts';
import type { TextIndex } from './text-index.ts';

const PRIME_A = 0x9e3779b1;
const PRIME_B = 0x85ebca77;
const PRIME_C = 0xc2b2ae3d;

/** Tells a second column of the same field from the first. */
export type Part = 0 | 1;

function mix(seed: number, first: number, second: number): number {
  let lane = Math.imul(first ^ seed, PRIME_A);
  lane = Math.imul((lane ^ (lane >>> 15)) + second, PRIME_B);
  lane = Math.imul(lane ^ (lane >>> 13), PRIME_C);
  return lane ^ (lane >>> 16);
}

export function digestDoubles(digest: RowDigest, name: TextHash, part: Part, presence: Bitmap, column: DoubleColumn) {
  const { low, high, first, rows } = digest;
  const seedLow = (name.low + part) | 0;
  const seedHigh = (name.high + part) | 0;
  const bits = presence.bytes;
  const { words } = column;
  for (let place = 0; place < rows; place++) {
    const row = first + place;
    if ((((bits[row >>> 3] as number) >>> (row & 7)) & 1) === 0) continue;
    let valueLow = words[row * 2] as number;
    let valueHigh = words[row * 2 + 1] as number;
    if ((valueHigh & 0x7ff00000) === 0x7ff00000 && ((valueHigh & 0xfffff) | valueLow) !== 0) {
      // All NaNs are one.
      valueLow = 1;
      valueHigh = 0x7ff80000;
    }
    low[place] = (low[place] as number) + mix(seedLow, valueLow, valueHigh);
    high[place] = (high[place] as number) + mix(seedHigh, valueHigh, valueLow);
  }
}

export function digestInts(digest: RowDigest, name: TextHash, part: Part, presence: Bitmap, column: IntColumn) {
  const { low, high, first, rows } = digest;
  const seedLow = (name.low + part) | 0;
  const seedHigh = (name.high + part) | 0;
  const bits = presence.bytes;
  const { narrow, wideWords } = column;
  for (let place = 0; place < rows; place++) {
    const row = first + place;
    if ((((bits[row >>> 3] as number) >>> (row & 7)) & 1) === 0) continue;
    // A wide one is never a double whose high word is 0.
    let valueLow = narrow[row] as number;
    let valueHigh = 0;
    if (valueLow === WIDE) {
      valueLow = wideWords[row * 2] as number;
      valueHigh = wideWords[row * 2 + 1] as number;
    }
    low[place] = (low[place] as number) + mix(seedLow, valueLow, valueHigh);
    high[place] = (high[place] as number) + mix(seedHigh, valueHigh, valueLow);
  }
}

/** Texts count by content: by the dictionary's hashes. */
export function digestCodes(
  digest: RowDigest,
  name: TextHash,
  part: Part,
  presence: Bitmap,
  column: CodeColumn,
  dictionary: TextIndex,
) {
  const { low, high, first, rows } = digest;
  const seedLow = (name.low + part) | 0;
  const seedHigh = (name.high + part) | 0;
  const bits = presence.bytes;
  const { values } = column;
  const { hashes } = dictionary;
  for (let place = 0; place < rows; place++) {
    const row = first + place;
    if ((((bits[row >>> 3] as number) >>> (row & 7)) & 1) === 0) continue;
    const at = (values[row] as number) * 2;
    const textLow = hashes[at] as number;
    const textHigh = hashes[at + 1] as number;
    low[place] = (low[place] as number) + mix(seedLow, textLow, textHigh);
    high[place] = (high[place] as number) + mix(seedHigh, textHigh, textLow);
  }
}

export function digestBits(digest: RowDigest, name: TextHash, presence: Bitmap, column: Bitmap) {
  const { low, high, first, rows } = digest;
  const falseLow = mix(name.low, 0, 0);
  const falseHigh = mix(name.high, 0, 0);
  const moreLow = (mix(name.low, 1, 0) - falseLow) | 0;
  const moreHigh = (mix(name.high, 0, 1) - falseHigh) | 0;
  const present = presence.bytes;
  const values = column.bytes;
  for (let place = 0; place < rows; place++) {
    const row = first + place;
    const bit = row & 7;
    if ((((present[row >>> 3] as number) >>> bit) & 1) === 0) continue;
    // Without a branch: nobody foresees these.
    const ifTrue = -(((values[row >>> 3] as number) >>> bit) & 1);
    low[place] = (low[place] as number) + falseLow + (ifTrue & moreLow);
    high[place] = (high[place] as number) + falseHigh + (ifTrue & moreHigh);
  }
}
