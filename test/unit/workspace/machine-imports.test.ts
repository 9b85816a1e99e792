/** What the machine imports of the workspace must not bring the runtime's clock, files or tables with it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Files and packages reached by the imports of a file that exist at run time. */
function reached(file: URL, found: Set<string>): Set<string> {
  for (const [, what] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gms)) {
    const name = what as string;
    const next = name.startsWith('.') ? new URL(name, file) : null;
    if (found.has(next?.href ?? name)) continue;
    found.add(next?.href ?? name);
    if (next !== null) reached(next, found);
  }
  return found;
}

test.each([
  ['zones.ts', []],
  ['schedule-times.ts', []],
  ['message-templates.ts', ['liquidjs']],
])('%s reaches no packages but %j', (name, packages) => {
  const found = reached(new URL(`../../../src/workspace/${name}`, import.meta.url), new Set());
  expect([...found].filter((href) => !href.startsWith('file:'))).toEqual(packages);
});

test('nor does anything on that way read a clock, chance or locale', () => {
  const found = reached(new URL('../../../src/workspace/message-templates.ts', import.meta.url), new Set());
  reached(new URL('../../../src/workspace/zones.ts', import.meta.url), found);
  reached(new URL('../../../src/workspace/schedule-times.ts', import.meta.url), found);
  const files = [...found].filter((href) => href.startsWith('file:'));
  expect(files.length).toBeGreaterThan(4);
  for (const href of files) {
    const code = readFileSync(new URL(href), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    expect(code, href).not.toMatch(
      /\bDate\b|performance|Math\.(?:random|pow|log|exp|sin|cos|tan)|\*\*\s*[A-Za-z]|[lL]ocale(?!: 'en')|\bIntl\b|\bawait\b|process\./,
    );
  }
});
