/** Counts of what came after decisions: restored as they were, and summed over partitions. */
import { expect, test } from 'vitest';
import { CampaignResponses, NO_RESPONSES } from '../../../src/machine/aftermath/campaign-responses.ts';
import { atLeast, ContactFlag } from '../../../src/machine/decide/contact-flags.ts';
import { sumTallies } from '../../../src/worker/tallies.ts';

function filled(): CampaignResponses {
  const responses = new CampaignResponses();
  responses.addFeedback('push', 'b', 'opened');
  responses.addFeedback('push', 'a', 'opened');
  responses.addFeedback('push', 'a', 'opened');
  responses.addFeedback('email', '', 'failed');
  responses.followUp('sms');
  responses.suppressFollowUp('cap');
  responses.treated.exposed = 3;
  responses.treated.converted = 1;
  responses.held.exposed = 2;
  return responses;
}

const COUNTS = {
  followUps: { decided: { sms: 1 }, suppressed: { cap: 1 } },
  feedback: { email: { '': { failed: 1 } }, push: { a: { opened: 2 }, b: { opened: 1 } } },
  goal: { treated: { exposed: 3, converted: 1 }, held: { exposed: 2, converted: 0 } },
};

test('nothing is what a campaign begins with', () => {
  expect(new CampaignResponses().counts()).toEqual(NO_RESPONSES);
});

test('counts are restored as they were, in the same order', () => {
  const counts = filled().counts();
  expect(counts).toEqual(COUNTS);
  const restored = new CampaignResponses();
  restored.restore(JSON.parse(JSON.stringify(counts)));
  expect(JSON.stringify(restored.counts())).toBe(JSON.stringify(counts));
});

test('partitions are summed', () => {
  const zeros = {
    matched: 0,
    decided: {},
    suppressed: {},
    waiting: 0,
    outrankedBy: {},
    shadow: { decided: { push: 1 }, displaced: { b: 2 } },
    skippedRuns: 0,
    errors: 0,
    valueErrors: 0,
    messageErrors: 0,
  };
  const tally = { id: 'a', ...zeros, ...COUNTS };
  expect(sumTallies([tally, tally])).toMatchObject([
    {
      followUps: { decided: { sms: 2 }, suppressed: { cap: 2 } },
      feedback: { email: { '': { failed: 2 } }, push: { a: { opened: 4 }, b: { opened: 2 } } },
      goal: { treated: { exposed: 6, converted: 2 }, held: { exposed: 4, converted: 0 } },
      shadow: { decided: { push: 2 }, displaced: { b: 4 } },
    },
  ]);
});

test('an outcome covers the stronger ones', () => {
  const { delivered, opened, clicked, converted } = ContactFlag;
  expect(atLeast('delivered')).toBe(delivered | opened | clicked | converted);
  expect(atLeast('clicked')).toBe(clicked | converted);
  expect(atLeast('converted')).toBe(converted);
});
