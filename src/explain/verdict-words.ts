/** What became of one campaign, in a sentence or two. */

import type { Decision } from '../protocol/decision.ts';
import type { CampaignVerdict, ExplainedStep } from '../protocol/explanation.ts';
import type { SuppressReason } from '../protocol/rejection.ts';
import { whyFalse } from './predicate-words.ts';
import { KEEP, ofText, shorten } from './quantities.ts';
import { stepText, stepTexts } from './step-words.ts';
import type { Wording } from './wording.ts';

const MESSAGE_LENGTH_MAX = 60;

/** Where the steps do not tell it with numbers. */
const REASONS: Readonly<Record<SuppressReason, string>> = {
  late: 'late: the event came too late to act on',
  expired: 'expired: the campaign or its offer was over, or had not begun',
  holdout: 'held out, to compare with',
  limit: "the campaign's limit is used up",
  budget: "the offer's budget is used up",
  offer: 'had this offer already',
  cooldown: 'cooldown: had this campaign a short while ago',
  excluded: 'excluded: had another of its kind a short while ago',
  consent: 'no consent to any of its channels',
  quiet_hours: 'quiet hours',
  gap: 'gap: had just heard from us',
  cap: 'cap: had heard enough from us',
  outranked: 'outranked: other campaigns won the moment',
  cancelled: 'cancelled: what it waited to miss came',
  superseded: 'superseded: it happened again, and the wait began anew',
  withdrawn: 'withdrawn: the campaign went away while it waited',
  shadow: 'in shadow: would have gone out',
  lapsed: 'lapsed: after the wait it was true no more',
  full: 'no room to wait',
};

/** By which steps a reason is told. */
const STEPS: Readonly<Record<SuppressReason, readonly ExplainedStep['step'][]>> = {
  late: ['late'],
  expired: ['validity'],
  holdout: ['holdout'],
  limit: ['units'],
  budget: ['units'],
  offer: ['offer'],
  cooldown: ['cooldown'],
  excluded: ['excluded'],
  consent: ['consent'],
  quiet_hours: ['quiet_hours'],
  gap: ['gap'],
  cap: ['cap', 'room'],
  outranked: ['rank', 'slot'],
  cancelled: ['ended'],
  superseded: ['ended'],
  withdrawn: ['ended'],
  shadow: ['shadow'],
  lapsed: ['ended'],
  full: ['full'],
};

/** The sentence in its parts, that which decided first. They are to be broken into lines, or `released` (quantities.ts): what belongs together is kept together. */
export function breakable(verdict: CampaignVerdict, wording: Wording): readonly string[] {
  switch (verdict.result) {
    case 'decided':
      return [
        decidedText(verdict),
        ...stepTexts(verdict.steps.filter(isNextChannel), wording),
        ...sinceText(verdict, wording),
      ];
    case 'waiting':
      return [waitingText(verdict, wording), ...sinceText(verdict, wording)];
    case 'suppressed':
      return [...lostText(verdict, wording), ...sinceText(verdict, wording)];
    case 'unmatched':
      return unmatchedText(verdict, wording);
  }
}

/** The result alone, where the steps are told one by one. */
export function headline(verdict: CampaignVerdict, wording: Wording): string {
  const { result, reason } = verdict;
  if (result === 'suppressed' && reason !== null) return [REASONS[reason], ...sinceText(verdict, wording)].join('; ');
  if (result === 'waiting') return ['waits', ...sinceText(verdict, wording)].join('; ');
  return result === 'unmatched' ? 'did not match' : [decidedText(verdict), ...sinceText(verdict, wording)].join('; ');
}

function decidedText(verdict: CampaignVerdict): string {
  return verdict.decision === null ? 'decided' : decisionText(verdict.decision) + wonText(verdict);
}

function decisionText({ channel, message, offer, variant, slot, id, follows }: Decision): string {
  const words = message === null ? '' : ` “${shorten(Object.values(message).join(' · '), MESSAGE_LENGTH_MAX)}”`;
  const more = [
    ...(offer === null ? [] : [`offer ${offer}`]),
    ...(variant === null ? [] : [`variant ${variant}`]),
    ...(slot === null ? [] : [`placement ${slot}`]),
    ...(follows === null ? [] : [`after ${follows}`]),
    `decision ${id}`,
  ];
  return `${channel}${words}, ${more.join(', ')}`;
}

function isNextChannel(step: ExplainedStep): boolean {
  return step.step === 'wait' && step.for === 'cascade';
}

/** Only where there was a contest. */
function wonText({ steps }: CampaignVerdict): string {
  const rank = steps.find((step) => step.step === 'rank');
  return rank === undefined || rank.of < 2 ? '' : `, place${KEEP}${ofText(rank.rank, rank.of)}`;
}

function waitingText({ steps }: CampaignVerdict, wording: Wording): string {
  const wait = steps.findLast((step) => step.step === 'wait');
  return wait === undefined ? 'waits' : stepText(wait, wording);
}

function lostText(verdict: CampaignVerdict, wording: Wording): readonly string[] {
  const { reason, steps, predicate } = verdict;
  if (reason === null) return ['lost'];
  const tells = ({ step }: ExplainedStep): boolean => STEPS[reason].includes(step);
  const lost = steps.filter((step) => !step.passed || (reason === 'shadow' && step.step === 'shadow'));
  const decisive = lost.filter(tells);
  const lapsed = reason === 'lapsed' && predicate !== null ? whyFalse(predicate, wording) : [];
  return [
    ...(decisive.length === 0 ? [REASONS[reason]] : stepTexts(decisive, wording)),
    ...lapsed,
    ...stepTexts(
      lost.filter((step) => !tells(step)),
      wording,
    ),
  ];
}

/** What it is about, where that is not this moment's event. */
function sinceText({ event, steps, decision }: CampaignVerdict, wording: Wording): readonly string[] {
  const follows = steps.find((step) => step.step === 'follow_up');
  // A decision says it itself.
  if (follows !== undefined)
    return decision === null ? [`for the next channel after decision ${follows.decision}`] : [];
  const waited = steps.some((step) => (step.step === 'wait' && step.passed) || step.step === 'ended');
  return waited && !wording.isOwn(event) ? [`waited since ${wording.event(event)}`] : [];
}

function unmatchedText({ predicate, steps }: CampaignVerdict, wording: Wording): readonly string[] {
  const failed = steps.filter((step) => !step.passed).map((step) => stepText(step, wording));
  const isFalse = predicate !== null && predicate.value !== true;
  const told = [...(isFalse ? whyFalse(predicate, wording) : []), ...failed];
  return told.length > 0 ? told : ['did not match'];
}
