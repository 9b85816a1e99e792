/** What to tell a person about text that the parser could not read. Its own message names what a grammar would have allowed, not what went wrong. */

const MISTAKES: readonly (readonly [RegExp, string])[] = [
  [/^=(?!=)/, 'to compare, write =='],
  [/^and\b/i, 'write && for "and"'],
  [/^or\b/i, 'write || for "or"'],
  [/^not\b/i, 'write ! for "not"'],
  [/^(like|contains)\b/i, 'write text.contains("part")'],
  [/^["']/, 'a string begins here and does not end'],
  [/^,/, 'a decimal point is written ".", and "," stands between arguments only'],
];

/** `found`: UTF-16 offset where reading stopped. */
export function explainSyntax(source: string, found: number): string {
  const rest = source.slice(found);
  const operator = /^(\|\||&&|[<>=!]=?|[-+*/%?:.([{])\s*$/.exec(rest);
  if (operator !== null) return `syntax error: something is missing after "${operator[1]}"`;
  if (rest.trim() === '') return 'syntax error: the expression ends too early';
  const mistake = MISTAKES.find(([pattern]) => pattern.test(rest));
  const near = rest.trim().split(/\s/, 1)[0] as string;
  const place = `at "${[...near].slice(0, 20).join('')}"`;
  return `syntax error ${place}${mistake === undefined ? '' : `: ${mistake[1]}`}`;
}
