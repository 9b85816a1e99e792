/**
 * A backtest: history decided once more as it was (`before`), and by another workspace (`after`). What `POST /v1/backtests` takes and `GET /v1/backtests/{id}` answers, and
 * what `beckon replay --workspace` prints. Times are RFC 3339 in UTC with milliseconds.
 */
import type { SuppressReason } from './rejection.ts';

export interface BacktestRequest {
  /** The workspace: path within its folder → text. */
  readonly files: Readonly<Record<string, string>>;
  /** Log time, epoch ms: the workspace decides from here on; null: from the beginning of what is kept. */
  readonly fromMs: number | null;
  /** Log time, epoch ms, not included; null: to the end. */
  readonly toMs: number | null;
  /** Campaigns that are taken as live, whatever their status. */
  readonly live: readonly string[];
}

export interface BacktestStatus {
  readonly id: string;
  readonly status: 'running' | 'done' | 'failed' | 'cancelled';
  /** From 0 to 1. */
  readonly progress: number;
  readonly started: string;
  /** null: it is running. */
  readonly ended: string | null;
  /** Why it failed; null: it did not. */
  readonly error: string | null;
  /** null unless it is done. */
  readonly report: BacktestReport | null;
}

/** Of something, in both worlds. */
export interface BeforeAfter<Value = number> {
  readonly before: Value;
  readonly after: Value;
}

export interface BacktestReport {
  /** Log times between which both worlds were compared; null: nothing happened. */
  readonly from: string | null;
  readonly to: string | null;
  /** Where retained history begins; null: with the first record. */
  readonly historyFrom: string | null;
  readonly timezone: string;
  /** Those that were replayed to get to `from` are not among these three. */
  readonly records: number;
  readonly events: number;
  /** Accepted in one world and not in the other, if any: schemas differ. */
  readonly accepted: BeforeAfter;
  readonly seconds: number;
  /** Of everything that was replayed, each event counted once though it is decided on twice. */
  readonly eventsPerSecond: number;
  /** Decisions, follow-ups of cascades among them. */
  readonly decisions: BeforeAfter & Comparison;
  /** By channel name, in the order of the workspace. */
  readonly channels: Readonly<Record<string, BeforeAfter>>;
  /** By id; campaigns that matched nothing in either world are left out. */
  readonly campaigns: readonly CampaignComparison[];
  /** One for each offer with a budget and each campaign with limits, in either world. */
  readonly units: readonly UnitsCourse[];
  /** What whoever reads the numbers must know. */
  readonly notes: readonly string[];
}

/** before = kept + changed + lost; after = kept + changed + gained. */
export interface Comparison {
  /** The same but for its id and its workspace's version. */
  readonly kept: number;
  /** Made in both worlds for the same event of the same customer, and not the same. */
  readonly changed: number;
  readonly gained: number;
  readonly lost: number;
}

/** What of a decision is compared. */
export type ChangedField = 'channel' | 'time' | 'variant' | 'offer' | 'message' | 'value' | 'expires' | 'slot';

/**
 * Why a decision was lost: what became of its match in the other world. `unmatched`: it was no candidate there (its predicate did not hold, or the campaign is not live). `waiting`: it
 * waits, when history ends. `follow_up`: a follow-up of a cascade whose turn did not come.
 */
export type LostReason = SuppressReason | 'unmatched' | 'waiting' | 'follow_up';

export interface CampaignComparison extends Comparison {
  readonly campaign: string;
  /** null: there is none of this id. */
  readonly status: BeforeAfter<string | null>;
  readonly matched: BeforeAfter;
  readonly decisions: BeforeAfter;
  readonly channels: Readonly<Record<string, BeforeAfter>>;
  /** Matches that were suppressed, by reason. */
  readonly suppressed: BeforeAfter<Readonly<Record<string, number>>>;
  /** Matches that wait when history ends. */
  readonly waiting: BeforeAfter;
  /** Of changed ones, how many differ in what. */
  readonly changes: Readonly<Partial<Record<ChangedField, number>>>;
  readonly lostBy: Readonly<Partial<Record<LostReason, number>>>;
  /**
   * Of lost ones: by whom. `outranked`: by the highest of those that win in its round and did not win there before. Under a cap, gap or exclusion: by the latest contact that was not made
   * before, where every such rule that was full on the channel of the lost decision would have had room but for contacts of that kind. Nobody else is named. Who is may be there only because of
   * something else that was lost or gained.
   */
  readonly displacedBy: Readonly<Record<string, number>>;
}

/** Units of an offer's budget or of a campaign's limits. In use are those taken (`used`) less those that came back (`returned`), beside what was in use when it began. */
export interface UnitsCourse {
  readonly of: 'offer' | 'campaign';
  readonly id: string;
  /** As they are when history ends; null: there is none. An offer's budget is its total. */
  readonly total: BeforeAfter<number | null>;
  readonly perDay: BeforeAfter<number | null>;
  /** Decisions that took one. */
  readonly used: BeforeAfter;
  /**
   * Those that came back, on the day on which they did: delivery failed, or the offer expired unused; of decisions from before it began, too. Of a limit per day only on the decision's own
   * day; of a campaign with both limits those of the total.
   */
  readonly returned: BeforeAfter;
  /** Matches that found none left. */
  readonly refused: BeforeAfter;
  /** When the first of them did; null: none. */
  readonly firstRefused: BeforeAfter<string | null>;
  /** Days of the workspace's zone on which any was used, returned or refused, ascending. */
  readonly days: readonly {
    readonly day: string;
    readonly used: BeforeAfter;
    readonly returned: BeforeAfter;
    readonly refused: BeforeAfter;
  }[];
}
