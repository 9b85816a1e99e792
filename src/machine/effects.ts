/**
 * What a record leads to outside of the state. One object is reused from record to record: the owner calls `clear`
 * before each apply and reads it after.
 *
 * Order laws: nothing of this may leave the partition before the record is durable; decisions and dead letters are
 * numbered 1, 2, 3 … without gaps in the partition's state, so that replay derives the same ones under the same
 * numbers.
 */
import type { Decision, EncodedDecision } from '../protocol/decision.ts';
import type { PartitionMessage } from '../protocol/partition-message.ts';
import { type Rejection, RejectReason } from '../protocol/rejection.ts';

export interface MadeDecision extends EncodedDecision {
  /** Index within its record of the event that was decided on; -1 where a timer, a message or a schedule led to it. */
  readonly eventIndex: number;
  /** What `json` encodes. */
  readonly decision: Decision;
}

export interface DeadLetter {
  readonly number: number;
  readonly reason: RejectReason;
  readonly error: string;
  /** The event's own bytes as they came, a copy (see Payload.raw for messages with records). */
  readonly raw: Uint8Array;
}

/** A remembered event came again: decisions first … first + count − 1 are its own; first is 0 where it led to none. */
export interface RepeatedEvent {
  readonly index: number;
  readonly first: number;
  readonly count: number;
}

/** Something to say to another partition; see protocol/partition-message.ts. */
export interface OutgoingMessage {
  readonly to: number;
  /** 1, 2, 3 … without gaps from this partition to that one. */
  readonly number: number;
  readonly message: PartitionMessage;
}

/**
 * An event's winner that waits for units of a budget or limit. Whoever awaits the answer to that event is told of the decision when the entry settles: within the same
 * record at the earliest.
 */
export interface WaitingWinner {
  /** Of the event within its record; -1 where a timer, a message or a schedule led to it: nobody awaits that. */
  readonly eventIndex: number;
  /** Of its pending entry. */
  readonly number: number;
  readonly campaign: string;
}

/** A waiting winner waits no longer: it was decided (that decision is in `decisions`, too), or suppressed or deferred (null). */
export interface SettledWinner {
  /** As WaitingWinner.number. */
  readonly number: number;
  readonly decision: MadeDecision | null;
}

export class Effects {
  /** Events that were applied. Repeats are not among them. */
  accepted = 0;
  repeated = 0;
  readonly rejections: Rejection[] = [];
  readonly deadLetters: DeadLetter[] = [];
  /** In the order of their numbers. */
  readonly decisions: MadeDecision[] = [];
  readonly repeatedOf: RepeatedEvent[] = [];
  /** In the order of their numbers. */
  readonly messages: OutgoingMessage[] = [];
  /** Messages of other partitions that were taken; repeats are not among them. */
  messagesTaken = 0;
  /** Winners that began to wait for units, and those that settled. */
  readonly waitingUnits: WaitingWinner[] = [];
  readonly settled: SettledWinner[] = [];
  /** Due times of what fell due with this record, in order: one for each customer's due moment and for each chunk of a schedule. For telemetry. */
  readonly fired: number[] = [];
  /** Why a workspace record had no effect; null if it had, and for other records. */
  workspaceError: string | null = null;
  /** Why the filling of new aggregates (fill/filling.ts) failed with this record; null: it did not. */
  fillError: string | null = null;
  /** For telemetry; goes on counting until drained. */
  readonly eventCounts = new EventCounts();

  /** Forgets the last record's effects. eventCounts stay. */
  clear(): void {
    this.accepted = 0;
    this.repeated = 0;
    empty(this.rejections);
    empty(this.deadLetters);
    empty(this.decisions);
    empty(this.repeatedOf);
    empty(this.messages);
    this.messagesTaken = 0;
    empty(this.waitingUnits);
    empty(this.settled);
    empty(this.fired);
    this.workspaceError = null;
    this.fillError = null;
  }
}

/** Setting a length calls into the runtime, also where nothing changes: some 30 ns each time. */
function empty(list: unknown[]): void {
  if (list.length > 0) list.length = 0;
}

/** `accepted`, `repeated`, or the reason of a rejection. */
export type EventOutcome = 'accepted' | 'repeated' | RejectReason;

const OUTCOMES: readonly EventOutcome[] = ['accepted', 'repeated', ...Object.values(RejectReason)];
const OUTCOME_INDEX: ReadonlyMap<string, number> = new Map(OUTCOMES.map((outcome, index) => [outcome, index]));
export const ACCEPTED = OUTCOME_INDEX.get('accepted') as number;
export const REPEATED = OUTCOME_INDEX.get('repeated') as number;

/** Types that no workspace declares are counted under this name: labels of metrics must stay few. */
export const UNKNOWN_TYPE = 'unknown';

/** Events by type and outcome since the last drain. */
export class EventCounts {
  readonly #counts = new Map<string, Uint32Array>();

  /**
   * `type` is a declared type, one of the engine's own, or UNKNOWN_TYPE. `outcome` is ACCEPTED, REPEATED or from
   * `rejected`.
   */
  add(type: string, outcome: number, count = 1): void {
    let row = this.#counts.get(type);
    if (row === undefined) {
      row = new Uint32Array(OUTCOMES.length);
      this.#counts.set(type, row);
    }
    row[outcome] = (row[outcome] as number) + count;
  }

  rejected(type: string, reason: RejectReason): void {
    this.add(type, OUTCOME_INDEX.get(reason) as number);
  }

  /** Calls `each` for every count that is not zero, and zeroes it. */
  drain(each: (type: string, outcome: EventOutcome, count: number) => void): void {
    for (const [type, row] of this.#counts) {
      for (let i = 0; i < row.length; i++) {
        const count = row[i] as number;
        if (count === 0) continue;
        row[i] = 0;
        each(type, OUTCOMES[i] as EventOutcome, count);
      }
    }
  }
}
