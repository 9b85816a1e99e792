/** The gift shop shows everything that a workspace can say, and `beckon check` has nothing to say about it. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compileWorkspace } from '../../../src/workspace/compile.ts';
import { readWorkspaceFolder } from '../../../src/workspace/folder.ts';
import type { Workspace } from '../../../src/workspace/workspace.ts';

const FOLDER = fileURLToPath(new URL('../../../src/demo/workspace', import.meta.url));

function demoWorkspace(): Workspace {
  const compiled = compileWorkspace(readWorkspaceFolder(FOLDER));
  expect(compiled.warnings).toEqual([]);
  if ('issues' in compiled) throw new Error(JSON.stringify(compiled.issues));
  return compiled.workspace;
}

it('the demo uses each part of policy and time', () => {
  const { campaigns, offers, policy, aggregates, feedbackEvent } = demoWorkspace();
  const shows: Readonly<Record<string, boolean>> = {
    'a wait with conditions on what comes': campaigns.some(({ wait }) =>
      wait?.unless.some(({ when }) => when !== null),
    ),
    'a restart': campaigns.some(({ wait }) => wait?.restart !== null && wait !== null),
    'a sequence': campaigns.some(({ after }) => after !== null),
    'a cascade': campaigns.some(({ cascade }) => cascade !== null),
    'a campaign on feedback': campaigns.some(({ event }) => event === feedbackEvent),
    'an aggregate over feedback': aggregates.some(({ event }) => event === feedbackEvent),
    'a schedule': campaigns.some(({ schedule }) => schedule?.offsetMs === 0),
    'a schedule with an offset': campaigns.some(({ schedule }) => (schedule?.offsetMs ?? 0) < 0),
    'a limit in all': campaigns.some(({ limits }) => limits.total !== null),
    'a limit per day': campaigns.some(({ limits }) => limits.perDay !== null),
    'a goal with a holdout': campaigns.some(({ goal, holdout }) => goal !== null && holdout > 0),
    'slots of its own': campaigns.some(({ slots }) => slots !== null),
    'a budget that comes back': offers.some(({ budget, returnsUnused }) => budget !== null && returnsUnused),
    'an offer until a schedule': offers.some(({ expires }) => expires !== null && 'schedule' in expires),
    'an offer for a time': offers.some(({ expires }) => expires !== null && 'afterMs' in expires),
    'a cap by channel': policy.caps.some(({ channels, isGap }) => channels !== null && !isGap),
    'a cap by group': policy.caps.some(({ groups }) => groups !== null),
    'a cap by category': policy.caps.some(({ categories }) => categories !== null),
    'a reserved place': policy.caps.some(({ reserved }) => reserved !== null),
    'a gap': policy.caps.some(({ isGap }) => isGap),
    'an exclusion': policy.exclusions.length > 0,
    'a holdout of all': policy.holdout.share > 0,
    deferral: policy.quietHours?.defer === true,
    'lines of a receipt': policy.slots.some((slots) => slots?.length === 2),
    'a score': campaigns.some(({ score }) => score !== null),
  };
  expect(Object.entries(shows).filter(([, shown]) => !shown)).toEqual([]);
});

it('the demo draws propensities from an attribute and from a table', () => {
  const files = readWorkspaceFolder(FOLDER);
  const campaigns = Object.entries(files).filter(([path]) => path.startsWith('campaigns/'));
  for (const line of [/^propensity: profile\./m, /^propensity: \{ model: /m, /^weight: /m])
    expect(campaigns.some(([, text]) => line.test(text))).toBe(true);
});
