/**
 * Appends records to the log streams of all partitions: events from HTTP, ticks, activations, messages between partitions. An append resolves once JetStream has
 * stored it, which is when the sender may be told so.
 *
 * What is not acknowledged is sent again, under the same message id, until LOG_APPEND_MS_MAX: within JetStream's duplicate window it is stored once.
 * A timeout therefore leaves open whether the record was stored. Appends to one partition are sent in the order of the calls; one that is sent again may
 * come behind later ones.
 */
import { type Msg, type NatsConnection, type NatsError, nuid } from 'nats';
import {
  LOG_APPEND_BYTES_PENDING_MAX,
  LOG_APPEND_MS_MAX,
  LOG_APPEND_RESEND_MS,
  NATS_HEADER_BYTES_RESERVED,
  PUBLISH_CHECK_MS,
} from '../../constants.ts';
import { IngestError } from '../../protocol/ingest-error.ts';
import type { RecordKind } from '../../protocol/record.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { Header, recordSubject } from './names.ts';
import { NO_RESPONDERS, parsePublishAck } from './publish-ack.ts';
import { encodedHeaders, inboxOf, messageBytesMax, rawMessage } from './raw-message.ts';

/**
 * too_large: no server takes it. full: too much is waiting, try later; nothing was sent. refused: JetStream said no, nothing is stored. timeout: no answer; it may
 * be stored. closed: the connection is gone; it may be stored.
 */
export type AppendFault = 'too_large' | 'full' | 'refused' | 'timeout' | 'closed';

export class AppendError extends IngestError {
  override readonly name = 'AppendError';
  readonly partition: number;

  constructor(fault: AppendFault, partition: number, what: string) {
    super(fault, `the log of partition ${partition}: ${what}`);
    this.partition = partition;
  }
}

export interface AppendOptions {
  /** Names the record for JetStream's duplicate window. Default: a fresh one. */
  readonly messageId?: string;
  /** Where the owner of the partition answers once the record is applied. */
  readonly replyTo?: string;
}

export interface Appended {
  readonly seq: number;
  /** A record with this message id was stored before. */
  readonly duplicate: boolean;
}

interface Pending {
  readonly partition: number;
  readonly subject: string;
  readonly headers: ReturnType<typeof encodedHeaders>;
  readonly payload: Uint8Array;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: AppendError) => void;
  /** Checks since it was first sent, and since it was last sent. */
  age: number;
  silence: number;
}

export class LogWriter {
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  readonly #subscription: { unsubscribe(): void };
  readonly #watch: ConnectionWatch;
  readonly #timer: NodeJS.Timeout;
  readonly #idPrefix = nuid.next();
  /** By ticket, in the order of the calls. */
  readonly #pending = new Map<number, Pending>();
  #ticket = 0;
  #pendingBytes = 0;
  #connected = true;
  #open = true;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    messageBytesMax(connection);
    this.#inbox = inboxOf(connection);
    this.#subscription = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => this.#answered(error, message),
    });
    this.#timer = setInterval(() => this.#check(), PUBLISH_CHECK_MS);
    this.#watch = new ConnectionWatch(connection, {
      disconnected: () => {
        this.#connected = false;
      },
      reconnected: () => {
        this.#connected = true;
        for (const [ticket, pending] of this.#pending) this.#send(ticket, pending);
      },
      closed: () => this.close(),
    });
  }

  /** Payload bytes whose storage is not acknowledged yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Rejects with AppendError. The payload must not change until it settles. */
  append(partition: number, kind: RecordKind, payload: Uint8Array, options: AppendOptions = {}): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const refuse = (fault: AppendFault, what: string): void => reject(new AppendError(fault, partition, what));
      if (!this.#open) {
        refuse('closed', 'the connection to NATS is closed');
        return;
      }
      const limit = messageBytesMax(this.#connection) - NATS_HEADER_BYTES_RESERVED;
      if (payload.length > limit) {
        const what = `a record of ${payload.length} bytes does not fit a message of the server (${limit} without headers)`;
        refuse('too_large', `${what}; raise max_payload in the configuration of nats-server`);
        return;
      }
      if (this.#pendingBytes > 0 && this.#pendingBytes + payload.length > LOG_APPEND_BYTES_PENDING_MAX) {
        refuse('full', `${this.#pendingBytes} bytes wait to be stored already`);
        return;
      }
      const ticket = ++this.#ticket;
      const id = options.messageId ?? `${this.#idPrefix}-${ticket}`;
      const reply = options.replyTo === undefined ? '' : `${Header.reply}: ${options.replyTo}\r\n`;
      const pending: Pending = {
        partition,
        subject: recordSubject(partition, kind),
        headers: encodedHeaders(`${Header.messageId}: ${id}\r\n${reply}`),
        payload,
        resolve,
        reject,
        age: 0,
        silence: 0,
      };
      this.#pending.set(ticket, pending);
      this.#pendingBytes += payload.length;
      if (this.#connected) this.#send(ticket, pending);
    });
  }

  /** Whatever is not acknowledged is rejected with `closed`. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#timer);
    this.#watch.stop();
    if (!this.#connection.isClosed()) this.#subscription.unsubscribe();
    for (const [ticket, { partition, reject }] of this.#pending) {
      this.#settle(ticket);
      reject(
        new AppendError('closed', partition, 'the connection was closed before JetStream acknowledged the record'),
      );
    }
  }

  #send(ticket: number, pending: Pending): void {
    pending.silence = 0;
    try {
      this.#connection.publish(pending.subject, pending.payload, {
        reply: `${this.#inbox}.${ticket}`,
        headers: pending.headers,
      });
    } catch (error) {
      this.#refuse(ticket, pending, 'refused', (error as NatsError).message);
    }
  }

  #answered(error: NatsError | null, message: Msg): void {
    if (error !== null) {
      this.close();
      return;
    }
    const ticket = Number(message.subject.slice(this.#inbox.length + 1));
    const pending = this.#pending.get(ticket);
    // Sent twice, answered twice.
    if (pending === undefined) return;
    const ack = parsePublishAck(rawMessage(message));
    if ('error' in ack) {
      // JetStream that starts or elects a leader is asked again at the next check.
      if (ack.code === NO_RESPONDERS) pending.silence = Number.POSITIVE_INFINITY;
      else this.#refuse(ticket, pending, 'refused', `JetStream refused a record: ${ack.error} (${ack.code})`);
      return;
    }
    this.#settle(ticket);
    pending.resolve({ seq: ack.seq, duplicate: ack.duplicate });
  }

  #check(): void {
    for (const [ticket, pending] of this.#pending) {
      pending.age += PUBLISH_CHECK_MS;
      pending.silence += PUBLISH_CHECK_MS;
      if (pending.age >= LOG_APPEND_MS_MAX) {
        this.#refuse(
          ticket,
          pending,
          'timeout',
          `JetStream did not acknowledge a record within ${LOG_APPEND_MS_MAX} ms`,
        );
      } else if (this.#connected && pending.silence >= LOG_APPEND_RESEND_MS) {
        this.#send(ticket, pending);
      }
    }
  }

  #refuse(ticket: number, pending: Pending, fault: AppendFault, what: string): void {
    this.#settle(ticket);
    pending.reject(new AppendError(fault, pending.partition, what));
  }

  #settle(ticket: number): void {
    const pending = this.#pending.get(ticket);
    if (pending === undefined) return;
    this.#pending.delete(ticket);
    this.#pendingBytes -= pending.payload.length;
  }
}
