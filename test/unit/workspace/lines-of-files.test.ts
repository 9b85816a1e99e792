/** The exact lines that a person sees for a wrong workspace: files and YAML. */
import { describe, expect, test } from 'vitest';
import { issueLines, smallWorkspace, warningLines } from '../../support/workspaces/small-workspace.ts';

const EVENTS = 'events.yaml';
const OFFERS = 'offers.yaml';
const WORKSPACE = 'workspace.yaml';

type Case = readonly [what: string, changes: Readonly<Record<string, string | null>>, lines: readonly string[]];

function holds(cases: readonly Case[]): void {
  test.each(cases)('%s', (_, changes, lines) => {
    expect(issueLines(smallWorkspace(changes))).toEqual(lines);
  });
}

test('the small workspace has nothing to say against', () => {
  expect(issueLines(smallWorkspace())).toEqual([]);
  expect(warningLines(smallWorkspace())).toEqual([]);
});

describe('files', () => {
  holds([
    [
      'no workspace.yaml',
      { [WORKSPACE]: null },
      ['workspace.yaml:1:1 missing file: it names the workspace, its time zone and its channels'],
    ],
    [
      'an empty file',
      { [WORKSPACE]: '' },
      [
        'workspace.yaml:1:1 missing `channels`',
        'workspace.yaml:1:1 missing `name`',
        'workspace.yaml:1:1 missing `timezone`',
      ],
    ],
    [
      'a folder misspelt',
      { 'campaign/x.yaml': 'id: x' },
      ['campaign/x.yaml:1:1 unknown file; did you mean `campaigns/x.yaml`?'],
    ],
    [
      'a stranger',
      { 'notes.txt': 'x' },
      [
        'notes.txt:1:1 unknown file: a workspace holds workspace.yaml, profile.yaml, events.yaml, offers.yaml, policy.yaml, models.yaml, campaigns/*.yaml and templates/*.yaml',
      ],
    ],
    [
      'tests, which are not published',
      { 'tests/till.yaml': '[]' },
      ['tests/till.yaml:1:1 campaign tests are not part of what is published: leave `tests/` out'],
    ],
    ['.yml', { 'campaigns/x.yml': 'id: x' }, ['campaigns/x.yml:1:1 a file of a workspace ends in .yaml, not .yml']],
    [
      'a folder too deep',
      { 'templates/a/b.yaml': 'x' },
      ['templates/a/b.yaml:1:1 folders inside templates/ are not supported: put the file into templates/ itself'],
    ],
    [
      'a template whose name is no id',
      { 'templates/a b.yaml': 'push: {a: b}' },
      ['templates/a b.yaml:1:1 `a b` cannot be an id: letters, digits, - and _ only'],
    ],
    [
      'a file too large',
      { [OFFERS]: `# ${'x'.repeat(1024 * 1024)}` },
      ['offers.yaml:1:1 the file is too large: 1048578 bytes, at most 1048576'],
    ],
  ]);

  test('many strangers: ten of them by name, and how many more there are', () => {
    const strangers = (count: number): string[] =>
      issueLines(
        smallWorkspace(Object.fromEntries(Array.from({ length: count }, (_, i) => [`notes/${100 + i}.yaml`, 'x']))),
      );
    expect(
      strangers(10).every((line) => /^notes\/10\d\.yaml:1:1 unknown file: a workspace holds [^;]*$/.test(line)),
    ).toBe(true);
    expect(strangers(10)).toHaveLength(10);
    expect(strangers(250).slice(0, 9)).toEqual(strangers(9));
    expect(strangers(250).slice(9)).toEqual([
      `${strangers(10)[9]}; and 240 more files that are no part of a workspace`,
    ]);
    expect(strangers(11)[9]).toBe(`${strangers(10)[9]}; and 1 more file that is no part of a workspace`);
  });

  test('a file that is no text, as may come over HTTP', () => {
    const files = { ...smallWorkspace(), 'offers.yaml': 5 } as unknown as Record<string, string>;
    expect(issueLines(files)).toEqual(['offers.yaml:1:1 expected the text of the file']);
  });

  test('a workspace too large', () => {
    const text = `# ${'x'.repeat(1024 * 1000)}\npush: {a: b}\n`;
    const changes = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`templates/t${i}.yaml`, text]));
    expect(issueLines(smallWorkspace(changes))).toContain(
      'templates/t8.yaml:1:1 the workspace is too large: with this file more than 8388608 bytes',
    );
  });
});

describe('YAML', () => {
  holds([
    [
      'a tab',
      { [WORKSPACE]: 'name: a\n\ttimezone: x\n' },
      ['workspace.yaml:2:1 a tab cannot indent in YAML: use spaces'],
    ],
    [
      'a key twice',
      { [OFFERS]: 'a: {title: x}\nb: {title: x}\n"a": {title: y}\n' },
      ['offers.yaml:3:1 `a` is given twice; first on line 1'],
    ],
    ['an open quote', { [OFFERS]: 'a: {title: "x}\n' }, ['offers.yaml:2:1 a quote is opened and never closed']],
    [
      'two colons',
      { [OFFERS]: 'a: title: x\n' },
      ['offers.yaml:1:4 a second `: ` on the line: put a text that contains `: ` into quotes'],
    ],
    [
      'a reserved character',
      { [OFFERS]: 'a: {title: @x}\n' },
      ['offers.yaml:1:12 a text that starts with this character must be in quotes'],
    ],
    [
      'an anchor',
      { [OFFERS]: 'a: &x {title: x}\nb: *x\n' },
      [
        'offers.yaml:1:7 anchors (`&x`) are not supported: write the value out where it is needed',
        'offers.yaml:2:4 aliases (`*x`) are not supported: write the value out',
      ],
    ],
    ['a tag', { [OFFERS]: 'a: !!set {title}\n' }, ['offers.yaml:1:10 tags (`!!set`) are not supported']],
    ['a key that is no name', { [OFFERS]: '? [a]\n: {title: x}\n' }, ['offers.yaml:1:3 a key must be a plain name']],
    [
      'a key that would be a prototype',
      { [OFFERS]: '__proto__: {title: x}\n' },
      ['offers.yaml:1:1 `__proto__` cannot be a name'],
    ],
    [
      'two documents',
      { [OFFERS]: '---\na: {title: x}\n---\nb: {title: x}\n' },
      ['offers.yaml:3:1 several documents (`---`) in one file are not supported'],
    ],
    [
      'nesting without end',
      { [OFFERS]: `a: {title: ${'['.repeat(100_000)}` },
      ['offers.yaml:1:1 nested too deeply: at most 24 levels'],
    ],
    [
      'nesting beyond the limit',
      { [EVENTS]: `a: ${'{a: '.repeat(30)}int${'}'.repeat(30)}\n` },
      ['events.yaml:1:100 nested too deeply: at most 24 levels'],
    ],
    [
      'a byte order mark is no column',
      { [OFFERS]: '\ufeffa: {titel: x}\r\n' },
      ['offers.yaml:1:1 missing `title`', 'offers.yaml:1:5 unknown key `titel`; did you mean `title`?'],
    ],
    [
      'columns count code points',
      { [OFFERS]: 'a: {title: "👍👍", x: 1}\n' },
      [
        'offers.yaml:1:18 unknown key `x`; there are `title`, `description`, `budget`, `perCustomer`, `expires`, `unused`, `valid`',
      ],
    ],
  ]);
});
