/** A record's events one by one, each as a record's payload of its own. What a partition makes of them does not depend on how they are put into records. */
import { Payload } from '../machine/decode/payload.ts';
import { Fault } from '../machine/fault.ts';

const payload = new Payload(new Fault());

/** Copies. What cannot be read stays what it is, with what is behind it. */
export function splitEvents(bytes: Uint8Array): Uint8Array[] {
  const events: Uint8Array[] = [];
  for (payload.open(bytes); payload.next(); ) events.push(payload.raw());
  return events;
}
