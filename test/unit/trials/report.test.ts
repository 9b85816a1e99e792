/** The report as a person at a terminal sees it. */
import { expect, test } from 'vitest';
import { TrialRunner } from '../../../src/trials/check-trial.ts';
import { readTrials } from '../../../src/trials/read-trials.ts';
import { reportJson, reportText } from '../../../src/trials/report.ts';
import { compiled } from '../../support/workspaces/small-workspace.ts';
import { TRIAL_SHOP } from '../../support/workspaces/trial-shop.ts';

const SHOP = compiled(TRIAL_SHOP);
const { trials } = readTrials(
  {
    'tests/till.yaml': `- name: tea for who spends fifty
  steps: [{at: 2010-12-01 12:00, event: {type: receipt, data: {total: 50.0}}, expect: {decided: tea}}]
- name: a very long name that says everything there is to say about what this case shows, and then some more of it
  given: {customer: ann}
  steps:
    - {at: 2010-12-01 12:00, event: {type: added}}
    - after: 10m
      expect:
        decided: [{campaign: tea, offer: tea, value: 6, slot: line-1, expires: 2010-12-08 12:00, message: {line: A pot of tea}}]
`,
    'tests/waits.yaml':
      '- {name: waits, steps: [{at: 2010-12-01 12:00, event: {type: added, customer: ann}, expect: {waiting: basket}}]}\n',
  },
  SHOP,
);
const runner = new TrialRunner(SHOP);
const results = trials.map((trial) => runner.run(trial));

test('in eighty columns, without colour', () => {
  expect(reportText(results, { colour: false, width: 80 })).toBe(`✗ tests/till.yaml  2 cases, 1 failed
✓ tests/waits.yaml  1 case

✗ a very long name that says everything there is to say about what this case
  shows, and then some more of it
  tests/till.yaml:9:9
  step 2, Wed 1 Dec 2010 12:10, time passes
    expected  tea, offer tea, slot line-1, value 6, expires Wed 8 Dec 2010
                12:00, line "A pot of tea"
    came      no decision
              nothing came of tea
    why       tea was not asked: it listens for receipt, and the step brings no
                event

2 passed, 1 failed
`);
});

test('with colour, the same text', () => {
  const coloured = reportText(results, { colour: true, width: 80 });
  expect(coloured).toContain('\x1b[31m✗\x1b[0m');
  expect(coloured).toContain('\x1b[32m✓\x1b[0m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes themselves
  expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(reportText(results, { colour: false, width: 80 }));
});

test('no line is longer than the terminal, as far as words allow', () => {
  for (const width of [60, 80, 100])
    for (const line of reportText(results, { colour: false, width }).split('\n'))
      expect(line.length).toBeLessThanOrEqual(width);
});

test('for programs', () => {
  expect(reportJson(results)).toMatchObject({
    passed: 2,
    failed: 1,
    cases: [
      { file: 'tests/till.yaml', line: 1, name: 'tea for who spends fifty', passed: true, failures: [] },
      {
        passed: false,
        failures: [
          {
            file: 'tests/till.yaml',
            line: 9,
            column: 9,
            step: 2,
            moment: 'Wed 1 Dec 2010 12:10, time passes',
            came: ['no decision', 'nothing came of tea'],
          },
        ],
      },
      { file: 'tests/waits.yaml', passed: true },
    ],
  });
});
