/** What a till on NATS is told once its event was applied. */
import { unpack } from 'msgpackr';
import type { Effects } from '../machine/effects.ts';
import type { DecideAnswer } from '../protocol/decide-answer.ts';
import type { LogRecord } from '../protocol/record.ts';

/** The answer, without the decisions of a repeat; these are numbers `first` … `first + count − 1` of the partition. */
export function answerOf(effects: Effects): { answer: DecideAnswer; first: number; count: number } {
  const original = effects.repeatedOf[0];
  const answer = {
    rejection: effects.rejections[0] ?? null,
    repeated: original !== undefined,
    decisions: effects.decisions.map((decision) => decision.json),
  };
  return { answer, first: original?.first ?? 0, count: original?.count ?? 0 };
}

/** The id of the one event in a record; null if it has none or cannot be read. */
export function eventIdOf(record: LogRecord): string | null {
  const { payload } = record;
  try {
    const event: unknown = (payload[0] ?? 0) >= 0x80 ? unpack(payload) : JSON.parse(new TextDecoder().decode(payload));
    const id = typeof event === 'object' && event !== null ? (event as { id?: unknown }).id : undefined;
    return typeof id === 'string' ? id : null;
  } catch {
    return null;
  }
}
