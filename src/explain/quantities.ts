/** Durations, numbers and texts as people say them. What must stay on one line is joined by KEEP, which `released` makes a space again. */

/** No-break space. */
export const KEEP = '\u00a0';

export function released(text: string): string {
  return text.replaceAll(KEEP, ' ');
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];
/** Up to two days hours are clearer: 24 h is rolling, a day is not. */
const HOURS_MS_MAX = 2 * 86_400_000;

/** The two largest units: `7 d`, `24 h`, `1 h 30 min`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}${KEEP}ms`;
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, unitMs] of UNITS) {
    if (unit === 'd' && ms < HOURS_MS_MAX) continue;
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0 && parts.length < 2) parts.push(`${count}${KEEP}${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.join(KEEP);
}

/** 50,000. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `2 of 3`. */
export function ofText(count: number, of: number): string {
  return [countText(count), 'of', countText(of)].join(KEEP);
}

/** Without the digits that only binary fractions have. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(12)));
}

export function percentText(share: number): string {
  return `${Number((share * 100).toPrecision(6))}${KEEP}%`;
}

/** A place in [0, 1), rounded down, so that it stays on its side of a share. */
export function placeText(u: number): string {
  return (Math.floor(u * 10_000) / 10_000).toFixed(4);
}

/** What customers and producers wrote must not move the cursor, nor turn the line around. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ');
}

export function shorten(text: string, lengthMax: number): string {
  const points = [...printable(text)];
  const cut = points.slice(0, points.length <= lengthMax ? lengthMax : lengthMax - 1).join('');
  return points.length <= lengthMax ? cut : `${cut.trimEnd()}…`;
}

/** `a, b and c`; of many the first few. */
export function listText(items: readonly string[], itemsMax: number): string {
  const shown = items.slice(0, itemsMax);
  if (shown.length < items.length) shown.push(`${items.length - shown.length} more`);
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
