/**
 * What the NATS library knows of a message and a connection but does not hand out: the bytes as they came off the wire. Its own accessors decode a subject
 * and a reply into strings and headers into maps for every message, which costs more than all that a reader does with it. The one place that
 * looks behind the library's types; a test holds that what it finds there is what the accessors say.
 */
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from 'nats';
import { assert } from '../../stdx/assert.ts';

export interface RawMessage {
  readonly subject: Uint8Array;
  readonly reply: Uint8Array | undefined;
  /** Headers and payload, one behind the other. */
  readonly body: Uint8Array;
  /** Bytes of `body` that are headers: 0 without any. */
  readonly headerLength: number;
}
/** One that is filled again for every message of a busy subscription. */
export type ReusedMessage = { -readonly [Field in keyof RawMessage]: RawMessage[Field] };

interface LibraryMessage {
  readonly _msg: { readonly subject: Uint8Array; readonly reply?: Uint8Array; readonly hdr: number };
  readonly _rdata: Uint8Array;
}

const nothing = new Uint8Array(0);

export function emptyMessage(): ReusedMessage {
  return { subject: nothing, reply: undefined, body: nothing, headerLength: 0 };
}

/** The bytes themselves are not copied: they may be kept when `into` is filled with another message. */
export function rawMessage(message: Msg, into: ReusedMessage = emptyMessage()): RawMessage {
  const { _msg: envelope, _rdata: body } = message as unknown as LibraryMessage;
  assert(envelope?.subject instanceof Uint8Array && body instanceof Uint8Array, 'nats 2.29 keeps a message as bytes');
  into.subject = envelope.subject;
  into.reply = envelope.reply;
  into.body = body;
  into.headerLength = Math.max(envelope.hdr, 0);
  return into;
}

export function payloadOf(message: RawMessage): Uint8Array {
  return message.headerLength === 0 ? message.body : message.body.subarray(message.headerLength);
}

const SPACE = 0x20;
const STATUS_AT = 'NATS/1.0'.length;

/** The status of a message that the server itself sent: 100 for a heartbeat, 408, 409, 503 …; 0 for a message of somebody's. */
export function statusOf(message: RawMessage): number {
  const { body, headerLength } = message;
  if (headerLength === 0 || body[STATUS_AT] !== SPACE) return 0;
  return Number.parseInt(headerText(message).slice(STATUS_AT + 1), 10) || 0;
}

/** The headers as text, the first line included. */
export function headerText({ body, headerLength }: RawMessage): string {
  return Buffer.from(body.buffer, body.byteOffset, headerLength).toString('latin1');
}

/** The value of a header, null without it. */
export function headerValue(message: RawMessage, name: string): string | null {
  if (message.headerLength === 0) return null;
  const text = headerText(message);
  const start = text.indexOf(`\r\n${name}:`);
  if (start < 0) return null;
  const valueStart = start + name.length + 3;
  return text.slice(valueStart, text.indexOf('\r\n', valueStart)).trim();
}

/** A fresh inbox where the connection's user may listen. */
export function inboxOf(connection: NatsConnection): string {
  const { options } = connection as unknown as { readonly options?: { readonly inboxPrefix?: string } };
  return createInbox(options?.inboxPrefix);
}

/** Headers for a publish, from lines `Name: value\r\n`. The library's own map costs microseconds to fill; all that is asked of it is its bytes. */
export function encodedHeaders(lines: string): MsgHdrs {
  const bytes = Buffer.from(`NATS/1.0\r\n${lines}\r\n`, 'utf8');
  return { encode: () => bytes } as unknown as MsgHdrs;
}

const knownLimits = new WeakMap<NatsConnection, number>();

/** Bytes of headers and payload that the server takes in one message. The connection forgets what it knew of its server while it reconnects; this does not. */
export function messageBytesMax(connection: NatsConnection): number {
  const limit = connection.info?.max_payload;
  if (limit !== undefined) knownLimits.set(connection, limit);
  return limit ?? knownLimits.get(connection) ?? Number.POSITIVE_INFINITY;
}
