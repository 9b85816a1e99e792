/** What commands take a stream for that they write to. */
import { PassThrough } from 'node:stream';
import { afterEach, expect, it, vi } from 'vitest';
import { hasColours, type Output, widthOf } from '../../src/cli/terminal.ts';

afterEach(() => vi.unstubAllEnvs());

function output(its: Pick<Output, 'isTTY' | 'columns'>): Output {
  return Object.assign(new PassThrough(), its);
}

it('colours are for terminals, and not where NO_COLOR is set', () => {
  vi.stubEnv('NO_COLOR', '');
  expect([hasColours(output({ isTTY: true })), hasColours(output({}))]).toEqual([true, false]);
  vi.stubEnv('NO_COLOR', '1');
  expect(hasColours(output({ isTTY: true }))).toBe(false);
});

it('a terminal of unknown size is as wide as none', () => {
  expect([50, 0, undefined].map((columns) => widthOf(output(columns === undefined ? {} : { columns }), 80))).toEqual([
    50, 80, 80,
  ]);
});
