/**
 * The request form of `decide`: an event sent to `beckon.decide.<p>` goes into the partition's log like any other, with the requester's inbox in a header; whoever
 * applies the record answers there. If it cannot be stored, the requester is told so at once.
 */
import type { Msg, NatsConnection, Subscription } from 'nats';
import { RECORD_BYTES_MAX } from '../../constants.ts';
import { encodeDecideAnswer, encodeDecideFailure } from '../../protocol/decide-answer.ts';
import { IngestError } from '../../protocol/ingest-error.ts';
import { RecordKind } from '../../protocol/record.ts';
import { RejectReason } from '../../protocol/rejection.ts';
import type { LogWriter } from './log-writer.ts';
import { decideSubject, isReplySubject } from './names.ts';
import { messageBytesMax } from './raw-message.ts';

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

  /** Never throws: who cannot be answered any more times out. */
  answer(replyTo: string, answer: Uint8Array): void {
    const limit = messageBytesMax(this.#connection);
    const what = `the answer has ${answer.length} bytes, a message of nats-server ${limit} at most: raise max_payload; the decisions are in the decision stream`;
    const bytes = answer.length <= limit ? answer : encodeDecideFailure(new IngestError('too_large', what));
    try {
      this.#connection.publish(replyTo, bytes);
    } catch {
      // The connection is closed or draining.
    }
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
      const error = `the event has ${message.data.length} bytes, ${RECORD_BYTES_MAX} are allowed`;
      const rejection = { index: 0, reason: RejectReason.tooLarge, error };
      this.answer(replyTo, encodeDecideAnswer(null, { rejection, repeated: false, decisions: [], waiting: [] }));
      return;
    }
    try {
      await this.#writer.append(partition, RecordKind.events, message.data, { replyTo });
    } catch (error) {
      const failure = error instanceof IngestError ? error : new IngestError('unavailable', (error as Error).message);
      this.answer(replyTo, encodeDecideFailure(failure));
    }
  }
}
