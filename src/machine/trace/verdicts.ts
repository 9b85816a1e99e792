/**
 * The verdicts of one moment while they are being found. One is found again by its campaign and by what it is about: the trigger, or the number of the entry that waited. It
 * ends once, and what is told of it after that is not part of it.
 */
import type { Decision } from '../../protocol/decision.ts';
import type { CampaignVerdict, ExplainedExpression, ExplainedStep } from '../../protocol/explanation.ts';
import type { SuppressReason } from '../../protocol/rejection.ts';
import { assert } from '../../stdx/assert.ts';
import type { MatchOrigin } from '../accounting.ts';
import { WaitOrigin } from '../time/pending-waits.ts';

export interface OpenVerdict {
  readonly campaign: string;
  readonly status: string;
  readonly event: CampaignVerdict['event'];
  /** What it is about; null: the moment's own event or due time. */
  readonly origin: MatchOrigin | null;
  /** Of the entry that waited; 0: none. */
  readonly entry: number;
  predicate: ExplainedExpression | null;
  steps: ExplainedStep[];
  /** null: it is not over. */
  result: CampaignVerdict['result'] | null;
  reason: SuppressReason | null;
  decision: Decision | null;
}

type Subject = Pick<OpenVerdict, 'campaign' | 'status' | 'event' | 'origin' | 'entry'>;

export class Verdicts {
  readonly #opened: OpenVerdict[] = [];
  readonly #ended: OpenVerdict[] = [];

  open(subject: Subject): OpenVerdict {
    const verdict: OpenVerdict = {
      ...subject,
      ...{ predicate: null, steps: [], result: null, reason: null, decision: null },
    };
    this.#opened.push(verdict);
    return verdict;
  }

  /** One that is not over; null: there is none. */
  find(campaign: string, origin: MatchOrigin): OpenVerdict | null {
    const number = origin instanceof WaitOrigin ? origin.entry.number : 0;
    const isIt = (verdict: OpenVerdict): boolean =>
      verdict.campaign === campaign &&
      (number > 0 ? verdict.entry === number : verdict.origin === null || verdict.origin === origin);
    return this.undecided.find(isIt) ?? null;
  }

  /** Those that are not over. */
  get undecided(): OpenVerdict[] {
    return this.#opened.filter(({ result }) => result === null);
  }

  end(verdict: OpenVerdict | null, result: CampaignVerdict['result'], reason: SuppressReason | null = null): void {
    assert(verdict !== null && verdict.result === null, 'whoever is counted was asked, and is counted once');
    verdict.result = result;
    verdict.reason = reason;
    this.#ended.push(verdict);
  }

  /** All, which are over: by campaign, those of one in the order in which they ended. */
  finish(): CampaignVerdict[] {
    assert(this.#ended.length === this.#opened.length, 'every verdict has an end');
    const verdicts = this.#ended.map((verdict): CampaignVerdict => {
      const { campaign, status, result, reason, event, predicate, steps, decision } = verdict;
      assert(result !== null, 'it is over');
      return { campaign, status, result, reason, event, predicate, steps, decision };
    });
    return verdicts.sort((a, b) => (a.campaign < b.campaign ? -1 : a.campaign > b.campaign ? 1 : 0));
  }
}
