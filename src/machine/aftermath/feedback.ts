/**
 * `$feedback`: what became of a decision, told by whoever delivered it. Producers send the decision's id and an outcome;
 * the decision is found among the customer's contacts, and what is known of it is put beside them: rules, aggregates,
 * waits and goals then read the event as any other. Each outcome of a decision counts once. Feedback on a decision that
 * is not there (another partition's, forgotten, anonymous) is counted as unmatched, and no event to anybody.
 *
 * All or nothing as everywhere: `plan` and `match` change nothing, `store` cannot fail.
 */
import { createEventFrame, type EventFrame } from '../../protocol/frame.ts';
import { RejectReason } from '../../protocol/rejection.ts';
import type { EventSchema } from '../../protocol/schema.ts';
import type { PartitionState } from '../../state/partition-state.ts';
import { assert } from '../../stdx/assert.ts';
import type { FeedbackOutcome } from '../../workspace/workspace.ts';
import type { Accounting } from '../accounting.ts';
import type { ActiveWorkspace } from '../active-workspace.ts';
import { ContactFlag } from '../decide/contact-flags.ts';
import { checkUndeclared } from '../decode/event-fields.ts';
import { describeValue, type Fault } from '../fault.ts';
import { FEEDBACK_OUTCOMES } from './campaign-responses.ts';

/** `<partition>-<number>`. */
const DECISION_ID = /^(0|[1-9][0-9]{0,8})-([1-9][0-9]{0,15})$/;

/** What `match` found. */
export const FeedbackMatch = {
  /** The contact is there, and the outcome is new to it: the frame is filled. */
  news: 0,
  /** It was told before. */
  known: 1,
  unmatched: 2,
} as const;
export type FeedbackMatch = (typeof FeedbackMatch)[keyof typeof FeedbackMatch];

export class FeedbackStep {
  readonly #state: PartitionState;
  readonly #partition: number;
  readonly #accounting: Accounting;
  readonly #fault: Fault;
  readonly #schema: EventSchema;
  #decision = '';
  /** Its number; 0: another partition's. */
  number = 0;
  outcome: FeedbackOutcome = 'delivered';
  /** The event as rules read it, after a match that brought news. Reused. */
  readonly frame: EventFrame;

  constructor(state: PartitionState, active: ActiveWorkspace, partition: number, accounting: Accounting, fault: Fault) {
    const { schema, feedbackEvent } = active.workspace;
    const event = schema.events[feedbackEvent];
    assert(event !== undefined, 'every workspace has the schema of feedback');
    this.#state = state;
    this.#partition = partition;
    this.#accounting = accounting;
    this.#fault = fault;
    this.#schema = event;
    this.frame = createEventFrame(event);
  }

  /** Reads `data`. False: see the fault. */
  plan(data: object): boolean {
    const { decision, outcome } = data as { decision?: unknown; outcome?: unknown };
    for (const key in data) {
      const value = (data as Record<string, unknown>)[key];
      if (key !== 'decision' && key !== 'outcome' && !checkUndeclared(key, value, 2, this.#fault)) return false;
    }
    if (decision === undefined || decision === null) return this.#missing('decision');
    if (outcome === undefined || outcome === null) return this.#missing('outcome');
    const parts = typeof decision === 'string' ? DECISION_ID.exec(decision) : null;
    const number = Number(parts?.[2]);
    if (parts === null || !Number.isSafeInteger(number)) {
      return this.#fault.set(
        RejectReason.fieldType,
        `data.decision: expected the id of a decision, like "7-1042", got ${describeValue(decision)}`,
      );
    }
    const place = FEEDBACK_OUTCOMES.indexOf(outcome as FeedbackOutcome);
    if (place < 0) {
      return this.#fault.set(
        RejectReason.fieldType,
        `data.outcome: expected one of ${FEEDBACK_OUTCOMES.join(', ')}, got ${describeValue(outcome)}`,
      );
    }
    this.#decision = parts[0];
    this.number = Number(parts[1]) === this.#partition ? number : 0;
    this.outcome = FEEDBACK_OUTCOMES[place] as FeedbackOutcome;
    return true;
  }

  /** Of what was planned, for a customer's row (-1: not known). `ts`: the time at which the event counts. */
  match(row: number, id: string, customer: string, ts: number): FeedbackMatch {
    const state = this.#state;
    if (row < 0 || this.number === 0 || !state.findContact(row, this.number)) return FeedbackMatch.unmatched;
    const { contacts } = state;
    if ((contacts.flags & ContactFlag[this.outcome]) !== 0) return FeedbackMatch.known;
    const { frame } = this;
    frame.id = id;
    frame.customer = customer;
    frame.ts = ts;
    const textOf = (code: number): string | null => (code < 0 ? null : state.textOf(code));
    this.#set('decision', this.#decision);
    this.#set('outcome', this.outcome);
    this.#set('campaign', textOf(contacts.campaign));
    this.#set('channel', textOf(contacts.channel));
    this.#set('variant', textOf(contacts.variant));
    this.#set('offer', textOf(contacts.offer));
    return FeedbackMatch.news;
  }

  /** After a match that brought news: notes it with the contact, and counts it. `beginChange` of the row comes before. */
  store(row: number): void {
    const state = this.#state;
    const found = state.findContact(row, this.number);
    assert(found, 'the contact was found when feedback was matched');
    const { campaign, channel, variant, flags } = state.contacts;
    state.setContactFlags(row, this.number, flags | ContactFlag[this.outcome]);
    // Accounts of campaigns that are gone stay: there is one for whatever was ever decided.
    const account = this.#accounting.find(state.textOf(campaign));
    assert(account !== undefined, 'a decision has an account');
    account.responses.addFeedback(state.textOf(channel), variant < 0 ? '' : state.textOf(variant), this.outcome);
  }

  /** null: absent. */
  #set(path: string, text: string | null): void {
    const field = this.#schema.fields.find((candidate) => candidate.path === path);
    assert(field !== undefined, `feedback has a field ${path}`);
    this.frame.present[field.slot] = text === null ? 0 : 1;
    this.frame.text[field.slot] = text ?? '';
  }

  #missing(key: string): false {
    return this.#fault.set(RejectReason.missingField, `data.${key}: missing`);
  }
}
