/** A decision in its numbered log: channel and campaign, which subscribers filter on, each as UTF-8 behind a u32 length; then the JSON to the end. */
import type { EncodedDecision } from '../protocol/decision.ts';
import { ByteReader, ByteWriter } from '../stdx/bytes.ts';

const writer = new ByteWriter(4096);

/** The number is the entry's own. A copy that the caller keeps. */
export function encodeDecisionEntry(decision: EncodedDecision): Uint8Array {
  writer.clear();
  writer.text(decision.channel);
  writer.text(decision.campaign);
  writer.raw(decision.json);
  return writer.copy();
}

/** `json` is a view into `bytes`. Throws RangeError on bytes that encodeDecisionEntry did not make. */
export function decodeDecisionEntry(number: number, bytes: Uint8Array): EncodedDecision {
  const reader = new ByteReader(bytes);
  const channel = reader.text();
  const campaign = reader.text();
  return { number, channel, campaign, json: reader.raw(reader.remaining) };
}
