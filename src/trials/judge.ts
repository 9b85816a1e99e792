/** Does what came of a step do justice to what is expected of it? null, or both in words. */
import type { Outcome } from '../machine/trace/trace.ts';
import type { Decision } from '../protocol/decision.ts';
import type { CampaignVerdict } from '../protocol/explanation.ts';
import type { StepCourse, ToldMoment } from './run-trial.ts';
import type { ExpectedDecision, TrialCheck } from './trial.ts';
import type { TrialClock } from './trial-time.ts';

/** Each a few lines, in the words of the test. */
export interface Mismatch {
  readonly expected: readonly string[];
  readonly came: readonly string[];
  /** Campaigns of which it is to be told why. */
  readonly campaigns: readonly string[];
}

export interface ToldVerdict extends ToldMoment {
  readonly verdict: CampaignVerdict;
}

/** Values are doubles that went through sums: the last digits are not what people write. */
const VALUE_TOLERANCE = 1e-9;

const PARTS = ['customer', 'channel', 'variant', 'offer', 'slot', 'value', 'expires', 'at'] as const;
type Part = (typeof PARTS)[number];

/** `campaigns`: as Trial.campaigns. */
export function judge(
  check: TrialCheck,
  course: StepCourse,
  campaigns: ReadonlySet<string>,
  clock: TrialClock,
): Mismatch | null {
  switch (check.kind) {
    case 'decided':
      return judgeDecided(check, lookedAt(course, campaigns), clock);
    case 'suppressed':
      return judgeSuppressed(check, course, clock);
    case 'waiting':
      return judgeWaiting(check, course, clock);
    case 'unmatched':
      return judgeUnmatched(check, course, clock);
    case 'nothing':
      return judgeNothing(check, lookedAt(course, campaigns), clock);
  }
}

function lookedAt(course: StepCourse, campaigns: ReadonlySet<string>): StepCourse {
  const { decisions, outcomes } = course;
  return {
    ...course,
    decisions: decisions.filter(({ campaign }) => campaigns.has(campaign)),
    outcomes: outcomes.filter(({ campaign }) => campaigns.has(campaign)),
  };
}

function judgeDecided(
  check: Extract<TrialCheck, { kind: 'decided' }>,
  course: StepCourse,
  clock: TrialClock,
): Mismatch | null {
  const expected = check.decisions;
  const came = decisionsOf(check, course);
  const differ = (i: number): boolean => {
    const [wanted, decision] = [expected[i], came[i]];
    return wanted === undefined || decision === undefined || !agrees(wanted, decision, clock);
  };
  const count = Math.max(expected.length, came.length);
  const places = Array.from({ length: count }, (_, i) => i).filter(differ);
  if (places.length === 0) return null;
  const shown = came.map((decision, i) => {
    const { campaign } = decision;
    const wanted = expected[i]?.campaign === campaign ? expected[i] : expected.find((one) => one.campaign === campaign);
    const words = decisionWords(decision, wanted, clock);
    return wanted === undefined && expected.length > 0 ? `${words}: not expected` : words;
  });
  const lost = expected.map(({ campaign }) => campaign).filter((id) => came.every(({ campaign }) => campaign !== id));
  const named = places.flatMap((i) => [expected[i]?.campaign, came[i]?.campaign]);
  return {
    expected: expected.length === 0 ? ['no decision'] : expected.map((wanted) => expectedWords(wanted, clock)),
    came: [
      ...(shown.length === 0 ? ['no decision'] : shown),
      ...distinct(lost).map((id) => courseOf(check, id, course, clock)),
    ],
    campaigns: distinct(named.filter((id) => id !== undefined)),
  };
}

/** What a follow-up of a cascade lost by is in no book: it is told where moments are. */
function judgeSuppressed(
  check: Extract<TrialCheck, { kind: 'suppressed' }>,
  course: StepCourse,
  clock: TrialClock,
): Mismatch | null {
  const { campaign, reasons } = check;
  const results = outcomesOf(check, campaign, course).map(({ result }) => result);
  const told = verdictsOf(check, campaign, course).map(({ verdict }) => verdict.reason);
  const missing = reasons.filter((reason) => !results.includes(reason) && !told.includes(reason));
  if (missing.length === 0) return null;
  return {
    expected: [`${campaign} suppressed: ${reasons.join(', ')}`],
    came: [courseOf(check, campaign, course, clock)],
    campaigns: [campaign],
  };
}

function judgeWaiting(
  check: Extract<TrialCheck, { kind: 'waiting' | 'unmatched' }>,
  course: StepCourse,
  clock: TrialClock,
): Mismatch | null {
  const { campaign } = check;
  const waiting = course.waiting.get(campaign) ?? [];
  if (waiting.some(({ customer }) => concerns(check, customer))) return null;
  return {
    expected: [`${campaign} waiting`],
    came: [courseOf(check, campaign, course, clock)],
    campaigns: [campaign],
  };
}

function judgeUnmatched(
  check: Extract<TrialCheck, { kind: 'waiting' | 'unmatched' }>,
  course: StepCourse,
  clock: TrialClock,
): Mismatch | null {
  const { campaign } = check;
  if (outcomesOf(check, campaign, course).length === 0) return null;
  return {
    expected: [`${campaign} unmatched`],
    came: [courseOf(check, campaign, course, clock)],
    campaigns: [campaign],
  };
}

function judgeNothing(check: TrialCheck, course: StepCourse, clock: TrialClock): Mismatch | null {
  const outcomes = course.outcomes.filter(({ customer }) => concerns(check, customer === '' ? null : customer));
  const decisions = decisionsOf(check, course);
  const campaigns = distinct([...outcomes, ...decisions].map(({ campaign }) => campaign));
  if (campaigns.length === 0) return null;
  return {
    expected: ['nothing'],
    came: campaigns.map((campaign) => courseOf(check, campaign, course, clock)),
    campaigns,
  };
}

/** What became of a campaign in this step: every result in its order, and that it waits. */
function courseOf(check: TrialCheck, campaign: string, course: StepCourse, clock: TrialClock): string {
  const wait = (course.waiting.get(campaign) ?? []).find(({ customer }) => concerns(check, customer));
  const until = wait === undefined || wait.until === null ? '' : ` until ${clock.format(Date.parse(wait.until))}`;
  const results = outcomesOf(check, campaign, course).map(({ result, winners }) =>
    result === 'decided' || result === 'waiting'
      ? result
      : `suppressed: ${result}${winners.length === 0 ? '' : ` by ${winners.at(-1)}`}`,
  );
  const followUps = decisionsOf(check, course).filter((made) => made.campaign === campaign && made.follows !== null);
  for (const { channel } of followUps) results.push(`went on by ${channel}`);
  for (const { verdict } of verdictsOf(check, campaign, course))
    if (verdict.result === 'suppressed' && verdict.steps.some(({ step }) => step === 'follow_up'))
      results.push(`suppressed on the next channel: ${verdict.reason}`);
  if (results.length === 0) {
    if (wait !== undefined) return `${campaign} waits${until}`;
    const isUnmatched = verdictsOf(check, campaign, course).some(({ verdict }) => verdict.result === 'unmatched');
    return isUnmatched ? `${campaign} did not match` : `nothing came of ${campaign}`;
  }
  // The last of them is where it stands now.
  return `${campaign} ${results.join(', then ')}${results.at(-1) === 'waiting' ? until : ''}`;
}

export function decisionsOf(check: TrialCheck, { decisions }: StepCourse): readonly Decision[] {
  return decisions.filter(({ customer }) => concerns(check, customer));
}

export function outcomesOf(check: TrialCheck, campaign: string, { outcomes }: StepCourse): readonly Outcome[] {
  return outcomes.filter(
    (outcome) => outcome.campaign === campaign && concerns(check, outcome.customer === '' ? null : outcome.customer),
  );
}

/** What explanations say of a campaign, in the order of time for each customer. */
export function verdictsOf(check: TrialCheck, campaign: string, { moments }: StepCourse): ToldVerdict[] {
  return moments
    .filter(({ customer }) => concerns(check, customer))
    .flatMap(({ customer, moment }) =>
      moment.campaigns
        .filter((verdict) => verdict.campaign === campaign)
        .map((verdict) => ({ customer, moment, verdict })),
    );
}

function concerns({ customer }: TrialCheck, who: string | null): boolean {
  return customer === undefined || customer === who;
}

function agrees(wanted: ExpectedDecision, decision: Decision, clock: TrialClock): boolean {
  return wanted.campaign === decision.campaign && differences(wanted, decision, clock).length === 0;
}

/** `channel push` for each part that is not as it is wanted. */
function differences(wanted: ExpectedDecision, decision: Decision, clock: TrialClock): string[] {
  const parts = PARTS.filter((part) => wanted[part] !== undefined && !same(wanted[part], actual(part, decision)));
  const words = parts.map((part) => partWords(part, actual(part, decision), clock));
  const { message } = wanted;
  if (message === null && decision.message !== null) words.push(messageWords(decision.message).join(', '));
  if (message === undefined || message === null) return words;
  const fields = Object.keys(message).filter((name) => message[name] !== decision.message?.[name]);
  const given = Object.fromEntries(fields.map((name) => [name, decision.message?.[name] ?? null]));
  return [...words, ...messageWords(given)];
}

function same(wanted: string | number | null | undefined, came: string | number | null): boolean {
  if (typeof wanted === 'number' && typeof came === 'number')
    return Math.abs(wanted - came) <= VALUE_TOLERANCE * Math.max(1, Math.abs(wanted));
  return wanted === came;
}

function actual(part: Part, decision: Decision): string | number | null {
  if (part === 'at') return Date.parse(decision.ts);
  if (part === 'expires') return decision.expires === null ? null : Date.parse(decision.expires);
  return decision[part];
}

function partWords(part: Part, value: string | number | null, clock: TrialClock): string {
  const isTime = (part === 'at' || part === 'expires') && typeof value === 'number';
  const text = isTime ? clock.format(value) : String(value);
  if (part === 'customer') return value === null ? 'anonymous' : `for ${text}`;
  if (part === 'channel') return `by ${text}`;
  return value === null ? `no ${part}` : `${part} ${text}`;
}

function messageWords(message: Readonly<Record<string, string | null>>): string[] {
  return Object.keys(message).map((name) => {
    const text = message[name] ?? null;
    return text === null ? `no ${name}` : `${name} ${JSON.stringify(text)}`;
  });
}

function expectedWords(wanted: ExpectedDecision, clock: TrialClock): string {
  const parts = PARTS.filter((part) => wanted[part] !== undefined).map((part) =>
    partWords(part, wanted[part] ?? null, clock),
  );
  const message =
    wanted.message === undefined ? [] : wanted.message === null ? ['no message'] : messageWords(wanted.message);
  return [wanted.campaign, ...parts, ...message].join(', ').replace(', by', ' by');
}

/** A decision that came, by what is asked of it; where nothing is, by its channel. */
function decisionWords(decision: Decision, wanted: ExpectedDecision | undefined, clock: TrialClock): string {
  const wrong = wanted === undefined ? [] : differences(wanted, decision, clock);
  const words = wrong.length > 0 ? wrong : [partWords('channel', decision.channel, clock)];
  return [decision.campaign, ...words].join(', ').replace(', by', ' by');
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
