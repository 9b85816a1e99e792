/**
 * Why a customer got something, and why not: what a replay with tracing on tells (machine/trace), what `GET /v1/customers/{id}/why` answers, and what explain/ puts into words.
 * Times are RFC 3339 in UTC with milliseconds; durations are milliseconds.
 */
import type { Decision } from './decision.ts';
import type { SuppressReason } from './rejection.ts';

/** Something happened to one customer at one log time, and these campaigns were asked. */
export interface ExplainedMoment {
  /** Log time. */
  readonly at: string;
  /** Sequence of the record that let it happen: what fell due happens with the first record that comes at its time or later. */
  readonly record: number;
  readonly workspace: number;
  readonly cause: MomentCause;
  /** In the order of their ids. */
  readonly campaigns: readonly CampaignVerdict[];
  /** Only where one campaign is asked about, and had no part in it. */
  readonly notAsked?: NotAsked;
}

/** Its status in the moment's version, `absent` where it is not there, and the type of event that it is asked at (`$schedule`; null: it is not there). */
export interface NotAsked {
  readonly status: string;
  readonly on: string | null;
}

/** `due`: the time of waits, quiet hours, cascades was over. `units`: an answer came about units of a budget or limit. `published`: a version took campaigns away. */
export type MomentCause =
  | { readonly kind: 'event'; readonly id: string | null; readonly type: string; readonly ts: string }
  | { readonly kind: 'due' }
  | { readonly kind: 'schedule'; readonly due: string }
  | { readonly kind: 'units' }
  | { readonly kind: 'published' };

/** What became of one campaign at that moment. */
export interface CampaignVerdict {
  readonly campaign: string;
  readonly status: string;
  /**
   * unmatched: `when` did not hold, so it was no candidate. waiting: it matched and waits. suppressed: it lost, `reason` says at which step. A wait that ended without a decision is suppressed, too.
   */
  readonly result: 'unmatched' | 'waiting' | 'suppressed' | 'decided';
  readonly reason: SuppressReason | null;
  /** What it is about: the moment's own event, or the one that a wait began with; of a schedule the type is `$schedule`. */
  readonly event: { readonly id: string | null; readonly type: string; readonly ts: string };
  /** `when`, or what was asked in its place when a wait ended; null where nothing was asked. */
  readonly predicate: ExplainedExpression | null;
  /** In the order in which the steps were taken, up to the one at which it lost. */
  readonly steps: readonly ExplainedStep[];
  /** null: none was made. */
  readonly decision: Decision | null;
}

/** An expression and its parts, each with what it came to. */
export interface ExplainedExpression {
  /** As it is written, on one line. */
  readonly text: string;
  /** What it is, where that matters for reading it: `field` reads one (now and has() are fields, too), `call` is every other operation, a comparison for one. */
  readonly kind: 'and' | 'or' | 'not' | 'if' | 'loop' | 'segment' | 'field' | 'call';
  /** As CEL names types: bool, list<string>. */
  readonly type: string;
  readonly value: ExplainedValue;
  /** Why there is no value: CEL's error; null: there is one. */
  readonly error: string | null;
  /** Of a loop over a list: for how many of its elements the body held; null: it is none. */
  readonly held: { readonly of: number; readonly count: number } | null;
  /** The operands of an operator or a call and what they read, each once; none of a literal. Of `segment.name` its own expression. A part that was absorbed or not reached is told all the same. */
  readonly parts: readonly ExplainedExpression[];
}

/** null: it has none (an error, or an absent field). Timestamps are RFC 3339, durations `25h30m`, lists a text such as `14 items`, or `["a", "b"]` where that is short. */
export type ExplainedValue = boolean | number | string | null;

/** A contact that counted. */
export interface ExplainedContact {
  readonly at: string;
  readonly campaign: string;
  readonly channel: string;
  /** Its id; null: a campaign in shadow would have made it, or one that would have won beside it. */
  readonly decision: string | null;
}

/** An event that must come before a campaign's own: `when` is its condition, as written but on one line. */
export interface ExplainedEarlier {
  readonly type: string;
  readonly when: string | null;
  /** The event's own time; null: it did not come, or was not looked for. */
  readonly at: string | null;
}

/** One question of policy and the numbers that answered it. `passed` false: here it lost (on this channel, where one is named). */
export type ExplainedStep = {
  readonly passed: boolean;
} /** It came `lateMs` after it happened; more than `latenessMs` is too late. */ & (
  | { readonly step: 'late'; readonly ts: string; readonly latenessMs: number; readonly lateMs: number }
  | {
      readonly step: 'validity';
      readonly of: 'campaign' | 'offer';
      readonly from: string | null;
      readonly to: string | null;
    }
  | { readonly step: 'holdout'; readonly of: 'campaign' | 'policy'; readonly share: number; readonly u: number }
  /** The first event without a time is the one that is missing; what must come behind it was not looked for. */
  | { readonly step: 'sequence'; readonly withinMs: number; readonly events: readonly ExplainedEarlier[] }
  /** `limit` is the number that is used up, or not yet. */
  | {
      readonly step: 'units';
      readonly key: string;
      readonly reason: 'limit' | 'budget';
      readonly limit: number;
      readonly inHand: number;
    }
  | {
      readonly step: 'offer';
      readonly offer: string;
      readonly max: number;
      readonly perMs: number | null;
      readonly contacts: readonly ExplainedContact[];
    }
  | {
      readonly step: 'cooldown';
      readonly cooldownMs: number;
      readonly last: ExplainedContact | null;
      readonly until: string | null;
    }
  | {
      readonly step: 'excluded';
      readonly exclusion: string;
      readonly perMs: number;
      readonly last: ExplainedContact | null;
      readonly until: string | null;
    }
  | {
      readonly step: 'consent';
      readonly channel: string;
      readonly rule: string;
      readonly said: 'granted' | 'denied' | null;
    }
  | {
      readonly step: 'quiet_hours';
      readonly channel: string;
      readonly from: string;
      readonly to: string;
      readonly timezone: string;
      readonly localTime: string;
      readonly until: string | null;
    }
  /** `room` is how many contacts may be there before it: less than max where places are reserved for others. */
  | {
      readonly step: 'cap' | 'gap';
      readonly channel: string;
      readonly name: string;
      readonly max: number;
      readonly room: number;
      readonly perMs: number;
      readonly contacts: readonly ExplainedContact[];
      readonly until: string | null;
    }
  /** `rank` from 1. `winner`: who took the last place; null: it won. */
  | {
      readonly step: 'rank';
      readonly rank: number;
      readonly of: number;
      readonly score: number;
      readonly priority: number;
      readonly value: number;
      readonly winner: string | null;
    }
  | { readonly step: 'slot'; readonly channel: string; readonly slot: string | null; readonly taker: string | null }
  /** `passed`: it is over, or ended early. `until` null: for as long as it takes. `cascade`: the last step of a decision whose next channel has its turn then, unless feedback ends it. */
  | {
      readonly step: 'wait';
      readonly for: 'wait' | 'quiet_hours' | 'units' | 'cascade';
      readonly since: string;
      readonly until: string | null;
    }
  /** The event that ended a wait; null: the wait was over, or a version ended it. */
  | {
      readonly step: 'ended';
      readonly reason: 'cancelled' | 'superseded' | 'withdrawn' | 'lapsed';
      readonly by: { readonly id: string | null; readonly type: string; readonly ts: string } | null;
    }
  | { readonly step: 'full'; readonly waiting: number; readonly max: number }
  /** Only of who lost: there is no room for another contact of the customer. Counted as cap. */
  | { readonly step: 'room'; readonly contacts: number; readonly max: number }
  /** Only of who did not match: a campaign with a wait or a sequence needs a customer, the event has none. */
  | { readonly step: 'customer' }
  /** First of all steps of a cascade's next channel, after this decision. It is no match: it stands beside matched = decided + suppressed + waiting. */
  | { readonly step: 'follow_up'; readonly decision: string }
  /** Of a shadow campaign: it would have won on this channel, and these would have lost by it. */
  | { readonly step: 'shadow'; readonly channel: string; readonly displaced: readonly string[] }
);

/** What a request for the reasons is answered with. */
export interface Explanation {
  readonly customer: string | null;
  /** Only this one's verdicts are told; null: of every campaign that was asked. */
  readonly campaign: string | null;
  readonly partition: number;
  /** Log time of the earliest record that can be explained; null: nothing is kept. */
  readonly historyFrom: string | null;
  /** Nothing came before that record: the log is kept from its beginning. */
  readonly historyIsWhole: boolean;
  /** Log time up to which was looked for what became of it; null: until everything was settled. */
  readonly until: string | null;
  /** Of the workspace: people read times by the clock there. */
  readonly timezone: string;
  /** In the order of time. */
  readonly moments: readonly ExplainedMoment[];
}
