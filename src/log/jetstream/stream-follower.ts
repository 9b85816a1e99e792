/**
 * Follows one stream without loss or repeat, whatever happens to consumers, connections and servers: a consumer that ended, a silent server or a reconnect
 * is answered by checking the stream and making a new consumer behind the last message taken. Repeats are dropped by their sequence; a sequence that
 * skips ends the following, because on a stream of one's own it can only mean that messages are gone.
 */
import type { JetStreamManager, NatsConnection } from 'nats';
import { JETSTREAM_RETRY_MS_MAX, JETSTREAM_RETRY_MS_MIN, NATS_REQUEST_MS_MAX } from '../../constants.ts';
import { assert } from '../../stdx/assert.ts';
import { AckSubject } from './ack-subject.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { PullConsumer } from './pull-consumer.ts';
import type { RawMessage } from './raw-message.ts';

export type StreamLog = (
  level: 'info' | 'warn' | 'error',
  fields: Readonly<Record<string, string | number>>,
  message: string,
) => void;

export interface FollowerOptions {
  readonly connection: NatsConnection;
  readonly stream: string;
  /** The first message delivered is `after` + 1. */
  readonly after: number;
  /** Before every consumer: whether the stream can be followed from its present position. What `isFinal` knows ends the following. */
  check(manager: JetStreamManager): Promise<void>;
  /** Why the stream goes on at `found` where `expected` was due. */
  explainGap(manager: JetStreamManager, expected: number, found: number): Promise<Error>;
  isFinal(error: unknown): boolean;
  /** In order, each once. The object is used again for the next one, its bytes are not. Must not throw. */
  message(seq: number, tsMs: number, message: RawMessage): void;
  /** Once, at most; nothing is delivered after it. */
  failed(error: Error): void;
  readonly log: StreamLog;
}

export class StreamFollower {
  readonly #options: FollowerOptions;
  readonly #manager: JetStreamManager;
  readonly #watch: ConnectionWatch;
  readonly #ack = { subject: new AckSubject() };
  /** The consumer that may deliver; null while there is none. */
  #consumer: PullConsumer | null = null;
  /** Raised when a consumer is given up: what one before says later is not heard. */
  #generation = 0;
  #next: number;
  #paused = false;
  #open = true;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = JETSTREAM_RETRY_MS_MIN;

  private constructor(options: FollowerOptions, manager: JetStreamManager) {
    this.#options = options;
    this.#manager = manager;
    this.#next = options.after + 1;
    this.#watch = new ConnectionWatch(options.connection, {
      // What a consumer says after a reconnect comes from a stream that nobody has checked yet.
      disconnected: () => this.#dropConsumer(),
      reconnected: () => this.#restart('reconnected', 0),
      closed: () => this.#fail(new Error(`the connection to NATS was closed while ${options.stream} was being read`)),
    });
  }

  /** Rejects if the first check fails for good. If it cannot be made yet, it is tried again until close(), and what it finds told by failed(). */
  static async open(options: FollowerOptions): Promise<StreamFollower> {
    const manager = await options.connection.jetstreamManager({ checkAPI: false, timeout: NATS_REQUEST_MS_MAX });
    const follower = new StreamFollower(options, manager);
    try {
      await follower.#begin(true);
    } catch (error) {
      follower.close();
      throw error;
    }
    return follower;
  }

  /** The last message delivered. */
  get position(): number {
    return this.#next - 1;
  }

  pause(): void {
    this.#paused = true;
    this.#consumer?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#consumer?.resume();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.stop();
    this.#dropConsumer();
    if (this.#retry !== null) clearTimeout(this.#retry);
  }

  #dropConsumer(): void {
    this.#generation += 1;
    this.#consumer?.close();
    this.#consumer = null;
  }

  /** Checks the stream and makes a consumer. Throws what is final, and anything while `first`. */
  async #begin(first: boolean): Promise<void> {
    const generation = this.#generation;
    const current = (): boolean => this.#open && generation === this.#generation;
    const { connection, stream, log } = this.#options;
    try {
      await this.#options.check(this.#manager);
      if (!current()) return;
      this.#ack.subject = new AckSubject();
      const consumer = await PullConsumer.create(connection, this.#manager, stream, this.#next, {
        message: (message) => this.#take(message),
        ended: (reason) => {
          if (current()) this.#restart(reason, JETSTREAM_RETRY_MS_MIN);
        },
      });
      if (!current()) {
        consumer.close();
        return;
      }
      this.#consumer = consumer;
      if (!this.#paused) consumer.resume();
      this.#retryMs = JETSTREAM_RETRY_MS_MIN;
    } catch (error) {
      if (this.#options.isFinal(error)) {
        if (first) throw error;
        if (current()) this.#fail(error as Error);
        return;
      }
      if (!current()) return;
      log('warn', { stream, error: String(error) }, 'the stream cannot be read; trying again');
      this.#restart('', this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, JETSTREAM_RETRY_MS_MAX);
    }
  }

  #restart(reason: string, delayMs: number): void {
    if (!this.#open) return;
    this.#dropConsumer();
    if (reason !== '') {
      const { stream, log } = this.#options;
      log('info', { stream, reason, next: this.#next }, 'making a new consumer');
    }
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = null;
      void this.#begin(false);
    }, delayMs);
  }

  #take(message: RawMessage): void {
    const ack = this.#ack.subject;
    if (message.reply === undefined || !ack.read(message.reply)) {
      this.#restart('a message that no stream delivered', JETSTREAM_RETRY_MS_MIN);
      return;
    }
    const { seq, tsMs } = ack;
    if (seq === this.#next) {
      this.#next = seq + 1;
      this.#options.message(seq, tsMs, message);
      return;
    }
    if (seq > this.#next) this.#stopAtGap(this.#next, seq);
  }

  /** Nothing behind a gap is delivered, also while its cause is looked up. */
  #stopAtGap(expected: number, found: number): void {
    this.#dropConsumer();
    const generation = this.#generation;
    this.#options.explainGap(this.#manager, expected, found).then(
      (error) => this.#fail(error),
      (error) => {
        if (this.#options.isFinal(error)) this.#fail(error);
        // It could not be asked: the next consumer meets the same gap.
        else if (generation === this.#generation) this.#restart(String(error), JETSTREAM_RETRY_MS_MAX);
      },
    );
  }

  #fail(error: Error): void {
    if (!this.#open) return;
    this.close();
    this.#options.failed(error);
    assert(!this.#open, 'a follower that failed is closed');
  }
}
