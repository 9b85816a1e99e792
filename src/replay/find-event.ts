/**
 * Finds an event of a customer in the log without replaying it. The records' bytes are searched first, and decoded only where they may hold it: in JSON a customer's id stands
 * between quotes as it is, or the record holds a backslash; in MessagePack it stands as it is.
 *
 * What is found was sent; whether it was accepted (of a known type, in time, no repeat) only a replay tells. Therefore `afterSeq` and `atSeq`, to look further.
 */
import { EventDecoder } from '../machine/decode/decode.ts';
import { Payload } from '../machine/decode/payload.ts';
import { Fault } from '../machine/fault.ts';
import { isMessagePack } from '../protocol/payload-format.ts';
import { RecordKind } from '../protocol/record.ts';
import type { FileSystem } from '../storage/file-system.ts';
import type { Frame } from '../storage/frame.ts';
import { neededParts } from '../storage/wal-reader.ts';
import { scanSegment } from '../storage/wal-tail.ts';

const BACKSLASH = 0x5c;

export interface EventQuery {
  /** '': anonymous events. */
  readonly customer: string;
  /** With an id the first such event is found, since whatever comes under it later is a repeat; without, the last one. */
  readonly id?: string;
  /** One of these types; any if absent. */
  readonly types?: readonly string[];
  /** None of these types. */
  readonly exceptTypes?: readonly string[];
  /** In that record or an earlier one. */
  readonly atSeq?: number;
  /** In a later record than that. */
  readonly afterSeq?: number;
  /** Called for each record that is looked at; it may throw to end the search. */
  readonly onRecord?: () => void;
}

export interface FoundEvent {
  /** Of its record. */
  readonly seq: number;
  readonly ts: number;
  /** Within its record. */
  readonly index: number;
  /** '': it has none. */
  readonly id: string;
  readonly type: string;
  /** The event's own time as it was given, epoch ms; null where it was not. */
  readonly givenTs: number | null;
}

/** Looks at the segments from the newest to the oldest, or the other way round for an id, and at no more of them than it takes. */
export function findEvent(
  fs: FileSystem,
  walRoot: string,
  partition: number,
  lastSeq: number,
  query: EventQuery,
): FoundEvent | null {
  const { id, afterSeq = 0, atSeq = lastSeq } = query;
  const search = new EventSearch(query);
  const wanted = (frame: Frame): boolean =>
    frame.partition === partition &&
    frame.kind === RecordKind.events &&
    frame.number > afterSeq &&
    frame.number <= Math.min(atSeq, lastSeq);
  const parts = neededParts(fs, walRoot, { positions: new Map([[partition, afterSeq]]) });
  for (const { segment } of id === undefined ? parts.reverse() : parts) {
    let found: FoundEvent | null = null;
    scanSegment(fs, segment, wanted, (frame, body) => {
      query.onRecord?.();
      found = search.within(body, frame.number, frame.ts) ?? found;
      return id === undefined || found === null;
    });
    if (found !== null) return found;
  }
  return null;
}

/** The date of the first event in the log that has one: where log time begins under the event clock. NaN: there is none. */
export function firstEventDate(fs: FileSystem, walRoot: string, partition: number, lastSeq: number): number {
  const fault = new Fault();
  const payload = new Payload(fault);
  const decoder = new EventDecoder(null, fault);
  const wanted = (frame: Frame): boolean =>
    frame.partition === partition && frame.kind === RecordKind.events && frame.number <= lastSeq;
  let date = Number.NaN;
  for (const { segment } of neededParts(fs, walRoot, { positions: new Map([[partition, 0]]) })) {
    scanSegment(fs, segment, wanted, (_, body) => {
      for (payload.open(body); Number.isNaN(date) && payload.next(); )
        if (payload.ok && decoder.envelope(payload.value) && decoder.time()) date = decoder.givenTs;
      return Number.isNaN(date);
    });
    if (!Number.isNaN(date)) break;
  }
  return date;
}

/** Looks into one record after the other. */
class EventSearch {
  readonly #query: EventQuery;
  readonly #fault = new Fault();
  readonly #payload = new Payload(this.#fault);
  /** Without a workspace: an event's data is not looked at. */
  readonly #decoder = new EventDecoder(null, this.#fault);
  /** What the bytes of a record must hold, in JSON and in MessagePack. */
  readonly #json: readonly Buffer[];
  readonly #binary: readonly Buffer[];

  constructor(query: EventQuery) {
    this.#query = query;
    const texts = [query.customer, query.id ?? ''].filter((text) => text !== '');
    this.#json = texts.map((text) => Buffer.from(`"${text}"`));
    this.#binary = texts.map((text) => Buffer.from(text));
  }

  /** The record's last event that fits, or its first where an id is asked for. */
  within(body: Uint8Array, seq: number, ts: number): FoundEvent | null {
    const { customer, id, types, exceptTypes } = this.#query;
    if (!this.#mayHold(body)) return null;
    const decoder = this.#decoder;
    const payload = this.#payload;
    let found: FoundEvent | null = null;
    for (payload.open(body); payload.next(); ) {
      if (!payload.ok || !decoder.envelope(payload.value) || decoder.customer !== customer) continue;
      if (id !== undefined && decoder.id !== id) continue;
      if (types !== undefined && !types.includes(decoder.type)) continue;
      if (exceptTypes?.includes(decoder.type)) continue;
      if (!decoder.time()) continue;
      const givenTs = Number.isNaN(decoder.givenTs) ? null : decoder.givenTs;
      found = { seq, ts, index: payload.index, id: decoder.id, type: decoder.type, givenTs };
      if (id !== undefined) break;
    }
    return found;
  }

  #mayHold(body: Uint8Array): boolean {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
    if (isMessagePack(body)) return this.#binary.every((text) => bytes.includes(text));
    return this.#json.every((text) => bytes.includes(text)) || bytes.includes(BACKSLASH);
  }
}
