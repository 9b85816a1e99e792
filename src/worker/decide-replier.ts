/**
 * Answers tills on NATS once their event was applied: with the decisions that were just made, or, for a repeat, with the original ones out of the decision stream.
 * These may still be on their way there: a repeat waits for them up to DECIDE_MS_MAX, and is told that it failed otherwise. An answer never holds fewer decisions
 * than were made, unless the stream no longer keeps them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { unpack } from 'msgpackr';
import { DECIDE_MS_MAX } from '../constants.ts';
import type { Effects } from '../machine/effects.ts';
import { encodeDecideAnswer, encodeDecideFailure } from '../protocol/decide-answer.ts';
import { IngestError } from '../protocol/ingest-error.ts';
import type { LogRecord } from '../protocol/record.ts';
import type { HeldAnswers } from './held-answers.ts';

const CHECK_MS = 5;

export interface DecideLinks {
  readonly stored: { read(partition: number, first: number, count: number): Promise<Uint8Array[]> };
  readonly held: Pick<HeldAnswers, 'hold'>;
  readonly requests: { answer(replyTo: string, answer: Uint8Array): void };
  /** Number of the last decision stored; null once nothing more will be. */
  decisionsStoredUpTo(partition: number): number | null;
}

/** Never rejects. What it needs of `record` and `effects` is taken before it returns: both may be reused. */
export async function replyToDecide(
  links: DecideLinks,
  replyTo: string,
  partition: number,
  record: LogRecord,
  effects: Effects,
): Promise<void> {
  const event = eventIdOf(record);
  const rejection = effects.rejections[0] ?? null;
  const original = effects.repeatedOf[0];
  if (original !== undefined && original.count > 0) {
    const { first, count } = original;
    links.requests.answer(replyTo, await repeat(links, partition, event, first, count));
    return;
  }
  const repeated = original !== undefined;
  links.held.hold(partition, effects, ({ decisions, waiting }) =>
    links.requests.answer(replyTo, encodeDecideAnswer(event, { rejection, repeated, decisions, waiting })),
  );
}

async function repeat(
  links: DecideLinks,
  partition: number,
  event: string | null,
  first: number,
  count: number,
): Promise<Uint8Array> {
  try {
    await untilStored(links, partition, first + count - 1);
    const decisions = await links.stored.read(partition, first, count);
    return encodeDecideAnswer(event, { rejection: null, repeated: true, decisions, waiting: [] });
  } catch (error) {
    return encodeDecideFailure(
      error instanceof IngestError ? error : new IngestError('unavailable', (error as Error).message),
    );
  }
}

async function untilStored(links: DecideLinks, partition: number, number: number): Promise<void> {
  const deadline = performance.now() + DECIDE_MS_MAX;
  for (;;) {
    const upTo = links.decisionsStoredUpTo(partition);
    if (upTo === null) throw new IngestError('unavailable', `partition ${partition} has halted on this node`);
    if (upTo >= number) return;
    if (performance.now() > deadline)
      throw new IngestError('timeout', `decision ${partition}-${number} was not stored within ${DECIDE_MS_MAX} ms`);
    await sleep(CHECK_MS);
  }
}

/** The id of the one event in a record; null if it has none or cannot be read. */
function eventIdOf(record: LogRecord): string | null {
  const { payload } = record;
  try {
    const event: unknown = (payload[0] ?? 0) >= 0x80 ? unpack(payload) : JSON.parse(new TextDecoder().decode(payload));
    const id = typeof event === 'object' && event !== null ? (event as { id?: unknown }).id : undefined;
    return typeof id === 'string' ? id : null;
  } catch {
    return null;
  }
}
