/**
 * Text operations that give the same on every version of the runtime. Unicode grows with each, and case mappings with it: letters are mapped within the scripts whose
 * mappings have been the same since Unicode 7 (Latin, Greek, Cyrillic, Armenian), one code point at a time, so without context or locale; others stay as they are.
 */

/** From … to, both included. */
const CASED_RANGES: readonly (readonly [number, number])[] = [
  [0x41, 0x5a],
  [0x61, 0x7a],
  [0xb5, 0x19a],
  // Not 0x19b: it got a capital in Unicode 16.
  [0x19c, 0x24f],
  [0x370, 0x52f],
  [0x531, 0x587],
  [0x1e00, 0x1fff],
];

function isCased(codePoint: number): boolean {
  return CASED_RANGES.some(([from, to]) => from <= codePoint && codePoint <= to);
}

export function upperCase(text: string): string {
  return Array.from(text, (character) =>
    isCased(character.codePointAt(0) as number) ? character.toUpperCase() : character,
  ).join('');
}

export function lowerCase(text: string): string {
  return Array.from(text, (character) =>
    isCased(character.codePointAt(0) as number) ? character.toLowerCase() : character,
  ).join('');
}

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML_ESCAPES[character] as string);
}

/** Leaves what is escaped already. */
export function escapeHtmlOnce(text: string): string {
  return text.replace(/&(?!(?:amp|lt|gt|quot|#39);)|[<>"']/g, (character) => HTML_ESCAPES[character] as string);
}

/** The first `count` code points, with `ending` counted among them where the text is longer. */
export function truncate(text: string, count: number, ending: string): string {
  const characters = Array.from(text);
  if (characters.length <= count) return text;
  return characters.slice(0, Math.max(0, count - Array.from(ending).length)).join('') + ending;
}
