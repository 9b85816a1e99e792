/**
 * Whether a stream is still the one that a position was taken from. A position is {sequence, timestamp, checksum of the message}: sequence numbers alone
 * do not do, because a stream that lost its tail gives the same numbers again, to other messages.
 *
 * The next record must follow: everything between the position and the stream's end is there, or the partition halts. Nothing is ever skipped.
 */
import type { JetStreamManager, NatsError, StoredMsg } from 'nats';
import { RecordKind } from '../../protocol/record.ts';
import { recordChecksum } from '../record-checksum.ts';
import { JetStreamError, logStream, recordKindOf } from './names.ts';
import { completeEvent } from './subject-event.ts';

/** Where a partition stands in its log stream. */
export interface LogPosition {
  /** 0: at the very beginning. */
  readonly seq: number;
  /** The record's timestamp. */
  readonly ts: number;
  /** Of the message at `seq`, see messageChecksum; 0 where seq is 0. */
  readonly crc: number;
}

export const HaltCause = {
  /** The stream is not there. */
  missing: 'missing',
  /** Messages behind the position are gone from the stream's beginning: retention or a purge. */
  purged: 'purged',
  /** The stream ends before the position. */
  truncated: 'truncated',
  /** It is another stream of the same name. */
  recreated: 'recreated',
  /** The position's sequence number belongs to another message now. */
  reused: 'reused',
  /** A message was deleted out of the middle. */
  hole: 'hole',
  /** The connection was closed for good. */
  closed: 'closed',
} as const;
export type HaltCause = (typeof HaltCause)[keyof typeof HaltCause];

/** A partition cannot go on from its stream: to do so would lose records or apply others than before. Only a person can decide what follows. */
export class StreamHaltedError extends Error {
  override readonly name = 'StreamHaltedError';
  readonly partition: number;
  readonly stream: string;
  override readonly cause: HaltCause;

  constructor(partition: number, cause: HaltCause, found: string) {
    const stream = logStream(partition);
    super(`partition ${partition} halts, ${stream}: ${found}. Nothing was skipped. Remedy: ${remedies[cause]}.`);
    this.partition = partition;
    this.stream = stream;
    this.cause = cause;
  }
}

const fromBackup = 'restore the stream from a backup that holds it';
const fromScratch =
  "rebuild the partition from what the stream holds now, by starting with an empty data folder: decisions that rest on what was lost will then differ, so remove the partition's decision stream as well";
const remedies: Readonly<Record<HaltCause, string>> = {
  missing: `${fromBackup}, or, if it never held anything, start a node with --nats to create it`,
  purged: `start with the data folder of a node that is further on, or ${fromBackup}; and give the log streams a longer retention than a node is ever away`,
  truncated: `${fromBackup} up to this position, or ${fromScratch}`,
  recreated: `${fromBackup}, or use the data folder that belongs to this stream, or ${fromScratch}`,
  reused: `${fromBackup}, or ${fromScratch}`,
  hole: `start with the data folder of a node that applied the message before it was deleted, or ${fromBackup}; never delete single messages of a log`,
  closed: 'see why the connection was closed, then start the node again',
};

/**
 * The checksum of the record that a message is: what the write-ahead log holds of it, so that a node knows its position after a restart. Headers do not
 * count: they say how to deliver, not what happened.
 */
export function messageChecksum(subject: Uint8Array, payload: Uint8Array): number {
  const name = Buffer.from(subject).toString();
  const kind = recordKindOf(name) ?? RecordKind.events;
  if (!name.startsWith('beckon.events.')) return recordChecksum(kind, payload);
  // beckon.events.<p>.<customer>.<type>: the customer comes behind the third dot.
  let customerAt = 0;
  for (let dots = 0; dots < 3 && customerAt >= 0; dots++) customerAt = subject.indexOf(DOT, customerAt) + 1 || -1;
  return recordChecksum(kind, customerAt < 0 ? payload : completeEvent(subject, customerAt, payload));
}

const DOT = 0x2e;

export interface StreamRange {
  /** last + 1 when the stream is empty. */
  readonly first: number;
  readonly last: number;
}

/** Throws StreamHaltedError if the records after `position` cannot be read from the stream, and what the connection threw if it could not be asked. */
export async function checkPosition(
  manager: JetStreamManager,
  partition: number,
  position: LogPosition,
): Promise<StreamRange> {
  const { first, last, created } = await streamRange(manager, partition);
  const halt = (cause: HaltCause, found: string): never => {
    throw new StreamHaltedError(partition, cause, found);
  };
  const { seq, ts } = position;
  // Only to find the right word: clocks may have been set back.
  const younger = created > ts && seq > 0;
  const madeAnew = `it was created ${time(created)}, after record ${seq} was stored (${time(ts)})`;
  if (seq > last) {
    if (younger) halt(HaltCause.recreated, `it ends at record ${last}, this partition applied ${seq}: ${madeAnew}`);
    halt(HaltCause.truncated, `it ends at record ${last}, but this partition already applied up to ${seq}`);
  }
  if (first > seq + 1) {
    const gone = first === seq + 2 ? `record ${seq + 1} is` : `records ${seq + 1} to ${first - 1} are`;
    if (younger) halt(HaltCause.recreated, `it begins at record ${first}, ${seq + 1} is needed: ${madeAnew}`);
    halt(HaltCause.purged, `it begins at record ${first}, this partition applied up to ${seq}: ${gone} gone`);
  }
  // The message at the position is the last one that retention took: nothing is missing.
  if (seq === 0 || first === seq + 1) return { first, last };
  const stored = await messageAt(manager, partition, seq);
  if (stored === null) {
    const now = await streamRange(manager, partition);
    if (now.first > seq) return checkPosition(manager, partition, position);
    halt(HaltCause.hole, `record ${seq} was deleted from it, so that nothing tells whether what follows belongs to it`);
  }
  const message = stored as StoredMsg;
  const crc = messageChecksum(Buffer.from(message.subject), message.data);
  const storedTs = Math.floor(message.time.getTime());
  if (crc !== position.crc || storedTs > ts) {
    const found = `record ${seq} is now another message, stored ${time(storedTs)} (checksum ${hex(crc)}), than this partition applied, stored ${time(ts)} (checksum ${hex(position.crc)})`;
    if (younger) halt(HaltCause.recreated, `${found}: ${madeAnew}`);
    halt(HaltCause.reused, `${found}: the stream lost its end and gave the sequence number again`);
  }
  return { first, last };
}

/** Says why the stream goes on at `found` where `expected` should follow. */
export async function explainGap(
  manager: JetStreamManager,
  partition: number,
  expected: number,
  found: number,
): Promise<StreamHaltedError> {
  const { first } = await streamRange(manager, partition);
  const missing = expected === found - 1 ? `record ${expected} is` : `records ${expected} to ${found - 1} are`;
  return first > expected
    ? new StreamHaltedError(partition, HaltCause.purged, `it begins at record ${first} now, and ${missing} gone unread`)
    : new StreamHaltedError(partition, HaltCause.hole, `${missing} missing from its middle`);
}

async function streamRange(
  manager: JetStreamManager,
  partition: number,
): Promise<StreamRange & { readonly created: number }> {
  try {
    const { state, created } = await manager.streams.info(logStream(partition));
    const last = state.last_seq;
    const first = state.messages === 0 ? last + 1 : state.first_seq;
    return { first, last, created: Math.floor(new Date(created).getTime()) };
  } catch (error) {
    if ((error as NatsError).api_error?.err_code !== JetStreamError.streamNotFound) throw error;
    throw new StreamHaltedError(partition, HaltCause.missing, 'there is no such stream');
  }
}

async function messageAt(manager: JetStreamManager, partition: number, seq: number): Promise<StoredMsg | null> {
  try {
    return await manager.streams.getMessage(logStream(partition), { seq });
  } catch (error) {
    if ((error as NatsError).api_error?.err_code === JetStreamError.messageNotFound) return null;
    throw error;
  }
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
