/**
 * The answer to a `beckon.decide.<p>` request, JSON: as POST /v1/decide answers, `{"event":…,"decisions":[…]}` with `"repeated":true` for a repeat;
 * or `{"error":…,"reason":…}` where the event was rejected or could not be taken.
 */
import type { Rejection } from './rejection.ts';

export interface DecideAnswer {
  readonly rejection: Rejection | null;
  readonly repeated: boolean;
  /** JSON of each. */
  readonly decisions: readonly Uint8Array[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `event` is the id of the event, null where it has none or cannot be read. */
export function encodeDecideAnswer(event: string | null, answer: DecideAnswer): Uint8Array {
  const { rejection, repeated, decisions } = answer;
  if (rejection !== null) return encodeDecideFailure(rejection.error, rejection.reason);
  const texts = decisions.map((json) => decoder.decode(json));
  return encoder.encode(
    `{"event":${JSON.stringify(event)},"decisions":[${texts.join(',')}]${repeated ? ',"repeated":true' : ''}}`,
  );
}

export function encodeDecideFailure(error: string, reason: string): Uint8Array {
  return encoder.encode(JSON.stringify({ error, reason }));
}

/** What a node answered; throws SyntaxError for anything else. */
export function decodeDecideAnswer(bytes: Uint8Array): DecideAnswer {
  const { error, reason, repeated, decisions } = JSON.parse(decoder.decode(bytes)) as {
    error?: string;
    reason?: Rejection['reason'];
    repeated?: boolean;
    decisions?: object[];
  };
  if (error !== undefined) {
    return { rejection: { index: 0, reason: reason ?? 'unsupported', error }, repeated: false, decisions: [] };
  }
  return {
    rejection: null,
    repeated: repeated === true,
    decisions: (decisions ?? []).map((decision) => encoder.encode(JSON.stringify(decision))),
  };
}
