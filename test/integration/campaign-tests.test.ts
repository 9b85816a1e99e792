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

test('one that does not hold says what was expected, what came and why, and at which place', async () => {
  const folder = demoWith(`- name: three messages in a day are fine
  campaigns: [welcome, thank-you-vip, sorry-note]
  given: { customer: vera, attributes: { loyalty: true }, consent: { email: granted, sms: granted } }
  steps:
    - at: 2010-12-14 09:30
      event: { type: receipt, data: { total: 20 } }
      expect: { decided: welcome }
    - at: 2010-12-14 13:00
      event: { type: receipt, data: { total: 2500 } }
      expect: { decided: thank-you-vip }
    - at: 2010-12-14 17:00
      event: { type: cancelled, data: { total: 10 } }
      expect: { waiting: sorry-note }
    - after: 30m
      expect: { decided: [{ campaign: sorry-note, channel: sms }] }
- name: a gold card makes a regular
  campaigns: thank-you-vip
  given: { customer: ann, attributes: { loyalty: true, tier: gold } }
  steps:
    - { at: 2010-12-14 11:00, event: { type: receipt, data: { total: 50 } }, expect: { decided: thank-you-vip } }
- name: the first order is for everybody
  given: { customer: max, attributes: { loyalty: true } }
  steps:
    - { at: 2010-12-14 11:00, event: { type: receipt, data: { total: 50 } }, expect: { decided: welcome } }
`);
  expect(await beckon('test', folder, '--only', 'tests/more')).toEqual({
    code: 1,
    err: '',
    out: `✗ tests/more.yaml  3 cases, 3 failed

✗ three messages in a day are fine
  tests/more.yaml:15:17
  step 4, Tue 14 Dec 2010 17:30, time passes
    expected  sorry-note by sms
    came      no decision
              sorry-note suppressed: cap
    why       ✗ sorry-note: sms, push, email: cap two-messages-a-day: 2 of 2 in
                the 24 h before, at 09:30 (welcome, email) and 13:00
                (thank-you-vip, email); free again 15 Dec 09:30
                waited since cancelled of 17:00

✗ a gold card makes a regular
  tests/more.yaml:20:88
  step 1, Tue 14 Dec 2010 11:00, receipt of ann
    expected  thank-you-vip
    came      no decision
              thank-you-vip did not match
    why       · thank-you-vip: segment.vip: profile.spend_30d > 2000.0 (is 50)
                and segment.regular: profile.receipts_30d >= 3 (is 1)

✗ the first order is for everybody
  tests/more.yaml:24:88
  step 1, Tue 14 Dec 2010 11:00, receipt of max
    expected  welcome
    came      no decision
              welcome suppressed: holdout
    why       ✗ welcome: held out: 10 % of customers never get this campaign, to
                compare (draw 0.0039 < 0.1)
              not held out of welcome: customer max-2

0 passed, 3 failed
`,
  });
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
