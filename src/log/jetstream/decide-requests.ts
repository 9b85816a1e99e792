/**
 * The request form of `decide`: an event sent to `beckon.decide.<p>` goes into the partition's log like any other, with the requester's inbox in a header; whoever
 * applies the record answers there. If it cannot be stored, the requester is told so at once.
 */
import type { Msg, NatsConnection, Subscription } from 'nats';
import { RECORD_BYTES_MAX } from '../../constants.ts';
import { encodeDecideFailure } from '../../protocol/decide-answer.ts';
import { RecordKind } from '../../protocol/record.ts';
import type { LogWriter } from './log-writer.ts';
import { decideSubject, isReplySubject } from './names.ts';

/** Nodes share the requests of a partition: one of them takes each. */
const QUEUE = 'beckon';

export class DecideRequests {
  readonly #connection: NatsConnection;
  readonly #writer: LogWriter;
  readonly #subscriptions = new Map<number, Subscription>();

  constructor(connection: NatsConnection, writer: LogWriter) {
    this.#connection = connection;
    this.#writer = writer;
  }

  listen(partition: number): void {
    const callback = (error: Error | null, message: Msg): void => {
      if (error === null) void this.#take(partition, message);
    };
    const subscription = this.#connection.subscribe(decideSubject(partition), { queue: QUEUE, callback });
    this.#subscriptions.set(partition, subscription);
  }

  answer(replyTo: string, answer: Uint8Array): void {
    if (!this.#connection.isClosed()) this.#connection.publish(replyTo, answer);
  }

  /** The partition has halted: other nodes may take its requests. */
  stop(partition: number): void {
    this.#subscriptions.get(partition)?.unsubscribe();
  }

  close(): void {
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
  }

  async #take(partition: number, message: Msg): Promise<void> {
    const replyTo = message.reply;
    if (replyTo === undefined || !isReplySubject(replyTo)) return;
    if (message.data.length > RECORD_BYTES_MAX) {
      this.answer(replyTo, encodeDecideFailure(`the event has more than ${RECORD_BYTES_MAX} bytes`, 'too_large'));
      return;
    }
    try {
      await this.#writer.append(partition, RecordKind.events, message.data, { replyTo });
    } catch (error) {
      const reason = (error as { fault?: string }).fault ?? 'refused';
      this.answer(replyTo, encodeDecideFailure(`${(error as Error).message}; send it again, with the same id`, reason));
    }
  }
}
