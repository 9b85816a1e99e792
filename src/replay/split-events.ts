/** A record's events one by one, each as a record's payload of its own. What a partition makes of them does not depend on how they are put into records. */
import { Payload } from '../machine/decode/payload.ts';
import { Fault } from '../machine/fault.ts';
import { isMessagePack } from '../protocol/payload-format.ts';

const OPENING = 0x5b;
const CLOSING = 0x5d;
const MESSAGE_PACK_LIST_OF_ONE = 0x91;

const payload = new Payload(new Fault());

/** Copies. What cannot be read stays what it is, with what is behind it. */
export function splitEvents(bytes: Uint8Array): Uint8Array[] {
  const events: Uint8Array[] = [];
  for (payload.open(bytes); payload.next(); ) events.push(currentAlone(payload));
  return events;
}

/** The payload's current event. A list in its place is none, and would be read as a list of events by itself: it stays in one. */
export function currentAlone(payload: Payload): Uint8Array {
  const raw = payload.raw();
  if (isMessagePack(raw)) return isMessagePackList(raw) ? listOf([MESSAGE_PACK_LIST_OF_ONE], raw, []) : raw;
  return raw[0] === OPENING ? listOf([OPENING], raw, [CLOSING]) : raw;
}

function isMessagePackList([first = 0]: Uint8Array): boolean {
  return (first & 0xf0) === 0x90 || first === 0xdc || first === 0xdd;
}

function listOf(before: readonly number[], raw: Uint8Array, after: readonly number[]): Uint8Array {
  const list = new Uint8Array(before.length + raw.length + after.length);
  list.set(before);
  list.set(raw, before.length);
  list.set(after, before.length + raw.length);
  return list;
}
