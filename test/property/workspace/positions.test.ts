/** Places inside texts of YAML: whatever the style of a scalar, every character of its value is found where it stands in the file. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Document, parseDocument, Scalar } from 'yaml';
import { IssueList, type Mark } from '../../../src/workspace/issue-list.ts';
import { YamlFile } from '../../../src/workspace/yaml-file.ts';

const STYLES = [
  Scalar.PLAIN,
  Scalar.QUOTE_DOUBLE,
  Scalar.QUOTE_SINGLE,
  Scalar.BLOCK_FOLDED,
  Scalar.BLOCK_LITERAL,
] as const;

const word = fc.oneof(
  fc.constantFrom(
    'event.total',
    '>',
    '10.0',
    '&&',
    '||',
    "'it''s'",
    '"a\\"b"',
    'é',
    '👍',
    '#1',
    ': ',
    '\t',
    '\n',
    '\n\n',
    '  ',
    'x\u00a0y',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
);
const value = fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => words.join(' '));

function characterAt(source: string, mark: Mark): string {
  return Array.from(source.split('\n')[mark.line - 1] ?? '')[mark.column - 1] ?? '';
}

test('every character that is not white space', () => {
  fc.assert(
    fc.property(
      value,
      fc.constantFrom(...STYLES),
      fc.integer({ min: 8, max: 60 }),
      fc.integer({ min: 0, max: 2 }),
      (text, style, lineWidth, depth) => {
        const scalar = new Scalar(text);
        scalar.type = style;
        const document = new Document();
        const path = ['a', 'b', 'c'].slice(0, depth + 1);
        document.setIn(path, scalar);
        // The library's writer would fold between the halves of a surrogate pair.
        const source = document.toString({
          lineWidth: /[\ud800-\udfff]/.test(text) ? 0 : lineWidth,
          minContentWidth: 4,
        });
        const file = YamlFile.parse('x.yaml', source, new IssueList());
        // Not every style can say every text; where one cannot, the writer takes another, and spaces alone may be lost.
        fc.pre(parseDocument(source).getIn(path) === text);
        expect(file?.scalarText(path)).toBe(text);
        let last = -1;
        for (let offset = 0; offset < text.length; offset++) {
          const character = text.charAt(offset);
          if (/\s/.test(character) || /[\udc00-\udfff]/.test(character)) continue;
          const mark = file?.textMark(path, offset) as Mark;
          const found = characterAt(source, mark);
          const whole = String.fromCodePoint(text.codePointAt(offset) as number);
          // Only in double quotes does a character look different in the file.
          expect(
            found === whole || found === '\\',
            `${JSON.stringify(source)}: ${offset} of ${JSON.stringify(text)} at ${mark.line}:${mark.column} is ${found}`,
          ).toBe(true);
          expect(mark.line * 1e6 + mark.column).toBeGreaterThan(last);
          last = mark.line * 1e6 + mark.column;
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('a line and column of the value is the same place as its offset', () => {
  const source = 'a: |\n  first 👍 line\n\n  second line\n';
  const file = YamlFile.parse('x.yaml', source, new IssueList()) as YamlFile;
  expect(file.textLineMark(['a'], 1, 9)).toEqual({ line: 2, column: 11 });
  expect(file.textLineMark(['a'], 3, 8)).toEqual({ line: 4, column: 10 });
  // The end of the text is behind its last character.
  expect(file.textMark(['a'], 1000)).toEqual({ line: 4, column: 14 });
});
