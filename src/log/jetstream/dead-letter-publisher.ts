/**
 * Publishes a partition's dead letters into the stream that all partitions share, numbered 1, 2, 3 … by header. The fence is the sequence of the last letter
 * of the same partition, which is known only from its acknowledgement: one letter is on its way at a time, and a flood of bad events slows its
 * partition down to the pace of the disk.
 *
 * Dead letters are there to be looked at: they may be purged, and another release may word an error otherwise. What differs is logged and ends nothing.
 */
import type { JetStreamManager, NatsConnection, NatsError } from 'nats';
import { DEAD_LETTER_PAYLOAD_BYTES_MAX, NATS_HEADER_BYTES_RESERVED } from '../../constants.ts';
import type { RejectReason } from '../../protocol/rejection.ts';
import { type Fence, FencedPublisher, type PublisherHandlers } from './fenced-publisher.ts';
import { DEAD_LETTER_STREAM, deadLetterMessageId, deadLetterSubject, Header, JetStreamError } from './names.ts';
import { messageBytesMax } from './raw-message.ts';

/** JetStream stores the message only if the last one with its subject has this sequence. */
const EXPECTED_LAST_SUBJECT_SEQUENCE = 'Nats-Expected-Last-Subject-Sequence';

export interface NumberedDeadLetter {
  readonly number: number;
  /** Timestamp of its record, epoch milliseconds. */
  readonly ts: number;
  readonly reason: RejectReason;
  readonly error: string;
  /** The event's bytes as they came. */
  readonly raw: Uint8Array;
}

export class DeadLetterPublisher {
  readonly partition: number;
  readonly #connection: NatsConnection;
  readonly #publisher: FencedPublisher;

  private constructor(connection: NatsConnection, partition: number, publisher: FencedPublisher) {
    this.#connection = connection;
    this.partition = partition;
    this.#publisher = publisher;
  }

  static async open(
    connection: NatsConnection,
    partition: number,
    handlers: PublisherHandlers,
  ): Promise<DeadLetterPublisher> {
    const publisher = await FencedPublisher.open(connection, deadLetterFence(partition), handlers);
    return new DeadLetterPublisher(connection, partition, publisher);
  }

  /** Every dead letter up to this is or was stored; 0 while nothing tells, see DeadLetterPublisher. */
  get durableUpTo(): number {
    return this.#publisher.durableUpTo ?? 0;
  }

  get inFlight(): number {
    return this.#publisher.inFlight;
  }

  /** False: pause the reader until durable() is told. */
  get hasRoom(): boolean {
    return this.#publisher.hasRoom;
  }

  /** In the order of their numbers, without gaps from call to call. */
  publish(letters: readonly NumberedDeadLetter[]): void {
    const subject = deadLetterSubject(this.partition);
    const limit = messageBytesMax(this.#connection) - NATS_HEADER_BYTES_RESERVED;
    const bytesMax = Math.min(limit, DEAD_LETTER_PAYLOAD_BYTES_MAX);
    for (const letter of letters) {
      const headers = `${Header.number}: ${letter.number}\r\n${Header.reason}: ${letter.reason}\r\n`;
      this.#publisher.offer({ number: letter.number, subject, headers, payload: deadLetterPayload(letter, bytesMax) });
    }
  }

  async close(): Promise<void> {
    this.#publisher.close();
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * `{"ts","reason","error","encoding":"text"|"base64","raw"}`, and `"bytes"`, the event's length, where `raw` holds its beginning only because all of it
 * would not fit `bytesMax`.
 */
export function deadLetterPayload(letter: NumberedDeadLetter, bytesMax: number): Uint8Array {
  const { reason, error, raw } = letter;
  const head = { ts: new Date(letter.ts).toISOString(), reason, error };
  const text = textOf(raw);
  const whole =
    text === null
      ? { ...head, encoding: 'base64', raw: Buffer.from(raw).toString('base64') }
      : { ...head, encoding: 'text', raw: text };
  const bytes = Buffer.from(JSON.stringify(whole));
  if (bytes.length <= bytesMax) return bytes;
  const room =
    bytesMax - Buffer.byteLength(JSON.stringify({ ...head, encoding: 'base64', raw: '', bytes: raw.length }));
  const part = raw.subarray(0, Math.floor(Math.max(room, 0) / 4) * 3);
  return Buffer.from(
    JSON.stringify({ ...head, encoding: 'base64', raw: Buffer.from(part).toString('base64'), bytes: raw.length }),
  );
}

function textOf(raw: Uint8Array): string | null {
  try {
    return utf8.decode(raw);
  } catch {
    return null;
  }
}

function deadLetterFence(partition: number): Fence {
  const subject = deadLetterSubject(partition);
  /** Of this partition's last letter; 0: none is kept. */
  let lastSeq = 0;
  return {
    stream: DEAD_LETTER_STREAM,
    windowMax: 1,
    strict: false,
    headers: (number) =>
      `${Header.messageId}: ${deadLetterMessageId(partition, number)}\r\n${EXPECTED_LAST_SUBJECT_SEQUENCE}: ${lastSeq}\r\n`,
    acknowledged: (_number, seq) => {
      lastSeq = seq;
      return true;
    },
    readTail: async (manager) => {
      const last = await lastLetter(manager, subject);
      lastSeq = last?.seq ?? 0;
      return last === null ? null : last.number;
    },
    read: async (manager, number) => {
      const last = await lastLetter(manager, subject);
      return last?.number === number ? last.payload : null;
    },
  };
}

async function lastLetter(
  manager: JetStreamManager,
  subject: string,
): Promise<{ seq: number; number: number; payload: Uint8Array } | null> {
  try {
    const { seq, header, data } = await manager.streams.getMessage(DEAD_LETTER_STREAM, { last_by_subj: subject });
    return { seq, number: Number(header.get(Header.number)) || 0, payload: data };
  } catch (error) {
    if ((error as NatsError).api_error?.err_code === JetStreamError.messageNotFound) return null;
    throw error;
  }
}
