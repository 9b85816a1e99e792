/**
 * Takes the messages of one stream, from a sequence on, as they are stored. An ephemeral consumer without acknowledgements, whose messages are asked for
 * by bytes: two requests of LOG_PULL_BYTES are under way, and one that is used up is followed by the next. So what is on its way to this
 * process is bounded exactly, whatever the server could send; pausing is not to ask. (A push consumer with flow control has up to 32 MiB on its way: sixteen
 * of them on one connection go past the 64 MiB at which nats-server cuts a slow client off. Measured side by side, raw, it is 0 to 20 % faster with one event per
 * message and no faster with batches.)
 *
 * Accounts for bytes as the server does (subject, reply, headers, payload), because a request that comes out even ends without a word.
 *
 * It ends, by itself, on whatever keeps messages from coming: the consumer deleted, the server silent for LOG_HEARTBEATS_MISSED_MAX heartbeats, its
 * leader changed. Nothing is delivered after that; whoever follows a stream makes another one (stream-follower.ts).
 */
import { type JetStreamManager, type Msg, type NatsConnection, type NatsError, nanos, nuid } from 'nats';
import {
  LOG_CONSUMER_INACTIVE_MS,
  LOG_HEARTBEAT_MS,
  LOG_HEARTBEATS_MISSED_MAX,
  LOG_PULL_BYTES,
  LOG_PULL_EXPIRES_MS,
  LOG_PULLS_IN_FLIGHT,
} from '../../constants.ts';
import {
  emptyMessage,
  headerText,
  headerValue,
  inboxOf,
  messageBytesMax,
  type RawMessage,
  rawMessage,
  statusOf,
} from './raw-message.ts';

export interface PullConsumerEvents {
  /** In the order of the stream. The object is used again for the next one, its bytes are not. Must not throw: the library's parser is above it on the stack. */
  message(message: RawMessage): void;
  /** Once, at most. */
  ended(reason: string): void;
}

/** Room in a request beyond the largest payload, for subject, reply and headers of one message. */
const ENVELOPE_BYTES_MAX = 64 * 1024;
/** What nats-server's max_payload can be at most. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
const MESSAGES_PER_REQUEST = 1_000_000;
const STATUS_HEARTBEAT = 100;
const STATUS_NO_MESSAGES = 404;
const STATUS_EXPIRED = 408;
const STATUS_ENDED = 409;

interface PullRequest {
  readonly number: number;
  readonly bytes: number;
  left: number;
}

export class PullConsumer {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #stream: string;
  readonly #name: string;
  readonly #inbox: string;
  readonly #events: PullConsumerEvents;
  readonly #subscription: { unsubscribe(): void };
  readonly #watch: NodeJS.Timeout;
  readonly #raw = emptyMessage();
  /** In the order in which the server uses them up. */
  readonly #requests: PullRequest[] = [];
  #requestNumber = 0;
  #paused = true;
  #oversize = false;
  #open = true;
  /** Anything came since the last look. */
  #heard = true;
  #missed = 0;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    stream: string,
    name: string,
    events: PullConsumerEvents,
  ) {
    this.#connection = connection;
    this.#manager = manager;
    this.#stream = stream;
    this.#name = name;
    this.#events = events;
    this.#inbox = inboxOf(connection);
    this.#subscription = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => this.#received(error, message),
    });
    this.#watch = setInterval(() => this.#look(), LOG_HEARTBEAT_MS);
  }

  /** Paused until resume(). `from`: sequence of the first message, 1 or more; must not be below the stream's first (the server would begin there without a word). */
  static async create(
    connection: NatsConnection,
    manager: JetStreamManager,
    stream: string,
    from: number,
    events: PullConsumerEvents,
  ): Promise<PullConsumer> {
    const name = `beckon-${nuid.next()}`;
    await manager.consumers.add(stream, {
      name,
      ack_policy: 'none' as never,
      deliver_policy: 'by_start_sequence' as never,
      opt_start_seq: from,
      max_waiting: LOG_PULLS_IN_FLIGHT * 2,
      inactive_threshold: nanos(LOG_CONSUMER_INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    return new PullConsumer(connection, manager, stream, name, events);
  }

  /** What was asked for still comes: LOG_PULLS_IN_FLIGHT × LOG_PULL_BYTES at most. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#open) this.#ask();
  }

  /** Nothing is delivered after it. */
  close(): void {
    if (!this.#open) return;
    this.#stop();
    // An orphan goes by itself after LOG_CONSUMER_INACTIVE_MS.
    this.#manager.consumers.delete(this.#stream, this.#name).catch(() => {});
  }

  #stop(): void {
    this.#open = false;
    clearInterval(this.#watch);
    this.#subscription.unsubscribe();
  }

  #end(reason: string): void {
    if (!this.#open) return;
    this.close();
    this.#events.ended(reason);
  }

  #received(error: NatsError | null, message: Msg): void {
    if (!this.#open) return;
    if (error !== null) {
      this.#end(error.message);
      return;
    }
    this.#heard = true;
    const raw = rawMessage(message, this.#raw);
    const status = statusOf(raw);
    if (status !== 0) {
      this.#told(status, raw, message.subject);
      return;
    }
    this.#account(raw);
    this.#events.message(raw);
  }

  #account({ subject, reply, body }: RawMessage): void {
    this.#oversize = false;
    const request = this.#requests[0];
    if (request === undefined) return;
    request.left -= subject.length + (reply === undefined ? 0 : reply.length) + body.length;
    if (request.left > 0) return;
    this.#requests.shift();
    this.#ask();
  }

  #told(status: number, message: RawMessage, subject: string): void {
    if (status === STATUS_HEARTBEAT) return;
    const text = headerText(message);
    const spent =
      status === STATUS_EXPIRED ||
      status === STATUS_NO_MESSAGES ||
      (status === STATUS_ENDED && (text.includes('MaxBytes') || text.includes('Batch Completed')));
    if (!spent) {
      this.#end(text.slice(0, text.indexOf('\r\n')).replace('NATS/1.0 ', ''));
      return;
    }
    const number = Number(subject.slice(this.#inbox.length + 1));
    // The server uses requests up in order: those before this one ended too.
    while (this.#requests.length > 0 && (this.#requests[0] as PullRequest).number <= number) {
      const request = this.#requests.shift() as PullRequest;
      const left = Number(headerValue(message, 'Nats-Pending-Bytes') ?? 0);
      if (request.number === number && left >= request.bytes) this.#oversize = true;
    }
    this.#ask();
  }

  #ask(): void {
    if (this.#paused) return;
    while (this.#requests.length < LOG_PULLS_IN_FLIGHT) {
      const number = ++this.#requestNumber;
      const largest = Math.min(messageBytesMax(this.#connection), MESSAGE_BYTES_MAX) + ENVELOPE_BYTES_MAX;
      const bytes = this.#oversize ? Math.max(largest, LOG_PULL_BYTES) : LOG_PULL_BYTES;
      this.#requests.push({ number, bytes, left: bytes });
      const body = {
        batch: MESSAGES_PER_REQUEST,
        max_bytes: bytes,
        expires: nanos(LOG_PULL_EXPIRES_MS),
        idle_heartbeat: nanos(LOG_HEARTBEAT_MS),
      };
      this.#connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${this.#name}`, JSON.stringify(body), {
        reply: `${this.#inbox}.${number}`,
      });
    }
  }

  /** A look per heartbeat, and not a timeout: after this thread was held up, what came meanwhile is read before the next look. */
  #look(): void {
    this.#missed = this.#heard || this.#requests.length === 0 ? 0 : this.#missed + 1;
    this.#heard = false;
    if (this.#missed > LOG_HEARTBEATS_MISSED_MAX) this.#end(`no heartbeat for ${this.#missed * LOG_HEARTBEAT_MS} ms`);
  }
}
