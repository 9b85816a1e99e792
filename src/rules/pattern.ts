/**
 * Patterns of matches(): RE2 syntax on an engine that is linear in the text. Patterns are compiled when a rule is checked (to refuse the bad and the oversized)
 * and again where it is activated.
 */
import { RE2JS } from '@bufbuild/re2';
import { PATTERN_LENGTH_MAX } from '../constants.ts';

export interface Pattern {
  test(text: string): boolean;
}

/** Why a pattern cannot be used; null if it can. */
export function patternProblem(source: string): string | null {
  if (source.length > PATTERN_LENGTH_MAX)
    return `pattern too long: ${source.length} characters, at most ${PATTERN_LENGTH_MAX}`;
  try {
    RE2JS.compile(source);
    return null;
  } catch (error) {
    return `bad pattern: ${error instanceof Error ? error.message : 'unreadable'}`;
  }
}

/** Of a pattern without a problem. */
export function compilePattern(source: string): Pattern {
  return RE2JS.compile(source);
}
