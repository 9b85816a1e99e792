/**
 * Patterns of matches(): RE2 syntax on an engine that is linear in the text. Patterns are compiled when a rule is checked (to refuse the bad and the oversized)
 * and again where it is activated.
 */
import { RE2JS } from '@bufbuild/re2';
import { PATTERN_INSTRUCTIONS_MAX, PATTERN_LENGTH_MAX } from '../constants.ts';

export interface Pattern {
  test(text: string): boolean;
}

/** A pattern's size in instructions, or why it cannot be used. */
export function inspectPattern(source: string): { readonly instructions: number } | { readonly problem: string } {
  if (source.length > PATTERN_LENGTH_MAX) {
    return { problem: `pattern too long: ${source.length} characters, at most ${PATTERN_LENGTH_MAX}` };
  }
  try {
    const instructions = RE2JS.compile(source).re2().prog.numInst();
    if (instructions <= PATTERN_INSTRUCTIONS_MAX) return { instructions };
    return {
      problem: `pattern too large: it compiles to ${instructions} instructions, at most ${PATTERN_INSTRUCTIONS_MAX}`,
    };
  } catch (error) {
    return { problem: `bad pattern: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
}

/** Of a pattern without a problem. */
export function compilePattern(source: string): Pattern {
  return RE2JS.compile(source);
}
