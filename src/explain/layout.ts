/** Lines of a terminal. Lengths count code points: the marks are one column each. */

/** Breaks at spaces; lines after the first begin with `indent`. A word longer than a line stays whole. */
export function wrap(first: string, text: string, indent: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && lengthOf(line) + 1 + lengthOf(word) > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - lengthOf(text)));
}

export function lengthOf(text: string): number {
  return [...text].length;
}
