/** How far back a partition can be explained, in log time. */
import { EventDecoder } from '../../machine/decode/decode.ts';
import { Payload } from '../../machine/decode/payload.ts';
import { Fault } from '../../machine/fault.ts';
import { RecordKind } from '../../protocol/record.ts';
import type { History } from '../history.ts';

/** Epoch ms; null: nothing is kept, or nothing that has a time. */
export function explainedFrom(history: History, partition: number): number | null {
  const reach = history.reach(partition);
  if (reach === null || reach.seq > 1 || history.identity.clock === 'wall') return reach?.logTime ?? null;
  // Under the event clock a record's own time is none: log time begins with the first event that has one.
  const reader = history.readFrom(partition, 1);
  try {
    while (reader.next()) {
      const ms = reader.kind === RecordKind.events ? firstTime(reader.payload) : null;
      if (ms !== null) return ms;
    }
    return null;
  } finally {
    history.release(reader);
  }
}

function firstTime(bytes: Uint8Array): number | null {
  const fault = new Fault();
  const payload = new Payload(fault);
  const decoder = new EventDecoder(null, fault);
  let first: number | null = null;
  payload.open(bytes);
  while (payload.next()) {
    if (first !== null || !payload.ok || !decoder.envelope(payload.value) || !decoder.time()) continue;
    if (!Number.isNaN(decoder.givenTs)) first = decoder.givenTs;
  }
  return first;
}
