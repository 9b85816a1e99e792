/**
 * From a place in a scalar's value to its place in the file. A value differs from its source by quotes, escapes, indentation and folded line breaks, but for every
 * style of scalar the characters that are not white space come in the same order in both: so the n-th of the value is the n-th of the source.
 */
import type { Scalar } from 'yaml';

const SPACE = /\s/;
const ESCAPE_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
/** Escapes of white space: they stand for nothing that is counted. `\` before a line break joins lines. */
const SPACE_ESCAPES = ' tnvfrNLP_\t\n\r';

/** Offset into the file's text of the `offset`-th UTF-16 unit of the value; null where the value is no text. */
export function scalarOffset(scalar: Scalar, text: string, offset: number): number | null {
  const { value, type, range } = scalar;
  if (typeof value !== 'string' || !range) return null;
  const isBlock = type === 'BLOCK_FOLDED' || type === 'BLOCK_LITERAL';
  // The header of a block (`>-  # note`) ends with its line.
  const start = isBlock ? text.indexOf('\n', range[0]) + 1 : range[0];
  const sources = sourceOffsets(text.slice(start, range[1]), type ?? 'PLAIN');
  let ordinal = 0;
  for (let i = 0; i < offset && i < value.length; i++) if (!SPACE.test(value.charAt(i))) ordinal++;
  const at = sources[ordinal];
  if (at !== undefined) return start + at;
  const last = sources.at(-1);
  return last === undefined ? start : start + last + 1;
}

/** Offsets into `source` of what stands for each UTF-16 unit of the value that is not white space. */
function sourceOffsets(source: string, type: string): number[] {
  const offsets: number[] = [];
  const quote = type === 'QUOTE_SINGLE' ? "'" : type === 'QUOTE_DOUBLE' ? '"' : '';
  const end = quote === '' ? source.length : source.length - 1;
  for (let i = quote === '' ? 0 : 1; i < end; i++) {
    const character = source.charAt(i);
    if (SPACE.test(character)) continue;
    if (quote === '"' && character === '\\') {
      const code = source.charAt(i + 1);
      const digits = ESCAPE_LENGTHS[code] ?? 0;
      const text =
        digits > 0
          ? String.fromCodePoint(Number.parseInt(source.slice(i + 2, i + 2 + digits), 16))
          : SPACE_ESCAPES.includes(code)
            ? ''
            : code;
      for (const unit of text.split('')) if (!SPACE.test(unit)) offsets.push(i);
      i += 1 + digits;
    } else {
      offsets.push(i);
      if (quote === "'" && character === "'") i++;
    }
  }
  return offsets;
}
