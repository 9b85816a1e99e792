/**
 * Keeps the house in order: imports go one way between the folders of src/, the deterministic core stays deterministic, and no file grows too long to read.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../../../src');

/** What each folder may import besides itself, stdx and constants. `node.ts`, `main.ts`, `cli/` and `demo/` see everything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  stdx: [],
  protocol: [],
  state: ['protocol'],
  rules: ['state', 'protocol'],
  workspace: ['rules', 'protocol'],
  machine: ['rules', 'state', 'workspace', 'protocol'],
  storage: ['protocol'],
  log: ['protocol'],
  client: ['log', 'protocol'],
  replay: ['machine', 'rules', 'workspace', 'state', 'storage', 'log', 'protocol'],
  explain: ['protocol'],
  trials: ['explain', 'machine', 'rules', 'workspace', 'state', 'protocol'],
  worker: ['replay', 'machine', 'rules', 'workspace', 'state', 'storage', 'log', 'telemetry', 'protocol'],
  pool: ['replay', 'explain', 'machine', 'rules', 'workspace', 'state', 'storage', 'protocol'],
  gateway: ['protocol'],
  cluster: ['protocol'],
  telemetry: ['protocol'],
};
const SEES_EVERYTHING = new Set(['cli', 'demo', 'node.ts', 'main.ts']);
const FILE_LINES_MAX = 450;

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly text: string;
}

function sources(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const fromSrc = relative(SRC, path);
      return { path: fromSrc, room: fromSrc.split('/')[0] as string, text: readFileSync(path, 'utf8') };
    });
}

/** Module specifiers of static imports, exports and dynamic imports. */
function importsOf(text: string): string[] {
  return [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g,
    ),
  ].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

function roomOf(file: SourceFile, specifier: string): string {
  return relative(SRC, resolve(SRC, dirname(file.path), specifier)).split('/')[0] as string;
}

/** The code without comments and string contents, so that words in prose do not count. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");
}

describe('imports go one way', () => {
  const files = sources();
  it('finds the source files', () => {
    expect(files.length).toBeGreaterThan(50);
  });

  it('holds the import table', () => {
    const broken = files.flatMap((file) =>
      importsOf(file.text)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => roomOf(file, specifier))
        .filter(
          (room) =>
            room !== file.room &&
            room !== 'stdx' &&
            room !== 'constants.ts' &&
            !SEES_EVERYTHING.has(file.room) &&
            file.room !== 'constants.ts',
        )
        .filter((room) => !(MAY_IMPORT[file.room] ?? []).includes(room))
        .map((room) => `${file.path} imports ${room}`),
    );
    expect(broken).toEqual([]);
  });

  it('lets only the gateway use uWebSockets.js', () => {
    const users = files.filter((file) => importsOf(file.text).includes('uWebSockets.js')).map((file) => file.room);
    expect([...new Set(users)]).toEqual(['gateway']);
  });
});

describe('the deterministic core', () => {
  const core = sources().filter((file) => file.room === 'machine' || file.room === 'state');

  it('imports nothing of the runtime', () => {
    const broken = core.flatMap((file) =>
      importsOf(file.text)
        .filter((specifier) => specifier.startsWith('node:'))
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(broken).toEqual([]);
  });

  it.each([
    ['clock', /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\b|\bsystemClock\b/],
    ['randomness', /\bMath\.random\b|\bcrypto\b/],
    ['inexact mathematics', /\bMath\.(pow|log\w*|exp\w*|sin|cos|tan|cbrt|hypot)\b/],
    ['locales', /\bIntl\b|\.toLocale\w+\(|\.localeCompare\(/],
    ['asynchrony', /\bawait\b|\basync\b|\bPromise\b|\bsetTimeout\b|\bsetImmediate\b|\bqueueMicrotask\b/],
    ['process', /\bprocess\b(?!\w)\s*\./],
  ])('uses no %s', (_what, pattern) => {
    expect(core.filter((file) => pattern.test(codeOf(file.text))).map((file) => file.path)).toEqual([]);
  });
});

describe('style', () => {
  it('keeps every file short enough to read', () => {
    // The limits belong together, however many there are.
    const long = sources().filter(
      (file) => file.room !== 'constants.ts' && file.text.split('\n').length > FILE_LINES_MAX,
    );
    expect(long.map((file) => `${file.path}: ${file.text.split('\n').length} lines`)).toEqual([]);
  });

  it('leaves nothing to do in comments', () => {
    expect(
      sources()
        .filter((file) => /\b(TODO|FIXME|XXX|HACK)\b/.test(file.text))
        .map((file) => file.path),
    ).toEqual([]);
  });
});
