/** Why it came otherwise than expected, in lines: what explanations say of the campaigns in question, and what is peculiar to tests. */
import { LocalTime } from '../explain/local-time.ts';
import { MARKS, markOf } from '../explain/style.ts';
import { breakable } from '../explain/verdict-words.ts';
import { Wording } from '../explain/wording.ts';
import type { Campaign } from '../workspace/workspace.ts';
import { notHeldOutInstead, notHeldOutWords, variantWords } from './draws.ts';
import { decisionsOf, type Mismatch, outcomesOf, verdictsOf } from './judge.ts';
import type { StepCourse } from './run-trial.ts';
import type { TrialCheck, TrialStep } from './trial.ts';
import type { TrialScope } from './trial-scope.ts';

/** Schedules go by the customers that the engine knows; a name alone in `given` makes nobody known. */
const SCHEDULE_ASKED_NOBODY =
  'its schedule was not due in this step, or knew no customer yet (one of `given` needs attributes, consent or an event)';

export class Reasons {
  readonly #scope: TrialScope;
  readonly #time: LocalTime;

  constructor(scope: TrialScope) {
    this.#scope = scope;
    this.#time = new LocalTime(scope.workspace.timezone);
  }

  of(check: TrialCheck, { campaigns }: Mismatch, step: TrialStep, came: StepCourse): string[] {
    return campaigns.flatMap((id) => {
      const campaign = this.#scope.campaign(id);
      return campaign === undefined ? [] : this.#ofCampaign(campaign, check, step, came);
    });
  }

  #ofCampaign(campaign: Campaign, check: TrialCheck, step: TrialStep, came: StepCourse): string[] {
    const { id } = campaign;
    const lines = this.#verdictWords(check, id, step, came);
    const held = outcomesOf(check, id, came).filter(({ result }) => result === 'holdout');
    for (const customer of new Set(held.map((outcome) => outcome.customer))) {
      const words = notHeldOutInstead(campaign, customer, this.#scope.workspace);
      if (words !== null) lines.push(words);
    }
    lines.push(...this.#variantWords(campaign, check, came), ...this.#notHeldOutWords(campaign, check, came));
    const known = outcomesOf(check, id, came).length > 0 || (came.waiting.get(id) ?? []).length > 0;
    if (lines.length === 0 && !known) lines.push(...this.#notAsked(campaign, step));
    return lines;
  }

  /** What explanations say of it, moment by moment. */
  #verdictWords(check: TrialCheck, id: string, { atMs }: TrialStep, came: StepCourse): string[] {
    const told = verdictsOf(check, id, came);
    const several = new Set(told.map(({ customer }) => customer)).size > 1;
    return told.flatMap(({ customer, moment, verdict }) => {
      const who = several ? ` for ${customer ?? 'somebody anonymous'}` : '';
      const isEarlier = Date.parse(moment.at) !== atMs;
      const when = isEarlier ? ` at ${this.#time.near(moment.at, new Date(atMs).toISOString())}` : '';
      const [first = '', ...rest] = breakable(verdict, new Wording(this.#time, moment));
      return [`${MARKS[markOf(verdict)].sign} ${id}${who}${when}: ${first}`, ...rest.map((line) => `  ${line}`)];
    });
  }

  /** The draw of every decision whose variant is not the one expected. */
  #variantWords(campaign: Campaign, check: TrialCheck, came: StepCourse): string[] {
    if (check.kind !== 'decided') return [];
    const made = decisionsOf(check, came).filter((decision) => decision.campaign === campaign.id);
    const wanted = check.decisions.filter((decision) => decision.campaign === campaign.id);
    return wanted.flatMap(({ variant }, i) => {
      const decision = made[i];
      if (typeof variant !== 'string' || decision === undefined || decision.customer === null) return [];
      if (decision.variant === variant) return [];
      return [variantWords(campaign, decision.customer, variant, this.#scope.workspace)];
    });
  }

  /** Where a holdout was expected, and somebody got something else. */
  #notHeldOutWords(campaign: Campaign, check: TrialCheck, came: StepCourse): string[] {
    if (check.kind !== 'suppressed' || !check.reasons.includes('holdout')) return [];
    const customers = outcomesOf(check, campaign.id, came).flatMap(({ customer, result }) =>
      customer === '' || result === 'holdout' ? [] : [customer],
    );
    return [...new Set(customers)].map((customer) => notHeldOutWords(campaign, customer, this.#scope.workspace));
  }

  /** Nobody asked it in this step. */
  #notAsked(campaign: Campaign, { event }: TrialStep): string[] {
    const listensFor = this.#scope.eventTypeOf(campaign);
    if (listensFor === null) return [`${campaign.id} was not asked: ${SCHEDULE_ASKED_NOBODY}`];
    if (event?.type === listensFor) return [];
    const brought = event === null ? 'no event' : event.type;
    return [`${campaign.id} was not asked: it listens for ${listensFor}, and the step brings ${brought}`];
  }
}
