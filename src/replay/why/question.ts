/** What a question for the reasons asks for, and why it may have no answer. */
import { parseRfc3339 } from '../../machine/decode/rfc3339.ts';
import type { WhyRefusal } from '../../protocol/why.ts';

/** Moments of this record, or the last one at or before this log time. */
export type AskedTime = { readonly seq: number } | { readonly ms: number };

/** There is no answer, and a person is told why. */
export class WhyError extends Error {
  override readonly name = 'WhyError';
  readonly refusal: WhyRefusal;

  constructor(refusal: WhyRefusal, detail: string) {
    super(detail);
    this.refusal = refusal;
  }
}

/** A whole number is a record's sequence, everything else a time. WhyError where it is neither. */
export function askedTime(text: string): AskedTime {
  if (/^\d+$/.test(text)) {
    const seq = Number(text);
    if (Number.isSafeInteger(seq) && seq >= 1) return { seq };
    throw new WhyError('at', `at: records are numbered from 1, "${text}" is no such number`);
  }
  const ms = parseRfc3339(text);
  if (!Number.isNaN(ms)) return { ms };
  throw new WhyError(
    'at',
    `at: expected the sequence of a record such as 1234, or a time with its zone such as 2010-12-01T08:26:00Z, got "${text}"`,
  );
}
