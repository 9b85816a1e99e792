/** Moments as commands take them: RFC 3339, a day (its beginning in UTC), or epoch milliseconds. */
import { parseRfc3339 } from '../machine/decode/rfc3339.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Epoch ms; null: it is no time. */
export function parseTime(text: string): number | null {
  if (/^\d{12,}$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : null;
  const ms = parseRfc3339(DAY.test(text) ? `${text}T00:00:00Z` : text);
  return Number.isNaN(ms) ? null : ms;
}
