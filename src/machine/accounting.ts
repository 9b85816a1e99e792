/**
 * The books. For every campaign, at all times: matched = decided + suppressed + waiting. Counts are kept by campaign
 * id, so that they go on when a version is published, and stay when a campaign is removed.
 *
 * Whoever counts what became of a match says which match it is, so that a trace hears of each at the one place where it
 * is counted, and of none twice.
 */
import { OUTRANKED_BY_MAX } from '../constants.ts';
import type { EventFrame } from '../protocol/frame.ts';
import { SuppressReason } from '../protocol/rejection.ts';
import { assert } from '../stdx/assert.ts';
import { CampaignResponses, type ResponseCounts } from './aftermath/campaign-responses.ts';

/** Index of a reason in CampaignAccount.suppressed; small integers on the hot path. */
export const SUPPRESS_REASONS: readonly SuppressReason[] = Object.values(SuppressReason);

export const Reason = {
  late: SUPPRESS_REASONS.indexOf('late'),
  expired: SUPPRESS_REASONS.indexOf('expired'),
  holdout: SUPPRESS_REASONS.indexOf('holdout'),
  limit: SUPPRESS_REASONS.indexOf('limit'),
  budget: SUPPRESS_REASONS.indexOf('budget'),
  offer: SUPPRESS_REASONS.indexOf('offer'),
  cooldown: SUPPRESS_REASONS.indexOf('cooldown'),
  excluded: SUPPRESS_REASONS.indexOf('excluded'),
  consent: SUPPRESS_REASONS.indexOf('consent'),
  quietHours: SUPPRESS_REASONS.indexOf('quiet_hours'),
  gap: SUPPRESS_REASONS.indexOf('gap'),
  cap: SUPPRESS_REASONS.indexOf('cap'),
  outranked: SUPPRESS_REASONS.indexOf('outranked'),
  cancelled: SUPPRESS_REASONS.indexOf('cancelled'),
  superseded: SUPPRESS_REASONS.indexOf('superseded'),
  withdrawn: SUPPRESS_REASONS.indexOf('withdrawn'),
  lapsed: SUPPRESS_REASONS.indexOf('lapsed'),
  full: SUPPRESS_REASONS.indexOf('full'),
  shadow: SUPPRESS_REASONS.indexOf('shadow'),
} as const;

/** What a match is about: who, and which event. Read by a trace only: it may cost something. */
export interface MatchOrigin {
  frame(): Readonly<Pick<EventFrame, 'customer' | 'id' | 'typeName' | 'ts'>>;
}

export type BookedResult = 'decided' | SuppressReason;

/** Hears what was just written into an account. `winners`: of who was outranked, those who won instead, the last one last. `decision`: its number, 0: none. */
export interface BooksListener {
  booked(
    account: CampaignAccount,
    result: BookedResult,
    origin: MatchOrigin,
    now: number,
    winners: readonly string[],
    decision: number,
  ): void;
  /** A match begins to wait: what kind of entry holds it, and when that falls due. */
  began(account: CampaignAccount, origin: MatchOrigin, now: number, kind: number, dueMs: number): void;
  /** The next channel of a decision waits for its turn, which is due then; it is in no books. */
  beganFollowUp(dueMs: number): void;
  /** It will have none: its wait ends early. */
  endedFollowUp(reason: SuppressReason, origin: MatchOrigin, now: number): void;
}

/** Campaigns beyond OUTRANKED_BY_MAX are counted together under this name. */
const OTHERS = '_other';
/** Winners, where nobody was outranked. */
export const NOBODY: readonly string[] = [];

export class CampaignAccount {
  readonly id: string;
  /** Times that the predicate held. */
  matched = 0;
  /** By channel name. */
  readonly decided = new Map<string, number>();
  /** By index into SUPPRESS_REASONS. */
  readonly suppressed = new Float64Array(SUPPRESS_REASONS.length);
  /** Matches that wait: for a time, the end of quiet hours, or units. Pending entries of the kinds cascade, goal and expiry are none. */
  waiting = 0;
  /** Matches suppressed as `outranked`, by the campaign that won in their place. */
  readonly outrankedBy = new Map<string, number>();
  /** Of matches suppressed as `shadow`: by channel name, and by live campaign whose place it would have taken. */
  readonly shadowDecided = new Map<string, number>();
  readonly shadowDisplaced = new Map<string, number>();
  /** Due times that passed without a run, because a later one had passed too. */
  skippedRuns = 0;
  /** Evaluations of the predicate that ended in an error: false, and counted here. */
  errors = 0;
  /** Evaluations of `value` and of the score that ended in an error or in no finite number: 0. */
  valueErrors = 0;
  /** Messages that could not be rendered: sent as null. */
  messageErrors = 0;
  readonly responses = new CampaignResponses();
  readonly #listener: BooksListener | null;

  constructor(id: string, listener: BooksListener | null) {
    this.id = id;
    this.#listener = listener;
  }

  /** `now` is log time, here and below. */
  suppress(reason: number, origin: MatchOrigin, now: number): void {
    this.#suppress(reason, origin, now, NOBODY);
  }

  /** `number` is the decision's. */
  decide(channel: string, origin: MatchOrigin, now: number, number: number): void {
    this.decided.set(channel, (this.decided.get(channel) ?? 0) + 1);
    this.#listener?.booked(this, 'decided', origin, now, NOBODY, number);
  }

  /** A match begins to wait, in an entry of this kind that falls due then. */
  beginWait(origin: MatchOrigin, now: number, kind: number, dueMs: number): void {
    this.waiting++;
    this.#listener?.began(this, origin, now, kind, dueMs);
  }

  /** It does not wait any longer: what became of it is counted next. */
  endWait(): void {
    this.waiting--;
    assert(this.waiting >= 0, 'more left than waited');
  }

  /** `winners` are ids, of whom the last is counted; none: it would have lost without any. */
  outrank(winners: readonly string[], origin: MatchOrigin, now: number): void {
    this.#suppress(Reason.outranked, origin, now, winners);
    const last = winners.at(-1);
    if (last !== undefined) countFew(this.outrankedBy, last);
  }

  #suppress(reason: number, origin: MatchOrigin, now: number, winners: readonly string[]): void {
    this.suppressed[reason] = (this.suppressed[reason] as number) + 1;
    this.#listener?.booked(this, SUPPRESS_REASONS[reason] as SuppressReason, origin, now, winners, 0);
  }

  /** It is in shadow, and would have been decided on this channel; each of these live campaigns would have lost its place by it. */
  shadow(channel: string, displaced: readonly string[], origin: MatchOrigin, now: number): void {
    this.shadowDecided.set(channel, (this.shadowDecided.get(channel) ?? 0) + 1);
    for (const campaign of displaced) countFew(this.shadowDisplaced, campaign);
    this.suppress(Reason.shadow, origin, now);
  }

  /** A follow-up is no match: who listens hears of its wait, nothing is counted. */
  beginFollowUp(dueMs: number): void {
    this.#listener?.beganFollowUp(dueMs);
  }
  endFollowUp(reason: number, origin: MatchOrigin, now: number): void {
    this.#listener?.endedFollowUp(SUPPRESS_REASONS[reason] as SuppressReason, origin, now);
  }

  assertBalanced(): void {
    let sum = this.waiting;
    for (const count of this.decided.values()) sum += count;
    for (const count of this.suppressed) sum += count;
    assert(
      sum === this.matched,
      `campaign ${this.id}: matched ${this.matched}, but decided + suppressed + waiting = ${sum}`,
    );
  }

  row(status: string): CampaignRow {
    const suppressed: Record<string, number> = {};
    this.suppressed.forEach((count, index) => {
      if (count > 0) suppressed[SUPPRESS_REASONS[index] as string] = count;
    });
    return {
      id: this.id,
      status,
      matched: this.matched,
      decided: Object.fromEntries([...this.decided].sort(byName)),
      suppressed,
      waiting: this.waiting,
      outrankedBy: Object.fromEntries([...this.outrankedBy].sort(byName)),
      shadow: {
        decided: Object.fromEntries([...this.shadowDecided].sort(byName)),
        displaced: Object.fromEntries([...this.shadowDisplaced].sort(byName)),
      },
      skippedRuns: this.skippedRuns,
      errors: this.errors,
      valueErrors: this.valueErrors,
      messageErrors: this.messageErrors,
      ...this.responses.counts(),
    };
  }
}

/**
 * What users see of a campaign's counts. `status` is that of the active version, `removed` for a campaign that it does
 * not have.
 */
export interface CampaignRow extends ResponseCounts {
  readonly id: string;
  readonly status: string;
  readonly matched: number;
  readonly decided: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly waiting: number;
  readonly outrankedBy: Readonly<Record<string, number>>;
  readonly shadow: ShadowCounts;
  readonly skippedRuns: number;
  readonly errors: number;
  readonly valueErrors: number;
  readonly messageErrors: number;
}

/** What a campaign would have done while it was in shadow. */
export interface ShadowCounts {
  /** Decisions, by channel. */
  readonly decided: Readonly<Record<string, number>>;
  /** Decisions of live campaigns that would not have been made for its sake, by campaign. */
  readonly displaced: Readonly<Record<string, number>>;
}

export const REMOVED_STATUS = 'removed';

export class Accounting {
  readonly #accounts = new Map<string, CampaignAccount>();
  /** Of all accounts; set before there is any. */
  listener: BooksListener | null = null;

  find(id: string): CampaignAccount | undefined {
    return this.#accounts.get(id);
  }

  /** Of a campaign that may be new: not in the books before `adopt`. */
  accountFor(id: string): CampaignAccount {
    return this.#accounts.get(id) ?? new CampaignAccount(id, this.listener);
  }

  /** Opens the accounts of a version's campaigns. */
  adopt(accounts: readonly CampaignAccount[]): void {
    for (const account of accounts) this.#accounts.set(account.id, account);
  }

  /** One row per campaign that ever was, in the order of their ids; asserts that each balances. */
  rows(statusOf: (id: string) => string | undefined): CampaignRow[] {
    const accounts = [...this.#accounts.values()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    return accounts.map((account) => {
      account.assertBalanced();
      return account.row(statusOf(account.id) ?? REMOVED_STATUS);
    });
  }

  /** Replaces everything by what `rows` gave. */
  restore(rows: readonly CampaignRow[]): void {
    this.#accounts.clear();
    for (const row of rows) {
      const account = new CampaignAccount(row.id, this.listener);
      account.matched = row.matched;
      for (const [channel, count] of Object.entries(row.decided)) account.decided.set(channel, count);
      for (const [reason, count] of Object.entries(row.suppressed)) {
        const index = SUPPRESS_REASONS.indexOf(reason as SuppressReason);
        assert(index >= 0, `campaign ${row.id}: unknown reason ${reason} in its counts`);
        account.suppressed[index] = count;
      }
      account.waiting = row.waiting;
      for (const [winner, count] of Object.entries(row.outrankedBy)) account.outrankedBy.set(winner, count);
      for (const [channel, count] of Object.entries(row.shadow.decided)) account.shadowDecided.set(channel, count);
      for (const [other, count] of Object.entries(row.shadow.displaced)) account.shadowDisplaced.set(other, count);
      account.skippedRuns = row.skippedRuns;
      account.errors = row.errors;
      account.valueErrors = row.valueErrors;
      account.messageErrors = row.messageErrors;
      account.responses.restore(row);
      account.assertBalanced();
      this.#accounts.set(row.id, account);
    }
  }
}

function countFew(counts: Map<string, number>, campaign: string): void {
  const name = counts.has(campaign) || counts.size < OUTRANKED_BY_MAX ? campaign : OTHERS;
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function byName(a: readonly [string, number], b: readonly [string, number]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
