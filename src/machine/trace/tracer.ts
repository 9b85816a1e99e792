/**
 * A machine's side of a trace. It hears from the books what became of each match, and keeps the moment that is being explained, where somebody wants to know: steps tell
 * that one what they ask and find. Nothing here changes the state, or what the steps find.
 *
 * A moment is begun and ended where one customer's turn begins and ends: an event of theirs, what falls due for them at one time, their part of a schedule's run, an
 * answer about units, a version that ends their waits. No two are open at once.
 */
import type { EventFrame } from '../../protocol/frame.ts';
import type { SuppressReason } from '../../protocol/rejection.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { assert } from '../../stdx/assert.ts';
import {
  type BookedResult,
  type BooksListener,
  type CampaignAccount,
  type MatchOrigin,
  NOBODY,
} from '../accounting.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { formatRfc3339 } from '../decode/rfc3339.ts';
import { PendingKind } from '../time/pending-kind.ts';
import { WaitOrigin } from '../time/pending-waits.ts';
import { type Happening, MomentExplainer } from './moment-explainer.ts';
import { PredicateExplanations } from './predicate-explanations.ts';
import type { Outcome, Trace } from './trace.ts';

/** The machine's globals. */
export interface TracedPosition {
  readonly position: number;
}

export class Tracer implements BooksListener {
  /** What is being explained; null: nobody wants to know. */
  moment: MomentExplainer | null = null;
  readonly #trace: Trace;
  readonly #state: PartitionState;
  readonly #partition: number;
  readonly #globals: TracedPosition;
  #active: ActiveWorkspace | null = null;
  #predicates: PredicateExplanations | null = null;
  /** While a version ends waits: what it ended, by row. */
  #withdrawals: Map<number, MomentExplainer | null> | null = null;

  constructor(trace: Trace, state: PartitionState, partition: number, globals: TracedPosition) {
    this.#trace = trace;
    this.#state = state;
    this.#partition = partition;
    this.#globals = globals;
  }

  /** From here on moments are explained by this version. */
  adopt(active: ActiveWorkspace): void {
    if (this.#active === active) return;
    this.#active = active;
    this.#predicates = new PredicateExplanations(this.#state, active);
  }

  /** Whether the moments of this customer are wanted; '': of anonymous events. */
  explains(customer: string): boolean {
    return this.#trace.explains(customer);
  }

  returned(keys: readonly string[], now: number): void {
    this.#trace.returned?.({ keys, now });
  }

  beginEvent(event: EventFrame, row: number, now: number): void {
    const { id, typeName: type, ts } = event;
    if (!this.explains(event.customer)) return;
    this.begin({ kind: 'event', id: id === '' ? null : id, type, ts: formatRfc3339(ts) }, row, event.customer, now);
  }

  /** `now` is log time. */
  begin(cause: Happening['cause'], row: number, customer: string, now: number): void {
    assert(this.moment === null, 'one moment at a time');
    if (this.explains(customer)) this.moment = this.#open(cause, row, customer, now);
  }

  /** Tells of the moment that was begun, if it was. Only of events are moments told in which no campaign was asked. */
  end(): void {
    const { moment } = this;
    this.moment = null;
    if (moment !== null) this.#tell(moment);
  }

  /** A version is about to end waits of campaigns that it does not have live. */
  beginWithdrawals(active: ActiveWorkspace): void {
    this.adopt(active);
    this.#withdrawals = new Map();
  }
  endWithdrawals(): void {
    const withdrawals = this.#withdrawals;
    this.#withdrawals = null;
    for (const moment of withdrawals?.values() ?? []) if (moment !== null) this.#tell(moment);
  }

  booked(
    account: CampaignAccount,
    result: BookedResult,
    origin: MatchOrigin,
    now: number,
    winners: readonly string[],
    decision: number,
  ): void {
    this.#heard(account, result, origin, now, result === 'decided', winners, decision);
    const moment = this.#withdrawals === null ? this.moment : this.#withdrawn(origin, now);
    if (moment === null) return;
    moment.booked(account.id, result, origin);
  }

  began(account: CampaignAccount, origin: MatchOrigin, now: number, kind: number, dueMs: number): void {
    this.#heard(account, 'waiting', origin, now, kind === PendingKind.units, NOBODY, 0);
    this.moment?.began(account.id, origin, kind, dueMs);
  }

  beganFollowUp(dueMs: number): void {
    this.moment?.followUpWaits(dueMs);
  }

  endedFollowUp(reason: SuppressReason, origin: MatchOrigin, now: number): void {
    const moment = this.#withdrawals === null ? this.moment : this.#withdrawn(origin, now);
    moment?.followUpEnded(reason, origin);
  }

  #heard(
    { id: campaign }: CampaignAccount,
    result: Outcome['result'],
    origin: MatchOrigin,
    now: number,
    won: boolean,
    winners: readonly string[],
    decision: number,
  ): void {
    if (this.#trace.outcome === null) return;
    const { customer, id: eventId, typeName: eventType, ts: eventTs } = origin.frame();
    // The round's list goes on; most outcomes have none.
    const own = winners.length === 0 ? NOBODY : winners.slice();
    this.#trace.outcome({ customer, campaign, now, eventId, eventType, eventTs, result, won, winners: own, decision });
  }

  #withdrawn(origin: MatchOrigin, now: number): MomentExplainer | null {
    assert(origin instanceof WaitOrigin && this.#withdrawals !== null, 'a version ends nothing but waits');
    const { row } = origin.entry;
    const known = this.#withdrawals.get(row);
    if (known !== undefined) return known;
    const { customer } = origin.frame();
    const moment = this.explains(customer) ? this.#open({ kind: 'published' }, row, customer, now) : null;
    this.#withdrawals.set(row, moment);
    return moment;
  }

  #open(cause: Happening['cause'], row: number, customer: string, now: number): MomentExplainer {
    const active = this.#active;
    const predicates = this.#predicates;
    assert(active !== null && predicates !== null, 'a version is active');
    const { position: record } = this.#globals;
    const happening = { cause, row, customer, now, record, partition: this.#partition };
    return new MomentExplainer(happening, this.#state, active, predicates);
  }

  #tell(moment: MomentExplainer): void {
    const told = moment.finish();
    if (told.campaigns.length > 0 || told.cause.kind === 'event') this.#trace.explained(told, moment.customer);
  }
}
