/**
 * One attempt to have JetStream store a message, over a connection that comes and goes. Says of every failure what it means: whether the message may have
 * been stored, and whether to try again.
 */
import { ErrorCode, type JetStreamClient, type NatsConnection, type NatsError } from 'nats';
import { NATS_REQUEST_MS_MAX } from '../constants.ts';
import { eventsSubject } from '../log/jetstream/names.ts';
import type { Batch } from './batch.ts';
import type { Delivery } from './event.ts';

/** An attempt that failed. */
export interface AttemptFailure {
  /** The message may be in the log all the same: the answer is missing, not negative. */
  readonly ambiguous: boolean;
  /** Another attempt may succeed. */
  readonly retry: boolean;
  readonly problem: string;
}

/** JetStream's HTTP-like codes that are about the moment, not about the message. */
const CONFLICT = 409;
const TOO_MANY = 429;
const SERVER_ERRORS = 500;
/** Node's timers take 32 bits. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class Link {
  readonly #stream: JetStreamClient;
  #up = true;
  #closed = false;
  readonly #attempts = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor(connection: NatsConnection) {
    this.#stream = connection.jetstream({ timeout: NATS_REQUEST_MS_MAX });
  }

  /** The connection broke: whatever is under way gets no answer any more. */
  lost(): void {
    this.#up = false;
    for (const giveUp of [...this.#attempts]) giveUp();
  }

  restored(): void {
    this.#up = true;
    this.#wake();
  }

  /** For good. */
  closed(): void {
    this.#closed = true;
    this.lost();
    this.#wake();
  }

  /** Whether there is a connection, once there is; false when there will be none any more, or none came until `deadline` (monotonic milliseconds). */
  async ready(deadline: number): Promise<boolean> {
    while (!this.#up && !this.#closed && performance.now() < deadline) await this.#change(deadline);
    return this.#up && performance.now() < deadline;
  }

  /** One attempt: a delivery or a failure, never a rejection. */
  publish(batch: Batch): Promise<Delivery | AttemptFailure> {
    return new Promise((done) => {
      const settle = (outcome: Delivery | AttemptFailure): void => {
        this.#attempts.delete(giveUp);
        done(outcome);
      };
      const giveUp = (): void => settle({ ambiguous: true, retry: true, problem: 'the connection broke' });
      this.#attempts.add(giveUp);
      this.#stream.publish(eventsSubject(batch.partition), batch.payload(), { msgID: batch.id }).then(
        ({ seq, duplicate }) => settle({ partition: batch.partition, seq, duplicate }),
        (error: NatsError) => settle(failureOf(error)),
      );
    });
  }

  #change(deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const leftMs = deadline - performance.now();
      const timer = leftMs < TIMER_MS_MAX ? setTimeout(wake, Math.max(leftMs, 1)) : undefined;
      const waiting = this.#waiting;
      waiting.add(wake);
      function wake(): void {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      }
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function failureOf(error: NatsError): AttemptFailure {
  const answer = error.api_error;
  if (answer !== undefined) {
    const { code, description } = answer;
    return {
      ambiguous: false,
      retry: code >= SERVER_ERRORS || code === CONFLICT || code === TOO_MANY,
      problem: description,
    };
  }
  switch (error.code) {
    case ErrorCode.NoResponders:
      return { ambiguous: false, retry: true, problem: 'no stream takes events of this partition' };
    case ErrorCode.Timeout:
      return { ambiguous: true, retry: true, problem: `no answer within ${NATS_REQUEST_MS_MAX} ms` };
    case ErrorCode.PermissionsViolation:
      return { ambiguous: false, retry: false, problem: 'this user may not publish events' };
    case ErrorCode.MaxPayloadExceeded:
      return { ambiguous: false, retry: false, problem: "the batch exceeds the server's max_payload" };
    case ErrorCode.ConnectionClosed:
    case ErrorCode.ConnectionDraining:
      return { ambiguous: false, retry: true, problem: 'the connection is closed' };
    default:
      return { ambiguous: true, retry: true, problem: error.message };
  }
}
