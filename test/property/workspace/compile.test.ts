/** Whatever is done to a workspace, compiling it ends in a workspace or in issues at places that exist; it never throws. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileWorkspace } from '../../../src/workspace/compile.ts';
import type { WorkspaceIssue } from '../../../src/workspace/workspace.ts';
import { fullWorkspace } from '../../support/workspaces/full-workspace.ts';
import { INTERFACE_WORKSPACE } from '../../support/workspaces/interface-workspace.ts';
import { smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const FILES = [INTERFACE_WORKSPACE, smallWorkspace(), fullWorkspace()];

const piece = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\n',
    '\n  ',
    ':',
    ': ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '>',
    '|',
    '#',
    '&a',
    '*a',
    '!t',
    '---\n',
    '\t',
    '\r\n',
    '\ufeff',
    '\0',
  ),
  fc.constantFrom(
    '{{',
    '}}',
    '{% if %}',
    '{% for i in event.items %}',
    '{% endfor %}',
    '{{ x | y: z }}',
    '{%',
    '| date',
    'event.',
    'trigger.',
    'value',
    'propensity',
    'profile.',
    'segment.',
    '&&',
    '(',
    '1.5',
    '9e999',
    'null',
    'true',
    '~',
  ),
  fc.constantFrom(
    '__proto__',
    'constructor',
    '$profile',
    '$feedback',
    'receipt',
    'opened',
    'draw',
    '0 20 * * *',
    '*/5',
    '-3h',
    'by-tier',
    'line-1',
    'push',
    'hearts',
    '30d',
    '10%',
    '21:00',
    '2011-02-30',
    '99999999999999999999',
    '-1',
    'é👍',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

interface Edit {
  readonly file: number;
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  file: fc.nat(20),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.oneof(fc.constant(0), fc.nat(12)),
  text: piece,
});

function apply(files: Readonly<Record<string, string>>, edits: readonly Edit[]): Record<string, string> {
  const changed: Record<string, string> = { ...files };
  const paths = Object.keys(files);
  for (const { file, at, length, text } of edits) {
    const path = paths[file % paths.length] as string;
    const before = changed[path] as string;
    const offset = Math.floor(at * before.length);
    changed[path] = before.slice(0, offset) + text + before.slice(offset + length);
  }
  return changed;
}

function expectPlace(issue: WorkspaceIssue, files: Readonly<Record<string, string>>): void {
  const lines = (files[issue.file] ?? '').split('\n');
  expect(issue.line).toBeGreaterThanOrEqual(1);
  expect(issue.line).toBeLessThanOrEqual(lines.length);
  expect(issue.column).toBeGreaterThanOrEqual(1);
  expect(issue.column).toBeLessThanOrEqual(Array.from(lines[issue.line - 1] ?? '').length + 1);
  expect(issue.message).not.toMatch(/undefined|\[object|NaN|^\s*$/);
}

test('any edits', () => {
  fc.assert(
    fc.property(fc.constantFrom(...FILES), fc.array(edit, { minLength: 1, maxLength: 4 }), (original, edits) => {
      const files = apply(original, edits);
      const result = compileWorkspace(files);
      if ('issues' in result) expect(result.issues.length).toBeGreaterThan(0);
      else expect(JSON.parse(JSON.stringify(result.workspace.campaigns))).toEqual(result.workspace.campaigns);
      for (const issue of 'issues' in result ? result.issues : result.warnings) expectPlace(issue, files);
    }),
    { numRuns: 800 },
  );
});
