/** What JetStream answers to a publish. */
import { JetStreamError } from './names.ts';
import { payloadOf, type RawMessage, statusOf } from './raw-message.ts';

export type PublishAck =
  | { readonly seq: number; readonly duplicate: boolean }
  /** `code`: JetStream's error code; 503 where no stream listens on the subject, or JetStream is not there at the moment. */
  | { readonly code: number; readonly error: string };

export const NO_RESPONDERS = 503;

export function parsePublishAck(message: RawMessage): PublishAck {
  const status = statusOf(message);
  if (status !== 0) return { code: status, error: 'no stream takes the subject, or JetStream is not available' };
  try {
    const payload = payloadOf(message);
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('latin1');
    const answer = JSON.parse(text) as {
      seq?: number;
      duplicate?: boolean;
      error?: { code: number; err_code?: number; description?: string };
    };
    if (answer.error !== undefined)
      return { code: answer.error.err_code ?? answer.error.code, error: answer.error.description ?? 'refused' };
    if (typeof answer.seq === 'number') return { seq: answer.seq, duplicate: answer.duplicate === true };
  } catch {
    // Told below.
  }
  return { code: 0, error: 'the answer cannot be understood' };
}

export function isFenceError(code: number): boolean {
  return code === JetStreamError.wrongLastSequence || code === JetStreamError.wrongLastSequenceConstant;
}
