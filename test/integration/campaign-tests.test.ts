/** `beckon test`, as it is run: the demo's tests pass, one that does not hold says so in full, and nothing of them is published. */
import { execFile } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch-folder.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DEMO = 'src/demo/workspace';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function beckon(...args: string[]): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, ['dist/main.js', ...args], { cwd: ROOT }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** The demo's workspace with one more file of tests. */
function demoWith(tests: string): string {
  const folder = join(scratchFolder(), 'shop');
  cpSync(join(ROOT, DEMO), folder, { recursive: true });
  writeFileSync(join(folder, 'tests', 'more.yaml'), tests);
  return folder;
}

test("the demo's tests hold", async () => {
  const { code, out, err } = await beckon('test', DEMO);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^✓ tests\/cancelled-orders\.yaml {2}\d+ cases\n/);
  expect(out).toMatch(/\n\n\d+ passed\n$/);
  expect(out).not.toContain('✗');
});

test('some of them, for programs', async () => {
  const { code, out } = await beckon('test', DEMO, '--only', 'RIBBON', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    passed: 2,
    failed: 0,
    cases: [
      { file: 'tests/till.yaml', passed: true, failures: [] },
      { file: 'tests/till.yaml', passed: true, failures: [] },
    ],
  });
});

test('check counts them, and says what is wrong with them', async () => {
  expect((await beckon('check', DEMO)).out).toMatch(/, \d+ tests\n$/);
  const folder = demoWith('- {name: a, steps: [{at: 2010-12-01 12:00, expect: {decided: wellcome}}]}\n');
  const fault = 'tests/more.yaml:1:62 unknown campaign `wellcome`; did you mean `welcome`?\n';
  expect(await beckon('check', folder)).toEqual({ code: 1, out: '', err: `${fault}1 problem in ${folder}\n` });
  expect(await beckon('test', folder)).toEqual({
    code: 1,
    out: '',
    err: `${fault}nothing was tested: 1 problem in ${folder}\n`,
  });
});

test('where there is nothing to run it says so', async () => {
  expect(await beckon('test', DEMO, '--only', 'unicorns')).toEqual({
    code: 1,
    out: '',
    err: expect.stringMatching(/^beckon: no case has "unicorns" in its name or file; there are \d+\n$/),
  });
  const folder = scratchFolder();
  writeFileSync(join(folder, 'workspace.yaml'), 'name: a\ntimezone: UTC\nchannels: [push]\n');
  expect(await beckon('test', folder)).toEqual({
    code: 1,
    out: '',
    err: `beckon: ${folder} has no tests: write cases into ${folder}/tests/*.yaml\n`,
  });
});
