/** What a question for the reasons asks for, and why it may have no answer. */
import { parseRfc3339 } from '../../machine/decode/rfc3339.ts';
import type { WhyRefusal } from '../../protocol/why.ts';
import { parseDate } from '../../workspace/calendar.ts';

/** Moments of this record; or the last one at or before this log time, or until the end of this day (from 1970-01-01) by the workspace's clock. */
export type AskedTime = { readonly seq: number } | AskedUntil;
export type AskedUntil = { readonly ms: number } | { readonly day: number };

/** There is no answer, and a person is told why. */
export class WhyError extends Error {
  override readonly name = 'WhyError';
  readonly refusal: WhyRefusal;

  constructor(refusal: WhyRefusal, detail: string) {
    super(detail);
    this.refusal = refusal;
  }
}

/** As RFC 3339 writes it, or without seconds; NaN where it is none. */
export function timeOf(text: string): number {
  return parseRfc3339(text.replace(/^(.{10}T\d\d:\d\d)(?=[Z+-])/i, '$1:00'));
}

/** A whole number is a record's sequence, everything else a time or a day. WhyError where it is none. */
export function askedTime(text: string): AskedTime {
  if (/^\d+$/.test(text)) {
    const seq = Number(text);
    if (Number.isSafeInteger(seq) && seq >= 1) return { seq };
    throw new WhyError('at', `at: records are numbered from 1, "${text}" is no such number`);
  }
  const ms = timeOf(text);
  if (!Number.isNaN(ms)) return { ms };
  const day = parseDate(text);
  if (day !== null) return { day };
  throw new WhyError(
    'at',
    `at: expected a time with its zone such as 2010-12-01T08:26:00Z, a day such as 2010-12-01, or the number of a record such as 1234, got "${text}"`,
  );
}
