/** A workspace on disk, and `beckon check` on it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { check } from '../../../src/cli/check.ts';
import {
  readTestFiles,
  readWorkspaceFolder,
  WorkspaceFolderError,
  workspaceHash,
} from '../../../src/workspace/folder.ts';
import { edited, smallWorkspace } from '../../support/workspaces/small-workspace.ts';

const folders: string[] = [];

function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'beckon-workspace-'));
  folders.push(directory);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

afterEach(() => {
  for (const directory of folders.splice(0)) rmSync(directory, { recursive: true });
});

describe('reading', () => {
  test('gives the files of the workspace, and nothing of what lies beside them', () => {
    const directory = folderWith({
      ...smallWorkspace(),
      'README.md': 'x',
      '.git/config.yaml': 'x',
      '.hidden.yaml': 'x',
      'campaigns/.draft.yaml': 'x',
      'campaigns/notes.txt': 'x',
      'tests/hearts.yaml': 'x',
    });
    expect(readWorkspaceFolder(directory)).toEqual(smallWorkspace());
    expect(readTestFiles(directory)).toEqual({ 'tests/hearts.yaml': 'x' });
  });

  test('gives no tests where there are none', () => {
    expect(readTestFiles(folderWith(smallWorkspace()))).toEqual({});
    expect(readTestFiles(folderWith({ ...smallWorkspace(), tests: 'a file' }))).toEqual({});
  });

  test('keeps what may be a misspelt file, to be refused by name', () => {
    expect(
      Object.keys(
        readWorkspaceFolder(folderWith({ 'workspace.yaml': 'a', 'campaign/x.yaml': 'b', 'policy.yml': 'c' })),
      ),
    ).toEqual(['campaign/x.yaml', 'policy.yml', 'workspace.yaml']);
  });

  test('follows links to files, not to folders, and not into nothing', () => {
    const directory = folderWith({ 'workspace.yaml': 'a' });
    symlinkSync(join(directory, 'workspace.yaml'), join(directory, 'policy.yaml'));
    symlinkSync(join(directory, 'gone.yaml'), join(directory, 'events.yaml'));
    symlinkSync(directory, join(directory, 'campaigns'));
    expect(readWorkspaceFolder(directory)).toEqual({ 'workspace.yaml': 'a', 'policy.yaml': 'a' });
  });

  test.each([
    ['no folder', (directory: string) => join(directory, 'nowhere'), /^there is no folder .*nowhere$/],
    [
      'a file',
      (directory: string) => join(directory, 'README.md'),
      /README\.md is a file: name the folder that holds workspace\.yaml$/,
    ],
  ])('%s is said so', (_, path, message) => {
    const directory = path(folderWith({ 'README.md': 'x' }));
    expect(() => readWorkspaceFolder(directory)).toThrow(WorkspaceFolderError);
    expect(() => readWorkspaceFolder(directory)).toThrow(message);
  });

  test('a folder too large is not read whole', () => {
    const text = `# ${'x'.repeat(1024 * 1024)}`;
    const files = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`templates/t${i}.yaml`, text]));
    expect(() => readWorkspaceFolder(folderWith({ ...files, 'workspace.yaml': '' }))).toThrow(
      /too large for a workspace: more than 8388608 bytes of YAML/,
    );
  });
});

describe('a folder that is no workspace is said so in one line', () => {
  const HOLDS =
    'A workspace is a folder of workspace.yaml, profile.yaml, events.yaml, offers.yaml, policy.yaml, models.yaml, campaigns/*.yaml and templates/*.yaml, with its tests in tests/*.yaml';

  test.each<[string, readonly string[], (directory: string) => string, (directory: string) => string]>([
    [
      'with what it is to have',
      ['README.md', 'a/b/c.yaml', 'd.yaml'],
      (directory) => directory,
      () => 'name the folder that does, or write it: it names the workspace, its time zone and its channels.',
    ],
    [
      'with the one below it',
      ['docker.yaml', 'shop/workspace.yaml', 'shop/campaigns/a.yaml'],
      (directory) => directory,
      (directory) => `did you mean ${directory}/shop?`,
    ],
    [
      'with those below it, the nearest first, and not with what others brought along or hid',
      ['b/c/w/workspace.yaml', 'z/workspace.yaml', 'node_modules/x/workspace.yaml', '.git/workspace.yaml'],
      (directory) => directory,
      (directory) => `did you mean ${directory}/z or ${directory}/b/c/w?`,
    ],
    [
      'with the first three of many',
      ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}/workspace.yaml`),
      (directory) => directory,
      (directory) => `did you mean ${directory}/a, ${directory}/b or ${directory}/c?`,
    ],
    [
      'with the one that it is a part of',
      ['workspace.yaml', 'tests/a.yaml'],
      (directory) => join(directory, 'tests'),
      (directory) => `did you mean ${directory}?`,
    ],
    [
      'with the file that is to be called so',
      ['workspace.yml', 'campaigns/a.yaml'],
      (directory) => directory,
      () => 'rename workspace.yml to that.',
    ],
  ])('%s', async (_, paths, named, remedy) => {
    const root = folderWith(Object.fromEntries(paths.map((path) => [path, 'x'])));
    const directory = named(root);
    expect(await run(directory)).toEqual({
      code: 1,
      out: '',
      err: `${directory} is no workspace: it has no workspace.yaml; ${remedy(root)} ${HOLDS}\n`,
    });
  });

  test('also where there are thousands of files, some of them too deep to look for it', () => {
    const paths = Array.from({ length: 40 }, (_, i) => `a${i}/b/c/d/e/f/workspace.yaml`);
    const directory = folderWith(Object.fromEntries(paths.map((path) => [path, 'x'])));
    expect(() => readWorkspaceFolder(directory)).toThrow(/; name the folder that does, or write it: /);
  });
});

/** `é` as Latin-1 has it. */
function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

describe('a file that is not UTF-8', () => {
  test.each<[string, Uint8Array, string]>([
    ['Latin-1', latin1('push:\n  title: x\n  body: café\n'), '3:12 not UTF-8 (byte 0xe9)'],
    ['Latin-1 behind UTF-8', Buffer.concat([Buffer.from('# 🎁 né\n# é'), latin1('é')]), '2:4 not UTF-8 (byte 0xe9)'],
    ['UTF-16', Buffer.from('\ufeffpush: {}', 'utf16le'), '1:1 not UTF-8 (byte 0xff)'],
    ['a character cut short', Buffer.from('a: 🎁').subarray(0, -1), '1:4 not UTF-8 (byte 0xf0)'],
    ['half a pair in three bytes', Buffer.of(0x61, 0xed, 0xa0, 0x80), '1:2 not UTF-8 (byte 0xed)'],
    ['an overlong slash', Buffer.of(0x0a, 0xc0, 0xaf), '2:1 not UTF-8 (byte 0xc0)'],
    ['behind a byte order mark', Buffer.of(0xef, 0xbb, 0xbf, 0x61, 0xff), '1:2 not UTF-8 (byte 0xff)'],
  ])('%s is refused at its place', (_, bytes, fault) => {
    const directory = folderWith({ ...smallWorkspace(), 'templates/c.yaml': bytes });
    expect(() => readWorkspaceFolder(directory)).toThrow(
      new WorkspaceFolderError(`templates/c.yaml:${fault}: save the file as UTF-8`),
    );
  });

  test('is one of several that are named, by check too', async () => {
    const directory = folderWith({
      ...smallWorkspace(),
      'templates/a.yaml': latin1('é'),
      'offers.yaml': latin1('a: é'),
    });
    expect(await run(directory)).toEqual({
      code: 1,
      out: '',
      err: 'offers.yaml:1:4 not UTF-8 (byte 0xe9): save the file as UTF-8\ntemplates/a.yaml:1:1 not UTF-8 (byte 0xe9): save the file as UTF-8\n',
    });
  });

  test('is not one that holds U+FFFD, a byte order mark or a character of four bytes', () => {
    const text = '\ufeffpush: "\ufffd 🎁"\n';
    const files = { 'templates/c.yaml': text, 'workspace.yaml': text };
    expect(readWorkspaceFolder(folderWith(files))).toEqual(files);
  });
});

describe('the hash', () => {
  test('is of paths and texts, in any order', () => {
    expect(workspaceHash({ a: '1', b: '2' })).toBe(workspaceHash({ b: '2', a: '1' }));
    const different = [
      { a: '1', b: '2' },
      { a: '2', b: '1' },
      { a: '1' },
      { a: '1', b: '2', c: '' },
      { a1: '', b: '2' },
      { ab: '12' },
      {},
    ];
    expect(new Set(different.map((files) => workspaceHash(files as Record<string, string>))).size).toBe(
      different.length,
    );
  });
});

async function run(directory: string, columns = 0): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const stream = (name: 'out' | 'err'): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        texts[name] += chunk.toString();
        done();
      },
    });
  const code = await check(directory, {}, Object.assign(stream('out'), { columns }), stream('err'));
  return { code, ...texts };
}

describe('beckon check', () => {
  test('says what a valid workspace holds', async () => {
    const directory = folderWith(
      smallWorkspace({ 'campaigns/b.yaml': 'id: b\non: login\nchannels: [pos]\nstatus: draft\n' }),
    );
    expect(await run(directory)).toEqual({
      code: 0,
      out: `${directory} is a valid workspace: retail, 2 campaigns (1 live, 1 draft), 2 event types, 3 attributes, 3 aggregates, 1 segment, 1 offer, 1 template, 4 channels (pos, push, sms, email)\n`,
      err: '',
    });
  });

  test('wraps that at the width of a terminal', async () => {
    const directory = folderWith(smallWorkspace());
    const { out } = await run(directory, 60);
    expect(out.split('\n').every((line) => line.length <= 60 || !line.startsWith(' '))).toBe(true);
    expect(out.split('\n').length).toBeGreaterThan(3);
    expect(out.replaceAll(/\n {2}/g, ' ')).toBe((await run(directory)).out);
  });

  test('marks warnings, which are no reason to fail', async () => {
    const { code, err } = await run(folderWith(smallWorkspace(edited('policy.yaml', '"09:00"', '"21:00"'))));
    expect(code).toBe(0);
    expect(err).toBe('policy.yaml:4:1 warning: `from` equals `to`: there are no quiet hours\n');
  });

  test('prints every problem, sorted by place, and exits with 1', async () => {
    const directory = folderWith(
      smallWorkspace({
        ...edited('policy.yaml', 'then: drop', 'then: wait'),
        ...edited('campaigns/hearts.yaml', 'priority', 'prioritty'),
      }),
    );
    expect(await run(directory)).toEqual({
      code: 1,
      out: '',
      err: `campaigns/hearts.yaml:6:1 unknown key \`prioritty\`; did you mean \`priority\`?\npolicy.yaml:4:71 expected \`defer\` or \`drop\`, got "wait"\n2 problems in ${directory}\n`,
    });
  });

  test('prints warnings behind the problems, marked', async () => {
    const directory = folderWith(
      smallWorkspace({
        'campaigns/hearts.yaml': 'id: hearts-companion\non: receipt\nchannels: [sms]\ntemplate: hearts\nprioritty: 1\n',
        'campaigns/arrows.yaml': 'id: arrows\non: receipt\nchannels: [sms]\ntemplate: hearts\n',
        'policy.yaml': 'cap: []\n',
      }),
    );
    const { code, err } = await run(directory);
    expect(code).toBe(1);
    expect(err.split('\n')).toEqual([
      expect.stringMatching(/^campaigns\/hearts\.yaml:5:1 unknown key `prioritty`/),
      expect.stringMatching(/^policy\.yaml:1:1 unknown key `cap`/),
      'campaigns/arrows.yaml:4:11 warning: template `hearts` reads `offer`, but this campaign has none: it will be empty there',
      `2 problems in ${directory}`,
      '',
    ]);
  });

  test('of a folder that is not there exits with 1 and says so', async () => {
    expect(await run('/no/such/folder')).toEqual({ code: 1, out: '', err: 'there is no folder /no/such/folder\n' });
  });
});
