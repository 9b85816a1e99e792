/** A bad event in its numbered log: f64 ts of its record, reason and error as UTF-8 behind u32 lengths; then the bytes as they came. */
import type { RejectReason } from '../protocol/rejection.ts';
import { ByteReader, ByteWriter } from '../stdx/bytes.ts';

export interface DeadLetter {
  /** Epoch milliseconds. */
  readonly ts: number;
  readonly reason: RejectReason;
  readonly error: string;
  readonly raw: Uint8Array;
}

const writer = new ByteWriter(4096);

/** The number is the entry's own. A copy that the caller keeps. */
export function encodeDeadLetterEntry(letter: DeadLetter): Uint8Array {
  writer.clear();
  writer.f64(letter.ts);
  writer.text(letter.reason);
  writer.text(letter.error);
  writer.raw(letter.raw);
  return writer.copy();
}

/** `raw` is a view into `bytes`. Throws RangeError on bytes that encodeDeadLetterEntry did not make. */
export function decodeDeadLetterEntry(bytes: Uint8Array): DeadLetter {
  const reader = new ByteReader(bytes);
  const ts = reader.f64();
  const reason = reader.text() as RejectReason;
  const error = reader.text();
  return { ts, reason, error, raw: reader.raw(reader.remaining) };
}
