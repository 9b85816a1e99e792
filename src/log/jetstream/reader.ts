/**
 * The log of a cluster: reads a partition's log stream as records, in the thread of its shard. Sequence and timestamp are JetStream's; the kind comes from the
 * subject, which decides who may publish it.
 *
 * Order laws: records come in the order of the stream, each once, without a gap, from the position on; if that cannot be kept, the partition halts and
 * says why. A record is stored by JetStream before it comes here, so its effects may leave the partition once it is applied.
 *
 * Timestamps never go back within a log: where the server's clock was set back, the greatest so far counts. The position carries it, so a reader that
 * begins in the middle derives the same timestamps.
 */
import type { JetStreamManager, NatsConnection } from 'nats';
import { type LogRecord, RecordKind } from '../../protocol/record.ts';
import { eventsSubject, Header, isReplySubject, logStream, recordKindOf } from './names.ts';
import {
  checkPosition,
  explainGap,
  HaltCause,
  type LogPosition,
  messageChecksum,
  StreamHaltedError,
} from './position-check.ts';
import { headerValue, payloadOf, type RawMessage } from './raw-message.ts';
import { StreamFollower, type StreamLog } from './stream-follower.ts';
import { completeEvent } from './subject-event.ts';

export interface ReaderHandlers {
  /**
   * What one read of the socket brought, in order. The array is the receiver's; payloads are views of network buffers that live as long as they are
   * held: copy what is kept for long. May pause().
   */
  records(batch: LogMessage[]): void;
  /** Once, at most; no record comes after it. */
  halted(error: StreamHaltedError): void;
  /** Once: everything that was stored when the reader was opened has been handed over. */
  caughtUp(): void;
  readonly log: StreamLog;
}

/** A record as it was read, with what else came with it. */
export class LogMessage implements LogRecord {
  readonly seq: number;
  readonly ts: number;
  readonly kind: RecordKind;
  readonly payload: Uint8Array;
  /** Where the sender awaits the decisions; null otherwise. Safe to publish to. */
  readonly replyTo: string | null;
  readonly #subject: Uint8Array;
  /** As it is stored; `payload` may have been completed. */
  readonly #stored: Uint8Array;

  constructor(
    seq: number,
    ts: number,
    kind: RecordKind,
    payload: Uint8Array,
    replyTo: string | null,
    subject: Uint8Array,
    stored: Uint8Array,
  ) {
    this.seq = seq;
    this.ts = ts;
    this.kind = kind;
    this.payload = payload;
    this.replyTo = replyTo;
    this.#subject = subject;
    this.#stored = stored;
  }

  /** Itself: one object less for every record. */
  get record(): LogRecord {
    return this;
  }

  /** The third part of the position that this record makes. Computed when asked for: only records that end up in a position pay for it. */
  get crc(): number {
    return messageChecksum(this.#subject, this.#stored);
  }

  get position(): LogPosition {
    return { seq: this.seq, ts: this.ts, crc: this.crc };
  }
}

export class JetStreamReader {
  readonly partition: number;
  readonly #connection: NatsConnection;
  readonly #handlers: ReaderHandlers;
  readonly #batchSubject: Uint8Array;
  #follower: StreamFollower | null = null;
  /** Taken and not handed over; bounded by what the consumer has under way. */
  #gathered: LogMessage[] = [];
  #scheduled = false;
  #paused = false;
  #open = true;
  readonly #start: LogPosition;
  #last: LogMessage | null = null;
  #ts: number;
  /** Last sequence when the reader was opened; −1: not known yet, or told already. */
  #goal = -1;
  #checked = false;

  private constructor(connection: NatsConnection, partition: number, position: LogPosition, handlers: ReaderHandlers) {
    this.#connection = connection;
    this.partition = partition;
    this.#start = position;
    this.#ts = position.ts;
    this.#handlers = handlers;
    this.#batchSubject = new TextEncoder().encode(eventsSubject(partition));
  }

  /**
   * Continues behind `position`. Rejects with StreamHaltedError if the stream does not fit it. Afterwards the reader reconnects, checks and goes on by
   * itself; a stream that cannot be asked yet is asked again until it can.
   */
  static async open(
    connection: NatsConnection,
    partition: number,
    position: LogPosition,
    handlers: ReaderHandlers,
  ): Promise<JetStreamReader> {
    const reader = new JetStreamReader(connection, partition, position, handlers);
    await reader.#follow();
    return reader;
  }

  /** Nothing more is handed over. What was asked for still arrives and is held: 2 MiB at most (LOG_PULLS_IN_FLIGHT × LOG_PULL_BYTES). */
  pause(): void {
    this.#paused = true;
    this.#follower?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#follower?.resume();
    this.#schedule();
  }

  /** Sequence of the last record handed over or held for it: what lies between it and the stream's last is the lag. */
  get received(): number {
    return this.#last === null ? this.#start.seq : this.#last.seq;
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#follower?.close();
    this.#gathered = [];
  }

  async #follow(): Promise<void> {
    this.#follower = await StreamFollower.open({
      connection: this.#connection,
      stream: logStream(this.partition),
      after: this.#start.seq,
      check: (manager) => this.#check(manager),
      explainGap: (manager, expected, found) => explainGap(manager, this.partition, expected, found),
      isFinal: (error) => error instanceof StreamHaltedError,
      message: (seq, ts, message) => this.#take(seq, ts, message),
      failed: (error) => this.#halt(error),
      log: (level, fields, message) => this.#handlers.log(level, { partition: this.partition, ...fields }, message),
    });
    if (this.#paused) this.#follower.pause();
    this.#schedule();
  }

  async #check(manager: JetStreamManager): Promise<void> {
    const { last } = await checkPosition(manager, this.partition, this.#last?.position ?? this.#start);
    if (!this.#checked) this.#goal = last;
    this.#checked = true;
  }

  #take(seq: number, tsMs: number, message: RawMessage): void {
    const payload = payloadOf(message);
    this.#ts = Math.max(tsMs, this.#ts);
    const prefix = this.#batchSubject;
    // The one subject of all batches is remembered once, and not as a view for each of them.
    let subject = prefix;
    let kind: RecordKind = RecordKind.events;
    let complete = payload;
    if (message.subject.length !== prefix.length || !startsWith(message.subject, prefix)) {
      subject = message.subject;
      if (subject.length > prefix.length && startsWith(subject, prefix)) {
        complete = completeEvent(subject, prefix.length + 1, payload);
      } else {
        // A control subject that this version does not know: the machine refuses its payload as an event, and it is kept as a dead letter.
        kind = recordKindOf(Buffer.from(subject).toString()) ?? RecordKind.events;
      }
    }
    const replyTo = message.headerLength === 0 ? null : replySubject(message);
    this.#last = new LogMessage(seq, this.#ts, kind, complete, replyTo, subject, payload);
    this.#gathered.push(this.#last);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || !this.#open) return;
    if (this.#gathered.length === 0 && this.#goal < 0) return;
    this.#scheduled = true;
    // Once the library has parsed what one read of the socket brought: whoever takes it gathers what the other partitions' readers bring in the same turn.
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#handOver();
    });
  }

  #handOver(): void {
    if (this.#paused || !this.#open) return;
    const batch = this.#gathered;
    if (batch.length > 0) {
      this.#gathered = [];
      this.#handlers.records(batch);
    }
    if (this.#goal < 0 || this.received < this.#goal || this.#gathered.length > 0 || !this.#open) return;
    this.#goal = -1;
    this.#handlers.caughtUp();
  }

  /** What came before the fault is handed over first, unless the receiver does not want it. */
  #halt(error: Error): void {
    const halted =
      error instanceof StreamHaltedError
        ? error
        : new StreamHaltedError(this.partition, HaltCause.closed, error.message);
    setImmediate(() => {
      this.#handOver();
      if (!this.#open) return;
      this.#open = false;
      this.#handlers.halted(halted);
    });
  }
}

function startsWith(subject: Uint8Array, prefix: Uint8Array): boolean {
  for (let i = prefix.length - 1; i >= 0; i--) if (subject[i] !== prefix[i]) return false;
  return true;
}

function replySubject(message: RawMessage): string | null {
  const subject = headerValue(message, Header.reply);
  return subject !== null && isReplySubject(subject) ? subject : null;
}
