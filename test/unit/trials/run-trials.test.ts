/** Cases on a machine: what holds passes, and what does not is told with what came. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { released } from '../../../src/explain/quantities.ts';
import { share } from '../../../src/machine/decide/policy.ts';
import type { Decision } from '../../../src/protocol/decision.ts';
import { type TrialFailure, TrialRunner } from '../../../src/trials/check-trial.ts';
import { readTrials } from '../../../src/trials/read-trials.ts';
import { runTrial, workspaceRecord } from '../../../src/trials/run-trial.ts';
import { MachineFixture } from '../../support/machine-fixture.ts';
import { compiled } from '../../support/workspaces/small-workspace.ts';
import { TRIAL_SHOP, TRIAL_SHOP_TESTS } from '../../support/workspaces/trial-shop.ts';

const SHOP = compiled(TRIAL_SHOP);
const runner = new TrialRunner(SHOP);

function trialsOf(text: string) {
  const { trials, issues } = readTrials({ 'tests/a.yaml': text }, SHOP);
  expect(issues).toEqual([]);
  return trials;
}

/** Of the only case of a file. */
function failuresOf(text: string): readonly TrialFailure[] {
  const [trial] = trialsOf(text);
  if (trial === undefined) throw new Error('there is no case');
  return runner.run(trial).failures;
}

/** One step at noon that brings this event for ann, whose `given` is this. */
function failing(event: string, expected: string, given = '{customer: ann}') {
  const [failure, ...others] = failuresOf(
    `- {name: a, given: ${given}, steps: [{at: 2010-12-01 12:00, event: {${event}}, expect: {${expected}}}]}\n`,
  );
  expect(others).toEqual([]);
  return { expected: failure?.mismatch?.expected, came: failure?.mismatch?.came };
}

test('cases that use everything pass, in any order, one not minding the others', () => {
  const trials = trialsOf(TRIAL_SHOP_TESTS);
  expect(trials).toHaveLength(8);
  for (const trial of [...trials, ...trials.toReversed()]) expect(runner.run(trial).failures).toEqual([]);
});

describe('what came is told beside what was expected', () => {
  test.each([
    ['type: receipt, data: {total: 60}', 'decided: []', ['no decision'], ['tea by pos']],
    [
      'type: receipt, data: {total: 60}',
      'decided: [thanks, tea]',
      ['thanks', 'tea'],
      ['tea by pos', 'thanks did not match'],
    ],
    [
      'type: receipt, data: {total: 60}',
      'decided: thanks',
      ['thanks'],
      ['tea by pos: not expected', 'thanks did not match'],
    ],
    [
      'type: receipt, data: {total: 61}',
      'decided: [{campaign: tea, offer: tea, value: 6, slot: line-1, message: {line: Tea}}]',
      ['tea, offer tea, slot line-1, value 6, line "Tea"'],
      ['tea, value 6.1000000000000005, line "A pot of tea"'],
    ],
    [
      'type: receipt, data: {total: 60}',
      'decided: {campaign: tea, expires: 2010-12-09 12:00, message: null, customer: null}',
      ['tea, anonymous, expires Thu 9 Dec 2010 12:00, no message'],
      ['tea, for ann, expires Wed 8 Dec 2010 12:00, line "A pot of tea", size "60"'],
    ],
    [
      'type: receipt, data: {total: 60}',
      'decided: [{campaign: tea, message: {colour: red}}]',
      ['tea, colour "red"'],
      ['tea, no colour'],
    ],
    ['type: receipt, data: {total: 60}', 'suppressed: {tea: budget}', ['tea suppressed: budget'], ['tea decided']],
    ['type: receipt, data: {total: 60}', 'unmatched: tea', ['tea unmatched'], ['tea decided']],
    ['type: receipt, data: {total: 60}', 'nothing: true', ['nothing'], ['tea decided']],
    ['type: added', 'decided: basket', ['basket'], ['no decision', 'basket waiting until Wed 1 Dec 2010 12:30']],
    ['type: added', 'nothing: true', ['nothing'], ['basket waiting until Wed 1 Dec 2010 12:30']],
    ['type: paid', 'waiting: basket', ['basket waiting'], ['nothing came of basket']],
  ])('{%s} and %s', (event, expectation, expected, came) => {
    expect(failing(event, expectation)).toEqual({ expected, came });
  });

  test('and who lost, with the reason', () => {
    const given = '{customer: ann, consent: {push: denied}, events: [{ago: 1d, type: receipt, data: {total: 6}}]}';
    expect(failing('type: receipt, data: {total: 6}', 'decided: thanks', given)).toEqual({
      expected: ['thanks'],
      came: ['no decision', 'thanks suppressed: consent'],
    });
  });

  test('of the first step that fails only, all that fails of it, each at its place', () => {
    const failures = failuresOf(`- name: a
  given: {customer: ann}
  steps:
    - at: 2010-12-01 12:00
      event: {type: added}
      expect:
        decided: basket
        suppressed: {basket: late}
        waiting: basket
    - after: 1h
      expect: {decided: []}
`);
    expect(failures.map(({ place, step, moment }) => ({ ...place, step, moment }))).toEqual([
      { file: 'tests/a.yaml', line: 7, column: 9, step: 1, moment: 'Wed 1 Dec 2010 12:00, added of ann' },
      { file: 'tests/a.yaml', line: 8, column: 22, step: 1, moment: 'Wed 1 Dec 2010 12:00, added of ann' },
    ]);
  });
});

describe('what cannot happen fails the case', () => {
  test('an event that the machine refuses, with what is wrong with it', () => {
    const long = 'x'.repeat(300);
    const [failure] = failuresOf(
      `- {name: a, steps: [{at: 2010-12-01 12:00, event: {type: added, customer: ${long}}, expect: {nothing: true}}]}\n`,
    );
    expect(failure?.message).toMatch(/^the event was refused: customer: longer than 256 bytes/);
    expect(failure?.place).toEqual({ file: 'tests/a.yaml', line: 1, column: 44 });
  });

  test('feedback on what was never decided', () => {
    const [failure] = failuresOf(
      '- {name: a, given: {customer: ann}, steps: [{at: 2010-12-01 12:00, event: {type: $feedback, data: {decision: tea, outcome: opened}}, expect: {nothing: true}}]}\n',
    );
    expect(failure?.message).toBe('there is nothing to feed back on: tea was not decided for ann before');
  });

  test('more time than a case may take', () => {
    const workspace = compiled({
      ...TRIAL_SHOP,
      'campaigns/minute.yaml': 'id: minute\non: {schedule: "* * * * *"}\nwhen: "false"\nchannels: [pos]\n',
    });
    const { trials } = readTrials(
      {
        'tests/a.yaml':
          '- {name: a, steps: [{at: 2010-12-01 12:00}, {after: 30d}]}\n- {name: b, steps: [{at: 2010-12-01 12:00}, {after: 90d}]}\n',
      },
      workspace,
    );
    const own = new TrialRunner(workspace);
    expect(trials.map((trial) => own.run(trial).failures.map(({ message }) => message))).toEqual([
      [],
      ['too much falls due on the way: let the case span less time'],
    ]);
  });
});

describe('a draw that fails a case names a customer who would do', () => {
  const letter = (customer: string, expected: string): readonly string[] =>
    failuresOf(
      `- {name: a, given: {customer: ${customer}, attributes: {tier: gold}}, steps: [{at: 2010-12-06 09:30, expect: {${expected}}}]}\n`,
    ).flatMap(({ why }) => why.map(released));

  test('of a holdout', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9999 }), (number) => {
        const customer = `c${number}`;
        const heldOut = share('holdout', 'letter', customer) < 0.5;
        const [wanted, other] = ['decided: letter', 'suppressed: {letter: holdout}'];
        expect(letter(customer, heldOut ? other : wanted)).toEqual([]);
        const why = letter(customer, heldOut ? wanted : other).join('\n');
        const held =
          /^✗ letter: held out: 50 % of customers never get this campaign, to compare \(draw.0\.\d{4}.<.0\.5\)$/m;
        expect(why).toMatch(heldOut ? held : `${customer} is not in the holdout of letter: u `);
        const named = new RegExp(`(?:; |: customer )(${customer}-\\d+)`).exec(why)?.[1] ?? '';
        expect(letter(named, heldOut ? wanted : other)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test('of a variant', () => {
    const thanks = (customer: string, variant: string): readonly string[] =>
      failuresOf(
        `- {name: a, given: {customer: ${customer}, events: [{ago: 1d, type: receipt, data: {total: 6}}]}, steps: [{at: 2010-12-06 12:00, event: {type: receipt, data: {total: 6}}, expect: {decided: {campaign: thanks, variant: ${variant}}}}]}\n`,
      ).flatMap(({ why }) => why);
    const wrong = ['short', 'long'].filter((variant) => thanks('ann', variant).length > 0);
    expect(wrong).toHaveLength(1);
    const words = thanks('ann', wrong[0] as string).join('\n');
    expect(words).toMatch(/ann draws (short|long): u 0\.\d{4} of short 50 %, long 50 %; ann-\d+ draws (short|long)/);
    expect(thanks(/; (ann-\d+) draws/.exec(words)?.[1] ?? '', wrong[0] as string)).toEqual([]);
  });
});

/** All but the version, which a case counts from 1. */
function partsOf({ workspace: _, ...decision }: Decision): object {
  return decision;
}

/** The same events on a machine to which nothing else comes until the end. */
test('time that passes step by step changes nothing: the decisions are those of a machine that sees the events only', () => {
  const event = fc.record({
    afterMinutes: fc.integer({ min: 1, max: 2000 }),
    customer: fc.constantFrom('ann', 'bob', 'cid'),
    data: fc.oneof(
      fc.record({ type: fc.constant('receipt'), total: fc.constantFrom(1, 6, 60) }),
      fc.record({ type: fc.constantFrom('added', 'paid'), basket: fc.constantFrom('a', 'b') }),
    ),
  });
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 12 }), (events) => {
      const fixture = new MachineFixture({ clock: 'wall' });
      let ms = Date.parse('2010-12-01T12:00:00Z');
      fixture.publish(SHOP, ms - 1000);
      const steps = events.map(({ afterMinutes, customer, data: { type, ...data } }, i) => {
        if (i > 0) ms += afterMinutes * 60_000;
        fixture.send({ type, customer, data }, ms);
        return `{at: "${new Date(ms).toISOString()}", event: {type: ${type}, customer: ${customer}, data: ${JSON.stringify(data)}}}`;
      });
      ms += 3 * 86_400_000;
      fixture.tick(ms);
      const all = [...steps, `{at: "${new Date(ms).toISOString()}"}`].join(', ');
      const [trial] = trialsOf(`- {name: a, steps: [${all}]}\n`);
      if (trial === undefined) throw new Error('there is no case');
      const { steps: course } = runTrial(trial, workspaceRecord(SHOP, []));
      expect(course.flatMap(({ decisions }) => decisions).map(partsOf)).toEqual(
        fixture.decisions.map(({ decision }) => partsOf(decision)),
      );
    }),
    { numRuns: 40 },
  );
});
