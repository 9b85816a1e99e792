/** Source that finds a row's blocks: RowBlocks.get, written out (captured.ts says why). */
import { UNITS_BY_CLASS } from './block-heap.ts';
import type { Captured } from './captured.ts';
import type { RowBlocks } from './row-blocks.ts';

/** Declares (`let`) or sets again (empty) where the references of `row` are, and how many. */
export function inlineDirectory(captured: Captured, blocks: RowBlocks, declare: 'let' | ''): string {
  const words = captured.name(blocks.heap.words);
  // No directory is unit 0, whose words are all zero.
  return `${declare} directory = ${captured.name(blocks.directories)}[row] * 2;
${declare} reach = ${captured.name(UNITS_BY_CLASS)}[${words}[directory] & 255] * 2 - 1;`;
}

/** Declares the row's block of this ordinal, its header, and the header's count; all zero where there is none. */
export function inlineBlock(captured: Captured, blocks: RowBlocks, ordinal: number): string {
  const words = captured.name(blocks.heap.words);
  return `const ref = ${ordinal} < reach ? ${words}[directory + ${ordinal + 1}] : 0;
const header = ${words}[ref * 2];
const count = header >>> 8;`;
}
