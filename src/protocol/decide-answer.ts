/**
 * The answer to a `beckon.decide.<p>` request, JSON: as POST /v1/decide answers, `{"event":…,"decisions":[…]}` with `"repeated":true` for a repeat, and
 * `"waiting":[campaign…]` where winners still wait for units of a budget or limit;
 * `{"error":…,"reason":…}` where the event was rejected, which is for its sender to mend; or `{"error":…,"failure":…}` where nothing is wrong with it but it could not
 * be taken or not be answered: it may be stored, and is sent again with the same id. `failure` is an IngestFault.
 */

import type { DecideOutcome } from './ingest.ts';
import { IngestError, ingestFaultOf } from './ingest-error.ts';
import type { Rejection } from './rejection.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `event` is the id of the event, null where it has none or cannot be read. */
export function encodeDecideAnswer(event: string | null, answer: DecideOutcome): Uint8Array {
  const { rejection, repeated, decisions, waiting } = answer;
  if (rejection !== null) {
    const { error, reason } = rejection;
    return encoder.encode(JSON.stringify({ error, reason }));
  }
  const texts = decisions.map((json) => decoder.decode(json));
  return encoder.encode(
    `{"event":${JSON.stringify(event)},"decisions":[${texts.join(',')}]${encodeRemarks(repeated, waiting)}}`,
  );
}

/** What is said behind the decisions, where there is something to say. */
export function encodeRemarks(repeated: boolean, waiting: readonly string[]): string {
  return `${repeated ? ',"repeated":true' : ''}${waiting.length > 0 ? `,"waiting":${JSON.stringify(waiting)}` : ''}`;
}

export function encodeDecideFailure({ message, fault }: IngestError): Uint8Array {
  return encoder.encode(JSON.stringify({ error: message, failure: fault }));
}

/** What a node answered. Throws IngestError where that is a failure, and another error for anything that is no answer. */
export function decodeDecideAnswer(bytes: Uint8Array): DecideOutcome {
  const { error, reason, failure, repeated, decisions, waiting } = JSON.parse(decoder.decode(bytes)) as {
    error?: string;
    reason?: Rejection['reason'];
    failure?: string;
    repeated?: boolean;
    decisions?: object[];
    waiting?: string[];
  };
  if (failure !== undefined) throw new IngestError(ingestFaultOf(failure), error ?? failure);
  if (error !== undefined) {
    return {
      rejection: { index: 0, reason: reason ?? 'unsupported', error },
      repeated: false,
      decisions: [],
      waiting: [],
    };
  }
  return {
    rejection: null,
    repeated: repeated === true,
    decisions: (decisions ?? []).map((decision) => encoder.encode(JSON.stringify(decision))),
    waiting: waiting ?? [],
  };
}
