/**
 * The live end of one partition's decision stream: every decision from `next` on, in the order of their numbers, each once, for as long as it takes.
 *
 * Order law: *what is announced has consecutive numbers*; only what retention removed before it could be announced is left out, and then `first` is
 * beyond it. A stream that lost its end gives its last numbers again, to the same decisions, because they are derived from the log: dropped as repeats.
 * A stream that was deleted or made anew is not the one that cursors speak of: the tail halts.
 */
import type { JetStreamManager, NatsConnection, NatsError, StreamInfo } from 'nats';
import type { EncodedDecision } from '../../protocol/decision.ts';
import { assert } from '../../stdx/assert.ts';
import { decisionOf } from './decision-source-fetch.ts';
import { decisionStream, JetStreamError } from './names.ts';
import { payloadOf, type RawMessage } from './raw-message.ts';
import { StreamFollower, type StreamLog } from './stream-follower.ts';

export interface DecisionTailEvents {
  announced(partition: number, decisions: readonly EncodedDecision[]): void;
  /** Once: nothing is announced after it. */
  halted(partition: number, error: Error): void;
  readonly log: StreamLog;
}

/** The decision stream of a partition cannot be followed any more. */
export class DecisionStreamHaltedError extends Error {
  override readonly name = 'DecisionStreamHaltedError';
  readonly partition: number;

  constructor(partition: number, found: string) {
    super(
      `${decisionStream(partition)} ${found}: the cursors that subscribers hold do not belong to what it holds now. Restore the stream from a backup, or start over with new streams, then start this node again`,
    );
    this.partition = partition;
  }
}

/** Retention, or a person, removed decisions that were due. */
class DecisionsRemoved extends Error {
  /** Where the tail goes on. */
  readonly first: number;

  constructor(first: number) {
    super(`decisions before ${first} were removed`);
    this.first = first;
  }
}

export class DecisionStreamTail {
  readonly partition: number;
  /** Number of the oldest decision kept, as far as is known; at most `next`. */
  first: number;
  /** Number of the next decision to be announced. */
  next: number;
  halted: Error | null = null;
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #events: DecisionTailEvents;
  /** When the stream was created: another time is another stream. */
  readonly #created: string;
  #follower: StreamFollower | null = null;
  #closed = false;
  #arrived: EncodedDecision[] = [];

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    partition: number,
    info: StreamInfo,
    events: DecisionTailEvents,
  ) {
    this.#connection = connection;
    this.#manager = manager;
    this.partition = partition;
    this.#events = events;
    this.#created = info.created;
    this.next = info.state.last_seq + 1;
    this.first = firstOf(info);
  }

  /** Stands at the stream's end as it is now, and follows from there. Rejects if there is no such stream. */
  static async open(
    connection: NatsConnection,
    manager: JetStreamManager,
    partition: number,
    events: DecisionTailEvents,
  ): Promise<DecisionStreamTail> {
    const info = await manager.streams.info(decisionStream(partition));
    assert(info.config.allow_direct, `${decisionStream(partition)} allows direct gets`);
    const tail = new DecisionStreamTail(connection, manager, partition, info, events);
    await tail.#follow();
    return tail;
  }

  /** Where the stream ends, by its leader; brings `first` up to date. */
  async refresh(): Promise<{ readonly next: number }> {
    const info = await this.#info(this.#manager);
    this.first = Math.max(this.first, Math.min(firstOf(info), this.next));
    return { next: info.state.last_seq + 1 };
  }

  close(): void {
    this.#closed = true;
    this.#follower?.close();
    this.#follower = null;
  }

  async #follow(): Promise<void> {
    const follower = await StreamFollower.open({
      connection: this.#connection,
      stream: decisionStream(this.partition),
      after: this.next - 1,
      check: (manager) => this.#check(manager),
      explainGap: async (manager, expected, found) => {
        await this.#check(manager);
        const { partition } = this;
        this.#events.log(
          'error',
          { partition, from: expected, to: found - 1 },
          'decisions were deleted from the middle of their stream',
        );
        return new DecisionsRemoved(found);
      },
      isFinal: (error) => error instanceof DecisionStreamHaltedError || error instanceof DecisionsRemoved,
      message: (seq, _tsMs, message) => this.#arrive(seq, message),
      failed: (error) => this.#failed(error),
      log: this.#events.log,
    });
    if (this.#closed) follower.close();
    else this.#follower = follower;
  }

  /** Throws what is final. */
  async #check(manager: JetStreamManager): Promise<void> {
    const { partition } = this;
    const info = await this.#info(manager);
    const due = this.#due;
    const first = firstOf(info);
    if (first > due) {
      const fields = { partition, from: due, to: first - 1 };
      this.#events.log(
        'warn',
        fields,
        'decisions were removed before they could be announced: subscribers that wait for them are told',
      );
      throw new DecisionsRemoved(first);
    }
    const last = info.state.last_seq;
    if (last + 1 < due) {
      const fields = { partition, last, announced: due - 1 };
      this.#events.log(
        'warn',
        fields,
        'the decision stream lost its end, which its partition is expected to write again',
      );
    }
  }

  async #info(manager: JetStreamManager): Promise<StreamInfo> {
    const { partition } = this;
    let info: StreamInfo;
    try {
      info = await manager.streams.info(decisionStream(partition));
    } catch (error) {
      if ((error as NatsError).api_error?.err_code !== JetStreamError.streamNotFound) throw error;
      throw new DecisionStreamHaltedError(partition, 'was deleted');
    }
    if (info.created === this.#created) return info;
    throw new DecisionStreamHaltedError(partition, `was deleted and made anew at ${info.created}`);
  }

  #failed(error: Error): void {
    this.#follower = null;
    if (this.#closed) return;
    if (error instanceof DecisionsRemoved) {
      this.#announce();
      this.first = error.first;
      this.next = error.first;
      this.#follow().catch((reason: Error) => this.#failed(reason));
      return;
    }
    this.halted = error;
    this.#events.halted(this.partition, error);
  }

  /** Of what arrives next. */
  get #due(): number {
    return this.next + this.#arrived.length;
  }

  #arrive(number: number, message: RawMessage): void {
    const subject = Buffer.from(message.subject.buffer, message.subject.byteOffset, message.subject.length);
    this.#arrived.push(decisionOf(subject.toString('latin1'), number, payloadOf(message)));
    // All that one read of the socket brings is announced together.
    if (this.#arrived.length === 1) queueMicrotask(() => this.#announce());
  }

  #announce(): void {
    const decisions = this.#arrived;
    if (decisions.length === 0 || this.#closed) return;
    assert(decisions[0]?.number === this.next, 'decisions arrive in the order of their numbers');
    this.#arrived = [];
    this.next += decisions.length;
    this.#events.announced(this.partition, decisions);
  }
}

function firstOf({ state }: StreamInfo): number {
  return state.messages === 0 ? state.last_seq + 1 : state.first_seq;
}
