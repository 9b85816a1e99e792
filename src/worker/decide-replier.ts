/**
 * Answers tills on NATS once their event was applied: with the decisions that were just made, or, for a repeat, with the original ones out of the decision stream.
 * These may still be on their way there: a repeat waits for them up to DECIDE_MS_MAX, and is told that it failed otherwise. An answer never holds fewer decisions
 * than were made, unless the stream no longer keeps them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DECIDE_MS_MAX } from '../constants.ts';
import type { Effects } from '../machine/effects.ts';
import { type DecideAnswer, encodeDecideAnswer, encodeDecideFailure } from '../protocol/decide-answer.ts';
import { IngestError } from '../protocol/ingest-error.ts';
import type { LogRecord } from '../protocol/record.ts';
import { answerOf, eventIdOf } from './decide-reply.ts';

const CHECK_MS = 5;

export interface DecideLinks {
  readonly stored: { read(partition: number, first: number, count: number): Promise<Uint8Array[]> };
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
  const { answer, first, count } = answerOf(effects);
  const event = eventIdOf(record);
  const bytes =
    count === 0 ? encodeDecideAnswer(event, answer) : await repeat(links, partition, event, answer, first, count);
  links.requests.answer(replyTo, bytes);
}

async function repeat(
  links: DecideLinks,
  partition: number,
  event: string | null,
  answer: DecideAnswer,
  first: number,
  count: number,
): Promise<Uint8Array> {
  try {
    await untilStored(links, partition, first + count - 1);
    return encodeDecideAnswer(event, { ...answer, decisions: await links.stored.read(partition, first, count) });
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
