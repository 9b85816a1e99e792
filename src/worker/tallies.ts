/** Adds up campaigns' counts over partitions and workers. */
import type { FeedbackCounts, GoalArm } from '../machine/aftermath/campaign-responses.ts';
import type { CampaignTally } from './messages.ts';

/** One tally per campaign, in the order of their ids. */
export function sumTallies(tallies: readonly CampaignTally[]): CampaignTally[] {
  const sums = new Map<string, CampaignTally>();
  for (const tally of tallies) {
    const sum = sums.get(tally.id);
    sums.set(tally.id, sum === undefined ? tally : addTallies(sum, tally));
  }
  return [...sums.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function addTallies(a: CampaignTally, b: CampaignTally): CampaignTally {
  return {
    id: a.id,
    matched: a.matched + b.matched,
    decided: addCounts(a.decided, b.decided),
    suppressed: addCounts(a.suppressed, b.suppressed),
    waiting: a.waiting + b.waiting,
    outrankedBy: addCounts(a.outrankedBy, b.outrankedBy),
    shadow: {
      decided: addCounts(a.shadow.decided, b.shadow.decided),
      displaced: addCounts(a.shadow.displaced, b.shadow.displaced),
    },
    skippedRuns: a.skippedRuns + b.skippedRuns,
    errors: a.errors + b.errors,
    valueErrors: a.valueErrors + b.valueErrors,
    messageErrors: a.messageErrors + b.messageErrors,
    followUps: {
      decided: addCounts(a.followUps.decided, b.followUps.decided),
      suppressed: addCounts(a.followUps.suppressed, b.followUps.suppressed),
    },
    feedback: addFeedback(a.feedback, b.feedback),
    goal: { treated: addArms(a.goal.treated, b.goal.treated), held: addArms(a.goal.held, b.goal.held) },
  };
}

function addCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}

function addFeedback(a: FeedbackCounts, b: FeedbackCounts): FeedbackCounts {
  const sum: Record<string, Record<string, Readonly<Record<string, number>>>> = {};
  for (const counts of [a, b]) {
    for (const [channel, variants] of Object.entries(counts)) {
      sum[channel] ??= {};
      const into = sum[channel];
      for (const [variant, outcomes] of Object.entries(variants))
        into[variant] = addCounts(into[variant] ?? {}, outcomes);
    }
  }
  return sum;
}

function addArms(a: GoalArm, b: GoalArm): GoalArm {
  return { exposed: a.exposed + b.exposed, converted: a.converted + b.converted };
}
